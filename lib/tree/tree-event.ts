import type { Zxid } from '../base/index.js'

/** What an applied txn did, as watches know it: type and path, never data. */
export interface TreeEvent {
  readonly type: 'created' | 'deleted' | 'dataChanged' | 'childrenChanged'
  readonly path: string
  readonly zxid: Zxid
}
