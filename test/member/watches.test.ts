import t from 'tap'
import type { WatchEvent } from '../../lib/member/index.js'
import { withLimits } from '../../lib/sim/faults/tiny-limits.js'
import { VirtualEnsemble } from '../../lib/sim/world/virtual-ensemble.js'
import { outcomeOf } from '../fixtures/outcome.js'
import { listening, shown } from '../fixtures/watch-scene.js'

t.test('a one-shot watch is told of the first change that its read would show, and of no other', async t => {
  const ensemble = new VirtualEnsemble({ seed: 91 })
  await ensemble.startAll()
  const { follower: member, leader: other } = ensemble
  const heard: string[] = []
  const watch = (event: WatchEvent) => heard.push(shown(event))
  t.equal(await ensemble.settle(member.exists('/one', { watch })), null)
  t.equal(await ensemble.settle(outcomeOf(member.getData('/one', { watch }))), 'NO_NODE', 'and no watch is set')
  t.equal(member.status().watches, 1)
  await ensemble.settle(other.create('/one'))
  await ensemble.settle(other.setData('/one', 'x'))
  await ensemble.converge()
  t.strictSame(heard.splice(0), ['created /one'])
  await ensemble.settle(Promise.all([member.getData('/one', { watch }), member.getChildren('/one', { watch })]))
  t.equal(member.status().watches, 2)
  await ensemble.settle(other.setData('/one', 'y'))
  await ensemble.settle(other.create('/one/child'))
  await ensemble.settle(other.create('/one/other'))
  await ensemble.converge()
  t.strictSame(heard.splice(0), ['dataChanged /one', 'childrenChanged /one'])
  t.equal(member.status().watches, 0)
  await ensemble.settle(member.getChildren('/one/child', { watch }))
  await ensemble.settle(other.delete('/one/child'))
  await ensemble.converge()
  t.strictSame(heard, ['deleted /one/child'])
  await ensemble.close()
})

t.test('persistent and recursive watches hear of everything, in zxid order, as multis did it', async t => {
  const ensemble = new VirtualEnsemble({ seed: 92 })
  await ensemble.startAll()
  const { follower: member, leader: other } = ensemble
  const persistent: string[] = []
  const recursive: string[] = []
  const zxids: number[] = []
  member.watch('/p', {}, event => persistent.push(shown(event)))
  member.watch('/', { recursive: true }, event => {
    recursive.push(shown(event))
    zxids.push(event.zxid)
    t.equal(event.state, 'connected')
  })
  await ensemble.settle(other.create('/p'))
  await ensemble.settle(
    other.multi([
      { type: 'create', path: '/p/a' },
      { type: 'setData', path: '/p', data: 'x' },
      { type: 'delete', path: '/p/a' }
    ])
  )
  await ensemble.settle(other.delete('/p'))
  await ensemble.converge()
  t.strictSame(persistent, ['created /p', 'childrenChanged /p', 'dataChanged /p', 'childrenChanged /p', 'deleted /p'])
  t.strictSame(recursive, ['created /p', 'created /p/a', 'dataChanged /p', 'deleted /p/a', 'deleted /p'])
  t.strictSame(
    zxids,
    [...zxids].sort((a, b) => a - b)
  )
  t.equal(new Set(zxids).size, 3)
  await ensemble.close()
})

t.test('an event is told before the change can be read by anybody in the process, and before any promise resolves', async t => {
  const ensemble = new VirtualEnsemble({ seed: 93 })
  await ensemble.startAll()
  for (const member of [ensemble.leader, ensemble.follower]) {
    const path = `/first-${member.id}`
    const order: string[] = []
    const other = await ensemble.settle(member.openSession())
    let versionSeen = -1
    other.watch(path, {}, ({ type, zxid }) => {
      order.push(type)
      t.equal(member.local.zxid, zxid, 'told at the very txn')
      versionSeen = member.local.getData(path)?.stat.version ?? -1
    })
    const calls = [
      member.create(path, '0').then(() => order.push('create resolved')),
      member.getData(path).then(() => order.push('read resolved')),
      member.setData(path, '1').then(({ version }) => {
        t.equal(versionSeen, version)
        order.push('setData resolved')
      })
    ]
    await ensemble.until(() => {
      if (order.length === 0 && member.local.exists(path) !== null) t.fail('it can be read and nobody was told')
      return order.length === 5
    })
    await Promise.all(calls)
    t.ok(order.indexOf('created') < order.indexOf('create resolved'))
    t.ok(order.indexOf('dataChanged') < order.indexOf('setData resolved'))
    t.equal(order[0], 'created')
  }
  await ensemble.close()
})

