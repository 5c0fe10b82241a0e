import t from 'tap'
import type { EnsembleMember, SessionOptions, ZooKeeper } from '../../lib/member/index.js'
import { VirtualEnsemble, type VirtualEnsembleOptions } from '../../lib/sim/world/virtual-ensemble.js'
import { claimOf, outcomeOf } from '../fixtures/outcome.js'

const TICK = 100

async function started(settings: VirtualEnsembleOptions = {}): Promise<VirtualEnsemble> {
  const ensemble = new VirtualEnsemble({ seed: 281, ...settings })
  await ensemble.startAll()
  return ensemble
}

/** What it takes to take a session over. */
function keysOf({ sessionId, sessionPassword }: ZooKeeper): SessionOptions {
  return { sessionId, sessionPassword }
}

/** Two members that do not lead. */
function twoFollowers(ensemble: VirtualEnsemble): readonly [EnsembleMember, EnsembleMember] {
  const [one, two] = ensemble.followers
  if (one === undefined || two === undefined) throw new Error('two follow')
  return [one, two]
}

t.test('a session that is taken over keeps its ephemerals, and its former handle does nothing more', async t => {
  const ensemble = await started()
  const [from, to] = twoFollowers(ensemble)
  const old = await ensemble.settle(from.openSession({ timeout: 5_000 }))
  await old.addAuth('digest', 'ann:x')
  await ensemble.settle(old.create('/e', 'x', { ephemeral: true }))
  old.watch('/', { recursive: true }, () => t.fail('a watch does not move, and is over'))
  const states: string[] = []
  old.onState(state => states.push(state))
  const moved = await ensemble.settle(to.openSession({ ...keysOf(old), timeout: 3_000 }))
  t.equal(moved.sessionId, old.sessionId)
  t.strictSame(moved.sessionPassword, old.sessionPassword)
  t.equal(moved.sessionTimeout, 3_000, 'negotiated anew')
  t.equal(moved.state, 'connected')
  t.strictSame(await moved.getEphemerals(), ['/e'])
  t.strictSame(await moved.whoAmI(), [], 'identities do not move')
  await ensemble.until(() => old.state === 'closed')
  t.strictSame(states, ['closed'])
  t.equal(await claimOf(old.setData('/e', 'y')), 'SESSION_MOVED not-applied')
  t.equal(await claimOf(old.getData('/e')), 'SESSION_MOVED not-applied')
  t.throws(() => old.watch('/'), { code: 'SESSION_MOVED' })
  await old.close()
  const writes = Array.from({ length: 20 }, (_, version) => moved.setData('/e', String(version), { version }))
  t.equal((await ensemble.settle(Promise.all(writes))).at(-1)?.version, 20)
  t.equal(from.local.exists('/e')?.ephemeralOwner, moved.sessionId)
  t.equal(from.state, 'connected', 'another session of the process lives on')
  await ensemble.settle(moved.close())
  await ensemble.converge()
  t.equal(from.local.exists('/e'), null)
  await ensemble.close()
})

t.test('a session that lives on elsewhere is kept alive there, also when its former process dies or begins anew', async t => {
  const ensemble = await started()
  const [from, to] = twoFollowers(ensemble)
  const old = await ensemble.settle(from.openSession())
  await ensemble.settle(old.create('/e', null, { ephemeral: true }))
  const moved = await ensemble.settle(to.openSession(keysOf(old)))
  await ensemble.crash(from.id)
  await ensemble.run(3_000)
  t.ok(ensemble.leader.local.exists('/e'))
  await ensemble.restart(from.id)
  await ensemble.run(3_000)
  t.equal(moved.state, 'connected')
  t.equal(ensemble.member(from.id).local.exists('/e')?.ephemeralOwner, moved.sessionId)
  await ensemble.close()
})

t.test('a session outlives its process when it is taken over in time, and at the last moment too', async t => {
  for (const left of [1_500, 300]) {
    const ensemble = await started()
    const [from, to] = twoFollowers(ensemble)
    const old = await ensemble.settle(from.openSession({ timeout: 2_000 }))
    await ensemble.settle(old.create('/e', 'x', { ephemeral: true }))
    await ensemble.converge()
    await ensemble.crash(from.id)
    await ensemble.run(2_000 - left)
    const moved = await ensemble.settle(to.openSession(keysOf(old)))
    await ensemble.run(5_000)
    t.equal((await ensemble.settle(moved.setData('/e', 'y'))).version, 1)
    await ensemble.close()
  }
})

