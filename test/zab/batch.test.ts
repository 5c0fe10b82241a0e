import fc from 'fast-check'
import t from 'tap'
import { COUNTER_MAX, type Zxid } from '../../lib/base/index.js'
import {
  type Batch,
  batchAfter,
  batchOf,
  batchThrough,
  isWellFormed,
  joinBatches,
  TxnCursor,
  txnsOf,
  zxidLastOf
} from '../../lib/zab/index.js'
import { at, batchAt } from '../fixtures/zab-peers.js'

const someTxns = fc.array(fc.uint8Array({ maxLength: 20 }), { minLength: 1, maxLength: 10 })
const plain = (batch: Batch | null) => (batch === null ? [] : txnsOf(batch).map(txn => [...txn]))

t.test('the txns of a batch are those it was made of', async t => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(someTxns, txns => {
        const batch = batchOf(at(1, 1), txns)
        return JSON.stringify(plain(batch)) === JSON.stringify(txns.map(txn => [...txn])) && isWellFormed(batch)
      })
    )
  )
})

t.test('a batch is split at any zxid into what lies up to it and what lies behind it', async t => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(someTxns, fc.integer({ min: 0, max: 14 }), (txns, offset) => {
        const batch = batchOf(at(1, 3), txns)
        const zxid = at(1, offset)
        const count = Math.min(Math.max(0, offset - 2), txns.length)
        const through = batchThrough(batch, zxid)
        const after = batchAfter(batch, zxid)
        const whole = txns.map(txn => [...txn])
        const halves = [through, after].filter(half => half !== null)
        return (
          JSON.stringify(plain(through)) === JSON.stringify(whole.slice(0, count)) &&
          JSON.stringify(plain(after)) === JSON.stringify(whole.slice(count)) &&
          (after === null || after.zxidFirst === at(1, 3 + count)) &&
          JSON.stringify(plain(joinBatches(halves))) === JSON.stringify(whole)
        )
      })
    )
  )
})

t.test('zxids of other epochs lie before or behind the whole of a batch', async t => {
  const batch = batchAt(2, 1, 3)
  t.equal(batchThrough(batch, at(1, 9)), null)
  t.equal(batchAfter(batch, at(1, 9)), batch)
  t.equal(batchThrough(batch, at(3, 1)), batch)
  t.equal(batchAfter(batch, at(3, 1)), null)
})

t.test('the bytes of a split batch are views, not copies', async t => {
  const batch = batchAt(2, 1, 3)
  t.equal(batchAfter(batch, at(2, 1))?.bytes.buffer, batch.bytes.buffer)
  t.equal(isWellFormed(batchAfter(batch, at(2, 1)) ?? batch), true)
})

t.test('adjoining batches are joined, others are not', async t => {
  const joined = joinBatches([batchAt(2, 1, 2), batchAt(2, 3, 1)])
  t.strictSame(joined, batchAt(2, 1, 3))
  const alone = batchAt(2, 1)
  t.equal(joinBatches([alone]), alone)
  t.throws(() => joinBatches([batchAt(2, 1, 2), batchAt(2, 4)]), { code: 'INVARIANT_VIOLATED' })
  t.throws(() => joinBatches([]), { code: 'INVARIANT_VIOLATED' })
})

t.test('a batch is never empty and never runs over the end of its epoch', async t => {
  t.throws(() => batchOf(at(1, 1), []), { code: 'INVARIANT_VIOLATED' })
  t.equal(zxidLastOf({ zxidFirst: at(1, COUNTER_MAX - 1), count: 2, bytes: new Uint8Array() }), at(1, COUNTER_MAX))
  t.throws(() => zxidLastOf({ zxidFirst: at(1, COUNTER_MAX - 1), count: 3, bytes: new Uint8Array() }), {
    code: 'INVARIANT_VIOLATED'
  })
})

t.test('bytes that their frames do not fill exactly are not a batch', async t => {
  const good = batchAt(1, 1, 2)
  const of = (fields: Partial<Batch>) => isWellFormed({ ...good, ...fields })
  t.equal(of({}), true)
  t.equal(of({ count: 1 }), false)
  t.equal(of({ count: 3 }), false)
  t.equal(of({ count: 0 }), false)
  t.equal(of({ count: -1 }), false)
  t.equal(of({ count: 1.5 }), false)
  t.equal(of({ count: Number.NaN }), false)
  t.equal(of({ bytes: good.bytes.subarray(1) }), false)
  t.equal(of({ bytes: good.bytes.subarray(0, -1) }), false)
  t.equal(of({ bytes: new Uint8Array() }), false)
  const lying = good.bytes.slice()
  lying[0] = 255
  t.equal(of({ bytes: lying }), false)
})

t.test('any bytes from outside are judged, not thrown at', async t => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: -2, max: 50 }), (bytes, count) => {
        const batch = { zxidFirst: 1 as Zxid, count, bytes }
        if (!isWellFormed(batch)) return true
        return txnsOf(batch).length === count
      }),
      { numRuns: 2_000 }
    )
  )
})

t.test('a cursor says where each txn of a batch lies, and finds out when the frames do not fill it', async t => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(someTxns, txns => {
        const batch = batchOf(at(1, 1), txns)
        const cursor = new TxnCursor(batch)
        const found = []
        while (cursor.next()) found.push([...batch.bytes.subarray(cursor.start, cursor.end)])
        return !cursor.next() && JSON.stringify(found) === JSON.stringify(txns.map(txn => [...txn]))
      })
    )
  )
  const few = new TxnCursor({ ...batchAt(1, 1, 2), count: 1 })
  t.equal(few.next(), true)
  t.throws(() => few.next(), { code: 'INVARIANT_VIOLATED' })
  const { bytes } = batchAt(1, 1)
  const short = new TxnCursor({ zxidFirst: at(1, 1), count: 1, bytes: bytes.subarray(0, -1) })
  t.throws(() => short.next(), { code: 'INVARIANT_VIOLATED' })
})

t.test('the length of a txn takes all its four bytes', async t => {
  const long = new Uint8Array(0x1020304).fill(7)
  const batch = batchOf(at(1, 1), [long])
  t.strictSame([...batch.bytes.subarray(0, 4)], [1, 2, 3, 4])
  t.equal(txnsOf(batch)[0]?.length, long.length)
  t.equal(isWellFormed({ ...batch, bytes: Uint8Array.of(255, 255, 255, 255) }), false)
})