t.test('what a listener throws surfaces as an uncaught exception would, and stops nothing', async t => {
  const ensemble = new VirtualEnsemble({ seed: 94 })
  await ensemble.startAll()
  const member = ensemble.follower
  const error = new Error('of the application')
  const fail = () => {
    throw error
  }
  let heard = 0
  member.watch('/throws', {}, fail)
  member.watch('/throws', {}, () => heard++)
  await ensemble.settle(member.exists('/throws', { watch: fail }))
  t.equal(member.status().watches, 3)
  member.on('leader', fail)
  member.on('role', fail)
  const endState = member.onState(fail)
  t.equal((await ensemble.settle(member.create('/throws'))).path, '/throws')
  t.equal(heard, 1)
  await ensemble.until(() => ensemble.errors.length === 1)
  await ensemble.crash(ensemble.leader.id)
  await ensemble.until(() => member.status().serving)
  await ensemble.settle(member.setData('/throws', 'x'))
  t.equal(heard, 2)
  await ensemble.run(1)
  t.ok(ensemble.errors.length > 4)
  t.ok(ensemble.errors.splice(0).every(each => each === error))
  member.off('leader', fail)
  member.off('role', fail)
  endState()
  await ensemble.close()
})

t.test('watches are for-await-able from the moment they are set, and end with their session', async t => {
  const ensemble = new VirtualEnsemble({ seed: 95 })
  await ensemble.startAll()
  const member = ensemble.follower
  const session = await ensemble.settle(member.openSession())
  const watcher = session.watch('/', { recursive: true })
  const heard: string[] = []
  const iterating = (async () => {
    for await (const event of watcher) heard.push(shown(event))
    return 'ended'
  })()
  const [first, second] = [watcher[Symbol.asyncIterator](), watcher[Symbol.asyncIterator]()]
  await ensemble.settle(member.create('/i'))
  await ensemble.settle(member.setData('/i', 'x'))
  t.equal((await first.next()).value.type, 'created')
  t.equal((await second.next()).value.type, 'created')
  await first.return?.()
  t.strictSame(await first.next(), { done: true, value: undefined })
  t.equal((await second.next()).value.type, 'dataChanged')
  const waiting = second.next()
  await ensemble.settle(session.close())
  t.equal(await ensemble.settle(iterating), 'ended')
  t.strictSame(await waiting, { done: true, value: undefined })
  t.strictSame(heard, ['created /i', 'dataChanged /i'])
  t.equal(watcher.disposed, true)
  t.strictSame(await watcher[Symbol.asyncIterator]().next(), { done: true, value: undefined })
  await ensemble.close()
})

t.test('an iteration that falls too far behind meets an item that says how much was left out, and goes on', async t => {
  const ensemble = new VirtualEnsemble({ seed: 96, size: 1 })
  await ensemble.startAll()
  const member = ensemble.member(1)
  const { heard, listener } = listening()
  const watcher = member.watch('/', { recursive: true, buffer: 3 }, listener)
  const iteration = watcher[Symbol.asyncIterator]()
  const wide = member.watch('/', { recursive: true })[Symbol.asyncIterator]()
  const names = Array.from({ length: 10 }, (_, index) => `/${index}`)
  for (const path of names) await ensemble.settle(member.create(path))
  const { zxid } = member.local
  const next = async (): Promise<WatchEvent> => (await iteration.next()).value
  for (const path of names.slice(0, 3)) t.equal(shown(await next()), `created ${path}`)
  t.strictSame(await next(), { type: 'overflow', path: '/', zxid, dropped: 7, state: 'connected' })
  await ensemble.settle(member.setData('/9', 'x'))
  t.equal(shown(await next()), 'dataChanged /9')
  t.equal(watcher.disposed, false)
  for (const path of names) t.equal(shown((await wide.next()).value), `created ${path}`, 'another one was not behind')
  t.strictSame(heard, [...names.map(path => `created ${path}`), 'dataChanged /9'], 'a listener is never behind')
  await ensemble.close()
})

