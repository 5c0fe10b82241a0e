import t from 'tap'
import { EventBuffer } from '../../lib/member/event-buffer.js'
import type { WatchEvent } from '../../lib/member/index.js'
import { zxidAt } from '../fixtures/tree.js'
import { shown } from '../fixtures/watch-scene.js'

function event(counter: number, state: WatchEvent['state'] = 'connected'): WatchEvent {
  return { type: 'dataChanged', path: `/p/${counter}`, zxid: zxidAt(counter), state }
}

/** Adds events with the numbers `from` to `to`. */
function add(buffer: EventBuffer, from: number, to: number): void {
  for (let counter = from; counter <= to; counter++) buffer.add(event(counter))
}

/** Takes so many, or all that there are. */
function taken(buffer: EventBuffer, count = Number.POSITIVE_INFINITY): readonly string[] {
  const found: string[] = []
  while (found.length < count) {
    const next = buffer.take()
    if (next === null) break
    found.push(next.type === 'overflow' ? shown(next) : next.path)
  }
  return found
}

t.test('events are taken in the order in which they were added', async t => {
  const buffer = new EventBuffer('/p', 3)
  t.equal(buffer.take(), null)
  add(buffer, 1, 2)
  t.strictSame(taken(buffer, 1), ['/p/1'])
  add(buffer, 3, 4)
  t.strictSame(taken(buffer), ['/p/2', '/p/3', '/p/4'])
  t.equal(buffer.take(), null)
})

t.test('what does not fit is counted, and one item behind the others says how much, up to which zxid', async t => {
  const buffer = new EventBuffer('/p', 2)
  add(buffer, 1, 4)
  buffer.add(event(5, 'disconnected'))
  t.strictSame(taken(buffer, 2), ['/p/1', '/p/2'])
  t.strictSame(buffer.take(), { type: 'overflow', path: '/p', zxid: zxidAt(5), dropped: 3, state: 'disconnected' })
  t.equal(buffer.take(), null)
})

t.test('a gap ends where it is taken: until then everything is left out, and from then on nothing', async t => {
  const buffer = new EventBuffer('/p', 2)
  add(buffer, 1, 3)
  t.strictSame(taken(buffer, 2), ['/p/1', '/p/2'])
  add(buffer, 4, 5)
  t.strictSame(taken(buffer, 1), ['overflow /p 3'])
  add(buffer, 6, 9)
  t.strictSame(taken(buffer), ['/p/6', '/p/7', 'overflow /p 2'])
  add(buffer, 10, 10)
  t.strictSame(taken(buffer), ['/p/10'])
})

t.test('what was cleared is not taken any more, nor said to be missing', async t => {
  const buffer = new EventBuffer('/p', 2)
  add(buffer, 1, 5)
  buffer.clear()
  t.equal(buffer.take(), null)
  add(buffer, 6, 7)
  t.strictSame(taken(buffer), ['/p/6', '/p/7'])
})

t.test('a large buffer is the same queue, however adding and taking alternate', async t => {
  const buffer = new EventBuffer('/p', 5_000)
  let added = 0
  let next = 1
  for (const [more, fewer] of [
    [5_000, 1_000],
    [900, 4_000],
    [4_100, 5_000],
    [10, 10],
    [3_000, 1_500],
    [3_500, 5_000]
  ] as const) {
    add(buffer, added + 1, added + more)
    added += more
    for (const path of taken(buffer, fewer)) if (path !== `/p/${next++}`) t.fail(`${path} in the place of /p/${next - 1}`)
  }
  t.equal(next - 1, added)
  t.equal(buffer.take(), null)
})
