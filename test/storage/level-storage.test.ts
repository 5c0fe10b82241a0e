import t, { type Test } from 'tap'
import { type Epoch, isZooKeeperError, LIMITS, ZXID_ZERO } from '../../lib/base/index.js'
import { type Database, Drawer } from '../../lib/storage/drawer.js'
import {
  openDatabaseStorage,
  openMemoryStorage,
  openStorageIn,
  type Storage,
  type StorageSurroundings
} from '../../lib/storage/index.js'
import { zxidLastIn } from '../../lib/zab/index.js'
import { type Fault, FaultyLevel } from '../fixtures/faulty-level.js'
import {
  append,
  batchAt,
  chunkOf,
  contentOf,
  ENSEMBLE_ID,
  enterEpoch,
  STORAGE_OPTIONS,
  snapshotAt,
  zxidAt
} from '../fixtures/storage-history.js'

const EVERYTHING = Number.POSITIVE_INFINITY

function logRecordsIn(operations: readonly { readonly key: Buffer }[]): number {
  return operations.filter(({ key }) => key.toString().startsWith('txnlog/')).length
}

async function opened(t: Test): Promise<{ database: FaultyLevel; storage: Storage }> {
  const database = new FaultyLevel()
  const storage = await openDatabaseStorage(database, STORAGE_OPTIONS)
  t.teardown(() => storage.close())
  database.batches.length = 0
  return { database, storage }
}

t.test('a memory store opens within a few milliseconds, and is empty and not durable', async t => {
  const storage = await openMemoryStorage(STORAGE_OPTIONS)
  t.equal(storage.durable, false)
  await append(storage, batchAt(1, 1))
  await storage.close()
  const another = await openMemoryStorage(STORAGE_OPTIONS)
  t.equal(zxidLastIn(another.state.log), 0)
  t.not(another.state.identity.incarnation, storage.state.identity.incarnation)
  await another.close()
})

t.test('a new store’s incarnation comes from the chance it is given', async t => {
  const random = { float: () => 0, bytes: (count: number) => new Uint8Array(count).fill(0xab) }
  const storage = await openMemoryStorage({ ...STORAGE_OPTIONS, random })
  t.equal(storage.state.identity.incarnation, 'ab'.repeat(16))
  await storage.close()
})

t.test('appends that are issued in one turn become one synced record', async t => {
  const { database, storage } = await opened(t)
  await Promise.all(Array.from({ length: 100 }, (_, index) => append(storage, batchAt(1, index + 1))))
  t.equal(database.batches.length, 1)
  t.equal(logRecordsIn(database.batches[0]?.operations ?? []), 1)
})

t.test('appends that come while another is written become one record, and only one write is in flight', async t => {
  const { database, storage } = await opened(t)
  database.failNext('hang')
  const first = append(storage, batchAt(1, 1))
  await new Promise(resolve => setImmediate(() => setImmediate(resolve)))
  const others = Array.from({ length: 100 }, (_, index) => append(storage, batchAt(1, index + 2)))
  database.letGo()
  await Promise.all([first, ...others])
  t.strictSame(
    database.batches.map(({ operations }) => logRecordsIn(operations)),
    [1, 1]
  )
  t.strictSame(storage.appended, { records: 2, txns: 101 })
  t.equal(database.inFlightMost, 1)
  t.equal(
    (await storage.readLog(ZXID_ZERO, EVERYTHING)).reduce((sum, { count }) => sum + count, 0),
    101
  )
})

t.test('a write is acknowledged once it is on disk, its place has been looked at and it is noted, in this order', async t => {
  const happened: string[] = []
  let noteIsWritten = () => {}
  const database = new FaultyLevel()
  const surroundings: StorageSurroundings = {
    durable: true,
    open: async () => {
      await database.open()
      return { drawer: new Drawer(database as unknown as Database), identity: null, noted: null, loss: null }
    },
    settle: async () => {},
    verify: () => happened.push(`looked at, ${database.batches.length} written`),
    note: ({ zxidEnd }) => {
      happened.push(`noting ${zxidEnd - zxidAt(1, 0)}`)
      return new Promise<void>(resolve => {
        noteIsWritten = resolve
      })
    },
    discardRemains: async () => {},
    close: () => database.close()
  }
  const storage = await openStorageIn(surroundings, STORAGE_OPTIONS)
  t.teardown(() => storage.close())
  database.batches.length = 0
  const first = append(storage, batchAt(1, 1)).then(() => happened.push('acknowledged'))
  await new Promise(resolve => setImmediate(() => setImmediate(resolve)))
  t.strictSame(happened, ['looked at, 1 written', 'noting 1'])
  t.equal(zxidLastIn(storage.state.log), ZXID_ZERO, 'and until then nobody is told that it is there')
  noteIsWritten()
  await first
  t.strictSame(happened, ['looked at, 1 written', 'noting 1', 'acknowledged'])
  t.equal(zxidLastIn(storage.state.log), zxidAt(1, 1))
})

