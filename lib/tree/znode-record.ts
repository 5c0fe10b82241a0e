import type { SessionId, Zxid } from '../base/index.js'
import type { Acl } from './acl.js'
import type { Lifetime } from './lifetime.js'

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
  readonly aversion: number
  /** `NO_SESSION` when it is not an ephemeral. */
  readonly owner: SessionId
  readonly lifetime: Lifetime
  /** By value, so that no znode can refer to a list that is not there (ZOOKEEPER-3306, 4846); null: open to all. */
  readonly acl: Acl | null
}
