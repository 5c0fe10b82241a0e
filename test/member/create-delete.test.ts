import t from 'tap'
import { LIMITS } from '../../lib/base/index.js'
import type { CreateIfAbsentOptions, CreateOptions, DeleteOptions, MultiOp } from '../../lib/member/index.js'
import { VirtualEnsemble, type VirtualEnsembleOptions } from '../../lib/sim/world/virtual-ensemble.js'
import { type Acl, PERMISSIONS } from '../../lib/tree/index.js'
import { outcomeOf } from '../fixtures/outcome.js'

const MIB = 1024 * 1024
const READ_ONLY: Acl = [{ perms: PERMISSIONS.READ, scheme: 'world', id: 'anyone' }]

async function started(settings: VirtualEnsembleOptions = {}): Promise<VirtualEnsemble> {
  const ensemble = new VirtualEnsemble({ seed: 221, ...settings })
  await ensemble.startAll()
  return ensemble
}

t.test('a create with parents makes what is missing, persistent and without data, all in one txn', async t => {
  const ensemble = await started()
  for (const { id } of [ensemble.leader, ensemble.follower]) {
    const zk = ensemble.member(id)
    const base = `/p${id}`
    const { path, stat } = await ensemble.settle(zk.create(`${base}/a/b/c`, 'x', { parents: true, ephemeral: true }))
    t.equal(path, `${base}/a/b/c`)
    t.equal(stat.ephemeralOwner, zk.sessionId)
    t.strictSame(await zk.exists(path), stat)
    for (const above of [base, `${base}/a`, `${base}/a/b`]) {
      const found = await zk.getData(above)
      t.equal(found.data, null)
      t.match(found.stat, { czxid: stat.czxid, ephemeralOwner: 0, numChildren: 1, version: 0 })
    }
    const below = await ensemble.settle(zk.create(`${base}/a/d`, null, { parents: true }))
    t.equal(below.path, `${base}/a/d`, 'where nothing is missing it is a create')
    const again = outcomeOf(zk.create(`${base}/a/d`, null, { parents: true }))
    t.equal(await ensemble.settle(again), 'NODE_EXISTS')
  }
  await ensemble.close()
})

t.test('the parents of a container or sequential znode are persistent, and have the ACL of the znode', async t => {
  const ensemble = await started({ options: { containerCheckInterval: 200 } })
  const zk = ensemble.follower
  const acl: Acl = [{ perms: PERMISSIONS.ALL & ~PERMISSIONS.WRITE, scheme: 'world', id: 'anyone' }]
  const { path } = await ensemble.settle(zk.create('/q/tasks/t-', null, { parents: true, sequential: true, ttl: 300, acl }))
  t.equal(path, '/q/tasks/t-0000000000')
  for (const each of ['/q', '/q/tasks', path]) t.strictSame((await zk.getACL(each)).acl, acl)
  const numbered = await ensemble.settle(zk.create('/r/s/', null, { parents: true, sequential: true }))
  t.equal(numbered.path, '/r/s/0000000000')
  await ensemble.until(() => zk.local.exists(path) === null, 2_000)
  await ensemble.run(2_000)
  t.ok(zk.local.exists('/q/tasks'))
  await ensemble.close()
})

t.test('a create with parents that is refused for one of them makes none', async t => {
  const ensemble = await started({ options: { limits: { children: 3 } } })
  const zk = ensemble.follower
  await ensemble.settle(zk.create('/closed', null, { acl: READ_ONLY }))
  await ensemble.settle(zk.create('/gone', null, { ephemeral: true }))
  const refused = async (path: string, code: string, named: string) => {
    await t.rejects(ensemble.settle(zk.create(path, null, { parents: true })), { code, path: named, outcome: 'not-applied' })
  }
  await refused('/closed/a/b', 'NO_AUTH', '/closed/a')
  await refused('/gone/a/b', 'NO_CHILDREN_FOR_EPHEMERALS', '/gone/a')
  await refused('/third/a', 'LIMIT_EXCEEDED', '/third')
  t.equal(await outcomeOf(zk.create('/zookeeper/x/y', null, { parents: true })), 'BAD_ARGUMENTS')
  t.strictSame(zk.local.getChildren('/')?.children, ['closed', 'gone', 'zookeeper'])
  await ensemble.close()
})

t.test('the data of a znode count once, however many parents it is given', async t => {
  const ensemble = await started()
  const zk = ensemble.follower
  const { stat } = await ensemble.settle(zk.create('/a/b/c/d/e/f', Buffer.alloc(MIB), { parents: true }))
  t.equal(stat.dataLength, MIB)
  const deepest = '/x'.repeat(LIMITS.pathDepthMax)
  t.equal(await ensemble.settle(outcomeOf(zk.create(deepest, 'x', { parents: true }))), 'OK')
  t.equal(await outcomeOf(zk.create(`${deepest}/x`, 'x', { parents: true })), 'BAD_ARGUMENTS')
  await ensemble.converge()
  await ensemble.close()
})

