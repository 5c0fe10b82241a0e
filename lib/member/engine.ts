import createDebug from 'debug'
import {
  assert,
  type Epoch,
  isZooKeeperError,
  type MemberId,
  NO_SESSION,
  type Outcome,
  type Runtime,
  type SessionId,
  ZooKeeperError,
  type Zxid
} from '../base/index.js'
import type { MoveSessionChange } from '../session/index.js'
import type { Storage } from '../storage/index.js'
import type { PeerLinks, Refusal } from '../transport/index.js'
import type { QuotaExcess } from '../tree/index.js'
import {
  asList,
  asSessionId,
  decodeBounded,
  decodeRequests,
  encode,
  encodeRequests,
  type MemberMessage,
  type Request,
  type RequestBody
} from '../wire/index.js'
import { type Batch, majorityOf, type QuorumVerifier, type RoleName } from '../zab/index.js'
import { acceptedOf } from './answers.js'
import { Applier } from './applier.js'
import type { AuthSchemes } from './auth-schemes.js'
import { Conductor, type ConductorHandlers } from './conductor.js'
import { Deadlines } from './deadlines.js'
import { guardedRuntime } from './guarded-runtime.js'
import { type CheckedOptions, SESSIONS_MAX } from './options.js'
import { Outbox, type Requester } from './outbox.js'
import { ReadIndex } from './read-index.js'
import { type AppliedTxn, Replica } from './replica.js'
import { RequestProcessor } from './request-processor.js'
import { Session, type SessionHost } from './session.js'
import { Snapshotter } from './snapshotter.js'
import { Ticker } from './ticker.js'
import { WatchDispatcher } from './watch-dispatcher.js'

const debug = createDebug('embedded-zookeeper:session')

/** How long a failed store rests before it is opened again, in milliseconds: doubled from the first to the last. */
const REOPEN_FIRST = 100
const REOPEN_LAST = 5_000

export interface EngineParts {
  readonly id: MemberId
  /** Names this process among all that this member ever had. */
  readonly run: string
  readonly options: CheckedOptions
  readonly runtime: Runtime
  readonly storage: Storage
  readonly links: PeerLinks
  /** The stored state that the log goes on from. */
  readonly replica: Replica
}

/** What the engine tells the member that is built around it. */
export interface EngineHandlers {
  onRole(role: RoleName, leader: MemberId | null, reason: string): void
  /** Has begun (with the epoch) or ceased (null) to serve. */
  onServing(serving: Serving | null): void
  onSessionOver(session: Session): void
  /** A subtree has come to hold more than a soft limit of its quota allows. */
  onQuotaExceeded(excess: QuotaExcess): void
  onRefused(refusal: Refusal): void
  onConnected(connected: ReadonlySet<MemberId>): void
  onStorage(state: 'failed' | 'recovered', error: ZooKeeperError | null): void
  onStall(milliseconds: number): void
  onTick(): void
  /** Nothing can go on: the engine has stopped. */
  onFatal(error: Error): void
}

/** An established epoch, seen by a member that has applied what it began with. */
export interface Serving {
  readonly leader: MemberId
  readonly epoch: Epoch
}

interface Joining extends Serving {
  readonly zxidHistory: Zxid
}

/**
 * One member at work: the protocol (conductor), the replicated state (applier), the requests of this member (outbox), and, while it leads,
 * everybody's requests (request processor). It holds no policy of its own beyond who is told of what, and when.
 */
export class Engine implements ConductorHandlers, SessionHost {
  readonly id: MemberId
  readonly outbox: Outbox
  readonly watches: WatchDispatcher
  readonly deadlines: Deadlines
  readonly requestTimeout: number
  readonly maxDataLength: number
  readonly authSchemes: AuthSchemes
  readonly conductor: Conductor
  readonly #parts: EngineParts
  readonly #runtime: Runtime
  readonly #handlers: EngineHandlers
  readonly #quorum: QuorumVerifier
  readonly #applier: Applier
  readonly #readIndex: ReadIndex
  readonly #snapshotter: Snapshotter
  readonly #ticker: Ticker
  readonly #process: Requester
  readonly #sessions = new Map<SessionId, Session>()
  /** Sessions that this process has asked for, and whether somebody still waits for them. */
  readonly #takingOver = new Map<SessionId, () => boolean>()
  #joining: Joining | null = null
  #serving: Serving | null = null
  #processor: RequestProcessor | null = null
  /** Requests of learners that were faster than our own applying of the history. */
  #held: { readonly from: MemberId; readonly requests: readonly Request[] }[] = []
  readonly #whenServing: (() => void)[] = []
  readonly #whenDrained: (() => void)[] = []
  #whenApplied: { readonly zxid: Zxid; readonly callback: () => void }[] = []
  #unservedSince: number
  #closed = false
  storageError: ZooKeeperError | null = null

