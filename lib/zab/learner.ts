import type { Epoch, MemberId, Zxid } from '../base/index.js'
import type { LogSummary } from './log-summary.js'
import type { Standing } from './vote.js'

/**
 * How far a learner has come, as its leader sees it:
 * `introduced` (FOLLOWERINFO) -> `informed` (LEADERINFO sent) -> `promised` (ACKEPOCH) -> `streaming` (history is being sent) ->
 * `awaitingAck` (NEWLEADER sent) -> `synced` (NEWLEADER acknowledged).
 */
export type LearnerPhase = 'introduced' | 'informed' | 'promised' | 'streaming' | 'awaitingAck' | 'synced'

/** One learner of a leader. */
export interface Learner {
  readonly id: MemberId
  readonly acceptedEpoch: Epoch
  phase: LearnerPhase
  standing: Standing
  /** Whether its promises and acknowledgements make quorums. A learner without a vote is brought up to date but not counted. */
  counted: boolean
  /** It has promised this leader's epoch, and had not promised it to anybody before. */
  promised: boolean
  log: LogSummary | null
  replace: boolean
  /** The stream under way; what an earlier one reports is void. */
  stream: number
  zxidAcked: Zxid
  heardAtTick: number
  /** The last ping it has answered. */
  pongSequence: number
  /** The ping that a quorum without this learner must answer before it may be admitted; null when it is not up for that. */
  admissionSequence: number | null
}
