import {
  type Clock,
  LIMITS,
  type MemberId,
  NO_SESSION,
  type Random,
  type Scheduler,
  type SessionId,
  type Ticks,
  type Zxid,
  zxidPlus
} from '../base/index.js'
import { SessionTracker } from '../session/index.js'
import { type Operation, PendingTree } from '../tree/index.js'
import { encodeTxn, type Request, type RequestBody, type Txn, type TxnChange } from '../wire/index.js'
import { type Batch, batchOf } from '../zab/index.js'
import type { AppliedTxn, Replica } from './replica.js'

const PASSWORD_BYTES = 16

export interface RequestProcessorParts {
  readonly id: MemberId
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly random: Random
  readonly tickTime: number
  readonly minSessionTimeout: number
  readonly maxSessionTimeout: number
  /** The zxid that the next proposal must carry. */
  zxidNext(): Zxid
  /** How many more the epoch has numbers for. */
  proposalsLeft(): number
  propose(batch: Batch): void
  /** The epoch is used up. */
  onEpochExhausted(): void
  /** A member has sent what it never should. */
  onViolation(member: MemberId, reason: string): void
}

/** A session or process whose requests are under way: what the committed tables do not know yet. */
interface PendingSession {
  readonly member: MemberId
  readonly run: string
}

/**
 * The leader's side of a write: judges each request against committed state plus what is outstanding, turns it into a txn, and gathers the
 * txns of one turn of the event loop in one batch. One object for one reign: what is outstanding belongs to an epoch.
 */
export class RequestProcessor {
  readonly #parts: RequestProcessorParts
  readonly #replica: Replica
  readonly #pending: PendingTree
  readonly #tracker: SessionTracker
  /** The number of the last request that is on its way into the log, by session, or by member as a negative number. */
  readonly #numbers = new Map<number, number>()
  readonly #runs = new Map<MemberId, string>()
  readonly #created = new Map<SessionId, PendingSession>()
  readonly #closing = new Set<SessionId>()
  #now = 0 as Ticks
  #open: Uint8Array[] = []
  #openBytes = 0
  #flushPosted = false
  #time = 0
  #ended = false

  constructor(parts: RequestProcessorParts, replica: Replica) {
    this.#parts = parts
    this.#replica = replica
    this.#pending = new PendingTree(replica.tree)
    this.#tracker = new SessionTracker(this.#now)
    for (const session of replica.sessions.sessions()) this.#tracker.add(session.id, this.#ticksOf(session.timeout), this.#now)
  }

