import t from 'tap'
import { LIMITS, NO_SESSION } from '../../lib/base/index.js'
import { CONTAINER, DataTree, type Operation, TTL_MAX } from '../../lib/tree/index.js'
import {
  aclFor,
  bytes,
  callerAs,
  check,
  create,
  Leader,
  multi,
  remove,
  session,
  setAcl,
  setData,
  timeAt,
  touch,
  treeWith,
  zxidAt
} from '../fixtures/tree.js'
import { withLimits } from '../fixtures/tree-steps.js'

const A = session(101)
const B = session(102)
const READERS = [aclFor('world', 1)]
/** Reading and creating below it. */
const CREATORS = [aclFor('world', 5)]

t.test('each refusal has ZooKeeper code and the path it is about', async t => {
  const cases: readonly (readonly [Operation, string, string | undefined])[] = [
    [create('/a'), 'NODE_EXISTS', '/a'],
    [create('/x/y'), 'NO_NODE', '/x/y'],
    [create('/e/y'), 'NO_CHILDREN_FOR_EPHEMERALS', '/e/y'],
    [create('/'), 'NODE_EXISTS', '/'],
    [create('/zookeeper'), 'BAD_ARGUMENTS', '/zookeeper'],
    [create('/zookeeper/x'), 'BAD_ARGUMENTS', '/zookeeper/x'],
    [create('/zookeeper/', { sequential: true }), 'BAD_ARGUMENTS', '/zookeeper/'],
    [create('/zookeeper/quota'), 'BAD_ARGUMENTS', '/zookeeper/quota'],
    [create('/zookeeper/quota', { sequential: true }), 'BAD_ARGUMENTS', '/zookeeper/quota'],
    [create('/zookeeper/quota/x/y'), 'NO_NODE', '/zookeeper/quota/x/y'],
    [create('/x', { ephemeral: true, lifetime: 5 }), 'BAD_ARGUMENTS', '/x'],
    [create('/x-', { sequential: true, ifAbsent: true }), 'BAD_ARGUMENTS', '/x-'],
    [create('/x/y/', { parents: true }), 'BAD_ARGUMENTS', undefined],
    [create('/e/y/z', { parents: true }), 'NO_CHILDREN_FOR_EPHEMERALS', '/e/y'],
    [create('/zookeeper/x/y', { parents: true }), 'BAD_ARGUMENTS', '/zookeeper/x'],
    [create('/a/b', { parents: true }), 'NODE_EXISTS', '/a/b'],
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
    [remove('/zookeeper/quota'), 'BAD_ARGUMENTS', '/zookeeper/quota'],
    [remove('/x/y'), 'NO_NODE', '/x/y'],
    [remove('/', -1, { recursive: true }), 'BAD_ARGUMENTS', '/'],
    [remove('/a', 3, { recursive: true }), 'BAD_VERSION', '/a'],
    [remove('/x', 3, { recursive: true }), 'NO_NODE', '/x'],
    [remove('/a', -1, { ifExists: true }), 'NOT_EMPTY', '/a'],
    [remove('/zookeeper/x', -1, { ifExists: true }), 'BAD_ARGUMENTS', '/zookeeper/x'],
    [remove('/a/'), 'BAD_ARGUMENTS', undefined],
    [setData('/x'), 'NO_NODE', '/x'],
    [setData('/a', 'x', 1), 'BAD_VERSION', '/a'],
    [setData('/zookeeper'), 'BAD_ARGUMENTS', '/zookeeper'],
    [setData('//'), 'BAD_ARGUMENTS', undefined],
    [check('/x', -1), 'NO_NODE', '/x'],
    [check('/a', 1), 'BAD_VERSION', '/a'],
    [check('', 0), 'BAD_ARGUMENTS', undefined],
    [setAcl('/x', null), 'NO_NODE', '/x'],
    [setAcl('/a', null, 1), 'BAD_VERSION', '/a'],
    [setAcl('a', null), 'BAD_ARGUMENTS', undefined],
    [touch('/x'), 'NO_NODE', '/x'],
    [touch('/zookeeper/quota'), 'BAD_ARGUMENTS', '/zookeeper/quota'],
    [touch('/a/'), 'BAD_ARGUMENTS', undefined]
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
    lifetime: 0,
    acl: null,
    parentCversion: 2
  })
  t.strictSame(leader.prepare(create('/a/e', { ephemeral: true }), A), {
    kind: 'create',
    path: '/a/e',
    data: null,
    owner: A,
    lifetime: 0,
    acl: null,
    parentCversion: 3
  })
  t.strictSame(leader.prepare(setData('/a', null, 0)), { kind: 'setData', path: '/a', data: null, version: 1 })
  t.strictSame(leader.prepare(setData('/a', null, 1)), { kind: 'setData', path: '/a', data: null, version: 2 })
  t.strictSame(leader.prepare(remove('/a/b', 0)), { kind: 'delete', path: '/a/b' })
  t.strictSame(leader.prepare(check('/a', 2)), { kind: 'check', path: '/a' })
  t.strictSame(leader.prepare(setData('/', null)), { kind: 'setData', path: '/', data: null, version: 1 })
  t.strictSame(leader.prepare(create('/a/t', { data: bytes('x'), lifetime: TTL_MAX, acl: READERS })), {
    kind: 'create',
    path: '/a/t',
    data: bytes('x'),
    owner: NO_SESSION,
    lifetime: TTL_MAX,
    acl: READERS,
    parentCversion: 4
  })
  t.strictSame(leader.prepare(touch('/a')), { kind: 'touch', path: '/a' })
  t.strictSame(leader.prepare(setAcl('/a', READERS, 0)), { kind: 'setACL', path: '/a', acl: READERS, aversion: 1 })
  t.strictSame(leader.prepare(setAcl('/', READERS)), { kind: 'setACL', path: '/', acl: READERS, aversion: 1 })
  t.strictSame(leader.prepare(setAcl('/zookeeper', null)), { kind: 'setACL', path: '/zookeeper', acl: null, aversion: 1 })
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
  t.equal(leader.tree.nodeCount, 3, 'nothing of it is in the tree')
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
  t.equal(leader.tree.exists('/p'), null)
})

