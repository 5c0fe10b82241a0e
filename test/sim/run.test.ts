import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { type Plan, planOf, runPlan, shrink } from '../../lib/sim/index.js'
import { brokenAcks } from '../fixtures/broken-acks.js'
import { tracedRun } from '../fixtures/traced-run.js'

/** Short runs that have between them every kind of network, disk and fault. */
const SEEDS = [3, 7, 15, 21]

t.test('the same seed is the same run, byte for byte, twice in one process and once in another', async t => {
  const program = fileURLToPath(new URL('../fixtures/traced-run.js', import.meta.url))
  for (const seed of SEEDS) {
    const first = await tracedRun(seed)
    const second = await tracedRun(seed)
    t.ok(first.lines.length > 1_000, `${first.lines.length} lines`)
    const difference = first.lines.findIndex((line, index) => line !== second.lines[index])
    t.equal(difference, -1, `${first.lines[difference]} | ${second.lines[difference]}`)
    t.strictSame([second.lines.length, second.hash], [first.lines.length, first.hash])
    const { stdout } = await promisify(execFile)(process.execPath, [program, String(seed)])
    t.equal(stdout, first.hash)
  }
})

t.test('another seed is another run, and tracing changes nothing', async t => {
  const plan = short(5)
  const silent = await runPlan(plan)
  const lines: string[] = []
  const told = await runPlan(plan, { onLine: line => lines.push(line) })
  t.equal(told.fingerprint, silent.fingerprint)
  t.ok(lines.length > 100)
  t.not((await runPlan(short(6))).fingerprint, silent.fingerprint)
})

t.test('a plan can be written down and read again', async t => {
  for (const seed of SEEDS) {
    const plan = planOf(seed)
    t.strictSame(JSON.parse(JSON.stringify(plan)), plan)
  }
})

t.test('faults that are left out do not shift the others, and clients that are left out do not shift the others', async t => {
  const plan = planOf(12)
  const shorter = { ...plan, faults: plan.faults.filter((_, index) => index % 2 === 0) }
  t.strictSame(
    shorter.faults,
    plan.faults.filter(fault => shorter.faults.includes(fault))
  )
  const { history } = await runPlan({ ...short(12), faults: [] })
  const without = await runPlan({ ...short(12), faults: [], clients: { ...short(12).clients, without: ['1.0'] } })
  const issued = (events: typeof history) =>
    events.flatMap(event => (event.kind === 'call' && event.member === 2 && event.what.kind === 'openSession' ? [event.at] : []))
  t.ok(issued(history).length > 0)
  t.equal(issued(without.history)[0], issued(history)[0])
})

t.test('a run that fails is reduced to one that fails in the same way with less', async t => {
  const broken = brokenAcks()
  const fails = async (candidate: Plan) => (await runPlan(candidate, broken)).violation?.checker === 'durable before said'
  const plan = short(31)
  t.ok(await fails(plan))
  let runs = 0
  const smallest = await shrink(plan, {
    fails,
    runsMax: 60,
    onSmaller: (_, count) => {
      runs = count
    }
  })
  t.ok(runs > 0)
  t.ok(await fails(smallest))
  t.equal(smallest.faults.length, 0, 'none is needed for this bug')
  t.ok(smallest.duration < plan.duration)
  t.ok(smallest.clients.without.length > 0)
})

t.test('an ensemble that does not come to rest when faults have stopped is found out', async t => {
  const plan = { ...short(9), faults: [], limits: {}, losesQuorum: false }
  t.equal((await runPlan(plan)).violation, null)
  const { violation } = await runPlan(plan, {
    surround: (id, surroundings) => {
      if (id !== 2) return surroundings
      return {
        ...surroundings,
        storage: async (options, storageOptions) => {
          const storage = await surroundings.storage(options, storageOptions)
          storage.write = () => new Promise(() => {})
          return storage
        }
      }
    }
  })
  t.equal(violation?.checker, 'liveness')
})

function short(seed: number): Plan {
  return planOf(seed, { size: 3, duration: 6_000 })
}
