import { setMaxListeners } from 'node:events'
import { type SessionId, ZooKeeperError } from '../base/index.js'
import type { Acl, AuthId, Stat } from '../tree/index.js'
import { ChrootListeners, type OneShotKind } from './chroot-listeners.js'
import { ChrootWatcher } from './chroot-watcher.js'
import { RootPath } from './root-path.js'
import { Transaction } from './transaction.js'
import type {
  CallOptions,
  ChildrenOptions,
  CreateIfAbsentOptions,
  CreateOptions,
  Data,
  DeleteOptions,
  MultiOp,
  MultiResult,
  Quota,
  QuotaStatus,
  ReadOp,
  ReadOptions,
  ReadResult,
  SessionState,
  VersionOptions,
  WatchedReadOptions,
  Watcher,
  WatcherKind,
  WatchListener,
  WatchOptions,
  ZooKeeper
} from './zookeeper.js'

/**
 * A session as it is seen from a znode down: the root is put before every path that is asked for, and taken off every path that is told, in
 * results, events and errors. Paths at or below `/zookeeper` are left as they are, in both directions, as in ZooKeeper. The root is not created,
 * and need not be there: `create('/')` makes it, and `{ parents: true }` does on the way.
 *
 * `close()` ends the watches that were set through the view; further calls of the view reject with `CLOSED`, and its state is `closed`. The
 * session lives on, with its ephemerals. A view of a view is closed with it.
 */
export class ChrootView implements ZooKeeper {
  readonly #zk: ZooKeeper
  readonly #root: RootPath
  readonly #listeners: ChrootListeners
  readonly #closing = new AbortController()
  /** What listens to the session's state through the view, and what ends that. */
  readonly #stateListeners = new Map<(state: SessionState) => void, () => void>()
  #stateAtEnd: SessionState | null = null

