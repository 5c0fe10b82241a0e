import { parseArgs } from 'node:util'
import { OurEnsemble, ours } from './contenders/ours/ours.js'
import { linePlot } from './report/line-plot.js'
import { machineNow } from './report/machine.js'
import { positive } from './report/option-numbers.js'
import { progress, publish, REPORT_OPTIONS } from './report/results.js'
import { table } from './report/table.js'

// Whether an ensemble of three under load stays as fast and as small as it is after its first minute. Writes are kept under way, spread over all
// members, for minutes; at the end of every step each process is asked for its memory. Between two steps what is under way ends, which takes
// some milliseconds. Memory is as the processes have it: nobody forces a collection, so that single values of the heap go up and down.

const SHAPE = { members: 3, znodes: 1_000, valueBytes: 100 }
const MIB = 2 ** 20

interface StepFigure {
  /** Seconds from the start to the end of this step. */
  readonly seconds: number
  readonly writesPerSecond: number
  readonly p50: number
  readonly p99: number
  readonly max: number
  /** Of each member, in MiB. */
  readonly rss: readonly number[]
  readonly heapUsed: readonly number[]
}

const { values } = parseArgs({
  options: {
    ...REPORT_OPTIONS,
    minutes: { type: 'string', default: '10' },
    'seconds-per-step': { type: 'string', default: '60' },
    outstanding: { type: 'string', default: '256' }
  }
})
const options = {
  minutes: positive(values.minutes),
  secondsPerStep: positive(values['seconds-per-step']),
  outstanding: positive(values.outstanding)
}

const machine = machineNow()
const steps = await measured()
// The first step has what happens once: code that is compiled, memory that grows to its size.
const early = steps[1] ?? steps[0]
const last = steps.at(-1)
if (early === undefined || last === undefined) throw new Error('not even one step')
const change = {
  writesPerSecond: last.writesPerSecond / early.writesPerSecond,
  p99: last.p99 / early.p99,
  rss: total(last.rss) / total(early.rss)
}

const text = [
  table(
    ['seconds', 'writes/s', 'p50 ms', 'p99 ms', 'max ms', 'RSS MiB', 'heap MiB'],
    steps.map(({ seconds, writesPerSecond, p50, p99, max, rss, heapUsed }) => {
      return [`${seconds}`, writesPerSecond, p50, p99, max, listed(rss), listed(heapUsed)]
    })
  ),
  '',
  'The last step as a multiple of the second one:',
  `writes a second ${change.writesPerSecond.toFixed(2)}, p99 ${change.p99.toFixed(2)}, RSS of all members ${change.rss.toFixed(2)}`
].join('\n')

const found = ours.found()
publish(
  {
    bench: 'endurance',
    machine,
    versions: { [ours.name]: 'version' in found ? found.version : found.missing },
    options: { ...SHAPE, ...options },
    figures: { steps, change },
    text
  },
  values,
  {
    throughput: linePlot({
      title: `Writes a second over time, ${options.outstanding} under way`,
      x: { name: 'seconds', scale: 'linear' },
      y: { name: 'writes a second', scale: 'linear' },
      series: [{ name: ours.name, points: steps.map(({ seconds, writesPerSecond }) => [seconds, writesPerSecond] as const) }]
    }),
    memory: linePlot({
      title: 'Memory of each member over time',
      x: { name: 'seconds', scale: 'linear' },
      y: { name: 'MiB', scale: 'linear' },
      series: Array.from({ length: SHAPE.members }, (_, member) => member).flatMap(member => [
        { name: `RSS of member ${member + 1}`, points: steps.map(({ seconds, rss }) => [seconds, rss[member] ?? 0] as const) },
        {
          name: `heap of member ${member + 1}`,
          points: steps.map(({ seconds, heapUsed }) => [seconds, heapUsed[member] ?? 0] as const)
        }
      ])
    })
  }
)

async function measured(): Promise<readonly StepFigure[]> {
  const figures: StepFigure[] = []
  const ensemble = await OurEnsemble.start(SHAPE)
  try {
    const { outstanding, secondsPerStep } = options
    for (let step = 1; step <= Math.max(1, Math.round((options.minutes * 60) / secondsPerStep)); step++) {
      const { operations, milliseconds, latencies } = await ensemble.measure({
        operation: 'write',
        outstanding,
        issuedAt: 'every member',
        warmUpMilliseconds: 0,
        measuredMilliseconds: secondsPerStep * 1000
      })
      const memories = await Promise.all(ensemble.processes.map(process => process.ask('memory')))
      const writesPerSecond = (operations * 1000) / milliseconds
      progress(`${step * secondsPerStep} seconds: ${Math.round(writesPerSecond)} writes a second`)
      figures.push({
        seconds: step * secondsPerStep,
        writesPerSecond,
        p50: latencies.percentile(50),
        p99: latencies.percentile(99),
        max: latencies.max,
        rss: memories.map(({ rss }) => rss / MIB),
        heapUsed: memories.map(({ heapUsed }) => heapUsed / MIB)
      })
    }
    return figures
  } finally {
    await ensemble.stop()
  }
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}

function listed(values: readonly number[]): string {
  return values.map(value => Math.round(value)).join(' ')
}
