import type { MemberId, SessionId, Zxid } from '../../../lib/base/index.js'
import { Outbox } from '../../../lib/member/outbox.js'
import { PendingSessions, type SessionHome } from '../../../lib/member/pending-sessions.js'
import { RequestProcessor } from '../../../lib/member/request-processor.js'
import { Session } from '../../../lib/member/session.js'
import { SessionTable } from '../../../lib/session/index.js'
import { PendingTree } from '../../../lib/tree/index.js'
import type { Request } from '../../../lib/wire/index.js'
import { type Broken, type Mutant, patch, together } from './mutant.js'

/** Which request the leader has in hand. */
function withRequestInHand(broken: (inHand: () => Request | null) => Broken): Broken {
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
    broken(() => inHand)
  )
}

/** Sessions that are taken over, ended by others, and ended in several txns. */
export const MOVES: readonly Mutant[] = [
  {
    name: 'a request of the process that a session has left is accepted',
    breakIt: () =>
      withRequestInHand(inHand =>
        patch(
          PendingSessions.prototype,
          'homeOf',
          original =>
            function (this: PendingSessions, session: SessionId) {
              const home = original.call(this, session)
              const request = inHand()
              return home === null || request === null || request.session !== session ? home : { ...home, member: request.member }
            }
        )
      )
  },
  {
    // Its requests look like ones that were answered long ago; so that is broken as well.
    name: 'a session that is taken over numbers its requests from 1 again',
    breakIt: () =>
      together(
        patch(
          Outbox.prototype,
          'enrol',
          original =>
            function (this: Outbox, session: SessionId) {
              return original.call(this, session)
            }
        ),
        patch(
          PendingSessions.prototype,
          'move',
          original =>
            function (this: PendingSessions, member: MemberId, session: SessionId, password: Uint8Array) {
              const home = original.call(this, member, session, password)
              if (home !== null) this.setNumber(session, member, 0)
              return home
            }
        ),
        patch(
          SessionTable.prototype,
          'recordRequest',
          original =>
            function (this: SessionTable, session: SessionId, member: MemberId, cxid: number) {
              if (cxid === (this.lastRequest(session, member) ?? 0) + 1) original.call(this, session, member, cxid)
            }
        )
      )
  },
  {
    name: 'whoever ends another session leaves its ephemerals',
    breakIt: () =>
      withRequestInHand(inHand =>
        patch(
          PendingTree.prototype,
          'prepareClose',
          original =>
            function (this: PendingTree, session: SessionId, zxid: Zxid) {
              const end = original.call(this, session, zxid)
              return inHand()?.body.kind === 'terminateSession' ? { ...end, paths: end.paths.slice(1) } : end
            }
        )
      )
  },
  {
    name: 'a new leader forgets the sessions that were ending',
    plan: { longEnds: true, kinds: ['crash', 'crashAt'] },
    breakIt: () => patch(RequestProcessor.prototype, 'start', () => () => {})
  },
  {
    name: 'a session ends with the process that it has left',
    plan: { kinds: ['crash', 'close'] },
    breakIt: () => {
      const left = new WeakMap<PendingSessions, Map<SessionId, SessionHome>>()
      return together(
        patch(
          PendingSessions.prototype,
          'move',
          original =>
            function (this: PendingSessions, member: MemberId, session: SessionId, password: Uint8Array) {
              const before = this.homeOf(session)
              if (before !== null) left.set(this, (left.get(this) ?? new Map()).set(session, before))
              return original.call(this, member, session, password)
            }
        ),
        patch(
          PendingSessions.prototype,
          'livingIn',
          original =>
            function (this: PendingSessions, member: MemberId, exceptRun: string) {
              const away = [...(left.get(this) ?? [])].filter(
                ([session, home]) => home.member === member && home.run !== exceptRun && this.homeOf(session) !== null
              )
              return [...original.call(this, member, exceptRun), ...away.map(([session]) => session)]
            }
        )
      )
    }
  },
  {
    name: 'nobody tells a client that its session was taken away',
    breakIt: () => patch(Session.prototype, 'onMoved', () => () => {})
  }
]
