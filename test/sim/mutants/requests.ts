import type { MemberId, SessionId, Zxid } from '../../../lib/base/index.js'
import { Outbox, type PendingRequest, type Requester } from '../../../lib/member/outbox.js'
import type { AppliedTxn } from '../../../lib/member/replica.js'
import { RequestProcessor } from '../../../lib/member/request-processor.js'
import { SessionTable } from '../../../lib/session/index.js'
import { type Caller, type Operation, PendingTree } from '../../../lib/tree/index.js'
import type { PeerMessage, Request, RequestBody } from '../../../lib/wire/index.js'
import { type Broken, type Mutant, onMessages, patch, together } from './mutant.js'

/** The leader judges requests by `last`, which is given what the table says of the request before the one in hand. */
function lastRequestSeenAs(last: (known: number, request: Request) => number): Broken {
  let inHand: Request | null = null
  return together(
    patch(
      RequestProcessor.prototype,
      'submit',
      original =>
        function (this: RequestProcessor, from: MemberId, requests: readonly Request[]) {
          for (const request of requests) {
            inHand = request
            original.call(this, from, [request])
          }
          inHand = null
        }
    ),
    patch(
      SessionTable.prototype,
      'lastRequest',
      original =>
        function (this: SessionTable, session: SessionId, member: MemberId) {
          const known = original.call(this, session, member)
          if (known === null || inHand === null || inHand.session !== session || inHand.member !== member) return known
          return last(known, inHand)
        }
    ),
    // And nobody notices when it is applied.
    patch(
      SessionTable.prototype,
      'recordRequest',
      original =>
        function (this: SessionTable, session: SessionId, member: MemberId, cxid: number) {
          const known = this.lastRequest(session, member) ?? 0
          if (cxid === known + 1) original.call(this, session, member, cxid)
          else for (let next = known + 1; next <= cxid; next++) original.call(this, session, member, next)
        }
    )
  )
}

/** What was unanswered when the leader was lost is sent to the next one, whatever was heard of it meanwhile. */
function sendingAgain(): Broken {
  const requesters = new WeakMap<Outbox, Requester[]>()
  const unanswered = new WeakMap<Requester, readonly PendingRequest[]>()
  return together(
    patch(
      Outbox.prototype,
      'enrol',
      original =>
        function (this: Outbox, session: SessionId, cxid?: number) {
          const requester = original.call(this, session, cxid)
          requesters.set(this, [...(requesters.get(this) ?? []), requester])
          return requester
        }
    ),
    patch(
      Outbox.prototype,
      'close',
      original =>
        function (this: Outbox) {
          for (const requester of requesters.get(this) ?? []) unanswered.set(requester, requester.pending.toArray())
          original.call(this)
        }
    ),
    patch(
      Outbox.prototype,
      'open',
      original =>
        function (this: Outbox) {
          const again = (requesters.get(this) ?? []).map(requester => {
            const waiting = requester.pending.drain()
            const answered = (unanswered.get(requester) ?? []).filter(pending => !waiting.includes(pending))
            for (const pending of [...answered, ...waiting]) requester.pending.push(pending)
            return { requester, count: answered.length }
          })
          original.call(this)
          for (const { requester, count } of again) for (let each = 0; each < count; each++) requester.pending.shift()
        }
    ),
    // A second answer finds nobody who waits for it.
    patch(
      Outbox.prototype,
      'onAnswer',
      original =>
        function (this: Outbox, applied: AppliedTxn) {
          const { session, cxid } = applied.txn
          const requester = requesters.get(this)?.find(each => each.session === session)
          if (requester?.pending.first?.cxid === cxid) original.call(this, applied)
        }
    )
  )
}

/** Exactly once, in order, and answered by the log. */
export const REQUESTS: readonly Mutant[] = [
  {
    // The leader would tell it from a new one, so that is broken as well.
    name: 'a request is sent again after a change of leader although the new history holds it, and takes effect twice',
    breakIt: () =>
      together(
        lastRequestSeenAs((known, { cxid }) => (cxid <= known ? cxid - 1 : known)),
        sendingAgain()
      )
  },
  {
    name: 'a forwarded request is accepted by the leader of a later epoch',
    breakIt: () => {
      const last = new Map<number, Extract<PeerMessage, { kind: 'requests' }>>()
      return together(
        lastRequestSeenAs((known, { cxid }) => (cxid > known + 1 ? cxid - 1 : known)),
        onMessages(from => message => {
          if (message.kind !== 'requests') return [message]
          const former = last.get(from)
          last.set(from, message)
          if (former === undefined || former.epoch >= message.epoch) return [message]
          return [{ ...former, epoch: message.epoch }, message]
        })
      )
    }
  },
  {
    name: 'a refusal is told before its txn commits',
    breakIt: () => {
      const outboxes = new Map<SessionId, { readonly outbox: Outbox; readonly requester: Requester }>()
      const told = new WeakSet<PendingRequest>()
      return together(
        patch(
          Outbox.prototype,
          'add',
          original =>
            function (this: Outbox, requester: Requester, body: RequestBody, settle: PendingRequest['settle']) {
              outboxes.set(requester.session, { outbox: this, requester })
              const pending: PendingRequest = original.call(this, requester, body, answer => {
                if (!told.has(pending)) settle(answer)
              })
              earlySettle.set(pending, settle)
              return pending
            }
        ),
        patch(
          PendingTree.prototype,
          'prepare',
          original =>
            function (this: PendingTree, operation: Operation, caller: Caller, zxid: Zxid, time: number) {
              const { session } = caller
              const change = original.call(this, operation, caller, zxid, time)
              const pending = outboxes
                .get(session)
                ?.requester.pending.toArray()
                .find(each => !told.has(each))
              if (change.kind !== 'refused' || pending === undefined || pending.body !== operation) return change
              told.add(pending)
              const { member, cxid } = pending
              const txn = { session, member, cxid, time: 0, change }
              earlySettle.get(pending)?.({ zxid, txn, result: change, events: [], excesses: [] } satisfies AppliedTxn)
              return change
            }
        )
      )
    }
  }
]

const earlySettle = new WeakMap<PendingRequest, PendingRequest['settle']>()
