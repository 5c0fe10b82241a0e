import {
  assert,
  LIMITS,
  type MemberId,
  present,
  Queue,
  RecentMap,
  type Scheduler,
  type SessionId,
  ZooKeeperError
} from '../base/index.js'
import type { AuthId } from '../tree/index.js'
import { type Request, type RequestBody, requestBytesBound } from '../wire/index.js'
import type { AppliedTxn } from './replica.js'

/** A write on its way: from the call until its txn is applied here. */
export interface PendingRequest extends Request {
  readonly bytes: number
  /** Called with the txn that answers it, or with the error that means it will never be answered. */
  readonly settle: (answer: AppliedTxn | ZooKeeperError) => void
  /** What its session issued behind it and does not go through the log: called directly after it has been settled. Null when there is nothing. */
  behind: FollowUp[] | null
}

/**
 * What is to be done between a write and the next. `overtaken` when that place cannot be found any more, because the state has passed the next
 * write of the session as well.
 */
export type FollowUp = (overtaken: ZooKeeperError | null) => void

/** Who issues numbered requests: one session, or the member's process itself. */
export class Requester {
  readonly session: SessionId
  readonly pending = new Queue<PendingRequest>()
  /** Who its next requests are said to come from. Replaced, never changed: a request keeps what it was issued with. */
  auth: readonly AuthId[] = []
  #cxid: number

  /** `cxid`: the number of the last request that the log has of it. */
  constructor(session: SessionId, cxid: number) {
    this.session = session
    this.#cxid = cxid
  }

  get last(): PendingRequest | null {
    return this.pending.last ?? null
  }

  nextCxid(): number {
    return ++this.#cxid
  }
}

/** What one turn of the event loop sends, and the leader then prepares in one of its own: a few milliseconds' work. */
const REQUESTS_PER_TURN = 512

export interface OutboxParts {
  readonly id: MemberId
  readonly scheduler: Scheduler
  readonly outstandingRequestsMax: number
  readonly outstandingBytesMax: number
  /** Hands a group to the leader. Called only while the member serves. */
  send(requests: readonly Request[]): void
}

/**
 * The requests of this member that have no answer yet, in order, and the promise that each takes effect exactly once whatever becomes of
 * leaders meanwhile: an answer is a txn in the log and nothing else, and what is unanswered once this member has applied the whole history
 * that a new epoch begins with is in no log, and is sent again under its old number.
 */
export class Outbox {
  readonly #parts: OutboxParts
  readonly #requesters = new RecentMap<SessionId, Requester>()
  #unsent: PendingRequest[] = []
  #open = false
  #flushPosted = false
  #count = 0
  #bytes = 0

  constructor(parts: OutboxParts) {
    this.#parts = parts
  }

  /** Requests without an answer. */
  get count(): number {
    return this.#count
  }

  /** `cxid`: the number of the last request that the log has of it, of a session that has been taken over; otherwise 0. */
  enrol(session: SessionId, cxid = 0): Requester {
    const requester = new Requester(session, cxid)
    assert(!this.#requesters.has(session), 'a session issues its requests in one place')
    this.#requesters.set(session, requester)
    return requester
  }

  /** The session is over: what it still waits for will never be answered. */
  dismiss(requester: Requester, error: ZooKeeperError): void {
    if (this.#requesters.get(requester.session) !== requester) return
    this.#requesters.delete(requester.session)
    this.#unsent = this.#unsent.filter(({ session }) => session !== requester.session)
    for (const pending of requester.pending.drain()) this.#settle(pending, error)
  }

  /**
   * Queues a request. All that is queued in one turn of the event loop leaves together. `auth`: who asks, if that is not who it is by now.
   * @throws ZooKeeperError `THROTTLED` when too much is outstanding, `BAD_ARGUMENTS` when it is too large for one txn
   */
  add(requester: Requester, body: RequestBody, settle: PendingRequest['settle'], auth = requester.auth): PendingRequest {
    const bytes = requestBytesBound(body, auth)
    if (bytes > LIMITS.requestBytesMax) {
      throw new ZooKeeperError('BAD_ARGUMENTS', { message: `a request of ${bytes} bytes, more than ${LIMITS.requestBytesMax}` })
    }
    const { outstandingRequestsMax, outstandingBytesMax, id } = this.#parts
    if (this.#count >= outstandingRequestsMax || (this.#count > 0 && this.#bytes + bytes > outstandingBytesMax)) {
      throw new ZooKeeperError('THROTTLED', { message: `${this.#count} requests of ${this.#bytes} bytes are outstanding` })
    }
    const { session } = requester
    const pending: PendingRequest = { session, member: id, cxid: requester.nextCxid(), auth, body, bytes, settle, behind: null }
    requester.pending.push(pending)
    this.#unsent.push(pending)
    this.#count++
    this.#bytes += bytes
    this.#post()
    return pending
  }

  /** The member serves, and has applied all that its epoch began with: what has no answer by now is sent (again). */
  open(): void {
    this.#open = true
    this.#unsent = [...this.#requesters.values()].flatMap(requester => requester.pending.toArray())
    this.#post()
  }

  /** There is no leader to send anything to. */
  close(): void {
    this.#open = false
  }

  /** A txn that answers a request of this process. */
  onAnswer(applied: AppliedTxn): void {
    const { session, cxid } = applied.txn
    const requester = this.#requesters.get(session)
    if (requester === undefined) return
    const pending = present(requester.pending.shift(), 'an answer belongs to a request')
    assert(pending.cxid === cxid, 'answers come in the order of the requests')
    this.#settle(pending, applied)
  }

  /** Requests up to number `cxid` are in a history that was replaced by a snapshot: they took effect or were refused, nobody knows which. */
  onAnsweredThrough(requester: Requester, cxid: number): void {
    const loss = new ZooKeeperError('CONNECTION_LOSS', { message: 'answered while this member was catching up by a snapshot' })
    const { pending } = requester
    for (let { first } = pending; first !== undefined && first.cxid <= cxid; { first } = pending) {
      pending.shift()
      this.#settle(first, loss, first.cxid < cxid ? loss : null)
    }
  }

  #settle(pending: PendingRequest, answer: AppliedTxn | ZooKeeperError, overtaken: ZooKeeperError | null = null): void {
    this.#count--
    this.#bytes -= pending.bytes
    pending.settle(answer)
    if (pending.behind !== null) for (const next of pending.behind) next(overtaken)
  }

  #post(): void {
    if (!this.#open || this.#flushPosted || this.#unsent.length === 0) return
    this.#flushPosted = true
    this.#parts.scheduler.post(() => {
      this.#flushPosted = false
      if (this.#open) this.#flush()
    })
  }

  /** Sends the next group, and leaves the rest to later turns: ten thousand requests after a leader change must not hold up the event loop. */
  #flush(): void {
    let count = 0
    let bytes = 0
    for (const pending of this.#unsent) {
      if (count >= REQUESTS_PER_TURN || (count > 0 && bytes + pending.bytes > LIMITS.batchBytesMax)) break
      count++
      bytes += pending.bytes
    }
    const group = this.#unsent
    this.#unsent = group.splice(count)
    this.#post()
    if (group.length > 0) this.#parts.send(group)
  }
}
