import type { CallOptions, CreateFlags, Data, MultiOp, MultiResult } from './zookeeper.js'

/**
 * A `multi` that is put together call by call. Nothing is sent, and nothing but the shape of the arguments is checked, before {@link commit}.
 *
 * ```ts
 * await zk.transaction().check('/lock', 3).setData('/state', 'new').delete('/todo').commit()
 * ```
 */
export class Transaction {
  readonly #send: (ops: readonly MultiOp[], options?: CallOptions) => Promise<readonly MultiResult[]>
  readonly #ops: MultiOp[] = []

  /** Made by {@link ZooKeeper.transaction}. */
  constructor(send: (ops: readonly MultiOp[], options?: CallOptions) => Promise<readonly MultiResult[]>) {
    this.#send = send
  }

  create(path: string, data: Data = null, flags: CreateFlags = {}): this {
    this.#ops.push({ ...flags, type: 'create', path, data })
    return this
  }

  delete(path: string, version?: number): this {
    this.#ops.push({ type: 'delete', path, ...(version === undefined ? {} : { version }) })
    return this
  }

  setData(path: string, data: Data, version?: number): this {
    this.#ops.push({ type: 'setData', path, data, ...(version === undefined ? {} : { version }) })
    return this
  }

  /** Refuses all of it unless the znode is there and, when given, has this version. */
  check(path: string, version?: number): this {
    this.#ops.push({ type: 'check', path, ...(version === undefined ? {} : { version }) })
    return this
  }

  /** All of it under one zxid, or none: as {@link ZooKeeper.multi} with what was put together so far. May be called again. */
  commit(options?: CallOptions): Promise<readonly MultiResult[]> {
    return this.#send([...this.#ops], options)
  }
}
