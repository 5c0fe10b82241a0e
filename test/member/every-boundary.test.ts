import t from 'tap'
import { VirtualEnsemble } from '../../lib/sim/world/virtual-ensemble.js'
import { outcomeOf } from '../fixtures/outcome.js'

/** More callbacks than a write takes from its call to its answer everywhere. */
const BOUNDARIES = 60

async function prepared(seed: number, size = 3): Promise<VirtualEnsemble> {
  const ensemble = new VirtualEnsemble({ seed, size, options: { sessionTimeout: 10_000 } })
  await ensemble.startAll()
  await ensemble.settle(ensemble.leader.create('/w', '0'))
  await ensemble.converge()
  return ensemble
}

t.test('wherever the leader dies under a write of another member, the write happens once and is answered', async t => {
  const epochs = new Set<number>()
  for (let boundary = 0; boundary < BOUNDARIES; boundary++) {
    const ensemble = await prepared(1_000 + boundary)
    const { leader, follower } = ensemble
    const write = follower.setData('/w', '1', { version: 0 })
    const read = follower.getData('/w')
    await ensemble.events(boundary)
    await ensemble.crash(leader.id)
    const stat = await ensemble.settle(write)
    t.equal(stat.version, 1, `boundary ${boundary}`)
    t.strictSame((await ensemble.settle(read)).stat, stat)
    t.equal((await ensemble.settle(follower.setData('/w', '2', { version: 1 }))).version, 2)
    await ensemble.restart(leader.id)
    await ensemble.converge()
    for (const { local } of ensemble.members) t.equal(local.getData('/w')?.stat.version, 2)
    epochs.add(Math.floor(stat.mzxid / 2 ** 32))
    await ensemble.close()
  }
  t.strictSame([...epochs].sort(), [1, 2], 'some of them were committed by the dead leader, and some by its successor')
})

t.test('wherever a leader dies under a write of its own, the write happened everywhere or nowhere', async t => {
  const versions = new Set<number>()
  for (let boundary = 0; boundary < BOUNDARIES; boundary++) {
    const ensemble = await prepared(2_000 + boundary)
    const { leader } = ensemble
    let answered = false
    leader.setData('/w', '1', { version: 0 }).then(() => {
      answered = true
    }, t.fail)
    await ensemble.events(boundary)
    await ensemble.crash(leader.id)
    await ensemble.restart(leader.id)
    await ensemble.converge()
    const version = ensemble.leader.local.getData('/w')?.stat.version ?? -1
    if (answered) t.equal(version, 1, 'what was acknowledged is there')
    for (const { local } of ensemble.members) t.equal(local.getData('/w')?.stat.version, version)
    versions.add(version)
    await ensemble.close()
  }
  t.strictSame([...versions].sort(), [0, 1])
})

t.test(
  'wherever all processes die at once, what was acknowledged is there, and the next leader is as far as the last',
  async t => {
    for (let boundary = 0; boundary < BOUNDARIES; boundary += 2) {
      const ensemble = await prepared(3_000 + boundary)
      let acknowledged = 0
      for (const member of ensemble.members) {
        for (let index = 0; index < 5; index++) {
          member.create(`/all-${member.id}-${index}`).then(() => {
            acknowledged++
          }, t.fail)
        }
      }
      await ensemble.events(boundary * 2)
      for (const id of ensemble.ids) await ensemble.crash(id)
      await ensemble.startAll()
      await ensemble.converge()
      const found = ensemble.leader.local.getChildren('/')?.children.filter(name => name.startsWith('all-')) ?? []
      t.ok(found.length >= acknowledged, `${found.length} of ${acknowledged} at boundary ${boundary}`)
      await ensemble.close()
    }
  }
)

t.test('wherever the link between a member and its leader breaks, its requests are neither lost nor doubled', async t => {
  for (let boundary = 0; boundary < BOUNDARIES; boundary++) {
    const ensemble = await prepared(4_000 + boundary)
    const { leader, follower } = ensemble
    const { epoch } = leader
    const writes = Array.from({ length: 6 }, (_, version) => follower.setData('/w', String(version + 1), { version }))
    await ensemble.events(boundary)
    ensemble.cut(leader.id, follower.id)
    await ensemble.run(1 + boundary)
    ensemble.heal(leader.id, follower.id)
    const stats = await ensemble.settle(Promise.all(writes))
    t.strictSame(
      stats.map(({ version }) => version),
      [1, 2, 3, 4, 5, 6]
    )
    t.equal(ensemble.leader.epoch, epoch, 'in the same epoch: it came back to the same leader')
    await ensemble.converge()
    await ensemble.close()
  }
})

t.test('wherever a leader hands over because it closes, nothing that is under way is refused', async t => {
  for (let boundary = 0; boundary < BOUNDARIES; boundary += 3) {
    const ensemble = await prepared(5_000 + boundary)
    const { leader, followers } = ensemble
    const writes = followers.flatMap(member =>
      Array.from({ length: 4 }, (_, index) => outcomeOf(member.create(`/c-${member.id}-${index}`)))
    )
    const own = outcomeOf(leader.create('/own'))
    await ensemble.events(boundary)
    await ensemble.stop(leader.id)
    t.strictSame(await ensemble.settle(Promise.all([...writes, own])), Array(9).fill('OK'))
    await ensemble.until(() => ensemble.leaderOrNull !== null)
    t.ok(ensemble.leader.local.exists('/own'))
    await ensemble.close()
  }
})

t.test('wherever a session is closed, what was issued before is done before', async t => {
  for (let boundary = 0; boundary < BOUNDARIES; boundary += 3) {
    const ensemble = await prepared(6_000 + boundary)
    const { follower } = ensemble
    const session = await ensemble.settle(follower.openSession())
    await ensemble.settle(session.create('/e', null, { ephemeral: true }))
    const writes = Array.from({ length: 4 }, (_, index) => outcomeOf(session.create(`/w/${index}`)))
    await ensemble.events(boundary)
    const closing = session.close()
    t.strictSame(
      await ensemble.settle(Promise.all(writes)),
      ['OK', 'OK', 'OK', 'OK'],
      'what was issued before it is done before it'
    )
    await ensemble.settle(closing)
    t.equal(follower.local.exists('/e'), null)
    await ensemble.close()
  }
})
