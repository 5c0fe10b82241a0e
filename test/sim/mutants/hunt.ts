import { type ChildProcess, fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Mutant } from './mutant.js'

const WORKER = fileURLToPath(new URL('./hunt-worker.js', import.meta.url))

export interface Hunt {
  readonly mutants: readonly Mutant[]
  /** The first seed that a mutant is run with. Default: 1. */
  readonly from?: (mutant: Mutant) => number
  /** So many seeds, one after another, until it is caught. */
  readonly seeds: number
  /** Default: one process per core, at most 4. */
  readonly jobs?: number
}

/** What a worker is asked. */
export interface Quarry {
  readonly name: string
  readonly from: number
  readonly seeds: number
}

export interface Found {
  readonly checker: string
  readonly message: string
}

/** What came of a mutant. */
export interface Catch {
  readonly name: string
  /** How many seeds were run. */
  readonly seeds: number
  /** The seed that caught it, and how; null when it got away. */
  readonly caught: (Found & { readonly seed: number }) | null
  /** What the same plan shows without the mutant: must be null, or it is not the mutant that was caught. */
  readonly unbroken: Found | null
}

export const isCaught = ({ caught, unbroken }: Catch): boolean => caught !== null && unbroken === null

/** Lets mutants loose in as many processes as there are jobs, one at a time in each: what is broken is broken for a whole process. */
export async function hunt(
  { mutants, from = () => 1, seeds, jobs = Math.min(4, availableParallelism()) }: Hunt,
  { onCatch = () => {} }: { readonly onCatch?: (found: Catch) => void } = {}
): Promise<readonly Catch[]> {
  const waiting = [...mutants]
  const catches = new Map<string, Catch>()
  const work = (worker: ChildProcess): Promise<void> =>
    new Promise((resolve, reject) => {
      const give = () => {
        const next = waiting.shift()
        if (next === undefined) worker.disconnect()
        else worker.send({ name: next.name, from: from(next), seeds } satisfies Quarry)
      }
      worker.on('message', (found: Catch) => {
        catches.set(found.name, found)
        onCatch(found)
        give()
      })
      worker.on('exit', code => (code === 0 ? resolve() : reject(new Error(`a worker ended with ${code}`))))
      worker.on('error', reject)
      give()
    })
  await Promise.all(Array.from({ length: Math.min(jobs, mutants.length) }, () => work(fork(WORKER, { execArgv: [] }))))
  return mutants.flatMap(({ name }) => catches.get(name) ?? [])
}
