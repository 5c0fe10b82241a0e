import type { SessionId } from '../base/index.js'
import type { Stat, WatchEvent as TreeWatchEvent } from '../tree/index.js'
import type { Watcher } from './watcher.js'

/**
 * `connecting`: not opened yet. `connected`: its member serves. `disconnected`: its member has no leader; writes and reads wait.
 * `expired`: the ensemble has ended it, or it must assume so. `closed`: ended by `close()`. The last two are final.
 */
export type SessionState = 'connecting' | 'connected' | 'disconnected' | 'expired' | 'closed'

/** What a watch tells. It carries no data: read what you need when you are told. */
export type WatchEvent = TreeWatchEvent & {
  /** The session's state when the event was delivered. */
  readonly state: SessionState
}

/** Called in zxid order, synchronously, before any caller can see the change. What it throws is reported as an uncaught exception. */
export type WatchListener = (event: WatchEvent) => void

/** Data to write: bytes, text as UTF-8, or null for none at all. */
export type Data = Uint8Array | string | null

export interface CallOptions {
  /** Aborting rejects the call with the signal's reason; whether its write happened is then unknown. */
  readonly signal?: AbortSignal
  /** Milliseconds until the call rejects with `OPERATION_TIMEOUT`; the member's `requestTimeout` by default. */
  readonly timeout?: number
}

export interface ReadOptions extends CallOptions {
  /** Have the leader prove its leadership to a quorum first: the read then sees every write that was acknowledged before it was issued. */
  readonly linearizable?: boolean
}

export interface WatchedReadOptions extends ReadOptions {
  /** Called once, at the first change that the read's result would show. */
  readonly watch?: WatchListener
}

export interface CreateOptions extends CallOptions {
  /** Deleted when the session ends. Cannot have children. */
  readonly ephemeral?: boolean
  /** Ten digits are added to the name: how many znodes have been created under the parent before. The path may end in '/'. */
  readonly sequential?: boolean
}

export interface VersionOptions extends CallOptions {
  /** The version that the znode must have, else `BAD_VERSION`; any by default. */
  readonly version?: number
}

export interface WatchOptions {
  /** Also hear of everything below the path; `childrenChanged` is left out then, because the children's own events say it. */
  readonly recursive?: boolean
  /** Ends the watch. */
  readonly signal?: AbortSignal
}

/** One operation of a `multi`. */
export type MultiOp =
  | {
      readonly type: 'create'
      readonly path: string
      readonly data?: Data
      readonly ephemeral?: boolean
      readonly sequential?: boolean
    }
  | { readonly type: 'delete'; readonly path: string; readonly version?: number }
  | { readonly type: 'setData'; readonly path: string; readonly data: Data; readonly version?: number }
  | { readonly type: 'check'; readonly path: string; readonly version?: number }

export type MultiResult =
  | { readonly type: 'create'; readonly path: string; readonly stat: Stat }
  | { readonly type: 'delete' }
  | { readonly type: 'setData'; readonly stat: Stat }
  | { readonly type: 'check' }

/**
 * A ZooKeeper session. Its operations take effect in the order in which they were called, reads included, and it never goes back in time.
 *
 * Every call validates its arguments and rejects with a `ZooKeeperError`: `BAD_ARGUMENTS` before anything is sent, `THROTTLED` when too much
 * is outstanding, `OPERATION_TIMEOUT`, `SESSION_EXPIRED`, `CLOSED`, and what each call names. A write that is pending when the leader dies is
 * carried over to the next one and takes effect exactly once.
 */
export interface ZooKeeper {
  /** The zxid of the txn that created it; 0 while connecting. */
  readonly sessionId: SessionId
  /** Milliseconds, as negotiated. */
  readonly sessionTimeout: number
  readonly state: SessionState

  /** Creates a znode under an existing parent. Refusals: `NODE_EXISTS`, `NO_NODE` (the parent), `NO_CHILDREN_FOR_EPHEMERALS`. */
  create(path: string, data?: Data, options?: CreateOptions): Promise<{ readonly path: string; readonly stat: Stat }>
  /** Deletes a znode without children. Refusals: `NO_NODE`, `BAD_VERSION`, `NOT_EMPTY`. */
  delete(path: string, options?: VersionOptions): Promise<void>
  /** The Stat, or null when there is no such znode. A `watch` is set either way. */
  exists(path: string, options?: WatchedReadOptions): Promise<Stat | null>
  /** The data (a copy of its own) and Stat. Refusal: `NO_NODE`; then no `watch` is set. */
  getData(path: string, options?: WatchedReadOptions): Promise<{ readonly data: Buffer | null; readonly stat: Stat }>
  /** Replaces the data. Refusals: `NO_NODE`, `BAD_VERSION`. */
  setData(path: string, data: Data, options?: VersionOptions): Promise<Stat>
  /** The names of the children, sorted by UTF-16 code unit. Refusal: `NO_NODE`; then no `watch` is set. */
  getChildren(path: string, options?: WatchedReadOptions): Promise<{ readonly children: readonly string[]; readonly stat: Stat }>
  /**
   * All of the operations under one zxid, or none. A refusal rejects with the code of the first operation that was refused, and `results`
   * holds a code for each: `OK` for those before it, `RUNTIME_INCONSISTENCY` for those behind.
   */
  multi(ops: readonly MultiOp[], options?: CallOptions): Promise<readonly MultiResult[]>
  /** Everything that was acknowledged anywhere before this call is visible here afterwards. Resolves to the zxid reached. */
  sync(options?: CallOptions): Promise<number>
  /** A watch that stays until it is disposed of. Set at once, whether the znode exists or not. */
  watch(path: string, options?: WatchOptions, listener?: WatchListener): Watcher
  /** The paths of this session's ephemerals, sorted. */
  getEphemerals(): Promise<readonly string[]>
  /** Calls `listener` at every change of `state`. Returns a function that ends it. */
  onState(listener: (state: SessionState) => void): () => void
  /** Ends the session and deletes its ephemerals. Idempotent. */
  close(): Promise<void>
}

/** Synchronous reads of what this member has applied: a prefix of the ensemble's history, perhaps a moment old. No promise, no waiting. */
export interface LocalTree {
  /** The last zxid applied. */
  readonly zxid: number
  /** Equal on two members at the same zxid, or one of them is broken. */
  readonly digest: string
  exists(path: string): Stat | null
  /** Null when there is no such znode. The bytes are the caller's own. */
  getData(path: string): { readonly data: Buffer | null; readonly stat: Stat } | null
  /** Null when there is no such znode. */
  getChildren(path: string): { readonly children: readonly string[]; readonly stat: Stat } | null
}
