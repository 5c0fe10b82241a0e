import fc from 'fast-check'
import t from 'tap'
import { makeZxid, type Zxid } from '../../lib/base/index.js'
import { commonZxid, EMPTY_LOG, summaryFrom, summaryThrough, summaryWith, zxidLastIn } from '../../lib/zab/index.js'
import { lastCommon, someLogs, summaryOf } from '../fixtures/zab-histories.js'
import { at, batchAt, epoch } from '../fixtures/zab-peers.js'

t.test('the common zxid of two summaries is that of the logs, where both still reach back to it', async t => {
  let parted = 0
  let hidden = 0
  fc.assert(
    fc.property(someLogs(2), fc.nat(), fc.nat(), ([a = [], b = []], purgedOfA, purgedOfB) => {
      const ours = summaryOf(a, purgedOfA % (a.length + 1))
      const theirs = summaryOf(b, purgedOfB % (b.length + 1))
      const common = lastCommon(a, b)
      const expected = common >= ours.zxidBase && common >= theirs.zxidBase ? common : null
      if (expected === null) hidden++
      else if (common < zxidLastIn(ours) && common < zxidLastIn(theirs)) parted++
      return commonZxid(ours, theirs) === expected && commonZxid(theirs, ours) === expected
    }),
    { numRuns: 5_000, seed: 1 }
  )
  t.ok(parted > 50 && hidden > 50, `logs that part: ${parted}, logs that do not reach back: ${hidden}`)
})

t.test('a summary follows appends, cuts and retention like the log itself', async t => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(someLogs(1), fc.nat(), fc.nat(), ([log = []], cut, purged) => {
        const through = log[cut % Math.max(1, log.length)] ?? (0 as Zxid)
        const kept = log.filter(zxid => zxid <= through)
        const base = purged % (kept.length + 1)
        const appended = log.reduce(
          (summary, zxid) => summaryWith(summary, { zxidFirst: zxid, count: 1, bytes: new Uint8Array() }),
          EMPTY_LOG
        )
        const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)
        return (
          same(appended, summaryOf(log)) &&
          same(summaryThrough(appended, through), summaryOf(kept)) &&
          same(summaryFrom(appended, kept[base - 1] ?? (0 as Zxid)), summaryOf(log, base)) &&
          same(summaryThrough(summaryOf(log, base), through), summaryOf(kept, base))
        )
      }),
      { numRuns: 3_000, seed: 1 }
    )
  )
})

t.test('a batch of many txns counts as its last', async t => {
  t.strictSame(summaryWith(EMPTY_LOG, batchAt(3, 1, 4)), { zxidBase: 0, epochEnds: [{ epoch: 3, counter: 4 }] })
})

t.test('the end of a log is its last txn, or its base when nothing follows that', async t => {
  t.equal(zxidLastIn(EMPTY_LOG), 0)
  t.equal(zxidLastIn({ zxidBase: at(2, 7), epochEnds: [] }), at(2, 7))
  t.equal(zxidLastIn({ zxidBase: at(2, 7), epochEnds: [{ epoch: epoch(3), counter: 1 }] }), at(3, 1))
})

t.test('a log does not go back', async t => {
  const log = summaryWith(EMPTY_LOG, batchAt(3, 1, 4))
  t.throws(() => summaryWith(log, batchAt(3, 4)), { code: 'INVARIANT_VIOLATED' })
  t.throws(() => summaryWith(log, batchAt(2, 9)), { code: 'INVARIANT_VIOLATED' })
})

t.test('a log is never cut below its base', async t => {
  t.throws(() => summaryThrough({ zxidBase: at(2, 7), epochEnds: [] }, at(2, 6)), { code: 'INVARIANT_VIOLATED' })
  t.strictSame(summaryThrough({ zxidBase: at(2, 7), epochEnds: [{ epoch: epoch(2), counter: 9 }] }, at(2, 7)).epochEnds, [])
})

t.test('an epoch without a txn leaves no trace in a log', async t => {
  const log = summaryWith(summaryWith(EMPTY_LOG, batchAt(1, 1)), batchAt(4, 1))
  t.strictSame(log.epochEnds, [
    { epoch: 1, counter: 1 },
    { epoch: 4, counter: 1 }
  ])
  t.equal(commonZxid(log, summaryOf([makeZxid(epoch(1), 1), makeZxid(epoch(2), 1)])), at(1, 1))
})
