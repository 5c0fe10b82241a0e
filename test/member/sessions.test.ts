import t from 'tap'
import type { SessionState, ZooKeeper } from '../../lib/member/index.js'
import { VirtualEnsemble } from '../../lib/sim/world/virtual-ensemble.js'
import { outcomeOf } from '../fixtures/outcome.js'

const TICK = 100

t.test('sessions are opened and closed, each with its own ephemerals, watches and order', async t => {
  const ensemble = new VirtualEnsemble({ seed: 71 })
  await ensemble.startAll()
  const member = ensemble.follower
  const before = ensemble.leader.status().sessions
  const a = await ensemble.settle(member.openSession())
  const b = await ensemble.settle(member.openSession({ timeout: 5_000 }))
  t.ok(b.sessionId > a.sessionId && a.sessionId > member.sessionId)
  t.equal(a.sessionTimeout, 2_000)
  t.equal(b.sessionTimeout, 5_000)
  t.equal(a.state, 'connected')
  await ensemble.settle(Promise.all([a.create('/a', null, { ephemeral: true }), b.create('/b', null, { ephemeral: true })]))
  t.strictSame(await ensemble.settle(a.getEphemerals()), ['/a'])
  t.equal(member.local.exists('/a')?.ephemeralOwner, a.sessionId)
  let heard = 0
  a.watch('/', { recursive: true }, () => heard++)
  const states: SessionState[] = []
  a.onState(state => states.push(state))
  await ensemble.settle(a.close())
  t.strictSame(states, ['closed'])
  t.equal(member.local.exists('/a'), null)
  t.ok(member.local.exists('/b'))
  const count = heard
  await ensemble.settle(b.create('/c'))
  t.equal(heard, count, 'a closed session hears nothing')
  t.equal(await outcomeOf(a.exists('/')), 'CLOSED')
  t.equal(await outcomeOf(a.create('/x')), 'CLOSED')
  t.throws(() => a.watch('/'), { code: 'CLOSED' })
  await a.close()
  t.equal(member.state, 'connected')
  await ensemble.settle(b.close())
  await ensemble.converge()
  for (const each of ensemble.members) t.equal(each.status().sessions, before)
  await ensemble.close()
})

t.test('a session timeout is kept within the bounds of the leader', async t => {
  const ensemble = new VirtualEnsemble({ seed: 72, options: { minSessionTimeout: 400, maxSessionTimeout: 3_000 } })
  await ensemble.startAll()
  const member = ensemble.follower
  t.equal((await ensemble.settle(member.openSession({ timeout: 1 }))).sessionTimeout, 400)
  t.equal((await ensemble.settle(member.openSession({ timeout: 99_999 }))).sessionTimeout, 3_000)
  for (const timeout of [0, -1, 1.5, Number.NaN, '9']) {
    t.equal(await outcomeOf(member.openSession({ timeout: timeout as number })), 'BAD_ARGUMENTS')
  }
  await ensemble.close()
})

t.test(
  'the sessions of a process that has crashed expire within their timeout and a tick, and with them the ephemerals',
  async t => {
    for (const silent of [false, true]) {
      const ensemble = new VirtualEnsemble({ seed: 73 })
      await ensemble.startAll()
      const { leader, follower } = ensemble
      await ensemble.settle(follower.create('/ephemeral', null, { ephemeral: true }))
      await ensemble.converge()
      await ensemble.crash(follower.id, { silent })
      await ensemble.run(2_000 - 2 * TICK)
      t.ok(leader.local.exists('/ephemeral'), 'not before its timeout')
      await ensemble.until(() => leader.local.exists('/ephemeral') === null, 4 * TICK)
      await ensemble.close()
    }
  }
)

