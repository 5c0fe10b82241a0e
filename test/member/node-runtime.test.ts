import t from 'tap'
import { LIMITS } from '../../lib/base/index.js'
import { nodeRuntime } from '../../lib/member/index.js'

function busy(milliseconds: number): void {
  const end = performance.now() + milliseconds
  while (performance.now() < end);
}

t.test('what is posted runs in a later turn, in order, also what is posted meanwhile', async t => {
  const { scheduler } = nodeRuntime()
  const order: string[] = []
  await new Promise<void>(resolve => {
    scheduler.post(() => {
      order.push('first')
      scheduler.post(() => {
        order.push('third')
        resolve()
      })
    })
    scheduler.post(() => order.push('second'))
    order.push('now')
  })
  t.strictSame(order, ['now', 'first', 'second', 'third'])
})

t.test('much that is posted at once does not keep the event loop from turning', async t => {
  const { scheduler } = nodeRuntime()
  const ran: number[] = []
  const turns: number[] = []
  const look = () => {
    turns.push(ran.length)
    if (ran.length < 40) setImmediate(look)
  }
  setImmediate(look)
  await new Promise<void>(resolve => {
    for (let index = 0; index < 40; index++) {
      scheduler.post(() => {
        busy(LIMITS.sliceMilliseconds / 2)
        ran.push(index)
        if (index === 39) resolve()
      })
    }
  })
  t.strictSame(
    ran,
    Array.from({ length: 40 }, (_, index) => index)
  )
  t.ok(new Set(turns).size >= 8, `${new Set(turns).size} turns`)
})

t.test('a callback that throws loses none of those behind it', async t => {
  const errors: unknown[] = []
  const { scheduler } = nodeRuntime(error => errors.push(error))
  const error = new Error('thrown')
  // The scheduler's own timers keep no process alive.
  const held = setTimeout(() => {}, 10_000)
  await new Promise<void>(resolve => {
    scheduler.post(() => {
      throw error
    })
    scheduler.after(1, () => {
      throw error
    })
    scheduler.after(5, resolve)
  })
  clearTimeout(held)
  t.strictSame(errors, [error, error])
})

t.test('by default what is thrown is an uncaught exception, and the rest runs all the same', async t => {
  const { scheduler } = nodeRuntime()
  const uncaught: unknown[] = []
  const listeners = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.once('uncaughtException', error => uncaught.push(error))
  try {
    await new Promise<void>(resolve => {
      scheduler.post(() => {
        throw new Error('thrown')
      })
      scheduler.post(resolve)
    })
  } finally {
    for (const listener of listeners) process.on('uncaughtException', listener)
  }
  t.equal(uncaught.length, 1)
})

t.test('a timer fires once, unless it was taken back', async t => {
  const { scheduler, clock } = nodeRuntime()
  const began = clock.monotonic()
  const cancel = scheduler.after(1, () => t.fail('it was taken back'))
  cancel()
  cancel()
  const held = setTimeout(() => {}, 10_000)
  await new Promise<void>(resolve => scheduler.after(20, resolve))
  clearTimeout(held)
  t.ok(clock.monotonic() - began >= 19)
  t.ok(Math.abs(clock.wall() - Date.now()) < 1_000)
})

t.test('chance is the process’s own', async t => {
  const { random } = nodeRuntime()
  const floats = Array.from({ length: 100 }, () => random.float())
  t.ok(floats.every(each => each >= 0 && each < 1))
  t.equal(new Set(floats).size, 100)
  t.notSame(random.bytes(16), random.bytes(16))
})
