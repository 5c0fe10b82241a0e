import t from 'tap'
import { VirtualEnsemble } from '../../lib/sim/world/virtual-ensemble.js'
import { claimOf, outcomeOf } from '../fixtures/outcome.js'

t.test('a leader that closes hands over, and the others are without a leader for less than a tick', async t => {
  const ensemble = new VirtualEnsemble({ seed: 121 })
  await ensemble.startAll()
  const { leader, follower } = ensemble
  await ensemble.settle(leader.create('/e', null, { ephemeral: true }))
  let gone = 0
  let back = 0
  follower.on('leader', id => {
    if (id === null) gone = ensemble.virtual.now
    else back = ensemble.virtual.now
  })
  await ensemble.stop(leader.id)
  await ensemble.until(() => back > 0)
  t.ok(back - gone < 100, `${back - gone} ms`)
  t.equal(follower.local.exists('/e'), null, 'its sessions were closed in order')
  t.equal(await ensemble.settle(outcomeOf(follower.create('/goes-on'))), 'OK')
  await ensemble.close()
})

t.test('what a process has asked for and has no answer when it closes may happen all the same', async t => {
  const ensemble = new VirtualEnsemble({ seed: 125 })
  await ensemble.startAll()
  const member = ensemble.follower
  const target = ensemble.leader
  const calls = [
    member.openSession(),
    member.openSession({ sessionId: target.sessionId, sessionPassword: target.sessionPassword }),
    member.closeSession(target.sessionId)
  ].map(claimOf)
  await ensemble.until(() => member.status().outstanding === 3)
  ensemble.isolate(member.id)
  await ensemble.settle(member.close())
  t.strictSame(await Promise.all(calls), ['CLOSED unknown', 'CLOSED unknown', 'CLOSED unknown'])
  await ensemble.close()
})

t.test('closing answers everything that was issued before, and refuses what comes after', async t => {
  for (const seed of [122, 123]) {
    const ensemble = new VirtualEnsemble({ seed })
    await ensemble.startAll()
    const member = seed === 122 ? ensemble.leader : ensemble.follower
    const session = await ensemble.settle(member.openSession())
    const states: string[] = []
    member.onState(state => states.push(state))
    const roles: string[] = []
    member.on('role', role => roles.push(role))
    const before = [member.create('/a'), member.getData('/a'), member.sync(), session.create('/b'), member.openSession()].map(
      outcomeOf
    )
    const closing = member.close()
    t.equal(member.close(), closing, 'idempotent')
    t.equal(member.state, 'closed')
    for (const call of [
      () => member.create('/c'),
      () => member.exists('/'),
      () => member.openSession(),
      () => session.create('/d')
    ]) {
      t.equal(await outcomeOf(call()), 'CLOSED')
    }
    t.throws(() => member.watch('/'), { code: 'CLOSED' })
    await ensemble.settle(closing)
    t.strictSame(await Promise.all(before.slice(0, 4)), ['OK', 'OK', 'OK', 'OK'])
    t.match(await before[4], /^(OK|CLOSED)$/)
    t.equal(member.role, 'closed')
    t.equal(member.leader, null)
    t.equal(roles.at(-1), 'closed')
    t.strictSame(states, ['closed'])
    t.equal(member.status().outstanding, 0)
    t.equal(member.status().watches, 0)
    t.ok(member.local.exists('/a'), 'what it has can still be read')
    await member.close()
    await ensemble.close()
  }
})

t.test('a member without a quorum closes at once, with everything under way answered', async t => {
  for (const leads of [true, false]) {
    const ensemble = new VirtualEnsemble({ seed: 124 })
    await ensemble.startAll()
    const member = leads ? ensemble.leader : ensemble.follower
    for (const id of ensemble.ids) if (id !== member.id) await ensemble.crash(id)
    const calls = [member.create('/a'), member.getData('/a'), member.sync()].map(outcomeOf)
    const began = ensemble.virtual.now
    await ensemble.settle(member.close())
    t.ok(ensemble.virtual.now - began < 1_000, `${ensemble.virtual.now - began} ms`)
    t.strictSame(await ensemble.settle(Promise.all(calls)), ['CLOSED', 'CLOSED', 'CLOSED'])
    await ensemble.close()
  }
})

