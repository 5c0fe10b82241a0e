import t from 'tap'
import { LIMITS, NO_SESSION } from '../../lib/base/index.js'
import type { Operation } from '../../lib/tree/index.js'
import { check, create, Leader, multi, remove, session, setData, treeWith, zxidAt } from '../fixtures/tree.js'

const A = session(101)
const B = session(102)

t.test('each refusal has ZooKeeper code and the path it is about', async t => {
  const cases: readonly (readonly [Operation, string, string | undefined])[] = [
    [create('/a'), 'NODE_EXISTS', '/a'],
    [create('/x/y'), 'NO_NODE', '/x/y'],
    [create('/e/y'), 'NO_CHILDREN_FOR_EPHEMERALS', '/e/y'],
    [create('/'), 'NODE_EXISTS', '/'],
    [create('/zookeeper'), 'BAD_ARGUMENTS', '/zookeeper'],
    [create('/zookeeper/x'), 'BAD_ARGUMENTS', '/zookeeper/x'],
    [create('/zookeeper/', { sequential: true }), 'BAD_ARGUMENTS', '/zookeeper/'],
    [create('a'), 'BAD_ARGUMENTS', undefined],
    [create('/a/'), 'BAD_ARGUMENTS', undefined],
    [create('/\ud800'), 'BAD_ARGUMENTS', undefined],
    [create(`/${'x'.repeat(LIMITS.pathBytesMax)}`), 'BAD_ARGUMENTS', undefined],
    [remove('/x'), 'NO_NODE', '/x'],
    [remove('/a', 1), 'BAD_VERSION', '/a'],
    [remove('/a'), 'NOT_EMPTY', '/a'],
    [remove('/a', 3), 'BAD_VERSION', '/a'],
    [remove('/'), 'BAD_ARGUMENTS', '/'],
    [remove('/zookeeper'), 'BAD_ARGUMENTS', '/zookeeper'],
    [remove('/a/'), 'BAD_ARGUMENTS', undefined],
    [setData('/x'), 'NO_NODE', '/x'],
    [setData('/a', 'x', 1), 'BAD_VERSION', '/a'],
    [setData('/zookeeper'), 'BAD_ARGUMENTS', '/zookeeper'],
    [setData('//'), 'BAD_ARGUMENTS', undefined],
    [check('/x', -1), 'NO_NODE', '/x'],
    [check('/a', 1), 'BAD_VERSION', '/a'],
    [check('', 0), 'BAD_ARGUMENTS', undefined]
  ]
  const leader = treeWith('/a', '/a/b')
  leader.run(create('/e', { ephemeral: true }), A)
  for (const [operation, code, path] of cases) {
    const change = leader.prepare(operation)
    t.strictSame(
      change,
      path === undefined ? { kind: 'refused', code } : { kind: 'refused', code, path },
      JSON.stringify(operation)
    )
  }
  t.equal(leader.pending.recordCount, 0, 'a refusal leaves nothing behind')
})

t.test('an accepted operation becomes absolute values', async t => {
  const leader = treeWith('/a', '/a/b')
  t.strictSame(leader.prepare(create('/a/c'), A), {
    kind: 'create',
    path: '/a/c',
    data: null,
    owner: NO_SESSION,
    parentCversion: 2
  })
  t.strictSame(leader.prepare(create('/a/e', { ephemeral: true }), A), {
    kind: 'create',
    path: '/a/e',
    data: null,
    owner: A,
    parentCversion: 3
  })
  t.strictSame(leader.prepare(setData('/a', null, 0)), { kind: 'setData', path: '/a', data: null, version: 1 })
  t.strictSame(leader.prepare(setData('/a', null, 1)), { kind: 'setData', path: '/a', data: null, version: 2 })
  t.strictSame(leader.prepare(remove('/a/b', 0)), { kind: 'delete', path: '/a/b' })
  t.strictSame(leader.prepare(check('/a', 2)), { kind: 'check', path: '/a' })
  t.strictSame(leader.prepare(setData('/', null)), { kind: 'setData', path: '/', data: null, version: 1 })
})

t.test('later operations see the ones that are still outstanding', async t => {
  const leader = new Leader()
  const kinds = (operation: Operation, owner = A): string => {
    const change = leader.prepare(operation, owner)
    return change.kind === 'refused' ? change.code : 'OK'
  }
  t.equal(kinds(create('/a')), 'OK')
  t.equal(kinds(create('/a')), 'NODE_EXISTS')
  t.equal(kinds(create('/a/b', { ephemeral: true })), 'OK')
  t.equal(kinds(create('/a/b/c')), 'NO_CHILDREN_FOR_EPHEMERALS')
  t.equal(kinds(remove('/a')), 'NOT_EMPTY')
  t.equal(kinds(setData('/a/b', 'x', 0)), 'OK')
  t.equal(kinds(remove('/a/b', 0)), 'BAD_VERSION')
  t.equal(kinds(remove('/a/b', 1)), 'OK')
  t.equal(kinds(setData('/a/b')), 'NO_NODE')
  t.equal(kinds(remove('/a')), 'OK')
  t.equal(kinds(create('/a/b')), 'NO_NODE')
  t.equal(leader.tree.nodeCount, 2, 'nothing of it is in the tree')
})

