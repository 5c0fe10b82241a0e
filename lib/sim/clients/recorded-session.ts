import type { SessionId } from '../../base/index.js'
import type {
  CallOptions,
  CreateOptions,
  Data,
  MultiOp,
  MultiResult,
  SessionState,
  VersionOptions,
  WatchEvent,
  WatchedReadOptions,
  WatchListener,
  WatchOptions,
  ZooKeeper
} from '../../member/index.js'
import { type Stat, VERSION_ANY } from '../../tree/index.js'
import type { Answer, Call, ReadCall, SingleCall } from '../history.js'
import type { Recording } from './recording.js'

/** A persistent watch that is recorded. */
export interface RecordedWatch {
  readonly watch: number
  readonly path: string
  /** Ends the watch. Idempotent. */
  dispose(): void
}

/** A session whose client is recorded: what it is asked and what it says. Otherwise it is the session that it wraps. */
export class RecordedSession implements Omit<ZooKeeper, 'watch'> {
  readonly #zk: ZooKeeper
  readonly #recording: Recording

  constructor(zk: ZooKeeper, recording: Recording) {
    this.#zk = zk
    this.#recording = recording
    // A member without a session is connecting: there is no session yet to be in that state.
    if (zk.sessionId !== 0) recording.add(zk.sessionId, { kind: 'state', state: zk.state })
    zk.onState(state => recording.add(zk.sessionId, { kind: 'state', state }))
  }

  get sessionId(): SessionId {
    return this.#zk.sessionId
  }

  get sessionTimeout(): number {
    return this.#zk.sessionTimeout
  }

  get state(): SessionState {
    return this.#zk.state
  }

  create(path: string, data: Data = null, options: CreateOptions = {}): Promise<{ readonly path: string; readonly stat: Stat }> {
    const { ephemeral = false, sequential = false } = options
    return this.#call(
      { kind: 'create', path, data: textOf(data), ephemeral, sequential },
      options,
      () => this.#zk.create(path, data, options),
      created => ({ kind: 'create', ...created })
    )
  }

  delete(path: string, options: VersionOptions = {}): Promise<void> {
    return this.#call(
      { kind: 'delete', path, version: options.version ?? VERSION_ANY },
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

  multi(ops: readonly MultiOp[], options: CallOptions = {}): Promise<readonly MultiResult[]> {
    return this.#call(
      { kind: 'multi', operations: ops.map(singleCallOf) },
      options,
      () => this.#zk.multi(ops, options),
      results => ({ kind: 'multi', results: results.map(singleAnswerOf) })
    )
  }

  exists(path: string, options: WatchedReadOptions = {}): Promise<Stat | null> {
    return this.#read(
      'exists',
      path,
      options,
      recorded => this.#zk.exists(path, recorded),
      stat => ({ kind: 'exists', stat })
    )
  }

  getData(path: string, options: WatchedReadOptions = {}): Promise<{ readonly data: Buffer | null; readonly stat: Stat }> {
    return this.#read(
      'getData',
      path,
      options,
      recorded => this.#zk.getData(path, recorded),
      ({ data, stat }) => ({ kind: 'getData', data: textOf(data), stat })
    )
  }

  getChildren(
    path: string,
    options: WatchedReadOptions = {}
  ): Promise<{ readonly children: readonly string[]; readonly stat: Stat }> {
    return this.#read(
      'getChildren',
      path,
      options,
      recorded => this.#zk.getChildren(path, recorded),
      ({ children, stat }) => ({ kind: 'getChildren', children, stat })
    )
  }

  getEphemerals(): Promise<readonly string[]> {
    return this.#call(
      { kind: 'getEphemerals' },
      {},
      () => this.#zk.getEphemerals(),
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

  watch(path: string, options: Omit<WatchOptions, 'signal'> = {}, listener: WatchListener | null = null): RecordedWatch {
    const recording = this.#recording
    const session = this.#zk.sessionId
    const watch = recording.nextNumber()
    const { recursive = false } = options
    const watcher = this.#zk.watch(path, { recursive }, this.#listener(session, watch, listener))
    recording.add(session, { kind: 'watch', watch, path, recursive, zxidApplied: recording.zxidApplied })
    return {
      watch,
      path,
      dispose: () => {
        // One that has ended with its session is not its owner's any more.
        if (watcher.disposed) return
        watcher.dispose()
        recording.add(session, { kind: 'unwatch', watch })
      }
    }
  }

  onState(listener: (state: SessionState) => void): () => void {
    return this.#zk.onState(listener)
  }

  close(): Promise<void> {
    const { state } = this.#zk
    // Nothing is asked of the ensemble any more, and so it has answered nothing.
    if (state === 'closed' || state === 'expired') return this.#zk.close()
    return this.#call(
      { kind: 'closeSession' },
      {},
      () => this.#zk.close(),
      () => ({ kind: 'closeSession' })
    )
  }

  #read<T>(
    kind: ReadCall['kind'],
    path: string,
    options: WatchedReadOptions,
    act: (options: WatchedReadOptions) => Promise<T>,
    answer: (value: T) => Answer
  ): Promise<T> {
    const { linearizable = false, watch: listener } = options
    const watch = listener === undefined ? null : this.#recording.nextNumber()
    const recorded =
      listener === undefined || watch === null
        ? options
        : { ...options, watch: this.#listener(this.#zk.sessionId, watch, listener) }
    return this.#call({ kind, path, linearizable, watch }, options, () => act(recorded), answer)
  }

  #listener(session: SessionId, watch: number, listener: WatchListener | null): WatchListener {
    return (event: WatchEvent) => {
      this.#recording.told(session, watch, event)
      listener?.(event)
    }
  }

  #call<T>(what: Call, options: CallOptions, act: () => Promise<T>, answer: (value: T) => Answer): Promise<T> {
    const recording = this.#recording
    const session = this.#zk.sessionId
    const call = recording.nextNumber()
    recording.add(session, { kind: 'call', call, what })
    return act().then(
      value => {
        recording.answered(session, call, answer(value))
        return value
      },
      (error: unknown) => {
        recording.rejected(session, call, error, options.signal)
        throw error
      }
    )
  }
}

function textOf(data: Data): string | null {
  if (data === null || typeof data === 'string') return data
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString()
}

function singleCallOf(op: MultiOp): SingleCall {
  switch (op.type) {
    case 'create':
      return {
        kind: 'create',
        path: op.path,
        data: textOf(op.data ?? null),
        ephemeral: op.ephemeral ?? false,
        sequential: op.sequential ?? false
      }
    case 'delete':
      return { kind: 'delete', path: op.path, version: op.version ?? VERSION_ANY }
    case 'setData':
      return { kind: 'setData', path: op.path, data: textOf(op.data), version: op.version ?? VERSION_ANY }
    case 'check':
      return { kind: 'check', path: op.path, version: op.version ?? VERSION_ANY }
  }
}

function singleAnswerOf(result: MultiResult): Exclude<Answer, { kind: 'multi' }> {
  switch (result.type) {
    case 'create':
      return { kind: 'create', path: result.path, stat: result.stat }
    case 'setData':
      return { kind: 'setData', stat: result.stat }
    case 'delete':
      return { kind: 'delete' }
    case 'check':
      return { kind: 'check' }
  }
}
