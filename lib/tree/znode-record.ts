import type { SessionId, Zxid } from '../base/index.js'

/**
 * One znode as a snapshot keeps it: everything of it that does not follow from the other records. `numChildren` does; which session owns
 * which ephemerals does too.
 */
export interface ZnodeRecord {
  readonly path: string
  readonly data: Uint8Array | null
  readonly czxid: Zxid
  readonly mzxid: Zxid
  readonly pzxid: Zxid
  readonly ctime: number
  readonly mtime: number
  readonly version: number
  /** As stored: the number of creates below it. */
  readonly cversion: number
  /** `NO_SESSION` when it is persistent. */
  readonly owner: SessionId
}
