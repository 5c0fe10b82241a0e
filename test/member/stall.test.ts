import t from 'tap'
import { VirtualEnsemble } from '../../lib/sim/world/virtual-ensemble.js'
import { outcomeOf } from '../fixtures/outcome.js'

const OPTIONS = { sessionTimeout: 2_000, syncLimit: 4 }

t.test('a process that stood still says so, and a short while costs it nothing', async t => {
  for (const leads of [true, false]) {
    const ensemble = new VirtualEnsemble({ seed: 171, options: OPTIONS })
    await ensemble.startAll()
    const member = leads ? ensemble.leader : ensemble.follower
    const { epoch } = member
    const stalls: number[] = []
    member.on('stall', milliseconds => stalls.push(milliseconds))
    await ensemble.settle(member.create('/mine', null, { ephemeral: true }))
    ensemble.pause(member.id)
    await ensemble.run(250)
    ensemble.resume(member.id)
    t.equal(await ensemble.settle(outcomeOf(member.create('/after'))), 'OK')
    t.equal(stalls.length, 1)
    t.ok((stalls[0] ?? 0) > 100 && (stalls[0] ?? 0) < 300)
    t.equal(member.epoch, epoch)
    t.ok(member.local.exists('/mine'))
    await ensemble.close()
  }
})

t.test('a leader that stood still for too long finds another, and acknowledges nothing that is lost', async t => {
  const ensemble = new VirtualEnsemble({ seed: 172, options: { ...OPTIONS, sessionTimeout: 12_000 } })
  await ensemble.startAll()
  const { leader: old, follower } = ensemble
  await ensemble.settle(old.create('/x', '0'))
  const own = outcomeOf(old.setData('/x', 'by the old', { version: 0 }))
  ensemble.pause(old.id)
  await ensemble.until(() =>
    ensemble.members.some(member => member !== old && member.role === 'leading' && member.status().serving)
  )
  t.equal((await ensemble.settle(follower.setData('/x', 'by the new', { version: 0 }))).version, 1)
  t.equal(old.role, 'leading', 'it does not know yet')
  t.equal(old.local.getData('/x')?.data?.toString(), '0')
  const reads = [old.getData('/x', { linearizable: true }), old.sync().then(() => old.getData('/x'))]
  ensemble.resume(old.id)
  for (const { data } of await ensemble.settle(Promise.all(reads))) t.equal(data?.toString(), 'by the new')
  t.equal(await ensemble.settle(own), 'BAD_VERSION')
  await ensemble.converge()
  await ensemble.close()
})

t.test('a process that stood still past its session timeout finds its sessions ended, never half alive', async t => {
  const ensemble = new VirtualEnsemble({ seed: 173, options: OPTIONS })
  await ensemble.startAll()
  const { leader, follower: member } = ensemble
  const { sessionId } = member
  await ensemble.settle(member.create('/lock', 'mine', { ephemeral: true }))
  ensemble.pause(member.id)
  await ensemble.until(() => leader.local.exists('/lock') === null, 3_000)
  await ensemble.settle(leader.create('/lock', 'theirs', { ephemeral: true }))
  const write = outcomeOf(member.create('/under-the-lock'))
  ensemble.resume(member.id)
  t.equal(await ensemble.settle(write), 'SESSION_EXPIRED')
  await ensemble.until(() => member.state === 'connected' && member.sessionId !== sessionId)
  await ensemble.settle(member.sync())
  t.equal(member.local.exists('/under-the-lock'), null)
  t.equal(member.local.getData('/lock')?.data?.toString(), 'theirs')
  await ensemble.converge()
  await ensemble.close()
})

t.test('a session that was opened and has ended before its member could hear of either is replaced', async t => {
  const ensemble = new VirtualEnsemble({ seed: 175, options: { ...OPTIONS, sessionTimeout: 500, startTimeout: 60_000 } })
  await ensemble.startAll()
  const { leader, follower } = ensemble
  const { id } = follower
  await ensemble.crash(id)
  await ensemble.until(() => leader.status().sessions === 2)
  const start = ensemble.start(id)
  await ensemble.until(() => leader.status().sessions === 3)
  ensemble.pause(id)
  await ensemble.until(() => leader.status().sessions === 2)
  ensemble.resume(id)
  const member = await ensemble.settle(start)
  t.equal(member.state, 'connected')
  t.equal(await ensemble.settle(outcomeOf(member.create('/works'))), 'OK')
  await ensemble.close()
})

t.test('a leader that is slow to apply what its epoch begins with keeps the requests of the fast until then', async t => {
  for (let seed = 1; seed <= 30; seed++) {
    // Frames take no time, and applying is done in the smallest slices: who applies first is up to the seed.
    const options = { sessionTimeout: 12_000 }
    const ensemble = new VirtualEnsemble({ seed: 1_740 + seed, options, latency: [0, 0], millisecondsPerLook: 4 })
    await ensemble.startAll()
    const { leader, followers } = ensemble
    await ensemble.settle(leader.create('/x', '0'))
    await ensemble.converge()
    for (let index = 0; index < 600; index++) leader.create(`/n${index}`).catch(t.fail)
    // On all disks, and committed as far as the seed lets it come.
    await ensemble.until(() => followers.every(member => member.status().zxidLogged > member.local.zxid + 500))
    await ensemble.events(seed)
    const mine = followers.map(member => member.setData('/x', `by ${member.id}`))
    await ensemble.crash(leader.id)
    const stats = await ensemble.settle(Promise.all(mine))
    t.strictSame(stats.map(({ version }) => version).sort(), [1, 2])
    await ensemble.restart(leader.id)
    await ensemble.converge()
    await ensemble.close()
  }
})
