import { parseArgs } from 'node:util'
import { contendersFor } from './contenders/all.js'
import { ours } from './contenders/ours/ours.js'
import { runRounds } from './contenders/rounds.js'
import { ratiosOf } from './load/ratios.js'
import { figuresTable, ratiosTable } from './load/sample-tables.js'
import { figuresOf, type SampledFigure } from './load/samples.js'
import { linePlot } from './report/line-plot.js'
import { machineNow } from './report/machine.js'
import { positive, positives } from './report/option-numbers.js'
import { publish, REPORT_OPTIONS } from './report/results.js'

// How many writes a second an ensemble of three commits, and how long each takes. A write sets the value of a random znode (or key) and has ended
// when its caller knows that it is committed. So many are kept under way in the whole ensemble, issued at the leader or spread over all members.
// Every contender of this machine is measured in every round, one after the other; what is printed are medians of the rounds.

const MEMBERS = 3

const { values } = parseArgs({
  options: {
    ...REPORT_OPTIONS,
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '2' },
    'warm-up': { type: 'string', default: '4' },
    outstanding: { type: 'string', default: '1,16,64,256,1000' },
    znodes: { type: 'string', default: '1000' },
    value: { type: 'string', default: '100' },
    contenders: { type: 'string' }
  }
})
const levels = positives(values.outstanding)
const machine = machineNow()
const { found, versions } = contendersFor(values.contenders)
const shape = { members: MEMBERS, znodes: positive(values.znodes), valueBytes: positive(values.value) }
const durations = {
  rounds: positive(values.rounds),
  seconds: positive(values.seconds),
  warmUpSeconds: positive(values['warm-up'])
}

const samples = await runRounds({
  contenders: found,
  rounds: durations.rounds,
  shape,
  warmUpMilliseconds: durations.warmUpSeconds * 1000,
  measuredMilliseconds: durations.seconds * 1000,
  stepsFor: () =>
    (['leader', 'every member'] as const).flatMap(issuedAt =>
      levels.map(outstanding => ({ operation: 'write', issuedAt, outstanding }) as const)
    )
})
const measured = figuresOf(samples)
const ratios = ratiosOf(samples, ours.name)

const text = [
  'Writes: medians of the rounds, and how far the rounds lie apart in percent of it.',
  '',
  figuresTable(measured),
  ...(ratios.length === 0
    ? []
    : ['', `Writes a second of ${ours.name}, as a multiple (least-most of the rounds):`, '', ratiosTable(ratios)])
].join('\n')

publish(
  {
    bench: 'write',
    machine,
    versions,
    options: { ...shape, ...durations, outstanding: levels },
    figures: { measured, ratios },
    text
  },
  values,
  {
    throughput: plotted(
      'Writes a second, issued at every member',
      'writes a second',
      figure => figure.operationsPerSecond.median
    ),
    p99: plotted('99 % of the writes took at most, issued at every member', 'milliseconds', figure => figure.p99.median)
  }
)

function plotted(title: string, y: string, pick: (figure: SampledFigure) => number): string {
  return linePlot({
    title,
    x: { name: 'writes under way in the ensemble', scale: 'log' },
    y: { name: y, scale: 'log' },
    series: found.map(({ name }) => ({
      name,
      points: measured
        .filter(({ contender, issuedAt }) => contender === name && issuedAt === 'every member')
        .map(figure => [figure.outstanding, pick(figure)] as const)
    }))
  })
}
