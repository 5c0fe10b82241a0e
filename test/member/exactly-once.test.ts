import t from 'tap'
import { isZooKeeperError, randomInt } from '../../lib/base/index.js'
import { VirtualEnsemble } from '../../lib/sim/world/virtual-ensemble.js'
import { Ledger, Worker } from '../fixtures/virtual-workload.js'

const STEPS = 25

/** One run under faults; gives what is wrong in the end, and what the run has met. */
async function run(
  seed: number,
  size: number
): Promise<{ readonly wrong: readonly string[]; readonly met: Record<string, number> }> {
  const snapCount = seed % 3 === 0 ? 60 : 100_000
  const ensemble = new VirtualEnsemble({
    seed,
    size,
    options: { snapCount, snapRetainCount: 1 + (seed % 2), sessionTimeout: 700, syncLimit: 4 },
    latency: seed % 4 === 0 ? [0.2, 20] : [0.2, 2],
    disk: [3, 40],
    millisecondsPerLook: seed % 2 === 0 ? 0 : 2
  })
  const { random } = ensemble
  const ledger = new Ledger()
  const workers = new Map<number, Worker>()
  const met: Record<string, number> = { acknowledged: 0, broken: 0, epochs: 0 }
  const count = (what: string) => {
    met[what] = (met[what] ?? 0) + 1
  }
  const rest = () => new Promise<void>(resolve => ensemble.virtual.runtime.scheduler.after(50, resolve))
  const work = (id: number) => {
    const worker = new Worker(ensemble.member(id), ledger, 1 + randomInt(random, 8), rest)
    workers.set(id, worker)
    worker.run().catch(error => ledger.violation(String(error)))
  }
  const crash = async (id: number) => {
    workers.get(id)?.stop()
    workers.delete(id)
    await ensemble.crash(id, { silent: random.float() < 0.2 })
  }
  const begin = (id: number) => {
    const started = ensemble.start(id)
    // A process that is crashed while it starts is never heard of again.
    started.then(
      () => ensemble.isRunning(id) && !workers.has(id) && work(id),
      // Of a disk that fails, or of no quorum in time. The next step may try again.
      error => count(isZooKeeperError(error) ? `start: ${error.code}` : String(error))
    )
  }
  const anyId = () => ensemble.ids[randomInt(random, size)] ?? 1

  const first = await ensemble.startAll()
  const [creator] = first
  await ensemble.settle(Promise.all(['/chains', '/seq', '/all'].map(path => creator?.create(path))))
  for (const id of ensemble.ids) work(id)
  for (let step = 0; step < STEPS; step++) {
    await ensemble.run(10 + randomInt(random, 300))
    const id = anyId()
    const dice = random.float()
    const leader = ensemble.leaderOrNull
    if (dice < 0.25 && leader !== null) {
      count('leader crashed')
      await crash(leader.id)
    } else if (dice < 0.35 && ensemble.isRunning(id)) {
      count('crashed')
      await crash(id)
    } else if (dice < 0.6) {
      const down = ensemble.ids.find(each => !ensemble.isRunning(each))
      if (down !== undefined) begin(down)
    } else if (dice < 0.7) {
      count('cut')
      ensemble.cut(id, (id % size) + 1)
    } else if (dice < 0.76) {
      count('swallowed')
      ensemble.swallow(id, (id % size) + 1)
    } else if (dice < 0.8) {
      count('isolated')
      ensemble.isolate(id)
      await ensemble.run(randomInt(random, 1_500))
    } else if (dice < 0.84 && ensemble.isRunning(id)) {
      count('paused')
      ensemble.pause(id)
      await ensemble.run(randomInt(random, 1_500))
      ensemble.resume(id)
    } else if (dice < 0.88 && ensemble.isRunning(id)) {
      count('disk')
      ensemble.disk(id).failNext(random.float() < 0.5 ? 'clean' : 'landed')
    } else if (
      dice < 0.92 &&
      ensemble.members.length === size &&
      ensemble.members.every(member => member.status().standing === 'member')
    ) {
      count('wiped')
      await crash(id)
      await ensemble.wipe(id)
      begin(id)
    } else ensemble.healAll()
  }
  ensemble.healAll()
  for (const id of ensemble.ids) ensemble.disk(id).mend()
  // A start that has already met its fault may still fail.
  await ensemble.run(100)
  for (const id of ensemble.ids) if (!ensemble.isRunning(id)) begin(id)
  await ensemble.until(() => ensemble.members.length === size && ensemble.members.every(member => member.status().serving))
  await ensemble.run(500)
  for (const worker of workers.values()) worker.stop()
  await ensemble.until(() => [...workers.values()].every(worker => worker.idle))
  await ensemble.converge()
  const wrong = ensemble.members.flatMap(member => ledger.check(member.local).map(what => `member ${member.id}: ${what}`))
  met.acknowledged = ledger.acknowledged
  met.broken = ledger.broken
  met.epochs = ensemble.leader.epoch
  await ensemble.close()
  return { wrong, met }
}

const seeds = Number(process.env.SEEDS ?? 20)
const firstSeed = Number(process.env.SEED ?? 1)

t.test('whatever crashes, every acknowledged write is there and none has taken effect twice', async t => {
  const all: Record<string, number> = {}
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    const { wrong, met } = await run(seed, seed % 5 === 0 ? 5 : 3)
    t.strictSame(wrong, [], `seed ${seed}`)
    for (const [what, times] of Object.entries(met)) all[what] = (all[what] ?? 0) + times
  }
  t.comment(JSON.stringify(all))
  if (seeds < 20) return
  for (const what of ['leader crashed', 'crashed', 'cut', 'swallowed', 'isolated', 'paused', 'disk', 'wiped', 'broken'])
    t.ok((all[what] ?? 0) > 0, what)
  t.ok((all.acknowledged ?? 0) > 200 * seeds)
  t.ok((all.epochs ?? 0) > 3 * seeds)
})
