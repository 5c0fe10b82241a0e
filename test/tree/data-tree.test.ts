import t from 'tap'
import { NO_SESSION } from '../../lib/base/index.js'
import { CONTAINER, CVERSION_MAX, DataTree, nextVersion, PERSISTENT, type Stat, type TreeChange } from '../../lib/tree/index.js'
import {
  aclFor,
  bytes,
  create,
  Leader,
  multi,
  recordsOf,
  remove,
  restored,
  session,
  setAcl,
  setData,
  timeAt,
  touch,
  treeWith,
  zxidAt
} from '../fixtures/tree.js'

const createChange = (path: string, parentCversion: number): TreeChange => ({
  kind: 'create',
  path,
  data: null,
  owner: NO_SESSION,
  lifetime: PERSISTENT,
  acl: null,
  parentCversion
})

const statOf = (leader: Leader, path: string): Stat => {
  const stat = leader.tree.exists(path)
  if (stat === null) throw new Error(`${path} is missing`)
  return stat
}

t.test('a new tree holds what is ZooKeeper`s own, and what is above that counts its changes from -1', async t => {
  const tree = new DataTree()
  t.strictSame(tree.getChildren('/')?.children, ['zookeeper'])
  t.strictSame(tree.getChildren('/zookeeper')?.children, ['quota'])
  t.match(tree.exists('/'), { cversion: -1, numChildren: 1, version: 0, czxid: 0, dataLength: 0 })
  t.match(tree.exists('/zookeeper'), { cversion: -1, numChildren: 1 })
  t.match(tree.exists('/zookeeper/quota'), { cversion: 0, numChildren: 0 })
  t.equal(tree.nodeCount, 3)
  t.equal(tree.countDescendants('/'), 2)
  t.equal(tree.zxidApplied, 0)
})

t.test('a created znode has the Stat of its txn', async t => {
  const leader = new Leader()
  t.strictSame(leader.result(create('/a', { data: bytes('abc') })), {
    kind: 'create',
    path: '/a',
    stat: {
      czxid: zxidAt(1),
      mzxid: zxidAt(1),
      pzxid: zxidAt(1),
      ctime: timeAt(1),
      mtime: timeAt(1),
      version: 0,
      cversion: 0,
      aversion: 0,
      ephemeralOwner: NO_SESSION,
      dataLength: 3,
      numChildren: 0
    }
  })
})

t.test('creating and deleting children changes cversion, pzxid and numChildren of the parent and nothing else of it', async t => {
  const leader = treeWith('/a')
  const before = statOf(leader, '/a')
  leader.run(create('/a/1'))
  leader.run(create('/a/2'))
  t.strictSame(statOf(leader, '/a'), { ...before, cversion: 2, pzxid: zxidAt(3), numChildren: 2 })
  leader.run(remove('/a/1'))
  t.strictSame(statOf(leader, '/a'), { ...before, cversion: 3, pzxid: zxidAt(4), numChildren: 1 })
  leader.run(setData('/a/2'))
  leader.run(create('/a/2/3'))
  t.strictSame(
    statOf(leader, '/a'),
    { ...before, cversion: 3, pzxid: zxidAt(4), numChildren: 1 },
    'what children do is not counted'
  )
})

t.test('setData changes version, mzxid, mtime, data and its length, and nothing else', async t => {
  const leader = treeWith('/a', '/a/b')
  const before = statOf(leader, '/a')
  t.strictSame(leader.result(setData('/a', 'hello')), {
    kind: 'setData',
    stat: { ...before, version: 1, mzxid: zxidAt(3), mtime: timeAt(3), dataLength: 5 }
  })
})

t.test('null data and empty data are told apart', async t => {
  const leader = new Leader()
  leader.run(create('/null'))
  leader.run(create('/empty', { data: new Uint8Array(0) }))
  t.equal(leader.tree.getData('/null')?.data, null)
  t.strictSame(leader.tree.getData('/empty')?.data, new Uint8Array(0))
  leader.run(setData('/empty', null))
  leader.run(setData('/null', ''))
  t.equal(leader.tree.getData('/empty')?.data, null)
  t.strictSame(leader.tree.getData('/null')?.data, new Uint8Array(0))
})

t.test('reads of what is not there are null', async t => {
  const tree = new DataTree()
  t.equal(tree.exists('/a'), null)
  t.equal(tree.getData('/a'), null)
  t.equal(tree.getChildren('/a'), null)
  t.equal(tree.countersOf('/a'), null)
  t.equal(tree.countDescendants('/a'), null)
  t.equal(tree.aclOf('/a'), undefined)
  t.equal(tree.quotaOf('/a'), null)
  t.strictSame(tree.usageOf('/a'), { count: 0, bytes: 0 })
})