t.test('a session that is over, never was, or has another password cannot be taken over, and all is told alike', async t => {
  const ensemble = await started()
  const [from, to] = twoFollowers(ensemble)
  const old = await ensemble.settle(from.openSession())
  const { sessionId, sessionPassword } = old
  const take = (options: SessionOptions) => ensemble.settle(claimOf(to.openSession(options)))
  const expired = 'SESSION_EXPIRED not-applied'
  t.equal(await take({ sessionId, sessionPassword: Buffer.alloc(16) }), expired)
  t.equal(await take({ sessionId: sessionId + 12_345, sessionPassword }), expired)
  t.equal(old.state, 'connected', 'nothing has become of it')
  t.equal(await ensemble.settle(outcomeOf(old.create('/on'))), 'OK')
  await ensemble.settle(old.close())
  t.equal(await take({ sessionId, sessionPassword }), expired)
  const second = await ensemble.settle(from.openSession())
  const closing = second.close()
  t.equal(await take(keysOf(second)), expired)
  await closing
  await ensemble.crash(from.id)
  const dead = from.sessionPassword
  await ensemble.until(() => ensemble.leader.status().sessions === 2)
  t.equal(await take({ sessionId: from.sessionId, sessionPassword: dead }), expired)
  await ensemble.close()
})

t.test('what it takes to take a session over is checked before anything is sent', async t => {
  const ensemble = await started({ size: 1 })
  const zk = ensemble.member(1)
  const sessionPassword = Buffer.alloc(16)
  const wrong: readonly unknown[] = [
    { sessionId: 5 },
    { sessionPassword },
    { sessionId: 0, sessionPassword },
    { sessionId: -1, sessionPassword },
    { sessionId: 1.5, sessionPassword },
    { sessionId: '5', sessionPassword },
    { sessionId: 5, sessionPassword: Buffer.alloc(15) },
    { sessionId: 5, sessionPassword: 'sixteen bytes...' },
    { sessionId: 5, sessionPassword: null },
    { sessionId: 5, sessionPassword, timeout: 0 },
    { timeout: 2 ** 31 },
    null,
    7
  ]
  for (const options of wrong as readonly SessionOptions[]) {
    t.equal(await outcomeOf(zk.openSession(options)), 'BAD_ARGUMENTS', JSON.stringify(options))
  }
  t.equal(await outcomeOf(zk.openSession(keysOf(zk))), 'BAD_ARGUMENTS', 'it lives here')
  for (const id of [0, -5, 1.5, '5', null, undefined, Number.NaN]) {
    t.equal(await outcomeOf(zk.closeSession(id as number)), 'BAD_ARGUMENTS', String(id))
  }
  t.equal(zk.state, 'connected')
  await ensemble.close()
})

t.test('wherever a move meets pipelined writes, each was done or is said not to have been, in order', async t => {
  const lengths = new Set<number>()
  for (let boundary = 0; boundary < 80; boundary++) {
    const ensemble = await started({ seed: 1_000 + boundary })
    const [from, to] = twoFollowers(ensemble)
    const old = await ensemble.settle(from.openSession())
    await ensemble.settle(from.create('/w', 'none'))
    const outcomes: Promise<string>[] = []
    const write = () => outcomes.push(claimOf(old.setData('/w', String(outcomes.length))))
    for (let count = 0; count < boundary % 7; count++) write()
    const moving = to.openSession(keysOf(old))
    for (let part = 0; part < 5; part++) {
      await ensemble.events(boundary)
      for (let count = 0; count < 5; count++) write()
    }
    const moved = await ensemble.settle(moving)
    const read = await ensemble.settle(moved.getData('/w', { linearizable: true }))
    const told = await ensemble.settle(Promise.all(outcomes))
    const done = told.filter(outcome => outcome === 'OK').length
    t.strictSame(told.slice(done), Array(told.length - done).fill('SESSION_MOVED not-applied'), `boundary ${boundary}`)
    t.equal(read.stat.version, done, 'what is said to be done is, and nothing else, and none after the move')
    t.equal((await ensemble.settle(moved.setData('/w', 'last'))).version, done + 1)
    lengths.add(done)
    await ensemble.close()
  }
  t.ok(lengths.size > 3, `moved after ${[...lengths].join(', ')} writes`)
})

