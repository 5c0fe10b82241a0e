import t from 'tap'
import { VirtualEnsemble } from '../../lib/sim/world/virtual-ensemble.js'
import { claimOf, outcomeOf } from '../fixtures/outcome.js'

const COUNT = 20

t.test('a read between pipelined writes sees exactly the writes before it, on every member', async t => {
  const ensemble = new VirtualEnsemble({ seed: 11 })
  await ensemble.startAll()
  for (const id of ensemble.ids) {
    const member = ensemble.member(id)
    const path = `/pipelined-${id}`
    const calls: Promise<unknown>[] = [member.create(path, '0')]
    const reads: Promise<{ readonly stat: { readonly version: number } }>[] = [member.getData(path)]
    for (let version = 1; version <= COUNT; version++) {
      calls.push(member.setData(path, String(version), { version: version - 1 }))
      reads.push(member.getData(path))
    }
    await ensemble.settle(Promise.all(calls))
    const seen = await ensemble.settle(Promise.all(reads))
    t.strictSame(
      seen.map(({ stat }) => stat.version),
      Array.from({ length: COUNT + 1 }, (_, version) => version)
    )
  }
  await ensemble.close()
})

t.test('reads of every kind keep their place among writes', async t => {
  const ensemble = new VirtualEnsemble({ seed: 12 })
  await ensemble.startAll()
  const member = ensemble.follower
  const results = await ensemble.settle(
    Promise.all([
      member.exists('/kinds'),
      member.create('/kinds', 'a'),
      member.exists('/kinds'),
      member.create('/kinds/child'),
      member.getChildren('/kinds'),
      member.getData('/kinds', { linearizable: true }),
      member.delete('/kinds/child'),
      member.getChildren('/kinds', { linearizable: true }),
      member.setData('/kinds', 'b'),
      member.sync(),
      member.getData('/kinds'),
      member.create('/kinds/own', null, { ephemeral: true }),
      member.getEphemerals()
    ])
  )
  t.equal(results[0], null)
  t.equal(results[2]?.numChildren, 0)
  t.strictSame(results[4].children, ['child'])
  t.equal(results[5].data?.toString(), 'a')
  t.strictSame(results[7].children, [])
  t.equal(results[10].data?.toString(), 'b')
  t.strictSame(results[12], ['/kinds/own'])
  await ensemble.close()
})

t.test('linearizable reads of one session are under way together, and each sees what was written before it', async t => {
  const ensemble = new VirtualEnsemble({ seed: 15 })
  await ensemble.startAll()
  const { follower, leader } = ensemble
  await ensemble.settle(leader.create('/shared', '0'))
  const timeOf = async (count: number): Promise<number> => {
    const start = ensemble.virtual.now
    await ensemble.settle(Promise.all(Array.from({ length: count }, () => follower.getData('/shared', { linearizable: true }))))
    return ensemble.virtual.now - start
  }
  const one = await timeOf(1)
  t.ok((await timeOf(100)) <= 2 * one, 'a hundred take no longer than one or two')
  for (let version = 1; version <= 20; version++) {
    await ensemble.settle(leader.setData('/shared', String(version)))
    const [first, own, second] = await ensemble.settle(
      Promise.all([
        follower.getData('/shared', { linearizable: true }),
        follower.create(`/own-${version}`),
        follower.exists(`/own-${version}`, { linearizable: true }),
        follower.sync()
      ])
    )
    t.equal(String(first.data), String(version))
    t.equal(second?.czxid, own.stat.czxid, 'also what it has written itself, behind a read that was held up')
  }
  await ensemble.close()
})

t.test('what a listener asks for while what stood behind a sync is done stands behind all of that', async t => {
  const ensemble = new VirtualEnsemble({ seed: 17 })
  await ensemble.startAll()
  const member = ensemble.follower
  await ensemble.settle(member.create('/watched', 'before'))
  const seen: Promise<string | undefined>[] = []
  const listener = () => {
    seen.push(member.getData('/watched').then(({ data }) => data?.toString()))
    seen.push(member.setData('/watched', 'of the listener').then(() => undefined))
  }
  member.watch('/watched', {}, listener)
  const calls = [
    member.sync(),
    // Its listener is told at once, in the middle of what the sync has held up.
    member.removeWatches('/watched'),
    member.setData('/watched', 'behind'),
    member.getData('/watched', { linearizable: true }).then(({ data }) => data?.toString()),
    member.getData('/watched').then(({ data }) => data?.toString())
  ]
  const results = await ensemble.settle(Promise.all<unknown>(calls))
  t.strictSame(results.slice(3), ['behind', 'behind'])
  t.strictSame(await ensemble.settle(Promise.all(seen)), ['behind', undefined])
  t.equal((await ensemble.settle(member.getData('/watched'))).data?.toString(), 'of the listener')
  await ensemble.close()
})