t.test('a session that is closing is refused until the close is applied; then the session table knows it no more', async t => {
  const leader = treeWith('/a')
  t.strictSame(leader.closeChunk(A), { paths: [], isLast: true })
  t.strictSame(leader.prepare(setData('/a'), A), { kind: 'refused', code: 'SESSION_EXPIRED' })
  t.strictSame(leader.prepare(multi(), A), { kind: 'refused', code: 'SESSION_EXPIRED' })
  t.equal(leader.prepare(setData('/a'), B).kind, 'setData')
  leader.catchUp()
  t.equal(leader.prepare(setData('/a'), A).kind, 'setData')
})

t.test('a session that owns more than one txn deletes is ended in several, and is refused from the first of them on', async t => {
  const leader = treeWith('/p')
  for (const name of ['a', 'b', 'c', 'd', 'e']) leader.run(create(`/p/${name}`, { ephemeral: true }), A)
  withLimits({ closePathsMax: 2 }, () => {
    const first = leader.closeChunk(A)
    t.equal(first.paths.length, 2)
    t.strictSame(first.paths, [...first.paths].sort())
    t.notOk(first.isLast)
    t.equal(leader.prepare(create('/p/f', { ephemeral: true }), A).kind, 'refused')
    t.match(leader.prepare(setData(first.paths[0] ?? ''), B), { code: 'NO_NODE' })
    leader.catchUp()
    t.equal(leader.prepare(multi(), A).kind, 'refused', 'also when that has been applied')
    const rest = ['a', 'b', 'c', 'd', 'e'].map(name => `/p/${name}`).filter(path => !first.paths.includes(path))
    // Somebody else deletes one of those that are left, and takes the name of another.
    const [gone = '', taken = '', left = ''] = rest
    leader.prepare(remove(gone), B)
    leader.prepare(multi(remove(taken), create(taken, { ephemeral: true })), B)
    t.strictSame(leader.closeChunk(A), { paths: [left], isLast: true })
    leader.catchUp()
    t.strictSame(leader.tree.ephemeralOwners(), [B])
  })
})

t.test('the paths of one txn of an end are bounded by their bytes as well', async t => {
  const leader = treeWith()
  for (const name of ['a', 'b', 'c']) leader.run(create(`/${name.repeat(10)}`, { ephemeral: true }), A)
  withLimits({ listedPathBytesMax: 12 }, () => {
    t.equal(leader.closeChunk(A).paths.length, 2)
    t.match(leader.closeChunk(A), { paths: { length: 1 }, isLast: true })
  })
})

t.test('only a session can own an ephemeral', async t => {
  t.match(new Leader().prepare(create('/a', { ephemeral: true }), NO_SESSION), { code: 'BAD_ARGUMENTS' })
})

