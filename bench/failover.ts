import { parseArgs } from 'node:util'
import { nodeZooKeeper } from './contenders/node-zookeeper/node-zookeeper.js'
import { ours } from './contenders/ours/ours.js'
import type { Kill } from './moments/kills.js'
import { killOurLeaders } from './moments/our-failovers.js'
import { killZooKeeperLeaders } from './moments/zookeeper-failovers.js'
import { barPlot } from './report/bar-plot.js'
import { machineNow } from './report/machine.js'
import { positive } from './report/option-numbers.js'
import { progress, publish, REPORT_OPTIONS } from './report/results.js'
import { spreadOf } from './report/statistics.js'
import { rounded, table } from './report/table.js'

// How long nobody can write when the leader's process is killed with SIGKILL, out of steady writes at the other two: one under way at each of
// them, all the time. What counts is the time from the kill until a write is acknowledged that was issued after it. Then the killed one comes back
// on its own data, and when all are in step the next leader is killed. ZooKeeper is treated alike: its writers are two sessions of a Node client,
// one at each survivor, that try to connect again every 10 ms at most (and not every second, as they would by default), and what fails is tried again.

const { values } = parseArgs({
  options: {
    ...REPORT_OPTIONS,
    kills: { type: 'string', default: '20' },
    steady: { type: 'string', default: '500' },
    value: { type: 'string', default: '100' },
    contenders: { type: 'string', default: 'ours,zookeeper' }
  }
})
const RUNS = {
  ours: { contender: ours, kill: killOurLeaders },
  zookeeper: { contender: nodeZooKeeper, kill: killZooKeeperLeaders }
} as const

const kills = positive(values.kills)
const options = { steadyMilliseconds: positive(values.steady), valueBytes: positive(values.value) }
const machine = machineNow()
const versions: Record<string, string> = {}
const figures: { contender: string; kills: readonly Kill[] }[] = []
for (const word of values.contenders.split(',')) {
  if (word !== 'ours' && word !== 'zookeeper')
    throw new Error(`no contender '${word}'; there are ${Object.keys(RUNS).join(', ')}`)
  const { contender, kill } = RUNS[word]
  const found = contender.found()
  versions[contender.name] = 'version' in found ? found.version : `left out, missing: ${found.missing}`
  if ('missing' in found) continue
  const onKill = ({ nextWrite }: Kill): void => progress(`${contender.name}: ${rounded(nextWrite)} ms`)
  figures.push({ contender: contender.name, kills: await kill(kills, options, onKill) })
}

/** The slowest kill of ours, step by step. */
function slowest(): readonly string[] {
  const own = figures.find(({ contender }) => contender === ours.name)?.kills ?? []
  const [worst] = own.toSorted((a, b) => b.nextWrite - a.nextWrite)
  return worst === undefined ? [] : ['', `The slowest kill of ${ours.name}, from the kill on:`, '', ...worst.events]
}

publish(
  {
    bench: 'failover',
    machine,
    versions,
    options: { kills, ...options },
    figures,
    text: [
      'Milliseconds since the leader was killed.',
      '',
      table(
        ['', 'until', 'median', 'least', 'most'],
        figures.flatMap(({ contender, kills }) =>
          (
            [
              ['a write issued since then is acknowledged', 'nextWrite'],
              ['the same at both survivors', 'nextWriteEverywhere'],
              ['any write is acknowledged', 'firstAcknowledged']
            ] as const
          ).map(([what, key]) => {
            const { median, min, max } = spreadOf(kills.map(kill => kill[key]))
            return [contender, what, median, min, max]
          })
        )
      ),
      '',
      ...figures.map(
        ({ contender, kills }) => `${contender}, each: ${kills.map(({ nextWrite }) => rounded(nextWrite)).join(', ')}`
      ),
      ...slowest()
    ].join('\n')
  },
  values,
  {
    time: barPlot({
      title: 'Time without writes after the leader was killed',
      x: 'milliseconds',
      bars: figures.map(({ contender, kills }) => ({ name: contender, value: spreadOf(kills.map(({ nextWrite }) => nextWrite)) }))
    })
  }
)
