import type { SessionId, Zxid } from '../base/index.js'
import type { Acl, AuthId, Stat } from '../tree/index.js'
import type { Transaction } from './transaction.js'

/**
 * `connecting`: not opened yet. `connected`: its member serves. `disconnected`: its member has no leader; writes and reads wait.
 * `expired`: the ensemble has ended it, or it must assume so. `closed`: ended by `close()`. The last two are final.
 */
export type SessionState = 'connecting' | 'connected' | 'disconnected' | 'expired' | 'closed'

/** What a watch tells. It carries no data: read what you need when you are told. */
export type WatchEvent = {
  /** Of what was changed; of everything else, the watched path. */
  readonly path: string
  /** The txn that did it. Of what no txn did, the last one that this member had applied. */
  readonly zxid: Zxid
  /** The session's state when the event was delivered. */
  readonly state: SessionState
} & (
  | { readonly type: 'created' | 'deleted' | 'dataChanged' | 'childrenChanged' }
  /** The member has caught up by a snapshot: this stands for all that was done meanwhile. */
  | {
      readonly type: 'reset'
      /**
       * The watched paths that are not what they were, sorted by UTF-16 code unit: of a persistent watch its path or none, of a recursive one
       * those at or below its path that came, went, were made anew or had their data set. Without those that this session may not read. Null
       * when that is too much to find out within one pause: then anything at or below the path may have changed.
       */
      readonly paths: readonly string[] | null
    }
  /** `removeWatches` has ended the watch. `dataWatchRemoved` of one set by `getData` or `exists`, `childWatchRemoved` by `getChildren`. */
  | { readonly type: 'dataWatchRemoved' | 'childWatchRemoved' | 'persistentWatchRemoved' }
  /** Only of an iteration that fell behind by more than its `buffer`: so many events were left out here, the last of them at `zxid`. */
  | { readonly type: 'overflow'; readonly dropped: number }
)

/**
 * Called in zxid order, synchronously, before any caller can see the change. What it throws is reported as an uncaught exception.
 *
 * A session calls one function once for one event, however often it was registered for it. It never sees `overflow`: it is called at once.
 */
export type WatchListener = (event: Exclude<WatchEvent, { readonly type: 'overflow' }>) => void

/** Watches by what has set them: `data` by `getData` or `exists`, `child` by `getChildren`, the others by `watch` without or with `recursive`. */
export type WatcherKind = 'data' | 'child' | 'persistent' | 'recursive' | 'any'

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
  /** Called once, at the first change that the read's result would show. `LIMIT_EXCEEDED` when the member has too many watches already. */
  readonly watch?: WatchListener
}

/** What a znode is created as. Of `ephemeral`, `container` and `ttl` at most one is given; each may be `sequential`. */
export interface CreateFlags {
  /** Deleted when the session ends. Cannot have children. */
  readonly ephemeral?: boolean
  /** Ten digits are added to the name: how many znodes have been created under the parent before. The path may end in '/'. */
  readonly sequential?: boolean
  /** Deleted by the leader once its last child is gone, or when it has had none for the member's `containerMaxNeverUsed`. */
  readonly container?: boolean
  /**
   * Milliseconds, 1 to 2^40 - 1: deleted by the leader once it has no children and its data have not been set, nor the znode touched, for so
   * long; at the leader's next look, see the option `containerCheckInterval`.
   */
  readonly ttl?: number
  /** Who may do what with it; everybody everything by default, as `OPEN_ACL_UNSAFE`. */
  readonly acl?: Acl
}

export interface CreateOptions extends CallOptions, CreateFlags {
  /** Also create what is missing above it: persistent, without data, with the same `acl`. All in one txn. */
  readonly parents?: boolean
}

export interface CreateIfAbsentOptions extends CallOptions, Omit<CreateFlags, 'sequential'> {
  /** As for {@link CreateOptions}. */
  readonly parents?: boolean
}

export interface DeleteOptions extends VersionOptions {
  /** Also delete everything below it, in one txn: at most 5 000 znodes together, else `LIMIT_EXCEEDED`. `version` is that of the znode itself. */
  readonly recursive?: boolean
  /** That there is no such znode is no refusal. */
  readonly ifExists?: boolean
}

export interface ChildrenOptions extends WatchedReadOptions {
  /** Only names behind this one, in their order; that child need not be there (any more). */
  readonly after?: string
  /** At most so many names: with `after` the name that the page before ended with, all are gone through page by page. */
  readonly limit?: number
}

export interface VersionOptions extends CallOptions {
  /** The version that the znode must have, else `BAD_VERSION`; any by default. */
  readonly version?: number
}

/**
 * A persistent watch: dispose of it with `dispose()` or `using`, iterate over it with `for await`.
 *
 * An iteration may fall `buffer` events behind. What comes then is left out and counted, and in its place the iteration yields one item of type
 * `overflow` behind the buffered ones; with what comes after the gap it goes on. So nothing is ever left out silently: read anew when you meet
 * one. A listener has no such bound, because it is called at once. An iteration ends normally when the watch is disposed of, is removed or
 * its session is over.
 */
