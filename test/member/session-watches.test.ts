import { getEventListeners } from 'node:events'
import t from 'tap'
import type { WatchEvent } from '../../lib/member/index.js'
import { withLimits } from '../../lib/sim/faults/tiny-limits.js'
import { type Acl, nameOf, PERMISSIONS, parentOf, type RebaseView } from '../../lib/tree/index.js'
import { treeWith, zxidAt } from '../fixtures/tree.js'
import { listening, shown, WatchScene } from '../fixtures/watch-scene.js'

const OF_ANN = [{ perms: PERMISSIONS.ALL, scheme: 'digest', id: 'ann' }]
const OF_ALL_TO_READ = [{ perms: PERMISSIONS.READ, scheme: 'world', id: 'anyone' }]
const ANN = { scheme: 'digest', id: 'ann' }

// Once for each event.

t.test(
  'a function is called once for an event, however it was registered, and one watch is counted for each path and kind',
  async t => {
    const scene = new WatchScene()
    const session = scene.session()
    const { heard, listener } = listening()
    for (let times = 0; times < 3; times++) {
      session.addOnce('/p', 'data', listener)
      session.addOnce('/p', 'child', listener)
      session.add('/p', {}, listener)
      session.add('/p', { recursive: true }, listener)
      session.add('/', { recursive: true }, listener)
    }
    t.equal(scene.dispatcher.count, 5)
    t.equal(scene.dispatcher.hearerCount, 1)
    scene.txn(['dataChanged', '/p'])
    t.strictSame(heard.splice(0), ['dataChanged /p'])
    t.equal(scene.dispatcher.count, 4, 'the data watch has fired')
    scene.txn(['created', '/p/x'], ['childrenChanged', '/p'])
    t.strictSame(heard.splice(0), ['created /p/x', 'childrenChanged /p'])
    scene.txn(['deleted', '/p/x'], ['childrenChanged', '/p'], ['deleted', '/p'], ['childrenChanged', '/'])
    t.strictSame(heard.splice(0), ['deleted /p/x', 'childrenChanged /p', 'deleted /p'])
    t.equal(scene.dispatcher.count, 3)
  }
)

t.test('two events of one txn are two, though nothing but their place tells them apart', async t => {
  const scene = new WatchScene()
  const { heard, listener } = listening()
  scene.session().add('/p', {}, listener)
  scene.txn(['dataChanged', '/p'], ['dataChanged', '/p'])
  t.strictSame(heard, ['dataChanged /p', 'dataChanged /p'])
})

t.test('the same function in two sessions is called for each of them', async t => {
  const scene = new WatchScene()
  const { heard, listener } = listening()
  for (const session of [scene.session(), scene.session()]) session.addOnce('/p', 'data', listener)
  t.equal(scene.dispatcher.count, 2)
  scene.txn(['created', '/p'])
  t.strictSame(heard, ['created /p', 'created /p'])
})

t.test('each handle of one function is iterated over by itself, and disposing of one leaves the others', async t => {
  const scene = new WatchScene()
  const session = scene.session()
  const { heard, listener } = listening()
  const handles = [session.add('/p', {}, listener), session.add('/p', {}, listener), session.add('/p', {}, null)]
  const iterations = handles.map(handle => handle[Symbol.asyncIterator]())
  t.equal(scene.dispatcher.count, 2, 'two of them share one')
  scene.txn(['created', '/p'])
  for (const iteration of iterations) t.equal((await iteration.next()).value.type, 'created')
  handles[0]?.dispose()
  t.equal(scene.dispatcher.count, 2)
  scene.txn(['dataChanged', '/p'])
  t.strictSame(await iterations[0]?.next(), { done: true, value: undefined })
  for (const iteration of iterations.slice(1)) t.equal((await iteration.next()).value.type, 'dataChanged')
  t.strictSame(heard, ['created /p', 'dataChanged /p'])
  handles[1]?.dispose()
  t.equal(scene.dispatcher.count, 1)
  scene.txn(['deleted', '/p'])
  t.equal(heard.length, 2)
})

