import t from 'tap'
import { MARKS, planOf, runPlan } from '../../lib/sim/index.js'

/** Seeds that every run of the tests goes through, in as many files as make use of two cores. */
export const SEEDS = 320
export const FILES = 4

/**
 * Runs one file's share of the seeds, one after another. Another range can be had by `SIM_FROM`; a seed that fails is replayed by
 * `npm run sim -- --seed`.
 */
export function testSeeds(file: number): void {
  const from = Number(process.env.SIM_FROM ?? 1)
  const seeds = Array.from({ length: SEEDS / FILES }, (_, index) => from + file + index * FILES)
  t.test(`nothing that was promised is lost in ${seeds.length} simulated disasters`, async t => {
    const marks = new Map<string, number>()
    let shortest = Number.POSITIVE_INFINITY
    let operations = 0
    for (const seed of seeds) {
      const report = await runPlan(planOf(seed))
      shortest = Math.min(shortest, report.at)
      for (const count of Object.values(report.operations)) operations += count
      for (const [mark, count] of Object.entries(report.marks)) marks.set(mark, (marks.get(mark) ?? 0) + count)
      if (report.violation !== null) t.fail(`npm run sim -- --seed ${seed}: ${report.violation.message}`)
    }
    t.ok(shortest >= 30_000, `every run lasts ${Math.floor(shortest / 1_000)} virtual seconds at least`)
    t.ok(operations > 100 * seeds.length, `${operations} operations`)
    const met = MARKS.filter(mark => (marks.get(mark) ?? 0) > 0)
    t.comment(`${met.length} of ${MARKS.length} marks`)
    // Each file by itself meets all but the rarest: a simulator that no longer reaches what it tests fails here.
    t.ok(met.length >= MARKS.length - 6, `never met: ${MARKS.filter(mark => !met.includes(mark)).join('; ')}`)
  })
}
