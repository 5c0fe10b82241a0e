import t from 'tap'
import { isZooKeeperError, ZooKeeperError } from '../../lib/base/index.js'
import { ChrootView } from '../../lib/member/chroot.js'
import type { MultiOp, ReadOp, SessionState, WatchEvent, WatchListener, ZooKeeper } from '../../lib/member/index.js'
import { VirtualEnsemble, type VirtualEnsembleOptions } from '../../lib/sim/world/virtual-ensemble.js'
import { outcomeOf } from '../fixtures/outcome.js'

async function started(settings: VirtualEnsembleOptions = {}): Promise<VirtualEnsemble> {
  const ensemble = new VirtualEnsemble({ seed: 241, size: 1, ...settings })
  await ensemble.startAll()
  return ensemble
}

async function failureOf(call: Promise<unknown>): Promise<ZooKeeperError> {
  try {
    await call
  } catch (error) {
    if (isZooKeeperError(error)) return error
    throw error
  }
  throw new Error('a refusal was expected')
}

t.test('every call asks below the root, and tells of paths as they are seen from there', async t => {
  const ensemble = await started()
  const zk = ensemble.member(1)
  const app = zk.chroot('/app')
  const run = <T>(call: Promise<T>) => ensemble.settle(call)
  t.equal(await run(app.exists('/')), null, 'nothing is created')
  t.equal((await run(app.create('/'))).path, '/')
  t.equal((await run(app.create('/a', 'x'))).path, '/a')
  t.equal((await run(app.create('/a/', null, { sequential: true }))).path, '/a/0000000000')
  t.equal((await run(app.create('/', null, { sequential: true }))).path, '/0000000001')
  t.strictSame(await run(app.createIfAbsent('/a')), { path: '/a', stat: await zk.exists('/app/a'), created: false })
  t.strictSame(await app.getData('/a'), await zk.getData('/app/a'))
  t.strictSame((await app.getChildren('/')).children, ['0000000001', 'a'])
  t.strictSame((await app.getChildren('/', { after: '0', limit: 1 })).children, ['0000000001'])
  t.equal(await app.getAllChildrenNumber('/'), 3)
  t.equal((await run(app.setData('/', 'root'))).version, 1)
  t.equal((await zk.getData('/app')).data?.toString(), 'root')
  t.strictSame(await run(app.touch('/a')), await zk.exists('/app/a'))
  const acl = [{ perms: 31, scheme: 'world', id: 'anyone' }]
  t.equal((await run(app.setACL('/a', acl))).aversion, 1)
  t.strictSame(await app.getACL('/a'), { acl, stat: await zk.exists('/app/a') })
  await run(app.delete('/a', { recursive: true }))
  t.equal(zk.local.exists('/app/a'), null)
  t.equal(await run(app.sync()), zk.local.zxid)
  await run(app.addAuth('digest', 'ann:x'))
  t.strictSame(await zk.whoAmI(), await app.whoAmI())
  t.equal(app.sessionId, zk.sessionId)
  t.equal(app.sessionTimeout, zk.sessionTimeout)
  t.strictSame(app.sessionPassword, zk.sessionPassword)
  t.equal(app.state, 'connected')
  await ensemble.close()
})

t.test('parents that are created may include the root, and what is above', async t => {
  const ensemble = await started()
  const zk = ensemble.member(1)
  const app = zk.chroot('/deep/down/app')
  const { path } = await ensemble.settle(app.create('/a/b', 'x', { parents: true }))
  t.equal(path, '/a/b')
  t.equal(zk.local.getData('/deep/down/app/a/b')?.data?.toString(), 'x')
  await ensemble.close()
})

