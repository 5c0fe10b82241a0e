import t from 'tap'
import { LIMITS, type Ticks } from '../../lib/base/index.js'
import { ContainerReaper } from '../../lib/member/container-reaper.js'
import { CONTAINER } from '../../lib/tree/index.js'
import { create, Leader, multi, remove, setData, touch } from '../fixtures/tree.js'

const LATER = 1_000_000

function reaperOf(leader: Leader, roundTicks = 1): ContainerReaper {
  return new ContainerReaper(leader.tree, leader.pending, roundTicks as Ticks)
}

function withMortals(count: number): Leader {
  const leader = new Leader()
  for (let from = 0; from < count; from += LIMITS.multiOpsMax) {
    const left = Math.min(LIMITS.multiOpsMax, count - from)
    leader.run(multi(...Array.from({ length: left }, (_, index) => create(`/m${from + index}`, { lifetime: 10 }))))
  }
  return leader
}

t.test('what has served its purpose is found, and nothing else', async t => {
  const leader = new Leader(undefined, { containerUnusedMilliseconds: 500 })
  leader.run(create('/used', { lifetime: CONTAINER }))
  leader.run(create('/used/child'))
  leader.run(create('/busy', { lifetime: CONTAINER }))
  leader.run(create('/busy/child'))
  leader.run(create('/unused', { lifetime: CONTAINER }))
  leader.run(create('/short', { lifetime: 100 }))
  leader.run(create('/long', { lifetime: 10_000 }))
  leader.run(create('/persistent'))
  const reaper = reaperOf(leader)
  t.strictSame(reaper.onTick(leader.time), [])
  leader.run(remove('/used/child'))
  leader.pass(200)
  t.strictSame([...reaper.onTick(leader.time)].sort(), ['/short', '/used'])
  leader.pass(400)
  t.strictSame([...reaper.onTick(leader.time)].sort(), ['/short', '/unused', '/used'], 'as long as nobody removes them')
})

t.test('what is on its way counts: a child that is created, data that are set, a touch', async t => {
  const leader = new Leader()
  for (const name of ['a', 'b', 'c', 'd']) leader.run(create(`/${name}`, { lifetime: 100 }))
  leader.run(create('/e', { lifetime: CONTAINER }))
  leader.run(create('/e/child'))
  leader.pass(200)
  leader.prepare(create('/a/child'))
  leader.prepare(setData('/b'))
  leader.prepare(touch('/c'))
  leader.prepare(remove('/e/child'))
  t.strictSame([...reaperOf(leader).onTick(leader.time)].sort(), ['/d', '/e'])
  leader.prepare(remove('/d'))
  t.strictSame([...reaperOf(leader).onTick(leader.time)], ['/e'])
})

t.test('rounds begin so many ticks apart, the first after as many', async t => {
  const leader = withMortals(1)
  const reaper = reaperOf(leader, 3)
  const found = Array.from({ length: 9 }, () => reaper.onTick(leader.time + LATER).length)
  t.strictSame(found, [0, 0, 1, 0, 0, 1, 0, 0, 1])
})

t.test('a round goes through many in parts, each once, and the next begins when it is over', async t => {
  const count = LIMITS.reapedMax * 3 + 7
  const leader = withMortals(count)
  const reaper = reaperOf(leader, 2)
  const ticks = Array.from({ length: 9 }, () => reaper.onTick(leader.time + LATER))
  const sizes = ticks.map(paths => paths.length)
  const { reapedMax } = LIMITS
  t.strictSame(sizes.slice(0, 5), [0, reapedMax, reapedMax, reapedMax, 7])
  t.equal(new Set(ticks.slice(0, 5).flat()).size, count)
  t.equal(
    sizes.slice(5).find(size => size > 0),
    reapedMax,
    'the next round'
  )
})

t.test('a tick looks at a bounded number, however few of them may go', async t => {
  const leader = withMortals(2 * LIMITS.reapLookedAtMax)
  const reaper = reaperOf(leader)
  let looked = 0
  const pending = leader.pending
  const isRemovable = pending.isRemovable.bind(pending)
  pending.isRemovable = (path, time) => {
    looked++
    return isRemovable(path, time)
  }
  t.strictSame(reaper.onTick(leader.time - LATER), [])
  t.equal(looked, LIMITS.reapLookedAtMax)
  reaper.onTick(leader.time - LATER)
  t.equal(looked, 2 * LIMITS.reapLookedAtMax)
})

t.test('what comes and goes during a round is met or not, and breaks nothing', async t => {
  const leader = withMortals(LIMITS.reapedMax + 50)
  const reaper = reaperOf(leader)
  const first = reaper.onTick(leader.time + LATER)
  t.equal(first.length, LIMITS.reapedMax)
  for (const path of first) leader.run(remove(path))
  for (let index = 0; index < 20; index++) leader.run(create(`/new${index}`, { lifetime: 10 }))
  const rest = reaper.onTick(leader.time + LATER)
  const old = rest.filter(path => path.startsWith('/m'))
  t.equal(old.length, 50, 'what was there all the time is met')
  t.equal(new Set([...first, ...rest]).size, first.length + rest.length)
})
