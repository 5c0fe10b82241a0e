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
import { type Operation, PendingTree, type TreeRules } from '../tree/index.js'
import { OpenBatch, type Request, type RequestBody, type Txn, type TxnChange } from '../wire/index.js'
import type { Batch } from '../zab/index.js'
import { ContainerReaper } from './container-reaper.js'
import { PendingSessions } from './pending-sessions.js'
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
  readonly rules: TreeRules
  /** Milliseconds between two rounds in which containers and TTL znodes are looked at. */
  readonly containerCheckInterval: number
  /** The zxid that the next proposal must carry. */
  zxidNext(): Zxid
  /** How many more the epoch has numbers for. */
  proposalsLeft(): number
  /** Whether the leader's disk is at work, so that a batch proposed now would wait for it. */
  diskBusy(): boolean
  propose(batch: Batch): void
  /** The epoch is used up. */
  onEpochExhausted(): void
  /** A member has sent what it never should. */
  onViolation(member: MemberId, reason: string): void
}

/** A session that is being ended. */
interface Closing {
  /** The session's own request to be closed, which the last txn of its end answers; null when it has not asked. */
  asked: { readonly member: MemberId; readonly cxid: number } | null
  /** The last txn of its end is on its way. */
  isDone: boolean
}

type Draft = Omit<Txn, 'time'>

const OF_SESSIONS: ReadonlySet<TxnChange['kind']> = new Set([
  'enlist',
  'createSession',
  'moveSession',
  'closingSession',
  'closeSession'
])

/**
 * The leader's side of a write: judges each request against committed state plus what is outstanding, turns it into a txn, and gathers the
 * txns of one turn of the event loop, or of one write of the disk, in one batch. One object for one reign: what is outstanding belongs to an
 * epoch.
 *
 * PERF: a batch that is proposed while the disk is at work would wait for it all the same, in every log, and be sent, logged and acknowledged
 * by itself; so it is left open for more until the disk is done.
 */
export class RequestProcessor {
  readonly #parts: RequestProcessorParts
  readonly #replica: Replica
  readonly #pending: PendingTree
  readonly #sessions: PendingSessions
  readonly #tracker: SessionTracker
  readonly #reaper: ContainerReaper
  readonly #closing = new Map<SessionId, Closing>()
  #now = 0 as Ticks
  readonly #open = new OpenBatch()
  #flushPosted = false
  /** The open batch holds what is not to wait for the disk. */
  #isUrgent = false
  #time = 0
  #ended = false

  constructor(parts: RequestProcessorParts, replica: Replica) {
    this.#parts = parts
    this.#replica = replica
    this.#pending = new PendingTree(replica.tree, parts.rules)
    this.#sessions = new PendingSessions(replica.sessions)
    this.#reaper = new ContainerReaper(replica.tree, this.#pending, this.#ticksOf(parts.containerCheckInterval))
    this.#tracker = new SessionTracker(this.#now)
    for (const session of replica.sessions.sessions()) this.#tracker.add(session.id, this.#ticksOf(session.timeout), this.#now)
  }

