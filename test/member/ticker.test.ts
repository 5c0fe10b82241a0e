import t from 'tap'
import type { Runtime } from '../../lib/base/index.js'
import { Ticker } from '../../lib/member/ticker.js'
import { VirtualRuntime } from '../../lib/sim/world/virtual-runtime.js'

/** A loop that can stand still: timers that come due meanwhile fire when it goes on. */
function bench(ticksMax = 8) {
  const virtual = new VirtualRuntime()
  let stalled = 0
  const ticks: number[] = []
  const late: number[] = []
  const during: (() => void)[] = []
  const clock = { wall: () => 0, monotonic: () => virtual.now + stalled }
  const runtime: Runtime = { ...virtual.runtime, clock }
  const ticker = new Ticker(
    runtime,
    100,
    ticksMax,
    () => {
      ticks.push(clock.monotonic())
      for (const each of during) each()
    },
    milliseconds => late.push(milliseconds)
  )
  const stall = (milliseconds: number) => {
    stalled += milliseconds
  }
  return { virtual, runtime, ticker, ticks, late, during, stall }
}

t.test('ticks are regular, and being a little late shifts none of them', async t => {
  const { virtual, ticker, ticks, late, stall } = bench()
  ticker.start()
  await virtual.run(250)
  t.strictSame(ticks, [100, 200])
  stall(70)
  await virtual.run(200)
  t.strictSame(ticks, [100, 200, 370, 400, 500])
  t.strictSame(late, [])
})

t.test('ticks that were missed are made up for one by one, with the loop turning in between', async t => {
  const { virtual, runtime, ticker, ticks, late, during, stall } = bench()
  const seen: number[] = []
  const look = () => {
    seen.push(ticks.length)
    if (seen.length < 10) runtime.scheduler.post(look)
  }
  during.push(() => ticks.length === 2 && look())
  ticker.start()
  await virtual.run(150)
  stall(430)
  await virtual.run(60)
  t.strictSame(late, [430])
  t.equal(ticks.length, 1 + 5)
  t.ok(new Set(seen).size >= 4, 'what arrived meanwhile is heard between them')
  await virtual.run(100)
  t.equal(ticks.length, 1 + 5 + 1, 'and then they are regular again')
})

t.test('of very many missed ticks only so many are made up for', async t => {
  const { virtual, ticker, ticks, late, stall } = bench(8)
  ticker.start()
  stall(1_000_000)
  await virtual.run(100)
  t.equal(ticks.length, 8)
  t.equal(late.length, 1)
  await virtual.run(300)
  t.equal(ticks.length, 8 + 3)
})

t.test('nothing ticks after the close, also in the middle of making up', async t => {
  const { virtual, ticker, ticks, stall } = bench()
  ticker.start()
  stall(500)
  await virtual.until(() => ticks.length === 2)
  ticker.close()
  await virtual.run(1_000)
  t.equal(ticks.length, 2)
})
