import t from 'tap'
import { limitsIn } from '../../lib/sim/model/plain-quota.js'
import {
  formatQuotaLimits,
  formatQuotaUsage,
  NO_QUOTA,
  parseQuotaLimits,
  type QuotaLimits,
  quotaLimitedBy,
  quotaLimitsPath,
  quotaShownBy,
  quotaStatsPath
} from '../../lib/tree/index.js'
import { bytes, create, type Leader, multi, remove, setData, treeWith } from '../fixtures/tree.js'

const textOf = (data: Uint8Array | null | undefined): string | null => (data == null ? null : Buffer.from(data).toString())

/** With the limits of one subtree in force. */
function limited(leader: Leader, subtree: string, limits: Partial<QuotaLimits>): Leader {
  const data = bytes(formatQuotaLimits({ ...NO_QUOTA, ...limits }))
  const code = leader.code(create(quotaLimitsPath(subtree), { data, parents: true }))
  if (code !== 'OK') throw new Error(code)
  return leader
}

t.test('limits are kept, and usage is shown, where ZooKeeper has them', async t => {
  t.equal(quotaLimitsPath('/a/b'), '/zookeeper/quota/a/b/zookeeper_limits')
  t.equal(quotaStatsPath('/a/b'), '/zookeeper/quota/a/b/zookeeper_stats')
  t.equal(quotaLimitsPath('/'), '/zookeeper/quota/zookeeper_limits')
  t.equal(quotaStatsPath('/'), '/zookeeper/quota/zookeeper_stats')
  for (const subtree of ['/', '/a', '/a/b', '/zookeeper/quota/a']) {
    t.equal(quotaLimitedBy(quotaLimitsPath(subtree)), subtree)
    t.equal(quotaShownBy(quotaStatsPath(subtree)), subtree)
  }
  for (const path of [
    '/a/zookeeper_limits',
    '/zookeeper/zookeeper_limits',
    '/zookeeper/quota',
    '/zookeeper/quotas/zookeeper_limits'
  ]) {
    t.equal(quotaLimitedBy(path), null, path)
  }
  t.equal(quotaLimitedBy('/zookeeper/quota/a'), null)
  t.equal(quotaShownBy('/zookeeper/quota/a/zookeeper_limits'), null)
})

t.test('limits are text that ZooKeeper reads and writes', async t => {
  const limits = { count: 10, bytes: -1, countHard: 20, bytesHard: 4096 }
  t.equal(formatQuotaLimits(limits), 'count=10,bytes=-1=;byteHardLimit=4096;countHardLimit=20')
  t.strictSame(parseQuotaLimits(bytes(formatQuotaLimits(limits))), limits)
  t.strictSame(parseQuotaLimits(bytes('count=5,bytes=7')), { ...NO_QUOTA, count: 5, bytes: 7 })
  t.strictSame(parseQuotaLimits(bytes('countHardLimit=0')), { ...NO_QUOTA, countHard: 0 })
  t.strictSame(parseQuotaLimits(null), NO_QUOTA)
  t.strictSame(parseQuotaLimits(bytes('')), NO_QUOTA)
  t.equal(formatQuotaUsage({ count: 3, bytes: 12 }), 'count=3,bytes=12')
})

t.test('what are no limits are none, and the model says the same of each', async t => {
  const texts = [
    'count',
    'count=',
    'count=x',
    'count=1.5',
    'count=-2',
    'Count=1',
    'other=1',
    'count=1,',
    ',count=1',
    'count=1 ,bytes=1',
    ' count=1',
    'count=1\n',
    'count=1==',
    '=1',
    'count=1234567890123456',
    `${'count=1,'.repeat(40)}count=1`,
    'cöunt=1'
  ]
  for (const text of texts) {
    t.equal(parseQuotaLimits(bytes(text)), null, JSON.stringify(text))
    t.equal(limitsIn(bytes(text)), null, JSON.stringify(text))
  }
  for (const text of [
    'count=1,,bytes=2',
    'count=1=,;bytes=2=',
    'count=01',
    'count=-1',
    'count=123456789012345',
    'count=1,count=2'
  ]) {
    const { count, bytes: size } = parseQuotaLimits(bytes(text)) ?? {}
    t.match(limitsIn(bytes(text)), { count, bytes: size }, text)
  }
})

