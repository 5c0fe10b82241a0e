import { type ChildProcess, fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { MARKS } from '../../lib/sim/index.js'

const WORKER = fileURLToPath(new URL('./sweep-worker.js', import.meta.url))
const PROGRESS_MS = 5_000

export interface Sweep {
  readonly from: number
  readonly seeds: number
  /** Default: one process per core, at most 4. */
  readonly jobs?: number
  /** Seeds go on until so many have failed. Default: 10. */
  readonly failuresMax?: number
}

/** What a worker says of one seed. */
export interface SeedResult {
  readonly seed: number
  readonly at: number
  readonly events: number
  readonly operations: Readonly<Record<string, number>>
  readonly faults: Readonly<Record<string, number>>
  readonly marks: Readonly<Record<string, number>>
  readonly violation: { readonly checker: string; readonly message: string } | null
}

/** What came of many seeds. */
export class SweepReport {
  readonly failures: SeedResult[] = []
  readonly operations = new Map<string, number>()
  readonly faults = new Map<string, number>()
  readonly marks = new Map<string, number>()
  readonly #began = performance.now()
  seeds = 0
  virtualMs = 0
  events = 0

  add(result: SeedResult): void {
    this.seeds++
    this.virtualMs += result.at
    this.events += result.events
    for (const name of ['operations', 'faults', 'marks'] as const)
      for (const [key, count] of Object.entries(result[name])) this[name].set(key, (this[name].get(key) ?? 0) + count)
    if (result.violation !== null) this.failures.push(result)
  }

  /** Marks that no seed has met. */
  get unmet(): readonly string[] {
    return MARKS.filter(mark => (this.marks.get(mark) ?? 0) === 0)
  }

  get wallSeconds(): number {
    return (performance.now() - this.#began) / 1_000
  }

  progress(): string {
    const { seeds, wallSeconds, virtualMs, failures } = this
    const rate = (seeds / wallSeconds).toFixed(1)
    return `${seeds} seeds, ${rate} a second, ${(virtualMs / 3_600_000).toFixed(2)} virtual hours, ${failures.length} failed`
  }

  lines(): readonly string[] {
    const { virtualMs, wallSeconds, events, unmet } = this
    const total = [...this.operations.values()].reduce((sum, count) => sum + count, 0)
    const hours = virtualMs / 3_600_000 / (wallSeconds / 3_600)
    return [
      '',
      this.progress(),
      `${hours.toFixed(0)} virtual hours in an hour, ${Math.round(events / wallSeconds)} callbacks a second`,
      `operations (${total}): ${listed(this.operations)}`,
      `faults: ${listed(this.faults)}`,
      ...[...MARKS].map(mark => `  ${String(this.marks.get(mark) ?? 0).padStart(8)}  ${mark}`),
      unmet.length === 0 ? 'every mark was met' : `never met: ${unmet.join('; ')}`,
      ...this.failures.map(
        ({ seed, violation }) => `FOUND by ${violation?.checker}: npm run sim -- --seed ${seed}  # ${violation?.message}`
      )
    ]
  }
}

/** Runs seeds in as many processes as there are jobs. */
export async function sweep(
  { from, seeds, jobs = Math.min(4, availableParallelism()), failuresMax = 10 }: Sweep,
  { onProgress = () => {} }: { readonly onProgress?: (line: string) => void } = {}
): Promise<SweepReport> {
  const report = new SweepReport()
  let next = from
  let told = performance.now()
  const work = (worker: ChildProcess): Promise<void> =>
    new Promise((resolve, reject) => {
      const give = () => {
        if (next >= from + seeds || report.failures.length >= failuresMax) worker.disconnect()
        else worker.send(next++)
      }
      worker.on('message', (result: SeedResult) => {
        report.add(result)
        if (result.violation !== null) onProgress(`seed ${result.seed}: ${result.violation.checker}: ${result.violation.message}`)
        if (performance.now() - told > PROGRESS_MS) {
          told = performance.now()
          onProgress(report.progress())
        }
        give()
      })
      worker.on('exit', code => (code === 0 ? resolve() : reject(new Error(`a worker ended with ${code}`))))
      worker.on('error', reject)
      give()
    })
  await Promise.all(Array.from({ length: Math.min(jobs, seeds) }, () => work(fork(WORKER, { execArgv: [] }))))
  return report
}

function listed(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')
}