export interface Watcher extends Disposable, AsyncIterable<WatchEvent> {
  readonly path: string
  readonly recursive: boolean
  readonly disposed: boolean
  /** Ends the watch, and nobody is told. Idempotent. */
  dispose(): void
  /** Begins with the first event after this call. */
  [Symbol.asyncIterator](): AsyncIterator<WatchEvent>
}

export interface WatchOptions {
  /** Also hear of everything below the path; `childrenChanged` is left out then, because the children's own events say it. */
  readonly recursive?: boolean
  /** Ends the watch. */
  readonly signal?: AbortSignal
  /** Events that an iteration may fall behind by, 1 to 1,000,000; 10,000 by default. See {@link Watcher} for what happens then. */
  readonly buffer?: number
}

/** One operation of a `multi`. */
export type MultiOp =
  | ({ readonly type: 'create'; readonly path: string; readonly data?: Data } & CreateFlags)
  | { readonly type: 'delete'; readonly path: string; readonly version?: number }
  | { readonly type: 'setData'; readonly path: string; readonly data: Data; readonly version?: number }
  | { readonly type: 'check'; readonly path: string; readonly version?: number }

export type MultiResult =
  | { readonly type: 'create'; readonly path: string; readonly stat: Stat }
  | { readonly type: 'delete' }
  | { readonly type: 'setData'; readonly stat: Stat }
  | { readonly type: 'check' }

/** One operation of a `multiRead`. */
export type ReadOp =
  | { readonly type: 'getData'; readonly path: string }
  | { readonly type: 'getChildren'; readonly path: string; readonly after?: string; readonly limit?: number }
  | { readonly type: 'exists'; readonly path: string }

/** What came of it; each read is refused by itself. */
export type ReadResult =
  | { readonly type: 'getData'; readonly data: Buffer | null; readonly stat: Stat }
  | { readonly type: 'getChildren'; readonly children: readonly string[]; readonly stat: Stat }
  | { readonly type: 'exists'; readonly stat: Stat | null }
  | { readonly type: 'error'; readonly code: 'NO_NODE' | 'NO_AUTH'; readonly path: string }

/** Limits of a subtree, its root included; what is left out is not limited. */
export interface Quota {
  /** Znodes; passing it is told by the `progress` event `quotaExceeded`, and not refused. */
  readonly count?: number
  /** Bytes of data; told and not refused. */
  readonly bytes?: number
  /** Znodes; a write that would pass it is refused with `QUOTA_EXCEEDED`. */
  readonly countHard?: number
  /** Bytes of data; refused. */
  readonly bytesHard?: number
}

