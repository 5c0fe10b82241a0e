import t from 'tap'
import { type TreeEvent, type WatchKind, WatchTable } from '../../lib/tree/index.js'
import { create, multi, setData, treeWith, zxidAt } from '../fixtures/tree.js'

const KINDS: readonly WatchKind[] = ['data', 'child', 'persistent', 'recursive']
const event = (type: TreeEvent['type'], path: string): TreeEvent => ({ type, path, zxid: zxidAt(9) })
/** `watcher type path`, in the order of firing. */
const heard = (table: WatchTable, ...events: TreeEvent[]): readonly string[] =>
  table.fire(events).map(({ watcher, event }) => `${watcher} ${event.type} ${event.path}`)

/**
 * The trigger matrix of the reference (section 1.5), written out: what a watch of each kind hears when the txn on /q/p happens, by where the
 * watch stands.
 */
const MATRIX: readonly {
  readonly txn: string
  readonly events: readonly TreeEvent[]
  readonly heard: { readonly [place: string]: { readonly [kind in WatchKind]: readonly string[] } }
}[] = [
  {
    txn: 'create',
    events: [event('created', '/q/p'), event('childrenChanged', '/q')],
    heard: {
      '/q/p': { data: ['created /q/p'], child: [], persistent: ['created /q/p'], recursive: ['created /q/p'] },
      '/q': { data: [], child: ['childrenChanged /q'], persistent: ['childrenChanged /q'], recursive: ['created /q/p'] },
      '/': { data: [], child: [], persistent: [], recursive: ['created /q/p'] },
      '/q/p/below': { data: [], child: [], persistent: [], recursive: [] },
      '/q/pp': { data: [], child: [], persistent: [], recursive: [] }
    }
  },
  {
    txn: 'delete',
    events: [event('deleted', '/q/p'), event('childrenChanged', '/q')],
    heard: {
      '/q/p': { data: ['deleted /q/p'], child: ['deleted /q/p'], persistent: ['deleted /q/p'], recursive: ['deleted /q/p'] },
      '/q': { data: [], child: ['childrenChanged /q'], persistent: ['childrenChanged /q'], recursive: ['deleted /q/p'] },
      '/': { data: [], child: [], persistent: [], recursive: ['deleted /q/p'] },
      '/q/p/below': { data: [], child: [], persistent: [], recursive: [] },
      '/q/pp': { data: [], child: [], persistent: [], recursive: [] }
    }
  },
  {
    txn: 'setData',
    events: [event('dataChanged', '/q/p')],
    heard: {
      '/q/p': { data: ['dataChanged /q/p'], child: [], persistent: ['dataChanged /q/p'], recursive: ['dataChanged /q/p'] },
      '/q': { data: [], child: [], persistent: [], recursive: ['dataChanged /q/p'] },
      '/': { data: [], child: [], persistent: [], recursive: ['dataChanged /q/p'] },
      '/q/p/below': { data: [], child: [], persistent: [], recursive: [] },
      '/q/pp': { data: [], child: [], persistent: [], recursive: [] }
    }
  },
  {
    txn: 'check, or anything refused',
    events: [],
    heard: { '/q/p': { data: [], child: [], persistent: [], recursive: [] } }
  }
]

for (const { txn, events, heard: expected } of MATRIX) {
  for (const [path, byKind] of Object.entries(expected)) {
    for (const kind of KINDS) {
      t.test(`a ${kind} watch on ${path} when the txn on /q/p is ${txn}`, async t => {
        const table = new WatchTable()
        table.add(1, path, kind)
        const told = byKind[kind].map(line => `1 ${line}`)
        t.strictSame(heard(table, ...events), told)
        const stays = kind === 'persistent' || kind === 'recursive' || told.length === 0
        t.equal(table.count, stays ? 1 : 0)
        t.equal(table.watcherCount, stays ? 1 : 0)
        t.strictSame(heard(table, ...events), stays ? told : [], 'the second time')
      })
    }
  }
}

t.test('one watcher hears of one event once, however many of its watches the event meets', async t => {
  for (const type of ['created', 'deleted', 'dataChanged', 'childrenChanged'] as const) {
    const table = new WatchTable()
    for (const kind of KINDS) table.add(1, '/q/p', kind)
    table.add(1, '/q', 'recursive')
    table.add(1, '/', 'recursive')
    t.strictSame(heard(table, event(type, '/q/p')), [`1 ${type} /q/p`])
  }
})

