import type { AclEntry } from '../../lib/tree/index.js'

/** ZooKeeper's numbers of create modes. */
export const MODES = {
  PERSISTENT: 0,
  EPHEMERAL: 1,
  PERSISTENT_SEQUENTIAL: 2,
  EPHEMERAL_SEQUENTIAL: 3,
  CONTAINER: 4,
  PERSISTENT_WITH_TTL: 5,
  PERSISTENT_SEQUENTIAL_WITH_TTL: 6
} as const

export type Mode = (typeof MODES)[keyof typeof MODES]

/** In place of the path that a sequence's znodes live below. */
export const HERE = '~'

export interface CreateOp {
  readonly kind: 'create'
  readonly path: string
  /** Text; the empty one stands for no bytes, null for no data at all. */
  readonly data: string | null
  readonly mode: Mode
  /** Milliseconds; -1 for none, as ZooKeeper has it. */
  readonly ttl: number
  readonly acl: readonly AclEntry[]
}

export interface DeleteOp {
  readonly kind: 'delete'
  readonly path: string
  readonly version: number
}

/** What a multi is made of. */
export type WriteOp =
  | CreateOp
  | DeleteOp
  | { readonly kind: 'setData'; readonly path: string; readonly data: string | null; readonly version: number }
  | { readonly kind: 'check'; readonly path: string; readonly version: number }

/** What a multiRead is made of. */
export interface ReadOp {
  readonly kind: 'getData' | 'getChildren'
  readonly path: string
}

/** ZooKeeper's words for what is to be removed. */
export type WatcherType = 'Children' | 'Data' | 'Any'

/** What one session is told to do; paths may begin with {@link HERE}. */
export type Action =
  | Exclude<WriteOp, { kind: 'check' }>
  | { readonly kind: 'open' | 'close' | 'whoAmI' }
  | { readonly kind: 'addAuth'; readonly scheme: string; readonly credential: string }
  /** `watcher`: a number that stands for one listener of the session; null for no watch. */
  | { readonly kind: 'exists' | 'getData' | 'getChildren'; readonly path: string; readonly watcher: number | null }
  | { readonly kind: 'getACL' | 'getAllChildrenNumber'; readonly path: string }
  | { readonly kind: 'setACL'; readonly path: string; readonly acl: readonly AclEntry[]; readonly version: number }
  | { readonly kind: 'multi'; readonly ops: readonly WriteOp[] }
  | { readonly kind: 'multiRead'; readonly ops: readonly ReadOp[] }
  | { readonly kind: 'getEphemerals'; readonly prefix: string }
  | { readonly kind: 'addWatch'; readonly path: string; readonly recursive: boolean; readonly watcher: number }
  | { readonly kind: 'removeAllWatches'; readonly path: string; readonly type: WatcherType }
  /** `first`, after which the server is to remove the znode of its own accord; until it has. */
  | { readonly kind: 'awaitGone'; readonly path: string; readonly first: Step | null }
  /** For so long that the server would have removed whatever it removes of its own accord. */
  | { readonly kind: 'pause'; readonly milliseconds: number }

export type Step = Action & { readonly session: number }

/** Steps that belong together: they see nothing of others, and session 0 is open. */
export interface Sequence {
  readonly name: string
  readonly steps: readonly Step[]
}

/** The same with `here` in place of {@link HERE} in every path. */
export function placed<T>(value: T, here: string): T {
  const replace = (each: unknown, key: string): unknown => {
    if (typeof each === 'string') return key === 'path' || key === 'prefix' ? each.replace(HERE, here) : each
    if (Array.isArray(each)) return each.map(item => replace(item, ''))
    if (typeof each !== 'object' || each === null) return each
    return Object.fromEntries(Object.entries(each).map(([name, item]) => [name, replace(item, name)]))
  }
  return replace(value, '') as T
}
