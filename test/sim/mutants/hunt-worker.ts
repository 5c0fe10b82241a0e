import { planOf, type RunReport, runPlan } from '../../../lib/sim/index.js'
import type { Catch, Found, Quarry } from './hunt.js'
import { MUTANTS } from './index.js'
import type { Mutant } from './mutant.js'

/** Hunts the mutants that it is given, one at a time. */
process.on('message', (quarry: Quarry) => {
  huntOne(quarry).then(
    found => process.send?.(found),
    (error: unknown) => {
      throw new Error(quarry.name, { cause: error })
    }
  )
})

async function huntOne({ name, from, seeds }: Quarry): Promise<Catch> {
  const mutant = MUTANTS.find(each => each.name === name)
  if (mutant === undefined) throw new Error('there is no such mutant')
  for (let seed = from; seed < from + seeds; seed++) {
    const found = await runBroken(mutant, seed)
    if (found === null) continue
    const unbroken = foundIn(await runPlan(planOf(seed, mutant.plan)))
    return { name, seeds: seed - from + 1, caught: { seed, ...found }, unbroken }
  }
  return { name, seeds, caught: null, unbroken: null }
}

async function runBroken(mutant: Mutant, seed: number): Promise<Found | null> {
  const { surround, mend } = mutant.breakIt()
  try {
    return foundIn(await runPlan(planOf(seed, mutant.plan), surround === undefined ? {} : { surround }))
  } finally {
    mend()
  }
}

function foundIn({ violation }: RunReport): Found | null {
  return violation === null ? null : { checker: violation.checker, message: violation.message }
}