t.test('createIfAbsent says which it was, and shows what is there', async t => {
  const ensemble = await started()
  for (const { id } of [ensemble.leader, ensemble.follower]) {
    const zk = ensemble.member(id)
    const path = `/i${id}`
    const first = await ensemble.settle(zk.createIfAbsent(path, 'first'))
    t.strictSame(first, { path, stat: await zk.exists(path), created: true })
    await ensemble.settle(zk.setData(path, 'second'))
    const again = await ensemble.settle(zk.createIfAbsent(path, 'third', { ephemeral: true }))
    t.strictSame(again, { path, stat: await zk.exists(path), created: false })
    t.equal((await zk.getData(path)).data?.toString(), 'second')
    const deep = await ensemble.settle(zk.createIfAbsent(`${path}/a/b`, 'x', { parents: true }))
    t.strictSame(deep, { path: `${path}/a/b`, stat: await zk.exists(`${path}/a/b`), created: true })
    const found = await ensemble.settle(zk.createIfAbsent(`${path}/a/b`, 'y', { parents: true }))
    t.strictSame(found, { ...deep, created: false })
  }
  t.match(await ensemble.settle(ensemble.follower.createIfAbsent('/')), { path: '/', created: false })
  t.equal(await ensemble.settle(outcomeOf(ensemble.follower.createIfAbsent('/none/x'))), 'NO_NODE')
  await ensemble.close()
})

t.test('of many that create the same if it is absent, one does', async t => {
  const ensemble = await started()
  const calls = ensemble.members.flatMap(zk => [zk.createIfAbsent('/one', String(zk.id)), zk.createIfAbsent('/one', 'again')])
  const results = await ensemble.settle(Promise.all(calls))
  t.equal(results.filter(({ created }) => created).length, 1)
  t.equal(new Set(results.map(({ stat }) => stat.czxid)).size, 1)
  await ensemble.close()
})

t.test('delete with ifExists is no refusal where there is nothing', async t => {
  const ensemble = await started()
  const zk = ensemble.follower
  await ensemble.settle(zk.create('/d'))
  await ensemble.settle(zk.create('/d/c'))
  const run = (options: DeleteOptions, path = '/d/c') => ensemble.settle(outcomeOf(zk.delete(path, options)))
  t.equal(await run({ ifExists: true, version: 1 }), 'BAD_VERSION')
  t.equal(await run({ ifExists: true }, '/d'), 'NOT_EMPTY')
  t.equal(await run({ ifExists: true, version: 0 }), 'OK')
  t.equal(zk.local.exists('/d/c'), null)
  t.equal(await run({ ifExists: true }), 'OK')
  t.equal(await run({ ifExists: true, version: 3 }), 'OK')
  t.equal(await run({ ifExists: true, recursive: true }), 'OK')
  t.equal(await run({ ifExists: true }, '/no/such/parent'), 'OK')
  t.equal(await run({}), 'NO_NODE')
  t.equal(await run({ recursive: true }), 'NO_NODE')
  await ensemble.close()
})

t.test('a recursive delete takes everything below with it in one txn, from below', async t => {
  const ensemble = await started()
  const { leader, follower: zk } = ensemble
  const other = await ensemble.settle(leader.openSession())
  await ensemble.settle(zk.create('/s/a/b', null, { parents: true }))
  await ensemble.settle(zk.create('/s/c', null, { container: true }))
  await ensemble.settle(other.create('/s/a/e', null, { ephemeral: true }))
  await ensemble.settle(zk.create('/s-beside'))
  await ensemble.settle(zk.sync())
  const deleted: string[] = []
  const zxids = new Set<number>()
  zk.watch('/', { recursive: true }, ({ type, path, zxid }) => {
    deleted.push(`${type} ${path}`)
    zxids.add(zxid)
  })
  t.equal(await ensemble.settle(outcomeOf(zk.delete('/s', { recursive: true, version: 1 }))), 'BAD_VERSION')
  await ensemble.settle(zk.delete('/s', { recursive: true, version: 0 }))
  t.strictSame(deleted, ['deleted /s/c', 'deleted /s/a/e', 'deleted /s/a/b', 'deleted /s/a', 'deleted /s'])
  t.equal(zxids.size, 1)
  t.strictSame(zk.local.getChildren('/')?.children, ['s-beside', 'zookeeper'])
  await ensemble.settle(other.sync())
  t.strictSame(await other.getEphemerals(), [])
  await ensemble.close()
})