t.test('a handle that was set by somebody who had just been told of an event hears of what comes behind it', async t => {
  const scene = new WatchScene()
  const session = scene.session()
  const { heard, listener } = listening()
  const late: AsyncIterator<WatchEvent>[] = []
  session.add('/p', {}, () => {
    if (late.length === 0) late.push(session.add('/p', {}, listener)[Symbol.asyncIterator]())
  })
  session.add('/p', {}, listener)
  scene.txn(['created', '/p'])
  scene.txn(['deleted', '/p'])
  t.equal((await late[0]?.next())?.value.type, 'deleted')
  t.strictSame(heard, ['created /p', 'deleted /p'])
})

t.test('a recursive handle never yields childrenChanged, also when its function is told of it by another watch', async t => {
  const scene = new WatchScene()
  const session = scene.session()
  const { heard, listener } = listening()
  const recursive = session.add('/a', { recursive: true }, listener)[Symbol.asyncIterator]()
  const persistent = session.add('/a', {}, listener)[Symbol.asyncIterator]()
  session.addOnce('/a', 'child', listener)
  scene.txn(['created', '/a/x'], ['childrenChanged', '/a'])
  scene.txn(['deleted', '/a'])
  t.strictSame(heard, ['created /a/x', 'childrenChanged /a', 'deleted /a'])
  t.strictSame([(await recursive.next()).value, (await recursive.next()).value].map(shown), ['created /a/x', 'deleted /a'])
  t.strictSame([(await persistent.next()).value, (await persistent.next()).value].map(shown), [
    'childrenChanged /a',
    'deleted /a'
  ])
})

t.test('one watch of ten thousand that fires is told ten thousand times, and no other watcher is asked', async t => {
  const scene = new WatchScene()
  const session = scene.session()
  const order: number[] = []
  for (let index = 0; index < 10_000; index++) session.addOnce('/p', 'data', () => order.push(index))
  for (let index = 0; index < 10_000; index++) session.addOnce(`/other-${index}`, 'data', () => order.push(-1))
  scene.txn(['dataChanged', '/p'])
  t.strictSame(
    order,
    Array.from({ length: 10_000 }, (_, index) => index)
  )
  t.equal(scene.dispatcher.hearerCount, 10_000)
})

// Who may read.

t.test('an event is told to the sessions that may read the znode, and a one-shot watch is gone either way', async t => {
  const scene = new WatchScene()
  const [ann, nobody] = [listening(), listening()]
  const [annsSession, nobodysSession] = [scene.session([ANN]), scene.session()]
  for (const [session, { listener }] of [
    [annsSession, ann],
    [nobodysSession, nobody]
  ] as const) {
    session.addOnce('/p', 'data', listener)
    session.add('/p', {}, listener)
    session.add('/', { recursive: true }, listener)
  }
  scene.txn(['dataChanged', '/p', OF_ANN])
  t.strictSame(ann.heard.splice(0), ['dataChanged /p'])
  t.strictSame(nobody.heard, [])
  t.equal(scene.dispatcher.count, 4)
  t.throws(() => nobodysSession.check('/p', 'data'), { code: 'NO_WATCHER' })
  scene.txn(['deleted', '/p', OF_ALL_TO_READ])
  t.strictSame(ann.heard, ['deleted /p'])
  t.strictSame(nobody.heard, ['deleted /p'])
})

t.test('what decides is who the session has shown to be when the event is told', async t => {
  const scene = new WatchScene()
  const auth: { scheme: string; id: string }[] = []
  const { heard, listener } = listening()
  scene.session(auth).add('/p', {}, listener)
  scene.txn(['dataChanged', '/p', OF_ANN])
  auth.push(ANN)
  scene.txn(['dataChanged', '/p', OF_ANN])
  auth.splice(0, 1, { scheme: 'super', id: '' })
  scene.txn(['deleted', '/p', OF_ANN])
  t.strictSame(heard, ['dataChanged /p', 'deleted /p'])
})

t.test('what is told has a type, a path, a zxid and a state, and never an ACL', async t => {
  const scene = new WatchScene()
  const told: WatchEvent[] = []
  const handle = scene.session([ANN]).add('/p', {}, event => told.push(event))
  const iteration = handle[Symbol.asyncIterator]()
  const first = scene.txn(['created', '/p'])
  const second = scene.txn(['deleted', '/p', OF_ANN])
  const expected = [
    { type: 'created', path: '/p', zxid: first, state: 'connected' },
    { type: 'deleted', path: '/p', zxid: second, state: 'connected' }
  ]
  t.strictSame(told, expected)
  t.strictSame([(await iteration.next()).value, (await iteration.next()).value], expected)
})

