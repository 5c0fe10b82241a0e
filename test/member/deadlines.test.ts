import t from 'tap'
import { Deadlines } from '../../lib/member/deadlines.js'
import { VirtualRuntime } from '../../lib/sim/world/virtual-runtime.js'

const LOOK = 20

t.test('each deadline passes once, not before its time and soon after it', async t => {
  const virtual = new VirtualRuntime()
  const deadlines = new Deadlines(virtual.runtime)
  const passed: (readonly [number, number])[] = []
  for (const milliseconds of [500, 1, 90, 90, 10_000]) deadlines.add(milliseconds, () => passed.push([milliseconds, virtual.now]))
  await virtual.run(1_000)
  t.strictSame(
    passed.map(([milliseconds]) => milliseconds),
    [1, 90, 90, 500]
  )
  for (const [milliseconds, at] of passed) t.ok(at >= milliseconds && at <= milliseconds + LOOK, `${milliseconds} at ${at}`)
  await virtual.run(10_000)
  t.equal(passed.length, 5)
})

t.test('a deadline that is taken back does not pass, and none may be left to wait for', async t => {
  const virtual = new VirtualRuntime()
  const deadlines = new Deadlines(virtual.runtime)
  const cancel = deadlines.add(50, () => t.fail('it was taken back'))
  cancel()
  cancel()
  await virtual.run(100)
  const { events } = virtual
  await virtual.run(10_000)
  t.equal(virtual.events, events, 'no timer runs while there is nothing to wait for')
  let passed = 0
  deadlines.add(50, () => passed++)
  await virtual.run(100)
  t.equal(passed, 1, 'and it runs again when there is')
})

t.test('deadlines may be set and taken back while others pass', async t => {
  const virtual = new VirtualRuntime()
  const deadlines = new Deadlines(virtual.runtime)
  const passed: string[] = []
  deadlines.add(10, () => {
    passed.push('first')
    cancel()
    deadlines.add(10, () => passed.push('third'))
  })
  const cancel = deadlines.add(10, () => passed.push('second'))
  await virtual.run(100)
  t.strictSame(passed, ['first', 'third'])
})

t.test('nothing passes after the close', async t => {
  const virtual = new VirtualRuntime()
  const deadlines = new Deadlines(virtual.runtime)
  deadlines.add(10, () => t.fail('closed'))
  deadlines.close()
  await virtual.run(100)
  t.equal(virtual.events, 0)
})
