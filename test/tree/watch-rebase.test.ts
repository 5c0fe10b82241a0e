import t from 'tap'
import { LIMITS } from '../../lib/base/index.js'
import { withLimits } from '../../lib/sim/faults/tiny-limits.js'
import { type Acl, DataTree, PERMISSIONS, type RebaseView, type WatchKind, WatchTable } from '../../lib/tree/index.js'
import { create, Leader, recordsOf, remove, restored, setData, treeWith, zxidAt } from '../fixtures/tree.js'

const KINDS: readonly WatchKind[] = ['data', 'child', 'persistent', 'recursive']

/** A tree, and a later one of the same history that a test goes on with. */
function laterThan(before: Leader): Leader {
  const after = new Leader(restored(recordsOf(before.tree), before.tree.zxidApplied))
  after.counter = before.counter
  return after
}

/** `watcher type path paths`, in order. */
function told(table: WatchTable, before: RebaseView, after: RebaseView): readonly string[] {
  return table.rebase(before, after).map(({ watcher, event }) => {
    const paths = event.type !== 'reset' ? '' : event.paths === null ? ' anything' : ` [${event.paths.join(' ')}]`
    return `${watcher} ${event.type} ${event.path}${paths}`
  })
}

t.test('one-shot watches fire by what differs, and the others are told of the gap', async t => {
  const before = treeWith('/same', '/data', '/children', '/gone', '/again')
  const after = laterThan(before)
  after.run(setData('/data'))
  after.run(create('/children/x'))
  after.run(remove('/children/x'))
  after.run(remove('/gone'))
  after.run(remove('/again'))
  after.run(create('/again'))
  after.run(create('/new'))
  const paths = ['/same', '/data', '/children', '/gone', '/again', '/new', '/never']
  const table = new WatchTable()
  paths.forEach((path, index) => {
    KINDS.forEach((kind, place) => {
      table.add(index * 10 + place, path, kind)
    })
  })
  const firings = table.rebase(before.tree, after.tree)
  t.ok(firings.every(({ event }) => event.zxid === after.tree.zxidApplied))
  t.strictSame(
    firings.map(({ watcher, event }) => `${KINDS[watcher % 10]} ${event.type} ${event.path}`),
    [
      'persistent reset /same',
      'recursive reset /same',
      'data dataChanged /data',
      'persistent reset /data',
      'recursive reset /data',
      'child childrenChanged /children',
      'persistent reset /children',
      'recursive reset /children',
      'data deleted /gone',
      'child deleted /gone',
      'persistent reset /gone',
      'recursive reset /gone',
      'data dataChanged /again',
      'child childrenChanged /again',
      'persistent reset /again',
      'recursive reset /again',
      'data created /new',
      'persistent reset /new',
      'recursive reset /new',
      'persistent reset /never',
      'recursive reset /never'
    ]
  )
  t.equal(table.count, paths.length * 4 - 7, 'the seven that fired are gone')
  const again = table.rebase(after.tree, after.tree)
  t.equal(again.length, paths.length * 2, 'a second time only the ones that stay')
})

t.test('a watcher is told once of one path', async t => {
  const before = treeWith('/p')
  const after = laterThan(before)
  after.run(remove('/p'))
  const table = new WatchTable()
  for (const kind of KINDS) table.add(1, '/p', kind)
  t.strictSame(told(table, before.tree, after.tree), ['1 deleted /p', '1 reset /p [/p]'])
})

t.test('a persistent watch is told whether anything about its znode is not as it was', async t => {
  const before = treeWith('/same', '/same/below', '/data', '/children', '/gone', '/again')
  const after = laterThan(before)
  after.run(setData('/same/below'))
  after.run(setData('/data'))
  after.run(create('/children/x'))
  after.run(remove('/children/x'))
  after.run(remove('/gone'))
  after.run(remove('/again'))
  after.run(create('/again'))
  after.run(create('/new'))
  after.run(create('/brief'))
  after.run(remove('/brief'))
  const table = new WatchTable()
  const paths = ['/same', '/data', '/children', '/gone', '/again', '/new', '/brief', '/never', '/']
  paths.forEach((path, index) => {
    table.add(index, path, 'persistent')
  })
  t.strictSame(told(table, before.tree, after.tree), [
    '0 reset /same []',
    '1 reset /data [/data]',
    '2 reset /children [/children]',
    '3 reset /gone [/gone]',
    '4 reset /again [/again]',
    '5 reset /new [/new]',
    '6 reset /brief []',
    '7 reset /never []',
    '8 reset / [/]'
  ])
})

