import { NO_SESSION, type SessionId, ZooKeeperError } from '../../base/index.js'
import {
  type CallOptions,
  type ChildrenOptions,
  ChrootView,
  type CreateIfAbsentOptions,
  type CreateOptions,
  type Data,
  type DeleteOptions,
  type MultiOp,
  type MultiResult,
  type Quota,
  type QuotaStatus,
  type ReadOp,
  type ReadOptions,
  type ReadResult,
  type SessionState,
  setQuota,
  Transaction,
  type VersionOptions,
  type WatchedReadOptions,
  type WatcherKind,
  type WatchListener,
  type WatchOptions,
  type ZooKeeper
} from '../../member/index.js'
import {
  type Acl,
  type AuthId,
  NO_QUOTA,
  parseQuotaLimits,
  quotaLimitsPath,
  quotaStatsPath,
  type Stat,
  VERSION_ANY
} from '../../tree/index.js'
import type { Answer, Call, SingleRead } from '../history.js'
import { identitiesOf, keptAcl, SCHEME } from './identities.js'
import { RecordedWatch, recordedListener } from './recorded-watch.js'
import type { Recording } from './recording.js'
import { createCallOf, singleAnswerOf, singleCallOf, singleReadAnswerOf, singleReadOf, textOf } from './vocabulary.js'

const GIVEN_UP = new ZooKeeperError('SESSION_EXPIRED', { outcome: 'unknown' })

type WatchedKind = 'exists' | 'getData' | 'getChildren'

