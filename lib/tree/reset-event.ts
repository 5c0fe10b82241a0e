import type { Zxid } from '../base/index.js'
import type { Acl } from './acl.js'

/** The member has caught up by a snapshot: what lies between was told to nobody, and one event stands for all of it. */
export interface ResetEvent {
  readonly type: 'reset'
  /** The watched path. */
  readonly path: string
  /** The state that is read from now on. */
  readonly zxid: Zxid
  /**
   * Which of the watched paths are not what they were, sorted by code unit; null where too much would have had to be looked at, and any of them
   * may have changed. The same array for everybody, and so frozen.
   */
  readonly paths: readonly string[] | null
  /** Who may hear of which of the paths: as in {@link TreeEvent}. What has none, everybody may. */
  readonly acls?: ReadonlyMap<string, Acl>
}
