import { type Spread, spreadOf } from '../report/statistics.js'
import { type Sample, type Step, stepKey } from './samples.js'

/** How many times as many operations a second one contender did as another one. */
export interface Ratio extends Step {
  readonly of: string
  readonly to: string
  /** Made within each round, so that what held up the whole machine for a while is in both of its sides. */
  readonly ratio: Spread
}

/** Of one contender to each other one, for each step that both were measured at. */
export function ratiosOf(samples: readonly Sample[], of: string): readonly Ratio[] {
  const others = [...new Set(samples.map(({ contender }) => contender))].filter(contender => contender !== of)
  const steps = new Map(samples.filter(({ contender }) => contender === of).map(sample => [stepKey(sample), sample]))
  const ratios: Ratio[] = []
  for (const { operation, issuedAt, outstanding } of steps.values()) {
    const step = { operation, issuedAt, outstanding }
    for (const to of others) {
      const values = inRounds(samples, step, of, to)
      if (values.length > 0) ratios.push({ ...step, of, to, ratio: spreadOf(values) })
    }
  }
  return ratios
}

function inRounds(samples: readonly Sample[], step: Step, of: string, to: string): readonly number[] {
  const atStep = samples.filter(sample => stepKey(sample) === stepKey(step))
  return atStep
    .filter(({ contender }) => contender === of)
    .flatMap(ours => {
      const other = atStep.find(({ contender, round }) => contender === to && round === ours.round)
      return other === undefined ? [] : [ours.operationsPerSecond / other.operationsPerSecond]
    })
}
