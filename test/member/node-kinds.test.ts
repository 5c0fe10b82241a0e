import t from 'tap'
import type { CreateOptions, MultiOp } from '../../lib/member/index.js'
import { VirtualEnsemble, type VirtualEnsembleOptions } from '../../lib/sim/world/virtual-ensemble.js'
import { TTL_MAX } from '../../lib/tree/index.js'
import { outcomeOf } from '../fixtures/outcome.js'

/** Milliseconds: of a tick, and of two looks of the leader at what may go. */
const TICK = 100
const LOOK = 300
const UNUSED = 2_000

async function started(settings: VirtualEnsembleOptions = {}): Promise<VirtualEnsemble> {
  const options = { containerCheckInterval: LOOK, containerMaxNeverUsed: UNUSED, ...settings.options }
  const ensemble = new VirtualEnsemble({ seed: 211, ...settings, options })
  await ensemble.startAll()
  return ensemble
}

t.test('a container goes when its last child has gone, and not while it has one', async t => {
  const ensemble = await started()
  const { leader, follower: zk } = ensemble
  const { stat } = await ensemble.settle(zk.create('/c', 'x', { container: true }))
  t.equal(stat.ephemeralOwner, 0)
  await ensemble.settle(zk.create('/c/first'))
  await ensemble.settle(zk.create('/c/second', null, { ephemeral: true }))
  await ensemble.settle(zk.delete('/c/first'))
  await ensemble.run(3 * UNUSED)
  t.ok(leader.local.exists('/c'), 'it has a child')
  const events: string[] = []
  zk.watch('/c', {}, ({ type, path }) => events.push(`${type} ${path}`))
  await ensemble.settle(zk.delete('/c/second'))
  await ensemble.until(() => zk.local.exists('/c') === null, LOOK + 2 * TICK)
  t.strictSame(events, ['childrenChanged /c', 'deleted /c'])
  t.equal(await outcomeOf(zk.getData('/c')), 'NO_NODE')
  await ensemble.converge()
  await ensemble.close()
})

t.test('containers within one another go one after the other', async t => {
  const ensemble = await started()
  const zk = ensemble.follower
  for (const path of ['/a', '/a/b', '/a/b/c']) await ensemble.settle(zk.create(path, null, { container: true }))
  await ensemble.settle(zk.create('/a/b/c/leaf'))
  await ensemble.settle(zk.delete('/a/b/c/leaf'))
  t.ok(zk.local.exists('/a/b/c'))
  await ensemble.until(() => zk.local.exists('/a') === null, 4 * LOOK)
  await ensemble.close()
})

t.test('a container whose only child goes with its session goes too', async t => {
  const ensemble = await started()
  const zk = ensemble.follower
  const session = await ensemble.settle(zk.openSession())
  await ensemble.settle(zk.create('/election', null, { container: true }))
  await ensemble.settle(session.create('/election/n-', null, { ephemeral: true, sequential: true }))
  await ensemble.run(2 * UNUSED)
  t.equal(zk.local.exists('/election')?.numChildren, 1)
  await ensemble.settle(session.close())
  await ensemble.until(() => zk.local.exists('/election') === null, LOOK + 2 * TICK)
  await ensemble.close()
})

t.test('a container that never had a child has its time, and then goes', async t => {
  const ensemble = await started()
  const zk = ensemble.follower
  await ensemble.settle(zk.create('/never', null, { container: true }))
  const created = ensemble.virtual.now
  await ensemble.until(() => zk.local.exists('/never') === null, 2 * UNUSED)
  const lived = ensemble.virtual.now - created
  t.ok(lived > UNUSED - TICK && lived < UNUSED + LOOK + 2 * TICK, `it lived for ${lived} ms`)
  await ensemble.close()
})

t.test('a TTL begins anew with each setData and each touch, and not with what happens below', async t => {
  const ttl = 1_000
  const ensemble = await started()
  const zk = ensemble.follower
  const { stat } = await ensemble.settle(zk.create('/t', 'x', { ttl }))
  t.equal(stat.ephemeralOwner, 0)
  await ensemble.run(700)
  await ensemble.settle(zk.setData('/t', 'y'))
  await ensemble.run(700)
  await ensemble.settle(zk.touch('/t'))
  await ensemble.run(700)
  t.ok(zk.local.exists('/t'))
  await ensemble.settle(zk.create('/t/child'))
  await ensemble.run(5 * ttl)
  t.ok(zk.local.exists('/t'), 'it has a child')
  await ensemble.settle(zk.delete('/t/child'))
  await ensemble.until(() => zk.local.exists('/t') === null, LOOK + 2 * TICK)
  await ensemble.close()
})

