import t from 'tap'
import { LIMITS, randomInt, seededRandom } from '../../lib/base/index.js'
import { ADMIN, allows, READ, shownAcl, WRITE } from '../../lib/sim/model/plain-acl.js'
import { PlainDigest } from '../../lib/sim/model/plain-digest.js'
import type { PlainNode } from '../../lib/sim/model/plain-node.js'
import { isCallers, isPath, isPrefix } from '../../lib/sim/model/plain-path.js'
import { FAR_RULES, PlainTree } from '../../lib/sim/model/plain-tree.js'
import { DataTree, isReservedPath, type Operation, pathProblem, prefixProblem } from '../../lib/tree/index.js'
import {
  aclFor,
  authOf,
  bytes,
  callerAs,
  check,
  create,
  multi,
  remove,
  session,
  setAcl,
  setData,
  touch
} from '../fixtures/tree.js'
import { withLimits } from '../fixtures/tree-steps.js'

const A = callerAs(session(5))
const B = callerAs(session(6))

t.test('a refused multi leaves nothing behind, and nobody is told of it', async t => {
  const told: string[] = []
  const tree = new PlainTree(path => told.push(path))
  tree.execute(multi(create('/a'), create('/a/b', { ephemeral: true })), A, 1, 1)
  const before = tree.dump()
  told.length = 0
  const { result, events } = tree.execute(
    multi(
      remove('/a/b'),
      setData('/a'),
      create('/a/c', { ephemeral: true }),
      remove('/a/c'),
      remove('/a'),
      create('/a'),
      check('/a', 9)
    ),
    A,
    2,
    2
  )
  t.strictSame(result, {
    kind: 'refused',
    code: 'BAD_VERSION',
    path: '/a',
    results: ['OK', 'OK', 'OK', 'OK', 'OK', 'OK', 'BAD_VERSION']
  })
  t.strictSame(events, [])
  t.strictSame(told, [])
  t.strictSame(tree.dump(), before)
  t.strictSame(tree.ephemeralsOf(5), ['/a/b'])
})

t.test('what a txn has changed is told once for each path, as it is in the end', async t => {
  const told: [string, number | null][] = []
  const tree = new PlainTree((path, node) => told.push([path, node?.version ?? null]))
  t.strictSame(told, [
    ['/', 0],
    ['/zookeeper', 0],
    ['/zookeeper/quota', 0]
  ])
  told.length = 0
  tree.execute(multi(create('/a'), setData('/a'), setData('/a'), create('/b'), remove('/b')), A, 1, 1)
  t.strictSame(told, [
    ['/', 0],
    ['/a', 2],
    ['/b', null]
  ])
})

t.test('the end of a session takes its ephemerals, and counts them as deleted', async t => {
  const tree = new PlainTree()
  tree.execute(multi(create('/a'), create('/a/e', { ephemeral: true }), create('/a/f', { ephemeral: true })), A, 1, 1)
  tree.execute(create('/a/g', { ephemeral: true }), B, 2, 2)
  tree.endSession(5, 3)
  t.strictSame(
    tree.dump().map(({ path }) => path),
    ['/', '/a', '/a/g', '/zookeeper', '/zookeeper/quota']
  )
  const stat = tree.dump()[1]?.stat
  t.match(stat, { cversion: 5, pzxid: 3, numChildren: 1 })
})

t.test('the end of a session may take a part of its ephemerals', async t => {
  const tree = new PlainTree()
  const ephemeral = (path: string) => create(path, { ephemeral: true })
  tree.execute(multi(ephemeral('/a'), ephemeral('/b'), ephemeral('/c')), A, 1, 1)
  t.equal(tree.endSession(5, 2, ['/a', '/c']).length, 4)
  t.strictSame(tree.ephemeralsOf(5), ['/b'])
  t.equal(tree.endSession(5, 3).length, 2)
  t.strictSame(tree.ephemeralsOf(5), [])
})

t.test('a session owns no more ephemerals, and a znode has no more children, than it may', async t => {
  const tree = new PlainTree(() => {}, { ...FAR_RULES, ephemeralsMax: 2, childrenMax: 4 })
  const code = (path: string, options = {}) => {
    const { result } = tree.execute(create(path, options), A, 1, 1)
    return result.kind === 'refused' ? result.code : 'OK'
  }
  t.equal(code('/a', { ephemeral: true }), 'OK')
  t.equal(code('/b', { ephemeral: true }), 'OK')
  t.equal(code('/c', { ephemeral: true }), 'LIMIT_EXCEEDED')
  t.equal(code('/c'), 'OK')
  t.equal(code('/d'), 'LIMIT_EXCEEDED', 'the root has /zookeeper as well')
  tree.execute(remove('/a'), A, 2, 2)
  t.equal(code('/d', { ephemeral: true }), 'OK')
})