t.test('the tree cannot be changed through the bytes that went in or came out', async t => {
  const leader = new Leader()
  const data = bytes('abc')
  leader.run(create('/a', { data }))
  data.fill(0)
  const out = leader.tree.getData('/a')?.data
  t.strictSame(out, bytes('abc'))
  out?.fill(0)
  t.strictSame(leader.tree.getData('/a')?.data, bytes('abc'))
  const read = leader.tree.readData('/a', length => Buffer.allocUnsafe(length))
  t.ok(Buffer.isBuffer(read?.data))
  t.equal(read?.data?.toString(), 'abc')
})

t.test('children are sorted by code unit, in whatever order they came', async t => {
  const leader = treeWith('/p', '/p/b', '/p/é', '/p/a', '/p/B', '/p/10', '/p/9')
  t.strictSame(leader.tree.getChildren('/p')?.children, ['10', '9', 'B', 'a', 'b', 'é'])
})

t.test('the events of a txn come in ZooKeeper order: the znode first, then its parent, one operation after another', async t => {
  const leader = treeWith('/a')
  const { events } = leader.run(multi(create('/a/b'), setData('/a/b'), setData('/a'), remove('/a/b')))
  const zxid = zxidAt(2)
  t.strictSame(events, [
    { type: 'created', path: '/a/b', zxid },
    { type: 'childrenChanged', path: '/a', zxid },
    { type: 'dataChanged', path: '/a/b', zxid },
    { type: 'dataChanged', path: '/a', zxid },
    { type: 'deleted', path: '/a/b', zxid },
    { type: 'childrenChanged', path: '/a', zxid }
  ])
})

t.test('setACL changes the ACL and aversion, and nobody hears of it', async t => {
  const leader = treeWith('/a')
  const before = statOf(leader, '/a')
  const acl = [aclFor('world', 1), aclFor('alice', 31)]
  t.strictSame(leader.run(setAcl('/a', acl)), {
    result: { kind: 'setACL', stat: { ...before, aversion: 1 } },
    events: [],
    excesses: []
  })
  t.strictSame(leader.tree.aclOf('/a'), acl)
  t.ok(Object.isFrozen(leader.tree.aclOf('/a')))
  leader.run(setAcl('/a', null), { session: session(1), auth: [{ scheme: 'digest', id: 'alice:hash' }] })
  t.equal(leader.tree.aclOf('/a'), null)
  t.equal(leader.tree.aclOf('/'), null)
  t.match(statOf(leader, '/a'), { aversion: 2, version: 0, mzxid: before.mzxid })
})

t.test('touch sets mtime, and nothing else, and nobody hears of it', async t => {
  const leader = treeWith('/a')
  const before = statOf(leader, '/a')
  leader.pass(500)
  const stat = { ...before, mtime: timeAt(2) + 500 }
  t.strictSame(leader.run(touch('/a')), { result: { kind: 'touch', stat }, events: [], excesses: [] })
})

t.test('an event says who may hear of it: the ACL of its znode, of a deleted one the last that it had', async t => {
  const leader = treeWith('/p')
  const [mine, yours] = [[aclFor('alice', 31)], [aclFor('world', 28)]]
  leader.run(setAcl('/p', yours))
  const zxid = zxidAt(3)
  t.strictSame(leader.run(create('/p/a', { acl: mine })).events, [
    { type: 'created', path: '/p/a', zxid, acl: mine },
    { type: 'childrenChanged', path: '/p', zxid, acl: yours }
  ])
  t.strictSame(leader.run(remove('/p/a')).events, [
    { type: 'deleted', path: '/p/a', zxid: zxidAt(4), acl: mine },
    { type: 'childrenChanged', path: '/p', zxid: zxidAt(4), acl: yours }
  ])
})

t.test('a container or a znode with a time to live is removed by a txn of its own, which is nobody`s answer', async t => {
  const leader = treeWith('/p')
  leader.run(create('/p/c', { lifetime: CONTAINER }))
  leader.run(create('/p/t', { lifetime: 5 }))
  t.strictSame([...leader.tree.mortals()].sort(), ['/p/c', '/p/t'])
  t.equal(statOf(leader, '/p/c').ephemeralOwner, NO_SESSION, 'callers are not told what it is')
  const zxid = zxidAt(9)
  t.strictSame(leader.tree.apply({ kind: 'deleteContainer', path: '/p/t' }, zxid, 0), {
    result: { kind: 'none' },
    events: [
      { type: 'deleted', path: '/p/t', zxid },
      { type: 'childrenChanged', path: '/p', zxid }
    ],
    excesses: []
  })
  t.strictSame([...leader.tree.mortals()], ['/p/c'])
  t.match(statOf(leader, '/p'), { cversion: 3, pzxid: zxid, numChildren: 1 })
})