t.test('a znode with a TTL lives as long as that, and not much longer', async t => {
  const ensemble = await started()
  const zk = ensemble.follower
  for (const ttl of [1, 500, 5_000]) {
    await ensemble.settle(zk.create('/t', null, { ttl }))
    const created = ensemble.virtual.now
    await ensemble.until(() => zk.local.exists('/t') === null, 2 * ttl + 2 * LOOK)
    const lived = ensemble.virtual.now - created
    t.ok(lived > ttl - TICK && lived < ttl + LOOK + 2 * TICK, `${ttl}: it lived for ${lived} ms`)
  }
  await ensemble.close()
})

t.test('touching sets mtime, and nothing else that anybody sees or hears', async t => {
  const ensemble = await started()
  const zk = ensemble.follower
  const { stat } = await ensemble.settle(zk.create('/t', 'x'))
  zk.watch('/', { recursive: true }, () => t.fail('nobody hears of it'))
  await zk.getData('/t', { watch: () => t.fail('nobody hears of it') })
  await ensemble.run(500)
  const touched = await ensemble.settle(zk.touch('/t'))
  t.ok(touched.mtime >= stat.mtime + 500)
  t.strictSame(touched, { ...stat, mtime: touched.mtime })
  t.strictSame(await zk.exists('/t'), touched)
  t.equal(await ensemble.settle(outcomeOf(zk.touch('/none'))), 'NO_NODE')
  t.equal(await outcomeOf(zk.touch('/zookeeper')), 'BAD_ARGUMENTS')
  await ensemble.close()
})

t.test('wherever a touch meets the end of a TTL, one that was accepted keeps the znode for another', async t => {
  const ttl = 600
  const outcomes = new Set<string>()
  for (let boundary = 0; boundary < 60; boundary++) {
    const ensemble = await started({ seed: 500 + boundary })
    const zk = ensemble.follower
    await ensemble.settle(zk.create('/t', null, { ttl }))
    // The leader's next look behind its end is about to come.
    await ensemble.run(ttl - TICK)
    await ensemble.events(boundary * 20)
    const outcome = await ensemble.settle(outcomeOf(zk.touch('/t')))
    outcomes.add(outcome)
    if (outcome === 'OK') {
      await ensemble.run(ttl - 2 * TICK)
      t.ok(zk.local.exists('/t'), `refreshed ${boundary * 20} events later`)
    } else t.equal(outcome, 'NO_NODE')
    await ensemble.close()
  }
  t.strictSame([...outcomes].sort(), ['NO_NODE', 'OK'], 'some were in time and some were not')
})

t.test('a znode that is refreshed again and again is never removed, whoever leads', async t => {
  const ensemble = await started({ options: { sessionTimeout: 8_000 } })
  const zk = ensemble.follower
  await ensemble.settle(zk.create('/t', null, { ttl: 1_500 }))
  for (let round = 0; round < 20; round++) {
    await ensemble.run(500)
    if (round === 10) await ensemble.crash(ensemble.leader.id)
    t.equal(await ensemble.settle(outcomeOf(zk.touch('/t'))), 'OK')
  }
  await ensemble.until(() => zk.local.exists('/t') === null, 1_500 + LOOK + 2 * TICK)
  await ensemble.close()
})

t.test('the next leader, and the next process, know what is mortal', async t => {
  const ensemble = await started({ size: 1, options: { snapCount: 8, sessionTimeout: 8_000 } })
  let zk = ensemble.member(1)
  await ensemble.settle(zk.create('/c', null, { container: true }))
  await ensemble.settle(zk.create('/c/x'))
  await ensemble.settle(zk.create('/t', null, { ttl: 4_000 }))
  await ensemble.settle(zk.create('/p'))
  for (let count = 0; count < 20; count++) await ensemble.settle(zk.setData('/p', String(count)))
  zk = await ensemble.restart(1)
  t.ok(zk.local.exists('/t'))
  await ensemble.settle(zk.delete('/c/x'))
  await ensemble.until(() => zk.local.exists('/c') === null, LOOK + 2 * TICK)
  await ensemble.until(() => zk.local.exists('/t') === null, 5_000)
  t.ok(zk.local.exists('/p'))
  await ensemble.close()
})

