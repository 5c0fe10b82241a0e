import t from 'tap'
import { LIMITS } from '../../lib/base/index.js'
import type { ReadOp } from '../../lib/member/index.js'
import { VirtualEnsemble, type VirtualEnsembleOptions } from '../../lib/sim/world/virtual-ensemble.js'
import { type Acl, PERMISSIONS } from '../../lib/tree/index.js'
import { outcomeOf } from '../fixtures/outcome.js'

const WRITE_ONLY: Acl = [{ perms: PERMISSIONS.WRITE | PERMISSIONS.ADMIN, scheme: 'world', id: 'anyone' }]

async function started(settings: VirtualEnsembleOptions = {}): Promise<VirtualEnsemble> {
  const ensemble = new VirtualEnsemble({ seed: 261, ...settings })
  await ensemble.startAll()
  return ensemble
}

t.test('several reads have their results in order, each as the read by itself', async t => {
  const ensemble = await started()
  const zk = ensemble.follower
  await ensemble.settle(zk.create('/r', 'x'))
  for (const name of ['a', 'b', 'c']) await ensemble.settle(zk.create(`/r/${name}`))
  const results = await zk.multiRead([
    { type: 'getData', path: '/r' },
    { type: 'getChildren', path: '/r' },
    { type: 'getChildren', path: '/r', after: 'a', limit: 1 },
    { type: 'exists', path: '/r/a' },
    { type: 'exists', path: '/none' }
  ])
  t.strictSame(results, [
    { type: 'getData', ...(await zk.getData('/r')) },
    { type: 'getChildren', ...(await zk.getChildren('/r')) },
    { type: 'getChildren', ...(await zk.getChildren('/r', { after: 'a', limit: 1 })) },
    { type: 'exists', stat: await zk.exists('/r/a') },
    { type: 'exists', stat: null }
  ])
  t.strictSame(await zk.multiRead([]), [])
  t.equal(zk.status().watches, 0)
  await ensemble.close()
})

t.test('each read is refused by itself', async t => {
  const ensemble = await started()
  const zk = ensemble.follower
  await ensemble.settle(zk.create('/secret', 'x', { acl: WRITE_ONLY }))
  const results = await zk.multiRead([
    { type: 'getData', path: '/none' },
    { type: 'getChildren', path: '/none' },
    { type: 'getData', path: '/secret' },
    { type: 'getChildren', path: '/secret' },
    { type: 'exists', path: '/secret' },
    { type: 'exists', path: '/' }
  ])
  t.strictSame(results, [
    { type: 'error', code: 'NO_NODE', path: '/none' },
    { type: 'error', code: 'NO_NODE', path: '/none' },
    { type: 'error', code: 'NO_AUTH', path: '/secret' },
    { type: 'error', code: 'NO_AUTH', path: '/secret' },
    { type: 'error', code: 'NO_AUTH', path: '/secret' },
    { type: 'exists', stat: await zk.exists('/') }
  ])
  await ensemble.close()
})

t.test('all reads are of one state, between the writes that they stand between', async t => {
  const ensemble = await started()
  for (const { id } of [ensemble.leader, ensemble.follower]) {
    const zk = ensemble.member(id)
    const [a, b] = [`/a${id}`, `/b${id}`]
    await ensemble.settle(
      zk.multi([
        { type: 'create', path: a },
        { type: 'create', path: b }
      ])
    )
    const reads: Promise<readonly unknown[]>[] = []
    const writes: Promise<unknown>[] = []
    const both: ReadOp[] = [a, b].map(path => ({ type: 'exists', path }))
    for (let version = 0; version < 20; version++) {
      for (const path of [a, b]) writes.push(zk.setData(path, String(version)))
      reads.push(zk.multiRead(both))
      writes.push(zk.multi([a, b].map(path => ({ type: 'setData', path, data: 'both' }))))
    }
    const seen = await ensemble.settle(Promise.all(reads))
    t.match(
      seen,
      Array.from({ length: 20 }, (_, index) => Array(2).fill({ stat: { version: 2 * index + 1 } }))
    )
    await ensemble.settle(Promise.all(writes))
  }
  await ensemble.close()
})

t.test('with a quorum it sees what was acknowledged anywhere', async t => {
  const ensemble = await started()
  const [one, two] = [ensemble.leader, ensemble.follower]
  await ensemble.settle(one.create('/l', '0'))
  for (let version = 1; version <= 8; version++) {
    await ensemble.settle(one.setData('/l', String(version)))
    const results = await ensemble.settle(two.multiRead([{ type: 'exists', path: '/l' }], { linearizable: true }))
    t.match(results, [{ stat: { version } }])
  }
  await ensemble.close()
})

t.test('what it is given is read when it is called', async t => {
  const ensemble = await started()
  const zk = ensemble.follower
  const write = zk.create('/given')
  const ops: { type: 'exists'; path: string }[] = [{ type: 'exists', path: '/given' }]
  const read = zk.multiRead(ops)
  ops[0] = { type: 'exists', path: '/other' }
  ops.push({ type: 'exists', path: '/other' })
  t.match(await ensemble.settle(read), [{ type: 'exists', stat: { version: 0 } }])
  await write
  await ensemble.close()
})

t.test('what is no read is refused before anything is read', async t => {
  const ensemble = await started({ size: 1 })
  const zk = ensemble.member(1)
  const wrong: readonly unknown[] = [
    null,
    undefined,
    'x',
    {},
    [null],
    [undefined],
    [{}],
    [{ type: 'getData' }],
    [{ type: 'getData', path: 'x' }],
    [{ type: 'getACL', path: '/' }],
    [{ type: 'setData', path: '/', data: 'x' }],
    [{ type: 'getChildren', path: '/', limit: 0 }],
    [{ type: 'getChildren', path: '/', after: 5 }],
    [
      { type: 'exists', path: '/' },
      { type: 'exists', path: '' }
    ],
    new Array(1),
    Array.from({ length: LIMITS.multiOpsMax + 1 }, () => ({ type: 'exists', path: '/' }))
  ]
  for (const ops of wrong) {
    t.equal(await outcomeOf(zk.multiRead(ops as readonly ReadOp[])), 'BAD_ARGUMENTS', JSON.stringify(ops)?.slice(0, 60))
  }
  const most = Array.from({ length: LIMITS.multiOpsMax }, (): ReadOp => ({ type: 'exists', path: '/' }))
  t.equal((await zk.multiRead(most)).length, LIMITS.multiOpsMax)
  await ensemble.close()
})