t.test('a read that waits for a leader does not see a write that was issued behind it', async t => {
  const ensemble = new VirtualEnsemble({ seed: 13 })
  await ensemble.startAll()
  const member = ensemble.follower
  await ensemble.settle(member.create('/order', 'first'))
  ensemble.isolate(member.id)
  await ensemble.until(() => member.state === 'disconnected')
  const before = member.getData('/order')
  const write = member.setData('/order', 'second')
  const behind = member.getData('/order')
  ensemble.healAll()
  await ensemble.settle(write)
  t.equal((await ensemble.settle(before)).stat.version, 0)
  t.equal((await ensemble.settle(behind)).stat.version, 1)
  await ensemble.close()
})

t.test('what waits behind a write is not done when the session has expired', async t => {
  const ensemble = new VirtualEnsemble({ seed: 14 })
  await ensemble.startAll()
  const member = ensemble.follower
  await ensemble.settle(member.create('/left', 'first'))
  ensemble.isolate(member.id)
  await ensemble.until(() => member.state === 'disconnected')
  let fired = 0
  const write = outcomeOf(member.setData('/left', 'second'))
  const read = outcomeOf(member.getData('/left', { watch: () => fired++ }))
  t.equal(await ensemble.settle(write), 'SESSION_EXPIRED')
  t.equal(await ensemble.settle(read), 'SESSION_EXPIRED')
  t.equal(member.status().watches, 0)
  ensemble.healAll()
  await ensemble.until(() => member.state === 'connected')
  await ensemble.settle(member.setData('/left', 'third'))
  t.equal(fired, 0)
  await ensemble.close()
})

t.test('what is deferred behind a sync ends with its session, reads and writes alike', async t => {
  const ensemble = new VirtualEnsemble({ seed: 15, options: { requestTimeout: 30_000 } })
  await ensemble.startAll()
  const member = ensemble.follower
  await ensemble.settle(member.create('/deferred', 'first'))
  ensemble.isolate(member.id)
  await ensemble.until(() => member.state === 'disconnected')
  const began = ensemble.virtual.now
  const calls = [member.sync(), member.setData('/deferred', 'second'), member.getData('/deferred'), member.delete('/deferred')]
  const outcomes = await ensemble.settle(Promise.all(calls.map(claimOf)))
  t.strictSame(outcomes, Array(4).fill('SESSION_EXPIRED not-applied'), 'none of it was ever sent')
  t.ok(ensemble.virtual.now - began < 5_000, 'at once, not when the calls time out')
  ensemble.healAll()
  await ensemble.until(() => member.state === 'connected')
  t.equal((await ensemble.settle(member.getData('/deferred'))).stat.version, 0)
  await ensemble.close()
})

t.test('a write that times out behind a sync was never sent, and says so', async t => {
  const ensemble = new VirtualEnsemble({ seed: 17, options: { sessionTimeout: 8_000, requestTimeout: 30_000 } })
  await ensemble.startAll()
  const member = ensemble.follower
  await ensemble.settle(member.create('/late', 'first'))
  ensemble.isolate(member.id)
  await ensemble.until(() => member.state === 'disconnected')
  const first = claimOf(member.delete('/late', { timeout: 500 }))
  t.equal(await ensemble.settle(first), 'OPERATION_TIMEOUT unknown', 'a write that may be sent yet is unknown')
  const sync = claimOf(member.sync({ timeout: 3_000 }))
  const behind = claimOf(member.setData('/late', 'second', { timeout: 500 }))
  t.equal(await ensemble.settle(behind), 'OPERATION_TIMEOUT not-applied')
  t.equal(await ensemble.settle(sync), 'OPERATION_TIMEOUT unknown')
  ensemble.healAll()
  await ensemble.close()
})

