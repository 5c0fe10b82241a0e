import t from 'tap'
import type { SessionId } from '../../lib/base/index.js'
import { TreeRestorer, type ZnodeRecord } from '../../lib/tree/index.js'
import {
  aclFor,
  bytes,
  create,
  dumpOf,
  Leader,
  recordsOf,
  remove,
  restored,
  session,
  setData,
  treeWith,
  zxidAt
} from '../fixtures/tree.js'

const pathsOf = (records: readonly ZnodeRecord[]): readonly string[] => records.map(({ path }) => path).sort()

t.test('a cut of a tree that stands still holds every znode once, in slices of the asked size', async t => {
  const leader = treeWith('/a', '/a/b', '/c')
  const cut = leader.tree.cut()
  t.equal(cut.zxid, zxidAt(3))
  t.equal(cut.nodeCount, 6)
  t.equal(cut.digest, leader.tree.digest)
  const slices = [cut.next(2), cut.next(2), cut.next(2), cut.next(2)]
  t.strictSame(
    slices.map(slice => slice.length),
    [2, 2, 2, 0]
  )
  t.strictSame(pathsOf(slices.flat()), ['/', '/a', '/a/b', '/c', '/zookeeper', '/zookeeper/quota'])
})

t.test('what changes ahead of the walk is in the image as it was, what is created is not', async t => {
  const leader = treeWith('/p', '/p/kept', '/p/changed', '/p/deleted', '/p/deleted/below')
  leader.run(setData('/p/changed', 'before'))
  const before = dumpOf(leader.tree)
  const { digest, zxidApplied } = leader.tree
  for (const walked of [0, 1, 3, 7, 8]) {
    const cut = leader.tree.cut()
    const records = walked === 0 ? [] : [...cut.next(walked)]
    leader.run(setData('/p/changed', 'after'))
    leader.run(setData('/p/changed', 'even later'))
    leader.run(remove('/p/deleted/below'))
    leader.run(remove('/p/deleted'))
    leader.run(create('/p/new', { data: bytes('new') }))
    leader.run(create('/p/deleted'))
    leader.run(setData('/p/deleted'))
    leader.run(remove('/p/new'))
    for (let slice = cut.next(2); slice.length > 0; slice = cut.next(2)) records.push(...slice)
    if (walked === 0) {
      t.strictSame(dumpOf(restored(records, zxidApplied)), before)
      t.equal(restored(records, zxidApplied).digest, digest)
    }
    t.equal(restored(records, cut.zxid).digest, cut.digest)
    leader.run(create('/p/deleted/below'))
  }
})

t.test('a cut costs memory only for what has changed ahead of the walk', async t => {
  const leader = treeWith('/a', '/b', '/c')
  const cut = leader.tree.cut()
  const walked = cut.next(4).map(({ path }) => path)
  const ahead = ['/a', '/b', '/c'].filter(path => !walked.includes(path))
  t.equal(ahead.length, 2)
  for (const path of ['/a', '/b', '/c', '/a', '/b', '/c']) leader.run(setData(path))
  leader.run(create('/d'))
  leader.run(setData('/d'))
  t.equal(cut.savedCount, 2)
  cut.next(1)
  t.equal(cut.savedCount, 1)
  t.equal(cut.next(9).length, 1)
  t.equal(cut.savedCount, 0)
  cut.close()
})

t.test('a tree is cut once at a time: again after the walk has ended or the cut was closed', async t => {
  const { tree } = treeWith('/a')
  const first = tree.cut()
  t.throws(() => tree.cut(), { code: 'INVARIANT_VIOLATED' })
  first.next(1)
  first.close()
  first.close()
  t.strictSame(first.next(10), [], 'a closed cut has nothing more')
  const second = tree.cut()
  first.close()
  t.throws(() => tree.cut(), { code: 'INVARIANT_VIOLATED' }, 'closing the first again does not release the second')
  while (second.next(1).length > 0);
  t.equal(recordsOf(tree).length, 4)
})

t.test('the records of a cut are copies', async t => {
  const leader = new Leader()
  leader.run(create('/a', { data: bytes('abc') }))
  for (const record of recordsOf(leader.tree)) record.data?.fill(0)
  t.strictSame(leader.tree.getData('/a')?.data, bytes('abc'))
})