t.test('a deleted znode takes data and child watch of one watcher with it for one event', async t => {
  const table = new WatchTable()
  table.add(1, '/p', 'data')
  table.add(1, '/p', 'child')
  table.add(2, '/p', 'child')
  t.strictSame(heard(table, event('deleted', '/p')), ['1 deleted /p', '2 deleted /p'])
  t.equal(table.count, 0)
})

t.test('a one-shot watch fires for the first event of a multi only, a persistent one for each', async t => {
  const leader = treeWith('/p')
  const table = new WatchTable()
  table.add(1, '/p', 'data')
  table.add(2, '/p', 'child')
  table.add(3, '/p', 'persistent')
  const { events } = leader.run(multi(setData('/p'), create('/p/a'), create('/p/b'), setData('/p')))
  t.strictSame(heard(table, ...events), [
    '1 dataChanged /p',
    '3 dataChanged /p',
    '2 childrenChanged /p',
    '3 childrenChanged /p',
    '3 childrenChanged /p',
    '3 dataChanged /p'
  ])
})

t.test('watchers of one event are told in the order in which they registered, wherever they watch', async t => {
  const table = new WatchTable()
  table.add(5, '/', 'recursive')
  table.add(4, '/q/p', 'persistent')
  table.add(3, '/q', 'recursive')
  table.add(2, '/q/p', 'data')
  table.add(1, '/q/p', 'recursive')
  table.add(2, '/', 'recursive')
  t.strictSame(
    heard(table, event('dataChanged', '/q/p')),
    [5, 4, 3, 2, 1].map(watcher => `${watcher} dataChanged /q/p`)
  )
})

t.test('a watcher with several watches stands where the first of them that the event meets was registered', async t => {
  const table = new WatchTable()
  table.add(1, '/p', 'persistent')
  table.add(2, '/p', 'persistent')
  table.add(3, '/', 'recursive')
  table.add(1, '/p', 'data')
  table.add(2, '/', 'recursive')
  t.strictSame(heard(table, event('dataChanged', '/p')), ['1 dataChanged /p', '2 dataChanged /p', '3 dataChanged /p'])
})

t.test('registering the same again changes nothing, not even the order', async t => {
  const table = new WatchTable()
  table.add(1, '/p', 'data')
  table.add(2, '/p', 'data')
  table.add(1, '/p', 'data')
  t.equal(table.count, 2)
  t.strictSame(heard(table, event('deleted', '/p')), ['1 deleted /p', '2 deleted /p'])
})

t.test('a watcher that is removed hears nothing more, and others do', async t => {
  const table = new WatchTable()
  for (const kind of KINDS) {
    table.add(1, '/p', kind)
    table.add(1, '/q', kind)
    table.add(2, '/p', kind)
  }
  table.remove(1)
  table.remove(1)
  table.remove(3)
  t.equal(table.count, 4)
  t.strictSame(heard(table, event('deleted', '/p'), event('deleted', '/q')), ['2 deleted /p'])
  table.remove(2)
  t.equal(table.count, 0)
  t.equal(table.watcherCount, 0)
})

t.test('watches are removed from a path by kind and by watcher, and what was removed is told', async t => {
  const table = new WatchTable()
  for (const kind of KINDS) for (const watcher of [1, 2]) table.add(watcher, '/p', kind)
  t.strictSame(table.removeAt('/none'), [])
  t.strictSame(
    table.removeAt('/p', 'child', watcher => watcher === 2),
    [{ watcher: 2, kind: 'child' }]
  )
  t.strictSame(table.removeAt('/p', 'child'), [{ watcher: 1, kind: 'child' }])
  t.strictSame(table.removeAt('/p', 'child'), [])
  t.equal(table.removeAt('/p', undefined, watcher => watcher === 1).length, 3)
  t.strictSame(heard(table, event('deleted', '/p')), ['2 deleted /p'])
  t.equal(table.removeAt('/p').length, 2)
  t.equal(table.count, 0)
})

t.test('no path above is looked at once the last recursive watch is gone', async t => {
  const table = new WatchTable()
  table.add(1, '/', 'recursive')
  table.add(2, '/q/p', 'persistent')
  table.remove(1)
  t.strictSame(heard(table, event('created', '/q/p')), ['2 created /q/p'])
})
