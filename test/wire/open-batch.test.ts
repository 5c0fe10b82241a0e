import t from 'tap'
import { LIMITS, type MemberId } from '../../lib/base/index.js'
import { decodeTxn, encodeTxn, OpenBatch, type TxnChange } from '../../lib/wire/index.js'
import { type Batch, batchOf, txnsOf } from '../../lib/zab/index.js'
import { CHANGES, txnOf } from '../fixtures/wire-examples.js'
import { at } from '../fixtures/zab-peers.js'

const txns = CHANGES.map((change, index) => txnOf(change, { cxid: index }))
const LARGE: TxnChange = { kind: 'setData', path: '/a', data: new Uint8Array(6_000).fill(1), version: 1 }
const cxidsOf = (batch: Batch) => txnsOf(batch).map(bytes => decodeTxn(bytes).cxid)

t.test('a batch that is being made becomes the same as one of its txns encoded one by one', async t => {
  const open = new OpenBatch()
  for (const txn of txns) open.add(txn)
  t.equal(open.count, txns.length)
  const bytes = open.bytes
  const closed = open.close(at(1, 1))
  t.strictSame(closed, batchOf(at(1, 1), txns.map(encodeTxn)))
  t.equal(closed.bytes.length, bytes, 'bytes are counted with the lengths before the txns')
})

t.test('it begins empty after each close, and what was closed stays as it is', async t => {
  const open = new OpenBatch()
  open.add(txnOf(LARGE, { cxid: 1 }))
  open.add(txnOf(LARGE, { cxid: 2 }))
  t.ok(open.bytes > 12_000, 'beyond its first room')
  const first = open.close(at(1, 1))
  t.strictSame([open.count, open.bytes], [0, 0])
  open.add(txnOf(LARGE, { cxid: 3 }))
  const second = open.close(at(1, 3))
  t.strictSame([cxidsOf(first), cxidsOf(second)], [[1, 2], [3]])
  t.equal(first.bytes.buffer.byteLength, first.bytes.length, 'in memory of its own, and no more than it needs')
  open.add(txnOf(LARGE))
  open.clear()
  t.throws(() => open.close(at(1, 4)), { code: 'INVARIANT_VIOLATED' })
})

t.test('a txn that cannot be written leaves nothing behind', async t => {
  const open = new OpenBatch()
  open.add(txnOf(LARGE, { cxid: 1 }))
  t.throws(() => open.add(txnOf(LARGE, { time: 0.5 })), { code: 'INVARIANT_VIOLATED' })
  const unreadable = txnOf({ kind: 'enlist', member: 1 as MemberId, run: 'x'.repeat(LIMITS.pathBytesMax) })
  t.throws(() => open.add(unreadable), { code: 'INVARIANT_VIOLATED' })
  const closed = open.close(at(1, 1))
  t.strictSame(cxidsOf(closed), [1])
  open.add(txnOf(LARGE, { cxid: 2 }))
  t.throws(() => open.add(unreadable), { code: 'INVARIANT_VIOLATED' })
  open.add(txnOf(LARGE, { cxid: 3 }))
  t.strictSame(cxidsOf(open.close(at(1, 2))), [2, 3])
})
