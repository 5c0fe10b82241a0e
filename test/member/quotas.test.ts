import t from 'tap'
import { ZooKeeperError } from '../../lib/base/index.js'
import type { MemberProgress, Quota, ZooKeeper } from '../../lib/member/index.js'
import { setQuota } from '../../lib/member/quota-calls.js'
import { VirtualEnsemble, type VirtualEnsembleOptions } from '../../lib/sim/world/virtual-ensemble.js'
import { type Acl, NO_QUOTA, PERMISSIONS } from '../../lib/tree/index.js'
import { outcomeOf } from '../fixtures/outcome.js'

async function started(settings: VirtualEnsembleOptions = {}): Promise<VirtualEnsemble> {
  const ensemble = new VirtualEnsemble({ seed: 231, ...settings })
  await ensemble.startAll()
  return ensemble
}

t.test('a hard limit of znodes counts the subtree and its root, and refuses what would pass it', async t => {
  const ensemble = await started()
  for (const { id } of [ensemble.leader, ensemble.follower]) {
    const zk = ensemble.member(id)
    const base = `/q${id}`
    const run = (call: Promise<unknown>) => ensemble.settle(outcomeOf(call))
    await ensemble.settle(zk.create(base))
    await ensemble.settle(zk.setQuota(base, { countHard: 3 }))
    t.equal(await run(zk.create(`${base}/a`)), 'OK')
    t.equal(await run(zk.create(`${base}/a/b`, null, { ephemeral: true })), 'OK')
    const refused = { code: 'QUOTA_EXCEEDED', path: base, outcome: 'not-applied' }
    await t.rejects(ensemble.settle(zk.create(`${base}/a/c`)), refused)
    t.equal(await run(zk.create(`${base}/x/y`, null, { parents: true })), 'QUOTA_EXCEEDED')
    t.equal(await run(zk.createIfAbsent(`${base}/a/b`)), 'OK', 'what is there already takes nothing')
    t.equal(await run(zk.create('/beside-', null, { sequential: true })), 'OK')
    t.equal(await run(zk.delete(`${base}/a/b`)), 'OK')
    t.equal(await run(zk.create(`${base}/a/c`)), 'OK')
    t.strictSame(await zk.getQuota(base), { limits: { countHard: 3 }, usage: { count: 3, bytes: 0 } })
  }
  await ensemble.close()
})

t.test('a hard limit of bytes counts data, as they come, grow and go', async t => {
  const ensemble = await started()
  const zk = ensemble.follower
  const run = (call: Promise<unknown>) => ensemble.settle(outcomeOf(call))
  await ensemble.settle(zk.create('/b', 'xx'))
  await ensemble.settle(zk.setQuota('/b', { bytesHard: 10 }))
  t.equal(await run(zk.create('/b/c', '12345')), 'OK')
  t.equal(await run(zk.create('/b/d', '1234')), 'QUOTA_EXCEEDED')
  t.equal(await run(zk.setData('/b/c', '123456789')), 'QUOTA_EXCEEDED')
  t.equal(await run(zk.setData('/b/c', '12345678')), 'OK')
  t.equal(await run(zk.setData('/b', '')), 'OK')
  t.equal(await run(zk.create('/b/d', '12')), 'OK')
  t.equal(await run(zk.create('/b/e')), 'OK', 'no data take nothing')
  t.strictSame((await zk.getQuota('/b'))?.usage, { count: 4, bytes: 10 })
  t.equal(await run(zk.delete('/b/c')), 'OK')
  t.strictSame((await zk.getQuota('/b'))?.usage, { count: 3, bytes: 2 })
  await ensemble.close()
})

t.test('less is never too much: a quota below what is there already lets it shrink', async t => {
  const ensemble = await started()
  const zk = ensemble.follower
  const run = (call: Promise<unknown>) => ensemble.settle(outcomeOf(call))
  await ensemble.settle(zk.create('/l/a', 'x'.repeat(100), { parents: true }))
  await ensemble.settle(zk.setQuota('/l', { countHard: 1, bytesHard: 10 }))
  t.equal(await run(zk.setData('/l/a', 'x'.repeat(101))), 'QUOTA_EXCEEDED')
  t.equal(await run(zk.setData('/l/a', 'x'.repeat(99))), 'OK')
  t.equal(await run(zk.create('/l/b')), 'QUOTA_EXCEEDED')
  t.equal(await run(zk.delete('/l/a')), 'OK')
  await ensemble.close()
})

