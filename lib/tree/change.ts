import type { ErrorCode, SessionId } from '../base/index.js'
import type { Acl } from './acl.js'
import type { Lifetime } from './lifetime.js'
import type { OperationCode } from './operation.js'

export interface CreateChange {
  readonly kind: 'create'
  /** With its suffix when it is sequential. */
  readonly path: string
  readonly data: Uint8Array | null
  /** `NO_SESSION` when it is not an ephemeral. */
  readonly owner: SessionId
  readonly lifetime: Lifetime
  /** Null: open to all. */
  readonly acl: Acl | null
  /** How many creates the parent has seen, this one included. */
  readonly parentCversion: number
}

export interface DeleteChange {
  readonly kind: 'delete'
  readonly path: string
}

export interface SetDataChange {
  readonly kind: 'setData'
  readonly path: string
  readonly data: Uint8Array | null
  /** The version that it has afterwards. */
  readonly version: number
}

/** Also what becomes of a create with `ifAbsent` whose znode was there. */
export interface CheckChange {
  readonly kind: 'check'
  readonly path: string
}

export interface SetAclChange {
  readonly kind: 'setACL'
  readonly path: string
  readonly acl: Acl | null
  /** The aversion that it has afterwards. */
  readonly aversion: number
}

/** The time is the txn's. */
export interface TouchChange {
  readonly kind: 'touch'
  readonly path: string
}

export type SingleChange = CreateChange | DeleteChange | SetDataChange | CheckChange | SetAclChange | TouchChange

/** Several changes of one txn. None at all is what becomes of a delete with `ifExists` whose znode was not there. */
export interface MultiChange {
  readonly kind: 'multi'
  readonly changes: readonly SingleChange[]
}

/** A container that has served its purpose, or a znode whose time to live is over. Of the leader's own accord; ZooKeeper's `deleteContainer`. */
export interface DeleteContainerChange {
  readonly kind: 'deleteContainer'
  readonly path: string
}

/** What the end of a session does to the tree: the paths are listed, so that nothing has to be worked out when it is applied. */
export interface DeleteEphemeralsChange {
  readonly kind: 'deleteEphemerals'
  readonly owner: SessionId
  readonly paths: readonly string[]
}

/** A refusal is decided by the log like everything else, so that its caller hears of it in order. Changes nothing but the zxid. */
export interface RefusedChange {
  readonly kind: 'refused'
  readonly code: ErrorCode
  readonly path?: string
  readonly results?: readonly OperationCode[]
}

/**
 * What the leader turned an operation into: absolute values that every member writes down as they are. No clock, no chance and no condition
 * is left in it.
 */
export type TreeChange = SingleChange | MultiChange | DeleteContainerChange | DeleteEphemeralsChange | RefusedChange