t.test('records count exactly while a txn that touches them is outstanding', async t => {
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

t.test(
  'what has been written is judged alike for as long as its records are kept, and when there are too many of them',
  async t => {
    const paths = Array.from({ length: 3_000 }, (_, number) => `/${number}`)
    const leader = treeWith(...paths)
    for (let version = 0; version < 3; version++) {
      for (const path of paths) {
        t.match(leader.prepare(setData(path, 'x', version + 1)), { kind: 'refused', code: 'BAD_VERSION' })
        t.match(leader.prepare(setData(path, 'x', version)), { version: version + 1 })
        if (leader.counter % 100 === 0) leader.catchUp()
      }
      leader.catchUp()
      t.equal(leader.pending.recordCount, 0)
    }
    for (const path of paths) leader.prepare(remove(path))
    leader.catchUp()
    t.match(leader.prepare(setData('/0')), { code: 'NO_NODE' })
    t.match(leader.prepare(create('/2999')), { kind: 'create' })
  }
)

t.test('a session may own so many ephemerals and no more, those that are pending counted', async t => {
  const leader = new Leader(new DataTree(), { ephemeralsMax: 3 })
  const ephemeral = (path: string) => create(path, { ephemeral: true })
  leader.run(ephemeral('/a'), A)
  t.equal(leader.prepare(ephemeral('/b'), A).kind, 'create')
  t.equal(leader.prepare(ephemeral('/c'), A).kind, 'create')
  t.strictSame(leader.prepare(ephemeral('/d'), A), { kind: 'refused', code: 'LIMIT_EXCEEDED', path: '/d' })
  t.match(leader.prepare(multi(remove('/a'), ephemeral('/d'), ephemeral('/e')), A), {
    code: 'LIMIT_EXCEEDED',
    results: ['OK', 'OK', 'LIMIT_EXCEEDED']
  })
  t.match(leader.prepare(ephemeral('/d'), A), { code: 'LIMIT_EXCEEDED' }, 'what was taken back counts again')
  t.equal(leader.prepare(ephemeral('/d'), B).kind, 'create', 'each session has its own bound')
  t.equal(leader.prepare(create('/e'), A).kind, 'create', 'others are not counted')
  leader.catchUp()
  leader.prepare(remove('/a'), B)
  t.equal(leader.prepare(ephemeral('/a'), A).kind, 'create')
  t.match(leader.prepare(ephemeral('/f'), A), { code: 'LIMIT_EXCEEDED' })
})

t.test('a znode may have so many children and no more, those that are pending counted', async t => {
  const leader = new Leader(new DataTree(), { childrenMax: 2 })
  leader.run(create('/p'))
  t.strictSame(leader.prepare(create('/p/a/b', { parents: true })).kind, 'multi')
  leader.prepare(create('/p/b'))
  t.strictSame(leader.prepare(create('/p/c')), { kind: 'refused', code: 'LIMIT_EXCEEDED', path: '/p/c' })
  t.match(leader.prepare(create('/p/n-', { sequential: true })), { code: 'LIMIT_EXCEEDED', path: '/p/n-0000000002' })
  leader.prepare(remove('/p/b'))
  t.equal(leader.prepare(create('/p/c')).kind, 'create')
})

t.test('a create with parents is one txn of creates, from above, open to the same people', async t => {
  const leader = treeWith('/a')
  const made = (path: string, parentCversion: number) => ({
    kind: 'create',
    path,
    data: null,
    owner: NO_SESSION,
    lifetime: 0,
    acl: CREATORS,
    parentCversion
  })
  const asked = create('/a/b/c/d', { data: bytes('x'), acl: CREATORS, lifetime: CONTAINER, parents: true })
  t.strictSame(leader.prepare(asked), {
    kind: 'multi',
    changes: [made('/a/b', 1), made('/a/b/c', 1), { ...made('/a/b/c/d', 1), data: bytes('x'), lifetime: CONTAINER }]
  })
  t.match(leader.prepare(create('/x/n-', { sequential: true, parents: true })), {
    kind: 'multi',
    changes: [{ path: '/x' }, { path: '/x/n-0000000000' }]
  })
  t.match(leader.prepare(create('/y/z/a', { parents: true, acl: READERS })), { code: 'NO_AUTH', path: '/y/z' })
  t.match(leader.prepare(create('/a/e', { parents: true })), { kind: 'create', path: '/a/e', parentCversion: 2 })
  const { recordCount } = leader.pending
  t.match(leader.prepare(create('/q/r/s', { ephemeral: true, parents: true })), { code: 'BAD_ARGUMENTS', path: '/q/r/s' })
  t.equal(leader.pending.recordCount, recordCount, 'no parent is left behind')
})

t.test('a create if absent is a check where the znode is there', async t => {
  const leader = treeWith('/a')
  t.strictSame(leader.prepare(create('/a', { ifAbsent: true, data: bytes('other') })), { kind: 'check', path: '/a' })
  t.strictSame(leader.prepare(create('/', { ifAbsent: true })), { kind: 'check', path: '/' })
  t.match(leader.prepare(create('/a/b', { ifAbsent: true })), { kind: 'create', path: '/a/b' })
  t.strictSame(leader.prepare(create('/a/b', { ifAbsent: true })), { kind: 'check', path: '/a/b' })
  t.match(leader.prepare(create('/x/y', { ifAbsent: true })), { code: 'NO_NODE', path: '/x/y' })
  t.match(leader.prepare(create('/x/y', { ifAbsent: true, parents: true })), { kind: 'multi', changes: [{ path: '/x' }, {}] })
  t.match(leader.result(create('/a', { ifAbsent: true })), { kind: 'check', stat: { czxid: zxidAt(1) } })
})

t.test('a recursive delete is one txn of deletes, from below, of what is committed and what is pending', async t => {
  const leader = treeWith('/p', '/p/a', '/p/a/x', '/p/b', '/pp')
  leader.prepare(create('/p/c'))
  leader.prepare(create('/p/c/y'))
  leader.prepare(remove('/p/b'))
  leader.prepare(multi(remove('/p/a/x'), remove('/p/a'), create('/p/a'), create('/p/a/z')))
  const deletes = (...paths: string[]) => ({ kind: 'multi', changes: paths.map(path => ({ kind: 'delete', path })) })
  t.strictSame(leader.prepare(remove('/p', 0, { recursive: true })), deletes('/p/c/y', '/p/c', '/p/a/z', '/p/a', '/p'))
  t.strictSame(leader.prepare(remove('/pp', -1, { recursive: true, ifExists: true })), deletes('/pp'))
  leader.catchUp()
  t.equal(leader.tree.nodeCount, 3)
})

t.test('more than one txn can hold is not deleted', async t => {
  const leader = treeWith('/p', '/p/a', '/p/b')
  const asked = remove('/p', -1, { recursive: true })
  withLimits({ deletedMax: 2 }, () => {
    t.strictSame(leader.prepare(asked), { kind: 'refused', code: 'LIMIT_EXCEEDED', path: '/p' })
  })
  withLimits({ listedPathBytesMax: 9 }, () => t.match(leader.prepare(asked), { code: 'LIMIT_EXCEEDED' }))
  t.equal(leader.pending.recordCount, 0)
  leader.prepare(remove('/p/b'))
  withLimits({ deletedMax: 2, listedPathBytesMax: 6 }, () =>
    t.equal(leader.prepare(asked).kind, 'multi', 'what is gone is not counted')
  )
})

t.test('a delete if it exists is a multi of one, or of none', async t => {
  const leader = treeWith('/a')
  const asked = remove('/a', -1, { ifExists: true })
  t.strictSame(leader.prepare(asked), { kind: 'multi', changes: [{ kind: 'delete', path: '/a' }] })
  t.strictSame(leader.prepare(asked), { kind: 'multi', changes: [] })
  t.strictSame(leader.prepare(remove('/x/y', 7, { ifExists: true, recursive: true })), { kind: 'multi', changes: [] })
})

t.test('what may become many changes is no part of a multi', async t => {
  const leader = treeWith('/a')
  for (const each of [
    create('/b', { parents: true }),
    create('/b', { ifAbsent: true }),
    remove('/a', -1, { recursive: true }),
    remove('/a', -1, { ifExists: true })
  ]) {
    t.strictSame(leader.prepare(multi(check('/a', 0), each)), {
      kind: 'refused',
      code: 'BAD_ARGUMENTS',
      results: ['OK', 'BAD_ARGUMENTS']
    })
  }
})

t.test('a container can be removed once its last child is gone, or when it has had none for too long', async t => {
  const leader = new Leader(new DataTree(), { containerUnusedMilliseconds: 1_000 })
  leader.run(create('/c', { lifetime: CONTAINER }))
  const removable = (milliseconds: number) => leader.pending.isRemovable('/c', timeAt(1) + milliseconds)
  t.notOk(removable(1_000))
  t.ok(removable(1_001))
  leader.prepare(create('/c/x'))
  t.notOk(removable(5_000))
  leader.prepare(remove('/c/x'))
  t.ok(removable(0))
  t.strictSame(leader.removeContainer('/c'), { kind: 'deleteContainer', path: '/c' })
  t.match(leader.prepare(setData('/c')), { code: 'NO_NODE' }, 'gone for later operations')
  t.strictSame(leader.removeContainer('/c'), { kind: 'multi', changes: [] })
  leader.catchUp()
  t.equal(leader.tree.exists('/c'), null)
})

t.test('a znode can be removed when its data have not been set, nor it touched, for its time to live', async t => {
  const leader = new Leader()
  leader.run(create('/t', { lifetime: 100 }))
  const start = timeAt(1)
  t.notOk(leader.pending.isRemovable('/t', start + 100))
  t.ok(leader.pending.isRemovable('/t', start + 101))
  leader.pass(50)
  leader.prepare(setData('/t'))
  t.notOk(leader.pending.isRemovable('/t', start + 151))
  leader.pass(50)
  leader.prepare(touch('/t'))
  t.notOk(leader.pending.isRemovable('/t', start + 202), 'both are pending')
  leader.catchUp()
  leader.prepare(create('/t/x'))
  t.notOk(leader.pending.isRemovable('/t', start + 9_999), 'it has a child')
  leader.prepare(remove('/t/x'))
  leader.prepare(setAcl('/t', READERS))
  t.ok(leader.pending.isRemovable('/t', start + 203), 'children and ACL make it no younger')
})

t.test('whatever has no lifetime of its own stays', async t => {
  const leader = treeWith('/p')
  leader.run(create('/e', { ephemeral: true }), A)
  for (const path of ['/p', '/e', '/', '/zookeeper', '/none']) {
    t.notOk(leader.pending.isRemovable(path, Number.MAX_SAFE_INTEGER), path)
    t.strictSame(leader.removeContainer(path), { kind: 'multi', changes: [] })
  }
})

t.test('the one is refused who may not, by the ACLs as they will be', async t => {
  const leader = treeWith('/p', '/p/x')
  const alice = callerAs(A, 'alice')
  const bob = callerAs(B, 'bob')
  leader.prepare(setAcl('/p', [aclFor('alice', 31), aclFor('world', 1)]), alice)
  t.match(leader.prepare(create('/p/y'), bob), { code: 'NO_AUTH', path: '/p/y' })
  t.match(leader.prepare(create('/p/y'), alice), { kind: 'create' })
  t.match(leader.prepare(remove('/p/x'), bob), { code: 'NO_AUTH', path: '/p/x' })
  t.match(leader.prepare(setData('/p'), bob), { code: 'NO_AUTH' })
  t.match(leader.prepare(touch('/p'), bob), { code: 'NO_AUTH' })
  t.match(leader.prepare(setAcl('/p', null), bob), { code: 'NO_AUTH' })
  t.equal(leader.prepare(check('/p', 0), bob).kind, 'check')
  t.match(leader.prepare(multi(check('/p', 0), create('/p/y'), check('/p', 0)), bob), {
    code: 'NO_AUTH',
    results: ['OK', 'NO_AUTH', 'RUNTIME_INCONSISTENCY']
  })
  t.equal(leader.prepare(setData('/p/x'), bob).kind, 'setData', 'an ACL is not inherited')
  t.equal(leader.prepare(setData('/p'), callerAs(B, 'super')).kind, 'setData')
  t.equal(leader.prepare(setAcl('/p', null), alice).kind, 'setACL')
  t.equal(leader.prepare(setData('/p'), bob).kind, 'setData')
})

t.test('what is forbidden is told before what is missing or in the way', async t => {
  const leader = treeWith('/p', '/p/x', '/p/x/y')
  leader.run(setData('/p/x', 'x'))
  leader.run(setAcl('/p', [aclFor('alice', 31)]))
  leader.run(setAcl('/p/x', [aclFor('alice', 31)]))
  const bob = callerAs(B, 'bob')
  for (const operation of [
    create('/p/x'),
    create('/p/n-', { sequential: true }),
    create('/p/z/z', { parents: true }),
    create('/p/x', { ifAbsent: true }),
    remove('/p/none'),
    remove('/p/x', 7),
    remove('/p/x', -1, { recursive: true }),
    remove('/p/none', -1, { ifExists: true }),
    setData('/p/x', 'x', 7),
    setAcl('/p/x', null, 7),
    check('/p/x', 7)
  ]) {
    t.match(leader.prepare(operation, bob), { code: 'NO_AUTH' }, JSON.stringify(operation))
  }
  leader.run(setAcl('/p', null), callerAs(A, 'alice'))
  t.match(leader.prepare(create('/p/x', { ifAbsent: true }), bob), { code: 'NO_AUTH', path: '/p/x' }, 'its Stat would be told')
  t.strictSame(leader.prepare(remove('/p', -1, { recursive: true }), bob), { kind: 'refused', code: 'NO_AUTH', path: '/p/x/y' })
})