  constructor(parts: EngineParts, handlers: EngineHandlers) {
    const { id, options, storage, links, replica } = parts
    const runtime = guardedRuntime(parts.runtime, error => this.onFatal(error))
    const { scheduler, random } = runtime
    this.#runtime = runtime
    this.id = id
    this.#parts = parts
    this.#handlers = handlers
    this.requestTimeout = options.requestTimeout
    this.maxDataLength = options.maxDataLength
    this.authSchemes = options.authSchemes
    this.watches = new WatchDispatcher(error => this.report(error), options.watchesMax)
    this.deadlines = new Deadlines(runtime)
    const { initLimit, syncLimit, salvage, outstandingRequestsMax, outstandingBytesMax } = options
    const quorum = majorityOf([...options.addresses.keys()])
    this.#quorum = quorum
    this.conductor = new Conductor(
      { runtime, storage, links, peerOptions: { id, quorum, initLimit, syncLimit, salvage, random } },
      this
    )
    this.#applier = new Applier({ id, runtime, storage }, replica, {
      onApplied: applied => this.#onApplied(applied),
      onCaughtUp: zxid => this.#onCaughtUp(zxid),
      onReset: (before, after) => this.#onReset(before, after),
      onFailed: error => this.#onHistoryFailed(error)
    })
    this.outbox = new Outbox({
      id,
      scheduler,
      outstandingRequestsMax,
      outstandingBytesMax,
      send: requests => this.#forward(requests)
    })
    this.#readIndex = new ReadIndex({
      scheduler,
      ask: query => this.#askLeader(query),
      confirm: confirmation => this.conductor.dispatch({ kind: 'confirm', confirmation }),
      reply: (to, query, zxid) => {
        const epoch = this.conductor.peer?.epoch
        if (epoch !== undefined) this.conductor.sendMemberMessage(to, { kind: 'readIndexReply', epoch, query, zxid })
      }
    })
    this.#snapshotter = new Snapshotter({
      runtime,
      storage,
      snapCount: options.snapCount,
      onFinished: zxidBase => this.conductor.dispatch({ kind: 'purged', zxidBase }),
      onFailed: error => this.conductor.failStorage(error)
    })
    const ticksMax = initLimit + syncLimit
    this.#ticker = new Ticker(
      runtime,
      options.tickTime,
      ticksMax,
      () => this.#onTick(),
      milliseconds => this.#handlers.onStall(milliseconds)
    )
    this.#process = this.outbox.enrol(NO_SESSION)
    this.#unservedSince = runtime.clock.monotonic()
  }

  get replica(): Replica {
    return this.#applier.replica
  }

  get serving(): boolean {
    return this.#serving !== null
  }

  /** Whether a write could be acknowledged, as far as the links tell. */
  get canCommit(): boolean {
    const serving = this.#serving
    if (serving === null) return false
    const { connected } = this.conductor
    return serving.leader === this.id ? this.#quorum.isQuorum(new Set([this.id, ...connected])) : connected.has(serving.leader)
  }

  get sessions(): ReadonlyMap<SessionId, Session> {
    return this.#sessions
  }

  get leader(): MemberId | null {
    return this.conductor.peer?.leader ?? null
  }

  /** Takes part from here on. The first thing this process ever says is that it is another one than the last. */
  start(): void {
    this.conductor.start()
    this.#ticker.start()
    this.outbox.add(this.#process, { kind: 'enlist', run: this.#parts.run }, () => undefined)
  }

  /** Opens a session that lives in this process. Resolves once it is in the log and applied here. */
  openSession(timeout: number): Promise<Session> {
    return this.#ask({ kind: 'createSession', timeout }, answer => {
      const { change } = answer.txn
      assert(change.kind === 'createSession', 'what creates a session is answered by that')
      return this.#adopt(Replica.sessionIdOf(answer), change.timeout, change.password)
    })
  }

  /**
   * Takes a session over from the process that it lives in. Resolves once that is in the log and applied here.
   *
   * `isWanted` is asked then. What nobody waits for any more is not adopted, and not ended either, because what it owns is somebody's: it lives on
   * without a process, and expires unless it is taken over again.
   */
  takeOverSession(session: SessionId, password: Uint8Array, timeout: number, isWanted: () => boolean): Promise<Session> {
    if (this.#sessions.has(session) || this.#takingOver.get(session)?.() === true) {
      const message = `session ${session} lives in this process, or is on its way here`
      return Promise.reject(new ZooKeeperError('BAD_ARGUMENTS', { message }))
    }
    this.#takingOver.set(session, isWanted)
    return this.#ask({ kind: 'moveSession', session, password, timeout }, answer => {
      const { change } = answer.txn
      assert(change.kind === 'moveSession', 'what moves a session is answered by that')
      if (!isWanted()) throw new ZooKeeperError('OPERATION_TIMEOUT', { message: `nobody waits for session ${session}` })
      return this.#adopt(session, change.timeout, password)
    }).finally(() => {
      if (this.#takingOver.get(session) === isWanted) this.#takingOver.delete(session)
    })
  }

  /** Ends a session, wherever it lives. Resolves once it can do nothing more. */
  terminateSession(session: SessionId): Promise<void> {
    return this.#ask({ kind: 'terminateSession', session }, () => undefined)
  }

  whenServing(callback: () => void): void {
    if (this.serving) callback()
    else this.#whenServing.push(callback)
  }

  readIndex(callback: (zxid: Zxid) => void): void {
    this.#readIndex.ask(callback)
  }

  whenApplied(zxid: Zxid, callback: () => void): void {
    if (this.#applier.zxidApplied >= zxid) callback()
    else this.#whenApplied.push({ zxid, callback })
  }

  release(session: Session): void {
    // The session itself may live on, here too: in another handle.
    if (this.#sessions.get(session.sessionId) === session) {
      this.#sessions.delete(session.sessionId)
      this.#handlers.onSessionOver(session)
    }
    this.#settleDrained()
  }

  report(error: unknown): void {
    this.#parts.runtime.scheduler.post(() => {
      throw error
    })
  }

  /** Resolves once every request of this member has its answer; at once when there is no leader to answer. */
  drained(): Promise<void> {
    return new Promise(resolve => {
      this.#whenDrained.push(resolve)
      this.#settleDrained()
    })
  }

  /** Has the others elect anew at once, if this member leads and there are others. */
  handOver(): void {
    if (this.conductor.peer?.role !== 'leading' || this.conductor.connected.size === 0) return
    this.conductor.dispatch({ kind: 'abdicate', reason: 'the leader closes' })
  }

  /** Stops taking part. Sessions that are left end as they are told to. Storage and links are the owner's to close, after this. */
  async close(): Promise<void> {
    this.#closed = true
    this.#stopServing()
    this.#ticker.close()
    this.conductor.stop()
    this.#applier.close()
    this.#snapshotter.abandon()
    for (const session of [...this.#sessions.values()]) session.end('closed')
    // What has no answer by now may be on its way.
    this.outbox.dismiss(this.#process, new ZooKeeperError('CLOSED', { outcome: 'unknown' }))
    this.deadlines.close()
    await this.#snapshotter.idle()
  }

  // What the conductor tells.

  onLogged(batch: Batch): void {
    this.#applier.offer(batch)
  }

  onTruncated(zxid: Zxid): void {
    this.#applier.truncate(zxid)
  }

  onReplaced(): void {
    this.#snapshotter.abandon()
    this.#applier.reload()
  }

  onDeliver(through: Zxid): void {
    this.#applier.deliver(through)
  }

  onRole(role: RoleName, leader: MemberId | null, reason: string): void {
    this.#stopServing()
    this.#handlers.onRole(role, leader, reason)
  }

  onServing(leader: MemberId, epoch: Epoch, zxidHistory: Zxid): void {
    this.#joining = { leader, epoch, zxidHistory }
    this.#settleServing()
  }

  onConfirmed(confirmation: number, zxid: Zxid): void {
    this.#readIndex.onConfirmed(confirmation, zxid)
  }

  onDiskIdle(): void {
    this.#processor?.onDiskIdle()
  }

  onMemberMessage(from: MemberId, message: MemberMessage): void {
    const { peer } = this.conductor
    // Meant for an epoch that is over, or that this member has left.
    if (peer === null || !peer.serving || message.epoch !== peer.epoch) return
    switch (message.kind) {
      case 'requests':
        if (peer.role === 'leading') this.#onRequests(from, message.group)
        return
      case 'readIndex':
        if (peer.role === 'leading') this.#readIndex.onQuery(from, message.query)
        return
      case 'readIndexReply':
        if (from === peer.leader) this.#readIndex.onReply(message.query, message.zxid)
        return
    }
  }

  /** The sessions that live here: alive as long as this event loop turns. */
  pongPayload(): Uint8Array {
    return encode([...this.#sessions.keys()])
  }

  onLearnerAlive(learner: MemberId, payload: Uint8Array): void {
    if (this.#processor === null) return
    try {
      this.#processor.touch(asList(decodeBounded(payload), SESSIONS_MAX).map(asSessionId))
    } catch (error) {
      if (!isZooKeeperError(error, 'BAD_FRAME')) throw error
      this.conductor.disconnect(learner, error.message)
    }
  }

  onRefused(refusal: Refusal): void {
    this.#handlers.onRefused(refusal)
  }

  onConnected(connected: ReadonlySet<MemberId>): void {
    this.#handlers.onConnected(connected)
  }

  onStorageFailed(error: ZooKeeperError): void {
    this.#stopServing()
    this.#snapshotter.abandon()
    this.storageError = error
    this.#handlers.onRole('looking', null, 'storage failed')
    this.#handlers.onStorage('failed', error)
    this.#reopenAfter(REOPEN_FIRST)
  }

  /** A rule of our own was broken, or nothing can go on: the member stops, the application it lives in does not. */
  onFatal(error: unknown): void {
    if (this.#closed) return
    this.#handlers.onFatal(error instanceof Error ? error : new ZooKeeperError('SYSTEM_ERROR', { cause: error }))
  }

  // What the applier tells.

  #onApplied(applied: AppliedTxn): void {
    const { txn, events } = applied
    const { change } = txn
    // Before the answer to whoever has taken it over, which may be this process once more.
    if (change.kind === 'moveSession') this.#onSessionMoved(change)
    // Watches before answers: a session is told of a change before it can see it.
    this.watches.fire(events)
    if (txn.cxid > 0 && txn.member === this.id && (txn.session !== NO_SESSION || this.#isThisRunLast()))
      this.outbox.onAnswer(applied)
    this.#processor?.onApplied(applied)
    // Whatever of its writes stands in the log stands before this.
    if (change.kind === 'closeSession') this.#onSessionOver(change.session, 'not-applied')
    else if (change.kind === 'closingSession') this.#onSessionClosing(change.session)
    for (const excess of applied.excesses) this.#handlers.onQuotaExceeded(excess)
    this.#snapshotter.onApplied(this.replica)
  }

  /** No later process of this member is known to the log. */
  #isThisRunLast(): boolean {
    return this.replica.sessions.member(this.id)?.run === this.#parts.run
  }

  #onSessionOver(id: SessionId, pending: Outcome): void {
    const session = this.#sessions.get(id)
    if (session === undefined) return
    session.onEnded(pending)
    debug('session %d is %s', id, session.state)
    this.release(session)
  }

  /** One that has asked for its end waits until that is whole. */
  #onSessionClosing(id: SessionId): void {
    if (this.#sessions.get(id)?.isClosing === false) this.#onSessionOver(id, 'not-applied')
  }

  /** It lives in another process from here on: what it has asked for and has no answer by now will not be done. */
  #onSessionMoved({ session: id, member, run }: MoveSessionChange): void {
    const session = this.#sessions.get(id)
    if (session === undefined || (member === this.id && run === this.#parts.run)) return
    session.onMoved('not-applied')
    debug('session %d has moved to member %d', id, member)
    this.release(session)
  }

  /** From its process to the log and back: what `pick` makes of the txn that answers. */
  #ask<T>(body: RequestBody, pick: (answer: AppliedTxn) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.outbox.add(this.#process, body, answer => {
        try {
          if (answer instanceof ZooKeeperError) throw answer
          acceptedOf(answer)
          resolve(pick(answer))
        } catch (error) {
          reject(error)
        }
      })
    })
  }

  #adopt(id: SessionId, timeout: number, password: Uint8Array): Session {
    const cxid = this.replica.sessions.lastRequest(id, this.id) ?? 0
    const knownSince = this.#runtime.clock.monotonic()
    const session = new Session(this, { id, timeout, password, cxid, knownSince })
    this.#sessions.set(id, session)
    debug('session %d lives here', id)
    return session
  }

  #onCaughtUp(zxid: Zxid): void {
    this.#processor?.onCaughtUp(zxid)
    this.#settleServing()
    this.#settleDrained()
    if (this.#whenApplied.length === 0) return
    const due = this.#whenApplied.filter(waiter => waiter.zxid <= zxid)
    this.#whenApplied = this.#whenApplied.filter(waiter => waiter.zxid > zxid)
    for (const { callback } of due) callback()
  }

  /** The state has been replaced by a leader's snapshot: answers and ends of sessions that lie in between are known from it alone. */
  #onReset(before: Replica, after: Replica): void {
    this.watches.rebase(before.tree, after.tree)
    for (const [id, session] of [...this.#sessions]) {
      const record = after.sessions.session(id)
      if (record === null || (record.closing && !session.isClosing)) this.#onSessionOver(id, 'unknown')
      else if (record.member !== this.id || record.run !== this.#parts.run) {
        session.onMoved('unknown')
        this.release(session)
      }
    }
    this.#dropAnswered(this.#process, after)
    for (const session of this.#sessions.values()) this.#dropAnswered(session.requester, after)
  }

  /** Whose answer lies in the replaced history was done; what came of it is not known any more. */
  #dropAnswered(requester: Requester, replica: Replica): void {
    const { session } = requester
    if (session === NO_SESSION && !this.#isThisRunLast()) return
    const last = replica.sessions.lastRequest(session, this.id)
    if (last !== null) this.outbox.onAnsweredThrough(requester, last)
  }

  #onHistoryFailed(error: unknown): void {
    if (this.#closed || this.conductor.peer === null) return
    // What is whole and cannot be applied is a bug; what is not whole is the store's.
    const ofTheStore = isZooKeeperError(error, 'LOG_CORRUPTED') || isZooKeeperError(error, 'STORAGE_FAILED')
    if (ofTheStore) this.conductor.failStorage(error)
    else this.onFatal(error)
  }

  // Serving.

  #settleServing(): void {
    const joining = this.#joining
    if (joining === null || this.#applier.zxidReached < joining.zxidHistory) return
    this.#joining = null
    if (this.#applier.zxidApplied > this.#applier.zxidReached) return this.onFatal(beyondSalvage(this.#applier.zxidApplied))
    const { leader, epoch } = joining
    // The peer may have left the epoch again; that it has is the next thing we are told.
    if (!this.#actsIn(joining)) return
    this.#serving = { leader, epoch }
    if (leader === this.id) this.#beginReign()
    this.outbox.open()
    this.#readIndex.open()
    for (const session of this.#sessions.values()) session.onServing(true)
    this.#handlers.onServing(this.#serving)
    for (const callback of this.#whenServing.splice(0)) callback()
  }

  #stopServing(): void {
    this.#joining = null
    this.#processor?.end()
    this.#processor = null
    this.#held = []
    this.outbox.close()
    this.#readIndex.close()
    if (this.#serving === null) return
    this.#serving = null
    this.#settleDrained()
    this.#unservedSince = this.#runtime.clock.monotonic()
    for (const session of this.#sessions.values()) session.onServing(false)
    this.#handlers.onServing(null)
  }

  #beginReign(): void {
    const { options } = this.#parts
    const { tickTime, minSessionTimeout, maxSessionTimeout, containerCheckInterval, treeRules } = options
    const { conductor } = this
    const processor = new RequestProcessor(
      {
        id: this.id,
        ...this.#runtime,
        tickTime,
        minSessionTimeout,
        maxSessionTimeout,
        containerCheckInterval,
        rules: treeRules,
        zxidNext: () => this.#peer.zxidNext,
        proposalsLeft: () => this.#peer.proposalsLeft,
        diskBusy: () => conductor.diskBusy,
        propose: batch => conductor.dispatch({ kind: 'propose', batch }),
        onEpochExhausted: () => conductor.dispatch({ kind: 'abdicate', reason: 'the epoch has no numbers left' }),
        onViolation: (member, reason) => conductor.disconnect(member, reason)
      },
      this.replica
    )
    this.#processor = processor
    processor.start()
    for (const { from, requests } of this.#held.splice(0)) processor.submit(from, requests)
  }

  #settleDrained(): void {
    if (this.serving && this.outbox.count > 0) return
    for (const resolve of this.#whenDrained.splice(0)) resolve()
  }

  #actsIn({ leader, epoch }: Serving): boolean {
    const { peer } = this.conductor
    return peer?.serving === true && peer.leader === leader && peer.epoch === epoch
  }

  get #peer() {
    const { peer } = this.conductor
    if (peer === null) throw new ZooKeeperError('STORAGE_FAILED', { message: 'the protocol has stopped' })
    return peer
  }

  #onRequests(from: MemberId, group: Uint8Array): void {
    let requests: readonly Request[]
    try {
      requests = decodeRequests(group)
    } catch (error) {
      if (!isZooKeeperError(error, 'BAD_FRAME')) throw error
      this.conductor.disconnect(from, error.message)
      return
    }
    if (this.#processor === null) this.#held.push({ from, requests })
    else this.#processor.submit(from, requests)
  }

  #forward(requests: readonly Request[]): void {
    const serving = this.#serving
    // Dropped, not lost: whatever has no answer is sent again in the next epoch.
    if (serving === null || !this.#actsIn(serving)) return
    if (this.#processor !== null) this.#processor.submit(this.id, requests)
    else {
      const group = encodeRequests(requests)
      this.conductor.sendMemberMessage(serving.leader, { kind: 'requests', epoch: serving.epoch, group })
    }
  }

  #askLeader(query: number): void {
    const serving = this.#serving
    if (serving === null) return
    if (serving.leader === this.id) this.#readIndex.onQuery(null, query)
    else this.conductor.sendMemberMessage(serving.leader, { kind: 'readIndex', epoch: serving.epoch, query })
  }

  // Time.

  #onTick(): void {
    this.conductor.dispatch({ kind: 'tick' })
    if (this.#processor !== null) {
      this.#processor.touch([...this.#sessions.keys()])
      this.#processor.onTick()
    }
    this.#handlers.onTick()
    if (this.#serving !== null) return
    // Without a leader for that long, a session must be taken for dead here: the others may have ended it.
    const now = this.#runtime.clock.monotonic()
    for (const session of [...this.#sessions.values()]) {
      if (now - Math.max(this.#unservedSince, session.knownSince) < session.sessionTimeout) continue
      session.end('expired')
      this.release(session)
    }
  }

  #reopenAfter(milliseconds: number): void {
    this.#runtime.scheduler.after(milliseconds, () => {
      if (this.#closed) return
      this.#parts.storage.reopen().then(
        () => this.#runtime.scheduler.post(() => this.#onReopened()),
        (error: unknown) => {
          debug('the store cannot be reopened: %o', error)
          this.#reopenAfter(Math.min(milliseconds * 2, REOPEN_LAST))
        }
      )
    })
  }

  #onReopened(): void {
    if (this.#closed) return
    this.storageError = null
    this.#applier.distrust()
    // A replacement had taken the place of the log, and the failure came before we were told.
    if (this.#parts.storage.state.log.zxidBase > this.#applier.zxidReached) this.onReplaced()
    this.conductor.start()
    this.#handlers.onStorage('recovered', null)
  }
}

/** A process cannot take back what it has shown: it ends, and the next one begins with what was salvaged. */
function beyondSalvage(zxid: Zxid): ZooKeeperError {
  const message = 'the ensemble goes on from a salvaged history that ends before what this process has applied'
  return new ZooKeeperError('LOG_CORRUPTED', { message, zxid })
}