t.test('closing a member answers what is deferred behind a sync', async t => {
  const ensemble = new VirtualEnsemble({ seed: 16, options: { requestTimeout: 30_000 } })
  await ensemble.startAll()
  const member = ensemble.follower
  ensemble.isolate(member.id)
  await ensemble.until(() => member.state === 'disconnected')
  const calls = [member.sync(), member.create('/never'), member.exists('/never')].map(outcomeOf)
  await ensemble.settle(member.close(), 5_000)
  t.strictSame(await ensemble.settle(Promise.all(calls)), ['CLOSED', 'CLOSED', 'CLOSED'])
  await ensemble.close()
})

t.test('a write under way when its session is taken for dead says that its outcome is unknown', async t => {
  const ensemble = new VirtualEnsemble({ seed: 17 })
  await ensemble.startAll()
  const member = ensemble.follower
  const leader = ensemble.leader
  // Its requests arrive, and nothing comes back.
  for (const id of ensemble.ids) if (id !== member.id) ensemble.swallow(id, member.id)
  const write = claimOf(member.create('/landed'))
  await ensemble.until(() => leader.local.exists('/landed') !== null)
  t.equal(await ensemble.settle(write), 'SESSION_EXPIRED unknown')
  t.ok(leader.local.exists('/landed'), 'it did happen')
  ensemble.healAll()
  await ensemble.converge()
  await ensemble.close()
})

t.test('a write refused in the log because its session was closed before it has certainly not happened', async t => {
  const ensemble = new VirtualEnsemble({ seed: 18 })
  await ensemble.startAll()
  const session = await ensemble.settle(ensemble.member(2).openSession())
  const closing = session.close()
  t.equal(await claimOf(session.create('/late')), 'CLOSED not-applied')
  await ensemble.settle(closing)
  t.equal(session.state, 'closed')
  await ensemble.close()
})

t.test('a barrier that times out holds up nothing behind it', async t => {
  const ensemble = new VirtualEnsemble({ seed: 19, options: { sessionTimeout: 12_000 } })
  await ensemble.startAll()
  const member = ensemble.follower
  await ensemble.settle(member.create('/barrier', '0'))
  ensemble.isolate(member.id)
  await ensemble.until(() => member.state === 'disconnected')
  const barrier = outcomeOf(member.sync({ timeout: 500 }))
  const write = member.setData('/barrier', '1')
  const read = member.getData('/barrier')
  t.equal(await ensemble.settle(barrier), 'OPERATION_TIMEOUT')
  ensemble.healAll()
  t.equal((await ensemble.settle(write)).version, 1)
  t.equal((await ensemble.settle(read)).stat.version, 1)
  await ensemble.close()
})

t.test('a barrier that is aborted holds up nothing behind it, and rejects with the reason', async t => {
  const ensemble = new VirtualEnsemble({ seed: 20 })
  await ensemble.startAll()
  const member = ensemble.follower
  const controller = new AbortController()
  const reason = new Error('not any more')
  const barrier = member.getData('/', { linearizable: true, signal: controller.signal })
  const write = member.create('/behind')
  controller.abort(reason)
  await t.rejects(ensemble.settle(barrier), reason)
  t.equal((await ensemble.settle(write)).path, '/behind')
  await ensemble.close()
})

t.test('a session whose close got no answer is let go, so that it expires', async t => {
  const ensemble = new VirtualEnsemble({ seed: 21, options: { requestTimeout: 800, sessionTimeout: 6_000 } })
  await ensemble.startAll()
  const member = ensemble.follower
  const leader = ensemble.leader
  const session = await ensemble.settle(member.openSession({ timeout: 3_000 }))
  await ensemble.settle(session.create('/held', null, { ephemeral: true }))
  ensemble.isolate(member.id)
  await ensemble.until(() => member.state === 'disconnected')
  t.equal(await ensemble.settle(outcomeOf(session.close())), 'OPERATION_TIMEOUT')
  t.equal(session.state, 'closed')
  ensemble.healAll()
  await ensemble.until(() => member.state === 'connected')
  await ensemble.until(() => leader.local.exists('/held') === null, 3_000 + 300)
  t.equal(member.state, 'connected', 'the other session of the process lives on')
  await ensemble.close()
})
