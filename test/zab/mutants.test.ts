import t from 'tap'
import { ZabCluster } from '../fixtures/zab-cluster.js'
import { BUGS, type Bug } from '../fixtures/zab-mutations.js'

/** Checks that find nothing prove nothing: each of these bugs must be found within so many runs. */
const SEEDS = 400
const STEPS = 2_000

t.setTimeout(120_000)

for (const bug of BUGS) {
  t.test(`it is found when ${bug.name}`, async t => {
    const found = firstFinding(bug)
    t.ok(found !== null, found === null ? `not found by ${SEEDS} seeds` : `seed ${found.seed}: ${found.message}`)
  })
}

function firstFinding(bug: Bug): { readonly seed: number; readonly message: string } | null {
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      const cluster = new ZabCluster(bug.size, seed, { mutation: bug.mutation() })
      cluster.startAll()
      cluster.untilServing()
      for (let step = 0; step < STEPS; step++) cluster.randomStep(bug.faults)
      cluster.converge()
    } catch (error) {
      return { seed, message: (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '' }
    }
  }
  return null
}