t.test('an operation tells what the leader must make of it', async t => {
  const tree = new PlainTree()
  const change = (operation: Operation, who = A) => tree.execute(operation, who, 7, 70).change
  const made = (path: string, parentCversion: number) => {
    return { kind: 'create', path, data: null, owner: 0, lifetime: 0, acl: null, parentCversion }
  }
  t.strictSame(change(create('/a/b', { parents: true })), { kind: 'multi', changes: [made('/a', 1), made('/a/b', 1)] })
  t.strictSame(change(create('/a/c', { parents: true })), made('/a/c', 2))
  t.strictSame(change(create('/a/c', { ifAbsent: true })), { kind: 'check', path: '/a/c' })
  t.strictSame(change(setAcl('/a/c', [aclFor('alice', 31)], 0)), {
    kind: 'setACL',
    path: '/a/c',
    acl: [aclFor('alice', 31)],
    aversion: 1
  })
  t.strictSame(change(setData('/a/c')), { kind: 'refused', code: 'NO_AUTH', path: '/a/c' })
  t.strictSame(change(touch('/a')), { kind: 'touch', path: '/a' })
  const deletes = ['/a/c', '/a/b', '/a'].map(path => ({ kind: 'delete', path }))
  t.strictSame(change(remove('/a', -1, { recursive: true })), { kind: 'multi', changes: deletes })
  t.strictSame(change(remove('/a', -1, { ifExists: true })), { kind: 'multi', changes: [] })
  t.strictSame(change(multi(create('/b', { parents: true }))), {
    kind: 'refused',
    code: 'BAD_ARGUMENTS',
    results: ['BAD_ARGUMENTS']
  })
  withLimits({ multiOpsMax: 1 }, () => {
    t.strictSame(change(multi(check('/', -1), check('/', -1))), { kind: 'refused', code: 'BAD_ARGUMENTS' })
  })
})

t.test('the leader may remove a container that is not used any more, and what has not been touched for its time', async t => {
  const tree = new PlainTree(() => {}, { ...FAR_RULES, containerUnusedMilliseconds: 100 })
  tree.execute(multi(create('/c', { lifetime: -1 }), create('/t', { lifetime: 10 }), create('/p')), A, 1, 1_000)
  const removable = (time: number) => ['/c', '/t', '/p', '/none'].filter(path => tree.isRemovable(path, time))
  t.strictSame(removable(1_010), [])
  t.strictSame(removable(1_011), ['/t'])
  t.strictSame(removable(1_101), ['/c', '/t'])
  tree.execute(touch('/t'), A, 2, 1_050)
  t.strictSame(removable(1_060), [])
  tree.execute(multi(create('/c/x'), remove('/c/x')), A, 3, 1_051)
  t.strictSame(removable(1_060), ['/c'])
  t.strictSame(tree.deleteContainer('/t', 4, 1_060), {
    result: { kind: 'multi', results: [] },
    change: { kind: 'multi', changes: [] },
    events: []
  })
  t.match(tree.deleteContainer('/c', 5, 1_060), { result: { kind: 'none' }, change: { kind: 'deleteContainer', path: '/c' } })
  t.equal(tree.node('/c'), null)
})

t.test('an ACL allows what any of its entries allows to somebody that the caller is', async t => {
  const acl = [aclFor('world', READ), aclFor('alice', WRITE)]
  t.ok(allows(acl, [READ], []))
  t.notOk(allows(acl, [WRITE], []))
  t.ok(allows(acl, [WRITE], authOf('bob', 'alice')))
  t.ok(allows(acl, [ADMIN], authOf('super')))
  t.ok(allows(acl, [ADMIN, READ], []), 'any of them')
  t.ok(allows(null, [ADMIN], []))
  t.notOk(allows([], [READ], authOf('alice')))
  t.notOk(allows([{ perms: 31, scheme: 'sasl', id: 'alice:hash' }], [READ], authOf('alice')))
  t.strictSame(shownAcl(acl, []), [aclFor('world', READ), { perms: WRITE, scheme: 'digest', id: 'alice:x' }])
  const own = [aclFor('alice', ADMIN)]
  t.strictSame(shownAcl(own, authOf('alice')), own)
  t.strictSame(shownAcl(null, []), [aclFor('world', 31)])
})

