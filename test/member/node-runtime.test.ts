import t from 'tap'
import { nodeRuntime } from '../../lib/member/node-runtime.js'

t.test('posted callbacks run in order, in a later turn, and those posted meanwhile in the one after', async t => {
  const { scheduler } = nodeRuntime()
  const order: string[] = []
  let turn = 0
  const count = setInterval(() => {}, 1_000)
  const nextTurn = () => {
    turn++
    if (turn < 5) setImmediate(nextTurn)
  }
  setImmediate(nextTurn)
  scheduler.post(() => {
    order.push(`first in turn ${turn}`)
    scheduler.post(() => order.push(`third in turn ${turn}`))
  })
  scheduler.post(() => order.push(`second in turn ${turn}`))
  order.push('posting')
  await new Promise<void>(resolve => scheduler.post(() => scheduler.post(() => scheduler.post(resolve))))
  clearInterval(count)
  t.strictSame(order, ['posting', 'first in turn 1', 'second in turn 1', 'third in turn 2'])
})

t.test('a callback that throws is reported, and those behind it run', async t => {
  const errors: unknown[] = []
  const { scheduler } = nodeRuntime(error => errors.push(error))
  const bug = new Error('bug')
  await new Promise<void>(resolve => {
    scheduler.post(() => {
      throw bug
    })
    scheduler.after(0, () => {
      throw bug
    })
    scheduler.post(() => scheduler.after(5, resolve))
    setTimeout(() => {}, 50)
  })
  t.strictSame(errors, [bug, bug])
})

t.test('those behind it run as well where reporting throws', async t => {
  const { scheduler } = nodeRuntime()
  const bug = new Error('bug')
  const caught = new Promise(resolve => process.once('uncaughtException', resolve))
  const ran = new Promise<void>(resolve => {
    scheduler.post(() => {
      throw bug
    })
    scheduler.post(resolve)
  })
  t.equal(await caught, bug)
  await ran
})

t.test('a timer that was cancelled does not fire, and cancelling again does nothing', async t => {
  const { scheduler, clock } = nodeRuntime()
  let fired = 0
  const cancel = scheduler.after(1, () => fired++)
  cancel()
  cancel()
  const before = clock.monotonic()
  const keepAlive = setInterval(() => {}, 1_000)
  await new Promise<void>(resolve => scheduler.after(10, resolve))
  clearInterval(keepAlive)
  t.equal(fired, 0)
  t.ok(clock.monotonic() - before >= 9)
  t.ok(Math.abs(clock.wall() - Date.now()) < 1_000)
})

t.test('chance is within its bounds and not the same twice', async t => {
  const { random } = nodeRuntime()
  const floats = Array.from({ length: 1_000 }, () => random.float())
  t.ok(floats.every(float => float >= 0 && float < 1))
  t.ok(new Set(floats).size > 990)
  t.equal(random.bytes(16).length, 16)
  t.notSame(random.bytes(16), random.bytes(16))
})
