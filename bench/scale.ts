import { parseArgs } from 'node:util'
import { LIMITS } from '../lib/base/index.js'
import type { EnsembleShape } from './contenders/contender.js'
import { ours } from './contenders/ours/ours.js'
import { figuresOf, measureStep, type Sample, type SampledFigure, warmUp } from './load/samples.js'
import { linePlot } from './report/line-plot.js'
import { machineNow } from './report/machine.js'
import { positive, positives } from './report/option-numbers.js'
import { progress, publish, REPORT_OPTIONS } from './report/results.js'
import type { Spread } from './report/statistics.js'
import { table } from './report/table.js'

// What a write costs as ensembles and values grow. Ensembles of one to seven members set values of 100 bytes, ensembles of three set values of up to
// a mebibyte; writes are issued at every member. All members are on this machine: more of them share the same processors and the same disk.

/** A link that holds more than its bound unsent is cut, which is not what is measured here: half of that may be under way. */
const BYTES_UNDER_WAY_MAX = LIMITS.linkQueueBytesMax / 2
const ZNODES_MAX = 1_000
const VALUE_BYTES = 100
const VALUES_MEMBERS = 3
const VALUES_OUTSTANDING_MAX = 256

interface Plan {
  readonly shape: EnsembleShape
  readonly outstanding: readonly number[]
}

interface ScaleFigure {
  readonly members: number
  readonly valueBytes: number
  readonly outstanding: number
  readonly operationsPerSecond: Spread
  readonly bytesPerSecond: number
  readonly p50: Spread
  readonly p99: Spread
  /** How much longer a write takes the ensemble than one of the first row with as many under way. */
  readonly cost: number
}

const { values } = parseArgs({
  options: {
    ...REPORT_OPTIONS,
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '2' },
    'warm-up': { type: 'string', default: '2' },
    members: { type: 'string', default: '1,3,5,7' },
    outstanding: { type: 'string', default: '64,256' },
    values: { type: 'string', default: '10,100,1024,10240,102400,1048576' }
  }
})
const options = {
  rounds: positive(values.rounds),
  seconds: positive(values.seconds),
  warmUpSeconds: positive(values['warm-up']),
  members: positives(values.members),
  outstanding: positives(values.outstanding),
  values: positives(values.values)
}

const machine = machineNow()
const byMembers = options.members.map((members): Plan => {
  return { shape: { members, znodes: ZNODES_MAX, valueBytes: VALUE_BYTES }, outstanding: options.outstanding }
})
const most = Math.max(1, Math.floor(BYTES_UNDER_WAY_MAX / Math.max(...options.values)))
const byValue = options.values.map((valueBytes): Plan => {
  // All znodes are created at once: their number has the bound of the writes.
  const znodes = Math.max(1, Math.min(ZNODES_MAX, Math.floor(BYTES_UNDER_WAY_MAX / valueBytes)))
  return { shape: { members: VALUES_MEMBERS, znodes, valueBytes }, outstanding: [Math.min(VALUES_OUTSTANDING_MAX, most)] }
})
const ofMembers = await measured(byMembers)
const ofValues = await measured(byValue)

const text = [
  `Members, with values of ${VALUE_BYTES} bytes: medians of the rounds, as in all tables. Cost: time of the ensemble a write, to that of the first row with as many outstanding.`,
  '',
  table(
    ['members', 'outstanding', 'writes/s', 'p50 ms', 'p99 ms', 'cost'],
    ofMembers.map(({ members, outstanding, operationsPerSecond, p50, p99, cost }) => {
      return [`${members}`, `${outstanding}`, operationsPerSecond.median, p50.median, p99.median, cost]
    })
  ),
  '',
  `Sizes of values, with ${VALUES_MEMBERS} members. As many are outstanding as make ${BYTES_UNDER_WAY_MAX / 2 ** 20} MiB of the largest: a link is cut at ${LIMITS.linkQueueBytesMax / 2 ** 20} MiB.`,
  '',
  table(
    ['bytes', 'outstanding', 'writes/s', 'MB/s', 'p50 ms', 'p99 ms', 'cost'],
    ofValues.map(({ valueBytes, outstanding, operationsPerSecond, bytesPerSecond, p50, p99, cost }) => {
      return [`${valueBytes}`, `${outstanding}`, operationsPerSecond.median, bytesPerSecond / 1e6, p50.median, p99.median, cost]
    })
  )
].join('\n')

publish(
  { bench: 'scale', machine, versions: { [ours.name]: versionOfOurs() }, options, figures: { ofMembers, ofValues }, text },
  values,
  {
    members: linePlot({
      title: 'Writes a second as an ensemble grows',
      x: { name: 'members, all on one machine', scale: 'linear' },
      y: { name: 'writes a second', scale: 'linear' },
      series: options.outstanding.map(outstanding => ({
        name: `${outstanding} under way`,
        points: ofMembers
          .filter(figure => figure.outstanding === outstanding)
          .map(({ members, operationsPerSecond }) => [members, operationsPerSecond.median] as const)
      }))
    }),
    values: linePlot({
      title: `Writes and bytes a second as values grow, ${VALUES_MEMBERS} members`,
      x: { name: 'bytes of a value', scale: 'log' },
      y: { name: 'a second', scale: 'log' },
      series: [
        { name: 'writes', points: ofValues.map(figure => [figure.valueBytes, figure.operationsPerSecond.median] as const) },
        { name: 'bytes', points: ofValues.map(figure => [figure.valueBytes, figure.bytesPerSecond] as const) }
      ]
    })
  }
)

/** Every shape in every round, so that none is measured at a better time than the others. */
async function measured(plans: readonly Plan[]): Promise<readonly ScaleFigure[]> {
  const samples: Sample[] = []
  for (let round = 0; round < options.rounds; round++) {
    for (const [index, { shape, outstanding }] of plans.entries()) {
      progress(`round ${round + 1} of ${options.rounds}: ${shape.members} members, values of ${shape.valueBytes} bytes`)
      const steps = outstanding.map(outstanding => ({ operation: 'write', issuedAt: 'every member', outstanding }) as const)
      const durations = { warmUpMilliseconds: options.warmUpSeconds * 1000, measuredMilliseconds: options.seconds * 1000 }
      const ensemble = await ours.start(shape)
      try {
        await warmUp(ensemble, steps, durations.warmUpMilliseconds)
        for (const step of steps) {
          samples.push({ ...(await measureStep(ensemble, step, durations.measuredMilliseconds)), contender: `${index}`, round })
        }
      } finally {
        await ensemble.stop()
      }
    }
  }
  const figures = figuresOf(samples)
  return figures.flatMap(figure => {
    const plan = plans[Number(figure.contender)]
    return plan === undefined ? [] : [scaled(figure, plan.shape, figures)]
  })
}

function scaled(figure: SampledFigure, { members, valueBytes }: EnsembleShape, all: readonly SampledFigure[]): ScaleFigure {
  const { outstanding, operationsPerSecond, p50, p99 } = figure
  const first = all.find(other => other.outstanding === outstanding) ?? figure
  return {
    members,
    valueBytes,
    outstanding,
    operationsPerSecond,
    bytesPerSecond: operationsPerSecond.median * valueBytes,
    p50,
    p99,
    cost: first.operationsPerSecond.median / operationsPerSecond.median
  }
}

function versionOfOurs(): string {
  const state = ours.found()
  return 'version' in state ? state.version : state.missing
}