t.test('children come page by page', async t => {
  const leader = treeWith('/p', '/p/b', '/p/a', '/p/d', '/p/c', '/p/c/x')
  const page = (after?: string, limit?: number) =>
    leader.tree.getChildren('/p', { ...(after === undefined ? {} : { after }), ...(limit === undefined ? {} : { limit }) })
      ?.children
  t.strictSame(page(), ['a', 'b', 'c', 'd'])
  t.strictSame(page(undefined, 2), ['a', 'b'])
  t.strictSame(page('b', 2), ['c', 'd'])
  t.strictSame(page('d', 2), [])
  t.strictSame(page('bb', 1), ['c'], 'behind a name that nobody has')
  t.strictSame(page('c'), ['d'])
  t.strictSame(page('', 9), ['a', 'b', 'c', 'd'])
  t.strictSame(page('a', 0), [])
  t.match(leader.tree.getChildren('/p', { limit: 1 })?.stat, { numChildren: 4 }, 'the Stat is that of the whole')
})

t.test('what is below a znode is counted at any depth', async t => {
  const leader = treeWith('/p', '/p/a', '/p/a/b', '/p/a/b/c', '/q')
  t.equal(leader.tree.countDescendants('/p'), 3)
  t.equal(leader.tree.countDescendants('/p/a/b/c'), 0)
  leader.run(remove('/p/a', -1, { recursive: true, ifExists: false }))
  t.equal(leader.tree.countDescendants('/p'), 0)
  t.equal(leader.tree.countDescendants('/'), 4)
})

t.test('check, a refusal and a refused multi make no event and change nothing but the zxid', async t => {
  const leader = treeWith('/a')
  const { digest } = leader.tree
  for (const operation of [multi({ kind: 'check', path: '/a', version: 0 }), create('/a'), multi(setData('/a'), create('/a'))]) {
    t.strictSame(leader.run(operation).events, [])
    t.equal(leader.tree.digest, digest)
    t.equal(leader.tree.zxidApplied, zxidAt(leader.counter))
  }
})

t.test('the end of a session deletes its ephemerals in one txn', async t => {
  const leader = treeWith('/a')
  leader.run(create('/a/1', { ephemeral: true }), session(7))
  leader.run(create('/2', { ephemeral: true }), session(7))
  leader.run(create('/a/3', { ephemeral: true }), session(8))
  t.strictSame(leader.tree.ephemeralsOf(session(7)), ['/2', '/a/1'])
  t.strictSame(leader.tree.ephemeralOwners(), [7, 8])
  leader.close(session(7))
  const zxid = zxidAt(leader.counter)
  t.strictSame(leader.applyNext(), {
    result: { kind: 'none' },
    events: [
      { type: 'deleted', path: '/2', zxid },
      { type: 'childrenChanged', path: '/', zxid },
      { type: 'deleted', path: '/a/1', zxid },
      { type: 'childrenChanged', path: '/a', zxid }
    ],
    excesses: []
  })
  t.strictSame(leader.tree.ephemeralsOf(session(7)), [])
  t.strictSame(leader.tree.ephemeralOwners(), [8])
  t.strictSame(leader.tree.getChildren('/a')?.children, ['3'])
})

t.test('a txn that has been applied changes nothing when it comes again', async t => {
  const leader = treeWith('/a')
  const { digest } = leader.tree
  t.strictSame(leader.tree.apply(createChange('/a', 1), zxidAt(1), 0), { result: { kind: 'none' }, events: [], excesses: [] })
  t.equal(leader.tree.digest, digest)
})

t.test('a txn that does not concern the tree moves its zxid, forward only', async t => {
  const tree = new DataTree()
  tree.advance(zxidAt(5))
  t.equal(tree.zxidApplied, zxidAt(5))
  tree.advance(zxidAt(4))
  t.equal(tree.zxidApplied, zxidAt(5))
})

