import { parseArgs } from 'node:util'
import type { Difference } from './comparison.js'
import { describe, shown } from './describe.js'
import { KNOWN } from './differences.js'
import { ACCESS } from './directed/access.js'
import { BOUNDS } from './directed/bounds.js'
import { LIVES } from './directed/lives.js'
import { QUOTAS } from './directed/quotas.js'
import { WATCHES } from './directed/watches.js'
import { WRITES } from './directed/writes.js'
import { Excuses } from './excuses.js'
import { OurSide } from './our-side.js'
import { Pair } from './pair.js'
import { randomSequence } from './random-sequence.js'
import { shrink } from './shrink.js'
import type { Sequence } from './step.js'
import { findZooKeeper } from './zookeeper-jars.js'
import { ZooKeeperServer } from './zookeeper-server.js'
import { ZooKeeperSide } from './zookeeper-side.js'

// npm run oracle -- --sequences 1000 --seed 7
// A real ZooKeeper and ours do the same, first what is written down in directed/, then what is drawn from the seed. Exits with 1 and shows the
// shortest sequence that it can find when the two differ in what differences.ts does not excuse; with 2 when there is no ZooKeeper to ask.

const { values } = parseArgs({
  options: {
    sequences: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(1 + Math.floor(Math.random() * 1e6)) },
    /** Only the directed sequences whose names have this in them. */
    only: { type: 'string' },
    /** Every difference in full, also of the directed sequences, which are not shrunk then. */
    verbose: { type: 'boolean', default: false },
    /** The known differences as a table in Markdown, and nothing else. */
    table: { type: 'boolean', default: false }
  }
})

const FAILURES_MAX = 10
const NEVER = 2 ** 31 - 1
const OFTEN = 250

process.exitCode = await main()

async function main(): Promise<number> {
  if (values.table) {
    console.log('| operation | ZooKeeper | ours | why |\n|---|---|---|---|')
    for (const { operation, zookeeper, ours, reason } of KNOWN)
      console.log(`| ${operation} | ${zookeeper} | ${ours} | ${reason} |`)
    return 0
  }
  const found = findZooKeeper()
  if ('missing' in found) {
    console.log(
      `There is no ZooKeeper to ask: ${found.missing.join(', ')} missing. On Debian: apt-get install libzookeeper-java default-jdk-headless`
    )
    return 2
  }
  const excuses = new Excuses()
  const isAsked = ({ name }: Sequence): boolean => values.only === undefined || name.includes(values.only)
  const directed = [...WRITES, ...ACCESS, ...WATCHES, ...QUOTAS, ...BOUNDS].filter(isAsked)
  const lives = LIVES.filter(isAsked)
  const seed = Number(values.seed)
  const count = values.only === undefined ? Number(values.sequences) : 0
  let failures = await withPair(found.classPath, NEVER, async pair => {
    let failed = 0
    for (const sequence of directed) if (!(await check(pair, sequence, excuses))) failed++
    for (let number = 0; number < count && failed < FAILURES_MAX; number++) {
      if (!(await check(pair, randomSequence(seed, number), excuses))) failed++
    }
    tellCodes(pair)
    return failed
  })
  failures += await withPair(found.classPath, OFTEN, async pair => {
    let failed = 0
    for (const sequence of lives) if (!(await check(pair, sequence, excuses))) failed++
    return failed
  })
  report(excuses)
  console.log(
    `seed ${seed}: ${directed.length + lives.length} directed and ${count} random sequences, ${failures} with differences`
  )
  return failures > 0 ? 1 : 0
}

async function withPair<T>(classPath: string, containerCheckMilliseconds: number, use: (pair: Pair) => Promise<T>): Promise<T> {
  const server = await ZooKeeperServer.start({ classPath, containerCheckMilliseconds })
  try {
    const pair = await Pair.of(
      await ZooKeeperSide.start(classPath, server.address),
      await OurSide.start(containerCheckMilliseconds)
    )
    try {
      return await use(pair)
    } finally {
      await pair.close()
    }
  } finally {
    await server.stop()
  }
}

async function check(pair: Pair, sequence: Sequence, excuses: Excuses): Promise<boolean> {
  const differences = await pair.run(sequence, excuses)
  const [first] = differences
  if (first === undefined) return true
  console.log(`DIFFERENCE in '${sequence.name}'`)
  if (values.verbose) {
    for (const each of differences) tell(each)
    return false
  }
  const fails = async (candidate: Sequence) => (await pair.run(candidate, new Excuses())).some(each => each.field === first.field)
  const smallest = await shrink(sequence, fails)
  for (const step of smallest.steps) console.log(`  ${describe(step)}`)
  for (const each of await pair.run(smallest, new Excuses())) tell(each)
  return false
}

function tell({ step, field, zookeeper, ours }: Difference): void {
  console.log(`    ${describe(step)}: ${field}`)
  console.log(`      ZooKeeper ${shown(zookeeper)}`)
  console.log(`      ours      ${shown(ours)}`)
}

function tellCodes(pair: Pair): void {
  console.log('what ZooKeeper has said (0: it was done):')
  for (const [kind, codes] of [...pair.codes()].sort()) {
    const said = [...codes].sort(([a], [b]) => b - a).map(([code, times]) => `${code} ${times} times`)
    console.log(`  ${kind.padEnd(22)}${said.join(', ')}`)
  }
}

function report(excuses: Excuses): void {
  console.log('excused:')
  for (const [{ operation, zookeeper, ours }, times] of excuses.counts()) {
    console.log(`  ${String(times).padStart(6)}  ${operation}: ${zookeeper}; ours: ${ours}`)
  }
}
