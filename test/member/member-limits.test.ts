import t from 'tap'
import type { MultiOp, ZooKeeper } from '../../lib/member/index.js'
import { VirtualEnsemble, type VirtualEnsembleOptions } from '../../lib/sim/world/virtual-ensemble.js'
import { outcomeOf } from '../fixtures/outcome.js'

async function started(settings: VirtualEnsembleOptions = {}): Promise<VirtualEnsemble> {
  const ensemble = new VirtualEnsemble({ seed: 311, ...settings })
  await ensemble.startAll()
  return ensemble
}

t.test('a member has so many sessions and no more, those on their way included', async t => {
  const ensemble = await started({ options: { limits: { sessions: 3 } } })
  const { leader, follower: zk } = ensemble
  const calls = Array.from({ length: 4 }, () => zk.openSession())
  const outcomes = await ensemble.settle(Promise.all(calls.map(outcomeOf)))
  t.strictSame(outcomes, ['OK', 'OK', 'LIMIT_EXCEEDED', 'LIMIT_EXCEEDED'], 'with that of the member itself')
  const elsewhere = await ensemble.settle(leader.openSession())
  const { sessionId, sessionPassword } = elsewhere
  t.equal(await outcomeOf(zk.openSession({ sessionId, sessionPassword })), 'LIMIT_EXCEEDED')
  t.equal(elsewhere.state, 'connected')
  const [first] = await Promise.all(calls.slice(0, 2))
  await ensemble.settle(first?.close() ?? Promise.reject())
  t.equal(await ensemble.settle(outcomeOf(zk.openSession({ sessionId, sessionPassword }))), 'OK')
  t.equal(await outcomeOf(zk.openSession()), 'LIMIT_EXCEEDED')
  await ensemble.close()
})

t.test('a session that could not be opened takes no place', async t => {
  const ensemble = await started({ options: { limits: { sessions: 2 } } })
  const zk = ensemble.follower
  for (let count = 0; count < 3; count++) {
    const sessionPassword = Buffer.alloc(16)
    t.equal(await ensemble.settle(outcomeOf(zk.openSession({ sessionId: 12_345, sessionPassword }))), 'SESSION_EXPIRED')
  }
  t.equal(await ensemble.settle(outcomeOf(zk.openSession())), 'OK')
  await ensemble.close()
})

t.test('a member opens a session of its own however many others it has', async t => {
  const ensemble = await started({ options: { limits: { sessions: 2 } } })
  const zk = ensemble.follower
  const other = await ensemble.settle(zk.openSession({ timeout: 12_000 }))
  const { sessionId } = zk
  ensemble.isolate(zk.id)
  await ensemble.until(() => zk.state === 'connecting')
  ensemble.healAll()
  await ensemble.until(() => zk.state === 'connected')
  t.not(zk.sessionId, sessionId)
  t.equal(other.state, 'connected')
  await ensemble.close()
})

t.test('a znode has so many children, however they come', async t => {
  const ensemble = await started({ options: { limits: { children: 3 } } })
  const zk = ensemble.follower
  await ensemble.settle(zk.create('/p'))
  const run = (call: Promise<unknown>) => ensemble.settle(outcomeOf(call))
  const calls = Array.from({ length: 5 }, () => zk.create('/p/n-', null, { sequential: true }))
  const outcomes = await ensemble.settle(Promise.all(calls.map(outcomeOf)))
  t.strictSame(outcomes, ['OK', 'OK', 'OK', 'LIMIT_EXCEEDED', 'LIMIT_EXCEEDED'])
  const refused = { code: 'LIMIT_EXCEEDED', path: '/p/x', outcome: 'not-applied', retryable: false, wireCode: null }
  await t.rejects(ensemble.settle(zk.create('/p/x', null, { ephemeral: true })), refused)
  t.equal(await run(zk.create('/p/x/y', null, { parents: true })), 'LIMIT_EXCEEDED')
  t.equal(await run(zk.createIfAbsent('/p/n-0000000000')), 'OK')
  const swap: MultiOp[] = [
    { type: 'delete', path: '/p/n-0000000000' },
    { type: 'create', path: '/p/x' }
  ]
  t.equal(await run(zk.multi([...swap].reverse())), 'LIMIT_EXCEEDED')
  t.equal(await run(zk.multi(swap)), 'OK')
  t.equal(await run(zk.create('/p/x/y')), 'OK', 'of one znode')
  await ensemble.close()
})

t.test('a session owns so many ephemerals, those on their way included, and others as many', async t => {
  const ensemble = await started({ options: { limits: { ephemerals: 3 } } })
  const zk = ensemble.follower
  const create = (session: ZooKeeper, name: string) => outcomeOf(session.create(`/${name}`, null, { ephemeral: true }))
  const outcomes = await ensemble.settle(Promise.all(['a', 'b', 'c', 'd'].map(name => create(zk, name))))
  t.strictSame(outcomes, ['OK', 'OK', 'OK', 'LIMIT_EXCEEDED'])
  t.equal(await ensemble.settle(outcomeOf(zk.create('/persistent'))), 'OK')
  const other = await ensemble.settle(zk.openSession())
  t.equal(await ensemble.settle(create(other, 'd')), 'OK')
  const both = [outcomeOf(zk.delete('/a')), create(zk, 'e'), create(zk, 'f')]
  t.strictSame(await ensemble.settle(Promise.all(both)), ['OK', 'OK', 'LIMIT_EXCEEDED'])
  const { sessionId, sessionPassword } = other
  const moved = await ensemble.settle(ensemble.leader.openSession({ sessionId, sessionPassword }))
  for (const name of ['g', 'h']) t.equal(await ensemble.settle(create(moved, name)), 'OK')
  t.equal(await ensemble.settle(create(moved, 'i')), 'LIMIT_EXCEEDED', 'what it owned before it moved counts')
  await ensemble.close()
})

t.test('a member has so many watches, of reads and of watch, and says so instead of setting another', async t => {
  const ensemble = await started({ size: 1, options: { limits: { watches: 3 } } })
  const zk = ensemble.member(1)
  const kept = zk.watch('/a')
  zk.watch('/b', { recursive: true })
  await zk.exists('/c', { watch: () => {} })
  t.equal(await outcomeOf(zk.exists('/d', { watch: () => {} })), 'LIMIT_EXCEEDED')
  t.throws(() => zk.watch('/d'), { code: 'LIMIT_EXCEEDED', path: '/d' })
  t.throws(() => zk.chroot('/x').watch('/d'), { code: 'LIMIT_EXCEEDED', path: '/d' })
  kept.dispose()
  t.equal(await outcomeOf(zk.exists('/d', { watch: () => {} })), 'OK')
  t.equal(zk.status().watches, 3)
  await ensemble.close()
})