t.test('a session goes back and forth, with writes under way each time', async t => {
  const ensemble = await started({ seed: 291, options: { sessionTimeout: 8_000 } })
  let home = 1
  let zk = await ensemble.settle(ensemble.member(home).openSession())
  await ensemble.settle(zk.create('/w', null, { ephemeral: true }))
  let version = 0
  for (let round = 0; round < 30; round++) {
    const left = Array.from({ length: round % 4 }, () => outcomeOf(zk.setData('/w', 'left')))
    await ensemble.events(round)
    home = (home % 3) + 1
    zk = await ensemble.settle(ensemble.member(home).openSession(keysOf(zk)))
    version += (await ensemble.settle(Promise.all(left))).filter(outcome => outcome === 'OK').length
    const writes = Array.from({ length: 3 }, () => zk.setData('/w', String(round)))
    version += (await ensemble.settle(Promise.all(writes))).length
    t.equal((await zk.exists('/w'))?.version, version, `round ${round}`)
  }
  await ensemble.close()
})

t.test('wherever the leader dies under a move, it happens once, and the session has one home', async t => {
  for (let boundary = 0; boundary < 50; boundary++) {
    const ensemble = await started({ seed: 2_000 + boundary, options: { sessionTimeout: 10_000 } })
    const { leader } = ensemble
    const [from, to] = twoFollowers(ensemble)
    const old = await ensemble.settle(from.openSession())
    await ensemble.settle(old.create('/w', null, { ephemeral: true }))
    await ensemble.converge()
    const before = [claimOf(old.setData('/w', '1')), claimOf(old.setData('/w', '2'))]
    const moving = to.openSession(keysOf(old))
    await ensemble.events(boundary)
    await ensemble.crash(leader.id)
    const moved = await ensemble.settle(moving)
    const done = (await ensemble.settle(Promise.all(before))).filter(outcome => outcome === 'OK').length
    t.equal((await ensemble.settle(moved.setData('/w', '3'))).version, done + 1, `boundary ${boundary}`)
    t.equal(old.state, 'closed')
    await ensemble.restart(leader.id)
    await ensemble.converge()
    t.strictSame(await moved.getEphemerals(), ['/w'])
    await ensemble.close()
  }
})

t.test('a move that nobody waits for any more leaves the session without a process, for the next to take', async t => {
  for (const isTakenAgain of [true, false]) {
    const ensemble = await started({ options: { requestTimeout: 600 } })
    const { leader } = ensemble
    const [from, to] = twoFollowers(ensemble)
    const old = await ensemble.settle(from.openSession({ timeout: 4_000 }))
    await ensemble.settle(old.create('/e', null, { ephemeral: true }))
    ensemble.isolate(to.id)
    await ensemble.until(() => to.state === 'disconnected')
    t.equal(await ensemble.settle(claimOf(to.openSession({ ...keysOf(old), timeout: 4_000 }))), 'OPERATION_TIMEOUT unknown')
    ensemble.healAll()
    await ensemble.until(() => old.state === 'closed')
    t.ok(leader.local.exists('/e'), 'what it owns is somebody’s')
    const began = ensemble.virtual.now
    await ensemble.until(() => to.state === 'connected')
    if (isTakenAgain) {
      const moved = await ensemble.settle(to.openSession(keysOf(old)))
      await ensemble.run(6_000)
      t.strictSame(await moved.getEphemerals(), ['/e'])
    } else {
      await ensemble.until(() => leader.local.exists('/e') === null, 4_000 + 3 * TICK)
      t.ok(ensemble.virtual.now - began > 4_000 - 3 * TICK, 'not before its timeout')
    }
    await ensemble.close()
  }
})

t.test('a process asks for a session once at a time, and again when it has given up', async t => {
  const ensemble = await started({ options: { requestTimeout: 600 } })
  const [from, to] = twoFollowers(ensemble)
  const old = await ensemble.settle(from.openSession({ timeout: 8_000 }))
  await ensemble.settle(old.create('/e', null, { ephemeral: true }))
  const both = await ensemble.settle(Promise.all([to.openSession(keysOf(old)), outcomeOf(to.openSession(keysOf(old)))]))
  t.equal(both[1], 'BAD_ARGUMENTS')
  const [moved] = both
  t.equal(await ensemble.settle(outcomeOf(moved.setData('/e', 'x'))), 'OK')
  ensemble.isolate(from.id)
  await ensemble.until(() => from.state === 'disconnected')
  t.equal(await ensemble.settle(outcomeOf(from.openSession(keysOf(old)))), 'OPERATION_TIMEOUT')
  const again = from.openSession(keysOf(old))
  ensemble.healAll()
  const back = await ensemble.settle(again)
  const writes = [back.setData('/e', 'y'), back.setData('/e', 'z')]
  t.equal((await ensemble.settle(Promise.all(writes))).at(-1)?.version, 3)
  t.equal(moved.state, 'closed')
  await ensemble.close()
})

