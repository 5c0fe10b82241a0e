import t from 'tap'
import { COUNTER_MAX, EPOCH_MAX, makeZxid, type Zxid } from '../../lib/base/index.js'
import {
  chunkKey,
  chunkRange,
  GENERATION_MAX,
  generationRange,
  generationsBefore,
  type KeyRange,
  logKey,
  logRange,
  META_KEY,
  manifestKey,
  parseKey,
  tableRange
} from '../../lib/storage/key-space.js'
import { zxidAt } from '../fixtures/storage-history.js'

const LAST = makeZxid(EPOCH_MAX as never, COUNTER_MAX)
const ZXIDS: readonly Zxid[] = [zxidAt(0, 0), zxidAt(0, 9), zxidAt(0, 10), zxidAt(1, 0), zxidAt(1, 255), zxidAt(16, 1), LAST]
const GENERATIONS = [0, 1, 9, 10, 255, GENERATION_MAX]

function within({ gte, lt }: KeyRange, key: string): boolean {
  return Buffer.compare(Buffer.from(key), Buffer.from(gte)) >= 0 && Buffer.compare(Buffer.from(key), Buffer.from(lt)) < 0
}

t.test('the bytes of keys are in the order of what they name', async t => {
  for (const keyOf of [logKey, manifestKey, (generation: number, zxid: Zxid) => chunkKey(generation, zxid, 7)]) {
    const keys = GENERATIONS.flatMap(generation => ZXIDS.map(zxid => keyOf(generation, zxid)))
    t.strictSame(
      keys
        .map(key => Buffer.from(key))
        .sort(Buffer.compare)
        .map(String),
      keys
    )
  }
  const chunks = [0, 1, 9, 10, 4096].map(index => chunkKey(1, LAST, index))
  t.strictSame([...chunks].sort(), chunks)
})

t.test('a key says what it was made of, and nothing else is taken for one', async t => {
  for (const generation of GENERATIONS) {
    for (const zxid of ZXIDS) {
      t.strictSame(parseKey(logKey(generation, zxid)), { table: 'txnlog', generation, zxid, index: 0 })
      t.strictSame(parseKey(manifestKey(generation, zxid)), { table: 'manifest', generation, zxid, index: 0 })
      t.strictSame(parseKey(chunkKey(generation, zxid, 77)), { table: 'chunk', generation, zxid, index: 77 })
    }
  }
  const key = logKey(1, LAST)
  for (const other of [
    META_KEY,
    '',
    `${key}/00000001`,
    key.slice(0, -1),
    key.toUpperCase(),
    key.replace('log', 'lag'),
    ` ${key}`,
    `${key}\n`
  ]) {
    t.equal(parseKey(other), null, other)
  }
  t.equal(parseKey(`txnlog/00000001/${'f'.repeat(16)}`), null, 'no zxid is as high')
})

t.test('a range holds what it is for, and nothing beside it', async t => {
  const keys = GENERATIONS.flatMap(generation =>
    ZXIDS.flatMap(zxid => [
      logKey(generation, zxid),
      manifestKey(generation, zxid),
      chunkKey(generation, zxid, 0),
      chunkKey(generation, zxid, GENERATION_MAX)
    ])
  )
  const heldBy = (range: KeyRange): string[] => [META_KEY, ...keys].filter(key => within(range, key))
  const where = (wanted: (place: NonNullable<ReturnType<typeof parseKey>>) => boolean): string[] =>
    keys.filter(key => {
      const place = parseKey(key)
      return place !== null && wanted(place)
    })
  for (const table of ['txnlog', 'manifest', 'chunk'] as const) {
    t.strictSame(
      heldBy(tableRange(table)),
      where(place => place.table === table)
    )
    for (const generation of GENERATIONS) {
      t.strictSame(
        heldBy(generationRange(table, generation)),
        where(place => place.table === table && place.generation === generation)
      )
      t.strictSame(
        heldBy(generationsBefore(table, generation)),
        where(place => place.table === table && place.generation < generation)
      )
    }
  }
  for (const zxid of ZXIDS) {
    const inLog = (place: { table: string; generation: number }) => place.table === 'txnlog' && place.generation === 9
    t.strictSame(
      heldBy(chunkRange(9, zxid)),
      where(place => place.table === 'chunk' && place.generation === 9 && place.zxid === zxid)
    )
    t.strictSame(
      heldBy(logRange(9, zxid, null)),
      where(place => inLog(place) && place.zxid >= zxid)
    )
    t.strictSame(
      heldBy(logRange(9, zxidAt(0, 10), zxid)),
      where(place => inLog(place) && place.zxid >= zxidAt(0, 10) && place.zxid < zxid)
    )
  }
})

t.test('what is appended to the log lies behind everything else', async t => {
  const others = [META_KEY, manifestKey(GENERATION_MAX, zxidAt(9, 9)), chunkKey(GENERATION_MAX, zxidAt(9, 9), 9)]
  for (const key of others) t.ok(key < logKey(1, zxidAt(1, 1)), key)
})