t.test('a member whose leader does not answer closes within a few seconds', async t => {
  const ensemble = new VirtualEnsemble({ seed: 125, options: { syncLimit: 100, sessionTimeout: 12_000 } })
  await ensemble.startAll()
  const member = ensemble.follower
  for (const id of ensemble.ids) {
    if (id === member.id) continue
    ensemble.swallow(id, member.id)
    ensemble.swallow(member.id, id)
  }
  const call = outcomeOf(member.create('/a'))
  const began = ensemble.virtual.now
  await ensemble.settle(member.close())
  t.ok(ensemble.virtual.now - began < 5_000, `${ensemble.virtual.now - began} ms`)
  t.equal(await ensemble.settle(call), 'CLOSED')
  await ensemble.close()
})

t.test('an ensemble is closed member by member, and all at once, and the last one is not stuck', async t => {
  for (const size of [1, 2, 3, 5]) {
    for (const order of ['up', 'down', 'at once', 'under load']) {
      const ensemble = new VirtualEnsemble({ seed: 126, size })
      await ensemble.startAll()
      const ids = order === 'down' ? [...ensemble.ids].reverse() : ensemble.ids
      const began = ensemble.virtual.now
      const load =
        order === 'under load'
          ? ids.flatMap(id => Array.from({ length: 20 }, (_, index) => outcomeOf(ensemble.member(id).create(`/${id}-${index}`))))
          : []
      if (order === 'at once' || order === 'under load')
        await ensemble.settle(Promise.all(ids.map(id => ensemble.member(id).close())))
      else for (const id of ids) await ensemble.stop(id)
      const took = ensemble.virtual.now - began
      t.ok(took < size * 1_000, `${size} ${order}: ${took} ms`)
      for (const outcome of await ensemble.settle(Promise.all(load))) t.match(outcome, /^(OK|CLOSED)$/)
      await ensemble.close()
    }
  }
})

t.test('after a close nothing is left: no timer, no frame, no write', async t => {
  const ensemble = new VirtualEnsemble({ seed: 127 })
  await ensemble.startAll()
  const writes = ensemble.ids.map(id => ensemble.disk(id).writes)
  await ensemble.settle(ensemble.leader.create('/a'))
  t.notSame(
    ensemble.ids.map(id => ensemble.disk(id).writes),
    writes
  )
  await ensemble.close()
  await ensemble.run(1_000)
  const { events } = ensemble.virtual
  const trace = ensemble.trace.length
  await ensemble.run(60_000)
  t.equal(ensemble.trace.length, trace)
  // The one timer that `run` itself sets.
  t.ok(ensemble.virtual.events - events <= 1, `${ensemble.virtual.events - events} callbacks`)
})

t.test('the members of a closed ensemble go on from their disks', async t => {
  const ensemble = new VirtualEnsemble({ seed: 128 })
  await ensemble.startAll()
  await ensemble.settle(ensemble.leader.create('/kept', 'x'))
  await ensemble.settle(Promise.all(ensemble.members.map(member => member.close())))
  for (const id of ensemble.ids) await ensemble.stop(id)
  await ensemble.startAll()
  for (const member of ensemble.members) {
    await ensemble.settle(member.sync())
    t.equal(member.local.getData('/kept')?.data?.toString(), 'x')
  }
  t.equal(ensemble.leader.status().sessions, 3, 'the sessions of before were closed')
  await ensemble.close()
})

t.test('a member is asynchronously disposable', async t => {
  const ensemble = new VirtualEnsemble({ seed: 129, size: 1 })
  await ensemble.startAll()
  const member = ensemble.member(1)
  await ensemble.settle(
    (async () => {
      await using used = member
      await used.create('/a')
    })()
  )
  t.equal(member.role, 'closed')
  await ensemble.close()
})