t.test('a change that does not fit the tree is a divergence and is not applied', async t => {
  const misfits: TreeChange[] = [
    createChange('/a', 3),
    createChange('/x/y', 1),
    createChange('/x', 9),
    createChange('/e/x', 1),
    { kind: 'delete', path: '/x' },
    { kind: 'delete', path: '/a' },
    { kind: 'setData', path: '/x', data: null, version: 1 },
    { kind: 'setData', path: '/a', data: null, version: 2 },
    { kind: 'check', path: '/x' },
    { kind: 'setACL', path: '/x', acl: null, aversion: 1 },
    { kind: 'setACL', path: '/a', acl: null, aversion: 2 },
    { kind: 'touch', path: '/x' },
    { kind: 'deleteContainer', path: '/x' },
    { kind: 'deleteContainer', path: '/a/b' },
    { kind: 'deleteEphemerals', owner: session(2), paths: ['/e'] },
    { kind: 'deleteEphemerals', owner: session(1), paths: ['/f'] }
  ]
  for (const misfit of misfits) {
    const leader = treeWith('/a', '/a/b')
    leader.run(create('/e', { ephemeral: true }), session(1))
    const { digest, zxidApplied } = leader.tree
    t.throws(() => leader.tree.apply(misfit, zxidAt(9), 0), { code: 'INVARIANT_VIOLATED' })
    t.equal(leader.tree.digest, digest)
    t.equal(leader.tree.zxidApplied, zxidApplied)
  }
})

t.test('a version wraps at 32 bits and skips -1', async t => {
  t.equal(nextVersion(0), 1)
  t.equal(nextVersion(2147483647), -2147483648)
  t.equal(nextVersion(-2), 0)
  const records = recordsOf(treeWith('/a').tree)
  const leader = new Leader(
    restored(
      records.map(record => (record.path === '/a' ? { ...record, version: 2147483647 } : record)),
      zxidAt(1)
    )
  )
  leader.counter = 1
  t.match(leader.result(setData('/a', 'x', 2147483647)), { stat: { version: -2147483648 } })
  t.match(leader.result(setData('/a', 'x', -2147483648)), { stat: { version: -2147483647 } })
})

t.test('a parent that has counted as many creates as fit refuses the next one', async t => {
  const records = recordsOf(treeWith('/a').tree)
  const nearlyFull = records.map(record => (record.path === '/a' ? { ...record, cversion: CVERSION_MAX - 1 } : record))
  const leader = new Leader(restored(nearlyFull, zxidAt(1)))
  leader.counter = 1
  t.match(leader.result(create('/a/n-', { sequential: true })), { path: '/a/n-2147483646' })
  t.equal(leader.code(create('/a/n-', { sequential: true })), 'LIMIT_EXCEEDED')
  t.equal(leader.code(create('/a/plain')), 'LIMIT_EXCEEDED')
  t.equal(leader.code(remove('/a/n-2147483646')), 'OK')
  t.equal(leader.code(create('/a/plain')), 'LIMIT_EXCEEDED', 'deleting does not lower the count')
  t.equal(leader.tree.exists('/a')?.cversion, 2 * CVERSION_MAX)
})

t.test('rows and values are used again: a tree that shrinks and grows stays itself', async t => {
  const leader = treeWith('/p')
  for (let round = 0; round < 3; round++) {
    for (let index = 0; index < 1500; index++) leader.run(create(`/p/${index}`, { data: bytes(`${round}-${index}`) }))
    t.equal(leader.tree.nodeCount, 1504)
    t.equal(Buffer.from(leader.tree.getData('/p/1234')?.data ?? []).toString(), `${round}-1234`)
    t.ok(leader.tree.dataBytes >= 1500 * 3)
    for (let index = 0; index < 1500; index++) leader.run(remove(`/p/${index}`))
    t.equal(leader.tree.dataBytes, 0)
    t.strictSame(leader.tree.getChildren('/p')?.children, [])
  }
})

t.test('a guard is asked about the ACL of what is read, and not about what is open to all or not there', async t => {
  const leader = treeWith('/open', '/open/closed')
  const acl = [aclFor('ann', 31)]
  leader.run(setAcl('/open/closed', acl))
  const { tree } = leader
  const asked: unknown[] = []
  const guard = (...what: unknown[]) => {
    asked.push(what)
    throw new Error('forbidden')
  }
  const reads: readonly ((path: string) => unknown)[] = [
    path => tree.exists(path, guard),
    path => tree.getData(path, guard),
    path => tree.getChildren(path, {}, guard),
    path => tree.countDescendants(path, guard)
  ]
  for (const read of reads) {
    t.equal(read('/none'), null)
    t.not(read('/open'), null, 'what lies below does not matter')
    t.strictSame(asked, [])
    t.throws(() => read('/open/closed'), { message: 'forbidden' })
    t.strictSame(asked.splice(0), [[acl, '/open/closed']])
  }
})
