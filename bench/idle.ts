import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { etcd } from './contenders/etcd/etcd.js'
import { ours } from './contenders/ours/ours.js'
import { zooKeeper } from './contenders/zookeeper/zookeeper.js'
import { type IdleEnsemble, idleEtcd, idleOurs, idleZooKeeper } from './moments/idle-ensembles.js'
import { childrenNow, countersOf, hasProc, loopbackBytes } from './moments/process-counters.js'
import { machineNow } from './report/machine.js'
import { positive } from './report/option-numbers.js'
import { progress, publish, REPORT_OPTIONS } from './report/results.js'
import { table } from './report/table.js'

// What three processes on loopback TCP and disks cost while nobody does anything with them: their CPU time as the operating system counts it, how
// often a thread of theirs goes to sleep and has to be woken up again, and the bytes between them. Of ours these are what all their sockets have
// sent; and of everyone what has gone over the loopback interface in the time, which is more by the headers of TCP, and by whatever else uses it.

const { values } = parseArgs({
  options: {
    ...REPORT_OPTIONS,
    seconds: { type: 'string', default: '60' },
    settle: { type: 'string', default: '10' },
    contenders: { type: 'string', default: 'ours,zookeeper,etcd' }
  }
})
const RUNS = {
  ours: { contender: ours, start: idleOurs },
  zookeeper: { contender: zooKeeper, start: idleZooKeeper },
  etcd: { contender: etcd, start: idleEtcd }
} as const
const seconds = positive(values.seconds)
const settleSeconds = positive(values.settle)

interface Figure {
  readonly contender: string
  readonly members: readonly {
    readonly role: 'leader' | 'follower'
    /** Of one core. */
    readonly cpuPercent: number
    readonly sleepsPerSecond: number
  }[]
  /** Of all members together, where they tell. */
  readonly sentBytesPerSecond?: number
  /** Of everybody on the machine. */
  readonly loopbackBytesPerSecond: number
}

async function measured(contender: string, ensemble: IdleEnsemble): Promise<Figure> {
  const pids = childrenNow()
  const leader = await ensemble.leader()
  // Founding, compilers of Java and first collections are over then.
  await sleep(settleSeconds * 1000)
  const sentBefore = await ensemble.sentBytes()
  const before = { at: performance.now(), loopback: loopbackBytes(), processes: pids.map(countersOf) }
  await sleep(seconds * 1000)
  const after = { at: performance.now(), loopback: loopbackBytes(), processes: pids.map(countersOf) }
  const sentAfter = await ensemble.sentBytes()
  const milliseconds = after.at - before.at
  return {
    contender,
    members: after.processes.map(({ cpuMilliseconds, sleeps }, index) => ({
      role: index === leader ? 'leader' : 'follower',
      cpuPercent: ((cpuMilliseconds - (before.processes[index]?.cpuMilliseconds ?? 0)) / milliseconds) * 100,
      sleepsPerSecond: ((sleeps - (before.processes[index]?.sleeps ?? 0)) / milliseconds) * 1000
    })),
    ...(sentBefore === null || sentAfter === null
      ? {}
      : { sentBytesPerSecond: ((sentAfter - sentBefore) / milliseconds) * 1000 }),
    loopbackBytesPerSecond: ((after.loopback - before.loopback) / milliseconds) * 1000
  }
}

if (!hasProc()) throw new Error('what processes cost is read from /proc, which only Linux has')
const machine = machineNow()
const versions: Record<string, string> = {}
const figures: Figure[] = []
for (const word of values.contenders.split(',')) {
  if (word !== 'ours' && word !== 'zookeeper' && word !== 'etcd') {
    throw new Error(`no contender '${word}'; there are ${Object.keys(RUNS).join(', ')}`)
  }
  const { contender, start } = RUNS[word]
  const found = contender.found()
  versions[contender.name] = 'version' in found ? found.version : `left out, missing: ${found.missing}`
  if ('missing' in found) continue
  progress(contender.name)
  const ensemble = await start()
  try {
    figures.push(await measured(contender.name, ensemble))
  } finally {
    await ensemble.stop()
  }
}

publish(
  {
    bench: 'idle',
    machine,
    versions,
    options: { seconds, settleSeconds },
    figures,
    text: [
      table(
        ['', 'member', '% of a core', 'goes to sleep, a second'],
        figures.flatMap(({ contender, members }) =>
          members.map(({ role, cpuPercent, sleepsPerSecond }) => [contender, role, cpuPercent, sleepsPerSecond])
        )
      ),
      '',
      table(
        ['bytes a second', 'sent by all members', 'over the loopback interface, by anybody'],
        figures.map(({ contender, sentBytesPerSecond, loopbackBytesPerSecond }) => [
          contender,
          sentBytesPerSecond ?? 'not told',
          loopbackBytesPerSecond
        ])
      )
    ].join('\n')
  },
  values
)
