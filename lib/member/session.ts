import { isZooKeeperError, type Outcome, type SessionId, ZooKeeperError } from '../base/index.js'
import type { Acl, AuthId, OperationResult, Stat } from '../tree/index.js'
import type { RequestBody } from '../wire/index.js'
import { createdOf, createdOrFoundOf, multiResultsOf, nothingOf, statOf } from './answers.js'
import {
  checkCallOptions,
  checkedCredential,
  checkedPath,
  checkedText,
  checkedWritePath,
  checkListener,
  checkOptionsObject
} from './arguments.js'
import type { AuthSchemes } from './auth-schemes.js'
import { type CallHost, CallOrder } from './call-order.js'
import { ChrootView } from './chroot.js'
import { Identities } from './identities.js'
import {
  createIfAbsentOperation,
  createOperation,
  deleteOperation,
  multiOperation,
  setAclOperation,
  setDataOperation,
  type WriteRules
} from './operation-arguments.js'
import type { Requester } from './outbox.js'
import { checkedQuota, checkedQuotaPath, setQuota } from './quota-calls.js'
import { checkedRange, checkedReadOps } from './read-arguments.js'
import type { Replica } from './replica.js'
import { checkWatcherKind, checkWatchOptions, SessionWatches, type WatchHost } from './session-watches.js'
import { Transaction } from './transaction.js'
import { TreeView } from './tree-view.js'
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

/** What a session needs of the member it lives in. */
export interface SessionHost extends CallHost, WatchHost {
  readonly maxDataLength: number
  readonly authSchemes: AuthSchemes
  readonly replica: Replica
  /** The session has given itself up without the log's word: its member must not keep it alive any longer. */
  release(session: Session): void
}

/** What the member tells a session that lives in it. */
export interface SessionBirth {
  readonly id: SessionId
  readonly timeout: number
  readonly password: Uint8Array
  /** The number of the last request that the log has of it: of one that has been taken over. */
  readonly cxid: number
  /** On the monotonic clock. */
  readonly knownSince: number
}

/** One session, in the process that it lives in: checks what it is asked, and has it done in order and as who it has shown to be. */
export class Session implements ZooKeeper {
  readonly sessionId: SessionId
  readonly sessionTimeout: number
  /** Since when this process has known of it, on the monotonic clock. */
  readonly knownSince: number
  readonly #password: Uint8Array
  readonly #host: SessionHost
  /** Numbers its requests. */
  readonly requester: Requester
  readonly #calls: CallOrder
  readonly #identities: Identities
  readonly #stateListeners = new Set<(state: SessionState) => void>()
  readonly #watches: SessionWatches
  /** The tree as it may see it: replaced with its identities, so that a read keeps what it was issued with. */
  #view: TreeView
  #state: SessionState
  #closing: Promise<void> | null = null
  /** The ensemble has said that it is over. */
  #isEnded = false
  #hasMoved = false

  constructor(host: SessionHost, birth: SessionBirth) {
    this.#host = host
    this.sessionId = birth.id
    this.sessionTimeout = birth.timeout
    this.knownSince = birth.knownSince
    // A copy: what it is read from is a view into a whole batch, which would be kept with it.
    this.#password = new Uint8Array(birth.password)
    this.requester = host.outbox.enrol(birth.id, birth.cxid)
    this.#calls = new CallOrder(host, this.requester)
    this.#identities = new Identities(host.authSchemes)
    this.#view = this.#viewNow()
    this.#state = host.serving ? 'connected' : 'disconnected'
    this.#watches = new SessionWatches(host, this)
  }

  get state(): SessionState {
    return this.#state
  }