t.test('the sessions of a process are closed at once when the next process of its member begins', async t => {
  const ensemble = new VirtualEnsemble({ seed: 74, options: { sessionTimeout: 12_000 } })
  await ensemble.startAll()
  const { leader, follower } = ensemble
  const extra = await ensemble.settle(follower.openSession())
  await ensemble.settle(
    Promise.all([follower, extra].map((session, index) => session.create(`/e${index}`, null, { ephemeral: true })))
  )
  const began = ensemble.virtual.now
  await ensemble.restart(follower.id)
  await ensemble.until(() => leader.local.exists('/e0') === null && leader.local.exists('/e1') === null)
  t.ok(ensemble.virtual.now - began < 2_000)
  await ensemble.converge()
  t.equal(leader.status().sessions, 3)
  await ensemble.close()
})

t.test(
  'the sessions of a former process are closed also when the leader changes right behind its successor’s first words',
  async t => {
    for (let events = 1; events <= 40; events++) {
      const ensemble = new VirtualEnsemble({ seed: 75, size: 5, options: { sessionTimeout: 12_000 } })
      await ensemble.startAll()
      const { leader, follower } = ensemble
      await ensemble.settle(follower.create('/e', null, { ephemeral: true }))
      await ensemble.crash(follower.id)
      let told = false
      ensemble.onFrame = ({ from, kind }) => {
        if (from === follower.id && kind === 'requests') told = true
      }
      const restarted = ensemble.start(follower.id)
      await ensemble.until(() => told)
      await ensemble.events(events * 2)
      await ensemble.crash(leader.id)
      await ensemble.settle(restarted)
      const [witness] = ensemble.members
      await ensemble.until(() => witness?.local.exists('/e') === null, 3_000)
      // It may be hearing of its new leader only now.
      await ensemble.until(() => ensemble.member(follower.id).state === 'connected', 3_000)
      t.pass(`crashed ${events * 2} events behind the first words`)
      await ensemble.close()
    }
  }
)

t.test('all sessions get a fresh timeout from a new leader', async t => {
  const ensemble = new VirtualEnsemble({ seed: 76 })
  await ensemble.startAll()
  const { leader, follower } = ensemble
  await ensemble.settle(leader.create('/of-the-leader', null, { ephemeral: true }))
  await ensemble.converge()
  await ensemble.run(1_000)
  await ensemble.crash(leader.id)
  await ensemble.until(() => ensemble.leaderOrNull !== null)
  const elected = ensemble.virtual.now
  await ensemble.run(2_000 - 2 * TICK)
  t.ok(follower.local.exists('/of-the-leader'))
  await ensemble.until(() => follower.local.exists('/of-the-leader') === null, 5 * TICK)
  t.ok(ensemble.virtual.now - elected <= 2_000 + 2 * TICK)
  for (const member of ensemble.members) t.equal(member.state, 'connected', 'the living have survived it')
  await ensemble.close()
})

t.test('a session of a member without a leader expires on its own, and the member opens another once it serves', async t => {
  const ensemble = new VirtualEnsemble({ seed: 77 })
  await ensemble.startAll()
  const { leader, follower: member } = ensemble
  const sessions: ZooKeeper[] = []
  const states: SessionState[] = []
  member.on('session', session => sessions.push(session))
  member.onState(state => states.push(state))
  const former = member.sessionId
  await ensemble.settle(member.create('/old', null, { ephemeral: true }))
  const write = (session: ZooKeeper) => outcomeOf(session.create('/x', null, { ephemeral: true }))
  ensemble.isolate(member.id)
  await ensemble.until(() => states.includes('expired'), 2_000 + 8 * TICK)
  t.strictSame(states, ['disconnected', 'expired'])
  t.equal(member.sessionId, 0)
  t.equal(await write(member), 'SESSION_EXPIRED', 'there is none at present')
  t.throws(() => member.watch('/'), { code: 'SESSION_EXPIRED' })
  await ensemble.until(() => leader.local.exists('/old') === null)
  ensemble.healAll()
  await ensemble.until(() => sessions.length === 1)
  t.strictSame(states, ['disconnected', 'expired', 'connected'])
  t.ok(member.sessionId > former)
  t.equal(sessions[0]?.sessionId, member.sessionId)
  t.equal(await ensemble.settle(write(member)), 'OK')
  await ensemble.close()
})

