import t from 'tap'
import { ProcessCluster } from '../fixtures/integration-cluster.js'
import { until } from '../fixtures/integration-until.js'

/** A tick long enough for a busy machine; and no session may end while its process is stopped. */
const STOPPED_FOR_LONG = { tickTime: 250, sessionTimeout: 60_000, maxSessionTimeout: 60_000 }

t.test('a first start with a member missing waits for it, names it, and founds the ensemble once it is there', async t => {
  const cluster = await ProcessCluster.of(t)
  const early = [cluster.launch(1), cluster.launch(2)]
  for (const member of early) {
    const { waiting } = await until('it waits for member 3 alone', async () => {
      const status = await member.status()
      return status?.waiting?.missing.length === 1 && status
    })
    t.match(waiting, { kind: 'founding', missing: [3] })
    await until('it says so unasked', () => {
      const told = member.progress.findLast(progress => progress.kind === 'waiting')
      return told?.kind === 'waiting' && told.missing.join() === '3'
    })
  }
  await cluster.start(3)
  await Promise.all(early.map(member => member.started))
  await cluster.settledLeader()
  await cluster.assertWhole(t)
})

t.test('a first start that gives up waiting for a missing member names it, and leaves nothing running', async t => {
  const cluster = await ProcessCluster.of(t)
  cluster.launch(3)
  const member = cluster.launch(1, { startTimeout: 2_500 })
  const error = await member.started.then(
    () => null,
    (error: unknown) => error
  )
  t.match(error, { code: 'START_TIMEOUT', message: /not reachable: 2\b/ })
  t.strictSame(await member.exited, { code: 0, signal: null }, 'its process ends by itself')
})

t.test('all members killed at once under load come back with every acknowledged write', async t => {
  const cluster = await ProcessCluster.serving(t)
  for (let round = 0; round < 3; round++) {
    for (const member of cluster.members) await member.load({ outstanding: 16, bytes: 200 })
    const before = cluster.ledger.acknowledged
    await until('there is a good deal to lose', () => cluster.ledger.acknowledged > before + 1_000)
    await cluster.killAll()
    await cluster.startAll()
    await cluster.settledLeader()
    await cluster.assertWhole(t)
  }
})

t.test('a follower that was stopped for longer than syncLimit catches up when it goes on', async t => {
  const cluster = await ProcessCluster.serving(t, {
    options: STOPPED_FOR_LONG
  })
  const leader = await cluster.settledLeader()
  const [stopped, running] = cluster.followersOf(leader)
  if (stopped === undefined || running === undefined) throw new Error('there are two followers')
  await stopped.load()
  await running.load()
  await until('both write', () => cluster.ledger.acknowledged > 100)
  stopped.signal('SIGSTOP')
  await until('the leader has given it up', async () => {
    const status = await leader.status()
    return status !== null && !status.learners.some(({ id }) => id === stopped.id)
  })
  const acknowledged = cluster.ledger.acknowledged
  await until('the others go on', () => cluster.ledger.acknowledged > acknowledged + 500)
  t.equal((await leader.status())?.role, 'leading', 'the leader has gone on leading')
  stopped.signal('SIGCONT')
  await cluster.settledLeader()
  t.equal((await leader.status())?.role, 'leading', 'and is not deposed by the one that comes back')
  await stopped.endLoad()
  await running.endLoad()
  await cluster.assertWhole(t)
})

t.test('a leader that was stopped is replaced, and what it took for its own when it goes on is not', async t => {
  const cluster = await ProcessCluster.serving(t, {
    options: STOPPED_FOR_LONG
  })
  const leader = await cluster.settledLeader()
  for (const member of cluster.members) await member.load()
  await until('all write', () => cluster.ledger.acknowledged > 200)
  leader.signal('SIGSTOP')
  const others = cluster.followersOf(leader)
  await until('another one leads', async () => {
    const statuses = await Promise.all(others.map(member => member.status()))
    return statuses.some(status => status?.role === 'leading' && status.serving)
  })
  const acknowledged = cluster.ledger.acknowledged
  await until('the others go on', () => cluster.ledger.acknowledged > acknowledged + 500)
  leader.signal('SIGCONT')
  await cluster.settledLeader()
  for (const member of cluster.members) await member.endLoad()
  await cluster.assertWhole(t)
})

t.test('a leader whose followers are both stopped acknowledges nothing, steps down, and writes on when they go on', async t => {
  const cluster = await ProcessCluster.serving(t, { options: STOPPED_FOR_LONG })
  const leader = await cluster.settledLeader()
  const followers = cluster.followersOf(leader)
  await leader.load()
  await until('it writes', () => cluster.ledger.acknowledged > 100)
  for (const follower of followers) follower.signal('SIGSTOP')
  let isAcknowledged = false
  const write = leader.create('/alone').then(() => {
    isAcknowledged = true
  })
  await until('the leader has stepped down', async () => (await leader.status())?.role === 'looking')
  t.equal(isAcknowledged, false, 'what it was asked alone is not acknowledged')
  const { waiting } = await cluster.status(leader.id)
  t.match(waiting, { kind: 'quorum' }, 'it says what it waits for')
  for (const follower of followers) follower.signal('SIGCONT')
  await write
  await cluster.settledLeader()
  await leader.endLoad()
  await cluster.assertWhole(t)
})

t.test('a leader that is closed hands over, and its process ends by itself', async t => {
  const cluster = await ProcessCluster.serving(t)
  const leader = await cluster.settledLeader()
  const [one, other] = cluster.followersOf(leader)
  await one?.load()
  t.strictSame(await leader.close(), { code: 0, signal: null })
  await other?.create('/afterwards')
  await cluster.settledLeader()
  await one?.endLoad()
  await cluster.start(leader.id)
  await cluster.assertWhole(t)
})
