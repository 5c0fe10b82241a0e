import { measureSteps, type Sample, type Step } from '../load/samples.js'
import { progress } from '../report/results.js'
import type { BenchEnsemble, Contender, EnsembleShape } from './contender.js'

export interface Rounds {
  readonly contenders: readonly Contender[]
  readonly rounds: number
  readonly shape: EnsembleShape
  readonly warmUpMilliseconds: number
  readonly measuredMilliseconds: number
  stepsFor(contender: Contender): readonly Step[]
  /** Called with each ensemble after its steps, before it is stopped. */
  also?(contender: Contender, ensemble: BenchEnsemble): Promise<void>
}

/**
 * In every round every contender is started, measured and stopped, never two at a time. Each round begins with another one, so that a machine
 * that slows down or speeds up does so for all of them.
 */
export async function runRounds(plan: Rounds): Promise<readonly Sample[]> {
  const samples: Sample[] = []
  for (let round = 0; round < plan.rounds; round++) {
    for (let turn = 0; turn < plan.contenders.length; turn++) {
      const contender = plan.contenders[(round + turn) % plan.contenders.length]
      const steps = contender === undefined ? [] : plan.stepsFor(contender)
      if (contender === undefined || steps.length === 0) continue
      progress(`round ${round + 1} of ${plan.rounds}: ${contender.name}`)
      const ensemble = await contender.start(plan.shape)
      try {
        samples.push(...(await measureSteps(ensemble, steps, plan, { contender: contender.name, round })))
        await plan.also?.(contender, ensemble)
      } finally {
        await ensemble.stop()
      }
    }
  }
  return samples
}