t.test('what is more than a record holds becomes further records of the same write', async t => {
  const { database, storage } = await opened(t)
  const bytes = LIMITS.recordBytesMax / 4
  await Promise.all(Array.from({ length: 9 }, (_, index) => append(storage, batchAt(1, index + 1, 1, bytes))))
  t.equal(database.batches.length, 1)
  t.equal(logRecordsIn(database.batches[0]?.operations ?? []), 3)
})

t.test('everything that waits goes as one write: log, epochs, chunks and removals', async t => {
  const { database, storage } = await opened(t)
  await append(storage, batchAt(1, 1))
  const writer = storage.beginSnapshot(zxidAt(1, 1))
  database.batches.length = 0
  const chunk = writer.chunk(chunkOf(zxidAt(1, 1), 0))
  const changes = [
    append(storage, batchAt(1, 2)),
    storage.write({ kind: 'acceptEpoch', epoch: 2 as Epoch, ensembleId: ENSEMBLE_ID }),
    append(storage, batchAt(1, 3))
  ]
  await Promise.all([chunk, ...changes])
  t.equal(database.batches.length, 1)
  const keys = database.batches[0]?.operations.map(({ key }) => key.toString().split('/')[0])
  t.strictSame(keys, ['meta', 'txnlog', 'chunk'])
  await append(storage, batchAt(1, 4))
  t.equal(database.batches.length, 2, 'and that once')
  t.equal(database.batches[1]?.operations.length, 1)
})

t.test('every write is synced and alone, whatever is going on', async t => {
  const { database, storage } = await opened(t)
  let counter = 0
  for (let round = 0; round < 30; round++) {
    const writes = Array.from({ length: 5 }, () => append(storage, batchAt(1, ++counter)))
    if (round === 20) writes.push(storage.write({ kind: 'truncate', zxid: zxidAt(1, counter - 2) }))
    if (round % 7 === 6) writes.push(snapshotAt(storage, zxidAt(1, counter - 20), 5).then(() => {}))
    await Promise.all(writes)
    if (round === 20) counter -= 2
  }
  t.equal(database.inFlightMost, 1)
  t.ok(database.batches.every(({ options }) => 'sync' in options && options.sync === true))
})

for (const fault of ['clean', 'landed', 'poison'] satisfies Fault[]) {
  t.test(
    `after a write error (${fault}) nothing is acknowledged until the store was opened again, and nothing acknowledged is lost`,
    async t => {
      const { database, storage } = await opened(t)
      await enterEpoch(storage, 1)
      for (let counter = 1; counter <= 5; counter++) await append(storage, batchAt(1, counter))
      const before = await contentOf(storage)
      database.failNext(fault)
      const failing = append(storage, batchAt(1, 6))
      const waiting = new Promise(resolve => setImmediate(resolve)).then(() => append(storage, batchAt(1, 7)))
      await t.rejects(failing, { code: 'STORAGE_FAILED', outcome: 'unknown', cause: { code: 'LEVEL_IO_ERROR' } })
      await t.rejects(waiting, { code: 'STORAGE_FAILED', outcome: 'not-applied' })
      await t.rejects(append(storage, batchAt(1, 6)), { code: 'STORAGE_FAILED', cause: { code: 'LEVEL_IO_ERROR' } })
      await t.rejects(storage.readLog(ZXID_ZERO, EVERYTHING), { code: 'STORAGE_FAILED' })
      t.throws(() => storage.beginSnapshot(zxidAt(1, 1)), { code: 'STORAGE_FAILED' })

      const state = await storage.reopen()
      t.equal(state.damage, null)
      const last = zxidLastIn(state.log)
      t.equal(last, fault === 'landed' ? zxidAt(1, 6) : zxidAt(1, 5))
      if (fault !== 'landed') t.strictSame(await contentOf(storage), before)
      await append(storage, batchAt(1, last - zxidAt(1, 0) + 1))
      const content = await contentOf(storage)
      await storage.close()
      const again = await openDatabaseStorage(database, STORAGE_OPTIONS)
      t.strictSame(await contentOf(again), content)
      await again.close()
    }
  )
}

t.test('a change that waits behind a failing write is refused as not applied', async t => {
  const { database, storage } = await opened(t)
  database.failNext('clean')
  const failing = append(storage, batchAt(1, 1))
  await new Promise(resolve => process.nextTick(resolve))
  const waiting = append(storage, batchAt(1, 2))
  const outcomes = await Promise.all(
    [failing, waiting].map(each => each.catch(error => isZooKeeperError(error) && error.outcome))
  )
  t.strictSame(outcomes, ['unknown', 'not-applied'])
})

t.test('a snapshot that fails fails the store, and leaves no trace', async t => {
  const { database, storage } = await opened(t)
  await append(storage, batchAt(1, 1))
  const writer = storage.beginSnapshot(zxidAt(1, 1))
  await writer.chunk(chunkOf(zxidAt(1, 1), 0))
  database.failNext('clean')
  await t.rejects(writer.finish(''), { code: 'STORAGE_FAILED' })
  await writer.abandon()
  await storage.reopen()
  t.strictSame(storage.state.snapshots, [])
  t.strictSame(
    (await database.content()).map(([key]) => key.split('/')[0]),
    ['meta', 'txnlog']
  )
  await snapshotAt(storage, zxidAt(1, 1))
})