  /** Brings to their end the sessions that a former leader has not. */
  start(): void {
    for (const { id, closing } of this.#replica.sessions.sessions()) if (closing) this.#close(id)
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
    for (const path of this.#reaper.onTick(this.#wall())) this.#deleteContainer(path)
  }

  onApplied(applied: AppliedTxn): void {
    const { change } = applied.txn
    this.#sessions.onApplied(applied)
    if (change.kind === 'createSession') {
      this.#tracker.add(applied.zxid as number as SessionId, this.#ticksOf(change.timeout), this.#now)
    } else if (change.kind === 'moveSession') {
      this.#tracker.add(change.session, this.#ticksOf(change.timeout), this.#now)
    } else if (change.kind === 'closeSession') {
      this.#tracker.remove(change.session)
      this.#closing.delete(change.session)
    }
  }

  onCaughtUp(zxidApplied: Zxid): void {
    this.#pending.forget(zxidApplied)
  }

  onDiskIdle(): void {
    if (!this.#ended) this.#flush()
  }

  /** The reign is over: what is in the open batch was never proposed. */
  end(): void {
    this.#ended = true
    this.#open.clear()
  }

  /** False when the rest of the group must not be looked at. */
  #take(request: Request): boolean {
    const { session, member, cxid, body } = request
    if (isOfTheProcess(body) !== (session === NO_SESSION)) {
      this.#parts.onViolation(member, 'a request that its sender cannot make')
      return false
    }
    if (body.kind === 'enlist') {
      this.#enlist(member, cxid, body.run)
      return true
    }
    const home = session === NO_SESSION ? null : this.#sessions.homeOf(session)
    // The session has moved: its former process learns from the log that this was not done.
    if (home !== null && home.member !== member) return true
    // It has asked to be closed, and asks for nothing more.
    if (this.#closing.size > 0 && this.#closing.get(session)?.asked != null) return true
    const last = this.#sessions.lastNumber(session, member)
    if (last === null && session === NO_SESSION) {
      this.#parts.onViolation(member, 'a request of a process that has not enlisted')
      return false
    }
    if (last !== null && cxid <= last) return true
    if (last !== null && cxid !== last + 1) {
      this.#parts.onViolation(member, `request ${cxid} behind ${last}: one is missing`)
      return false
    }
    if (last !== null) this.#sessions.setNumber(session, member, cxid)
    if (body.kind === 'closeSession' && last !== null && this.#closeAsAsked(request)) return true
    if (body.kind === 'terminateSession' && this.#terminate(request, body.session)) return true
    if (!this.#hasPlace()) return true
    const change = this.#changeFor(request, last !== null, this.#zxid, this.#time)
    this.#put({ session, member, cxid, time: this.#time, change })
    return true
  }

  #changeFor(request: Request, known: boolean, zxid: Zxid, time: number): TxnChange {
    const { member, body } = request
    switch (body.kind) {
      case 'createSession': {
        const timeout = this.#negotiated(body.timeout)
        const password = this.#parts.random.bytes(PASSWORD_BYTES)
        const { run } = this.#sessions.create(zxid, member, password)
        return { kind: 'createSession', timeout, member, run, password }
      }
      case 'moveSession': {
        const home = this.#closing.has(body.session) ? null : this.#sessions.move(member, body.session, body.password)
        // A wrong password is told nothing more than an unknown session: as in ZooKeeper.
        if (home === null) return { kind: 'refused', code: 'SESSION_EXPIRED' }
        // Its former process may be dead: it must not expire on its way to the next, whose timeout it has from here on.
        const timeout = this.#negotiated(body.timeout)
        this.#tracker.add(body.session, this.#ticksOf(timeout), this.#now)
        return { kind: 'moveSession', session: body.session, timeout, member, run: home.run }
      }
      case 'closeSession':
      case 'terminateSession':
      case 'enlist':
        return { kind: 'refused', code: 'SESSION_EXPIRED' }
      default:
        return known ? this.#operation(body, request, zxid, time) : { kind: 'refused', code: 'SESSION_EXPIRED' }
    }
  }

  #operation(operation: Operation, caller: Parameters<PendingTree['prepare']>[1], zxid: Zxid, time: number): TxnChange {
    const change = this.#pending.prepare(operation, caller, zxid, time)
    // Only a session's end deletes ephemerals, and that is prepared elsewhere.
    return change.kind === 'deleteEphemerals' ? { kind: 'refused', code: 'SYSTEM_ERROR' } : change
  }

  /** A process has begun: whatever lives in a former process of that member is dead, and need not wait for its timeout. */
  #enlist(member: MemberId, cxid: number, run: string): void {
    if (!this.#sessions.enlist(member, cxid, run)) return
    this.#add(() => ({ session: NO_SESSION, member, cxid, change: { kind: 'enlist', member, run } }))
    for (const session of this.#sessions.livingIn(member, run)) this.#close(session)
  }

  /** False when the session is over already. Where it is being ended for another reason, the last txn of that answers. */
  #closeAsAsked({ session, member, cxid }: Request): boolean {
    const closing = this.#closing.get(session)
    if (closing?.isDone) return false
    if (closing === undefined) this.#close(session, { member, cxid })
    else closing.asked = { member, cxid }
    return true
  }

  /** False when there is no such session. The first txn of its end answers: behind it the session does nothing more. */
  #terminate({ member, cxid }: Request, target: SessionId): boolean {
    if (this.#closing.has(target) || this.#sessions.homeOf(target) === null) return false
    this.#closing.set(target, { asked: null, isDone: false })
    this.#closeNext(target, { session: NO_SESSION, member, cxid })
    return true
  }

  /** Ends a session, of the leader's own accord unless it has asked for it. */
  #close(session: SessionId, asked: Closing['asked'] = null): void {
    if (this.#closing.has(session)) return
    this.#closing.set(session, { asked, isDone: false })
    this.#closeNext(session)
  }

  /** The next txn of a session's end: as much as one turn of the event loop applies. `answers`: a request that this txn answers. */
  #closeNext(session: SessionId, answers: Omit<Draft, 'change'> | null = null): void {
    const closing = this.#closing.get(session)
    if (closing === undefined || this.#ended) return
    const ownAccord = { session, member: this.#parts.id, cxid: 0 }
    this.#add(zxid => {
      const { paths, isLast } = this.#pending.prepareClose(session, zxid)
      closing.isDone = isLast
      if (!isLast) return { ...(answers ?? ownAccord), change: { kind: 'closingSession', session, paths } }
      const asked = closing.asked === null ? ownAccord : { session, ...closing.asked }
      return { ...(answers ?? asked), change: { kind: 'closeSession', session, paths } }
    })
    if (!closing.isDone) this.#parts.scheduler.post(() => this.#closeNext(session))
  }

  #deleteContainer(path: string): void {
    this.#add((zxid, time) => {
      const change = this.#pending.prepareDeleteContainer(path, zxid, time)
      return { session: NO_SESSION, member: this.#parts.id, cxid: 0, change }
    })
  }

  #add(draft: (zxid: Zxid, time: number) => Draft): void {
    if (this.#hasPlace()) this.#put({ ...draft(this.#zxid, this.#time), time: this.#time })
  }

  /** Whether one more txn can be proposed, and at what time. False when the reign is over, or the epoch's numbers are. */
  #hasPlace(): boolean {
    if (this.#ended) return false
    if (this.#parts.proposalsLeft() <= this.#open.count) {
      this.#flush()
      this.#parts.onEpochExhausted()
      return false
    }
    this.#time = this.#wall()
    return true
  }

  /** What the next txn will have. */
  get #zxid(): Zxid {
    return zxidPlus(this.#parts.zxidNext(), this.#open.count)
  }

  /** What is about sessions was decided by the time that it is now, and is proposed at that time whatever the disk does. */
  #put(txn: Txn): void {
    this.#open.add(txn)
    if (OF_SESSIONS.has(txn.change.kind)) this.#isUrgent = true
    if (this.#open.count >= LIMITS.batchTxnsMax || this.#open.bytes >= LIMITS.batchBytesMax) return this.#flush()
    if (this.#flushPosted) return
    this.#flushPosted = true
    this.#parts.scheduler.post(() => {
      this.#flushPosted = false
      if (!this.#ended && (this.#isUrgent || !this.#parts.diskBusy())) this.#flush()
    })
  }

  #flush(): void {
    this.#isUrgent = false
    if (this.#open.count > 0) this.#parts.propose(this.#open.close(this.#parts.zxidNext()))
  }

  /** The leader's wall clock may jump back; the times in the log do not. */
  #wall(): number {
    return Math.max(this.#time, Math.floor(this.#parts.clock.wall()))
  }

  #negotiated(timeout: number): number {
    const { minSessionTimeout, maxSessionTimeout } = this.#parts
    return Math.min(Math.max(timeout, minSessionTimeout), maxSessionTimeout)
  }

  #ticksOf(milliseconds: number): Ticks {
    return Math.max(1, Math.ceil(milliseconds / this.#parts.tickTime)) as Ticks
  }
}

/** What a process asks on its own behalf, outside any session. */
function isOfTheProcess({ kind }: RequestBody): boolean {
  return kind === 'enlist' || kind === 'createSession' || kind === 'moveSession' || kind === 'terminateSession'
}