t.test('the model`s rules of paths are the library`s', async t => {
  const random = seededRandom(11)
  const parts = [
    '/',
    '/',
    'a',
    '.',
    '..',
    '\u0000',
    '\u001f',
    '\u007f',
    '\u009f',
    '\u00a0',
    '\ud7ff',
    '\ud800',
    '\uf8ff',
    '\uf900',
    '\uffef',
    '\ufff0',
    '😀',
    'é'
  ]
  for (let count = 0; count < 20_000; count++) {
    const path = Array.from({ length: randomInt(random, 7) }, () => parts[randomInt(random, parts.length)]).join('')
    if (isPath(path) !== (pathProblem(path) === null)) t.fail(JSON.stringify(path))
    if (isPrefix(path) !== (prefixProblem(path) === null)) t.fail(`the prefix ${JSON.stringify(path)}`)
  }
  for (const path of [`/${'a'.repeat(LIMITS.pathBytesMax)}`, '/a'.repeat(LIMITS.pathDepthMax + 1)]) {
    t.notOk(isPath(path))
    t.ok(isPath(path.slice(0, -2)))
  }
  for (const path of ['/', '/a', '/zookeeper', '/zookeeper2', '/zookeeper/quota', '/zookeeper/quota/a', '/zookeeper/quotas']) {
    const expected = path.startsWith('/zookeeper/quota/') || !isReservedPath(path)
    t.equal(isCallers(path), expected, path)
  }
})

t.test('a quota counts what lies at and below a path, and its limits and usage are text', async t => {
  const tree = new PlainTree()
  tree.execute(create('/zookeeper/quota/a/zookeeper_limits', { parents: true, data: bytes('countHardLimit=2') }), A, 1, 1)
  tree.execute(create('/zookeeper/quota/a/zookeeper_stats'), A, 2, 2)
  tree.execute(multi(create('/a', { data: bytes('1234') }), create('/a/b')), A, 3, 3)
  t.strictSame(tree.execute(create('/a/c'), A, 4, 4).result, { kind: 'refused', code: 'QUOTA_EXCEEDED', path: '/a' })
  t.strictSame(tree.usageOf('/a'), { count: 2, bytes: 4 })
  const shown = tree.dump().find(({ path }) => path.endsWith('stats'))
  t.strictSame(shown?.data, [...bytes('count=2,bytes=4')])
  t.equal(shown?.stat.dataLength, 15)
  t.strictSame(tree.quotas(), [{ subtree: '/a', limits: bytes('countHardLimit=2') }])
})

t.test('the digest covers path, data and every field, and what is gone is gone from it', async t => {
  const digest = new PlainDigest()
  const tree = new PlainTree((path, node) => digest.znode(path, node))
  t.equal(digest.whole, `${new DataTree().digest}${'0'.repeat(16)}`)
  const empty = digest.whole
  tree.execute(create('/a', { data: new Uint8Array([1, 2, 3, 4, 5]) }), A, 1, 1)
  const node = tree.node('/a')
  if (node === null) throw new Error('it is there')
  const seen = new Set([digest.whole])
  const others: Partial<PlainNode> = { data: new Uint8Array([1, 2, 3, 4, 6]), acl: [{ perms: 1, scheme: 'world', id: 'anyone' }] }
  for (const field of Object.keys(node)) {
    const other = { ...node, [field]: 9, ...(field in others ? { [field]: others[field as keyof typeof others] } : {}) }
    digest.znode('/a', other)
    seen.add(digest.whole)
    digest.znode('/a', node)
  }
  // A znode's deletes follow from its creates and its children.
  t.equal(seen.size, Object.keys(node).length, 'one for each field, but for that')
  digest.znode('/a', null)
  digest.znode('/', { ...(tree.node('/') as typeof node), creates: 0, numChildren: 1, pzxid: 0 })
  t.equal(digest.whole, empty)
})

t.test('the digest covers every field of sessions and members', async t => {
  const digest = new PlainDigest()
  const session = { id: 9, timeout: 10, member: 1, run: 'r', password: new Uint8Array([1]), cxid: 0, closing: false }
  const seen = new Set([digest.whole])
  for (const change of [
    {},
    { timeout: 11 },
    { member: 2 },
    { run: 's' },
    { password: new Uint8Array([2]) },
    { cxid: 1 },
    { closing: true }
  ]) {
    digest.session(9, { ...session, ...change })
    seen.add(digest.whole)
  }
  digest.session(9, null)
  t.ok(seen.has(digest.whole), 'as if it had never been')
  for (const change of [{}, { run: 's' }, { cxid: 1 }]) {
    digest.member({ member: 1, run: 'r', cxid: 0, ...change })
    seen.add(digest.whole)
  }
  t.equal(seen.size, 11)
})
