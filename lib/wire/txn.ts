import type { MemberId, SessionId } from '../base/index.js'
import type { CreateSessionChange, EnlistChange, MoveSessionChange } from '../session/index.js'
import type { DeleteEphemeralsChange, TreeChange } from '../tree/index.js'

/** The end of a session: one change of the session table and of the tree. */
export interface EndSessionChange {
  /** `closingSession`: there are more ephemerals than this txn deletes, and others follow, the last of which is a `closeSession`. */
  readonly kind: 'closingSession' | 'closeSession'
  readonly session: SessionId
  /** Its ephemerals, as the leader knew them: nothing has to be worked out when the txn is applied. */
  readonly paths: readonly string[]
}

/** What a txn changes. `deleteEphemerals` is not among them: it is the tree's part of the end of a session, see {@link ephemeralsEndedBy}. */
export type TxnChange =
  | Exclude<TreeChange, DeleteEphemeralsChange>
  | EnlistChange
  | CreateSessionChange
  | MoveSessionChange
  | EndSessionChange

/** The state change that the leader made of a request. Its zxid is its place in the log and is not repeated in it. */
export interface Txn {
  /** Whose request it answers; `NO_SESSION` for a request of the member itself. */
  readonly session: SessionId
  /** The member that the request came from; for a txn that the leader made of its own accord, the leader. */
  readonly member: MemberId
  /** The number of the request, from 1 in each session and in each process of a member; 0 when it answers none. */
  readonly cxid: number
  /** The leader's wall clock, in whole milliseconds since 1970. */
  readonly time: number
  readonly change: TxnChange
}

/** What the end of a session does to the tree. */
export function ephemeralsEndedBy(change: EndSessionChange): DeleteEphemeralsChange {
  return { kind: 'deleteEphemerals', owner: change.session, paths: change.paths }
}
