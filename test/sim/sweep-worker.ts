import { planOf, runPlan } from '../../lib/sim/index.js'
import type { SeedResult } from './sweep.js'

/** Runs the seeds that it is given, one at a time. */
process.on('message', (seed: number) => {
  runPlan(planOf(seed)).then(
    ({ at, events, operations, faults, marks, violation }) => {
      const found = violation === null ? null : { checker: violation.checker, message: violation.message }
      process.send?.({ seed, at, events, operations, faults, marks, violation: found } satisfies SeedResult)
    },
    (error: unknown) => {
      throw new Error(`seed ${seed}`, { cause: error })
    }
  )
})
