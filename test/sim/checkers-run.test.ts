import t from 'tap'
import { type MemberId, randomInt } from '../../lib/base/index.js'
import type { Observation } from '../../lib/sim/observation.js'
import { type ProtocolCheckers, protocolCheckers } from '../../lib/sim/protocol/index.js'
import { VirtualEnsemble, type VirtualEnsembleOptions } from '../../lib/sim/world/virtual-ensemble.js'
import type { Storage, StorageChange } from '../../lib/storage/index.js'

/** Enough that each kind of trouble comes up. */
const SEEDS = 10

interface Watched {
  readonly ensemble: VirtualEnsemble
  readonly checkers: ProtocolCheckers
  readonly seen: Map<Observation['kind'], number>
}

function watched(options: VirtualEnsembleOptions): Watched {
  const ensemble = new VirtualEnsemble({ traced: false, ...options })
  const checkers = protocolCheckers(ensemble.ids as MemberId[])
  const seen = new Map<Observation['kind'], number>()
  ensemble.onObservation = observation => {
    seen.set(observation.kind, (seen.get(observation.kind) ?? 0) + 1)
    for (const checker of checkers.checkers) checker.observe(observation)
  }
  return { ensemble, checkers, seen }
}

/** Writes from every member that serves, whatever becomes of them. */
function load({ ensemble }: Watched): void {
  for (const member of ensemble.members) {
    for (let count = 0; count < 3; count++) member.create('/n-', 'x', { sequential: true }).catch(() => {})
    member.setData('/', `of ${member.id}`).catch(() => {})
  }
}

/** Whether every member holds what the others hold, and is counted. */
async function isWhole({ ensemble }: Watched): Promise<boolean> {
  if (ensemble.members.length < ensemble.ids.length) return false
  await ensemble.run(500)
  return (
    ensemble.members.length === ensemble.ids.length && ensemble.members.every(member => member.status().standing === 'member')
  )
}

async function trouble(world: Watched): Promise<void> {
  const { ensemble } = world
  const { random } = ensemble
  const id = ensemble.ids[randomInt(random, ensemble.ids.length)] ?? 1
  switch (randomInt(random, 9)) {
    case 0:
    case 1:
      if (ensemble.isRunning(id)) await ensemble.crash(id)
      return
    case 2:
      return ensemble.isolate(id)
    case 3:
      return ensemble.healAll()
    case 4:
      // Of three, one may be lost at a time; it must be back and admitted before the next.
      if (await isWhole(world)) await ensemble.wipe(id)
      return
    case 5:
      ensemble.disk(id).failNext(random.float() < 0.5 ? 'landed' : 'clean')
      return
    case 6:
    case 7:
      for (const each of ensemble.ids) if (!ensemble.isRunning(each)) ensemble.start(each).catch(() => {})
      return
    default:
      if (ensemble.isRunning(id)) ensemble.pause(id)
      await ensemble.run(randomInt(random, 400))
      if (ensemble.isRunning(id)) ensemble.resume(id)
  }
}

/** No trouble any more: all come to the same, and hold it. */
async function settle(world: Watched): Promise<void> {
  const { ensemble, checkers } = world
  ensemble.healAll()
  for (const id of ensemble.ids) ensemble.disk(id).mend()
  for (let round = 0; ensemble.members.length < ensemble.ids.length; round++) {
    if (round === 60) throw new Error('not all members begin')
    for (const id of ensemble.ids) if (!ensemble.isRunning(id)) ensemble.start(id).catch(() => {})
    await ensemble.run(1_000)
  }
  await ensemble.converge()
  for (const checker of checkers.checkers) checker.finish?.()
}

t.test('members that crash, pause and are cut off break no rule, and what was committed is one history', async t => {
  const seen = new Map<Observation['kind'], number>()
  for (let seed = 1; seed <= SEEDS; seed++) {
    const world = watched({ seed, size: seed % 3 === 0 ? 5 : 3, options: { snapCount: 20 } })
    const { ensemble, checkers } = world
    try {
      await ensemble.startAll()
      for (let step = 0; step < 25; step++) {
        load(world)
        await trouble(world)
        await ensemble.run(randomInt(ensemble.random, 300))
      }
      await settle(world)
    } catch (error) {
      t.fail(`seed ${seed}: ${(error as Error).stack}`)
      continue
    }
    t.ok(checkers.canonical.committed.length > 20, `seed ${seed}: ${checkers.canonical.committed.length} txns`)
    t.equal(checkers.committed().length, checkers.canonical.committed.length)
    for (const [kind, count] of world.seen) seen.set(kind, (seen.get(kind) ?? 0) + count)
    await ensemble.close()
  }
  for (const kind of ['diskLost', 'writeFailed', 'purged', 'ended'] as const) t.ok(seen.has(kind), `${seen.get(kind)} of ${kind}`)
})

/** A store that is not as careful as it should be. */
function careless(storage: Storage, write: (change: StorageChange) => Promise<void>): Storage {
  return new Proxy(storage, {
    get: (target, name) => {
      if (name === 'write') return write
      const value = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    }
  })
}

const CARELESS: Record<string, (storage: Storage) => (change: StorageChange) => Promise<void>> = {
  'says that a log record is written while it is being written': storage => async change => {
    const writing = storage.write(change)
    if (change.kind !== 'append') await writing
  },
  'forgets promises': storage => async change => {
    if (change.kind !== 'acceptEpoch' || change.ensembleId !== null) await storage.write(change)
  }
}
for (const [name, write] of Object.entries(CARELESS)) {
  t.test(`a store that ${name} is found out by what its member says`, async t => {
    const { ensemble } = watched({
      seed: 3,
      surround: (_, surroundings) => ({
        ...surroundings,
        storage: async (...args) => {
          const storage = await surroundings.storage(...args)
          return careless(storage, write(storage))
        }
      })
    })
    const run = async () => {
      await ensemble.startAll()
      for (let round = 0; round < 5; round++) {
        await ensemble.settle(ensemble.follower.create('/n-', null, { sequential: true }))
        await ensemble.restart(ensemble.leader.id)
      }
    }
    await t.rejects(run(), { name: 'Violation', checker: 'durable before said' })
  })
}