t.test('multi, transactions and multiRead go through the root in both directions', async t => {
  const ensemble = await started()
  const zk = ensemble.member(1)
  const app = zk.chroot('/app')
  const results = await ensemble.settle(
    app
      .transaction()
      .create('/')
      .create('/t-', 'x', { sequential: true })
      .create('/u')
      .setData('/u', 'y')
      .check('/u', 1)
      .delete('/u')
      .commit()
  )
  t.strictSame(
    results.map(result => (result.type === 'create' ? result.path : result.type)),
    ['/', '/t-0000000000', '/u', 'setData', 'check', 'delete']
  )
  t.ok(zk.local.exists('/app/t-0000000000'))
  const reads: ReadOp[] = [
    { type: 'getChildren', path: '/' },
    { type: 'getData', path: '/none' },
    { type: 'exists', path: '/none' }
  ]
  t.match(await app.multiRead(reads), [
    { type: 'getChildren', children: ['t-0000000000'] },
    { type: 'error', code: 'NO_NODE', path: '/none' },
    { type: 'exists', stat: null }
  ])
  const refused = await ensemble.settle(
    failureOf(
      app.multi([
        { type: 'check', path: '/' },
        { type: 'delete', path: '/none' }
      ])
    )
  )
  t.match(refused, { code: 'NO_NODE', path: '/none', results: ['OK', 'NO_NODE'] })
  for (const ops of [null, 7, [null], ['x'], [{ type: 'delete' }]]) {
    t.equal(await outcomeOf(app.multi(ops as unknown as MultiOp[])), 'BAD_ARGUMENTS')
    t.equal(await outcomeOf(app.multiRead(ops as unknown as ReadOp[])), 'BAD_ARGUMENTS')
  }
  await ensemble.close()
})

t.test('an error names the path as it is seen, and is otherwise the same', async t => {
  const ensemble = await started()
  const zk = ensemble.member(1)
  await ensemble.settle(zk.create('/app/full/a', null, { parents: true }))
  const app = zk.chroot('/app')
  const read = await failureOf(app.getData('/none'))
  t.match(read, { code: 'NO_NODE', path: '/none', zxid: zk.local.zxid, outcome: 'not-applied', wireCode: -101 })
  t.notMatch(read.message, /app/)
  const write = await ensemble.settle(failureOf(app.delete('/full')))
  t.match(write, { code: 'NOT_EMPTY', path: '/full', zxid: zk.local.zxid })
  await ensemble.settle(app.setQuota('/full', { countHard: 2 }))
  t.equal((await ensemble.settle(failureOf(app.create('/full/b')))).path, '/full')
  await ensemble.settle(zk.setQuota('/', { countHard: 1 }))
  const above = await ensemble.settle(failureOf(app.create('/more')))
  t.equal(above.code, 'QUOTA_EXCEEDED')
  t.equal(above.path, undefined, 'what lies above cannot be named')
  t.equal((await failureOf(app.getData('relative'))).code, 'BAD_ARGUMENTS')
  t.equal((await failureOf(app.getData('/a//b'))).code, 'BAD_ARGUMENTS')
  t.equal((await failureOf(app.create('/a/', null))).code, 'BAD_ARGUMENTS')
  t.equal((await failureOf(app.create('//', null, { sequential: true }))).code, 'BAD_ARGUMENTS')
  t.equal((await failureOf(app.getData(`/${'x'.repeat(1_020)}`))).code, 'BAD_ARGUMENTS', 'too long with the root before it')
  const cause = new Error('the cause')
  const loss = new ZooKeeperError('CONNECTION_LOSS', { path: '/app/x', outcome: 'not-applied', cause })
  const failing = { getData: () => Promise.reject(loss) }
  const view = new ChrootView(failing as unknown as ZooKeeper, '/app')
  t.match(await failureOf(view.getData('/x')), {
    code: 'CONNECTION_LOSS',
    path: '/x',
    outcome: 'not-applied',
    retryable: true,
    cause
  })
  const other = new ChrootView({ getData: () => Promise.reject(cause) } as unknown as ZooKeeper, '/app')
  await t.rejects(other.getData('/x'), cause, 'what has no path is left as it is')
  await ensemble.close()
})

