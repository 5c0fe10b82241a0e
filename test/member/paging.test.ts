import t from 'tap'
import type { ChildrenOptions, MultiOp, ZooKeeper } from '../../lib/member/index.js'
import { VirtualEnsemble } from '../../lib/sim/world/virtual-ensemble.js'
import { outcomeOf } from '../fixtures/outcome.js'

async function withChildren(...names: string[]): Promise<VirtualEnsemble> {
  const ensemble = new VirtualEnsemble({ seed: 251, size: 1 })
  await ensemble.startAll()
  const zk = ensemble.member(1)
  await ensemble.settle(zk.create('/p'))
  await ensemble.settle(zk.multi(names.map((name): MultiOp => ({ type: 'create', path: `/p/${name}` }))))
  return ensemble
}

/** All names, page by page. */
async function pagesOf(zk: ZooKeeper, path: string, limit: number): Promise<readonly (readonly string[])[]> {
  const pages: (readonly string[])[] = []
  for (let after: string | undefined; ; ) {
    const options: ChildrenOptions = after === undefined ? { limit } : { limit, after }
    const { children } = await zk.getChildren(path, options)
    if (children.length === 0) return pages
    pages.push(children)
    after = children.at(-1)
  }
}

t.test('names come in the order of their code units, page by page, each once', async t => {
  const names = ['a', 'B', 'ä', '10', '9', '日本', 'a-1', 'a0', 'Z', 'aa']
  const ensemble = await withChildren(...names)
  const zk = ensemble.member(1)
  const sorted = [...names].sort()
  t.strictSame((await zk.getChildren('/p')).children, sorted)
  for (const limit of [1, 2, 3, 9, 10, 11, 1_000]) {
    const pages = await pagesOf(zk, '/p', limit)
    t.strictSame(pages.flat(), sorted, `pages of ${limit}`)
    t.ok(pages.slice(0, -1).every(page => page.length === limit))
  }
  await ensemble.close()
})

t.test('a page begins behind a name, whether that is there or not', async t => {
  const ensemble = await withChildren('b', 'd', 'f')
  const zk = ensemble.member(1)
  const behind = async (after: string, limit?: number) =>
    (await zk.getChildren('/p', limit === undefined ? { after } : { after, limit })).children
  t.strictSame(await behind(''), ['b', 'd', 'f'])
  t.strictSame(await behind('a'), ['b', 'd', 'f'])
  t.strictSame(await behind('b'), ['d', 'f'])
  t.strictSame(await behind('c'), ['d', 'f'])
  t.strictSame(await behind('f'), [])
  t.strictSame(await behind('z'), [])
  t.strictSame(await behind('b', 1), ['d'])
  t.strictSame(zk.local.getChildren('/p', { after: 'b', limit: 1 })?.children, ['d'])
  t.strictSame(zk.local.getChildren('/p', { limit: 2 })?.children, ['b', 'd'])
  t.equal(zk.local.getChildren('/none', { limit: 2 }), null)
  await ensemble.close()
})

t.test('a page shows the Stat of the whole, and its watch hears of all children', async t => {
  const ensemble = await withChildren('a', 'b', 'c')
  const zk = ensemble.member(1)
  const events: string[] = []
  const { children, stat } = await zk.getChildren('/p', { limit: 1, watch: ({ type, path }) => events.push(`${type} ${path}`) })
  t.strictSame(children, ['a'])
  t.equal(stat.numChildren, 3)
  await ensemble.settle(zk.create('/p/z'))
  t.strictSame(events, ['childrenChanged /p'])
  t.equal(await outcomeOf(zk.getChildren('/none', { limit: 1 })), 'NO_NODE')
  await ensemble.close()
})