t.test('writes in flight cannot pass a hard limit together, from wherever they come', async t => {
  const ensemble = await started()
  const zk = ensemble.follower
  await ensemble.settle(zk.create('/f'))
  await ensemble.settle(zk.setQuota('/f', { countHard: 11 }))
  const calls = ensemble.members.flatMap(member =>
    Array.from({ length: 10 }, (_, index) => outcomeOf(member.create(`/f/${member.id}-${index}`)))
  )
  const outcomes = await ensemble.settle(Promise.all(calls))
  t.equal(outcomes.filter(outcome => outcome === 'OK').length, 10)
  t.equal(outcomes.filter(outcome => outcome === 'QUOTA_EXCEEDED').length, 20)
  await ensemble.converge()
  t.equal(zk.local.exists('/f')?.numChildren, 10)
  await ensemble.close()
})

t.test('a quota counts from the call that sets it, and until the one that removes it', async t => {
  const ensemble = await started()
  const zk = ensemble.follower
  await ensemble.settle(zk.create('/o'))
  const calls = [
    zk.setQuota('/o', { countHard: 2 }),
    zk.create('/o/1'),
    zk.create('/o/2'),
    zk.setQuota('/o', { countHard: 3 }),
    zk.create('/o/2'),
    zk.create('/o/3'),
    zk.setQuota('/o', null),
    zk.create('/o/3')
  ]
  const expected = ['OK', 'OK', 'QUOTA_EXCEEDED', 'OK', 'OK', 'QUOTA_EXCEEDED', 'OK', 'OK']
  t.strictSame(await ensemble.settle(Promise.all(calls.map(outcomeOf))), expected)
  await ensemble.close()
})

t.test('an operation of a multi counts like any other, with what came before it', async t => {
  const ensemble = await started()
  const zk = ensemble.follower
  await ensemble.settle(zk.create('/m'))
  await ensemble.settle(zk.setQuota('/m', { countHard: 3 }))
  const call = zk.multi([
    { type: 'create', path: '/m/a' },
    { type: 'create', path: '/m/b' },
    { type: 'create', path: '/m/c' }
  ])
  await t.rejects(ensemble.settle(call), { code: 'QUOTA_EXCEEDED', results: ['OK', 'OK', 'QUOTA_EXCEEDED'] })
  t.strictSame((await zk.getQuota('/m'))?.usage, { count: 1, bytes: 0 })
  const swap = zk.multi([
    { type: 'create', path: '/m/a' },
    { type: 'create', path: '/m/b' },
    { type: 'delete', path: '/m/a' },
    { type: 'create', path: '/m/c' }
  ])
  t.equal(await ensemble.settle(outcomeOf(swap)), 'OK')
  await ensemble.close()
})

t.test('every quota at or above a znode counts, and the nearest that is passed is named', async t => {
  const ensemble = await started()
  const zk = ensemble.follower
  await ensemble.settle(zk.create('/n/a/b', null, { parents: true }))
  await ensemble.settle(zk.setQuota('/n', { countHard: 4 }))
  await ensemble.settle(zk.setQuota('/n/a', { countHard: 3 }))
  await ensemble.settle(zk.create('/n/a/c'))
  await t.rejects(ensemble.settle(zk.create('/n/a/d')), { code: 'QUOTA_EXCEEDED', path: '/n/a' })
  await ensemble.settle(zk.setQuota('/n/a', { countHard: 30 }))
  await t.rejects(ensemble.settle(zk.create('/n/a/d')), { code: 'QUOTA_EXCEEDED', path: '/n' })
  await ensemble.settle(zk.setQuota('/n', { countHard: 5 }))
  t.equal(await ensemble.settle(outcomeOf(zk.create('/n/a/d'))), 'OK')
  t.strictSame(await zk.getQuota('/n/a'), { limits: { countHard: 30 }, usage: { count: 4, bytes: 0 } })
  t.strictSame(await zk.getQuota('/n'), { limits: { countHard: 5 }, usage: { count: 5, bytes: 0 } })
  t.equal(await zk.getQuota('/n/a/b'), null, 'what counts above is no quota of its own')
  await ensemble.close()
})