t.test('what is at or below /zookeeper is the same from everywhere', async t => {
  const ensemble = await started()
  const zk = ensemble.member(1)
  const app = zk.chroot('/app')
  await ensemble.settle(app.create('/a', null, { parents: true }))
  await ensemble.settle(app.setQuota('/a', { count: 5 }))
  t.strictSame(await app.getQuota('/a'), { limits: { count: 5 }, usage: { count: 1, bytes: 0 } })
  t.strictSame(await app.getQuota('/a'), await zk.getQuota('/app/a'))
  t.strictSame((await app.getChildren('/zookeeper/quota')).children, ['app'])
  const limits = '/zookeeper/quota/app/a/zookeeper_limits'
  t.equal((await app.getData(limits)).data?.toString(), (await zk.getData(limits)).data?.toString())
  t.equal((await failureOf(app.getData('/zookeeper/none'))).path, '/zookeeper/none')
  const events: string[] = []
  app.watch('/zookeeper/quota', { recursive: true }, ({ type, path }) => events.push(`${type} ${path}`))
  await ensemble.settle(app.setQuota('/a', { count: 6 }))
  t.strictSame(events, [`dataChanged ${limits}`])
  t.equal((await ensemble.settle(app.create('/zookeeper', null, { sequential: true }))).path, '/zookeeper0000000001')
  t.ok(zk.local.exists('/app/zookeeper0000000001'))
  await ensemble.close()
})

t.test('watches tell what is seen from the root: to listeners, once each, and to iterations', async t => {
  const ensemble = await started()
  const zk = ensemble.member(1)
  const app = zk.chroot('/app')
  const heard: string[] = []
  const listener: WatchListener = ({ type, path, state }) => heard.push(`${type} ${path} ${state}`)
  await ensemble.settle(app.create('/'))
  await app.exists('/a', { watch: listener })
  await app.getChildren('/', { watch: listener })
  const watcher = app.watch('/', { recursive: true }, listener)
  app.watch('/a', {}, listener)
  t.equal(watcher.path, '/')
  t.equal(watcher.recursive, true)
  const iteration = watcher[Symbol.asyncIterator]()
  const pending = iteration.next()
  await ensemble.settle(app.create('/a'))
  t.strictSame(heard, ['created /a connected', 'childrenChanged / connected'], 'once for each event')
  await ensemble.settle(app.create('/a/b'))
  await ensemble.settle(zk.create('/beside'))
  t.strictSame(heard.slice(2), ['created /a/b connected', 'childrenChanged /a connected'])
  t.match(await pending, { done: false, value: { type: 'created', path: '/a' } })
  t.match(await iteration.next(), { done: false, value: { type: 'created', path: '/a/b' } })
  await ensemble.settle(app.delete('/', { recursive: true }))
  t.equal(heard.at(-1), 'deleted / connected')
  watcher.dispose()
  t.equal(watcher.disposed, true)
  const rest: WatchEvent[] = []
  for (let next = await iteration.next(); next.done !== true; next = await iteration.next()) rest.push(next.value)
  t.strictSame(
    rest.map(({ path }) => path),
    ['/a/b', '/a', '/']
  )
  for await (const event of watcher) t.fail(event.path)
  await ensemble.close()
})

t.test('an iteration that is left is over, and one that falls behind is told so', async t => {
  const ensemble = await started()
  const zk = ensemble.member(1)
  const app = zk.chroot('/app')
  await ensemble.settle(app.create('/'))
  const watcher = app.watch('/', { recursive: true, buffer: 1 })
  const iteration = watcher[Symbol.asyncIterator]()
  for (const name of ['a', 'b', 'c']) await ensemble.settle(app.create(`/${name}`))
  t.match((await iteration.next()).value, { type: 'created', path: '/a' })
  t.match((await iteration.next()).value, { type: 'overflow', path: '/', dropped: 2 })
  t.equal((await iteration.return?.())?.done, true)
  t.equal((await iteration.next()).done, true)
  await ensemble.close()
})

t.test('a reset names its paths as they are seen', async t => {
  let told: WatchListener = () => {}
  const zk = {
    watch: (_path: string, _options: unknown, listener: WatchListener) => {
      told = listener
      return { path: '/app', recursive: true, disposed: false, dispose: () => {} }
    }
  }
  const heard: unknown[] = []
  new ChrootView(zk as unknown as ZooKeeper, '/app').watch('/', {}, event => heard.push(event))
  const rest = { type: 'reset', zxid: 7, state: 'connected' } as unknown as Extract<WatchEvent, { type: 'reset' }>
  told({ ...rest, path: '/app', paths: ['/app', '/app/a', '/app/a/b'] })
  told({ ...rest, path: '/app', paths: null })
  t.strictSame(heard, [
    { ...rest, path: '/', paths: ['/', '/a', '/a/b'] },
    { ...rest, path: '/', paths: null }
  ])
})