t.test(
  'a sequential name counts all creates of the parent, also outstanding and deleted ones, and none that were refused',
  async t => {
    const leader = treeWith('/p', '/p/plain')
    const next = (path = '/p/n-'): string => {
      const change = leader.prepare(create(path, { sequential: true }))
      return change.kind === 'create' ? change.path : change.kind
    }
    t.equal(next(), '/p/n-0000000001')
    t.equal(next(), '/p/n-0000000002')
    leader.prepare(create('/p/plain'))
    leader.prepare(remove('/p/n-0000000002'))
    t.equal(next(), '/p/n-0000000003')
    leader.catchUp()
    t.equal(next(), '/p/n-0000000004')
    t.equal(next('/p/'), '/p/0000000005')
    leader.catchUp()
    for (const name of leader.tree.getChildren('/p')?.children ?? []) leader.run(remove(`/p/${name}`))
    leader.run(remove('/p'))
    leader.run(create('/p'))
    t.equal(next(), '/p/n-0000000000', 'a parent that was made anew counts anew')
    t.equal(next('/'), '/0000000002', 'the root has seen two creates')
  }
)

t.test('a multi is one change in which later operations see the earlier ones', async t => {
  const leader = new Leader()
  const change = leader.prepare(
    multi(
      create('/a'),
      create('/a/n-', { sequential: true }),
      create('/a/n-', { sequential: true }),
      setData('/a', null, 0),
      check('/a', 1)
    ),
    A
  )
  t.match(change, {
    kind: 'multi',
    changes: [{ path: '/a' }, { path: '/a/n-0000000000' }, { path: '/a/n-0000000001' }, { version: 1 }, { kind: 'check' }]
  })
})

t.test('an empty multi is accepted, one with too many operations is not', async t => {
  const leader = treeWith('/a')
  t.strictSame(leader.prepare(multi()), { kind: 'multi', changes: [] })
  const checks = Array.from({ length: LIMITS.multiOpsMax + 1 }, () => check('/a', 0))
  t.equal(leader.prepare(multi(...checks.slice(1))).kind, 'multi')
  t.strictSame(leader.prepare(multi(...checks)), { kind: 'refused', code: 'BAD_ARGUMENTS' })
})

t.test('a refused multi tells of each operation and takes back all of them, the parent included (ZOOKEEPER-1624)', async t => {
  const leader = treeWith('/p')
  leader.prepare(create('/p/n-', { sequential: true }))
  const failing = multi(
    create('/p/n-', { sequential: true }),
    create('/p/n-', { sequential: true, ephemeral: true }),
    setData('/p', 'x', 0),
    remove('/p/n-0000000000'),
    check('/p', 7),
    create('/p/after')
  )
  t.strictSame(leader.prepare(failing, A), {
    kind: 'refused',
    code: 'BAD_VERSION',
    path: '/p',
    results: ['OK', 'OK', 'OK', 'OK', 'BAD_VERSION', 'RUNTIME_INCONSISTENCY']
  })
  t.match(leader.prepare(create('/p/n-', { sequential: true })), { path: '/p/n-0000000001' }, 'the numbers are given again')
  t.match(leader.prepare(setData('/p', 'x', 0)), { version: 1 })
  t.equal(leader.prepare(remove('/p/n-0000000000')).kind, 'delete')
  t.strictSame(leader.close(A), [], 'the ephemeral was taken back as well')
})

t.test('a refused multi over committed znodes leaves no record', async t => {
  const leader = treeWith('/p', '/p/a')
  leader.prepare(multi(remove('/p/a'), create('/p/a'), setData('/p/a'), remove('/q')))
  t.equal(leader.pending.recordCount, 0)
})