t.test('a quota may be set where there is nothing yet, and on everything', async t => {
  const ensemble = await started()
  const zk = ensemble.follower
  await ensemble.settle(zk.setQuota('/later/on', { countHard: 1 }))
  t.strictSame(await zk.getQuota('/later/on'), { limits: { countHard: 1 }, usage: { count: 0, bytes: 0 } })
  await ensemble.settle(zk.create('/later/on', null, { parents: true }))
  t.equal(await ensemble.settle(outcomeOf(zk.create('/later/on/x'))), 'QUOTA_EXCEEDED')
  await ensemble.settle(zk.setQuota('/', { countHard: 20 }))
  const used = (await zk.getQuota('/'))?.usage.count ?? 0
  t.equal(used, (await zk.getAllChildrenNumber('/')) + 1)
  for (let count = used; count < 20; count++) await ensemble.settle(zk.create(`/fill-${count}`))
  await t.rejects(ensemble.settle(zk.create('/one-more')), { code: 'QUOTA_EXCEEDED', path: '/' })
  t.equal(await ensemble.settle(outcomeOf(zk.setQuota('/', null))), 'OK')
  t.equal(await ensemble.settle(outcomeOf(zk.create('/one-more'))), 'OK')
  await ensemble.close()
})

t.test('limits and usage lie where ZooKeeper’s tools look for them, in their words', async t => {
  const ensemble = await started()
  const zk = ensemble.follower
  const text = async (path: string) => (await zk.getData(path)).data?.toString()
  await ensemble.settle(zk.create('/t', 'abc'))
  await ensemble.settle(zk.setQuota('/t', { count: 5, bytes: 6, countHard: 7, bytesHard: 8 }))
  t.equal(await text('/zookeeper/quota/t/zookeeper_limits'), 'count=5,bytes=6=;byteHardLimit=8;countHardLimit=7')
  t.equal(await text('/zookeeper/quota/t/zookeeper_stats'), 'count=1,bytes=3')
  await ensemble.settle(zk.create('/t/u', 'de'))
  t.equal(await text('/zookeeper/quota/t/zookeeper_stats'), 'count=2,bytes=5')
  t.strictSame(await zk.getQuota('/t'), {
    limits: { count: 5, bytes: 6, countHard: 7, bytesHard: 8 },
    usage: { count: 2, bytes: 5 }
  })
  await ensemble.settle(zk.setData('/zookeeper/quota/t/zookeeper_limits', 'count=1,bytes=2'))
  t.strictSame((await zk.getQuota('/t'))?.limits, { count: 1, bytes: 2 })
  const wrong = outcomeOf(zk.setData('/zookeeper/quota/t/zookeeper_limits', 'count=many'))
  t.equal(await ensemble.settle(wrong), 'BAD_ARGUMENTS', 'what is written there must be limits')
  await ensemble.settle(zk.setQuota('/t', {}))
  t.strictSame((await zk.getQuota('/t'))?.limits, {}, 'one that limits nothing is a quota')
  await ensemble.close()
})

t.test('what is left of a removed quota is nothing, and of others all', async t => {
  const ensemble = await started()
  const zk = ensemble.follower
  await ensemble.settle(zk.setQuota('/a/b/c', { count: 1 }))
  await ensemble.settle(zk.setQuota('/a', { count: 2 }))
  await ensemble.settle(zk.setQuota('/a/b/c', null))
  t.equal(await zk.getQuota('/a/b/c'), null)
  t.strictSame((await zk.getChildren('/zookeeper/quota/a')).children, ['zookeeper_limits', 'zookeeper_stats'])
  await ensemble.settle(zk.setQuota('/a/b', null))
  await ensemble.settle(zk.setQuota('/a', null))
  t.strictSame((await zk.getChildren('/zookeeper/quota')).children, [])
  t.equal(await ensemble.settle(outcomeOf(zk.setQuota('/none', null))), 'OK', 'there need not have been one')
  await ensemble.settle(zk.setQuota('/', { count: 3 }))
  await ensemble.settle(zk.setQuota('/', null))
  t.ok(zk.local.exists('/zookeeper/quota'))
  await ensemble.close()
})

