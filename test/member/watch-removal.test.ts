import t from 'tap'
import type { WatchEvent, WatcherKind } from '../../lib/member/index.js'
import { VirtualEnsemble } from '../../lib/sim/world/virtual-ensemble.js'
import { outcomeOf } from '../fixtures/outcome.js'
import { listening, shown, WatchScene } from '../fixtures/watch-scene.js'

t.test('a removed watch is told so once, and is gone before it is told', async t => {
  const scene = new WatchScene()
  const session = scene.session()
  const events: WatchEvent[] = []
  const listener = (event: WatchEvent) => {
    events.push(event)
    t.throws(() => session.check('/p', 'any'), { code: 'NO_WATCHER' })
  }
  session.addOnce('/p', 'data', listener)
  session.addOnce('/p', 'child', listener)
  session.add('/p', {}, listener)
  session.add('/p', { recursive: true }, listener)
  session.addOnce('/q', 'data', listener)
  session.remove('/p', 'any', undefined)
  const [path, zxid, state] = ['/p', scene.zxidApplied, 'connected']
  t.strictSame(events, [
    { type: 'dataWatchRemoved', path, zxid, state },
    { type: 'childWatchRemoved', path, zxid, state },
    { type: 'persistentWatchRemoved', path, zxid, state }
  ])
  t.equal(scene.dispatcher.count, 1)
})

t.test('a kind, a listener and a session narrow down what is removed', async t => {
  const scene = new WatchScene()
  const session = scene.session()
  const [one, two, other] = [listening(), listening(), listening()]
  for (const { listener } of [one, two]) {
    session.addOnce('/p', 'data', listener)
    session.addOnce('/p', 'child', listener)
    session.add('/p', {}, listener)
    session.add('/p', { recursive: true }, listener)
  }
  scene.session().add('/p', {}, other.listener)
  session.remove('/p', 'data', one.listener)
  t.throws(() => session.remove('/p', 'data', one.listener), { code: 'NO_WATCHER' })
  session.remove('/p', 'data', undefined)
  t.throws(() => session.check('/p', 'data'), { code: 'NO_WATCHER' })
  session.remove('/p', 'recursive', undefined)
  t.throws(() => session.check('/p', 'recursive'), { code: 'NO_WATCHER' })
  session.check('/p', 'persistent')
  session.check('/p', 'child')
  session.remove('/p', 'any', two.listener)
  session.check('/p', 'persistent')
  session.remove('/p', 'any', undefined)
  for (const kind of ['data', 'child', 'persistent', 'recursive', 'any'] as const) {
    t.throws(() => session.check('/p', kind), { code: 'NO_WATCHER' })
    t.throws(() => session.remove('/p', kind, undefined), { code: 'NO_WATCHER', path: '/p' })
  }
  const removed = ['dataWatchRemoved /p', 'persistentWatchRemoved /p', 'childWatchRemoved /p', 'persistentWatchRemoved /p']
  t.strictSame(one.heard, removed)
  t.strictSame(two.heard, removed)
  t.strictSame(other.heard, [])
  t.equal(scene.dispatcher.count, 1)
})

t.test('a path is meant exactly: nothing above or below it is removed', async t => {
  const scene = new WatchScene()
  const session = scene.session()
  session.add('/p', { recursive: true }, () => {})
  session.addOnce('/p/x/y', 'data', () => {})
  t.throws(() => session.remove('/p/x', 'any', undefined), { code: 'NO_WATCHER' })
  t.throws(() => session.check('/', 'any'), { code: 'NO_WATCHER' })
})

t.test('the handles of a removed watch are disposed of, and yield that behind all else', async t => {
  const scene = new WatchScene()
  const session = scene.session()
  const { heard, listener } = listening()
  const handles = [session.add('/p', { buffer: 1 }, listener), session.add('/p', {}, listener), session.add('/p', {}, null)]
  const [full, ...others] = handles.map(handle => handle[Symbol.asyncIterator]())
  const waiting = session.add('/p', {}, null)[Symbol.asyncIterator]()
  const asked = [waiting.next(), waiting.next(), waiting.next(), waiting.next()]
  scene.txn(['created', '/p'])
  scene.txn(['deleted', '/p'])
  session.remove('/p', 'any', undefined)
  t.ok(handles.every(({ disposed }) => disposed))
  const yielded = async (iteration: AsyncIterator<WatchEvent> | undefined): Promise<readonly string[]> => {
    const found: string[] = []
    for (let next = await iteration?.next(); next?.done === false; next = await iteration?.next()) found.push(shown(next.value))
    return found
  }
  t.strictSame(await yielded(full), ['created /p', 'overflow /p 1', 'persistentWatchRemoved /p'])
  for (const other of others) t.strictSame(await yielded(other), ['created /p', 'deleted /p', 'persistentWatchRemoved /p'])
  t.strictSame(
    (await Promise.all(asked)).map(({ value }) => value && shown(value)),
    ['created /p', 'deleted /p', 'persistentWatchRemoved /p', undefined]
  )
  t.strictSame(heard, ['created /p', 'deleted /p', 'persistentWatchRemoved /p'])
})