/** A quota, and what of it is used. */
export interface QuotaStatus {
  readonly limits: Quota
  readonly usage: { readonly count: number; readonly bytes: number }
}

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
  /** 16 bytes: whoever has them and the id can take the session over, see `EnsembleMember.openSession`. A copy; empty while connecting. */
  readonly sessionPassword: Buffer
  readonly state: SessionState

  /**
   * Creates a znode. Refusals: `NODE_EXISTS`, `NO_NODE` (the parent), `NO_AUTH` (the parent's ACL, `CREATE`), `NO_CHILDREN_FOR_EPHEMERALS`,
   * `INVALID_ACL`, `QUOTA_EXCEEDED`, `LIMIT_EXCEEDED` (children of the parent, ephemerals of the session, 2^31-1 creates below one parent).
   */
  create(path: string, data?: Data, options?: CreateOptions): Promise<{ readonly path: string; readonly stat: Stat }>
  /** The same, and that it is there already is no refusal: `created` says which. Its Stat may be read only with `READ`, else `NO_AUTH`. */
  createIfAbsent(
    path: string,
    data?: Data,
    options?: CreateIfAbsentOptions
  ): Promise<{ readonly path: string; readonly stat: Stat; readonly created: boolean }>
  /** Deletes a znode without children. Refusals: `NO_NODE`, `NO_AUTH` (the parent's ACL, `DELETE`), `BAD_VERSION`, `NOT_EMPTY`. */
  delete(path: string, options?: DeleteOptions): Promise<void>
  /** The Stat, or null when there is no such znode. A `watch` is set either way. */
  exists(path: string, options?: WatchedReadOptions): Promise<Stat | null>
  /** The data (a copy of its own) and Stat. Refusal: `NO_NODE`; then no `watch` is set. */
  getData(path: string, options?: WatchedReadOptions): Promise<{ readonly data: Buffer | null; readonly stat: Stat }>
  /** Replaces the data. Refusals: `NO_NODE`, `NO_AUTH`, `BAD_VERSION`, `QUOTA_EXCEEDED`. */
  setData(path: string, data: Data, options?: VersionOptions): Promise<Stat>
  /**
   * Sets `mtime` to now without a new version and without an event: the time to live of a TTL znode begins anew. Refusals: `NO_NODE`, `NO_AUTH`
   * (`WRITE`). Not in ZooKeeper.
   */
  touch(path: string, options?: CallOptions): Promise<Stat>
  /** The names of the children, or a page of them, sorted by UTF-16 code unit. Refusals: `NO_NODE`, `NO_AUTH`; then no `watch` is set. */
  getChildren(path: string, options?: ChildrenOptions): Promise<{ readonly children: readonly string[]; readonly stat: Stat }>
  /** How many znodes there are below, at any depth; costs the same for all. Refusals: `NO_NODE`, `NO_AUTH`. */
  getAllChildrenNumber(path: string, options?: ReadOptions): Promise<number>
  /**
   * The ACL and Stat. Without `ADMIN` the hashes of digest ids are masked, as `user:x`. Refusals: `NO_NODE`, `NO_AUTH` (neither `READ` nor
   * `ADMIN`).
   */
  getACL(path: string, options?: ReadOptions): Promise<{ readonly acl: Acl; readonly stat: Stat }>
  /** Replaces the ACL; `version` is the aversion that the znode must have. Refusals: `NO_NODE`, `NO_AUTH` (`ADMIN`), `BAD_VERSION`, `INVALID_ACL`. */
  setACL(path: string, acl: Acl, options?: VersionOptions): Promise<Stat>
  /**
   * Shows who the session is, for all that it asks from here on; for `digest` by `user:password`. Rejects with `AUTH_FAILED`, and the session
   * goes on as it was (a client of ZooKeeper would be finished). Not kept with the session: who takes it over says it again. A member's own
   * session that takes the place of an expired one goes on as the same.
   */
  addAuth(scheme: string, credential: string | Uint8Array): Promise<void>
  /** Who the session has shown to be. Of `digest` ids the user only. */
  whoAmI(): Promise<readonly AuthId[]>
  /**
   * All of the operations under one zxid, or none. A refusal rejects with the code of the first operation that was refused, and `results`
   * holds a code for each: `OK` for those before it, `RUNTIME_INCONSISTENCY` for those behind.
   */
  multi(ops: readonly MultiOp[], options?: CallOptions): Promise<readonly MultiResult[]>
  /** The same, put together call by call and sent by `commit()`. */
  transaction(): Transaction
  /** Several reads of one and the same state. Each is refused by itself, as a result. */
  multiRead(ops: readonly ReadOp[], options?: ReadOptions): Promise<readonly ReadResult[]>
  /**
   * The quota of the subtree at `path`, kept where ZooKeeper keeps it, below `/zookeeper/quota`; null to remove it. Every quota at or above a
   * znode counts. Refusals: `NO_AUTH` (the ACLs of `/zookeeper/quota` and below).
   */
  setQuota(path: string, quota: Quota | null, options?: CallOptions): Promise<void>
  /** Null when there is none. Refusal: `NO_AUTH`. */
  getQuota(path: string, options?: ReadOptions): Promise<QuotaStatus | null>
  /** Everything that was acknowledged anywhere before this call is visible here afterwards. Resolves to the zxid reached. */
  sync(options?: CallOptions): Promise<number>
  /** A watch that stays until it is disposed of. Set at once, whether the znode exists or not. Throws, with the codes of a read with a `watch`. */
  watch(path: string, options?: WatchOptions, listener?: WatchListener): Watcher
  /**
   * Ends this session's watches of a kind on exactly this path (by default all of them), or those of one listener only. Each listener is told
   * once of every kind that it loses, before this resolves, and a {@link Watcher} is disposed of. Refusal: `NO_WATCHER`.
   */
  removeWatches(path: string, kind?: WatcherKind, listener?: WatchListener): Promise<void>
  /** Resolves if this session has a watch of that kind on exactly this path. Refusal: `NO_WATCHER`. */
  checkWatches(path: string, kind?: WatcherKind): Promise<void>
  /** The paths of this session's ephemerals that begin with `prefix` (as text, not as a path), sorted; all by default. */
  getEphemerals(prefix?: string, options?: ReadOptions): Promise<readonly string[]>
  /**
   * The same session with every path taken from `path` down: it is put before what is asked for and taken off what is told. Paths of
   * `/zookeeper` are left as they are. Nothing is created, and `close()` of what this returns ends its own watches and nothing else.
   */
  chroot(path: string): ZooKeeper
  /** Calls `listener` at every change of `state`. Returns a function that ends it. */
  onState(listener: (state: SessionState) => void): () => void
  /** Ends the session and deletes its ephemerals. Idempotent. */
  close(): Promise<void>
}

/**
 * Synchronous reads of what this member has applied: a prefix of the ensemble's history, perhaps a moment old. No promise, no waiting. ACLs are
 * held against the identities of the member's own session; what they forbid throws `NO_AUTH`.
 */
export interface LocalTree {
  /** The last zxid applied. */
  readonly zxid: number
  /** Equal on two members at the same zxid, or one of them is broken. */
  readonly digest: string
  exists(path: string): Stat | null
  /** Null when there is no such znode. The bytes are the caller's own. */
  getData(path: string): { readonly data: Buffer | null; readonly stat: Stat } | null
  /** Null when there is no such znode. A page of them as in `ZooKeeper.getChildren`. */
  getChildren(
    path: string,
    range?: { readonly after?: string; readonly limit?: number }
  ): { readonly children: readonly string[]; readonly stat: Stat } | null
}