  get sessionPassword(): Buffer {
    return Buffer.from(this.#password)
  }

  /** It has asked for its end. */
  get isClosing(): boolean {
    return this.#closing !== null
  }

  /** Who it has shown to be by now. */
  get auth(): readonly AuthId[] {
    return this.#identities.all
  }

  /** The applied tree as it may see it by now. */
  get view(): TreeView {
    return this.#view
  }

  create(path: string, data: Data = null, options: CreateOptions = {}): Promise<{ readonly path: string; readonly stat: Stat }> {
    return this.#write(() => createOperation(path, data, options, this.#rules()), options, createdOf)
  }

  createIfAbsent(
    path: string,
    data: Data = null,
    options: CreateIfAbsentOptions = {}
  ): Promise<{ readonly path: string; readonly stat: Stat; readonly created: boolean }> {
    const prepare = () => createIfAbsentOperation(path, data, options, this.#rules())
    return this.#write(prepare, options, result => createdOrFoundOf(result, path))
  }

  delete(path: string, options: DeleteOptions = {}): Promise<void> {
    return this.#write(() => deleteOperation(path, options), options, nothingOf)
  }

  setData(path: string, data: Data, options: VersionOptions = {}): Promise<Stat> {
    return this.#write(() => setDataOperation(path, data, options.version, this.#host.maxDataLength), options, statOf)
  }

  touch(path: string, options: CallOptions = {}): Promise<Stat> {
    return this.#write(() => ({ kind: 'touch', path: checkedWritePath(path) }), options, statOf)
  }

  setACL(path: string, acl: Acl, options: VersionOptions = {}): Promise<Stat> {
    return this.#write(() => setAclOperation(path, acl, options.version, this.#rules()), options, statOf)
  }

  multi(ops: readonly MultiOp[], options: CallOptions = {}): Promise<readonly MultiResult[]> {
    return this.#write(() => multiOperation(ops, this.#rules()), options, multiResultsOf)
  }

  transaction(): Transaction {
    return new Transaction((ops, options) => this.multi(ops, options))
  }

  exists(path: string, options: WatchedReadOptions = {}): Promise<Stat | null> {
    return this.#readAt(path, options, view => () => {
      const stat = view.exists(path)
      this.#watches.addOnce(path, 'data', options.watch)
      return stat
    })
  }