t.test('a watch that a listener removes has been told of everything up to then, whoever is told first', async t => {
  const scene = new WatchScene()
  const session = scene.session()
  const { heard, listener } = listening()
  session.add('/p', {}, () => heard.length === 0 && session.remove('/p', 'recursive', undefined))
  session.add('/p', { recursive: true }, listener)
  session.addOnce('/p', 'data', listener)
  scene.txn(['created', '/p'], ['dataChanged', '/p'])
  t.strictSame(heard, ['created /p', 'dataChanged /p', 'persistentWatchRemoved /p'])
  t.equal(scene.dispatcher.count, 1)
  t.equal(session.hearerCount, 1)
})

t.test('a listener may remove its own watch, and what it throws then is reported', async t => {
  const scene = new WatchScene()
  const session = scene.session()
  const heard: string[] = []
  session.add('/p', {}, event => {
    heard.push(shown(event))
    if (event.type === 'created') session.remove('/p', 'any', undefined)
    else throw new Error('of the application')
  })
  scene.txn(['created', '/p'], ['deleted', '/p'])
  t.strictSame(heard, ['created /p', 'deleted /p', 'persistentWatchRemoved /p'])
  t.equal(scene.errors.length, 2)
  t.equal(scene.dispatcher.hearerCount, 0)
})

t.test('a session removes and checks its watches in the order of its calls, and no other session is concerned', async t => {
  const ensemble = new VirtualEnsemble({ seed: 301 })
  await ensemble.startAll()
  const member = ensemble.follower
  const session = await ensemble.settle(member.openSession())
  const other = listening()
  session.watch('/p', {}, other.listener)
  const { heard, listener } = listening()
  const order: string[] = []
  const note = (name: string) => (outcome: string) => order.push(`${name} ${outcome}`)
  member.watch('/p', {}, listener)
  await ensemble.settle(
    Promise.all([
      outcomeOf(member.create('/p')).then(note('create')),
      outcomeOf(member.getData('/p', { watch: listener })).then(note('read')),
      outcomeOf(member.checkWatches('/p', 'data')).then(note('check')),
      outcomeOf(member.removeWatches('/p')).then(note('remove')),
      outcomeOf(member.checkWatches('/p')).then(note('check')),
      outcomeOf(member.removeWatches('/p')).then(note('remove')),
      outcomeOf(member.setData('/p', 'x')).then(note('write'))
    ])
  )
  t.strictSame(order, ['create OK', 'read OK', 'check OK', 'remove OK', 'check NO_WATCHER', 'remove NO_WATCHER', 'write OK'])
  t.strictSame(heard, ['created /p', 'dataWatchRemoved /p', 'persistentWatchRemoved /p'])
  t.strictSame(other.heard, ['created /p', 'dataChanged /p'])
  t.equal(member.status().watches, 1)
  t.equal(await outcomeOf(session.checkWatches('/p', 'persistent')), 'OK')
  await ensemble.settle(session.close())
  t.equal(await outcomeOf(session.checkWatches('/p')), 'CLOSED')
  t.equal(await outcomeOf(session.removeWatches('/p')), 'CLOSED')
  t.equal(member.status().watches, 0)
  await ensemble.close()
})

t.test('what is no path, kind or function is refused before anything is removed', async t => {
  const ensemble = new VirtualEnsemble({ seed: 302, size: 1 })
  const [member] = await ensemble.startAll()
  if (member === undefined) throw new Error('a member')
  member.watch('/p', {}, () => t.fail('nothing was removed'))
  for (const kind of ['Data', 'exists', '', null, 1, {}]) {
    t.equal(await outcomeOf(member.removeWatches('/p', kind as WatcherKind)), 'BAD_ARGUMENTS')
    t.equal(await outcomeOf(member.checkWatches('/p', kind as WatcherKind)), 'BAD_ARGUMENTS')
  }
  for (const path of ['p', '/p/', '', null, undefined]) {
    t.equal(await outcomeOf(member.removeWatches(path as string)), 'BAD_ARGUMENTS')
    t.equal(await outcomeOf(member.checkWatches(path as string)), 'BAD_ARGUMENTS')
  }
  t.equal(await outcomeOf(member.removeWatches('/p', 'any', 'listener' as never)), 'BAD_ARGUMENTS')
  t.equal(member.status().watches, 1)
  await ensemble.close()
})
