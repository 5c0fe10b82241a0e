import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { MARKS, type Plan, planOf, type RunReport, runPlan, shrink } from '../../lib/sim/index.js'
import { sweep } from './sweep.js'

const HELP = `npm run sim -- [options]

  --seeds N      so many seeds, one after another (default 100)
  --from N       the first of them (default 1)
  --jobs N       processes that share the work (default: one per core, at most 4)
  --seed N       replays one seed, with everything that can be seen of it
  --plan FILE    replays a plan that was written down
  --quiet        with --seed or --plan: only what came of it
  --shrink       with --seed or --plan: reduces the plan that fails, and prints what is left of it
  --out FILE     with --shrink: writes the plan there
`

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    from: { type: 'string', default: '1' },
    jobs: { type: 'string' },
    seed: { type: 'string' },
    plan: { type: 'string' },
    quiet: { type: 'boolean', default: false },
    shrink: { type: 'boolean', default: false },
    out: { type: 'string' },
    help: { type: 'boolean', default: false }
  }
})

const print = (line: string) => process.stdout.write(`${line}\n`)

if (values.help) print(HELP)
else if (values.seed === undefined && values.plan === undefined) {
  const report = await sweep(
    {
      from: number('from', values.from),
      seeds: number('seeds', values.seeds),
      ...(values.jobs === undefined ? {} : { jobs: number('jobs', values.jobs) })
    },
    { onProgress: print }
  )
  for (const line of report.lines()) print(line)
  if (report.failures.length > 0) process.exitCode = 1
} else {
  const plan =
    values.plan === undefined
      ? planOf(number('seed', values.seed ?? ''))
      : (JSON.parse(readFileSync(values.plan, 'utf8')) as Plan)
  process.exitCode = (await (values.shrink ? reduce(plan) : replay(plan))) ? 0 : 1
}

async function replay(plan: Plan): Promise<boolean> {
  if (!values.quiet) print(JSON.stringify(plan, null, 2))
  const report = await runPlan(plan, values.quiet ? {} : { onLine: print })
  tell(report)
  return report.violation === null
}

async function reduce(plan: Plan): Promise<boolean> {
  const first = await runPlan(plan)
  tell(first)
  if (first.violation === null) return true
  const { checker } = first.violation
  const smallest = await shrink(plan, {
    fails: async candidate => (await runPlan(candidate)).violation?.checker === checker,
    onSmaller: (smaller, runs) =>
      print(
        `after ${runs} runs: ${smaller.faults.length} faults in ${smaller.duration} ms, without ${smaller.clients.without.length} clients`
      )
  })
  const text = JSON.stringify(smallest, null, 2)
  if (values.out === undefined) print(text)
  else writeFileSync(values.out, `${text}\n`)
  tell(await runPlan(smallest))
  return false
}

function tell(report: RunReport): void {
  const { plan, violation, at, events, operations, faults, marks } = report
  print(`seed ${plan.seed}: ${plan.size} members, ${(at / 1_000).toFixed(1)} virtual seconds, ${events} callbacks`)
  print(`operations: ${counted(operations)}`)
  print(`faults: ${counted(faults)}`)
  print(`marks: ${MARKS.filter(mark => (marks[mark] ?? 0) > 0).length} of ${MARKS.length}`)
  print(violation === null ? 'nothing found' : `FOUND by ${violation.checker} at ${at.toFixed(3)}: ${violation.message}`)
}

function counted(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')
}

function number(name: string, text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0) throw new Error(`--${name} is a whole number`)
  return value
}