  /** Requests of one member, in the order in which their sessions issued them. */
  submit(from: MemberId, requests: readonly Request[]): void {
    for (const request of requests) {
      if (this.#ended) return
      if (request.member !== from) return this.#parts.onViolation(from, 'a request in the name of another member')
      if (!this.#take(request)) return
    }
  }

  /** A member has said which of its sessions are alive. */
  touch(sessions: readonly SessionId[]): void {
    for (const session of sessions) this.#tracker.touch(session, this.#now)
  }

  onTick(): void {
    this.#now = (this.#now + 1) as Ticks
    for (const session of this.#tracker.tick(this.#now)) this.#close(session)
  }

  onApplied(applied: AppliedTxn): void {
    const { change } = applied.txn
    if (change.kind === 'createSession') {
      const session = applied.zxid as number as SessionId
      this.#created.delete(session)
      this.#tracker.add(session, this.#ticksOf(change.timeout), this.#now)
    } else if (change.kind === 'closeSession') {
      this.#tracker.remove(change.session)
      this.#closing.delete(change.session)
      this.#numbers.delete(change.session)
    }
  }

  onCaughtUp(zxidApplied: Zxid): void {
    this.#pending.forget(zxidApplied)
  }

  /** The reign is over: what is in the open batch was never proposed. */
  end(): void {
    this.#ended = true
    this.#open = []
  }

  /** False when the rest of the group must not be looked at. */
  #take(request: Request): boolean {
    const { session, member, cxid, body } = request
    const ofTheProcess = body.kind === 'enlist' || body.kind === 'createSession'
    if (ofTheProcess !== (session === NO_SESSION) || this.#livesElsewhere(session, member)) {
      this.#parts.onViolation(member, 'a request that its sender cannot make')
      return false
    }
    if (body.kind === 'enlist') {
      this.#enlist(member, cxid, body.run)
      return true
    }
    const last = this.#lastNumber(session, member)
    if (last === null && session === NO_SESSION) {
      this.#parts.onViolation(member, 'a request of a process that has not enlisted')
      return false
    }
    if (last !== null && cxid <= last) return true
    if (last !== null && cxid !== last + 1) {
      this.#parts.onViolation(member, `request ${cxid} behind ${last}: one is missing`)
      return false
    }
    if (last !== null) this.#numbers.set(keyOf(session, member), cxid)
    this.#add({ session, member, cxid, change: zxid => this.#changeFor(session, member, last !== null, body, zxid) })
    return true
  }

  #changeFor(
    session: SessionId,
    member: MemberId,
    known: boolean,
    body: Exclude<RequestBody, { kind: 'enlist' }>,
    zxid: Zxid
  ): TxnChange {
    switch (body.kind) {
      case 'createSession': {
        const { minSessionTimeout, maxSessionTimeout, random } = this.#parts
        const timeout = Math.min(Math.max(body.timeout, minSessionTimeout), maxSessionTimeout)
        const run = this.#runs.get(member) ?? this.#replica.sessions.member(member)?.run ?? ''
        this.#numbers.set(zxid, 0)
        this.#created.set(zxid as number as SessionId, { member, run })
        return { kind: 'createSession', timeout, member, run, password: random.bytes(PASSWORD_BYTES) }
      }
      case 'closeSession':
        if (!known || this.#closing.has(session)) return { kind: 'refused', code: 'SESSION_EXPIRED' }
        this.#closing.add(session)
        return { kind: 'closeSession', session, paths: this.#pending.prepareClose(session, zxid) }
      default:
        if (!known) return { kind: 'refused', code: 'SESSION_EXPIRED' }
        return this.#operation(body, session, zxid)
    }
  }

  #operation(operation: Operation, session: SessionId, zxid: Zxid): TxnChange {
    const change = this.#pending.prepare(operation, session, zxid)
    // Only a session's end deletes ephemerals, and that is prepared elsewhere.
    return change.kind === 'deleteEphemerals' ? { kind: 'refused', code: 'SYSTEM_ERROR' } : change
  }

  /** A process has begun: whatever lives in a former process of that member is dead, and need not wait for its timeout. */
  #enlist(member: MemberId, cxid: number, run: string): void {
    const current = this.#runs.get(member) ?? this.#replica.sessions.member(member)?.run
    if (current === run) return
    this.#runs.set(member, run)
    this.#numbers.set(keyOf(NO_SESSION, member), cxid)
    this.#add({ session: NO_SESSION, member, cxid, change: () => ({ kind: 'enlist', member, run }) })
    for (const session of this.#replica.sessions.sessionsOf(member, run)) this.#close(session.id)
    for (const [session, pending] of this.#created) if (pending.member === member && pending.run !== run) this.#close(session)
  }

  /** Ends a session of the leader's own accord. */
  #close(session: SessionId): void {
    if (this.#closing.has(session)) return
    this.#closing.add(session)
    const { id } = this.#parts
    const change = (zxid: Zxid): TxnChange => ({
      kind: 'closeSession',
      session,
      paths: this.#pending.prepareClose(session, zxid)
    })
    this.#add({ session, member: id, cxid: 0, change })
  }

  #add(draft: Omit<Txn, 'time' | 'change'> & { readonly change: (zxid: Zxid) => TxnChange }): void {
    if (this.#ended) return
    if (this.#parts.proposalsLeft() <= this.#open.length) {
      this.#flush()
      this.#parts.onEpochExhausted()
      return
    }
    const { session, member, cxid } = draft
    const change = draft.change(zxidPlus(this.#parts.zxidNext(), this.#open.length))
    // The leader's wall clock may jump back; the times in the log do not.
    this.#time = Math.max(this.#time, Math.floor(this.#parts.clock.wall()))
    const bytes = encodeTxn({ session, member, cxid, time: this.#time, change })
    this.#open.push(bytes)
    this.#openBytes += bytes.length
    if (this.#open.length >= LIMITS.batchTxnsMax || this.#openBytes >= LIMITS.batchBytesMax) return this.#flush()
    if (this.#flushPosted) return
    this.#flushPosted = true
    this.#parts.scheduler.post(() => {
      this.#flushPosted = false
      if (!this.#ended) this.#flush()
    })
  }

  #flush(): void {
    if (this.#open.length === 0) return
    const batch = batchOf(this.#parts.zxidNext(), this.#open)
    this.#open = []
    this.#openBytes = 0
    this.#parts.propose(batch)
  }

  #livesElsewhere(session: SessionId, member: MemberId): boolean {
    const home = this.#created.get(session) ?? this.#replica.sessions.session(session)
    return home !== null && home.member !== member
  }

  #lastNumber(session: SessionId, member: MemberId): number | null {
    return this.#numbers.get(keyOf(session, member)) ?? this.#replica.sessions.lastRequest(session, member)
  }

  #ticksOf(milliseconds: number): Ticks {
    return Math.max(1, Math.ceil(milliseconds / this.#parts.tickTime)) as Ticks
  }
}

function keyOf(session: SessionId, member: MemberId): number {
  return session === NO_SESSION ? -member : session
}