  /** @throws ZooKeeperError `BAD_ARGUMENTS`: not a path, or at or below `/zookeeper` */
  constructor(zk: ZooKeeper, root: string) {
    this.#zk = zk
    this.#root = new RootPath(root)
    this.#listeners = new ChrootListeners(this.#root)
    setMaxListeners(0, this.#closing.signal)
  }

  get sessionId(): SessionId {
    return this.#zk.sessionId
  }

  get sessionTimeout(): number {
    return this.#zk.sessionTimeout
  }

  get sessionPassword(): Buffer {
    return this.#zk.sessionPassword
  }

  get state(): SessionState {
    return this.#stateAtEnd ?? this.#zk.state
  }

  create(path: string, data?: Data, options?: CreateOptions): Promise<{ readonly path: string; readonly stat: Stat }> {
    const actual = options?.sequential === true ? this.#root.actualPrefix(path) : this.#root.actual(path)
    return this.#call(() => this.#zk.create(actual, data, options)).then(created => this.#seen(created))
  }

  createIfAbsent(
    path: string,
    data?: Data,
    options?: CreateIfAbsentOptions
  ): Promise<{ readonly path: string; readonly stat: Stat; readonly created: boolean }> {
    return this.#call(() => this.#zk.createIfAbsent(this.#root.actual(path), data, options)).then(found => this.#seen(found))
  }

  delete(path: string, options?: DeleteOptions): Promise<void> {
    return this.#call(() => this.#zk.delete(this.#root.actual(path), options))
  }

  exists(path: string, options?: WatchedReadOptions): Promise<Stat | null> {
    return this.#watched(path, 'data', options, (actual, given) => this.#zk.exists(actual, given))
  }

  getData(path: string, options?: WatchedReadOptions): Promise<{ readonly data: Buffer | null; readonly stat: Stat }> {
    return this.#watched(path, 'data', options, (actual, given) => this.#zk.getData(actual, given))
  }

  setData(path: string, data: Data, options?: VersionOptions): Promise<Stat> {
    return this.#call(() => this.#zk.setData(this.#root.actual(path), data, options))
  }

  touch(path: string, options?: CallOptions): Promise<Stat> {
    return this.#call(() => this.#zk.touch(this.#root.actual(path), options))
  }

  getChildren(path: string, options?: ChildrenOptions): Promise<{ readonly children: readonly string[]; readonly stat: Stat }> {
    return this.#watched(path, 'child', options, (actual, given) => this.#zk.getChildren(actual, given))
  }

  getAllChildrenNumber(path: string, options?: ReadOptions): Promise<number> {
    return this.#call(() => this.#zk.getAllChildrenNumber(this.#root.actual(path), options))
  }

  getACL(path: string, options?: ReadOptions): Promise<{ readonly acl: Acl; readonly stat: Stat }> {
    return this.#call(() => this.#zk.getACL(this.#root.actual(path), options))
  }

  setACL(path: string, acl: Acl, options?: VersionOptions): Promise<Stat> {
    return this.#call(() => this.#zk.setACL(this.#root.actual(path), acl, options))
  }

  addAuth(scheme: string, credential: string | Uint8Array): Promise<void> {
    return this.#call(() => this.#zk.addAuth(scheme, credential))
  }

  whoAmI(): Promise<readonly AuthId[]> {
    return this.#call(() => this.#zk.whoAmI())
  }

  async multi(ops: readonly MultiOp[], options?: CallOptions): Promise<readonly MultiResult[]> {
    const actual = mapped(ops, op => {
      const path = op.type === 'create' && op.sequential ? this.#root.actualPrefix(op.path) : this.#root.actual(op.path)
      return { ...op, path }
    })
    const results = await this.#call(() => this.#zk.multi(actual, options))
    return results.map(result => (result.type === 'create' ? this.#seen(result) : result))
  }

  transaction(): Transaction {
    return new Transaction((ops, options) => this.multi(ops, options))
  }

  async multiRead(ops: readonly ReadOp[], options?: ReadOptions): Promise<readonly ReadResult[]> {
    const actual = mapped(ops, op => ({ ...op, path: this.#root.actual(op.path) }))
    const results = await this.#call(() => this.#zk.multiRead(actual, options))
    return results.map(result => (result.type === 'error' ? this.#seen(result) : result))
  }

  setQuota(path: string, quota: Quota | null, options?: CallOptions): Promise<void> {
    return this.#call(() => this.#zk.setQuota(this.#root.actual(path), quota, options))
  }

  getQuota(path: string, options?: ReadOptions): Promise<QuotaStatus | null> {
    return this.#call(() => this.#zk.getQuota(this.#root.actual(path), options))
  }

  sync(options?: CallOptions): Promise<number> {
    return this.#call(() => this.#zk.sync(options))
  }

  watch(path: string, options?: WatchOptions, listener?: WatchListener): Watcher {
    this.#throwIfClosed()
    try {
      const watcher = this.#zk.watch(this.#root.actual(path), this.#watchOptions(options), this.#standInFor(listener))
      return new ChrootWatcher(watcher, this.#root)
    } catch (error) {
      throw this.#root.seenError(error)
    }
  }

  removeWatches(path: string, kind?: WatcherKind, listener?: WatchListener): Promise<void> {
    return this.#call(() => this.#zk.removeWatches(this.#root.actual(path), kind, this.#standInFor(listener)))
  }

  checkWatches(path: string, kind?: WatcherKind): Promise<void> {
    return this.#call(() => this.#zk.checkWatches(this.#root.actual(path), kind))
  }

  /** Those at or below the root: whatever else the session owns cannot be named here. */
  async getEphemerals(prefix = '', options?: ReadOptions): Promise<readonly string[]> {
    if (typeof prefix !== 'string') return this.#call(() => this.#zk.getEphemerals(prefix, options))
    const paths = await this.#call(() => this.#zk.getEphemerals(this.#root.path, options))
    return paths
      .filter(path => this.#root.holds(path))
      .map(path => this.#root.seenOf(path))
      .filter(path => path.startsWith(prefix))
  }

  chroot(path: string): ZooKeeper {
    return new ChrootView(this, path)
  }

  onState(listener: (state: SessionState) => void): () => void {
    if (this.#isClosed) return () => {}
    const tell = (state: SessionState) => listener(state)
    const end = this.#zk.onState(tell)
    this.#stateListeners.set(tell, end)
    return () => {
      this.#stateListeners.delete(tell)
      end()
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#stateAtEnd = this.#zk.state === 'expired' ? 'expired' : 'closed'
    const oneShots = this.#listeners.close()
    this.#closing.abort()
    // In their order behind the reads that have asked for them; that the session is over has ended them too.
    for (const { path, kind, listener } of oneShots) this.#zk.removeWatches(path, kind, listener).catch(() => undefined)
    const told = [...this.#stateListeners]
    this.#stateListeners.clear()
    for (const [tell, end] of told) {
      end()
      if (this.#stateAtEnd === 'closed') report(() => tell('closed'))
    }
  }

  get #isClosed(): boolean {
    return this.#stateAtEnd !== null
  }

  #throwIfClosed(): void {
    if (this.#isClosed) throw new ZooKeeperError('CLOSED', { message: `the view from ${this.#root.path} is closed` })
  }

  async #call<T>(act: () => Promise<T>): Promise<T> {
    this.#throwIfClosed()
    try {
      return await act()
    } catch (error) {
      throw this.#root.seenError(error)
    }
  }

  /** A read that may set a one-shot watch. */
  #watched<T, Options extends WatchedReadOptions>(
    path: string,
    kind: OneShotKind,
    options: Options | undefined,
    read: (actual: string, options: Options | undefined) => Promise<T>
  ): Promise<T> {
    const actual = this.#root.actual(path)
    if (typeof options?.watch !== 'function') return this.#call(() => read(actual, options))
    const watch = this.#listeners.standInFor(options.watch)
    return this.#call(async () => {
      this.#listeners.keep(actual, kind, watch)
      try {
        return await read(actual, { ...options, watch })
      } catch (error) {
        this.#listeners.forget(actual, kind, watch)
        throw error
      }
    })
  }

  /** What is wrong with them is for the session to say. */
  #watchOptions(options: WatchOptions = {}): WatchOptions {
    if (typeof options !== 'object' || options === null) return options
    const { signal } = options
    if (signal !== undefined && !(signal instanceof AbortSignal)) return options
    const { signal: closing } = this.#closing
    return { ...options, signal: signal === undefined ? closing : AbortSignal.any([closing, signal]) }
  }

  #standInFor(listener: WatchListener | undefined): WatchListener | undefined {
    return typeof listener === 'function' ? this.#listeners.standInFor(listener) : listener
  }

  #seen<T extends { readonly path: string }>(told: T): T {
    return { ...told, path: this.#root.seenOf(told.path) }
  }
}

/** What is not an array of objects is for the session to refuse. */
function mapped<T>(ops: readonly T[], map: (op: T) => T): readonly T[] {
  return Array.isArray(ops) ? ops.map(op => (typeof op === 'object' && op !== null ? map(op) : op)) : ops
}

/** What a listener throws surfaces as an uncaught exception and stops nobody. */
function report(act: () => void): void {
  try {
    act()
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
