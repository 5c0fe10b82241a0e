import type { ErrorCode } from '../base/index.js'
import type { Acl } from './acl.js'
import type { Lifetime } from './lifetime.js'
import type { Stat } from './stat.js'

export interface CreateOperation {
  readonly kind: 'create'
  /** With `sequential` a prefix, to which the parent's count of creates is added. */
  readonly path: string
  readonly data: Uint8Array | null
  /** Deleted when the session ends. Then its lifetime is `PERSISTENT`. */
  readonly ephemeral: boolean
  readonly sequential: boolean
  readonly lifetime: Lifetime
  /** Null: open to all. */
  readonly acl: Acl | null
  /** Also create what is missing above it: persistent, without data, with the same ACL. Not in a multi. */
  readonly parents: boolean
  /** If the znode is there already, that is no refusal, and nothing is done. Not in a multi, and not for a sequential one. */
  readonly ifAbsent: boolean
}

export interface DeleteOperation {
  readonly kind: 'delete'
  readonly path: string
  /** The version that the znode must have; `VERSION_ANY` for any. */
  readonly version: number
  /** Also delete everything below it, up to `LIMITS.deletedMax` znodes together. Not in a multi. */
  readonly recursive: boolean
  /** If there is no such znode, that is no refusal, and nothing is done. Not in a multi. */
  readonly ifExists: boolean
}

export interface SetDataOperation {
  readonly kind: 'setData'
  readonly path: string
  readonly data: Uint8Array | null
  readonly version: number
}

/** Changes nothing; refuses the multi that it stands in when the version differs. */
export interface CheckOperation {
  readonly kind: 'check'
  readonly path: string
  readonly version: number
}

/** What a multi is made of. */
export type SingleOperation = CreateOperation | DeleteOperation | SetDataOperation | CheckOperation

/** All or nothing, under one zxid; later operations see what the earlier ones did. */
export interface MultiOperation {
  readonly kind: 'multi'
  readonly operations: readonly SingleOperation[]
}

export interface SetAclOperation {
  readonly kind: 'setACL'
  readonly path: string
  readonly acl: Acl | null
  /** The aversion that the znode must have; `VERSION_ANY` for any. */
  readonly version: number
}

/** Makes a znode as young as if its data had just been set: its time to live begins anew. */
export interface TouchOperation {
  readonly kind: 'touch'
  readonly path: string
}

/** What a caller asks of the tree. */
export type Operation = SingleOperation | MultiOperation | SetAclOperation | TouchOperation

/** What became of one operation of a refused multi: the ones behind the refused one were not looked at. */
export type OperationCode = 'OK' | ErrorCode

export type SingleResult =
  | { readonly kind: 'create'; readonly path: string; readonly stat: Stat }
  | { readonly kind: 'delete' }
  | { readonly kind: 'setData'; readonly stat: Stat }
  /** `stat`: as it was when it was checked. */
  | { readonly kind: 'check'; readonly stat: Stat }
  | { readonly kind: 'setACL'; readonly stat: Stat }
  | { readonly kind: 'touch'; readonly stat: Stat }

export interface RefusedResult {
  readonly kind: 'refused'
  readonly code: ErrorCode
  readonly path?: string
  /** For a multi: one code for each operation. */
  readonly results?: readonly OperationCode[]
}

/** What a committed txn tells the caller of its operation. */
export type OperationResult =
  | SingleResult
  /**
   * Of a multi, one for each of its operations. Also of a create with `parents` that had some to create, the last of them being its own; and of
   * a delete with `recursive` or `ifExists`, one for each znode that was deleted.
   */
  | { readonly kind: 'multi'; readonly results: readonly SingleResult[] }
  | RefusedResult
  /** Nobody waits for it: ephemerals were deleted, or a container, or the txn had been applied before. */
  | { readonly kind: 'none' }