t.test('unless said otherwise an iteration may fall ten thousand events behind', async t => {
  const ensemble = new VirtualEnsemble({ seed: 102, size: 1 })
  await ensemble.startAll()
  const member = ensemble.member(1)
  const iteration = member.watch('/', { recursive: true })[Symbol.asyncIterator]()
  for (let group = 0; group <= 10; group++) {
    const paths = Array.from({ length: 1_000 }, (_, index) => `/${group * 1_000 + index}`)
    await ensemble.settle(member.multi(paths.map(path => ({ type: 'create', path }))))
  }
  for (let index = 0; index < 10_000; index++) {
    const { value } = await iteration.next()
    if (value.path !== `/${index}`) t.fail(`event ${index} is of ${value.path}`)
  }
  t.equal(shown((await iteration.next()).value), 'overflow / 1000')
  await ensemble.close()
})

t.test('what is no option of a watch is refused, and nothing is set', async t => {
  const ensemble = new VirtualEnsemble({ seed: 103, size: 1 })
  await ensemble.startAll()
  const member = ensemble.member(1)
  for (const buffer of [0, -1, 1.5, 1_000_001, Number.NaN, Number.POSITIVE_INFINITY, '9', null]) {
    t.throws(() => member.watch('/', { buffer: buffer as number }), { code: 'BAD_ARGUMENTS' })
  }
  t.throws(() => member.watch('/', { recursive: 1 as never }), { code: 'BAD_ARGUMENTS' })
  t.throws(() => member.watch('/', { signal: {} as never }), { code: 'BAD_ARGUMENTS' })
  t.throws(() => member.watch('/', {}, 'listener' as never), { code: 'BAD_ARGUMENTS' })
  t.throws(() => member.watch('p', {}), { code: 'BAD_ARGUMENTS' })
  t.equal(member.status().watches, 0)
  for (const buffer of [1, 1_000_000]) t.equal(member.watch('/', { buffer }).disposed, false)
  await ensemble.close()
})

t.test('a read whose watch would be one too many rejects, and sets none', async t => {
  const act = async () => {
    const ensemble = new VirtualEnsemble({ seed: 104, size: 1 })
    await ensemble.startAll()
    const member = ensemble.member(1)
    const { heard, listener } = listening()
    member.watch('/one')
    const two = member.watch('/two')
    const reads = [
      () => member.exists('/p', { watch: listener }),
      () => member.getData('/', { watch: listener }),
      () => member.getChildren('/', { watch: listener }),
      () => member.getChildren('/', { watch: listener, linearizable: true })
    ]
    for (const read of reads) t.equal(await ensemble.settle(outcomeOf(read())), 'LIMIT_EXCEEDED')
    t.throws(() => member.watch('/p', {}, listener), { code: 'LIMIT_EXCEEDED' })
    t.equal(await outcomeOf(member.exists('/p')), 'OK')
    t.equal(member.status().watches, 2)
    await ensemble.settle(member.create('/p'))
    t.strictSame(heard, [])
    two.dispose()
    t.equal(await outcomeOf(member.exists('/p', { watch: listener })), 'OK')
    await ensemble.close()
  }
  await withLimits({ watchesMax: 2 }, act)
})