t.test('what comes and goes between two pages is met or not, and nothing else is met twice or left out', async t => {
  const names = Array.from({ length: 40 }, (_, index) => `n${String(index).padStart(2, '0')}`)
  const ensemble = await withChildren(...names)
  const zk = ensemble.member(1)
  const first = await zk.getChildren('/p', { limit: 10 })
  await ensemble.settle(zk.delete('/p/n09'))
  await ensemble.settle(zk.create('/p/n05-late'))
  await ensemble.settle(zk.create('/p/n09-late'))
  const { children } = await zk.getChildren('/p', { after: first.children.at(-1) ?? '' })
  t.strictSame(children, ['n09-late', ...names.slice(10)])
  await ensemble.close()
})

t.test('a page is read in its turn, and of a quorum when that is asked for', async t => {
  const ensemble = await withChildren('a')
  const zk = ensemble.member(1)
  const calls = [
    zk.getChildren('/p', { limit: 5 }),
    zk.create('/p/b'),
    zk.getChildren('/p', { limit: 5, linearizable: true })
  ] as const
  const [before, , behind] = await ensemble.settle(Promise.all(calls))
  t.strictSame(before.children, ['a'])
  t.strictSame(behind.children, ['a', 'b'])
  await ensemble.close()
})

t.test('what is no page is refused, also without a promise', async t => {
  const ensemble = await withChildren()
  const zk = ensemble.member(1)
  const wrong: readonly unknown[] = [
    { limit: 0 },
    { limit: -1 },
    { limit: 1.5 },
    { limit: '5' },
    { limit: null },
    { after: 7 },
    { after: null }
  ]
  for (const options of wrong as readonly ChildrenOptions[]) {
    t.equal(await outcomeOf(zk.getChildren('/p', options)), 'BAD_ARGUMENTS', JSON.stringify(options))
    t.throws(() => zk.local.getChildren('/p', options), { code: 'BAD_ARGUMENTS' })
  }
  await ensemble.close()
})

t.test('everything below is counted, at any depth, and kept up to date', async t => {
  const ensemble = await withChildren('a', 'b')
  const zk = ensemble.member(1)
  t.equal(await zk.getAllChildrenNumber('/p'), 2)
  await ensemble.settle(zk.create('/p/a/x/y/z', null, { parents: true }))
  await ensemble.settle(zk.create('/p/b/e', null, { ephemeral: true }))
  t.equal(await zk.getAllChildrenNumber('/p'), 6)
  t.equal(await zk.getAllChildrenNumber('/p/a'), 3)
  t.equal(await zk.getAllChildrenNumber('/p/a/x/y/z'), 0)
  t.equal(await zk.getAllChildrenNumber('/'), 9, 'of the reserved znodes too')
  const calls = [zk.delete('/p/a', { recursive: true }), zk.getAllChildrenNumber('/p')] as const
  t.equal((await ensemble.settle(Promise.all(calls)))[1], 2)
  t.equal(await ensemble.settle(zk.getAllChildrenNumber('/p', { linearizable: true })), 2)
  t.equal(await outcomeOf(zk.getAllChildrenNumber('/none')), 'NO_NODE')
  t.equal(await outcomeOf(zk.getAllChildrenNumber('none')), 'BAD_ARGUMENTS')
  await ensemble.close()
})

t.test('ephemerals are listed by the beginning of their path, as text', async t => {
  const ensemble = await withChildren('x')
  const zk = ensemble.member(1)
  for (const path of ['/p/e-2', '/p/e-1', '/p/x/e', '/other']) await ensemble.settle(zk.create(path, null, { ephemeral: true }))
  t.strictSame(await zk.getEphemerals(), ['/other', '/p/e-1', '/p/e-2', '/p/x/e'])
  t.strictSame(await zk.getEphemerals('/p/e'), ['/p/e-1', '/p/e-2'])
  t.strictSame(await zk.getEphemerals('/p/'), ['/p/e-1', '/p/e-2', '/p/x/e'])
  t.strictSame(await zk.getEphemerals('other'), [])
  t.strictSame(await ensemble.settle(zk.getEphemerals('/other', { linearizable: true })), ['/other'])
  for (const prefix of [null, 7, {}]) t.equal(await outcomeOf(zk.getEphemerals(prefix as unknown as string)), 'BAD_ARGUMENTS')
  await ensemble.close()
})
