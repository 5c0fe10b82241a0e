import t from 'tap'
import { VirtualEnsemble } from '../../lib/sim/world/virtual-ensemble.js'
import { outcomeOf } from '../fixtures/outcome.js'

t.test('a leader whose disk fails in mid-write steps down, says so, recovers, and has lost nothing', async t => {
  for (const fault of ['clean', 'landed'] as const) {
    const ensemble = new VirtualEnsemble({ seed: 31 })
    await ensemble.startAll()
    const { leader } = ensemble
    const progress: string[] = []
    leader.on('progress', ({ kind }) => progress.push(kind))
    const writes = Array.from({ length: 60 }, (_, index) => {
      const member = ensemble.member((index % 3) + 1)
      return member.create(`/w${index}`)
    })
    ensemble.disk(leader.id).failNext(fault)
    await ensemble.until(() => leader.status().storage.failed !== null)
    t.equal(leader.role, 'looking')
    await ensemble.settle(Promise.all(writes))
    await ensemble.until(() => leader.status().serving)
    t.equal(leader.status().storage.failed, null)
    t.strictSame(
      progress.filter(kind => kind.startsWith('storage')),
      ['storageFailed', 'storageRecovered'],
      fault
    )
    await ensemble.converge()
    for (const { local } of ensemble.members) t.equal(local.getChildren('/')?.children.length, 60 + 1)
    await ensemble.close()
  }
})

t.test('what a leader had proposed and its disk has refused is never applied when another epoch went on without it', async t => {
  for (let seed = 1; seed <= 5; seed++) {
    const ensemble = new VirtualEnsemble({ seed })
    await ensemble.startAll()
    const { leader } = ensemble
    const others = ensemble.ids.filter(id => id !== leader.id)
    await ensemble.settle(leader.create('/before'))
    // Nobody else hears of the proposal, and the disk does not take it.
    ensemble.isolate(leader.id)
    ensemble.disk(leader.id).failAlways('clean')
    const lost = outcomeOf(leader.create('/lost', null, { timeout: 1_000 }))
    await ensemble.until(() => leader.status().storage.failed !== null)
    await ensemble.until(() => ensemble.followers.length === 1 && ensemble.leaderOrNull?.id !== leader.id)
    for (const id of others) await ensemble.settle(ensemble.member(id).create(`/after-${id}`))
    t.match(await ensemble.settle(lost), /OPERATION_TIMEOUT|SESSION_EXPIRED/)
    ensemble.disk(leader.id).mend()
    await ensemble.until(() => leader.status().storage.failed === null)
    ensemble.healAll()
    // The fixture compares digests at every zxid.
    await ensemble.converge()
    t.equal(leader.local.exists('/after-1') !== null || leader.local.exists('/after-2') !== null, true)
    for (const { local } of ensemble.members) t.equal(local.digest, leader.local.digest)
    await ensemble.close()
  }
})

t.test('a follower whose disk fails steps out and comes back; the others do not wait for it', async t => {
  const ensemble = new VirtualEnsemble({ seed: 33 })
  await ensemble.startAll()
  const { leader, follower } = ensemble
  ensemble.disk(follower.id).failAlways('clean')
  await ensemble.settle(leader.create('/during'))
  await ensemble.until(() => follower.status().storage.failed !== null)
  await ensemble.settle(leader.setData('/during', 'x'))
  t.equal(leader.role, 'leading')
  const waiting = follower.create('/from-the-failed')
  ensemble.disk(follower.id).mend()
  await ensemble.settle(waiting)
  await ensemble.converge()
  t.equal(follower.status().storage.failed, null)
  await ensemble.close()
})