t.test('watches are removed and looked for by what is seen, and their end is told', async t => {
  const ensemble = await started()
  const zk = ensemble.member(1)
  const app = zk.chroot('/app')
  const heard: string[] = []
  const listener: WatchListener = ({ type, path }) => heard.push(`${type} ${path}`)
  await app.exists('/a', { watch: listener })
  const watcher = app.watch('/a', {}, listener)
  t.equal(await outcomeOf(app.checkWatches('/a', 'data')), 'OK')
  t.equal(await outcomeOf(app.checkWatches('/a', 'child')), 'NO_WATCHER')
  t.equal((await failureOf(app.checkWatches('/b'))).path, '/b')
  t.equal(await outcomeOf(app.removeWatches('/a', 'any', () => {})), 'NO_WATCHER', 'of another listener')
  await app.removeWatches('/a', 'data', listener)
  await app.removeWatches('/a')
  t.strictSame(heard, ['dataWatchRemoved /a', 'persistentWatchRemoved /a'])
  t.equal(watcher.disposed, true)
  t.equal(zk.status().watches, 0)
  await ensemble.close()
})

t.test('ephemerals are those below the root', async t => {
  const ensemble = await started()
  const zk = ensemble.member(1)
  await ensemble.settle(zk.create('/zoo'))
  for (const path of ['/zoo/b', '/zoo/a-1', '/zoo/a-2', '/zoo-beside', '/zookeeper/quota/e']) {
    await ensemble.settle(zk.create(path, null, { ephemeral: true }))
  }
  const zoo = zk.chroot('/zoo')
  t.strictSame(await zoo.getEphemerals(), ['/a-1', '/a-2', '/b'])
  t.strictSame(await zoo.getEphemerals('/a-'), ['/a-1', '/a-2'])
  t.strictSame(await zoo.getEphemerals('/zoo'), [])
  t.strictSame(await zk.chroot('/zoo/b').getEphemerals(), ['/'])
  t.equal((await zk.chroot('/').getEphemerals()).length, 5)
  t.equal(await outcomeOf(zoo.getEphemerals(7 as unknown as string)), 'BAD_ARGUMENTS')
  await ensemble.close()
})

t.test('the root of the tree changes nothing, and views stand on one another', async t => {
  const ensemble = await started()
  const zk = ensemble.member(1)
  const all = zk.chroot('/')
  t.equal((await ensemble.settle(all.create('/a/b/c', 'x', { parents: true }))).path, '/a/b/c')
  t.equal((await failureOf(all.getData('/none'))).path, '/none')
  t.strictSame((await all.getChildren('/')).children, ['a', 'zookeeper'])
  const inner = zk.chroot('/a').chroot('/').chroot('/b')
  t.equal((await inner.getData('/c')).data?.toString(), 'x')
  t.equal((await failureOf(inner.getData('/none'))).path, '/none')
  const events: string[] = []
  inner.watch('/', { recursive: true }, ({ path }) => events.push(path))
  t.equal((await ensemble.settle(inner.create('/d'))).path, '/d')
  t.strictSame(events, ['/d'])
  t.ok(zk.local.exists('/a/b/d'))
  await ensemble.close()
})

t.test('a root is a path, and not one of those that are the same for all', async t => {
  const ensemble = await started()
  const zk = ensemble.member(1)
  for (const path of ['', 'app', '/app/', '/a//b', '/zookeeper', '/zookeeper/quota', 7, null, undefined]) {
    t.throws(() => zk.chroot(path as string), { code: 'BAD_ARGUMENTS' }, String(path))
    t.throws(() => zk.chroot('/app').chroot(path as string), { code: 'BAD_ARGUMENTS' }, String(path))
  }
  t.doesNotThrow(() => zk.chroot('/zookeepers'))
  await ensemble.close()
})