t.test('sessions that set and remove the same quota at once are done one after the other', async t => {
  const ensemble = await started({ seed: 232 })
  for (let round = 0; round < 20; round++) {
    const calls = ensemble.members.flatMap((zk, index) => [
      zk.setQuota('/r/s', { countHard: index }),
      zk.setQuota('/r/s', null),
      zk.setQuota('/r/s', { countHard: 10 + index }),
      zk.setQuota('/r', index === 0 ? null : { count: index })
    ])
    const outcomes = await ensemble.settle(Promise.all(calls.map(outcomeOf)))
    t.strictSame([...new Set(outcomes)], ['OK'], `round ${round}`)
  }
  const zk = ensemble.follower
  await ensemble.settle(zk.setQuota('/r/s', null))
  await ensemble.settle(zk.setQuota('/r', null))
  await ensemble.converge()
  t.strictSame(zk.local.getChildren('/zookeeper/quota')?.children, [])
  await ensemble.close()
})

/** Calls that find what another session leaves them: of each attempt, whether the limits are there and whether they still are. */
function contested(attempts: readonly (readonly [created: boolean, set: 'OK' | 'NO_NODE'])[]) {
  let attempt = -1
  const zk = {
    createIfAbsent: async (path: string) => {
      if (path.endsWith('limits')) attempt++
      return { created: attempts[attempt]?.[0] ?? false }
    },
    setData: async () => {
      if (attempts[attempt]?.[1] !== 'OK') throw new ZooKeeperError('NO_NODE')
    }
  }
  return { zk: zk as unknown as ZooKeeper, attempts: () => attempt + 1 }
}

t.test('a quota that others remove while it is set is set again, a few times', async t => {
  const twice = contested([
    [false, 'NO_NODE'],
    [false, 'OK']
  ])
  t.equal(await outcomeOf(setQuota(twice.zk, '/a', NO_QUOTA, {})), 'OK')
  t.equal(twice.attempts(), 2)
  const made = contested([[true, 'NO_NODE']])
  t.equal(await outcomeOf(setQuota(made.zk, '/a', NO_QUOTA, {})), 'OK', 'it was set, and then removed')
  t.equal(made.attempts(), 1)
  const never = contested(Array.from({ length: 20 }, () => [false, 'NO_NODE']))
  t.equal(await outcomeOf(setQuota(never.zk, '/a', NO_QUOTA, {})), 'NO_NODE')
  t.equal(never.attempts(), 5)
})

t.test('who may set a quota, and see one, is for the ACLs of its znodes to say', async t => {
  const ensemble = await started()
  const zk = ensemble.follower
  const everybody = (perms: number): Acl => [{ perms, scheme: 'world', id: 'anyone' }]
  const { READ, WRITE, ADMIN, ALL } = PERMISSIONS
  const run = (call: Promise<unknown>) => ensemble.settle(outcomeOf(call))
  await ensemble.settle(zk.setQuota('/a', { countHard: 5 }))
  await ensemble.settle(zk.setACL('/zookeeper/quota/a', everybody(READ | ADMIN)))
  await ensemble.settle(zk.setACL('/zookeeper/quota/a/zookeeper_limits', everybody(READ | ADMIN)))
  t.equal(await run(zk.setQuota('/a', { countHard: 6 })), 'NO_AUTH')
  t.equal(await run(zk.setQuota('/a', null)), 'NO_AUTH')
  t.strictSame((await zk.getQuota('/a'))?.limits, { countHard: 5 })
  await ensemble.settle(zk.setACL('/zookeeper/quota/a/zookeeper_limits', everybody(WRITE | ADMIN)))
  t.equal(await run(zk.getQuota('/a')), 'NO_AUTH')
  t.equal(await run(zk.setQuota('/a', { countHard: 7 })), 'OK', 'writing is all that it takes')
  await ensemble.settle(zk.setACL('/zookeeper/quota/a/zookeeper_limits', everybody(ALL)))
  t.strictSame((await zk.getQuota('/a'))?.limits, { countHard: 7 })
  await ensemble.close()
})