t.test('the end of a session takes committed and outstanding ephemerals, and none whose deletion is outstanding', async t => {
  const leader = treeWith('/p')
  leader.run(create('/p/committed', { ephemeral: true }), A)
  leader.run(create('/p/deleted', { ephemeral: true }), A)
  leader.run(create('/p/handed', { ephemeral: true }), A)
  leader.run(create('/p/touched', { ephemeral: true }), A)
  leader.prepare(create('/p/pending', { ephemeral: true }), A)
  leader.prepare(create('/p/gone', { ephemeral: true }), A)
  leader.prepare(create('/p/other', { ephemeral: true }), B)
  leader.prepare(create('/p/persistent'), A)
  leader.prepare(remove('/p/deleted'))
  leader.prepare(remove('/p/gone'))
  leader.prepare(multi(remove('/p/handed'), create('/p/handed', { ephemeral: true })), B)
  leader.prepare(setData('/p/touched'), B)
  t.strictSame(leader.close(A), ['/p/committed', '/p/pending', '/p/touched'])
  t.match(leader.prepare(setData('/p/committed')), { code: 'NO_NODE' }, 'gone for later operations')
  t.match(leader.prepare(create('/p/committed')), { kind: 'create' })
  leader.catchUp()
  t.strictSame(leader.tree.ephemeralsOf(A), [])
  t.strictSame(leader.tree.ephemeralsOf(B), ['/p/handed', '/p/other'])
})

t.test('a parent whose last children end with a session can be deleted behind it', async t => {
  const leader = treeWith('/p')
  leader.run(create('/p/e', { ephemeral: true }), A)
  leader.close(A)
  t.equal(leader.prepare(remove('/p')).kind, 'delete')
  leader.catchUp()
  t.equal(leader.tree.nodeCount, 2)
})

t.test('a session that is closing is refused until the close is applied; then the session table knows it no more', async t => {
  const leader = treeWith('/a')
  leader.pending.markClosing(A)
  t.strictSame(leader.prepare(setData('/a'), A), { kind: 'refused', code: 'SESSION_EXPIRED' })
  t.strictSame(leader.prepare(multi(), A), { kind: 'refused', code: 'SESSION_EXPIRED' })
  t.equal(leader.prepare(setData('/a'), B).kind, 'setData')
  leader.close(A)
  t.equal(leader.prepare(setData('/a'), A).kind, 'refused')
  leader.catchUp()
  t.equal(leader.prepare(setData('/a'), A).kind, 'setData')
})

t.test('only a session can own an ephemeral', async t => {
  t.match(new Leader().prepare(create('/a', { ephemeral: true }), NO_SESSION), { code: 'BAD_ARGUMENTS' })
})

t.test('records are kept exactly while a txn that touches them is outstanding', async t => {
  const leader = treeWith('/a', '/b')
  leader.prepare(setData('/a'))
  leader.prepare(setData('/b'))
  leader.prepare(setData('/a'))
  t.equal(leader.pending.recordCount, 2)
  leader.applyNext()
  leader.pending.forget(leader.tree.zxidApplied)
  t.equal(leader.pending.recordCount, 2, '/a is touched again later')
  leader.applyNext()
  leader.pending.forget(leader.tree.zxidApplied)
  t.equal(leader.pending.recordCount, 1)
  t.match(leader.prepare(setData('/a', 'x', 2)), { version: 3 })
  leader.catchUp()
  t.equal(leader.pending.recordCount, 0)
  t.match(leader.prepare(setData('/a', 'x', 3)), { version: 4 })
  leader.pending.forget(zxidAt(leader.counter - 1))
  t.equal(leader.pending.recordCount, 1)
})

t.test('a session may own as many ephemerals as the txn that ends it can list', async t => {
  const leader = new Leader()
  leader.run(create('/committed', { ephemeral: true }), A)
  const name = (index: number): string => `/${String(index).padStart(4, '0')}${'x'.repeat(LIMITS.pathBytesMax - 5)}`
  const fitting = Math.floor((LIMITS.sessionEphemeralBytesMax - '/committed'.length) / LIMITS.pathBytesMax)
  for (let index = 0; index < fitting; index++) {
    t.equal(leader.prepare(create(name(index), { ephemeral: true }), A).kind, 'create')
    if (index === fitting / 2) leader.catchUp()
  }
  const next = create(name(fitting), { ephemeral: true })
  t.match(leader.prepare(next, A), { code: 'BAD_ARGUMENTS' })
  t.match(leader.prepare(multi(remove(name(0)), next, create('/', {})), A), { code: 'NODE_EXISTS' })
  t.match(leader.prepare(next, A), { code: 'BAD_ARGUMENTS' }, 'what was taken back counts again')
  t.equal(leader.prepare(next, B).kind, 'create', 'each session has its own bound')
  leader.prepare(remove(name(0)), B)
  t.equal(leader.prepare(create(name(0), { ephemeral: true }), A).kind, 'create')
  t.match(leader.prepare(create(name(fitting + 1), { ephemeral: true }), A), { code: 'BAD_ARGUMENTS' })
  t.equal(leader.close(A).length, fitting + 1)
})