t.test('a restored tree goes on as the one it was taken of', async t => {
  const leader = treeWith('/p', '/p/x')
  leader.run(remove('/p/x'))
  leader.run(create('/p/e', { ephemeral: true, data: bytes('value') }), session(5))
  const other = new Leader(restored(recordsOf(leader.tree), leader.tree.zxidApplied))
  other.counter = leader.counter
  t.strictSame(dumpOf(other.tree), dumpOf(leader.tree))
  t.strictSame(other.tree.ephemeralsOf(session(5)), ['/p/e'])
  for (const each of [leader, other]) {
    t.match(each.result(create('/p/n-', { sequential: true })), { path: '/p/n-0000000002' })
    each.close(session(5))
    each.catchUp()
  }
  t.equal(other.tree.digest, leader.tree.digest)
  t.equal(other.tree.zxidApplied, leader.tree.zxidApplied)
})

t.test('a restored tree knows what is mortal, whose ACL is what, and the quotas with their usage', async t => {
  const leader = treeWith('/p')
  const acl = [aclFor('alice', 31)]
  leader.run(create('/p/c', { lifetime: -1, acl, data: bytes('four') }))
  leader.run(create('/p/t', { lifetime: 77 }))
  leader.run(create('/zookeeper/quota/p/zookeeper_limits', { data: bytes('countHardLimit=3'), parents: true }))
  const tree = restored(recordsOf(leader.tree), leader.tree.zxidApplied)
  t.strictSame([...tree.mortals()].sort(), ['/p/c', '/p/t'])
  t.match(tree.countersOf('/p/t'), { lifetime: 77 })
  t.strictSame(tree.aclOf('/p/c'), acl)
  t.strictSame(tree.usageOf('/p'), { count: 3, bytes: 4 })
  t.match(tree.quotaOf('/p'), { countHard: 3 })
  t.strictSame(new Leader(tree).prepare(create('/p/d')), { kind: 'refused', code: 'QUOTA_EXCEEDED', path: '/p' })
})

t.test('a snapshot may be restored in slices and in any order', async t => {
  const leader = treeWith('/a', '/a/b', '/a/b/c', '/d')
  const restorer = new TreeRestorer()
  for (const record of recordsOf(leader.tree).reverse()) restorer.add([record])
  t.equal(restorer.finish(leader.tree.zxidApplied).digest, leader.tree.digest)
})

t.test('a snapshot that does not hold together is refused', async t => {
  const leader = treeWith('/a', '/a/b')
  leader.run(create('/e', { ephemeral: true }), session(5))
  const zxid = leader.tree.zxidApplied
  const records = recordsOf(leader.tree)
  const changed = (path: string, change: Partial<ZnodeRecord>): readonly ZnodeRecord[] =>
    records.map(record => (record.path === path ? { ...record, ...change } : record))
  const damaged: readonly (readonly [string, readonly ZnodeRecord[]])[] = [
    ['nothing', []],
    ['no root', records.filter(({ path }) => path !== '/')],
    ['no /zookeeper', records.filter(({ path }) => !path.startsWith('/zookeeper'))],
    ['no /zookeeper/quota', records.filter(({ path }) => path !== '/zookeeper/quota')],
    ['a parent missing', records.filter(({ path }) => path !== '/a')],
    ['a znode twice', [...records, ...records.slice(-1)]],
    ['no path', changed('/a/b', { path: '/a//b' })],
    ['more children than creates', changed('/a', { cversion: 0 })],
    ['changed before it was created', changed('/a', { czxid: zxidAt(2), mzxid: zxidAt(1) })],
    ['children changed before it was created', changed('/a/b', { pzxid: zxidAt(1) })],
    ['younger than the snapshot', changed('/a', { mzxid: zxidAt(99) })],
    ['more children than creates, of the root', changed('/', { cversion: 1 })],
    ['two ways to end', changed('/e', { lifetime: 9 })],
    ['a child of an ephemeral', changed('/a', { owner: 5 as SessionId })]
  ]
  t.equal(restored(records, zxid).digest, leader.tree.digest)
  for (const [what, list] of damaged) {
    t.throws(() => restored(list, zxid), { code: 'LOG_CORRUPTED' }, what)
    t.throws(() => restored([...list].reverse(), zxid), { code: 'LOG_CORRUPTED' }, `${what}, in reverse`)
  }
})
