import t from 'tap'
import { ProcessCluster } from '../fixtures/integration-cluster.js'
import { generationIn } from '../fixtures/integration-database.js'
import { until } from '../fixtures/integration-until.js'

t.test(
  'a follower whose data directory is deleted has no vote until it is synchronized, and ends with the same digest',
  async t => {
    const cluster = await ProcessCluster.serving(t, { options: { tickTime: 100 } })
    const leader = await cluster.settledLeader()
    const [kept, wiped] = cluster.followersOf(leader)
    if (kept === undefined || wiped === undefined) throw new Error('there are two followers')
    for (const member of cluster.members) await member.load()
    await until('there is something to lose', () => cluster.ledger.acknowledged > 300)
    for (const member of cluster.members) await member.endLoad()
    await wiped.kill()
    await cluster.wipe(wiped.id)

    await kept.kill()
    const returned = cluster.launch(wiped.id)
    const status = await until('it has found the other one, which leads no more', async () => {
      const status = await returned.status()
      return status?.waiting?.kind === 'quorum' && status.waiting.missing.length === 1 && status
    })
    t.match(status, { serving: false, standing: 'blank', waiting: { missing: [kept.id] } }, 'with one voter and itself it waits')
    const waiting = await until('the former leader waits as well', async () => (await leader.status())?.waiting ?? null)
    t.match(waiting, { missing: [kept.id], withoutHistory: [wiped.id] })

    await cluster.start(kept.id)
    await returned.started
    await cluster.settledLeader()
    t.equal((await cluster.status(wiped.id)).standing, 'member', 'it has a vote again')
    await cluster.assertWhole(t)
  }
)

t.test('a member without storage is brought up to date under load and is counted only then', async t => {
  const cluster = await ProcessCluster.serving(t, { options: { tickTime: 100 } })
  const leader = await cluster.settledLeader()
  const [writer, wiped] = cluster.followersOf(leader)
  if (writer === undefined || wiped === undefined) throw new Error('there are two followers')
  await wiped.kill()
  await cluster.wipe(wiped.id)
  await writer.load({ outstanding: 32, bytes: 1_000 })
  await until('there is much to catch up with', () => cluster.ledger.acknowledged > 3_000)
  const returned = cluster.launch(wiped.id)
  const seen: string[] = []
  await until('it is counted', async () => {
    const statuses = await Promise.all([leader, writer].map(member => member.status()))
    const learner = statuses.flatMap(status => status?.learners ?? []).find(({ id }) => id === wiped.id)
    if (learner === undefined) return false
    seen.push(`${learner.synced ? 'synced' : 'learning'} ${learner.counted ? 'counted' : 'not counted'}`)
    return learner.counted
  })
  t.notOk(seen.includes('learning counted'), 'not before it was synchronized')
  await returned.started
  await writer.endLoad()
  await cluster.assertWhole(t)
})

t.test(
  'two of three deleted at once are a lost quorum: nothing is founded or forgotten until salvage is allowed on all',
  async t => {
    const cluster = await ProcessCluster.serving(t, { options: { tickTime: 100 } })
    for (const member of cluster.members) await member.load()
    await until('there is something to lose', () => cluster.ledger.acknowledged > 300)
    for (const member of cluster.members) await member.endLoad()
    await cluster.quiet()
    await cluster.killAll()
    await cluster.wipe(1)
    await cluster.wipe(2)
    for (const id of cluster.ids) cluster.launch(id)
    for (const member of cluster.members) {
      const { waiting } = await until('it knows what is lost', async () => {
        const status = await member.status()
        return status?.waiting?.kind === 'lostQuorum' && status
      })
      t.match(waiting, { missing: [], withoutHistory: [1, 2] })
      await until('it says so unasked', () =>
        member.progress.some(progress => progress.kind === 'waiting' && progress.reason.includes("onLostQuorum: 'salvage'"))
      )
    }
    await cluster.killAll()

    const hesitant = [cluster.launch(1, { onLostQuorum: 'salvage' }), cluster.launch(2, { onLostQuorum: 'salvage' })]
    const witness = cluster.launch(3)
    await until('they are all there', async () => (await witness.status())?.connected.length === 2)
    await until(
      'the one that has a history does not allow it',
      async () => (await witness.status())?.waiting?.kind === 'lostQuorum'
    )
    for (const member of hesitant) t.not((await member.status())?.serving, true, 'and so nobody goes on')
    await cluster.killAll()

    await cluster.startAll({ onLostQuorum: 'salvage' })
    await cluster.settledLeader()
    for (const id of cluster.ids) t.equal((await cluster.status(id)).standing, 'member')
    await cluster.assertWhole(t)
  }
)

t.test('a member that has missed more than the log holds catches up by snapshot', async t => {
  const cluster = await ProcessCluster.serving(t, { options: { tickTime: 100, snapCount: 50, snapRetainCount: 1 } })
  const leader = await cluster.settledLeader()
  const [writer, absent] = cluster.followersOf(leader)
  if (writer === undefined || absent === undefined) throw new Error('there are two followers')
  await absent.create('/before')
  await absent.kill()
  const generation = await generationIn(cluster.dataDir(absent.id))
  await writer.load({ outstanding: 16 })
  await until('the log has been left behind', () => cluster.ledger.acknowledged > 1_500)
  const returned = await cluster.start(absent.id)
  await cluster.settledLeader()
  await writer.endLoad()
  await cluster.assertWhole(t)
  await returned.close()
  t.ok((await generationIn(cluster.dataDir(absent.id))) > generation, 'its whole history was replaced')
})