/** A session whose client is recorded: what it is asked and what it says. Otherwise it is the session that it wraps. */
export class RecordedSession implements ZooKeeper {
  readonly #zk: ZooKeeper
  readonly #recording: Recording
  /** Who the session has shown to be. */
  #shown: { readonly session: SessionId; readonly auth: readonly AuthId[] } = {
    session: NO_SESSION,
    auth: []
  }

  constructor(zk: ZooKeeper, recording: Recording) {
    this.#zk = zk
    this.#recording = recording
    // A member without a session is connecting: there is no session yet to be in that state.
    if (zk.sessionId !== 0) recording.add(zk.sessionId, { kind: 'state', state: zk.state })
    zk.onState(state => {
      recording.add(zk.sessionId, { kind: 'state', state })
      this.#inherit()
    })
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
    return this.#zk.state
  }

  create(path: string, data: Data = null, options: CreateOptions = {}): Promise<{ readonly path: string; readonly stat: Stat }> {
    return this.#call(
      createCallOf(path, data, options, this.#auth),
      options,
      () => this.#zk.create(path, data, options),
      created => ({ kind: 'create', ...created, created: true })
    )
  }

  createIfAbsent(
    path: string,
    data: Data = null,
    options: CreateIfAbsentOptions = {}
  ): Promise<{ readonly path: string; readonly stat: Stat; readonly created: boolean }> {
    return this.#call(
      createCallOf(path, data, options, this.#auth, true),
      options,
      () => this.#zk.createIfAbsent(path, data, options),
      created => ({ kind: 'create', ...created })
    )
  }

  delete(path: string, options: DeleteOptions = {}): Promise<void> {
    const { version = VERSION_ANY, recursive = false, ifExists = false } = options
    return this.#call(
      { kind: 'delete', path, version, recursive, ifExists },
      options,
      () => this.#zk.delete(path, options),
      () => ({ kind: 'delete' })
    )
  }

  setData(path: string, data: Data, options: VersionOptions = {}): Promise<Stat> {
    return this.#call(
      { kind: 'setData', path, data: textOf(data), version: options.version ?? VERSION_ANY },
      options,
      () => this.#zk.setData(path, data, options),
      stat => ({ kind: 'setData', stat })
    )
  }

  touch(path: string, options: CallOptions = {}): Promise<Stat> {
    return this.#call(
      { kind: 'touch', path },
      options,
      () => this.#zk.touch(path, options),
      stat => ({ kind: 'touch', stat })
    )
  }

  setACL(path: string, acl: Acl, options: VersionOptions = {}): Promise<Stat> {
    return this.#call(
      { kind: 'setACL', path, acl: keptAcl(acl, this.#auth), version: options.version ?? VERSION_ANY },
      options,
      () => this.#zk.setACL(path, acl, options),
      stat => ({ kind: 'setACL', stat })
    )
  }

  multi(ops: readonly MultiOp[], options: CallOptions = {}): Promise<readonly MultiResult[]> {
    const auth = this.#auth
    return this.#call(
      { kind: 'multi', operations: ops.map(op => singleCallOf(op, auth)) },
      options,
      () => this.#zk.multi(ops, options),
      results => ({ kind: 'multi', results: results.map(singleAnswerOf) })
    )
  }

  /** Recorded as the multi that it becomes. */
  transaction(): Transaction {
    return new Transaction((ops, options) => this.multi(ops, options))
  }

  exists(path: string, options: WatchedReadOptions = {}): Promise<Stat | null> {
    return this.#read(
      { kind: 'exists', path },
      options,
      recorded => this.#zk.exists(path, recorded),
      stat => ({ kind: 'exists', stat })
    )
  }

  getData(path: string, options: WatchedReadOptions = {}): Promise<{ readonly data: Buffer | null; readonly stat: Stat }> {
    return this.#read(
      { kind: 'getData', path },
      options,
      recorded => this.#zk.getData(path, recorded),
      ({ data, stat }) => ({ kind: 'getData', data: textOf(data), stat })
    )
  }

  getChildren(
    path: string,
    options: ChildrenOptions = {}
  ): Promise<{ readonly children: readonly string[]; readonly stat: Stat }> {
    return this.#read(
      { kind: 'getChildren', path, after: options.after ?? null, limit: options.limit ?? null },
      options,
      recorded => this.#zk.getChildren(path, recorded),
      ({ children, stat }) => ({ kind: 'getChildren', children, stat })
    )
  }

  getAllChildrenNumber(path: string, options: ReadOptions = {}): Promise<number> {
    return this.#call(
      { kind: 'getAllChildrenNumber', path, linearizable: options.linearizable ?? false, watch: null },
      options,
      () => this.#zk.getAllChildrenNumber(path, options),
      count => ({ kind: 'getAllChildrenNumber', count })
    )
  }

  getACL(path: string, options: ReadOptions = {}): Promise<{ readonly acl: Acl; readonly stat: Stat }> {
    return this.#call(
      { kind: 'getACL', path, linearizable: options.linearizable ?? false, watch: null },
      options,
      () => this.#zk.getACL(path, options),
      ({ acl, stat }) => ({ kind: 'getACL', acl, stat })
    )
  }

  multiRead(ops: readonly ReadOp[], options: ReadOptions = {}): Promise<readonly ReadResult[]> {
    return this.#call(
      { kind: 'multiRead', reads: ops.map(singleReadOf), linearizable: options.linearizable ?? false },
      options,
      () => this.#zk.multiRead(ops, options),
      results => ({ kind: 'multiRead', results: results.map(singleReadAnswerOf) })
    )
  }

  getEphemerals(prefix = '', options: ReadOptions = {}): Promise<readonly string[]> {
    return this.#call(
      { kind: 'getEphemerals', prefix },
      options,
      () => this.#zk.getEphemerals(prefix, options),
      paths => ({ kind: 'getEphemerals', paths })
    )
  }

  sync(options: CallOptions = {}): Promise<number> {
    return this.#call(
      { kind: 'sync' },
      options,
      () => this.#zk.sync(options),
      zxid => ({ kind: 'sync', zxid })
    )
  }

  /** From this call on its calls are recorded as those of whom it shows to be: there is nobody to ask for that. */
  addAuth(scheme: string, credential: string | Uint8Array): Promise<void> {
    const session = this.#zk.sessionId
    const before = this.#auth
    const shown = scheme === SCHEME ? identitiesOf(textOf(credential) ?? '') : []
    const isNew = shown.filter(({ scheme: of, id }) => !before.some(each => each.scheme === of && each.id === id))
    const isOver = this.#zk.state === 'closed' || this.#zk.state === 'expired'
    if (isNew.length > 0 && session !== NO_SESSION && !isOver) this.#show(session, [...before, ...isNew])
    return this.#zk.addAuth(scheme, credential)
  }

  whoAmI(): Promise<readonly AuthId[]> {
    return this.#zk.whoAmI()
  }

  /** Recorded as the calls that it is made of. */
  setQuota(path: string, quota: Quota | null, options: CallOptions = {}): Promise<void> {
    return setQuota(this, path, quota === null ? null : { ...NO_QUOTA, ...quota }, options)
  }

  /** Recorded as a look at where limits and usage are shown. */
  async getQuota(path: string, options: ReadOptions = {}): Promise<QuotaStatus | null> {
    const reads = [quotaLimitsPath(path), quotaStatsPath(path)].map(each => ({ type: 'getData', path: each }) as const)
    const [limits, usage] = (await this.multiRead(reads, options)).map(read => (read.type === 'getData' ? read.data : null))
    if (limits == null) return null
    const { count, bytes } = parseQuotaLimits(usage ?? null) ?? NO_QUOTA
    return { limits: parseQuotaLimits(limits) ?? NO_QUOTA, usage: { count, bytes } }
  }

  watch(path: string, options: WatchOptions = {}, listener?: WatchListener): RecordedWatch {
    return new RecordedWatch({ zk: this.#zk, recording: this.#recording, path, options, listener: listener ?? null })
  }

  /** Not by listener: each watch that is recorded has one of its own. What ends is in the history by what its listeners are told. */
  removeWatches(path: string, kind?: WatcherKind): Promise<void> {
    return this.#zk.removeWatches(path, kind)
  }

  checkWatches(path: string, kind?: WatcherKind): Promise<void> {
    return this.#zk.checkWatches(path, kind)
  }

  /** What is asked of it is recorded with whole paths. */
  chroot(path: string): ZooKeeper {
    return new ChrootView(this, path)
  }

  onState(listener: (state: SessionState) => void): () => void {
    return this.#zk.onState(listener)
  }

  close(): Promise<void> {
    const { state } = this.#zk
    // Nothing is asked of the ensemble any more, and so it has answered nothing.
    if (state === 'closed' || state === 'expired') return this.#zk.close()
    // A client that has given its session up meanwhile has that answered as well: it is not told that the ensemble has ended it.
    const isEnded = () => this.#zk.state !== 'expired'
    return this.#call(
      { kind: 'closeSession' },
      {},
      () => this.#zk.close(),
      () => (isEnded() ? { kind: 'closeSession' } : GIVEN_UP)
    )
  }

  get #auth(): readonly AuthId[] {
    return this.#shown.session === this.#zk.sessionId ? this.#shown.auth : []
  }

  #show(session: SessionId, auth: readonly AuthId[]): void {
    this.#shown = { session, auth }
    this.#recording.add(session, { kind: 'auth', auth, zxidApplied: this.#recording.zxidApplied })
  }

  /** A member's next session is who its last one was. */
  #inherit(): void {
    const { session, auth } = this.#shown
    const { sessionId } = this.#zk
    if (auth.length > 0 && sessionId !== NO_SESSION && sessionId !== session) this.#show(sessionId, auth)
  }

  #read<T>(
    what: SingleRead & { readonly kind: WatchedKind },
    options: WatchedReadOptions,
    act: (options: WatchedReadOptions) => Promise<T>,
    answer: (value: T) => Answer
  ): Promise<T> {
    const { linearizable = false, watch: listener } = options
    const watch = listener === undefined ? null : this.#recording.nextNumber()
    const recorded =
      listener === undefined || watch === null
        ? options
        : { ...options, watch: recordedListener(this.#recording, this.#zk.sessionId, watch, listener) }
    return this.#call({ ...what, linearizable, watch }, options, () => act(recorded), answer)
  }

  /** An answer that says no more than an error would is written down as one. */
  #call<T>(what: Call, options: CallOptions, act: () => Promise<T>, answer: (value: T) => Answer | ZooKeeperError): Promise<T> {
    const recording = this.#recording
    const session = this.#zk.sessionId
    const call = recording.nextNumber()
    const auth = this.#auth
    recording.add(session, { kind: 'call', call, what, ...(auth.length === 0 ? {} : { auth }) })
    return act().then(
      value => {
        const answered = answer(value)
        if (answered instanceof ZooKeeperError) recording.rejected(session, call, answered, undefined)
        else recording.answered(session, call, answered)
        return value
      },
      (error: unknown) => {
        recording.rejected(session, call, error, options.signal)
        throw error
      }
    )
  }
}
