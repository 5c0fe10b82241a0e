import fc from 'fast-check'
import t from 'tap'
import type { Ticks } from '../../lib/base/index.js'
import { SessionTracker } from '../../lib/session/index.js'
import { session } from '../fixtures/tree.js'

const ticks = (count: number): Ticks => count as Ticks
const A = session(1)
const B = session(2)

function trackerAt(now: number): SessionTracker {
  return new SessionTracker(ticks(now))
}

t.test('a session is given its timeout and at most one tick more', async t => {
  // Touched somewhere between tick 10 and tick 11; tick 15 is the first that is surely 4 ticks later.
  const tracker = trackerAt(10)
  tracker.add(A, ticks(4), ticks(10))
  for (const now of [11, 12, 13, 14]) t.strictSame(tracker.tick(ticks(now)), [], `tick ${now}`)
  t.strictSame(tracker.tick(ticks(15)), [A])
})

t.test('a session expires exactly once and is not watched any more', async t => {
  const tracker = trackerAt(0)
  tracker.add(A, ticks(1), ticks(0))
  t.strictSame(tracker.tick(ticks(2)), [A])
  t.strictSame(tracker.tick(ticks(2)), [])
  t.strictSame(tracker.tick(ticks(50)), [])
  t.equal(tracker.touch(A, ticks(3)), false)
  t.equal(tracker.size, 0)
})

t.test('a touch gives the full timeout again', async t => {
  const tracker = trackerAt(0)
  tracker.add(A, ticks(3), ticks(0))
  tracker.tick(ticks(3))
  t.equal(tracker.touch(A, ticks(3)), true)
  t.strictSame(tracker.tick(ticks(6)), [])
  t.strictSame(tracker.tick(ticks(7)), [A])
})

t.test('an old touch does not shorten what a later one gave', async t => {
  const tracker = trackerAt(0)
  tracker.add(A, ticks(3), ticks(0))
  tracker.touch(A, ticks(5))
  tracker.touch(A, ticks(2))
  t.strictSame(tracker.tick(ticks(8)), [])
  t.strictSame(tracker.tick(ticks(9)), [A])
})

t.test('a session that is added or touched with a tick that is past is watched all the same', async t => {
  const tracker = trackerAt(100)
  tracker.add(A, ticks(2), ticks(1))
  t.strictSame(tracker.tick(ticks(102)), [])
  tracker.touch(A, ticks(3))
  t.strictSame(tracker.tick(ticks(104)), [])
  t.strictSame(tracker.tick(ticks(105)), [A])
})

t.test('a removed session never expires', async t => {
  const tracker = trackerAt(0)
  tracker.add(A, ticks(1), ticks(0))
  tracker.remove(A)
  tracker.remove(A)
  t.strictSame(tracker.tick(ticks(9)), [])
})

t.test('a session that is added again has the new timeout only', async t => {
  const tracker = trackerAt(0)
  tracker.add(A, ticks(1), ticks(0))
  tracker.add(A, ticks(5), ticks(0))
  t.strictSame(tracker.tick(ticks(5)), [])
  t.strictSame(tracker.tick(ticks(6)), [A])
})

t.test('ticks that were slept through expire all that ended in them, ascending by id', async t => {
  const tracker = trackerAt(0)
  tracker.add(session(30), ticks(1), ticks(0))
  tracker.add(session(10), ticks(9), ticks(0))
  tracker.add(session(20), ticks(5), ticks(0))
  tracker.add(session(40), ticks(99), ticks(0))
  t.strictSame(tracker.tick(ticks(50)), [10, 20, 30])
  t.equal(tracker.size, 1)
})

t.test('reset gives every session a full timeout from now', async t => {
  const tracker = trackerAt(0)
  tracker.add(A, ticks(3), ticks(0))
  tracker.add(B, ticks(6), ticks(0))
  tracker.tick(ticks(3))
  tracker.reset(ticks(1000))
  t.strictSame(tracker.tick(ticks(1003)), [])
  t.strictSame(tracker.tick(ticks(1004)), [A])
  t.strictSame(tracker.tick(ticks(1006)), [])
  t.strictSame(tracker.tick(ticks(1007)), [B])
})

t.test('a timeout of no ticks is our bug', async t => {
  t.throws(() => trackerAt(0).add(A, ticks(0), ticks(0)), { code: 'INVARIANT_VIOLATED' })
})

t.test('whatever is touched when: each session expires at the first tick that is surely later than its timeout', async t => {
  const action = fc.record({
    kind: fc.constantFrom('add', 'touch', 'remove', 'tick', 'reset'),
    id: fc.nat(4),
    timeout: fc.integer({ min: 1, max: 6 })
  })
  const property = fc.property(fc.array(action, { maxLength: 200, size: 'max' }), actions => {
    const tracker = trackerAt(0)
    const last = new Map<number, { timeout: number; touched: number }>()
    let now = 0
    for (const { kind, id, timeout } of actions) {
      const known = last.get(id)
      if (kind === 'add') {
        tracker.add(session(id), ticks(timeout), ticks(now))
        last.set(id, { timeout, touched: now })
      } else if (kind === 'touch') {
        if (tracker.touch(session(id), ticks(now)) !== (known !== undefined)) return false
        if (known !== undefined) known.touched = now
      } else if (kind === 'remove') {
        tracker.remove(session(id))
        last.delete(id)
      } else if (kind === 'reset') {
        tracker.reset(ticks(now))
        for (const each of last.values()) each.touched = now
      } else {
        now += timeout > 4 ? timeout : 1
        const expected = [...last].filter(([, each]) => now - each.touched > each.timeout).map(([each]) => each)
        if (JSON.stringify(tracker.tick(ticks(now))) !== JSON.stringify(expected.sort((a, b) => a - b))) return false
        for (const each of expected) last.delete(each)
      }
      if (tracker.size !== last.size) return false
    }
    return true
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 300 }))
})
