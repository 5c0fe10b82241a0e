import type { Zxid } from '../../lib/base/index.js'
import { Violation } from '../../lib/sim/checker.js'
import type { CommittedTxn, History } from '../../lib/sim/history.js'
import { matchRequests } from '../../lib/sim/model/request-matching.js'
import { Timeline } from '../../lib/sim/model/timeline.js'
import { checkWitness } from '../../lib/sim/model/witness.js'
import { checkSessions, type ServingProcess } from '../../lib/sim/sessions/session-checker.js'
import { checkWatches } from '../../lib/sim/watches/watch-checker.js'

import { type Searched, searchHotPaths } from './hot-paths.js'
import { CONTAINER_UNUSED_MILLISECONDS, TORTURE_WORKLOAD } from './torture-order.js'

/** What is left of a run to be judged. */
export interface Testimony {
  readonly log: readonly CommittedTxn[]
  readonly history: History
  /** The members when they had come to rest: all at one zxid, in one state. */
  readonly serving: readonly ServingProcess[]
  readonly zxidLast: Zxid
  readonly digest: string
}

/** Those that everybody writes to. */
const HOT_PATHS: readonly string[] = Array.from({ length: TORTURE_WORKLOAD.registers }, (_, index) => `/r${index}`)

/**
 * A process may be stopped for ten seconds between telling a client that its session is over and handing it an answer that came before that.
 */
const TURN_MILLISECONDS = 12_000

/** What the members judge by, where it is not what they would by default. */
const RULES = { containerUnusedMilliseconds: CONTAINER_UNUSED_MILLISECONDS }

/** What came of it. */
export interface Verdict {
  /** Everything that is wrong; each way of looking says at most one thing. */
  readonly violations: readonly string[]
  /** Null when it has found something, or there was nothing that it could go by. */
  readonly searched: Searched | null
}

/** Looks at what clients saw in ways that are independent of each other, and of the code that made it. */
export function judge({ log, history, serving, zxidLast, digest }: Testimony): Verdict {
  const violations: string[] = []
  attempt(violations, () => checkWatches(log, history))
  attempt(violations, () => checkSessions(log, history, { serving, turnMilliseconds: TURN_MILLISECONDS }))
  const matching = attempt(violations, () => matchRequests(log, history))
  const timeline = matching && attempt(violations, () => new Timeline(log, matching, RULES))
  if (timeline) {
    const expected = timeline.digestAt(zxidLast)
    if (expected !== digest) violations.push(`digest: the members have come to rest with ${digest}, the model with ${expected}`)
    attempt(violations, () => checkWitness(timeline, matching, history))
  }
  const tookEffect = (call: number) => {
    const change = matching?.txnOf(call)?.txn.change
    return change !== undefined && change.kind !== 'refused'
  }
  const searched = matching && attempt(violations, () => searchHotPaths(history, HOT_PATHS, tookEffect))
  return { violations, searched }
}

/** Null when it has found something wrong. */
function attempt<T>(violations: string[], check: () => T): T | null {
  try {
    return check()
  } catch (error) {
    if (!(error instanceof Violation)) throw error
    violations.push(error.message)
    return null
  }
}
