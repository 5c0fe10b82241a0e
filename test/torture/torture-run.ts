import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatZxid, type MemberId, ZXID_ZERO } from '../../lib/base/index.js'
import type { CommittedTxn } from '../../lib/sim/history.js'
import { until } from '../fixtures/integration-until.js'
import { writeEvidence } from './evidence.js'
import type { Searched } from './hot-paths.js'
import { type Operations, operationsIn } from './operations.js'
import { commonLog, readStoredLogs } from './stored-logs.js'
import { Tormentor, type Torments } from './tormentor.js'
import { torturePlanOf } from './torture-faults.js'
import { machineClock } from './torture-order.js'
import { TorturedEnsemble } from './tortured-ensemble.js'
import { judge, type Testimony } from './verdict.js'

export interface TortureOptions {
  readonly minutes: number
  readonly seed: number
  readonly members: number
  readonly print: (line: string) => void
  /** Ends every process, leaves nothing behind, and rejects. */
  readonly signal?: AbortSignal
}

export interface TortureReport {
  readonly seed: number
  readonly encrypted: boolean
  readonly torments: Torments
  readonly network: { readonly bytes: number; readonly cuts: number; readonly flips: number; readonly resets: number }
  readonly processes: number
  /** Epochs that were seen to have a leader. */
  readonly elections: number
  readonly operations: Operations
  readonly txns: number
  readonly testimony: Testimony
  readonly searched: Searched | null
  readonly violations: readonly string[]
  /** Where everything is kept that led to the violations; null without any. */
  readonly evidence: string | null
}

/** An ensemble in which nothing moves any more. */
type Rest = Pick<Testimony, 'serving' | 'zxidLast' | 'digest'>

/** For an ensemble that nothing disturbs any more. */
const RECOVERY_MILLISECONDS = 90_000

/** How long the load goes on in peace before it ends. */
const PEACE_MILLISECONDS = 2_000

/**
 * Tortures an ensemble of real processes on real sockets and disks, and then checks what its clients have seen against what its disks hold.
 *
 * A killed process loses nothing that it has handed to the operating system. So this finds what goes wrong between processes, in native code,
 * on sockets and with files; it cannot find a missing sync. That is the simulator's to do, whose disks lose what was not synced.
 */
export async function torture(options: TortureOptions): Promise<TortureReport> {
  const { minutes, seed, members, print, signal } = options
  const plan = torturePlanOf(seed, members, minutes * 60_000)
  const directory = await mkdtemp(join(tmpdir(), 'ezk-torture-'))
  const ensemble = await TorturedEnsemble.of({ directory, members, seed, encrypted: plan.encrypted })
  const abort = () => void ensemble.close()
  signal?.addEventListener('abort', abort)
  const violations: string[] = []
  let judged = false
  try {
    print(`seed ${seed}, ${members} members, ${plan.encrypted ? 'encrypted' : 'plain'} links, ${directory}`)
    for (const id of ensemble.ids) ensemble.launch(id)
    await until('the ensemble serves', () => ensemble.members.every(({ isServing }) => isServing), RECOVERY_MILLISECONDS)
    const tormentor = new Tormentor(ensemble, print)
    await tormentor.carryOut(plan, signal)
    const healed = machineClock()
    print('healed')
    const log: CommittedTxn[] = []
    let rest: Rest = { serving: [], zxidLast: ZXID_ZERO, digest: '' }
    try {
      rest = await settle(ensemble)
      print(`all at rest at ${formatZxid(rest.zxidLast)}`)
      for (const { process } of ensemble.members) await process.close()
      const logs = await readStoredLogs(ensemble.stores, ensemble.ensembleName)
      log.push(...commonLog(logs, rest.zxidLast))
    } catch (error) {
      signal?.throwIfAborted()
      violations.push(error instanceof Error ? error.message : String(error))
    }
    await ensemble.close()
    const history = await ensemble.history()
    const operations = operationsIn(history, healed)
    violations.push(
      ...ensemble.ledger.faults,
      ...ensemble.ids.flatMap(id =>
        operations.writers.has(id) ? [] : [`member ${id} acknowledged no write after all was healed`]
      )
    )
    const testimony: Testimony = { log, history, ...rest }
    const verdict = log.length > 0 ? judge(testimony) : null
    violations.push(...(verdict?.violations ?? []))
    if (violations.length > 0) await writeEvidence(directory, testimony, { seed, plan, violations })
    judged = true
    return {
      seed,
      encrypted: plan.encrypted,
      torments: tormentor.done,
      network: ensemble.network.done,
      processes: ensemble.processes,
      elections: ensemble.epochs.size,
      operations,
      txns: log.length,
      testimony,
      searched: verdict?.searched ?? null,
      violations,
      evidence: violations.length > 0 ? directory : null
    }
  } finally {
    signal?.removeEventListener('abort', abort)
    await ensemble.close()
    if (signal?.aborted || (judged && violations.length === 0)) await rm(directory, { recursive: true, force: true })
  }
}

/** Starts what is down, waits until all serve, lets them work in peace, ends the load, and waits until all have applied the same. */
async function settle(ensemble: TorturedEnsemble): Promise<Rest> {
  for (const id of ensemble.ids) if (!ensemble.isRunning(id)) ensemble.launch(id)
  const all = () => ensemble.members.every(({ isServing }) => isServing) && ensemble.leader !== null
  await until('all serve once all is healed', all, RECOVERY_MILLISECONDS)
  await new Promise(resolve => setTimeout(resolve, PEACE_MILLISECONDS))
  await Promise.all(ensemble.members.map(({ process }) => process.endLoad()))
  return until('all have applied the same', () => restOf(ensemble), RECOVERY_MILLISECONDS)
}

/** Null while not all serve at the same zxid. That members at the same zxid are in the same state is checked all the time. */
function restOf({ members }: TorturedEnsemble): Rest | null {
  const { zxidApplied: zxidLast, digest } = members[0]?.status ?? {}
  if (zxidLast === undefined || digest === undefined) return null
  if (members.some(({ status }) => status?.serving !== true || status.zxidApplied !== zxidLast)) return null
  const serving = members.map(({ id, number }) => ({ member: id as MemberId, process: number, zxidApplied: zxidLast }))
  return { serving, zxidLast, digest }
}
