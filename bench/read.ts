import { parseArgs } from 'node:util'
import { contendersFor } from './contenders/all.js'
import { OurEnsemble, ours } from './contenders/ours/ours.js'
import { OwnReadsSamples, ownReadsTable } from './contenders/ours/own-reads-samples.js'
import { runRounds } from './contenders/rounds.js'
import { ratiosOf } from './load/ratios.js'
import { figuresTable, ratiosTable } from './load/sample-tables.js'
import { figuresOf, type Step } from './load/samples.js'
import { barPlot } from './report/bar-plot.js'
import { linePlot } from './report/line-plot.js'
import { machineNow } from './report/machine.js'
import { positive, positives } from './report/option-numbers.js'
import { publish, REPORT_OPTIONS } from './report/results.js'

// How many reads a second an ensemble of three answers, of random znodes: in each system's default way, which may be behind by what is just being
// committed, and linearizably, so that every write acknowledged before is seen. Then what one process that embeds a member of ours reads from
// its own replica: no message is sent for those, and no other process takes part.

const MEMBERS = 3

const { values } = parseArgs({
  options: {
    ...REPORT_OPTIONS,
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '2' },
    'warm-up': { type: 'string', default: '3' },
    outstanding: { type: 'string', default: '1,64,256' },
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
const ownReads = new OwnReadsSamples()

const samples = await runRounds({
  contenders: found,
  rounds: durations.rounds,
  shape,
  warmUpMilliseconds: durations.warmUpSeconds * 1000,
  measuredMilliseconds: durations.seconds * 1000,
  stepsFor: ({ operations }) => {
    const ways: readonly Omit<Step, 'outstanding'>[] = [
      { operation: 'read', issuedAt: 'every member' },
      { operation: 'linearizable', issuedAt: 'every member' },
      { operation: 'linearizable', issuedAt: 'leader' }
    ]
    const known = ways.filter(({ operation }) => operations.includes(operation))
    return known.flatMap(way => levels.map(outstanding => ({ ...way, outstanding })))
  },
  async also(_, ensemble) {
    if (ensemble instanceof OurEnsemble) await ownReads.measure(ensemble, durations.seconds * 1000)
  }
})
const measured = figuresOf(samples)
const ratios = ratiosOf(samples, ours.name)
const own = ownReads.figures()

const text = [
  ...(own.length === 0 ? [] : ["Reads of a member's own process from its own replica:", '', ownReadsTable(own), '']),
  'Reads of the whole ensemble: medians of the rounds, and how far the rounds lie apart in percent of it.',
  '',
  figuresTable(measured),
  ...(ratios.length === 0
    ? []
    : ['', `Reads a second of ${ours.name}, as a multiple (least-most of the rounds):`, '', ratiosTable(ratios)])
].join('\n')

const most = Math.max(...levels)
const able = found.filter(({ operations }) => operations.includes('linearizable'))
publish(
  {
    bench: 'read',
    machine,
    versions,
    options: { ...shape, ...durations, outstanding: levels },
    figures: { own, measured, ratios },
    text
  },
  values,
  {
    throughput: barPlot({
      title: `Reads in the default way, ${most} under way, spread over all members`,
      x: 'reads a second',
      bars: measured
        .filter(({ operation, outstanding }) => operation === 'read' && outstanding === most)
        .map(({ contender, operationsPerSecond }) => ({ name: contender, value: operationsPerSecond }))
    }),
    linearizable: linePlot({
      title: 'Linearizable reads a second, spread over all members',
      x: { name: 'reads under way in the ensemble', scale: 'log' },
      y: { name: 'reads a second', scale: 'log' },
      series: able.map(({ name }) => ({
        name,
        points: measured
          .filter(
            figure => figure.contender === name && figure.operation === 'linearizable' && figure.issuedAt === 'every member'
          )
          .map(({ outstanding, operationsPerSecond }) => [outstanding, operationsPerSecond.median] as const)
      }))
    })
  }
)
