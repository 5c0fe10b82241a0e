import type { SessionId } from '../base/index.js'
import type { EnsembleMember } from '../member/index.js'
import { Violation } from './checker.js'
import type { CommittedTxn, History } from './history.js'
import type { PlainRules } from './model/plain-tree.js'
import { matchRequests, type RequestMatching } from './model/request-matching.js'
import { checkState } from './model/state-check.js'
import { Timeline } from './model/timeline.js'
import { checkWitness } from './model/witness.js'
import { checkLinearizable } from './search/linearizability.js'
import { linearizableHistories } from './search/linearizable-histories.js'
import { familyModel, registerModel } from './search/linearizable-models.js'
import { checkSessions, type ServingProcess } from './sessions/session-checker.js'
import { type SessionLife, sessionLivesIn } from './sessions/session-log.js'
import type { SessionTimes } from './sessions/session-times.js'
import { checkWatches } from './watches/watch-checker.js'

/** Operations on one znode that a search goes through; longer histories are left to the witness. */
const SEARCHED_MAX = 200
const STEPS_MAX = 50_000

export interface ClientChecks {
  /** The whole history of the ensemble. */
  readonly log: readonly CommittedTxn[]
  readonly history: History
  /** Members that serve in the end, with the number of their process. */
  readonly members: readonly { readonly member: EnsembleMember; readonly process: number }[]
  /** What members have shown. */
  readonly digests: ReadonlyMap<number, string>
  /** Null where clocks were not to be trusted. */
  readonly times: SessionTimes | null
  /** What the members' options say of bounds that are not as they are by default. */
  readonly rules?: Partial<PlainRules>
}

/** What came of it beside that nothing was found. */
export interface ClientFindings {
  readonly matching: RequestMatching
  readonly lives: ReadonlyMap<SessionId, SessionLife>
  /** Histories of a znode or a family that the search gave up, or that were too long to begin with: the witness alone has judged them. */
  readonly undecided: number
  readonly searched: number
}

/** Everything that clients saw and members show, against the one history that there was. Throws a `Violation`. */
export function checkClients({ log, history, members, digests, times, rules }: ClientChecks): ClientFindings {
  const matching = matchRequests(log, history)
  const timeline = new Timeline(log, matching, rules)
  checkWitness(timeline, matching, history)
  checkWatches(log, history)
  const serving: ServingProcess[] = members.map(({ member, process }) => ({
    member: member.id,
    process,
    zxidApplied: member.status().zxidApplied
  }))
  checkSessions(log, history, { serving, ...(times === null ? {} : { times }) })
  for (const { member } of members) checkState(timeline, member.local)
  for (const [zxid, digest] of digests) {
    const expected = timeline.digestAt(zxid)
    if (digest !== expected)
      throw new Violation('model', `at ${zxid.toString(16)} the digest was ${digest}, the model's is ${expected}`)
  }
  const lives = sessionLivesIn(log)
  const endedInParts = new Set<SessionId>()
  const removed = new Set<string>()
  for (const { change } of log.map(({ txn }) => txn)) {
    if (change.kind === 'closingSession') endedInParts.add(change.session)
    else if (change.kind === 'deleteContainer') removed.add(change.path)
  }
  const { registers, families } = linearizableHistories(history, {
    tookEffect: call => (matching.txnOf(call)?.txn.change.kind ?? 'refused') !== 'refused',
    hasEnded: session => endedInParts.has(session) || (lives.get(session)?.end ?? null) !== null,
    hasEndedInParts: session => endedInParts.has(session),
    wasRemoved: path => removed.has(path)
  })
  let undecided = 0
  let searched = 0
  for (const [kind, histories, modelOf] of [
    ['znode', registers, registerModel],
    ['family of', families, familyModel]
  ] as const) {
    for (const [path, operations] of histories) {
      if (operations.length > SEARCHED_MAX) {
        undecided++
        continue
      }
      searched++
      const verdict = checkLinearizable(operations, modelOf(path), { stepsMax: STEPS_MAX })
      if (verdict.kind === 'unknown') undecided++
      if (verdict.kind !== 'not linearizable') continue
      const { stuck, longest, state } = verdict
      throw new Violation(
        'search',
        `the ${kind} ${path} is not linearizable: behind ${longest.length} of ${operations.length} operations, in state ${state}, nothing explains ${JSON.stringify(stuck)}`
      )
    }
  }
  return { matching, lives, undecided, searched }
}
