import type { ErrorCode } from '../base/index.js'
import type { Stat } from './stat.js'

export interface CreateOperation {
  readonly kind: 'create'
  /** With `sequential` a prefix, to which the parent's count of creates is added. */
  readonly path: string
  readonly data: Uint8Array | null
  /** Deleted when the session ends. */
  readonly ephemeral: boolean
  readonly sequential: boolean
}

export interface DeleteOperation {
  readonly kind: 'delete'
  readonly path: string
  /** The version that the znode must have; `VERSION_ANY` for any. */
  readonly version: number
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

export type SingleOperation = CreateOperation | DeleteOperation | SetDataOperation | CheckOperation

/** All or nothing, under one zxid; later operations see what the earlier ones did. */
export interface MultiOperation {
  readonly kind: 'multi'
  readonly operations: readonly SingleOperation[]
}

/** What a caller asks of the tree. */
export type Operation = SingleOperation | MultiOperation

/** What became of one operation of a refused multi: the ones behind the refused one were not looked at. */
export type OperationCode = 'OK' | ErrorCode

export type SingleResult =
  | { readonly kind: 'create'; readonly path: string; readonly stat: Stat }
  | { readonly kind: 'delete' }
  | { readonly kind: 'setData'; readonly stat: Stat }
  | { readonly kind: 'check' }

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
  | { readonly kind: 'multi'; readonly results: readonly SingleResult[] }
  | RefusedResult
  /** Nobody waits for it: a session's ephemerals were deleted, or the txn had been applied before. */
  | { readonly kind: 'none' }