t.test('a store whose reopening fails stays failed, and can be reopened later', async t => {
  const { database, storage } = await opened(t)
  await append(storage, batchAt(1, 1))
  database.failNext('clean')
  await t.rejects(append(storage, batchAt(1, 2)), { code: 'STORAGE_FAILED' })
  database.failNext('clean')
  await t.rejects(storage.reopen(), { code: 'STORAGE_FAILED' })
  await t.rejects(append(storage, batchAt(1, 2)), { code: 'STORAGE_FAILED' })
  t.equal(zxidLastIn((await storage.reopen()).log), zxidAt(1, 1))
  await append(storage, batchAt(1, 2))
})

t.test('closing waits for the write that is under way', async t => {
  const { database, storage } = await opened(t)
  database.failNext('hang')
  const writing = append(storage, batchAt(1, 1))
  await new Promise(resolve => setImmediate(() => setImmediate(resolve)))
  const waiting = append(storage, batchAt(1, 2))
  const closing = storage.close()
  await t.rejects(waiting, { code: 'CLOSED' })
  t.equal(database.status, 'open')
  database.letGo()
  await Promise.all([writing, closing])
  t.equal(database.status, 'closed')
})

t.test('a crash between any two writes leaves what was acknowledged before, or what was being written', async t => {
  const database = new FaultyLevel()
  const images: FaultyLevel[] = []
  const contents: object[] = []
  let storage = await openDatabaseStorage(database, STORAGE_OPTIONS)
  database.beforeEach(async () => void images.push(await database.clone()))
  const done = async (): Promise<void> => {
    contents.push(await contentOf(storage))
  }
  const write = async (...changes: Promise<unknown>[]): Promise<void> => {
    await Promise.all(changes)
    await done()
  }
  await done()
  await write(storage.write({ kind: 'acceptEpoch', epoch: 1 as Epoch, ensembleId: ENSEMBLE_ID }))
  await write(storage.write({ kind: 'adoptEpoch', epoch: 1 as Epoch, ensembleId: ENSEMBLE_ID, vote: 'held' }))
  await write(append(storage, batchAt(1, 1, 5)))
  await write(append(storage, batchAt(1, 6, 2)), append(storage, batchAt(1, 8, 2)))
  await write(storage.write({ kind: 'truncate', zxid: zxidAt(1, 7) }))
  await write(append(storage, batchAt(2, 1, 10), zxidAt(1, 5)))
  for (const counter of [2, 4, 6]) await write(snapshotAt(storage, zxidAt(2, counter), 2))
  await write(storage.write({ kind: 'truncate', zxid: zxidAt(2, 5) }))
  const snapshot = { zxid: zxidAt(3, 4), chunkCount: 1, bytes: 40, digest: '' }
  await storage.write({ kind: 'beginReplacement', snapshot })
  await storage.write({ kind: 'stageChunk', index: 0, bytes: chunkOf(zxidAt(3, 4), 0) })
  await append(storage, batchAt(3, 5, 3))
  await write(storage.write({ kind: 'acceptEpoch', epoch: 4 as Epoch, ensembleId: null }))
  await write(storage.write({ kind: 'adoptEpoch', epoch: 4 as Epoch, ensembleId: ENSEMBLE_ID, vote: 'withheld' }))
  await write(storage.write({ kind: 'admit' }))
  await storage.close()
  storage = await openDatabaseStorage(database, STORAGE_OPTIONS)
  await storage.close()

  const allowed = contents.map(content => JSON.stringify(comparable(content)))
  let reached = 0
  t.ok(images.length > 15)
  for (const image of images) {
    const survivor = await openDatabaseStorage(image, STORAGE_OPTIONS)
    t.equal(survivor.state.damage, null)
    const found = allowed.indexOf(JSON.stringify(comparable(await contentOf(survivor))), reached)
    t.ok(found >= reached, 'the state before or behind the write')
    if (found >= 0) reached = found
    await survivor.close()
    const again = await openDatabaseStorage(image, STORAGE_OPTIONS)
    t.equal(allowed.indexOf(JSON.stringify(comparable(await contentOf(again)))), found, 'and opening it does not change it')
    t.equal((await keysBeside(image)).length, 0, 'and removes what is not of it')
    await again.close()
  }
  t.equal(reached, allowed.length - 1)
})

/** What is known of commits is a lower bound, and after a cut it may be a lower one. */
function comparable(content: object): object {
  const { state, ...rest } = content as { state: { identity: object; zxidCommitted: number } }
  return { ...rest, state: { ...state, zxidCommitted: 0 } }
}

/** Keys of another generation than meta's. */
async function keysBeside(database: FaultyLevel): Promise<string[]> {
  const content = await database.content()
  const meta = JSON.parse(Buffer.from(content.find(([key]) => key === 'meta')?.[1].subarray(6) ?? '').toString()) as {
    generation: number
  }
  return content
    .map(([key]) => key)
    .filter(key => key !== 'meta' && Number.parseInt(key.split('/')[1] ?? '', 16) !== meta.generation)
}
