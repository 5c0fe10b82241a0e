import { Violation } from '../../lib/sim/checker.js'
import type { CommittedTxn, History } from '../../lib/sim/history.js'
import { checkWatches } from '../../lib/sim/watch-checker.js'

/** One way to look at what clients saw, beside the log that they share. */
interface HistoryCheck {
  readonly name: string
  check(log: readonly CommittedTxn[], history: History): void
}

const CHECKS: readonly HistoryCheck[] = [{ name: 'watches', check: checkWatches }]

/** Names of what was looked at. */
export const CHECKED: readonly string[] = CHECKS.map(({ name }) => name)

/** Everything that is wrong with what clients saw; each way of looking says at most one thing. */
export function judge(log: readonly CommittedTxn[], history: History): readonly string[] {
  const violations: string[] = []
  for (const { check } of CHECKS) {
    try {
      check(log, history)
    } catch (error) {
      if (!(error instanceof Violation)) throw error
      violations.push(error.message)
    }
  }
  return violations
}