// Catching up by a snapshot.

/** A tree with these znodes, by what their mzxid is, and ACLs. */
function view(
  counter: number,
  znodes: { readonly [path: string]: number },
  acls: { readonly [path: string]: Acl } = {}
): RebaseView {
  const { tree } = treeWith('/model')
  const model = tree.exists('/model')
  if (model === null) throw new Error('it was created')
  const childrenOf = (path: string) => Object.keys(znodes).filter(each => each !== '/' && parentOf(each) === path)
  return {
    zxidApplied: zxidAt(counter),
    exists: path => {
      const mzxid = znodes[path]
      return mzxid === undefined ? null : { ...model, mzxid: zxidAt(mzxid), numChildren: childrenOf(path).length }
    },
    getChildren: path => ({ children: childrenOf(path).map(nameOf) }),
    aclOf: path => acls[path] ?? null
  }
}

t.test('a reset names the paths that the session may read, of what is gone as it was last', async t => {
  const scene = new WatchScene()
  const [ann, nobody] = [listening(), listening()]
  for (const [session, { listener }] of [
    [scene.session([ANN]), ann],
    [scene.session(), nobody]
  ] as const) {
    session.add('/', { recursive: true }, listener)
    session.add('/hers', {}, listener)
    session.addOnce('/hers', 'data', listener)
    session.addOnce('/gone', 'data', listener)
  }
  const before = view(2, { '/': 1, '/all': 1, '/gone': 1, '/hers': 1 }, { '/all': OF_ANN, '/gone': OF_ANN })
  const after = view(9, { '/': 1, '/all': 9, '/hers': 9 }, { '/all': OF_ALL_TO_READ, '/hers': OF_ANN })
  scene.rebase(before, after)
  t.strictSame(ann.heard, ['reset / [/all /gone /hers]', 'reset /hers [/hers]', 'dataChanged /hers', 'deleted /gone'])
  t.strictSame(nobody.heard, ['reset / [/all]', 'reset /hers []'])
  t.equal(scene.dispatcher.count, 4, 'the one-shot watches are gone either way')
})

t.test('a function with both kinds on one path is told once of a reset, and each handle of its own paths', async t => {
  const scene = new WatchScene()
  const session = scene.session()
  const { heard, listener } = listening()
  const persistent = session.add('/a', {}, listener)[Symbol.asyncIterator]()
  const recursive = session.add('/a', { recursive: true }, listener)[Symbol.asyncIterator]()
  scene.rebase(view(2, { '/a': 1 }), view(9, { '/a': 9, '/a/x': 9 }))
  t.strictSame(heard, ['reset /a [/a /a/x]'])
  t.equal(shown((await persistent.next()).value), 'reset /a [/a]')
  t.equal(shown((await recursive.next()).value), 'reset /a [/a /a/x]')
  await withLimits({ resetPathsMax: 1 }, async () => scene.rebase(view(9, { '/a': 1 }), view(10, { '/a': 9, '/a/x': 9 })))
  t.strictSame(heard.slice(1), ['reset /a anything'])
  t.equal(shown((await recursive.next()).value), 'reset /a anything')
})

// The bound.

t.test('beyond the bound no watch is set, and setting one again that is there is no further one', async t => {
  const scene = new WatchScene(3)
  const session = scene.session()
  const { heard, listener } = listening()
  session.addOnce('/p', 'data', listener)
  session.addOnce('/q', 'data', () => {})
  const handle = scene.session().add('/p', {}, null)
  const controller = new AbortController()
  for (const add of [
    () => session.addOnce('/p', 'child', listener),
    () => session.addOnce('/new', 'data', () => {}),
    () => session.add('/p', { signal: controller.signal }, listener),
    () => session.add('/p', {}, null)
  ]) {
    t.throws(add, { code: 'LIMIT_EXCEEDED' })
  }
  t.equal(scene.dispatcher.count, 3)
  t.equal(scene.dispatcher.hearerCount, 3)
  t.equal(session.hearerCount, 2)
  session.addOnce('/p', 'data', listener)
  scene.txn(['created', '/p'])
  t.strictSame(heard, ['created /p'])
  session.addOnce('/p', 'child', listener)
  t.throws(() => session.add('/p', {}, null), { code: 'LIMIT_EXCEEDED' })
  handle.dispose()
  t.equal(session.add('/p', {}, null).disposed, false)
})