t.test('when the session of a member itself is taken over, the member opens another', async t => {
  const ensemble = await started()
  const [from, to] = twoFollowers(ensemble)
  const { sessionId } = from
  await ensemble.settle(from.create('/e', null, { ephemeral: true }))
  const moved = await ensemble.settle(to.openSession(keysOf(from)))
  t.equal(moved.sessionId, sessionId)
  await ensemble.until(() => from.state === 'connected' && from.sessionId !== sessionId)
  t.equal(await ensemble.settle(outcomeOf(from.create('/of-the-next'))), 'OK')
  t.equal(to.local.exists('/e')?.ephemeralOwner, sessionId)
  await ensemble.close()
})

t.test('a close that meets a move says so, and one behind it has nothing to do', async t => {
  const claims = new Set<string>()
  for (let boundary = 0; boundary < 40; boundary++) {
    const ensemble = await started({ seed: 3_000 + boundary })
    const [from, to] = twoFollowers(ensemble)
    const old = await ensemble.settle(from.openSession())
    await ensemble.settle(old.create('/e', null, { ephemeral: true }))
    const moving = claimOf(to.openSession(keysOf(old)))
    await ensemble.events(boundary)
    const closing = claimOf(old.close())
    const claim = `${await ensemble.settle(moving)}, ${await ensemble.settle(closing)}`
    await ensemble.settle(from.sync())
    t.equal(from.local.exists('/e') === null, claim === 'SESSION_EXPIRED not-applied, OK', claim)
    claims.add(claim)
    await ensemble.close()
  }
  const expected = ['OK, OK', 'OK, SESSION_MOVED not-applied', 'SESSION_EXPIRED not-applied, OK']
  t.strictSame(
    [...claims].sort(),
    expected.filter(claim => claims.has(claim)),
    'nothing else is said'
  )
  t.ok(claims.size > 1)
})

t.test('a process that hears of a move by a snapshot does not know what became of its writes', async t => {
  const ensemble = await started({ options: { snapCount: 20, snapRetainCount: 1, sessionTimeout: 10_000 } })
  const [from, to] = twoFollowers(ensemble)
  const old = await ensemble.settle(from.openSession())
  await ensemble.settle(old.create('/e', null, { ephemeral: true }))
  ensemble.isolate(from.id)
  await ensemble.until(() => from.state === 'disconnected')
  const write = claimOf(old.setData('/e', 'x', { timeout: 60_000 }))
  const moved = await ensemble.settle(to.openSession(keysOf(old)))
  for (let round = 0; round < 60; round++) await ensemble.settle(moved.setData('/e', String(round)))
  ensemble.healAll()
  t.equal(await ensemble.settle(write), 'SESSION_MOVED unknown')
  await ensemble.converge()
  t.equal((await moved.exists('/e'))?.version, 60)
  await ensemble.close()
})

t.test('a move whose answer a snapshot has skipped may be asked for again', async t => {
  const outcomes = new Set<string>()
  for (let boundary = 0; boundary < 12; boundary++) {
    const options = { snapCount: 20, snapRetainCount: 1, sessionTimeout: 10_000, requestTimeout: 60_000 }
    const ensemble = await started({ seed: 6_000 + boundary, options })
    const [from, to] = twoFollowers(ensemble)
    const old = await ensemble.settle(from.openSession())
    await ensemble.settle(old.create('/e', null, { ephemeral: true }))
    await ensemble.converge()
    const moving = to.openSession(keysOf(old))
    const outcome = outcomeOf(moving)
    await ensemble.events(2 * boundary)
    ensemble.isolate(to.id)
    await ensemble.until(() => to.state === 'disconnected')
    for (let round = 0; round < 60; round++) await ensemble.settle(ensemble.leader.setData('/', String(round)))
    ensemble.healAll()
    const told = await ensemble.settle(outcome)
    outcomes.add(told)
    const moved = await ensemble.settle(told === 'OK' ? moving : to.openSession(keysOf(old)))
    t.equal((await ensemble.settle(moved.setData('/e', 'x'))).version, 1, `boundary ${boundary}: ${told}`)
    await ensemble.close()
  }
  t.strictSame([...outcomes].sort(), ['CONNECTION_LOSS', 'OK'])
})