  getData(path: string, options: WatchedReadOptions = {}): Promise<{ readonly data: Buffer | null; readonly stat: Stat }> {
    return this.#readAt(path, options, view => () => {
      const found = this.#found(path, view.getData(path))
      this.#watches.addOnce(path, 'data', options.watch)
      return found
    })
  }

  getChildren(
    path: string,
    options: ChildrenOptions = {}
  ): Promise<{ readonly children: readonly string[]; readonly stat: Stat }> {
    return this.#readAt(path, options, view => {
      const range = checkedRange(options)
      return () => {
        const found = this.#found(path, view.getChildren(path, range))
        this.#watches.addOnce(path, 'child', options.watch)
        return found
      }
    })
  }

  getAllChildrenNumber(path: string, options: ReadOptions = {}): Promise<number> {
    return this.#readAt(path, options, view => () => this.#found(path, view.countDescendants(path)))
  }

  getACL(path: string, options: ReadOptions = {}): Promise<{ readonly acl: Acl; readonly stat: Stat }> {
    return this.#readAt(path, options, view => () => this.#found(path, view.getAcl(path)))
  }

  multiRead(ops: readonly ReadOp[], options: ReadOptions = {}): Promise<readonly ReadResult[]> {
    return this.#read(options, view => {
      const reads = checkedReadOps(ops)
      return () => reads.map(op => view.read(op))
    })
  }

  getEphemerals(prefix = '', options: ReadOptions = {}): Promise<readonly string[]> {
    return this.#read(options, () => {
      checkedText(prefix, 'prefix')
      return () => this.#host.replica.tree.ephemeralsOf(this.sessionId).filter(path => path.startsWith(prefix))
    })
  }

  getQuota(path: string, options: ReadOptions = {}): Promise<QuotaStatus | null> {
    return this.#read(options, view => {
      checkedQuotaPath(path)
      return () => view.getQuota(path)
    })
  }

  async setQuota(path: string, quota: Quota | null, options: CallOptions = {}): Promise<void> {
    const over = this.#over()
    if (over !== null) throw over
    checkCallOptions(options)
    checkedQuotaPath(path)
    return setQuota(this, path, quota === null ? null : checkedQuota(quota), options)
  }

  sync(options: CallOptions = {}): Promise<number> {
    return this.#read({ ...options, linearizable: true }, () => () => this.#host.replica.zxidApplied)
  }

  async addAuth(scheme: string, credential: string | Uint8Array): Promise<void> {
    const over = this.#over()
    if (over !== null) throw over
    this.#identities.add(checkedText(scheme, 'scheme'), checkedCredential(credential))
    this.#onIdentities()
  }

  /** It takes the place of a session that had shown to be so, and goes on as the same. */
  inherit(auth: readonly AuthId[]): void {
    this.#identities.inherit(auth)
    this.#onIdentities()
  }

  async whoAmI(): Promise<readonly AuthId[]> {
    const over = this.#over()
    if (over !== null) throw over
    return this.#identities.shown
  }

  watch(path: string, options: WatchOptions = {}, listener: WatchListener | null = null): Watcher {
    const over = this.#over()
    if (over !== null) throw over
    checkedPath(path)
    checkOptionsObject(options)
    checkWatchOptions(options)
    if (listener !== null) checkListener(listener, 'listener')
    return this.#watches.add(path, options, listener)
  }

  removeWatches(path: string, kind: WatcherKind = 'any', listener?: WatchListener): Promise<void> {
    return this.#read({}, () => {
      checkedPath(path)
      checkWatcherKind(kind)
      checkListener(listener, 'listener')
      return () => this.#watches.remove(path, kind, listener)
    })
  }

  checkWatches(path: string, kind: WatcherKind = 'any'): Promise<void> {
    return this.#read({}, () => {
      checkedPath(path)
      checkWatcherKind(kind)
      return () => this.#watches.check(path, kind)
    })
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

  // What the member tells the session.

  /** The member has begun or ceased to serve. */
  onServing(serving: boolean): void {
    if (this.#isOver()) return
    this.#become(serving ? 'connected' : 'disconnected')
  }

  /** The ensemble has ended it. `pending`: what that says of the writes that have no answer. */
  onEnded(pending: Outcome): void {
    this.#isEnded = true
    this.end(this.#closing === null ? 'expired' : 'closed', pending)
  }

  /** It lives in another process from here on. `pending`: what that says of the writes that have no answer. */
  onMoved(pending: Outcome): void {
    this.#hasMoved = true
    this.end('closed', pending)
  }

  /**
   * The session is over: by its own `close`, by the ensemble's word, or because the ensemble must have ended it by now. Unless the log has
   * said so in its place, behind everything that did happen, nobody knows what became of the writes under way.
   */
  end(state: 'expired' | 'closed', pending: Outcome = 'unknown'): void {
    if (this.#isOver()) return
    this.#become(state)
    // What waits goes first: a read behind a write must not be done because the write has been given up.
    this.#calls.end(this.#overError())
    this.#host.outbox.dismiss(this.requester, this.#overError(pending))
    this.#watches.end()
  }

  async #close(): Promise<void> {
    if (this.#isOver()) return
    try {
      await this.#calls.write({ kind: 'closeSession' }, {}, nothingOf)
    } catch (error) {
      // It came to its end otherwise, and that is what was asked for.
      if (!this.#isEnded && !isZooKeeperError(error, 'SESSION_EXPIRED')) throw error
    } finally {
      this.end('closed')
      this.#host.release(this)
    }
  }

  #write<T>(prepare: () => RequestBody, options: CallOptions, pick: (result: OperationResult) => T): Promise<T> {
    let body: RequestBody
    try {
      this.#check(options)
      body = prepare()
    } catch (error) {
      return Promise.reject(error)
    }
    return this.#calls.write(body, options, pick)
  }

  #readAt<T>(path: string, options: WatchedReadOptions, prepare: (view: TreeView) => () => T): Promise<T> {
    return this.#read(options, view => {
      checkedPath(path)
      checkListener(options.watch, 'watch')
      return prepare(view)
    })
  }

  /** `prepare` checks the arguments and gives what is to be done when it is the read's turn. */
  #read<T>(options: ReadOptions, prepare: (view: TreeView) => () => T): Promise<T> {
    let produce: () => T
    try {
      this.#check(options)
      produce = prepare(this.#view)
    } catch (error) {
      return Promise.reject(error)
    }
    return this.#calls.read(options, produce)
  }

  #check(options: CallOptions): void {
    const over = this.#over()
    if (over !== null) throw over
    checkCallOptions(options)
  }

  #rules(): WriteRules {
    const { maxDataLength, authSchemes } = this.#host
    return { maxDataLength, authSchemes, auth: this.#identities.all }
  }

  #onIdentities(): void {
    this.requester.auth = this.#identities.all
    this.#view = this.#viewNow()
  }

  #viewNow(): TreeView {
    return new TreeView(() => this.#host.replica, this.#identities.all, this.#host.authSchemes.match)
  }

  #found<T>(path: string, found: T | null): T {
    if (found === null) throw new ZooKeeperError('NO_NODE', { path, zxid: this.#host.replica.zxidApplied })
    return found
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

  #over(): ZooKeeperError | null {
    return this.#isOver() || this.#closing !== null ? this.#overError() : null
  }

  #overError(outcome: Outcome = 'not-applied'): ZooKeeperError {
    if (this.#hasMoved) return new ZooKeeperError('SESSION_MOVED', { outcome })
    if (this.#state !== 'expired') return new ZooKeeperError('CLOSED', { outcome })
    return new ZooKeeperError('SESSION_EXPIRED', { message: `session ${this.sessionId} has expired`, outcome })
  }
}