t.test('many that go at once go a few at a time', async t => {
  const ensemble = await started({ size: 1 })
  const zk = ensemble.member(1)
  await ensemble.settle(zk.create('/all'))
  const ops = (from: number): MultiOp[] =>
    Array.from({ length: 300 }, (_, index) => ({ type: 'create', path: `/all/${from + index}`, ttl: 1_000 }))
  await ensemble.settle(Promise.all([zk.multi(ops(0)), zk.multi(ops(300))]))
  await ensemble.until(() => (zk.local.exists('/all')?.numChildren ?? 0) < 600, 3_000)
  t.ok((zk.local.exists('/all')?.numChildren ?? 0) > 300, 'in the first of the ticks')
  await ensemble.until(() => zk.local.exists('/all')?.numChildren === 0, 1_000)
  await ensemble.close()
})

t.test('each kind may be sequential, stand in a multi, and be created if it is absent', async t => {
  const ensemble = await started()
  const zk = ensemble.follower
  const kinds: readonly CreateOptions[] = [{ container: true }, { ttl: 500 }, { ephemeral: true }]
  for (const [index, kind] of kinds.entries()) {
    const name = `/k${index}`
    const { path } = await ensemble.settle(zk.create(`${name}-`, null, { ...kind, sequential: true }))
    t.equal(path, `${name}-000000000${3 * index}`)
    await ensemble.settle(zk.multi([{ type: 'create', path: `${name}-multi`, ...kind }]))
    const { created } = await ensemble.settle(zk.createIfAbsent(`${name}-absent`, null, kind))
    t.equal(created, true)
    const owner = kind.ephemeral === true ? zk.sessionId : 0
    for (const each of [path, `${name}-multi`, `${name}-absent`]) t.equal(zk.local.exists(each)?.ephemeralOwner, owner)
  }
  await ensemble.until(() => zk.local.getChildren('/')?.children.every(name => !name.startsWith('k1')) === true, 2_000)
  await ensemble.until(() => zk.local.getChildren('/')?.children.every(name => !name.startsWith('k0')) === true, 2 * UNUSED)
  t.equal((await zk.getEphemerals('/k2')).length, 3)
  await ensemble.close()
})

t.test('a znode is of one kind, and its TTL a number that ZooKeeper can keep', async t => {
  const ensemble = await started({ size: 1 })
  const zk = ensemble.member(1)
  const wrong: readonly unknown[] = [
    { ephemeral: true, container: true },
    { ephemeral: true, ttl: 1_000 },
    { container: true, ttl: 1_000 },
    { ephemeral: true, container: true, ttl: 1_000 },
    { container: 1 },
    { ephemeral: 'yes' },
    { sequential: null },
    { ttl: 0 },
    { ttl: -1 },
    { ttl: 1.5 },
    { ttl: Number.NaN },
    { ttl: '1000' },
    { ttl: null },
    { ttl: TTL_MAX + 1 },
    { ttl: Number.POSITIVE_INFINITY }
  ]
  for (const options of wrong as readonly CreateOptions[]) {
    t.equal(await outcomeOf(zk.create('/x', null, options)), 'BAD_ARGUMENTS', JSON.stringify(options))
    t.equal(await outcomeOf(zk.createIfAbsent('/x', null, options)), 'BAD_ARGUMENTS')
    t.equal(await outcomeOf(zk.multi([{ type: 'create', path: '/x', ...options }])), 'BAD_ARGUMENTS')
  }
  t.equal(zk.local.exists('/x'), null)
  t.equal(await ensemble.settle(outcomeOf(zk.create('/longest', null, { ttl: TTL_MAX }))), 'OK')
  t.equal(await ensemble.settle(outcomeOf(zk.create('/longest/child', null, { ephemeral: false, container: false }))), 'OK')
  await ensemble.close()
})
