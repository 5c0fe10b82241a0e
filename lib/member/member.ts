import { EventEmitter } from 'node:events'
import {
  type Epoch,
  isZooKeeperError,
  type MemberId,
  NO_EPOCH,
  NO_SESSION,
  type Runtime,
  type SessionId,
  ZooKeeperError,
  type Zxid
} from '../base/index.js'
import type { Storage } from '../storage/index.js'
import type { PeerLinks, Refusal } from '../transport/index.js'
import type { AuthId, QuotaExcess } from '../tree/index.js'
import type { RoleName } from '../zab/index.js'
import { Call } from './call.js'
import { ChrootView } from './chroot.js'
import { CurrentSession } from './current-session.js'
import { describeWaiting } from './describe-waiting.js'
import { Engine, type EngineHandlers, type Serving } from './engine.js'
import type { EnsembleMember, MemberEvents, MemberProgress, SessionOptions } from './ensemble-member.js'
import { LocalView } from './local-view.js'
import type { CheckedOptions } from './options.js'
import type { Replica } from './replica.js'
import type { Session } from './session.js'
import { checkedSessionId, checkedSessionOptions } from './session-arguments.js'
import type { MemberStatus } from './status.js'
import { TreeView } from './tree-view.js'
import type { LocalTree, SessionState, ZooKeeper } from './zookeeper.js'

/** How long closing waits for what is outstanding, in milliseconds. */
const CLOSE_MILLISECONDS_MAX = 3_000
const CLOSE_LOOK_MILLISECONDS = 50

export interface MemberParts {
  readonly id: MemberId
  readonly run: string
  readonly options: CheckedOptions
  readonly runtime: Runtime
  readonly storage: Storage
  readonly links: PeerLinks
  readonly replica: Replica
}

type Emitted = { [Name in keyof MemberEvents]: MemberEvents[Name] }

/** The member as its application sees it: the engine, a session of its own, and what is to be told. */
export class Member extends CurrentSession implements EnsembleMember, EngineHandlers {
  readonly id: MemberId
  readonly local: LocalTree
  readonly events = new EventEmitter<Emitted>()
  readonly #parts: MemberParts
  readonly #engine: Engine
  readonly #stateListeners = new Set<(state: SessionState) => void>()
  readonly #refusals = new Map<MemberId | null, Refusal>()
  #session: Session | null = null
  /** Who its last session had shown to be: the next one takes its place. */
  #auth: readonly AuthId[] = []
  #opening = false
  /** Sessions that the application has asked for and has no answer about. */
  #sessionsAwaited = 0
  #leader: MemberId | null = null
  /** What the listeners were told last. */
  #stateTold: SessionState = 'connecting'
  #waiting = ''
  #closing: Promise<void> | null = null
  #closed = false
  #fatal: Error | null = null
  #onReady: ((error: unknown) => void) | null = null

