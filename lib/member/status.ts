import type { Epoch, MemberId, Zxid } from '../base/index.js'
import type { RoleName, Standing, Waiting } from '../zab/index.js'

/** One learner, as its leader sees it. */
export interface LearnerStatus {
  readonly id: MemberId
  readonly synced: boolean
  /** Whether its acknowledgements make quorums: false for a member that lost its storage and is not admitted again yet. */
  readonly counted: boolean
  readonly zxidAcked: Zxid
}

/** What a member says of itself. All of it JSON-safe. */
export interface MemberStatus {
  readonly id: MemberId
  readonly role: RoleName | 'closed'
  readonly leader: MemberId | null
  /** The epoch that it serves or joins in; 0 without one. */
  readonly epoch: Epoch
  /** Takes writes and answers reads. */
  readonly serving: boolean
  readonly connected: readonly MemberId[]
  /** Why there is no leader, and who is missing; null when there is one. */
  readonly waiting: Waiting | null
  readonly standing: Standing
  readonly storage: {
    readonly durable: boolean
    readonly failed: string | null
    readonly damage: string | null
    /** Log records that this process has written, each with one sync, and the txns in them: their ratio is what group commit saves. */
    readonly recordsWritten: number
    readonly txnsWritten: number
  }
  readonly zxidLogged: Zxid
  readonly zxidCommitted: Zxid
  readonly zxidApplied: Zxid
  /** The digest of the state at `zxidApplied`. */
  readonly digest: string
  /** Only at the leader. */
  readonly learners: readonly LearnerStatus[]
  /** Sessions in the whole ensemble. */
  readonly sessions: number
  readonly znodes: number
  /** Watches set in this process. */
  readonly watches: number
  /** Requests of this member without an answer. */
  readonly outstanding: number
}
