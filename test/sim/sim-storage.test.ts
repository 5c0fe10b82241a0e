import t from 'tap'
import type { Epoch } from '../../lib/base/index.js'
import { SimDisk } from '../../lib/sim/disk/sim-disk.js'
import { openSimStorage } from '../../lib/sim/disk/sim-storage.js'
import {
  openDatabaseStorage,
  type Storage,
  type StorageFixture,
  type StorageNoted,
  storageSuite
} from '../../lib/storage/index.js'
import { zxidLastIn } from '../../lib/zab/index.js'
import { immediateRuntime } from '../fixtures/immediate-runtime.js'
import { SimWorld, SYNC_MS } from '../fixtures/sim-world.js'
import { append, batchAt, contentOf, enterEpoch, replaceAll, STORAGE_OPTIONS, zxidAt } from '../fixtures/storage-history.js'

t.test('a store on a simulated disk is a store', async t => {
  const factory = async (): Promise<StorageFixture> => {
    const runtime = immediateRuntime()
    const disk = new SimDisk({ latency: () => 0, random: runtime.random })
    return { open: options => openSimStorage(disk, runtime, options), dispose: () => disk.unmount() }
  }
  storageSuite({ test: (title, body) => t.test(title, body), factory })
})

function open(world: SimWorld): Promise<Storage> {
  return world.settle(openSimStorage(world.disk, world.virtual.process(), STORAGE_OPTIONS))
}

/** A store with some history. */
async function filled(world: SimWorld, appends = 6): Promise<Storage> {
  const storage = await open(world)
  await world.settle(enterEpoch(storage, 1))
  for (let counter = 1; counter <= appends; counter++) await world.settle(append(storage, batchAt(1, counter)))
  return storage
}

t.test('an end that the database has silently lost is noticed by the note, and without one it is not', async t => {
  const world = new SimWorld()
  await filled(world)
  world.disk.rot('tail')
  await world.disk.unmount()
  const image = world.disk.image()
  const { state } = await open(world)
  t.ok(zxidLastIn(state.log) < zxidAt(1, 6))
  t.ok(state.damage)
  await world.disk.unmount()
  world.disk.restore(image)
  const bare = await world.settle(openDatabaseStorage(await world.disk.mount(world.virtual.process()), STORAGE_OPTIONS))
  t.ok(zxidLastIn(bare.state.log) < zxidAt(1, 6))
  t.equal(bare.state.damage, null)
})

t.test('damage stays until the history is replaced', async t => {
  const world = new SimWorld()
  await filled(world)
  world.disk.rot('tail')
  for (let round = 0; round < 3; round++) {
    await world.disk.unmount()
    t.ok((await open(world)).state.damage)
  }
  await world.disk.unmount()
  await world.settle(replaceAll(await open(world)))
  await world.disk.unmount()
  t.equal((await open(world)).state.damage, null)
})

t.test('a note that is torn says what it said before, and that is no damage', async t => {
  const world = new SimWorld()
  await filled(world)
  const before = world.disk.noted
  world.disk.tearNote()
  t.not(world.disk.noted, before)
  await world.disk.unmount()
  const { state } = await open(world)
  t.equal(state.damage, null)
  t.equal(zxidLastIn(state.log), zxidAt(1, 6))
})

t.test('a note that is lost is damage', async t => {
  const world = new SimWorld()
  await filled(world)
  world.disk.loseNote()
  await world.disk.unmount()
  t.match((await open(world)).state, { damage: { zxidProven: zxidAt(1, 6) } })
})

t.test('a power loss takes the note back, kill -9 does not', async t => {
  const older = new Set<boolean>()
  for (let seed = 1; seed <= 20; seed++) {
    const world = new SimWorld(seed)
    await filled(world)
    const { noted } = world.disk
    await world.disk.unmount()
    t.strictSame(world.disk.noted, noted)
    await world.disk.unmount('power')
    older.add(world.disk.noted !== noted)
    const { state } = await open(world)
    t.equal(state.damage, null)
    t.equal(zxidLastIn(state.log), zxidAt(1, 6))
  }
  t.equal(older.size, 2)
})

t.test('a crash while the note is written finds it as it was or as it was to be', async t => {
  const notes = new Set<number>()
  for (let seed = 1; seed <= 20; seed++) {
    const world = new SimWorld(seed)
    const storage = await filled(world)
    append(storage, batchAt(1, 7)).catch(t.error)
    // Once the write has ended, the note is under way.
    const end = world.virtual.now + SYNC_MS
    await world.virtual.until(() => world.virtual.now >= end)
    t.match(world.disk.noted, { zxidEnd: zxidAt(1, 6) })
    await world.disk.unmount()
    notes.add((world.disk.noted as StorageNoted).zxidEnd)
    const { state } = await open(world)
    t.equal(state.damage, null)
    t.equal(zxidLastIn(state.log), zxidAt(1, 7))
  }
  t.strictSame(notes, new Set([zxidAt(1, 6), zxidAt(1, 7)]))
})

t.test('a database that cannot be opened is set aside until what it held is replaced', async t => {
  const world = new SimWorld()
  const { identity } = (await filled(world)).state
  await world.disk.unmount()
  world.disk.failOpening('corruption')
  const storage = await open(world)
  t.match(storage.state, { identity, acceptedEpoch: 1, vote: 'withheld', damage: { zxidProven: 0 } })
  t.equal(world.disk.setAside, 1)
  await world.settle(replaceAll(storage))
  const content = await world.settle(contentOf(storage))
  await world.virtual.run(100)
  t.equal(world.disk.setAside, 0)
  await world.disk.unmount()
  t.strictSame(await world.settle(contentOf(await open(world))), content)
})

t.test('an opening that fails otherwise is an error, and gives up nothing', async t => {
  const world = new SimWorld()
  await filled(world)
  await t.rejects(open(world), { code: 'DATA_DIR_IN_USE' })
  await world.disk.unmount()
  world.disk.failOpening('io')
  await t.rejects(open(world), { code: 'STORAGE_FAILED' })
  world.disk.failReads(true)
  await t.rejects(open(world), { code: 'STORAGE_FAILED' })
  world.disk.mend()
  const { state } = await open(world)
  t.equal(state.damage, null)
  t.equal(zxidLastIn(state.log), zxidAt(1, 6))
})

t.test('an identity that is lost is made again; under a running process it is a failure that does not go away', async t => {
  const world = new SimWorld()
  const storage = await filled(world)
  const { identity } = world.disk
  world.disk.loseIdentity()
  await t.rejects(world.settle(append(storage, batchAt(1, 7))), { code: 'STORAGE_FAILED' })
  await t.rejects(world.settle(storage.reopen()), { code: 'STORAGE_FAILED' })
  await world.disk.unmount()
  await open(world)
  t.strictSame(world.disk.identity, identity)
})

t.test('a failed write is followed by a reopening that finds everything that was acknowledged', async t => {
  for (const fault of ['clean', 'landed', 'poison', 'full'] as const) {
    const world = new SimWorld()
    const storage = await filled(world)
    world.disk.failNext(fault)
    await t.rejects(world.settle(append(storage, batchAt(1, 7))), { code: 'STORAGE_FAILED', outcome: 'unknown' })
    const state = await world.settle(storage.reopen())
    t.equal(state.damage, null)
    t.equal(zxidLastIn(state.log), zxidAt(1, fault === 'landed' ? 7 : 6))
    await world.settle(storage.write({ kind: 'acceptEpoch', epoch: 2 as Epoch, ensembleId: null }))
    await world.disk.unmount('power')
    t.equal((await open(world)).state.acceptedEpoch, 2, fault)
  }
})