t.test('a write that would pass a hard limit is refused, naming the subtree, and counts what is pending', async t => {
  const leader = limited(treeWith('/a'), '/a', { countHard: 3, bytesHard: 10 })
  t.equal(leader.prepare(create('/a/b', { data: bytes('1234') })).kind, 'create')
  t.equal(leader.prepare(create('/a/c')).kind, 'create')
  t.strictSame(leader.prepare(create('/a/d')), { kind: 'refused', code: 'QUOTA_EXCEEDED', path: '/a' })
  t.equal(leader.prepare(create('/b')).kind, 'create', 'elsewhere')
  t.equal(leader.prepare(setData('/a/c', '123456')).kind, 'setData')
  t.strictSame(leader.prepare(setData('/a', 'x')), { kind: 'refused', code: 'QUOTA_EXCEEDED', path: '/a' })
  t.equal(leader.prepare(setData('/a/b', '1')).kind, 'setData', 'less is never too much')
  t.equal(leader.prepare(setData('/a', 'xyz')).kind, 'setData', 'and makes room')
  leader.catchUp()
  t.equal(leader.prepare(create('/a/d')).kind, 'refused')
  t.equal(leader.prepare(remove('/a/b')).kind, 'delete')
  t.equal(leader.prepare(create('/a/d')).kind, 'create')
})

t.test('a quota counts its root, and is held against subtrees that are not there yet', async t => {
  const leader = limited(treeWith(), '/a', { countHard: 1 })
  t.equal(leader.prepare(create('/a/b', { parents: true })).kind, 'refused')
  t.equal(leader.prepare(create('/a')).kind, 'create')
  t.match(leader.prepare(create('/a/b')), { code: 'QUOTA_EXCEEDED', path: '/a' })
})

t.test('every quota above counts, the nearest is named', async t => {
  const leader = limited(limited(treeWith('/a', '/a/b'), '/a', { countHard: 3 }), '/a/b', { countHard: 2 })
  leader.prepare(create('/a/b/c'))
  t.match(leader.prepare(create('/a/b/d')), { path: '/a/b' })
  t.match(leader.prepare(create('/a/c')), { code: 'QUOTA_EXCEEDED', path: '/a' })
  const whole = limited(treeWith('/a'), '/', { countHard: 7 })
  t.strictSame(whole.tree.usageOf('/'), { count: 5, bytes: textOf(whole.tree.getData(quotaLimitsPath('/'))?.data)?.length })
  t.equal(whole.prepare(multi(create('/b'), create('/c'))).kind, 'multi')
  t.match(whole.prepare(create('/d')), { code: 'QUOTA_EXCEEDED', path: '/' })
})

t.test('within a multi later operations count the earlier ones, and what is refused is given back', async t => {
  const leader = limited(treeWith('/a'), '/a', { countHard: 2 })
  t.match(leader.prepare(multi(create('/a/b'), create('/a/c'))), { code: 'QUOTA_EXCEEDED', results: ['OK', 'QUOTA_EXCEEDED'] })
  t.equal(leader.prepare(multi(create('/a/b'), remove('/a/b'), create('/a/c'))).kind, 'multi')
  t.equal(leader.prepare(create('/a/d')).kind, 'refused')
})

