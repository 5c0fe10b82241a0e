import t from 'tap'
import { COUNTER_MAX, counterOf, type Epoch, type MemberId, makeZxid, type Zxid } from '../../lib/base/index.js'
import { Replica } from '../../lib/member/replica.js'
import { SessionTable } from '../../lib/session/index.js'
import { VirtualEnsemble } from '../../lib/sim/world/virtual-ensemble.js'
import { openDatabaseStorage, type StorageChange } from '../../lib/storage/index.js'
import { DataTree, TreeRestorer } from '../../lib/tree/index.js'
import { encodeSessionChunks, encodeZnodeChunks } from '../../lib/wire/index.js'
import { outcomeOf } from '../fixtures/outcome.js'

t.test('ensembles of 1, 2, 3, 5 and 7 found themselves, survive what a majority can, and wait when it cannot', async t => {
  for (const size of [1, 2, 3, 5, 7]) {
    const ensemble = new VirtualEnsemble({ seed: 150 + size, size, options: { sessionTimeout: 12_000 } })
    await ensemble.startAll()
    await ensemble.settle(ensemble.leader.create('/size', '0'))
    const spare = Math.ceil(size / 2) - 1
    const crashed: number[] = []
    for (let count = 0; count < spare; count++) {
      await ensemble.until(() => ensemble.leaderOrNull !== null)
      crashed.push(ensemble.leader.id)
      await ensemble.crash(ensemble.leader.id)
      const [member] = ensemble.members
      t.equal(await ensemble.settle(outcomeOf(member?.setData('/size', 'x') ?? Promise.resolve())), 'OK')
    }
    if (size > 1) {
      const last = ensemble.members[0]?.id ?? 0
      await ensemble.until(() => ensemble.leaderOrNull !== null)
      const [survivor] = ensemble.members.filter(({ id }) => id !== last)
      crashed.push(last)
      await ensemble.crash(last)
      if (survivor !== undefined) {
        const write = outcomeOf(survivor.setData('/size', 'waits', { timeout: 60_000 }))
        await ensemble.until(() => !survivor.status().serving)
        await ensemble.run(1_000)
        t.equal(survivor.status().waiting?.kind, 'quorum')
        for (const id of crashed) void ensemble.start(id)
        t.equal(await ensemble.settle(write), 'OK')
      }
    }
    await ensemble.converge()
    t.equal(ensemble.members.length, size)
    await ensemble.close()
  }
})

t.test('an epoch whose numbers are used up hands over to the next, and no request fails', async t => {
  const ensemble = new VirtualEnsemble({ seed: 161, options: { sessionTimeout: 12_000 } })
  const left = 40
  for (const id of ensemble.ids) await nearlyExhausted(ensemble, id, left)
  await ensemble.startAll()
  t.equal(ensemble.leader.epoch, 2)
  t.ok(counterOf(ensemble.leader.local.zxid as Zxid) > COUNTER_MAX - left)
  const writes = ensemble.members.flatMap(member =>
    Array.from({ length: 60 }, (_, index) => outcomeOf(member.create(`/r-${member.id}-${index}`)))
  )
  t.strictSame(await ensemble.settle(Promise.all(writes)), Array(180).fill('OK'))
  await ensemble.converge()
  t.equal(ensemble.leader.epoch, 3, 'one handover is enough')
  t.equal(counterOf(ensemble.leader.local.getChildren('/')?.stat.pzxid ?? (0 as Zxid)) < 200, true)
  const zxids = ensemble.ids.flatMap(id =>
    Array.from({ length: 60 }, (_, index) => ensemble.leader.local.exists(`/r-${id}-${index}`)?.czxid ?? 0)
  )
  t.equal(
    Math.max(...zxids.filter(zxid => zxid < makeZxid(3 as Epoch, 0))),
    makeZxid(2 as Epoch, COUNTER_MAX),
    'every number was used'
  )
  t.equal(new Set(zxids).size, 180)
  await ensemble.close()
})

t.test('an epoch may end in the middle of what a single member issues in one turn', async t => {
  for (const left of [8, 9, 10, 11, 12]) {
    const ensemble = new VirtualEnsemble({ seed: 162, size: 1 })
    await nearlyExhausted(ensemble, 1, left)
    await ensemble.startAll()
    const member = ensemble.member(1)
    const calls: Promise<{ readonly version: number }>[] = [member.create('/x').then(({ stat }) => stat)]
    for (let version = 0; version < 20; version++) calls.push(member.setData('/x', 'x', { version }))
    const stats = await ensemble.settle(Promise.all(calls))
    t.strictSame(
      stats.map(({ version }) => version),
      Array.from({ length: 21 }, (_, version) => version)
    )
    t.equal(member.epoch, 3)
    await ensemble.close()
  }
})