t.test('a session that is taken for dead here and alive there comes back as another, and its ephemerals go', async t => {
  const ensemble = new VirtualEnsemble({ seed: 78, options: { sessionTimeout: 800 } })
  await ensemble.startAll()
  const { leader, follower: member } = ensemble
  await ensemble.settle(member.create('/mine', null, { ephemeral: true }))
  // Its pongs still arrive, so the ensemble sees no reason to end anything.
  for (const id of ensemble.ids) if (id !== member.id) ensemble.swallow(id, member.id)
  await ensemble.until(() => member.state === 'connecting')
  const old = leader.local.exists('/mine')
  ensemble.healAll()
  await ensemble.until(() => member.state === 'connected')
  if (old !== null) await ensemble.until(() => leader.local.exists('/mine') === null, 800 + 3 * TICK)
  t.equal(await ensemble.settle(outcomeOf(member.create('/mine', null, { ephemeral: true }))), 'OK')
  t.equal(leader.local.exists('/mine')?.ephemeralOwner, member.sessionId)
  await ensemble.close()
})

t.test('when its own session is closed by the application, the member opens another', async t => {
  const ensemble = new VirtualEnsemble({ seed: 79 })
  await ensemble.startAll()
  const member = ensemble.follower
  let own: ZooKeeper | null = null
  member.on('session', session => {
    own = session
  })
  ensemble.isolate(member.id)
  await ensemble.until(() => member.state === 'connecting')
  ensemble.healAll()
  await ensemble.until(() => own !== null)
  const { sessionId } = member
  await ensemble.settle((own as unknown as ZooKeeper).close())
  await ensemble.until(() => member.state === 'connected' && member.sessionId > sessionId)
  t.equal(await ensemble.settle(outcomeOf(member.create('/of-the-next'))), 'OK')
  await ensemble.close()
})

t.test('a member that could not open its session because it was throttled tries again', async t => {
  const ensemble = new VirtualEnsemble({ seed: 80, options: { outstandingLimit: { requests: 5 } } })
  await ensemble.startAll()
  const member = ensemble.follower
  const other = await ensemble.settle(member.openSession({ timeout: 60_000 }))
  ensemble.isolate(member.id)
  await ensemble.until(() => member.state === 'disconnected')
  const writes = Array.from({ length: 5 }, (_, index) => outcomeOf(other.create(`/t${index}`)))
  await ensemble.until(() => member.state === 'connecting')
  ensemble.healAll()
  t.strictSame(await ensemble.settle(Promise.all(writes)), Array(5).fill('OK'))
  await ensemble.until(() => member.state === 'connected', 3_000)
  t.equal(await ensemble.settle(outcomeOf(member.create('/own'))), 'OK')
  await ensemble.close()
})

t.test('a session that could not be opened in time is not left behind', async t => {
  const ensemble = new VirtualEnsemble({ seed: 81, options: { requestTimeout: 300, sessionTimeout: 6_000 } })
  await ensemble.startAll()
  const member = ensemble.follower
  ensemble.isolate(member.id)
  t.equal(await ensemble.settle(outcomeOf(member.openSession())), 'OPERATION_TIMEOUT')
  ensemble.healAll()
  await ensemble.until(() => ensemble.leader.status().sessions > 3, 3_000)
  await ensemble.until(() => ensemble.leader.status().sessions === 3, 1_000)
  await ensemble.close()
})

t.test('a process that stood still for longer than its sessions may finds them ended', async t => {
  const ensemble = new VirtualEnsemble({ seed: 82 })
  await ensemble.startAll()
  const { leader, follower: member } = ensemble
  const { sessionId } = member
  await ensemble.settle(member.create('/stalled', null, { ephemeral: true }))
  for (const id of ensemble.ids) {
    if (id === member.id) continue
    ensemble.swallow(id, member.id)
    ensemble.swallow(member.id, id)
  }
  await ensemble.until(() => leader.local.exists('/stalled') === null)
  ensemble.healAll()
  await ensemble.until(() => member.state === 'connected' && member.sessionId !== sessionId)
  t.equal(member.local.exists('/stalled'), null)
  await ensemble.converge()
  await ensemble.close()
})
