import { measureStep, type Sample, type Step, stepKey, warmUp } from '../load/samples.js'
import { progress } from '../report/results.js'
import type { BenchEnsemble, Contender, EnsembleShape } from './contender.js'

export interface Rounds {
  readonly contenders: readonly Contender[]
  readonly rounds: number
  readonly shape: EnsembleShape
  readonly warmUpMilliseconds: number
  readonly measuredMilliseconds: number
  stepsFor(contender: Contender): readonly Step[]
  /** Called with each ensemble in every round, behind its steps. */
  also?(contender: Contender, ensemble: BenchEnsemble): Promise<void>
}

interface Entrant {
  readonly contender: Contender
  readonly ensemble: BenchEnsemble
  readonly steps: readonly Step[]
}

/**
 * All contenders are started and warmed up, and then take turns at every step, one at a time while the others idle. What is compared was measured
 * within seconds of each other: the hosts of cloud machines slow down and speed up by half within minutes.
 */
export async function runRounds(plan: Rounds): Promise<readonly Sample[]> {
  const entrants: Entrant[] = []
  try {
    for (const contender of plan.contenders) {
      const steps = plan.stepsFor(contender)
      if (steps.length === 0) continue
      progress(`${contender.name} starts`)
      const ensemble = await contender.start(plan.shape)
      entrants.push({ contender, ensemble, steps })
      await warmUp(ensemble, steps, plan.warmUpMilliseconds)
    }
    const samples: Sample[] = []
    for (let round = 0; round < plan.rounds; round++) {
      progress(`round ${round + 1} of ${plan.rounds}`)
      samples.push(...(await runRound(plan, entrants, round)))
    }
    return samples
  } finally {
    await Promise.all(entrants.map(({ ensemble }) => ensemble.stop()))
  }
}

async function runRound(plan: Rounds, entrants: readonly Entrant[], round: number): Promise<readonly Sample[]> {
  const samples: Sample[] = []
  for (const key of new Set(entrants.flatMap(({ steps }) => steps.map(stepKey)))) {
    for (const { contender, ensemble, steps } of entrants) {
      const step = steps.find(each => stepKey(each) === key)
      if (step === undefined) continue
      samples.push({ ...(await measureStep(ensemble, step, plan.measuredMilliseconds)), contender: contender.name, round })
    }
  }
  for (const { contender, ensemble } of entrants) await plan.also?.(contender, ensemble)
  return samples
}
