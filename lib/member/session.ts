import { assert, type Outcome, type SessionId, ZooKeeperError, type Zxid } from '../base/index.js'
import type { OperationResult, SingleResult, Stat, WatchKind } from '../tree/index.js'
import type { RequestBody } from '../wire/index.js'
import {
  checkCallOptions,
  checkedPath,
  checkedVersion,
  checkedWritePath,
  checkListener,
  createOperation,
  multiOperation,
  setDataOperation
} from './arguments.js'
import { Call } from './call.js'
import type { Deadlines } from './deadlines.js'
import type { FollowUp, Outbox, Requester } from './outbox.js'
import type { AppliedTxn, Replica } from './replica.js'
import type { WatchDispatcher } from './watch-dispatcher.js'
import { Watcher } from './watcher.js'
import type {
  CallOptions,
  CreateOptions,
  Data,
  MultiOp,
  MultiResult,
  ReadOptions,
  SessionState,
  VersionOptions,
  WatchEvent,
  WatchedReadOptions,
  WatchListener,
  WatchOptions,
  ZooKeeper
} from './zookeeper.js'

/** What a session needs of the member it lives in. */
export interface SessionHost {
  readonly outbox: Outbox
  readonly watches: WatchDispatcher
  readonly deadlines: Deadlines
  readonly requestTimeout: number
  readonly maxDataLength: number
  /** The member takes part in an established epoch and has applied what it began with. */
  readonly serving: boolean
  readonly replica: Replica
  /** Calls back, once, as soon as the member serves. */
  whenServing(callback: () => void): void
  /** Lets what a listener threw surface as an uncaught exception, in a turn of its own. */
  report(error: unknown): void
  /** Calls back with a zxid that a linearizable read must have reached. */
  readIndex(callback: (zxid: Zxid) => void): void
  /** Calls back, once, as soon as everything up to `zxid` has been applied. */
  whenApplied(zxid: Zxid, callback: () => void): void
  /** The session has given itself up without the log's word: its member must not keep it alive any longer. */
  release(session: Session): void
}

/** What the member tells a session that lives in it. */
export interface SessionBirth {
  readonly id: SessionId
  readonly timeout: number
}

/**
 * One session, in the process that it lives in. Keeps its operations in order: a write goes to the log at once, a read behind a write is done
 * directly after that write has been applied, and nothing overtakes a `sync` or a linearizable read.
 */
export class Session implements ZooKeeper {
  readonly sessionId: SessionId
  readonly sessionTimeout: number
  readonly #host: SessionHost
  /** Numbers its requests. */
  readonly requester: Requester
  readonly #stateListeners = new Set<(state: SessionState) => void>()
  readonly #watches = new Set<() => void>()
  /** Calls that wait for something other than an answer from the log; rejected when the session ends. */
  readonly #waiting = new Set<Call<never>>()
  /** What was issued behind a `sync` or linearizable read that is not done yet; null when there is none. */
  #deferred: (() => void)[] | null = null
  #state: SessionState
  #closing: Promise<void> | null = null

  constructor(host: SessionHost, birth: SessionBirth) {
    this.#host = host
    this.sessionId = birth.id
    this.sessionTimeout = birth.timeout
    this.requester = host.outbox.enrol(birth.id)
    this.#state = host.serving ? 'connected' : 'disconnected'
  }

  get state(): SessionState {
    return this.#state
  }

  create(path: string, data: Data = null, options: CreateOptions = {}): Promise<{ readonly path: string; readonly stat: Stat }> {
    return this.#write(
      () => createOperation(path, data, options, this.#host.maxDataLength),
      options,
      result => {
        assert(result.kind === 'create', 'a create is answered by a create')
        return { path: result.path, stat: result.stat }
      }
    )
  }

  delete(path: string, options: VersionOptions = {}): Promise<void> {
    const body = () => ({ kind: 'delete', path: checkedWritePath(path), version: checkedVersion(options.version) }) as const
    return this.#write(body, options, () => undefined)
  }

  setData(path: string, data: Data, options: VersionOptions = {}): Promise<Stat> {
    return this.#write(
      () => setDataOperation(path, data, options.version, this.#host.maxDataLength),
      options,
      result => {
        assert(result.kind === 'setData', 'a setData is answered by a setData')
        return result.stat
      }
    )
  }

  multi(ops: readonly MultiOp[], options: CallOptions = {}): Promise<readonly MultiResult[]> {
    return this.#write(
      () => multiOperation(ops, this.#host.maxDataLength),
      options,
      result => {
        assert(result.kind === 'multi', 'a multi is answered by a multi')
        return result.results.map(multiResultOf)
      }
    )
  }