t.test('a disk that never answers costs the leader its role, and no acknowledged write', async t => {
  const ensemble = new VirtualEnsemble({ seed: 34 })
  await ensemble.startAll()
  const { leader } = ensemble
  await ensemble.settle(leader.create('/hung'))
  ensemble.disk(leader.id).failNext('hang')
  const write = ensemble.follower.setData('/hung', 'x')
  t.equal((await ensemble.settle(write)).version, 1, 'a quorum without the leader has it on disk')
  await ensemble.until(() => leader.role !== 'leading')
  await ensemble.restart(leader.id)
  await ensemble.converge()
  t.equal(ensemble.member(leader.id).local.getData('/hung')?.stat.version, 1)
  await ensemble.close()
})

t.test('a member that finds its history damaged while it runs is repaired, and never goes back in time', async t => {
  for (let seed = 1; seed <= 4; seed++) {
    // Snapshots are taken often by all, and only one is kept: the repair begins at one that is older than what was applied.
    const options = { snapCount: 20, snapRetainCount: 2 }
    const ensemble = new VirtualEnsemble({ seed, options })
    await ensemble.startAll()
    const { leader, follower } = ensemble
    const versions: number[] = []
    const heard: number[] = []
    await ensemble.settle(leader.create('/damaged'))
    follower.watch('/damaged', {}, ({ zxid, type }) => {
      if (type === 'dataChanged') heard.push(zxid)
      versions.push(follower.local.getData('/damaged')?.stat.version ?? -1)
    })
    for (let version = 1; version <= 47; version++) await ensemble.settle(leader.setData('/damaged', String(version)))
    await ensemble.converge()
    const zxidBefore = follower.local.zxid
    const changed = await ensemble.disk(follower.id).damage((key, value) => {
      if (key === 'meta') return null
      const altered = new Uint8Array(value)
      altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 0xff
      return altered
    })
    t.ok(changed > 0)
    let backwards = false
    ensemble.disk(follower.id).failNext('clean')
    const writes = Array.from({ length: 10 }, () => leader.setData('/damaged', 'again'))
    await ensemble.until(() => {
      if (follower.local.zxid < zxidBefore) backwards = true
      return follower.status().storage.damage !== null
    })
    await ensemble.settle(Promise.all(writes))
    await ensemble.until(() => {
      if (follower.local.zxid < zxidBefore) backwards = true
      return follower.status().storage.damage === null && follower.status().serving
    })
    await ensemble.converge()
    t.notOk(backwards, 'what it has shown once it goes on showing')
    t.strictSame(
      versions,
      [...versions].sort((a, b) => a - b)
    )
    t.equal(new Set(heard).size, heard.length, 'no event is told twice')
    await ensemble.until(() => follower.status().standing === 'member')
    await ensemble.close()
  }
})

t.test('a lone member that is told to salvage goes on from its snapshot and what is proven behind it', async t => {
  const ensemble = new VirtualEnsemble({ seed: 36, size: 1, options: { snapCount: 20, snapRetainCount: 1 } })
  const [member] = await ensemble.startAll()
  await ensemble.settle(Promise.all(Array.from({ length: 50 }, (_, index) => member?.create(`/s${index}`))))
  for (let version = 1; version <= 20; version++) await ensemble.settle(ensemble.member(1).setData('/s0', 'x'))
  await ensemble.crash(1)
  let last = ''
  await ensemble.disk(1).damage(key => {
    if (key.startsWith('txnlog')) last = key
    return null
  })
  t.not(last, '')
  await ensemble.disk(1).damage((key, value) => (key === last ? value.map(byte => byte ^ 0x55) : null))
  t.equal(await ensemble.settle(outcomeOf(ensemble.start(1))), 'LOG_CORRUPTED', 'it does not forget silently')
  await ensemble.settle(ensemble.start(1, { onLostQuorum: 'salvage' }))
  t.equal(ensemble.member(1).local.getChildren('/')?.children.length, 50 + 1)
  t.ok((ensemble.member(1).local.exists('/s0')?.version ?? 0) < 20)
  await ensemble.settle(ensemble.member(1).create('/goes-on'))
  await ensemble.restart(1)
  t.ok(ensemble.member(1).local.exists('/goes-on'))
  await ensemble.close()
})