t.test('a recursive watch is told of every path that came, went, was made anew or had its data set', async t => {
  const before = treeWith(
    '/a',
    '/a/data',
    '/a/children',
    '/a/gone',
    '/a/gone/x',
    '/a/gone/x/y',
    '/a/again',
    '/a/same',
    '/a0',
    '/a!'
  )
  const after = laterThan(before)
  after.run(setData('/a/data'))
  after.run(create('/a/children/x'))
  after.run(remove('/a/children/x'))
  for (const path of ['/a/gone/x/y', '/a/gone/x', '/a/gone', '/a/again']) after.run(remove(path))
  after.run(create('/a/again'))
  for (const path of ['/a/new', '/a/new/x', '/a/new/x/y', '/a/new!']) after.run(create(path))
  after.run(setData('/a0'))
  after.run(setData('/a!'))
  const table = new WatchTable()
  table.add(1, '/a', 'recursive')
  table.add(2, '/', 'recursive')
  table.add(3, '/a/gone/x', 'recursive')
  table.add(4, '/a/same', 'recursive')
  table.add(5, '/never', 'recursive')
  const gone = '/a/gone /a/gone/x /a/gone/x/y'
  const below = `/a/again /a/data ${gone} /a/new /a/new! /a/new/x /a/new/x/y`
  t.strictSame(told(table, before.tree, after.tree), [
    `1 reset /a [${below}]`,
    `2 reset / [/a! ${below} /a0]`,
    '3 reset /a/gone/x [/a/gone/x /a/gone/x/y]',
    '4 reset /a/same []',
    '5 reset /never []'
  ])
})

t.test('a watcher with both kinds that stay is told once, of what either would be', async t => {
  const before = treeWith('/a', '/a/x')
  const after = laterThan(before)
  after.run(create('/a/y'))
  const table = new WatchTable()
  for (const watcher of [1, 2]) table.add(watcher, '/a', 'persistent')
  for (const watcher of [2, 3]) table.add(watcher, '/a', 'recursive')
  t.strictSame(told(table, before.tree, after.tree), ['1 reset /a [/a]', '2 reset /a [/a /a/y]', '3 reset /a [/a/y]'])
  after.run(setData('/a'))
  t.strictSame(told(table, before.tree, after.tree), ['1 reset /a [/a]', '2 reset /a [/a /a/y]', '3 reset /a [/a /a/y]'])
})

t.test('whatever was done between, the paths are those that a comparison of everything finds', async t => {
  const before = treeWith('/a', '/b', '/a/a', '/a/b', '/b/a', '/a/a/a')
  const after = laterThan(before)
  const seed = [7, 3, 1, 9, 4, 8, 2, 6, 5, 0, 11, 13]
  const everywhere = ['/a', '/b', '/c', '/a/a', '/a/b', '/a/c', '/b/a', '/b/b', '/c/a', '/a/a/a', '/a/a/b', '/b/a/a']
  for (let step = 0; step < 60; step++) {
    const path = everywhere[((seed[step % 12] ?? 0) * (step + 1)) % everywhere.length] ?? '/a'
    for (const operation of [create(path), setData(path), remove(path)].slice(step % 3)) after.run(operation)
    const table = new WatchTable()
    const roots = ['/', ...everywhere]
    roots.forEach((root, index) => {
      table.add(index, root, 'recursive')
    })
    const mzxidIn = (tree: DataTree, each: string) => tree.exists(each)?.mzxid ?? null
    const changed = roots.filter(each => mzxidIn(before.tree, each) !== mzxidIn(after.tree, each)).sort()
    const isIn = (root: string) => (each: string) => each === root || each.startsWith(root === '/' ? '/' : `${root}/`)
    t.strictSame(
      told(table, before.tree, after.tree),
      roots.map((root, index) => `${index} reset ${root} [${changed.filter(isIn(root)).join(' ')}]`)
    )
  }
})

// Bounds.

t.test('of more changed paths than the bound none is named, and the others are', async t => {
  const before = treeWith('/a', '/b', '/c')
  const after = laterThan(before)
  for (const path of ['/a/1', '/a/2', '/a/3', '/b/1', '/b/2']) after.run(create(path))
  const watched = () => {
    const table = new WatchTable()
    for (const [index, path] of ['/', '/a', '/b', '/c'].entries()) table.add(index, path, 'recursive')
    table.add(9, '/a', 'persistent')
    return told(table, before.tree, after.tree)
  }
  const named = ['1 reset /a [/a/1 /a/2 /a/3]', '2 reset /b [/b/1 /b/2]', '3 reset /c []', '9 reset /a [/a]']
  await withLimits({ resetPathsMax: 5 }, async () => {
    t.strictSame(watched(), ['0 reset / [/a/1 /a/2 /a/3 /b/1 /b/2]', ...named], 'one below another is found once')
  })
  await withLimits({ resetPathsMax: 4 }, async () => {
    t.strictSame(watched(), ['0 reset / anything', '1 reset /a anything', ...named.slice(1)])
  })
})

