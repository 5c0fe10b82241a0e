import type { Zxid } from '../base/index.js'
import type { Acl } from './acl.js'

/** What an applied txn did, as watches know it: type and path, never data. */
export interface TreeEvent {
  readonly type: 'created' | 'deleted' | 'dataChanged' | 'childrenChanged'
  readonly path: string
  readonly zxid: Zxid
  /** Who may hear of it: the ACL of the znode at `path`, of a deleted one its last. Left out where everybody may. */
  readonly acl?: Acl
}
