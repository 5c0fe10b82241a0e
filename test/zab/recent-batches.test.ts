import t from 'tap'
import { LIMITS } from '../../lib/base/index.js'
import { type Batch, txnsOf } from '../../lib/zab/index.js'
import { RecentBatches } from '../../lib/zab/recent-batches.js'
import { at, batchAt } from '../fixtures/zab-peers.js'

const large = (counter: number): Batch => ({
  zxidFirst: at(2, counter),
  count: 1,
  bytes: new Uint8Array(LIMITS.tailBytesMax / 2)
})

t.test('nothing is known behind the end of a log that a leader begins with, and nothing before it', async t => {
  const recent = new RecentBatches(at(1, 5))
  t.strictSame(recent.after(at(1, 5)), [])
  t.equal(recent.after(at(1, 4)), null)
})

t.test('everything behind a zxid is given, a batch that holds it split', async t => {
  const recent = new RecentBatches(at(1, 5))
  recent.add(batchAt(2, 1, 3))
  recent.add(batchAt(2, 4, 2))
  t.strictSame(recent.after(at(1, 5)), [batchAt(2, 1, 3), batchAt(2, 4, 2)])
  t.strictSame(recent.after(at(2, 5)), [])
  const [part, rest] = recent.after(at(2, 2)) ?? []
  t.equal(part?.zxidFirst, at(2, 3))
  t.strictSame(part === undefined ? [] : txnsOf(part), txnsOf(batchAt(2, 3)))
  t.strictSame(rest, batchAt(2, 4, 2))
})

t.test('what is beyond the bound is let go of, oldest first, once it is durable', async t => {
  const recent = new RecentBatches(at(1, 5))
  for (const counter of [1, 2, 3]) recent.add(large(counter))
  recent.trim(at(1, 5))
  t.equal(recent.after(at(1, 5))?.length, 3, 'nothing of it is durable')
  recent.trim(at(2, 3))
  t.equal(recent.after(at(1, 5)), null)
  t.strictSame(
    recent.after(at(2, 1))?.map(batch => batch.zxidFirst),
    [at(2, 2), at(2, 3)]
  )
})

t.test('within the bound everything stays, durable or not', async t => {
  const recent = new RecentBatches(at(1, 5))
  recent.add(large(1))
  recent.trim(at(2, 1))
  t.equal(recent.after(at(1, 5))?.length, 1)
})