  exists(path: string, options: WatchedReadOptions = {}): Promise<Stat | null> {
    return this.#readAt(path, options, () => {
      const stat = this.#host.replica.tree.exists(path)
      this.#watchOnce(path, 'data', options.watch)
      return stat
    })
  }

  getData(path: string, options: WatchedReadOptions = {}): Promise<{ readonly data: Buffer | null; readonly stat: Stat }> {
    return this.#readAt(path, options, () => {
      const found = this.#host.replica.tree.getData(path)
      if (found === null) throw this.#noNode(path)
      this.#watchOnce(path, 'data', options.watch)
      return { data: asBuffer(found.data), stat: found.stat }
    })
  }

  getChildren(
    path: string,
    options: WatchedReadOptions = {}
  ): Promise<{ readonly children: readonly string[]; readonly stat: Stat }> {
    return this.#readAt(path, options, () => {
      const found = this.#host.replica.tree.getChildren(path)
      if (found === null) throw this.#noNode(path)
      this.#watchOnce(path, 'child', options.watch)
      return found
    })
  }

  getEphemerals(): Promise<readonly string[]> {
    return this.#read({}, () => [...this.#host.replica.tree.ephemeralsOf(this.sessionId)].sort())
  }

  sync(options: CallOptions = {}): Promise<number> {
    return this.#read({ ...options, linearizable: true }, () => this.#host.replica.zxidApplied)
  }

  watch(path: string, options: WatchOptions = {}, listener: WatchListener | null = null): Watcher {
    const over = this.#over()
    if (over !== null) throw over
    checkedPath(path)
    if (listener !== null) checkListener(listener, 'listener')
    const { signal, recursive = false } = options
    const end = () => {
      remove()
      this.#watches.delete(dispose)
      signal?.removeEventListener('abort', dispose)
    }
    const watcher = new Watcher(path, recursive, listener, end)
    const dispose = () => watcher.dispose()
    const handler = (event: Omit<WatchEvent, 'state'>) => watcher.deliver({ ...event, state: this.#state } as WatchEvent)
    const remove = this.#host.watches.add(path, recursive ? 'recursive' : 'persistent', handler)
    this.#watches.add(dispose)
    if (signal?.aborted === true) dispose()
    else signal?.addEventListener('abort', dispose, { once: true })
    return watcher
  }

  onState(listener: (state: SessionState) => void): () => void {
    this.#stateListeners.add(listener)
    return () => this.#stateListeners.delete(listener)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  // What the member tells the session.

  /** The member has begun or ceased to serve. */
  onServing(serving: boolean): void {
    if (this.#isOver()) return
    this.#become(serving ? 'connected' : 'disconnected')
  }

  /** The ensemble has ended it. `pending`: what that says of the writes that have no answer. */
  onEnded(pending: Outcome): void {
    this.end(this.#closing === null ? 'expired' : 'closed', pending)
  }

  /**
   * The session is over: by its own `close`, by the ensemble's word, or because the ensemble must have ended it by now. Unless the log has
   * said so in its place, behind everything that did happen, nobody knows what became of the writes under way.
   */
  end(state: 'expired' | 'closed', pending: Outcome = 'unknown'): void {
    if (this.#isOver()) return
    this.#become(state)
    // What waits goes first: a read behind a write must not be done because the write has been given up.
    for (const call of this.#waiting) call.reject(this.#overError())
    this.#waiting.clear()
    this.#deferred = null
    this.#host.outbox.dismiss(this.requester, this.#overError(pending))
    for (const dispose of this.#watches) dispose()
    this.#watches.clear()
  }

  async #close(): Promise<void> {
    if (this.#isOver()) return
    try {
      await this.#write(
        () => ({ kind: 'closeSession' }),
        {},
        () => undefined,
        true
      )
    } finally {
      this.end('closed')
      this.#host.release(this)
    }
  }

  // Writes.

  #write<T>(prepare: () => RequestBody, options: CallOptions, pick: (result: OperationResult) => T, closing = false): Promise<T> {
    let body: RequestBody
    try {
      checkCallOptions(options)
      const over = this.#over(closing)
      if (over !== null) throw over
      body = prepare()
    } catch (error) {
      return Promise.reject(error)
    }
    const call = new Call<T>(this.#host.deadlines, this.#host.requestTimeout, options)
    if (this.#deferred !== null) {
      this.#await(call)
      call.outcome = 'not-applied'
    }
    this.#inOrder(() => {
      if (call.settled) return
      call.outcome = 'unknown'
      this.#waiting.delete(call as unknown as Call<never>)
      try {
        this.#host.outbox.add(this.requester, body, answer => {
          if (answer instanceof ZooKeeperError) call.reject(answer)
          else call.settle(() => pick(accepted(answer)))
        })
      } catch (error) {
        call.reject(error)
      }
    })
    return call.promise
  }

  // Reads.

  #readAt<T>(path: string, options: WatchedReadOptions, produce: () => T): Promise<T> {
    return this.#read(options, produce, () => {
      checkedPath(path)
      checkListener(options.watch, 'watch')
    })
  }

  #read<T>(options: ReadOptions, produce: () => T, check: () => void = () => {}): Promise<T> {
    const over = this.#over()
    if (over !== null) return Promise.reject(over)
    const immediate = this.#deferred === null && this.requester.last === null && this.#host.serving
    try {
      checkCallOptions(options)
      check()
      if (immediate && options.linearizable !== true) {
        options.signal?.throwIfAborted()
        return Promise.resolve(produce())
      }
    } catch (error) {
      return Promise.reject(error)
    }
    const call = new Call<T>(this.#host.deadlines, this.#host.requestTimeout, options)
    this.#await(call)
    if (options.linearizable === true) this.#inOrder(() => this.#barrier(call, produce))
    else
      this.#inOrder(() => this.#behindWrites(overtaken => (overtaken === null ? call.settle(produce) : call.reject(overtaken))))
    return call.promise
  }

  #await<T>(call: Call<T>): void {
    const waiting = call as unknown as Call<never>
    this.#waiting.add(waiting)
    const forget = () => this.#waiting.delete(waiting)
    call.promise.then(forget, forget)
  }

  /** Does it as soon as every write issued so far has been applied and, if there is none under way, the member serves. */
  #behindWrites(act: FollowUp): void {
    const { last } = this.requester
    if (last !== null) last.behind.push(act)
    else if (this.#host.serving) act(null)
    else this.#host.whenServing(() => act(null))
  }

  /** Does it now, or when the `sync` or linearizable read ahead of it is done. */
  #inOrder(act: () => void): void {
    if (this.#deferred === null) act()
    else this.#deferred.push(act)
  }

  #barrier<T>(call: Call<T>, produce: () => T): void {
    if (call.settled) return
    this.#deferred = []
    let done = false
    const finish = () => {
      if (done) return
      done = true
      call.settle(produce)
      const deferred = this.#deferred ?? []
      this.#deferred = null
      for (const act of deferred) this.#inOrder(act)
    }
    // A call that has timed out or was aborted must not hold up what stands behind it.
    call.promise.catch(finish)
    this.#host.readIndex(zxid => this.#host.whenApplied(zxid, () => this.#behindWrites(finish)))
  }

  // Watches.

  #watchOnce(path: string, kind: WatchKind, listener: WatchListener | undefined): void {
    if (listener === undefined) return
    const remove = this.#host.watches.add(path, kind, event => {
      this.#watches.delete(remove)
      listener({ ...event, state: this.#state })
    })
    this.#watches.add(remove)
  }

  #noNode(path: string): ZooKeeperError {
    return new ZooKeeperError('NO_NODE', { path, zxid: this.#host.replica.zxidApplied })
  }

  #become(state: SessionState): void {
    if (this.#state === state) return
    this.#state = state
    for (const listener of [...this.#stateListeners]) {
      try {
        listener(state)
      } catch (error) {
        this.#host.report(error)
      }
    }
  }

  #isOver(): boolean {
    return this.#state === 'expired' || this.#state === 'closed'
  }

  #over(closing = false): ZooKeeperError | null {
    return this.#isOver() || (this.#closing !== null && !closing) ? this.#overError() : null
  }

  #overError(outcome: Outcome = 'not-applied'): ZooKeeperError {
    if (this.#state !== 'expired') return new ZooKeeperError('CLOSED', { outcome })
    return new ZooKeeperError('SESSION_EXPIRED', { message: `session ${this.sessionId} has expired`, outcome })
  }
}

/** What a txn says of its request, with a refusal thrown. */
function accepted(answer: AppliedTxn): OperationResult {
  const { result, zxid } = answer
  if (result.kind !== 'refused') return result
  const { code, path, results } = result
  throw new ZooKeeperError(code, { zxid, ...(path === undefined ? {} : { path }), ...(results === undefined ? {} : { results }) })
}

function multiResultOf(result: SingleResult): MultiResult {
  switch (result.kind) {
    case 'create':
      return { type: 'create', path: result.path, stat: result.stat }
    case 'setData':
      return { type: 'setData', stat: result.stat }
    case 'delete':
      return { type: 'delete' }
    case 'check':
      return { type: 'check' }
  }
}

export function asBuffer(bytes: Uint8Array | null): Buffer | null {
  return bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
