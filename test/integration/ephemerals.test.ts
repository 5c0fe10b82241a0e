import t from 'tap'
import { ProcessCluster } from '../fixtures/integration-cluster.js'
import { until } from '../fixtures/integration-until.js'

/** How late a busy machine may be, in milliseconds, with what is due. */
const SLACK = 1_000

t.test('the ephemerals of a killed process vanish within the session timeout', async t => {
  const tickTime = 100
  const sessionTimeout = 2_000
  const cluster = await ProcessCluster.serving(t, { options: { tickTime, sessionTimeout } })
  const leader = await cluster.settledLeader()
  const [owner, observer] = cluster.followersOf(leader)
  await owner?.create('/worker', 'here', { ephemeral: true })
  await observer?.sync()
  t.ok(await observer?.exists('/worker'), 'it is there while its process lives')
  const begin = performance.now()
  await owner?.kill()
  await until('it vanishes', async () => (await observer?.exists('/worker')) === null)
  const lasted = performance.now() - begin
  t.ok(lasted <= sessionTimeout + tickTime + SLACK, `not later than due: ${lasted.toFixed(0)} ms`)
  t.ok(lasted >= sessionTimeout / 2, 'and not because of the lost connection alone')
})

t.test('the ephemerals of the killed leader vanish within a session timeout of its successor, and the others stay', async t => {
  const tickTime = 100
  const sessionTimeout = 2_000
  const cluster = await ProcessCluster.serving(t, { options: { tickTime, sessionTimeout } })
  const leader = await cluster.settledLeader()
  const [one, other] = cluster.followersOf(leader)
  await leader.create('/leader', null, { ephemeral: true })
  await one?.create('/one', null, { ephemeral: true })
  await other?.create('/other', null, { ephemeral: true })
  const begin = performance.now()
  await leader.kill()
  await other?.create('/failover')
  const failover = performance.now() - begin
  await until('it vanishes', async () => (await other?.exists('/leader')) === null)
  const lasted = performance.now() - begin
  t.ok(lasted <= failover + sessionTimeout + tickTime + SLACK, `not later than due: ${lasted.toFixed(0)} ms`)
  t.ok(await other?.exists('/one'))
  t.ok(await one?.exists('/other'))
})

t.test('the ephemerals of a killed process vanish at once when it restarts, whatever its session timeout', async t => {
  const sessionTimeout = 60_000
  const cluster = await ProcessCluster.serving(t, { options: { sessionTimeout } })
  const leader = await cluster.settledLeader()
  const [owner, observer] = cluster.followersOf(leader)
  if (owner === undefined || observer === undefined) throw new Error('there are two followers')
  await owner.create('/worker', 'first', { ephemeral: true })
  await owner.kill()
  t.ok(await leader.exists('/worker'), 'it is there as long as nothing is known of its owner')
  const restarted = await cluster.start(owner.id)
  t.equal(await restarted.exists('/worker'), null, 'it is gone before the new process is asked to do anything')
  await observer.sync()
  t.equal(await observer.exists('/worker'), null)
  await restarted.create('/worker', 'second', { ephemeral: true })
})
