import t from 'tap'
import { PlainDigest } from '../../lib/sim/model/plain-digest.js'
import { PlainTree } from '../../lib/sim/model/plain-tree.js'
import { DataTree } from '../../lib/tree/index.js'
import { check, create, multi, remove, setData } from '../fixtures/tree.js'

t.test('a refused multi leaves nothing behind, and nobody is told of it', async t => {
  const told: string[] = []
  const tree = new PlainTree(path => told.push(path))
  tree.execute(multi(create('/a'), create('/a/b', { ephemeral: true })), 5, 1, 1)
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
    5,
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
    ['/zookeeper', 0]
  ])
  told.length = 0
  tree.execute(multi(create('/a'), setData('/a'), setData('/a'), create('/b'), remove('/b')), 5, 1, 1)
  t.strictSame(told, [
    ['/', 0],
    ['/a', 2],
    ['/b', null]
  ])
})

t.test('the end of a session takes its ephemerals, and counts them as deleted', async t => {
  const tree = new PlainTree()
  tree.execute(multi(create('/a'), create('/a/e', { ephemeral: true }), create('/a/f', { ephemeral: true })), 5, 1, 1)
  tree.execute(create('/a/g', { ephemeral: true }), 6, 2, 2)
  tree.endSession(5, 3)
  t.strictSame(
    tree.dump().map(({ path }) => path),
    ['/', '/a', '/a/g', '/zookeeper']
  )
  const stat = tree.dump()[1]?.stat
  t.match(stat, { cversion: 5, pzxid: 3, numChildren: 1 })
})

t.test('a session owns no more bytes of ephemeral paths than it may', async t => {
  const tree = new PlainTree(() => {}, 6)
  const ephemeral = (path: string) => tree.execute(create(path, { ephemeral: true }), 5, 1, 1).result
  t.equal(ephemeral('/äb').kind, 'create')
  t.strictSame(ephemeral('/abc'), { kind: 'refused', code: 'BAD_ARGUMENTS', path: '/abc' })
  t.equal(ephemeral('/a').kind, 'create')
  t.equal(tree.execute(create('/abcdef'), 5, 2, 2).result.kind, 'create', 'others are not counted')
  t.equal(tree.execute(create('/g', { ephemeral: true }), 6, 2, 2).result.kind, 'create', 'each session for itself')
  tree.execute(remove('/äb'), 5, 3, 3)
  t.equal(ephemeral('/b').kind, 'create')
})

t.test('the digest covers path, data and every field, and what is gone is gone from it', async t => {
  const digest = new PlainDigest()
  const tree = new PlainTree((path, node) => digest.znode(path, node))
  t.equal(digest.whole, `${new DataTree().digest}${'0'.repeat(16)}`)
  const empty = digest.whole
  tree.execute(create('/a', { data: new Uint8Array([1, 2, 3, 4, 5]) }), 5, 1, 1)
  const node = tree.node('/a')
  if (node === null) throw new Error('it is there')
  const seen = new Set([digest.whole])
  for (const field of Object.keys(node)) {
    const other = { ...node, [field]: field === 'data' ? new Uint8Array([1, 2, 3, 4, 6]) : 9 }
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
  const session = { id: 9, timeout: 10, member: 1, run: 'r', password: new Uint8Array([1]), cxid: 0 }
  const seen = new Set([digest.whole])
  for (const change of [{}, { timeout: 11 }, { member: 2 }, { run: 's' }, { password: new Uint8Array([2]) }, { cxid: 1 }]) {
    digest.session(9, { ...session, ...change })
    seen.add(digest.whole)
  }
  digest.session(9, null)
  t.ok(seen.has(digest.whole), 'as if it had never been')
  for (const change of [{}, { run: 's' }, { cxid: 1 }]) {
    digest.member({ member: 1, run: 'r', cxid: 0, ...change })
    seen.add(digest.whole)
  }
  t.equal(seen.size, 10)
})