// Nothing is left.

t.test('whatever ends a watch, nothing is kept of it', async t => {
  const endings: { readonly [how: string]: (scene: WatchScene) => void } = {
    'it fires': scene => {
      const session = scene.session()
      session.addOnce('/p', 'data', () => {})
      session.addOnce('/p', 'child', () => {})
      scene.txn(['deleted', '/p'])
      t.equal(session.hearerCount, 0)
    },
    'it fires, and its session may not hear of it': scene => {
      const session = scene.session()
      session.addOnce('/p', 'data', () => {})
      scene.txn(['deleted', '/p', OF_ANN])
      t.equal(session.hearerCount, 0)
    },
    'it fires, and throws': scene => {
      const session = scene.session()
      session.addOnce('/p', 'data', () => {
        throw new Error('of the application')
      })
      scene.txn(['deleted', '/p'])
      t.equal(scene.errors.length, 1)
      t.equal(session.hearerCount, 0)
    },
    'it is disposed of': scene => {
      const session = scene.session()
      const { listener } = listening()
      const handles = [session.add('/p', {}, listener), session.add('/p', {}, listener), session.add('/p', {}, null)]
      for (const handle of handles) handle.dispose()
      t.equal(session.hearerCount, 0)
    },
    'it is disposed of while it is told': scene => {
      const session = scene.session()
      const handle = session.add('/p', {}, () => handle.dispose())
      scene.txn(['created', '/p'])
      t.equal(session.hearerCount, 0)
    },
    'it is aborted': scene => {
      const session = scene.session()
      const controller = new AbortController()
      session.add('/p', { recursive: true, signal: controller.signal }, () => {})
      session.add('/p', { signal: AbortSignal.abort() }, () => {})
      controller.abort()
      t.equal(session.hearerCount, 0)
    },
    'it is removed': scene => {
      const session = scene.session()
      const { listener } = listening()
      session.addOnce('/p', 'data', listener)
      session.add('/p', {}, listener)
      session.add('/p', {}, null)
      session.remove('/p', 'any', undefined)
      t.equal(session.hearerCount, 0)
    },
    'it is removed before it has fired': scene => {
      const session = scene.session()
      session.addOnce('/p', 'data', () => {})
      session.remove('/p', 'data', undefined)
      t.equal(session.hearerCount, 0)
    },
    'its session ends': scene => {
      const session = scene.session()
      session.addOnce('/p', 'data', () => {})
      session.add('/p', {}, () => {})
      session.add('/p', {}, null)
      session.end()
      t.equal(session.hearerCount, 0)
    },
    'its session ends while it is told': scene => {
      const session = scene.session()
      session.addOnce('/p', 'data', () => session.end())
      session.add('/p', {}, () => t.fail('its session is over'))
      scene.txn(['created', '/p'])
      t.equal(session.hearerCount, 0)
    }
  }
  for (const [how, end] of Object.entries(endings)) {
    const scene = new WatchScene()
    end(scene)
    t.equal(scene.dispatcher.count, 0, how)
    t.equal(scene.dispatcher.hearerCount, 0, how)
  }
})

t.test('a one-shot watch that has fired is not told when an earlier listener has ended its session', async t => {
  const scene = new WatchScene()
  const [session, other] = [scene.session(), scene.session()]
  const { heard, listener } = listening()
  session.addOnce('/p', 'data', () => session.end())
  session.addOnce('/p', 'data', () => t.fail('its session is over'))
  other.addOnce('/p', 'data', listener)
  scene.txn(['created', '/p'])
  t.strictSame(heard, ['created /p'])
  t.equal(scene.dispatcher.count, 0)
})

