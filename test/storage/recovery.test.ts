import t from 'tap'
import { type Epoch, type MemberId, ZXID_ZERO } from '../../lib/base/index.js'
import { LooseDatabase } from '../../lib/storage/database-storage.js'
import { openDatabaseStorage, type Storage } from '../../lib/storage/index.js'
import { LevelStorage } from '../../lib/storage/level-storage.js'
import type { Noted, Opened } from '../../lib/storage/surroundings.js'
import { zxidLastIn } from '../../lib/zab/index.js'
import { FaultyLevel } from '../fixtures/faulty-level.js'
import {
  append,
  batchAt,
  contentOf,
  enterEpoch,
  replaceAll,
  STORAGE_OPTIONS,
  snapshotAt,
  zxidAt
} from '../fixtures/storage-history.js'

type Entry = readonly [key: string, value: Uint8Array]

/** Two epochs, a cut, three snapshots of which two are kept; the log reaches from before the older one to behind the newer one. */
async function history(database: FaultyLevel): Promise<void> {
  const storage = await openDatabaseStorage(database, STORAGE_OPTIONS)
  await enterEpoch(storage, 1)
  for (let counter = 1; counter <= 9; counter += 3) await append(storage, batchAt(1, counter, 3), zxidAt(1, 1))
  await storage.write({ kind: 'truncate', zxid: zxidAt(1, 8) })
  await enterEpoch(storage, 2)
  for (let counter = 1; counter <= 6; counter += 2) await append(storage, batchAt(2, counter, 2), zxidAt(2, 1))
  for (const zxid of [zxidAt(1, 2), zxidAt(1, 5), zxidAt(2, 3)]) await snapshotAt(storage, zxid, 2)
  await append(storage, batchAt(2, 7, 2), zxidAt(2, 5))
  await storage.close()
}

const original = new FaultyLevel()
await history(original)
const entries: readonly Entry[] = await original.content()

async function databaseWith(content: readonly Entry[]): Promise<FaultyLevel> {
  const database = new FaultyLevel()
  await database.fill(content)
  return database
}

async function contentIn(database: FaultyLevel): Promise<object> {
  const storage = await openDatabaseStorage(database, STORAGE_OPTIONS)
  try {
    return await contentOf(storage)
  } finally {
    await storage.close()
  }
}

const whole = await contentIn(await original.clone())

function without(key: string): Entry[] {
  return entries.filter(entry => entry[0] !== key)
}

function changed(key: string, change: (value: Buffer) => Uint8Array): Entry[] {
  return entries.map(entry => (entry[0] === key ? [key, change(Buffer.from(entry[1]))] : entry))
}

