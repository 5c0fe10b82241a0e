import { Violation } from '../../lib/sim/checker.js'
import type { Call, History } from '../../lib/sim/history.js'
import { checkLinearizable } from '../../lib/sim/search/linearizability.js'
import { linearizableHistories, type ZnodeOperation } from '../../lib/sim/search/linearizable-histories.js'
import { registerModel } from '../../lib/sim/search/linearizable-models.js'

/** Steps that the search may take for one history. It takes hardly more than there are operations where it is soon clear what came first. */
const STEPS_MAX = 400_000

/**
 * How much of a path's history is searched, from its beginning. Every call that a killed process leaves behind may have happened at any time
 * since, and each doubles what there is to try: where the whole is too much, less of it is looked at.
 */
const LENGTHS: readonly number[] = [Number.POSITIVE_INFINITY, 3_000, 1_000, 300]

/** How far a search has come. */
export interface Searched {
  /** Operations whose order was found. */
  readonly operations: number
  /** Paths that were given up. */
  readonly undecided: readonly string[]
}

/**
 * Searches an order for everything that concerns one of a few busy znodes: it knows of no zxid and no log, and so trusts neither.
 * @param tookEffect what the log says of a call that nothing was heard of: that alone is believed, it keeps the search short
 * @throws Violation
 */
export function searchHotPaths(history: History, paths: readonly string[], tookEffect: (call: number) => boolean): Searched {
  const { registers } = linearizableHistories(concerning(history, paths), { tookEffect })
  const undecided: string[] = []
  let operations = 0
  for (const path of paths) {
    const found = registers.get(path)
    if (found === undefined) continue
    const reached = search(path, found)
    if (reached === null) undecided.push(path)
    else operations += reached
  }
  return { operations, undecided }
}

/** How many operations of the beginning an order was found for; null when it was for none. */
function search(path: string, all: readonly ZnodeOperation[]): number | null {
  for (const length of LENGTHS) {
    const operations = beginning(all, length)
    const verdict = checkLinearizable(operations, registerModel(path), { stepsMax: STEPS_MAX })
    if (verdict.kind === 'linearizable') return operations.length
    if (verdict.kind === 'unknown') continue
    const { longest, stuck, state } = verdict
    throw new Violation(
      'search',
      `${path}: behind ${longest.length} of ${operations.length} operations, in state ${state}, nothing explains ${JSON.stringify(stuck)}`
    )
  }
  return null
}

/** What was called first. What returned after the last of it was called is as if nothing had been heard of it yet. */
function beginning(operations: readonly ZnodeOperation[], length: number): readonly ZnodeOperation[] {
  const inOrder = [...operations].sort((one, other) => one.calledAt - other.calledAt)
  const end = inOrder[length]?.calledAt
  if (end === undefined) return operations
  return inOrder.slice(0, length).map(operation => {
    const isOpen = operation.returnedAt === null || operation.returnedAt >= end
    return isOpen ? { ...operation, returnedAt: null, output: null } : operation
  })
}

/** What could matter to these znodes, in the order that it had. */
function concerning(history: History, paths: readonly string[]): History {
  const wanted = new Set(paths)
  const calls = new Set<number>()
  return history.filter(event => {
    if (event.kind === 'return') return calls.has(event.call)
    if (event.kind !== 'call' || !mayConcern(event.what, wanted)) return false
    calls.add(event.call)
    return true
  })
}

function mayConcern(what: Call, paths: ReadonlySet<string>): boolean {
  if (what.kind === 'sync' || what.kind === 'closeSession') return true
  if (what.kind === 'multi') return what.operations.some(({ path }) => paths.has(path))
  return 'path' in what && paths.has(what.path)
}