t.test('beyond the znodes that may be looked at nothing is named, and nothing further is looked at', async t => {
  const before = treeWith('/a', ...Array.from({ length: 50 }, (_, index) => `/a/${index}`))
  const after = laterThan(before)
  after.run(create('/a/0/x'))
  const table = new WatchTable()
  table.add(1, '/', 'recursive')
  table.add(2, '/a', 'recursive')
  table.add(3, '/a/0', 'recursive')
  const looked = new Set<string>()
  let listed = 0
  const view = (tree: DataTree): RebaseView => ({
    zxidApplied: tree.zxidApplied,
    exists: path => {
      looked.add(path)
      return tree.exists(path)
    },
    getChildren: path => {
      const found = tree.getChildren(path)
      listed += found?.children.length ?? 0
      return found
    }
  })
  // The two roots, what is below /a/0, its 49 siblings, and of the root '/' itself with '/zookeeper' and '/zookeeper/quota'.
  const needed = 1 + 1 + 1 + 49 + 1 + 2
  await withLimits({ resetZnodesMax: needed }, async () => {
    t.strictSame(told(table, view(before.tree), view(after.tree)), [
      '1 reset / [/a/0/x]',
      '2 reset /a [/a/0/x]',
      '3 reset /a/0 [/a/0/x]'
    ])
  })
  t.equal(looked.size, needed)
  await withLimits({ resetZnodesMax: needed - 1 }, async () => {
    t.strictSame(told(table, view(before.tree), view(after.tree)), [
      '1 reset / anything',
      '2 reset /a [/a/0/x]',
      '3 reset /a/0 [/a/0/x]'
    ])
  })
  looked.clear()
  listed = 0
  await withLimits({ resetZnodesMax: 20 }, async () => {
    t.strictSame(told(table, view(before.tree), view(after.tree)), [
      '1 reset / anything',
      '2 reset /a anything',
      '3 reset /a/0 [/a/0/x]'
    ])
  })
  t.ok(looked.size < 20, `${looked.size} znodes`)
  t.ok(listed < 20, `${listed} names`)
})

t.test('more recursively watched paths than may be looked at are not all looked at', async t => {
  const { tree } = treeWith('/a', '/b', '/c')
  const table = new WatchTable()
  for (const [index, path] of ['/a', '/b', '/c'].entries()) table.add(index, path, 'recursive')
  await withLimits({ resetZnodesMax: 2 }, async () => {
    t.strictSame(told(table, tree, tree), ['0 reset /a []', '1 reset /b []', '2 reset /c anything'])
  })
})

t.test('the pause of the largest comparison is that of looking at so many znodes, whoever watches', async t => {
  const before = new Leader()
  before.run(create('/w'))
  for (let group = 0; group < 3; group++) {
    before.run(create(`/w/${group}`))
    for (let index = 0; index < 5_000; index++) before.run(create(`/w/${group}/${index}`))
  }
  const table = new WatchTable()
  for (let watcher = 0; watcher < 1_000; watcher++) {
    table.add(watcher, '/', 'recursive')
    table.add(watcher, `/w/${watcher % 3}`, 'recursive')
    table.add(watcher, `/w/0/${watcher}`, 'recursive')
  }
  let looks = 0
  const view: RebaseView = {
    zxidApplied: before.tree.zxidApplied,
    exists: path => {
      looks++
      return before.tree.exists(path)
    },
    getChildren: path => before.tree.getChildren(path)
  }
  table.rebase(view, view)
  const watchedPaths = 1 + 3 + 1_000
  t.ok(looks <= 2 * (LIMITS.resetZnodesMax + watchedPaths), `${looks} looks`)
})

// ACLs.

t.test('an event bears the ACL of its znode, of one that is gone the last, and a reset those of its paths', async t => {
  const before = treeWith('/open', '/read', '/gone')
  const after = laterThan(before)
  after.run(setData('/open'))
  after.run(setData('/read'))
  after.run(remove('/gone'))
  const acl = (id: string): Acl => [{ perms: PERMISSIONS.READ, scheme: 'digest', id }]
  const view = (tree: DataTree, id: string): RebaseView => ({
    zxidApplied: tree.zxidApplied,
    exists: path => tree.exists(path),
    getChildren: path => tree.getChildren(path),
    aclOf: path => (path === '/open' || tree.exists(path) === null ? null : acl(id))
  })
  const table = new WatchTable()
  const paths = ['/open', '/read', '/gone']
  for (const path of paths) table.add(1, path, 'data')
  table.add(2, '/gone', 'persistent')
  table.add(3, '/', 'recursive')
  const zxid = zxidAt(after.counter)
  t.strictSame(
    table.rebase(view(before.tree, 'before'), view(after.tree, 'after')).map(({ event }) => event),
    [
      { type: 'dataChanged', path: '/open', zxid },
      { type: 'dataChanged', path: '/read', zxid, acl: acl('after') },
      { type: 'deleted', path: '/gone', zxid, acl: acl('before') },
      { type: 'reset', path: '/gone', zxid, paths: ['/gone'], acls: new Map([['/gone', acl('before')]]) },
      {
        type: 'reset',
        path: '/',
        zxid,
        paths: ['/gone', '/open', '/read'],
        acls: new Map([
          ['/gone', acl('before')],
          ['/read', acl('after')]
        ])
      }
    ]
  )
})

t.test('the paths of a reset cannot be changed by those who are told', async t => {
  const tree = new DataTree()
  const table = new WatchTable()
  table.add(1, '/', 'recursive')
  for (const { event } of table.rebase(tree, tree)) t.equal(event.type === 'reset' && Object.isFrozen(event.paths), true)
})