t.test('passing a soft limit refuses nothing, and is told once by every member until there is less again', async t => {
  const told: string[] = []
  const onProgress = (progress: MemberProgress) => {
    if (progress.kind === 'quotaExceeded') told.push(`${progress.path} ${JSON.stringify(progress.usage)}`)
  }
  const ensemble = await started({ options: { onProgress } })
  const zk = ensemble.follower
  const heard: MemberProgress[] = []
  zk.on('progress', progress => heard.push(progress))
  await ensemble.settle(zk.create('/s'))
  await ensemble.settle(zk.setQuota('/s', { count: 2, bytes: 4 }))
  await ensemble.settle(zk.create('/s/a'))
  await ensemble.converge()
  t.strictSame(told, [])
  await ensemble.settle(zk.create('/s/b'))
  await ensemble.settle(zk.create('/s/c'))
  await ensemble.converge()
  t.strictSame(told, Array(3).fill('/s {"count":3,"bytes":0}'))
  t.strictSame(heard, [
    {
      kind: 'quotaExceeded',
      path: '/s',
      limits: { count: 2, bytes: 4, countHard: -1, bytesHard: -1 },
      usage: { count: 3, bytes: 0 }
    }
  ])
  told.length = 0
  await ensemble.settle(zk.delete('/s/c'))
  await ensemble.settle(zk.delete('/s/b'))
  await ensemble.settle(zk.setData('/s/a', '12345'))
  await ensemble.converge()
  t.strictSame(told, Array(3).fill('/s {"count":2,"bytes":5}'))
  await ensemble.close()
})

t.test('quotas outlive their process', async t => {
  const ensemble = await started({ size: 1, options: { snapCount: 6 } })
  await ensemble.settle(ensemble.member(1).create('/a'))
  await ensemble.settle(ensemble.member(1).setQuota('/a', { countHard: 2 }))
  for (let count = 0; count < 12; count++) await ensemble.settle(ensemble.member(1).setData('/a', String(count)))
  const zk = await ensemble.restart(1)
  t.equal(await ensemble.settle(outcomeOf(zk.create('/a/1'))), 'OK')
  t.equal(await ensemble.settle(outcomeOf(zk.create('/a/2'))), 'QUOTA_EXCEEDED')
  await ensemble.close()
})

t.test('what is no quota is refused before anything is sent', async t => {
  const ensemble = await started({ size: 1 })
  const zk = ensemble.member(1)
  const wrong: readonly unknown[] = [
    undefined,
    7,
    'count=1',
    { count: -2 },
    { count: 1.5 },
    { count: '1' },
    { count: null },
    { bytes: 10 ** 15 },
    { countHard: Number.NaN },
    { bytesHard: Number.POSITIVE_INFINITY },
    { counts: 1 }
  ]
  for (const quota of wrong as readonly Quota[]) {
    t.equal(await outcomeOf(zk.setQuota('/a', quota)), 'BAD_ARGUMENTS', JSON.stringify(quota))
  }
  for (const path of ['', 'a', '/a/', '/zookeeper', '/zookeeper/quota/a', `/${'x'.repeat(1_000)}`]) {
    t.equal(await outcomeOf(zk.setQuota(path, { count: 1 })), 'BAD_ARGUMENTS', path)
    t.equal(await outcomeOf(zk.getQuota(path)), 'BAD_ARGUMENTS', path)
  }
  t.equal(await outcomeOf(zk.setQuota('/a', { count: 1 }, { timeout: -1 })), 'BAD_ARGUMENTS')
  t.strictSame(zk.local.getChildren('/zookeeper/quota')?.children, [])
  await ensemble.close()
})
