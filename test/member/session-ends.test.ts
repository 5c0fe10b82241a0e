import t from 'tap'
import { LIMITS } from '../../lib/base/index.js'
import type { ZooKeeper } from '../../lib/member/index.js'
import { VirtualEnsemble, type VirtualEnsembleOptions } from '../../lib/sim/world/virtual-ensemble.js'
import { claimOf, outcomeOf } from '../fixtures/outcome.js'

/** More than two txns delete. */
const MANY = 5_000

async function started(settings: VirtualEnsembleOptions = {}): Promise<VirtualEnsemble> {
  const ensemble = new VirtualEnsemble({ seed: 301, ...settings })
  await ensemble.startAll()
  return ensemble
}

async function owningMany(ensemble: VirtualEnsemble, zk: ZooKeeper): Promise<void> {
  await ensemble.settle(zk.create('/many'))
  for (let from = 0; from < MANY; from += LIMITS.multiOpsMax) {
    const ops = Array.from({ length: LIMITS.multiOpsMax }, (_, index) => {
      return { type: 'create', path: `/many/${from + index}`, ephemeral: true } as const
    })
    await ensemble.settle(zk.multi(ops))
  }
  await ensemble.converge()
}

t.test('a session is ended from anywhere, with what it owns, and its handle is told', async t => {
  const ensemble = await started()
  const [leader, follower] = [ensemble.leader, ensemble.follower]
  for (const [at, from] of [
    [leader, follower],
    [follower, leader],
    [follower, follower]
  ] as const) {
    const zk = await ensemble.settle(at.openSession())
    await ensemble.settle(zk.create('/e', null, { ephemeral: true }))
    const states: string[] = []
    zk.onState(state => states.push(state))
    await ensemble.settle(from.closeSession(zk.sessionId))
    await ensemble.settle(from.sync())
    t.equal(from.local.exists('/e'), null)
    await ensemble.until(() => zk.state === 'expired')
    t.strictSame(states, ['expired'])
    t.equal(await claimOf(zk.create('/x')), 'SESSION_EXPIRED not-applied')
    t.equal(await ensemble.settle(claimOf(from.closeSession(zk.sessionId))), 'SESSION_EXPIRED not-applied', 'there is none')
    await zk.close()
  }
  await ensemble.close()
})

t.test('a session whose process is dead, or does not answer, is ended before its timeout', async t => {
  const ensemble = await started({ options: { sessionTimeout: 10_000 } })
  const { leader, follower } = ensemble
  const zk = await ensemble.settle(follower.openSession())
  await ensemble.settle(zk.create('/e', null, { ephemeral: true }))
  await ensemble.converge()
  ensemble.pause(follower.id)
  await ensemble.settle(leader.closeSession(zk.sessionId))
  t.equal(leader.local.exists('/e'), null)
  ensemble.resume(follower.id)
  await ensemble.until(() => zk.state === 'expired')
  await ensemble.close()
})

t.test('what a session has under way when it is ended was done or was not', async t => {
  for (let boundary = 0; boundary < 40; boundary++) {
    const ensemble = await started({ seed: 4_000 + boundary })
    const { leader, follower } = ensemble
    const zk = await ensemble.settle(follower.openSession())
    await ensemble.settle(leader.create('/w'))
    const writes = Array.from({ length: 4 }, () => claimOf(zk.setData('/w', 'x')))
    await ensemble.events(boundary)
    const ended = leader.closeSession(zk.sessionId)
    writes.push(...Array.from({ length: 4 }, () => claimOf(zk.setData('/w', 'x'))))
    await ensemble.settle(ended)
    const claims = await ensemble.settle(Promise.all(writes))
    const done = claims.filter(claim => claim === 'OK').length
    t.strictSame(claims.slice(done), Array(8 - done).fill('SESSION_EXPIRED not-applied'), `boundary ${boundary}`)
    t.equal(leader.local.exists('/w')?.version, done)
    await ensemble.close()
  }
})

t.test('a session that owns much is ended wholly, by itself and by others', async t => {
  const ensemble = await started({ options: { sessionTimeout: 20_000, maxSessionTimeout: 20_000 } })
  const { leader, follower } = ensemble
  for (const end of [(zk: ZooKeeper) => zk.close(), (zk: ZooKeeper) => leader.closeSession(zk.sessionId)]) {
    const zk = await ensemble.settle(follower.openSession())
    await owningMany(ensemble, zk)
    const seen = new Set<number>()
    leader.watch('/many', {}, () => seen.add(leader.local.exists('/many')?.numChildren ?? -1))
    const ended = end(zk)
    t.not(await ensemble.settle(outcomeOf(zk.create('/many/late', null, { ephemeral: true }))), 'OK')
    await ensemble.settle(ended)
    await ensemble.until(() => leader.local.exists('/many')?.numChildren === 0)
    t.strictSame([...seen], [3_000, 1_000, 0], 'not all at once')
    t.ok(['closed', 'expired'].includes(zk.state))
    await ensemble.settle(leader.delete('/many'))
    await ensemble.converge()
    for (const member of ensemble.members) t.equal(member.status().sessions, 3)
  }
  await ensemble.close()
})