t.test('a recursive delete is judged by what is on its way, and a refusal below refuses all of it', async t => {
  const ensemble = await started()
  const zk = ensemble.follower
  await ensemble.settle(zk.create('/s/a/b', null, { parents: true }))
  const calls = [
    zk.create('/s/new'),
    zk.delete('/s/a/b'),
    zk.delete('/s', { recursive: true }),
    zk.create('/s/late'),
    zk.create('/s'),
    zk.delete('/s')
  ]
  t.strictSame(await ensemble.settle(Promise.all(calls.map(outcomeOf))), ['OK', 'OK', 'OK', 'NO_NODE', 'OK', 'OK'])
  await ensemble.settle(zk.create('/s/a/b', null, { parents: true }))
  await ensemble.settle(zk.setACL('/s/a', READ_ONLY))
  const refused = zk.delete('/s', { recursive: true })
  await t.rejects(ensemble.settle(refused), { code: 'NO_AUTH', path: '/s/a/b', outcome: 'not-applied' })
  t.ok(zk.local.exists('/s/a/b'))
  await ensemble.close()
})

t.test('a recursive delete has a bound, and is refused whole beyond it', async t => {
  const ensemble = await started()
  const zk = ensemble.follower
  await ensemble.settle(zk.create('/many'))
  const ops = (from: number, count: number): MultiOp[] =>
    Array.from({ length: count }, (_, index) => ({ type: 'create', path: `/many/${from + index}` }))
  for (let from = 0; from < LIMITS.deletedMax; from += 1_000) await ensemble.settle(zk.multi(ops(from, 1_000)))
  const all = () => ensemble.settle(outcomeOf(zk.delete('/many', { recursive: true })))
  t.equal(await all(), 'LIMIT_EXCEEDED')
  t.equal(zk.local.exists('/many')?.numChildren, LIMITS.deletedMax)
  await ensemble.settle(zk.delete('/many/0'))
  t.equal(await all(), 'OK')
  t.equal(zk.local.exists('/many'), null)
  await ensemble.converge()
  await ensemble.close()
})

t.test('a recursive delete is also bounded by the bytes that it lists', async t => {
  const ensemble = await started()
  const zk = ensemble.follower
  const above = `/${'x'.repeat(700)}`
  await ensemble.settle(zk.create(above))
  for (let from = 0; from < 2_000; from += 1_000) {
    const path = (index: number) => `${above}/${String(from + index).padStart(300, '0')}`
    await ensemble.settle(zk.multi(Array.from({ length: 1_000 }, (_, index) => ({ type: 'create', path: path(index) }))))
  }
  t.equal(await ensemble.settle(outcomeOf(zk.delete(above, { recursive: true }))), 'LIMIT_EXCEEDED')
  await ensemble.close()
})

t.test('the root and what is reserved cannot be deleted with what is below', async t => {
  const ensemble = await started({ size: 1 })
  const zk = ensemble.member(1)
  await ensemble.settle(zk.create('/a'))
  await ensemble.settle(zk.setQuota('/a', { count: 5 }))
  const run = (path: string) => ensemble.settle(outcomeOf(zk.delete(path, { recursive: true, ifExists: true })))
  for (const path of ['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config']) t.equal(await run(path), 'BAD_ARGUMENTS', path)
  t.equal(await run('/zookeeper/quota/a'), 'OK', 'quotas are for everybody to remove')
  t.equal(await zk.getQuota('/a'), null)
  await ensemble.close()
})

t.test('switches are switches, and have no place in a multi', async t => {
  const ensemble = await started({ size: 1 })
  const zk = ensemble.member(1)
  for (const value of [1, 'yes', null, {}]) {
    const given = (name: string) => ({ [name]: value })
    t.equal(await outcomeOf(zk.create('/x', null, given('parents') as CreateOptions)), 'BAD_ARGUMENTS')
    t.equal(await outcomeOf(zk.createIfAbsent('/x', null, given('parents') as CreateIfAbsentOptions)), 'BAD_ARGUMENTS')
    t.equal(await outcomeOf(zk.delete('/x', given('recursive') as DeleteOptions)), 'BAD_ARGUMENTS')
    t.equal(await outcomeOf(zk.delete('/x', given('ifExists') as DeleteOptions)), 'BAD_ARGUMENTS')
  }
  t.equal(await outcomeOf(zk.createIfAbsent('/x', null, { sequential: true } as CreateIfAbsentOptions)), 'BAD_ARGUMENTS')
  for (const name of ['parents', 'ifAbsent', 'recursive', 'ifExists']) {
    for (const type of ['create', 'delete']) {
      const op = { type, path: '/x', [name]: true } as unknown as MultiOp
      t.equal(await outcomeOf(zk.multi([op])), 'BAD_ARGUMENTS', `${type} ${name}`)
    }
  }
  for (const options of [null, 7, 'x'] as unknown as CreateOptions[]) {
    t.equal(await outcomeOf(zk.create('/x', null, options)), 'BAD_ARGUMENTS')
  }
  t.equal(zk.local.exists('/x'), null)
  await ensemble.close()
})
