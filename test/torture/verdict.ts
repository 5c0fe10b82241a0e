import type { Zxid } from '../../lib/base/index.js'
import { Violation } from '../../lib/sim/checker.js'
import type { CommittedTxn, History } from '../../lib/sim/history.js'
import { matchRequests } from '../../lib/sim/request-matching.js'
import { checkSessions, type ServingProcess } from '../../lib/sim/session-checker.js'
import { Timeline } from '../../lib/sim/timeline.js'
import { checkWatches } from '../../lib/sim/watch-checker.js'

/** What is left of a run to be judged. */
export interface Testimony {
  readonly log: readonly CommittedTxn[]
  readonly history: History
  /** The members when they had come to rest: all at one zxid, in one state. */
  readonly serving: readonly ServingProcess[]
  readonly zxidLast: Zxid
  readonly digest: string
}

/**
 * A process may be stopped for ten seconds between telling a client that its session is over and handing it an answer that came before that.
 */
const TURN_MILLISECONDS = 12_000

/** Ways to look at it, each independent of the others and of the code that made it. */
const CHECKS: { readonly [name: string]: (testimony: Testimony) => void } = {
  watches: ({ log, history }) => checkWatches(log, history),
  sessions: ({ log, history, serving }) => checkSessions(log, history, { serving, turnMilliseconds: TURN_MILLISECONDS }),
  requests: ({ log, history }) => void matchRequests(log, history),
  model: ({ log, history, zxidLast, digest }) => {
    const timeline = new Timeline(log, matchRequests(log, history))
    const expected = timeline.digestAt(zxidLast)
    if (expected !== digest)
      throw new Violation('model', `the members have come to rest with ${digest}, the model with ${expected}`)
  }
}

/** Everything that is wrong with what clients saw; each way of looking says at most one thing. */
export function judge(testimony: Testimony): readonly string[] {
  const violations = new Set<string>()
  for (const check of Object.values(CHECKS)) {
    try {
      check(testimony)
    } catch (error) {
      if (!(error instanceof Violation)) throw error
      violations.add(error.message)
    }
  }
  return [...violations]
}