t.test('a session that owns much expires wholly when its process dies', async t => {
  const ensemble = await started()
  const { leader, follower } = ensemble
  await owningMany(ensemble, follower)
  await ensemble.crash(follower.id)
  await ensemble.until(() => leader.local.exists('/many')?.numChildren === 0, 5_000)
  await ensemble.converge()
  t.equal(leader.status().sessions, 2)
  await ensemble.close()
})

t.test('an end that its leader does not live to see is brought to its end by the next', async t => {
  const left = new Set<number>()
  for (let boundary = 0; boundary < 12; boundary++) {
    const ensemble = await started({ seed: 5_000 + boundary, options: { sessionTimeout: 20_000, maxSessionTimeout: 20_000 } })
    const { leader, follower } = ensemble
    const zk = await ensemble.settle(follower.openSession())
    await owningMany(ensemble, zk)
    const closing = outcomeOf(zk.close())
    await ensemble.events(12 + 4 * boundary)
    left.add(leader.local.exists('/many')?.numChildren ?? -1)
    await ensemble.crash(leader.id)
    t.equal(await ensemble.settle(closing), 'OK', `boundary ${boundary}`)
    await ensemble.until(() => follower.local.exists('/many')?.numChildren === 0)
    t.equal(follower.local.exists('/many')?.cversion, 2 * MANY, 'each was deleted once')
    await ensemble.until(() => ensemble.leaderOrNull !== null)
    t.equal(await ensemble.settle(outcomeOf(ensemble.leader.closeSession(zk.sessionId))), 'SESSION_EXPIRED')
    await ensemble.close()
  }
  t.ok(left.size > 1, `when the leader died there were left ${[...left].join(', ')}`)
})

t.test('a session whose end has begun does nothing more and goes nowhere, whoever leads', async t => {
  const ensemble = await started({ options: { sessionTimeout: 20_000, maxSessionTimeout: 20_000 } })
  const { leader, follower } = ensemble
  const zk = await ensemble.settle(follower.openSession())
  await owningMany(ensemble, zk)
  const { sessionId, sessionPassword } = zk
  const ended = ensemble.settle(leader.closeSession(sessionId))
  const taken = ensemble.settle(outcomeOf(leader.openSession({ sessionId, sessionPassword })))
  const again = ensemble.settle(outcomeOf(follower.closeSession(sessionId)))
  await ended
  t.equal(await taken, 'SESSION_EXPIRED')
  t.equal(await again, 'SESSION_EXPIRED')
  await ensemble.until(() => zk.state === 'expired')
  await ensemble.until(() => leader.local.exists('/many')?.numChildren === 0)
  await ensemble.close()
})

t.test('closing what has come to its end otherwise is no failure', async t => {
  const ensemble = await started()
  const { leader, follower } = ensemble
  const outcomes = new Set<string>()
  for (let events = 0; events < 30; events++) {
    const zk = await ensemble.settle(follower.openSession())
    const end = () => outcomeOf(leader.closeSession(zk.sessionId))
    const close = () => outcomeOf(zk.close())
    const first = events % 2 === 0 ? end() : close()
    await ensemble.events(events)
    const second = events % 2 === 0 ? close() : end()
    const [ended, closed] = await ensemble.settle(Promise.all(events % 2 === 0 ? [first, second] : [second, first]))
    t.equal(closed, 'OK')
    t.equal(await outcomeOf(zk.close()), 'OK')
    outcomes.add(ended)
  }
  t.strictSame([...outcomes].sort(), ['OK', 'SESSION_EXPIRED'], 'sometimes one was first and sometimes the other')
  await ensemble.close()
})

t.test('a session that is taken for dead while it closes is closed', async t => {
  const ensemble = await started({ options: { requestTimeout: 60_000 } })
  const zk = await ensemble.settle(ensemble.follower.openSession())
  ensemble.isolate(ensemble.follower.id)
  await ensemble.until(() => zk.state === 'disconnected')
  t.equal(await ensemble.settle(outcomeOf(zk.close())), 'OK')
  t.equal(zk.state, 'expired')
  await ensemble.close()
})

t.test('ending a session waits for a leader, and no longer than any call', async t => {
  const ensemble = await started({ options: { requestTimeout: 500, sessionTimeout: 20_000, maxSessionTimeout: 20_000 } })
  const { leader, follower } = ensemble
  const zk = await ensemble.settle(leader.openSession())
  ensemble.isolate(follower.id)
  await ensemble.until(() => follower.state === 'disconnected')
  t.equal(await ensemble.settle(claimOf(follower.closeSession(zk.sessionId))), 'OPERATION_TIMEOUT unknown')
  ensemble.healAll()
  await ensemble.until(() => zk.state === 'expired')
  await ensemble.settle(follower.close())
  t.equal(await outcomeOf(follower.closeSession(leader.sessionId)), 'CLOSED')
  await ensemble.close()
})
