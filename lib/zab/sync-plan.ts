import type { Zxid } from '../base/index.js'
import { commonZxid, type LogSummary, zxidLastIn } from './log-summary.js'

/** How a learner is brought up to date: ZooKeeper's DIFF, TRUNC and SNAP. */
export type SyncPlan =
  /** The learner keeps its log up to `after`, cuts off the rest if there is any, and is sent what follows. */
  | { readonly kind: 'extend'; readonly after: Zxid; readonly truncate: boolean }
  /** The learner is sent everything anew, and keeps what it has until the new is complete. */
  | { readonly kind: 'replace' }

/**
 * Decides from two summaries alone.
 *
 * Differs from ZooKeeper's LearnerHandler, which knows the learner's last zxid only and so must send a snapshot whenever the logs part in an
 * older epoch: the learner's epoch ends tell where they part. What is cut off was never committed: a leader's history holds all that was.
 */
export function planSync(leader: LogSummary, learner: LogSummary, replace: boolean): SyncPlan {
  if (replace) return { kind: 'replace' }
  const common = commonZxid(leader, learner)
  if (common === null) return { kind: 'replace' }
  return { kind: 'extend', after: common, truncate: zxidLastIn(learner) > common }
}