t.test('closing a view ends its watches and its calls, and nothing of the session', async t => {
  const ensemble = await started()
  const zk = ensemble.member(1)
  const app = zk.chroot('/app')
  const inner = app.chroot('/inner')
  await ensemble.settle(app.create('/inner', null, { parents: true }))
  await ensemble.settle(app.create('/inner/e', null, { ephemeral: true }))
  const mine: string[] = []
  const silent = () => t.fail('it is closed')
  const states: SessionState[] = []
  app.onState(state => states.push(state))
  app.onState(state => states.push(state))()
  inner.onState(state => states.push(state))
  zk.watch('/app', { recursive: true }, ({ path }) => mine.push(path))
  await app.getData('/', { watch: silent })
  await app.exists('/x', { watch: silent })
  await app.getChildren('/inner', { watch: silent })
  await inner.exists('/y', { watch: silent })
  const controller = new AbortController()
  const watchers = [
    app.watch('/', { recursive: true }, silent),
    app.watch('/', {}, silent),
    app.watch('/inner', { signal: controller.signal }),
    inner.watch('/', {}, silent)
  ]
  const ended = watchers[2]?.[Symbol.asyncIterator]().next()
  t.equal(zk.status().watches, 9)
  await app.close()
  await app.close()
  t.strictSame(states, ['closed', 'closed'])
  t.equal(app.state, 'closed')
  t.equal(inner.state, 'closed')
  t.strictSame(
    watchers.map(({ disposed }) => disposed),
    [true, true, true, true]
  )
  t.equal((await ended)?.done, true)
  t.equal(zk.status().watches, 1, 'that of the session is left')
  await ensemble.settle(zk.create('/app/x'))
  await ensemble.settle(zk.setData('/app', 'x'))
  await ensemble.settle(zk.create('/app/inner/y'))
  t.strictSame(mine, ['/app/x', '/app', '/app/inner/y'])
  for (const view of [app, inner]) {
    t.equal(await outcomeOf(view.getData('/')), 'CLOSED')
    t.equal(await outcomeOf(view.create('/z')), 'CLOSED')
    t.equal(await outcomeOf(view.multi([])), 'CLOSED')
    t.equal(await outcomeOf(view.getEphemerals()), 'CLOSED')
    t.throws(() => view.watch('/'), { code: 'CLOSED' })
  }
  t.equal(zk.state, 'connected')
  t.ok(zk.local.exists('/app/inner/e'))
  await ensemble.close()
})

t.test('a one-shot watch that is on its way when its view is closed is not left behind', async t => {
  const ensemble = await started({ size: 3 })
  const zk = ensemble.follower
  const app = zk.chroot('/app')
  const calls = [app.create('/'), app.exists('/x', { watch: () => t.fail('it is closed') }), app.create('/y')]
  await app.close()
  t.strictSame(await ensemble.settle(Promise.all(calls.map(outcomeOf))), ['OK', 'OK', 'OK'], 'what was asked for is done')
  await ensemble.settle(zk.create('/app/x'))
  t.equal(zk.status().watches, 0)
  await ensemble.close()
})

t.test('a view follows the session of its member, and a signal ends one watch', async t => {
  const ensemble = await started({ size: 3 })
  const zk = ensemble.follower
  const app = zk.chroot('/app')
  const states: SessionState[] = []
  const end = app.onState(state => states.push(state))
  const controller = new AbortController()
  const watcher = app.watch('/', { signal: controller.signal })
  controller.abort()
  t.equal(watcher.disposed, true)
  t.equal(app.watch('/', { signal: controller.signal }).disposed, true)
  t.throws(() => app.watch('/', { signal: {} as AbortSignal }), { code: 'BAD_ARGUMENTS' })
  t.throws(() => app.watch('/', null as never), { code: 'BAD_ARGUMENTS' })
  t.throws(() => app.watch('no path'), { code: 'BAD_ARGUMENTS' })
  t.equal(zk.status().watches, 0)
  const { sessionId } = app
  ensemble.isolate(zk.id)
  await ensemble.until(() => states.includes('expired'))
  ensemble.healAll()
  await ensemble.until(() => zk.state === 'connected')
  t.strictSame(states, ['disconnected', 'expired', 'connected'])
  t.not(app.sessionId, sessionId)
  t.equal(await ensemble.settle(outcomeOf(app.create('/', null))), 'OK')
  end()
  await ensemble.close()
  t.strictSame(states, ['disconnected', 'expired', 'connected'])
})
