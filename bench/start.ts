import { parseArgs } from 'node:util'
import { importMilliseconds, processMilliseconds } from './moments/import-time.js'
import { MemberProcesses } from './moments/member-processes.js'
import type { StartOrders } from './moments/start-program.js'
import { machineNow } from './report/machine.js'
import { positive } from './report/option-numbers.js'
import { progress, publish, REPORT_OPTIONS } from './report/results.js'
import { spreadOf } from './report/statistics.js'
import { table } from './report/table.js'

// How long everything takes until there is something to work with: the import of the package in a fresh process; three members in memory in one
// process, as a test has them; three processes on LevelDB that have imported everything and are all told to start at once, in directories that are
// not there yet, and again over what they left behind when all were killed. An ensemble is ready when createEnsembleMember has resolved for all.

const MEMBERS = 3
const PROGRAM = new URL('./moments/start-program.js', import.meta.url)

const { values } = parseArgs({
  options: {
    ...REPORT_OPTIONS,
    imports: { type: 'string', default: '10' },
    fixtures: { type: 'string', default: '20' },
    ensembles: { type: 'string', default: '10' }
  }
})
const options = {
  imports: positive(values.imports),
  fixtures: positive(values.fixtures),
  ensembles: positive(values.ensembles)
}
const machine = machineNow()

progress('imports')
const imports: number[] = []
const nothing: number[] = []
const importing: number[] = []
for (let round = 0; round < options.imports; round++) {
  imports.push(importMilliseconds())
  nothing.push(processMilliseconds('nothing'))
  importing.push(processMilliseconds('import'))
}

progress('in memory')
const firsts: number[] = []
const repeated: number[] = []
for (let round = 0; round < options.ensembles; round++) {
  const fresh = await MemberProcesses.prepare<StartOrders>(PROGRAM, 1)
  try {
    await fresh.launch()
    const [process] = fresh.all
    if (process === undefined) throw new Error('a process is needed')
    firsts.push(await process.ask('fixture'))
    // One process is enough for what comes after the first time.
    if (round > 0) continue
    for (let fixture = 0; fixture < options.fixtures; fixture++) repeated.push(await process.ask('fixture'))
  } finally {
    await fresh.stop()
  }
}

progress('on LevelDB')
const founded: number[] = []
const restarted: number[] = []
for (let round = 0; round < options.ensembles; round++) {
  const members = await MemberProcesses.prepare<StartOrders>(PROGRAM, MEMBERS)
  const timed = async (): Promise<number> => {
    await members.launch()
    const start = performance.now()
    await members.startMembers()
    return performance.now() - start
  }
  try {
    founded.push(await timed())
    await members.leader()
    await members.kill()
    restarted.push(await timed())
  } finally {
    await members.stop()
  }
}

const figures = [
  { what: 'import, measured inside', milliseconds: imports },
  { what: 'a process that does nothing', milliseconds: nothing },
  { what: 'a process that imports', milliseconds: importing },
  { what: 'three members in memory in one process, the first time', milliseconds: firsts },
  { what: 'the same again', milliseconds: repeated },
  { what: 'three processes on LevelDB, new', milliseconds: founded },
  { what: 'three processes on LevelDB, all killed and started again', milliseconds: restarted }
]

publish(
  {
    bench: 'start',
    machine,
    versions: { 'embedded-zookeeper': `this checkout, Node.js ${process.version}` },
    options,
    figures,
    text: [
      'Milliseconds.',
      '',
      table(
        ['until it is there', 'median', 'least', 'most', 'times'],
        figures.map(({ what, milliseconds }) => {
          const { median, min, max } = spreadOf(milliseconds)
          return [what, median, min, max, String(milliseconds.length)]
        })
      )
    ].join('\n')
  },
  values
)