t.test('the handles of one listener come and go in any order, and each hears of its own watch', async t => {
  const orders = [
    [0, 1, 2, 3],
    [3, 2, 1, 0],
    [1, 3, 0, 2]
  ]
  for (const order of orders) {
    const scene = new WatchScene()
    const session = scene.session()
    const { heard, listener } = listening()
    const handles = [
      session.add('/p', {}, listener),
      session.add('/p', {}, listener),
      session.add('/p', { recursive: true }, listener),
      session.add('/q', {}, listener)
    ]
    const iterations = handles.map(handle => handle[Symbol.asyncIterator]())
    const left = new Set(handles.keys())
    const expected: string[][] = handles.map(() => [])
    const told: string[] = []
    for (const index of [...order, null]) {
      scene.txn(['dataChanged', '/p'])
      scene.txn(['childrenChanged', '/q'])
      if ([0, 1, 2].some(each => left.has(each))) told.push('dataChanged /p')
      if (left.has(3)) told.push('childrenChanged /q')
      for (const each of left) expected[each]?.push(each === 3 ? 'childrenChanged /q' : 'dataChanged /p')
      if (index === null) continue
      handles[index]?.dispose()
      left.delete(index)
    }
    t.strictSame(heard, told, order.join())
    for (const [index, iteration] of iterations.entries()) {
      const yielded: string[] = []
      for (let next = await iteration.next(); next.done !== true; next = await iteration.next()) yielded.push(shown(next.value))
      t.strictSame(yielded, expected[index], `${order.join()}: ${index}`)
    }
    t.equal(session.hearerCount, 0)
    t.equal(scene.dispatcher.count, 0)
  }
})

t.test('however a watch ends, its signal has no listener any more', async t => {
  const scene = new WatchScene()
  const session = scene.session()
  const { signal } = new AbortController()
  const handle = session.add('/disposed', { signal }, null)
  session.add('/removed', { signal }, null)
  session.add('/over', { signal }, null)
  t.equal(getEventListeners(signal, 'abort').length, 3)
  handle.dispose()
  session.remove('/removed', 'any', undefined)
  t.equal(getEventListeners(signal, 'abort').length, 1)
  session.end()
  t.equal(getEventListeners(signal, 'abort').length, 0)
})

t.test('a listener that registers itself again while it is told stays known, and is told again', async t => {
  const scene = new WatchScene()
  const session = scene.session()
  let heard = 0
  const listener = () => {
    heard++
    session.addOnce('/p', 'data', listener)
  }
  listener()
  for (let times = 0; times < 3; times++) scene.txn(['dataChanged', '/p'], ['dataChanged', '/p'])
  t.equal(heard, 1 + 3, 'what it sets while it is told of a txn is told of the next one')
  t.equal(scene.dispatcher.count, 1)
  t.equal(session.hearerCount, 1)
})

t.test('what an earlier listener disposes of is not told, whatever else its function watches', async t => {
  const scene = new WatchScene()
  const session = scene.session()
  const { heard, listener } = listening()
  session.add('/p', {}, () => handle.dispose())
  const handle = session.add('/p', {}, listener)
  session.add('/q', {}, listener)
  scene.txn(['created', '/p'])
  t.strictSame(heard, [])
  scene.txn(['created', '/q'])
  t.strictSame(heard, ['created /q'])
})

t.test('a one-shot watch that has fired is told, though an earlier listener disposes of all else of its function', async t => {
  const scene = new WatchScene()
  const session = scene.session()
  const { heard, listener } = listening()
  session.add('/p', {}, () => handle.dispose())
  const handle = session.add('/p', {}, listener)
  session.addOnce('/p', 'data', listener)
  scene.txn(['created', '/p'])
  t.strictSame(heard, ['created /p'])
  t.equal(session.hearerCount, 1)
})

t.test('what an earlier listener sets anew in the place of what it disposes of is told of the next event', async t => {
  const scene = new WatchScene()
  const session = scene.session()
  const { heard, listener } = listening()
  session.addOnce('/p', 'data', () => {
    handle.dispose()
    session.add('/p', {}, listener)
  })
  const handle = session.add('/p', {}, listener)
  scene.txn(['created', '/p'])
  t.strictSame(heard, [])
  scene.txn(['deleted', '/p'])
  t.strictSame(heard, ['deleted /p'])
})