t.test('a member that has lost its storage is admitted again, and counts', async t => {
  const ensemble = new VirtualEnsemble({ seed: 163, options: { sessionTimeout: 12_000 } })
  await ensemble.startAll()
  await ensemble.settle(ensemble.leader.create('/a', 'x'))
  const { id } = ensemble.follower
  await ensemble.wipe(id)
  await ensemble.restart(id)
  await ensemble.until(() => ensemble.member(id).status().standing === 'member')
  await ensemble.converge()
  t.equal(ensemble.member(id).local.getData('/a')?.data?.toString(), 'x')
  const other = ensemble.ids.find(each => each !== id && each !== ensemble.leader.id) ?? 0
  await ensemble.crash(other)
  t.equal((await ensemble.settle(ensemble.leader.setData('/a', 'y'))).version, 1, 'a quorum with it')
  await ensemble.close()
})

t.test('a quorum that has lost its storage waits and explains, until it is told to salvage', async t => {
  const ensemble = new VirtualEnsemble({ seed: 164 })
  await ensemble.startAll()
  await ensemble.settle(ensemble.leader.create('/kept', 'x'))
  await ensemble.converge()
  const [keeper, ...lost] = ensemble.ids
  for (const id of ensemble.ids) await ensemble.crash(id)
  for (const id of lost) await ensemble.wipe(id)
  const reasons = ensemble.ids.map(id => ensemble.start(id, { startTimeout: 3_000 }).catch((error: Error) => error))
  for (const reason of await ensemble.settle(Promise.all(reasons))) {
    t.match(reason, { code: 'START_TIMEOUT' })
    t.match((reason as Error).message, /salvage|no vote/)
  }
  await ensemble.settle(Promise.all(ensemble.ids.map(id => ensemble.start(id, { onLostQuorum: 'salvage' }))))
  await ensemble.converge()
  for (const { local } of ensemble.members) t.equal(local.getData('/kept')?.data?.toString(), 'x')
  t.equal(await ensemble.settle(outcomeOf(ensemble.member(keeper ?? 1).create('/goes-on'))), 'OK')
  await ensemble.until(() => ensemble.members.every(member => member.status().standing === 'member'))
  await ensemble.close()
})

t.test('all members that have lost their storage are a new ensemble only together', async t => {
  const ensemble = new VirtualEnsemble({ seed: 165 })
  await ensemble.startAll()
  await ensemble.wipeAll()
  const two = [1, 2].map(id =>
    ensemble.start(id, { startTimeout: 5_000 }).catch((error: { readonly code: string }) => error.code)
  )
  t.strictSame(await ensemble.settle(Promise.all(two)), ['START_TIMEOUT', 'START_TIMEOUT'])
  await ensemble.startAll()
  t.equal(ensemble.leader.local.getChildren('/')?.children.length, 1)
  await ensemble.close()
})

/** Gives a member the store of an ensemble whose next epoch has so many numbers left: its history is a snapshot at a late zxid. */
async function nearlyExhausted(ensemble: VirtualEnsemble, id: number, left: number): Promise<void> {
  const zxid = makeZxid(2 as Epoch, COUNTER_MAX - left)
  const level = await ensemble.disk(id).mount(ensemble.virtual.runtime)
  const storageOptions = { ensembleName: 'default', memberId: id as MemberId, snapRetainCount: 3 }
  const storage = await ensemble.settle(openDatabaseStorage(level, storageOptions))
  const tree = new TreeRestorer()
  const chunks = [...encodeSessionChunks(new SessionTable().snapshot())]
  const cut = new DataTree().cut()
  for (let records = cut.next(100); records.length > 0; records = cut.next(100)) {
    tree.add(records)
    chunks.push(...encodeZnodeChunks(records))
  }
  const { digest } = new Replica(tree.finish(zxid), new SessionTable())
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  const epoch = 1 as Epoch
  const ensembleId = 'ab'.repeat(16)
  const changes: readonly StorageChange[] = [
    { kind: 'acceptEpoch', epoch, ensembleId },
    { kind: 'beginReplacement', snapshot: { zxid, chunkCount: chunks.length, bytes, digest } },
    ...chunks.map((chunk, index) => ({ kind: 'stageChunk', index, bytes: chunk }) as const),
    { kind: 'adoptEpoch', epoch, ensembleId, vote: 'held' }
  ]
  for (const change of changes) await ensemble.settle(storage.write(change))
  await ensemble.settle(storage.close())
  await ensemble.disk(id).unmount()
}