function flipped(value: Buffer, bit: number): Buffer {
  value[bit >> 3] = (value[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return value
}

function keysOf(table: string): string[] {
  return entries.map(([key]) => key).filter(key => key.startsWith(table))
}

/** A store over damaged content, and what it says. */
async function damaged(content: readonly Entry[]): Promise<{ storage: Storage; database: FaultyLevel }> {
  const database = await databaseWith(content)
  const storage = await openDatabaseStorage(database, STORAGE_OPTIONS)
  return { storage, database }
}

t.test('the history is what it should be', async t => {
  t.strictSame(
    entries.map(([key]) => key.split('/')[0]),
    [
      'chunk',
      'chunk',
      'chunk',
      'chunk',
      'manifest',
      'manifest',
      'meta',
      'txnlog',
      'txnlog',
      'txnlog',
      'txnlog',
      'txnlog',
      'txnlog'
    ]
  )
})

t.test('every value that is missing, cut off, or has a bit flipped anywhere is found, or makes no difference', async t => {
  // The newest snapshot, at 0x200000003, makes up for what is broken before it, and the older one with the whole log for it.
  const needed = [...keysOf('txnlog').slice(-3), 'meta']
  for (const [key, value] of entries) {
    const cases: Entry[][] = [changed(key, bytes => bytes.subarray(0, bytes.length - 1)), changed(key, () => Buffer.alloc(0))]
    // Without a note beside the database, nothing tells that the end of the log is missing behind the last change of meta.
    if (key !== keysOf('txnlog').at(-1)) cases.push(without(key))
    for (let bit = 0; bit < value.length * 8; bit += 7) cases.push(changed(key, bytes => flipped(bytes, bit)))
    const found = new Set<string>()
    for (const content of cases) found.add(await judge(content))
    t.strictSame([...found], [needed.includes(key) ? 'damage' : 'harmless'], key)
  }
})

/** What becomes of a damaged store. Throws where it goes unnoticed. */
async function judge(content: readonly Entry[]): Promise<'damage' | 'harmless'> {
  const { storage } = await damaged(content)
  try {
    const found = await contentOf(storage)
    if (storage.state.damage !== null) return 'damage'
    if (zxidLastIn(storage.state.log) !== zxidAt(2, 8)) throw new Error('the end of the log has gone unnoticed')
    const { log } = found as { log: readonly unknown[] }
    if (JSON.stringify((whole as { log: readonly unknown[] }).log.slice(-log.length)) !== JSON.stringify(log)) {
      throw new Error('another log is served')
    }
    return 'harmless'
  } finally {
    await storage.close()
  }
}

t.test('a record that lies in another’s place is damage', async t => {
  const [second, third] = keysOf('txnlog').slice(-2)
  const other = Buffer.from(entries.find(([key]) => key === third)?.[1] ?? '')
  const { storage } = await damaged(changed(second ?? '', () => other))
  t.ok(storage.state.damage)
  await storage.close()
})

t.test('an older value of a key, as a disk may bring it back, is damage', async t => {
  const database = new FaultyLevel()
  const storage = await openDatabaseStorage(database, STORAGE_OPTIONS)
  await enterEpoch(storage, 1)
  await append(storage, batchAt(1, 1, 4))
  const before = await database.content()
  await storage.write({ kind: 'truncate', zxid: zxidAt(1, 2) })
  await append(storage, batchAt(1, 3))
  await storage.close()
  for (const table of ['txnlog', 'meta']) {
    const [old] = before.filter(([key]) => key.startsWith(table))
    const copy = await database.clone()
    await copy.fill(old === undefined ? [] : [old])
    const again = await openDatabaseStorage(copy, STORAGE_OPTIONS)
    t.ok(again.state.damage, table)
    await again.close()
  }
})

t.test('a broken snapshot is dropped where another and the log reach as far', async t => {
  for (const zxid of [zxidAt(1, 5), zxidAt(2, 3)]) {
    const key = keysOf('chunk').find(each => each.includes(zxid.toString(16))) ?? ''
    const { storage } = await damaged(changed(key, bytes => flipped(bytes, 300)))
    t.equal(storage.state.damage, null)
    t.strictSame(
      storage.state.snapshots.map(snapshot => snapshot.zxid),
      [zxidAt(1, 5), zxidAt(2, 3)].filter(each => each !== zxid)
    )
    t.equal(zxidLastIn(storage.state.log), zxidAt(2, 8))
    t.equal(storage.state.log.zxidBase, storage.state.snapshots[0]?.zxid)
    await storage.close()
  }
})

t.test('a hole in the log before a whole snapshot costs no more than the older snapshot', async t => {
  const { storage } = await damaged(without(keysOf('txnlog')[2] ?? ''))
  t.equal(storage.state.damage, null)
  t.strictSame(
    storage.state.snapshots.map(({ zxid }) => zxid),
    [zxidAt(2, 3)]
  )
  t.equal(storage.state.log.zxidBase, zxidAt(2, 3))
  await storage.close()
})

t.test('what is damaged deletes nothing, says what is proven, and stays damaged', async t => {
  const hole = keysOf('txnlog').at(-2) ?? ''
  const { storage, database } = await damaged(without(hole))
  t.match(storage.state, { damage: { zxidProven: zxidAt(2, 4) } })
  t.equal(zxidLastIn(storage.state.log), zxidAt(2, 4))
  t.equal((await storage.readLog(zxidAt(2, 3), 1000)).length, 1)
  t.strictSame(
    (await database.content()).map(([key]) => key),
    without(hole).map(([key]) => key)
  )
  await t.rejects(append(storage, batchAt(2, 5)), { code: 'INVARIANT_VIOLATED' })
  await t.rejects(storage.write({ kind: 'truncate', zxid: zxidAt(2, 3) }), { code: 'INVARIANT_VIOLATED' })
  await t.rejects(storage.write({ kind: 'admit' }), { code: 'INVARIANT_VIOLATED' })
  t.throws(() => storage.beginSnapshot(zxidAt(2, 4)), { code: 'INVARIANT_VIOLATED' })
  await storage.close()
  // The record comes back, as from a disk that was away: nothing can say what else was missed meanwhile.
  await database.fill(entries.filter(([key]) => key === hole))
  const again = await openDatabaseStorage(database, STORAGE_OPTIONS)
  t.ok(again.state.damage)
  await again.close()
})

for (const [title, content] of [
  ['a hole in the log', () => without(keysOf('txnlog').at(-2) ?? '')],
  ['a broken meta record', () => changed('meta', bytes => flipped(bytes, 99))],
  ['nothing but debris', () => without('meta').filter(([key]) => key.startsWith('chunk'))]
] satisfies [string, () => Entry[]][]) {
  t.test(`${title} is repaired by a replacement, for good`, async t => {
    const { storage, database } = await damaged(content())
    t.ok(storage.state.damage)
    const { incarnation } = storage.state.identity
    await replaceAll(storage)
    t.equal(storage.state.damage, null)
    await append(storage, batchAt(2, 1))
    const repaired = await contentOf(storage)
    await storage.close()
    t.strictSame(await contentIn(database), repaired)
    t.notOk(
      (await database.content()).some(([key]) => key.includes('/00000001/')),
      'what was replaced is gone'
    )
    const again = await openDatabaseStorage(database, STORAGE_OPTIONS)
    t.equal(again.state.identity.incarnation, incarnation)
    await again.close()
  })

  t.test(`${title} is left behind where the operator accepts the loss`, async t => {
    const { storage, database } = await damaged(content())
    const { zxidProven } = storage.state.damage ?? { zxidProven: -1 }
    await storage.write({ kind: 'acceptDamage' })
    t.equal(storage.state.damage, null)
    t.equal(zxidLastIn(storage.state.log), zxidProven)
    await storage.write({ kind: 'acceptEpoch', epoch: 9 as Epoch, ensembleId: null })
    await append(storage, batchAt(9, 1, 3))
    const accepted = await contentOf(storage)
    await storage.close()
    t.strictSame(await contentIn(database), accepted)
  })
}

t.test('a replacement that a crash interrupts leaves the damage as it was, and the next one succeeds', async t => {
  const { storage, database } = await damaged(changed('meta', bytes => flipped(bytes, 99)))
  const { damage } = storage.state
  await storage.write({ kind: 'beginReplacement', snapshot: null })
  await append(storage, batchAt(1, 1))
  await storage.close()
  const keys = (await database.content()).length
  const again = await openDatabaseStorage(database, STORAGE_OPTIONS)
  t.strictSame(again.state.damage, damage)
  t.equal((await database.content()).length, keys - 1, 'what was staged is gone, and nothing else')
  await replaceAll(again)
  const repaired = await contentOf(again)
  await again.close()
  t.strictSame(await contentIn(database), repaired)
})

t.test('a record, a manifest, a chunk or a meta record of a newer format is refused, and nothing is touched', async t => {
  const { crc32 } = await import('node:zlib')
  for (const table of ['txnlog', 'manifest', 'chunk', 'meta']) {
    const newer = changed(keysOf(table)[0] ?? '', bytes => {
      bytes[0] = 2
      bytes.writeUInt32BE(crc32(bytes.subarray(6), crc32(bytes.subarray(0, 2))), 2)
      return bytes
    })
    const database = await databaseWith(newer)
    await t.rejects(openDatabaseStorage(database, STORAGE_OPTIONS), { code: 'FORMAT_VERSION' }, table)
    await database.open()
    t.strictSame(await database.content(), newer.map(([key, value]) => [key, Buffer.from(value)]) as object)
    await database.close()
  }
})

t.test('a store of another ensemble or member is refused with both named, and nothing is touched', async t => {
  const database = await databaseWith(entries)
  for (const other of [{ ensembleName: 'other' }, { memberId: 7 as MemberId }]) {
    const error = await openDatabaseStorage(database, { ...STORAGE_OPTIONS, ...other }).catch((reason: unknown) => reason)
    t.match(error, { code: 'ENSEMBLE_MISMATCH' })
    t.match((error as Error).message, 'ensembleName' in other ? /'default'.*'other'/ : /member 1 .*member 7/)
  }
  await database.open()
  t.strictSame(await database.content(), entries as object)
  await database.close()
})

/** A store whose records are `counters`, each one txn, as they lie in its database. */
async function singles(counters: readonly number[], snapshot: number | null): Promise<Entry[]> {
  const database = new FaultyLevel()
  const storage = await openDatabaseStorage(database, STORAGE_OPTIONS)
  await enterEpoch(storage, 1)
  for (const counter of counters) await append(storage, batchAt(1, counter))
  if (snapshot !== null) await snapshotAt(storage, zxidAt(1, snapshot))
  await storage.close()
  return database.content()
}

t.test('a log that begins at a snapshot because of a hole before it is read from there, and cut off there', async t => {
  const content = await singles([1, 2, 3, 4, 5], 4)
  const hole = content.map(([key]) => key).filter(key => key.startsWith('txnlog'))[3]
  const database = await databaseWith(content.filter(([key]) => key !== hole))
  const storage = await openDatabaseStorage(database, STORAGE_OPTIONS)
  t.match(storage.state, { damage: null, log: { zxidBase: zxidAt(1, 4), epochEnds: [{ epoch: 1, counter: 5 }] } })
  t.equal((await storage.readLog(zxidAt(1, 4), 1)).length, 1)
  await storage.write({ kind: 'truncate', zxid: zxidAt(1, 4) })
  await append(storage, batchAt(1, 5, 2))
  const kept = await contentOf(storage)
  await storage.close()
  t.strictSame(await contentIn(database), kept)
})

t.test('what lay beside the proven log does not come back once the damage was accepted', async t => {
  const database = new FaultyLevel()
  const storage = await openDatabaseStorage(database, STORAGE_OPTIONS)
  await enterEpoch(storage, 1)
  await append(storage, batchAt(1, 1, 3))
  const former = (await database.content()).filter(([key]) => key.startsWith('txnlog'))
  await storage.write({ kind: 'truncate', zxid: zxidAt(1, 2) })
  await append(storage, batchAt(1, 3, 5))
  await enterEpoch(storage, 2)
  await storage.close()
  // An old block: the record as it was before the cut, which reaches over the beginning of the next.
  await database.fill(former)
  const stale = await openDatabaseStorage(database, STORAGE_OPTIONS)
  t.match(stale.state, { damage: { zxidProven: zxidAt(1, 3) } })
  await stale.write({ kind: 'acceptDamage' })
  await append(stale, batchAt(1, 4))
  const content = await contentOf(stale)
  await stale.close()
  const again = await openDatabaseStorage(database, STORAGE_OPTIONS)
  t.equal(again.state.damage, null)
  t.strictSame(await contentOf(again), content)
  await again.close()
})

t.test('a log that has lost a record is not read over the hole, also when it is lost while the store is open', async t => {
  const { storage, database } = await damaged(entries)
  t.equal(storage.state.damage, null)
  await database.del(keysOf('txnlog').at(-2) ?? '')
  const batches = await storage.readLog(zxidAt(1, 5), 1)
  t.equal(batches.length, 1)
  await t.rejects(storage.readLog(zxidAt(1, 5), 10_000), { code: 'LOG_CORRUPTED' })
  await t.rejects(storage.readLog(ZXID_ZERO, 1), { code: 'LOG_CORRUPTED' })
  t.ok((await storage.reopen()).damage)
  await storage.close()
})

/** A database with a note beside it, as a directory has one. */
class NotedDatabase extends LooseDatabase {
  readonly #noted: Noted

  constructor(database: FaultyLevel, noted: Noted) {
    super(database, true)
    this.#noted = noted
  }

  override async open(failure: unknown): Promise<Opened> {
    return { ...(await super.open(failure)), noted: this.#noted }
  }
}

t.test('a broken end is cut off where the note says that nothing of it was acknowledged, and is damage where it was', async t => {
  const end = keysOf('txnlog').at(-1) ?? ''
  const [, value] = entries.find(([key]) => key === 'meta') ?? []
  const { revision } = JSON.parse(Buffer.from(value?.subarray(6) ?? []).toString()) as Noted
  const epochs = { acceptedEpoch: 2 as Epoch, currentEpoch: 2 as Epoch }
  for (const acknowledged of [zxidAt(2, 6), zxidAt(2, 8)]) {
    const database = await databaseWith(changed(end, bytes => flipped(bytes, 700)))
    const noted = new NotedDatabase(database, { revision, zxidEnd: acknowledged, ...epochs })
    const storage = await LevelStorage.open(noted, STORAGE_OPTIONS)
    t.equal(zxidLastIn(storage.state.log), zxidAt(2, 6))
    t.equal(storage.state.damage === null, acknowledged === zxidAt(2, 6))
    t.equal(
      (await database.content()).some(([key]) => key === end),
      storage.state.damage !== null
    )
    await storage.close()
  }
})
