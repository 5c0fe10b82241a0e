import type { BenchEnsemble, Load, Measurement } from '../contenders/contender.js'
import { type Spread, spreadOf } from '../report/statistics.js'

const WARM_UP_OUTSTANDING_MAX = 256
const LONGER_MAX = 8

/** What is measured of an ensemble at one time: a load without its durations. */
export type Step = Pick<Load, 'operation' | 'outstanding' | 'issuedAt'>

/** One step, measured once. */
export interface Sample extends Step {
  readonly contender: string
  readonly round: number
  readonly operationsPerSecond: number
  readonly milliseconds: { readonly p50: number; readonly p99: number; readonly max: number }
}

/** One step in all rounds. */
export interface SampledFigure extends Step {
  readonly contender: string
  readonly operationsPerSecond: Spread
  /** Latencies in milliseconds. */
  readonly p50: Spread
  readonly p99: Spread
  readonly max: Spread
}

/** Has an ensemble do everything that it will be measured with, for so long each. */
export async function warmUp(ensemble: BenchEnsemble, steps: readonly Step[], milliseconds: number): Promise<void> {
  const outstanding = Math.min(WARM_UP_OUTSTANDING_MAX, Math.max(...steps.map(({ outstanding }) => outstanding)))
  for (const operation of new Set(steps.map(({ operation }) => operation))) {
    const load = { operation, outstanding, issuedAt: 'every member', warmUpMilliseconds: 0 } as const
    await ensemble.measure({ ...load, measuredMilliseconds: milliseconds })
  }
}

/** Measures one step, once. */
export async function measureStep(
  ensemble: BenchEnsemble,
  step: Step,
  measuredMilliseconds: number
): Promise<Omit<Sample, 'contender' | 'round'>> {
  // What is under way from the start of a level is not yet in its rhythm.
  const begin = Math.min(300, measuredMilliseconds / 4)
  const measured = await measureLongEnough(ensemble, { ...step, warmUpMilliseconds: begin, measuredMilliseconds })
  return { ...step, ...numbersOf(measured) }
}

/** All rounds of each contender's each step, in the order in which they first came. */
export function figuresOf(samples: readonly Sample[]): readonly SampledFigure[] {
  return groupsOf(samples).map(group => {
    const [{ contender, operation, issuedAt, outstanding }] = group
    const spread = (pick: (sample: Sample) => number): Spread => spreadOf(group.map(pick))
    return {
      contender,
      operation,
      issuedAt,
      outstanding,
      operationsPerSecond: spread(sample => sample.operationsPerSecond),
      p50: spread(sample => sample.milliseconds.p50),
      p99: spread(sample => sample.milliseconds.p99),
      max: spread(sample => sample.milliseconds.max)
    }
  })
}

/** Once more and for longer, when not one operation has ended within the time. */
async function measureLongEnough(ensemble: BenchEnsemble, load: Load): Promise<Measurement> {
  for (let factor = 1; factor <= LONGER_MAX; factor *= 2) {
    const measured = await ensemble.measure({ ...load, measuredMilliseconds: load.measuredMilliseconds * factor })
    if (measured.operations > 0) return measured
  }
  throw new Error(`no ${load.operation} with ${load.outstanding} outstanding has ended within the measured time`)
}

function numbersOf({ operations, milliseconds, latencies }: Measurement): Pick<Sample, 'operationsPerSecond' | 'milliseconds'> {
  return {
    operationsPerSecond: (operations * 1000) / milliseconds,
    milliseconds: { p50: latencies.percentile(50), p99: latencies.percentile(99), max: latencies.max }
  }
}

function groupsOf(samples: readonly Sample[]): readonly (readonly [Sample, ...Sample[]])[] {
  const groups = new Map<string, [Sample, ...Sample[]]>()
  for (const sample of samples) {
    const key = `${sample.contender} ${stepKey(sample)}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [sample])
    else group.push(sample)
  }
  return [...groups.values()]
}

/** Equal for equal steps. */
export function stepKey({ operation, issuedAt, outstanding }: Step): string {
  return `${operation} ${issuedAt} ${outstanding}`
}