t.test('disposing of a watch, aborting it or ending its session takes it out of the count', async t => {
  const ensemble = new VirtualEnsemble({ seed: 97 })
  await ensemble.startAll()
  const member = ensemble.follower
  const controller = new AbortController()
  const { heard, listener } = listening()
  const disposed = member.watch('/d', {}, listener)
  member.watch('/d', { signal: controller.signal }, listener)
  member.watch('/d', { signal: AbortSignal.abort() }, listener)
  t.equal(member.status().watches, 1, 'the same function is registered')
  member.watch('/d', { signal: controller.signal })
  t.equal(member.status().watches, 2)
  {
    using scoped = member.watch('/d', { recursive: true }, listener)
    t.equal(scoped.recursive, true)
    t.equal(member.status().watches, 3)
  }
  disposed.dispose()
  disposed.dispose()
  t.equal(member.status().watches, 2)
  controller.abort()
  t.equal(member.status().watches, 0)
  const session = await ensemble.settle(member.openSession())
  session.watch('/d', {}, listener)
  await ensemble.settle(session.exists('/d', { watch: listener }))
  t.equal(member.status().watches, 2)
  await ensemble.settle(session.close())
  t.equal(member.status().watches, 0)
  await ensemble.settle(member.create('/d'))
  t.strictSame(heard, [])
  await ensemble.close()
})

t.test('a listener may dispose of others, set new watches, read and write', async t => {
  const ensemble = new VirtualEnsemble({ seed: 98 })
  await ensemble.startAll()
  const member = ensemble.follower
  const heard: string[] = []
  const inner: Promise<unknown>[] = []
  const later = { dispose: () => {} }
  member.watch('/l', {}, event => {
    heard.push(`first ${shown(event)}`)
    later.dispose()
    if (event.type !== 'created') return
    member.watch('/l', {}, other => heard.push(`third ${shown(other)}`))
    inner.push(member.setData('/l', 'by the listener'), member.getData('/l'))
  })
  Object.assign(later, { dispose: () => second.dispose() })
  const second = member.watch('/l', {}, event => heard.push(`second ${shown(event)}`))
  await ensemble.settle(member.create('/l'))
  await ensemble.settle(Promise.all(inner))
  t.strictSame(heard, ['first created /l', 'first dataChanged /l', 'third dataChanged /l'])
  await ensemble.close()
})

t.test('a member may be closed inside a listener', async t => {
  for (const alone of [true, false]) {
    const ensemble = new VirtualEnsemble({ seed: 99, size: alone ? 1 : 3 })
    await ensemble.startAll()
    const member = alone ? ensemble.member(1) : ensemble.follower
    let closing: Promise<void> | null = null
    member.watch('/c', { recursive: true }, () => {
      closing ??= member.close()
    })
    const calls = Array.from({ length: 5 }, (_, index) => outcomeOf(member.create(index === 0 ? '/c' : `/c/${index}`)))
    t.strictSame(await ensemble.settle(Promise.all(calls)), Array(5).fill('OK'), 'they were issued before')
    await ensemble.settle(closing ?? Promise.reject(new Error('nothing was heard')))
    t.equal(member.role, 'closed')
    t.equal(member.status().watches, 0)
    await ensemble.close()
  }
})

t.test('a watch outlives the leader and the loss of the connection, and misses nothing', async t => {
  const ensemble = new VirtualEnsemble({ seed: 100, options: { sessionTimeout: 12_000 } })
  await ensemble.startAll()
  const member = ensemble.follower
  await ensemble.settle(member.create('/alive'))
  const zxids: number[] = []
  member.watch('/alive', {}, ({ zxid }) => zxids.push(zxid))
  ensemble.isolate(member.id)
  await ensemble.until(() => member.state === 'disconnected')
  for (let version = 1; version <= 5; version++) await ensemble.settle(ensemble.leader.setData('/alive', String(version)))
  t.strictSame(zxids, [])
  ensemble.healAll()
  await ensemble.converge()
  t.equal(zxids.length, 5)
  await ensemble.crash(ensemble.leader.id)
  await ensemble.settle(member.setData('/alive', '6'))
  t.equal(zxids.length, 6)
  t.strictSame(
    zxids,
    [...new Set(zxids)].sort((a, b) => a - b)
  )
  await ensemble.close()
})