  constructor(parts: MemberParts) {
    super()
    this.#parts = parts
    this.id = parts.id
    this.#engine = new Engine(parts, this)
    const replica = () => this.#engine.replica
    const anybody = new TreeView(replica, [], parts.options.authSchemes.match)
    this.local = new LocalView(replica, () => this.#session?.view ?? anybody)
  }

  get role(): RoleName | 'closed' {
    return this.#closed ? 'closed' : (this.#engine.conductor.peer?.role ?? 'looking')
  }

  get leader(): MemberId | null {
    return this.#closed ? null : this.#engine.leader
  }

  get epoch(): Epoch {
    return this.#engine.conductor.peer?.epoch ?? NO_EPOCH
  }

  get sessionId(): SessionId {
    return this.#session?.sessionId ?? NO_SESSION
  }

  get sessionTimeout(): number {
    return this.#session?.sessionTimeout ?? this.#parts.options.sessionTimeout
  }

  get sessionPassword(): Buffer {
    return this.#session?.sessionPassword ?? Buffer.alloc(0)
  }

  get state(): SessionState {
    if (this.#closed || this.#closing !== null) return 'closed'
    return this.#session?.state ?? 'connecting'
  }

  /** Listens, takes part, and resolves once the member serves and has its session. Rejects with the reason, with nothing left running. */
  async start(): Promise<void> {
    const { options, links } = this.#parts
    try {
      await links.start(this.#engine.conductor)
      await this.#ready(options)
    } catch (error) {
      await this.close()
      throw error
    }
  }

  on<Name extends keyof MemberEvents>(event: Name, listener: (...args: MemberEvents[Name]) => void): this {
    this.events.on(event, listener as never)
    return this
  }

  off<Name extends keyof MemberEvents>(event: Name, listener: (...args: MemberEvents[Name]) => void): this {
    this.events.off(event, listener as never)
    return this
  }

  once<Name extends keyof MemberEvents>(event: Name, listener: (...args: MemberEvents[Name]) => void): this {
    this.events.once(event, listener as never)
    return this
  }

  status(): MemberStatus {
    const { peer } = this.#engine.conductor
    const { storage } = this.#parts
    const { replica } = this.#engine
    const { damage } = storage.state
    return {
      id: this.id,
      role: this.role,
      leader: this.leader,
      epoch: this.epoch,
      serving: this.#engine.serving,
      connected: [...this.#engine.conductor.connected].sort((a, b) => a - b),
      waiting: peer?.waiting ?? null,
      standing: peer?.standing ?? 'withheld',
      storage: {
        durable: storage.durable,
        failed: this.#engine.storageError?.message ?? null,
        damage: damage?.description ?? null,
        recordsWritten: storage.appended.records,
        txnsWritten: storage.appended.txns
      },
      zxidLogged: peer?.zxidLogged ?? (0 as Zxid),
      zxidCommitted: peer?.zxidCommitted ?? (0 as Zxid),
      zxidApplied: replica.zxidApplied,
      digest: replica.digest,
      learners: peer?.learners ?? [],
      sessions: replica.sessions.size,
      znodes: replica.tree.nodeCount,
      watches: this.#engine.watches.count,
      outstanding: this.#engine.outbox.count
    }
  }

  async openSession(options: SessionOptions = {}): Promise<ZooKeeper> {
    const { sessionsMax, sessionTimeout, requestTimeout } = this.#parts.options
    const { timeout, takeOver } = checkedSessionOptions(options, sessionTimeout)
    this.#throwIfOver()
    if (this.#engine.sessions.size + this.#sessionsAwaited >= sessionsMax) {
      throw new ZooKeeperError('LIMIT_EXCEEDED', { message: `${sessionsMax} sessions live in this member` })
    }
    const call = new Call<Session>(this.#engine.deadlines, requestTimeout, {})
    this.#sessionsAwaited++
    const opened =
      takeOver === null
        ? this.#engine.openSession(timeout)
        : this.#engine.takeOverSession(takeOver.id, takeOver.password, timeout, () => !call.settled)
    opened.then(
      session => {
        this.#sessionsAwaited--
        // One of which nobody knows, and which owns nothing.
        if (call.settled) session.close().catch(() => undefined)
        else call.resolve(session)
      },
      (error: unknown) => {
        this.#sessionsAwaited--
        call.reject(error)
      }
    )
    return call.promise
  }

  async closeSession(sessionId: number): Promise<void> {
    const id = checkedSessionId(sessionId)
    this.#throwIfOver()
    const call = new Call<void>(this.#engine.deadlines, this.#parts.options.requestTimeout, {})
    this.#engine.terminateSession(id).then(
      () => call.resolve(),
      (error: unknown) => call.reject(error)
    )
    return call.promise
  }

  chroot(path: string): ZooKeeper {
    return new ChrootView(this, path)
  }

  onState(listener: (state: SessionState) => void): () => void {
    this.#stateListeners.add(listener)
    return () => this.#stateListeners.delete(listener)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  // What the engine tells.

  onRole(role: RoleName, leader: MemberId | null): void {
    if (this.#closed) return
    this.#emit('role', role, leader)
    this.#tellLeader(leader)
    this.#tellWaiting()
  }

  onServing(serving: Serving | null): void {
    if (serving === null) return
    const { leader, epoch } = serving
    this.#waiting = ''
    this.#refusals.clear()
    this.#progress({ kind: 'serving', leader, epoch })
    this.#openOwnSession()
  }

  onSessionOver(session: Session): void {
    if (session !== this.#session || this.#closing !== null) return
    this.#auth = session.auth
    this.#session = null
    if (this.#engine.serving) this.#openOwnSession()
  }

  onRefused(refusal: Refusal): void {
    const { code, peer, detail } = refusal
    this.#progress({ kind: 'refused', code, peer, reason: detail })
    this.#refusals.set(peer, refusal)
    if (this.#onReady === null || this.#engine.serving || !this.#isHopeless()) return
    this.#onReady(new ZooKeeperError(code, { message: detail }))
  }

  onConnected(): void {
    for (const peer of this.#engine.conductor.connected) this.#refusals.delete(peer)
    this.#tellWaiting()
  }

  onStorage(state: 'failed' | 'recovered', error: ZooKeeperError | null): void {
    if (state === 'recovered') this.#progress({ kind: 'storageRecovered' })
    else this.#progress({ kind: 'storageFailed', reason: error?.message ?? '' })
  }

  onQuotaExceeded({ path, limits, usage }: QuotaExcess): void {
    this.#progress({ kind: 'quotaExceeded', path, limits, usage })
  }

  onTick(): void {
    this.#tellWaiting()
    if (this.#engine.serving) this.#openOwnSession()
  }

  onStall(milliseconds: number): void {
    this.#emit('stall', milliseconds)
  }

  onFatal(error: Error): void {
    if (this.#fatal !== null || this.#closed) return
    this.#fatal = error
    if (this.#onReady !== null) this.#onReady(error)
    this.close().then(
      () => this.events.listenerCount('error') > 0 && this.#emit('error', error),
      (failure: unknown) => this.#engine.report(failure)
    )
  }

  #ready(options: CheckedOptions): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const { signal, startTimeout } = options
      const finish = (error: unknown) => {
        if (this.#onReady === null) return
        this.#onReady = null
        cancel()
        signal?.removeEventListener('abort', onAbort)
        if (error === null) resolve()
        else reject(error)
      }
      const onAbort = () => finish(signal?.reason)
      const cancel = this.#engine.deadlines.add(startTimeout, () => finish(this.#startTimeout(startTimeout)))
      this.#onReady = finish
      if (signal?.aborted === true) return onAbort()
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#engine.start()
    })
  }

  #startTimeout(milliseconds: number): ZooKeeperError {
    const refusal = [...this.#refusals.values()].at(-1)
    if (refusal !== undefined) return new ZooKeeperError(refusal.code, { message: refusal.detail })
    const message = `not serving within ${milliseconds} ms: ${this.#waiting || 'no reason known'}`
    return new ZooKeeperError('START_TIMEOUT', { message })
  }

  /** So many members refuse us, or are refused, that there will be no quorum until somebody changes something. */
  #isHopeless(): boolean {
    const { addresses } = this.#parts.options
    // What was garbled may be whole the next time: a bit that flipped on the way must not end a start.
    const refusing = [...this.#refusals].filter(
      ([peer, { code }]) => peer !== null && addresses.has(peer) && code !== 'BAD_FRAME'
    )
    return addresses.size - refusing.length <= addresses.size / 2
  }

  #openOwnSession(): void {
    if (this.#opening || this.#closing !== null || this.#session !== null) return
    this.#opening = true
    this.#engine.openSession(this.#parts.options.sessionTimeout).then(
      session => this.#onOwnSession(session),
      (error: unknown) => {
        this.#opening = false
        // Too much is outstanding, or the answer was lost: tried again with the next tick.
        if (!isZooKeeperError(error) || !error.retryable) this.#onReady?.(error)
      }
    )
  }

  #onOwnSession(session: Session): void {
    this.#opening = false
    // It was opened and ended in what this member has just caught up with.
    if (session.state === 'expired' || session.state === 'closed') {
      if (this.#engine.serving) this.#openOwnSession()
      return
    }
    session.inherit(this.#auth)
    this.#session = session
    session.onState(state => this.#tellState(state))
    this.#tellState(session.state)
    this.#emit('session', session)
    this.#onReady?.(null)
  }

  protected override get current(): Session {
    this.#throwIfOver()
    if (this.#session !== null) return this.#session
    throw new ZooKeeperError('SESSION_EXPIRED', { message: 'there is no session at present' })
  }

  #throwIfOver(): void {
    if (this.#fatal !== null) throw new ZooKeeperError('CLOSED', { message: 'the member has stopped', cause: this.#fatal })
    if (this.#closing !== null) throw new ZooKeeperError('CLOSED')
  }

  async #close(): Promise<void> {
    const { storage, links } = this.#parts
    this.#onReady?.(new ZooKeeperError('CLOSED'))
    if (this.#engine.serving && this.#fatal === null) await this.#withinBound(this.#closeSessions())
    this.#engine.handOver()
    await this.#engine.close()
    await links.close()
    await storage.close()
    this.#closed = true
    this.#tellState('closed')
    this.#emit('role', 'closed', null)
  }

  async #closeSessions(): Promise<void> {
    const sessions = [...this.#engine.sessions.values()]
    await Promise.allSettled(sessions.map(session => session.close()))
    await this.#engine.drained()
  }

  /** Waits for it, but not for ever, and not at all without a quorum: what is not closed in order by then expires. */
  async #withinBound(act: Promise<void>): Promise<void> {
    let cancel = () => {}
    const bound = new Promise<void>(resolve => {
      let remaining = CLOSE_MILLISECONDS_MAX
      const look = () => {
        remaining -= CLOSE_LOOK_MILLISECONDS
        if (remaining <= 0 || !this.#engine.canCommit) return resolve()
        cancel = this.#engine.deadlines.add(CLOSE_LOOK_MILLISECONDS, look)
      }
      look()
    })
    await Promise.race([act, bound])
    cancel()
  }

  #tellLeader(leader: MemberId | null): void {
    if (leader === this.#leader) return
    this.#leader = leader
    this.#emit('leader', leader)
  }

  #tellState(state: SessionState): void {
    if (state === this.#stateTold) return
    this.#stateTold = state
    for (const listener of [...this.#stateListeners]) {
      try {
        listener(state)
      } catch (error) {
        this.#engine.report(error)
      }
    }
  }

  #tellWaiting(): void {
    const waiting = this.#engine.conductor.peer?.waiting ?? null
    const reason = waiting === null ? '' : describeWaiting(waiting, this.#engine.conductor.peer?.standing ?? 'withheld')
    if (reason === this.#waiting) return
    this.#waiting = reason
    if (waiting !== null) this.#progress({ kind: 'waiting', reason, missing: waiting.missing })
  }

  #progress(progress: MemberProgress): void {
    try {
      this.#parts.options.onProgress?.(progress)
    } catch (error) {
      this.#engine.report(error)
    }
    this.#emit('progress', progress)
  }

  #emit<Name extends keyof MemberEvents>(name: Name, ...args: MemberEvents[Name]): void {
    try {
      this.events.emit(name, ...(args as never))
    } catch (error) {
      this.#engine.report(error)
    }
  }
}