t.test('limits are in force from the write that sets them, and a refused multi sets none', async t => {
  const leader = limited(treeWith('/a'), '/a', { countHard: 2 })
  const path = quotaLimitsPath('/a')
  leader.prepare(setData(path, 'countHardLimit=1'))
  t.equal(leader.prepare(create('/a/b')).kind, 'refused')
  leader.prepare(multi(setData(path, 'countHardLimit=9'), create('/a/b'), create('/a/b')))
  t.equal(leader.prepare(create('/a/b')).kind, 'refused', 'the multi was')
  leader.prepare(multi(remove(path), create('/none/x')))
  t.equal(leader.prepare(create('/a/b')).kind, 'refused', 'and this one')
  leader.prepare(remove(path))
  t.equal(leader.prepare(create('/a/b')).kind, 'create')
  leader.prepare(create(path, { data: bytes('countHardLimit=2') }))
  t.equal(leader.prepare(create('/a/c')).kind, 'refused', 'what is pending has been counted')
  leader.catchUp()
  t.strictSame([...leader.tree.quotas()], [['/a', { ...NO_QUOTA, countHard: 2 }]])
  leader.run(remove('/zookeeper/quota/a', -1, { recursive: true }))
  t.strictSame([...leader.tree.quotas()], [])
})

t.test('what is written where limits are kept must be some', async t => {
  const leader = limited(treeWith('/a'), '/a', { count: 1 })
  t.strictSame(leader.prepare(setData(quotaLimitsPath('/a'), 'many')), {
    kind: 'refused',
    code: 'BAD_ARGUMENTS',
    path: quotaLimitsPath('/a')
  })
  t.match(leader.prepare(create(quotaLimitsPath('/b'), { data: bytes('many'), parents: true })), { code: 'BAD_ARGUMENTS' })
  t.equal(leader.prepare(setData('/zookeeper/quota/a', 'anything')).kind, 'setData', 'what lies between them is anybody`s')
  t.equal(leader.prepare(setData(quotaLimitsPath('/a'), null)).kind, 'setData')
})

t.test('usage is shown as data of a znode, whatever that was written with', async t => {
  const leader = limited(treeWith('/a', '/a/b'), '/a', { count: 1 })
  const path = quotaStatsPath('/a')
  t.match(leader.result(create(path, { data: bytes('mine') })), { stat: { dataLength: 'count=2,bytes=0'.length } })
  t.equal(textOf(leader.tree.getData(path)?.data), 'count=2,bytes=0')
  leader.run(setData('/a/b', 'x'.repeat(100)))
  t.equal(textOf(leader.tree.getData(path)?.data), 'count=2,bytes=100')
  t.equal(leader.tree.exists(path)?.dataLength, 'count=2,bytes=100'.length)
  t.match(leader.result(setData(path, 'other')), { stat: { version: 1, dataLength: 'count=2,bytes=100'.length } })
  leader.run(remove('/a', -1, { recursive: true }))
  t.equal(textOf(leader.tree.getData(path)?.data), 'count=0,bytes=0')
  t.equal(leader.tree.getChildren(path)?.stat.dataLength, 'count=0,bytes=0'.length)
})

t.test('passing a soft limit is told once, and again when it has been kept in between', async t => {
  const leader = limited(treeWith('/a'), '/a', { count: 2, bytes: 4 })
  const limits = { ...NO_QUOTA, count: 2, bytes: 4 }
  t.strictSame(leader.run(create('/a/b')).excesses, [])
  t.strictSame(leader.run(create('/a/c')).excesses, [{ path: '/a', limits, usage: { count: 3, bytes: 0 } }])
  t.strictSame(leader.run(setData('/a/c', '12345')).excesses, [])
  t.strictSame(leader.run(remove('/a/c')).excesses, [])
  t.strictSame(leader.run(setData('/a/b', '12345')).excesses, [{ path: '/a', limits, usage: { count: 2, bytes: 5 } }])
  t.strictSame(leader.run(setData(quotaLimitsPath('/a'), formatQuotaLimits(limits))).excesses, [])
  t.match(leader.run(setData('/a/b', '123456')).excesses, [{ path: '/a' }], 'limits that are written anew are told of anew')
})
