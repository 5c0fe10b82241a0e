import t from 'tap'
import type { CreateFlags } from '../../lib/member/index.js'
import { VirtualEnsemble } from '../../lib/sim/world/virtual-ensemble.js'
import { outcomeOf } from '../fixtures/outcome.js'

async function started(): Promise<VirtualEnsemble> {
  const ensemble = new VirtualEnsemble({ seed: 271 })
  await ensemble.startAll()
  return ensemble
}

t.test('a transaction is a multi that is put together call by call', async t => {
  const ensemble = await started()
  const zk = ensemble.follower
  await ensemble.settle(zk.create('/t', 'a'))
  const transaction = zk
    .transaction()
    .check('/t', 0)
    .setData('/t', 'b', 0)
    .create('/t/c-', 'x', { sequential: true, ephemeral: true })
    .create('/t/d')
    .delete('/t/d', 0)
    .setData('/t', 'c')
    .check('/t')
  await ensemble.run(50)
  t.equal(zk.local.exists('/t')?.version, 0, 'nothing is sent before the commit')
  const results = await ensemble.settle(transaction.commit())
  t.match(results, [
    { type: 'check' },
    { type: 'setData', stat: { version: 1 } },
    { type: 'create', path: '/t/c-0000000000', stat: { ephemeralOwner: zk.sessionId } },
    { type: 'create', path: '/t/d' },
    { type: 'delete' },
    { type: 'setData', stat: { version: 2 } },
    { type: 'check' }
  ])
  t.strictSame((await zk.getChildren('/t')).children, ['c-0000000000'])
  await ensemble.close()
})

t.test('a transaction that is refused did nothing, and may be committed again', async t => {
  const ensemble = await started()
  const zk = ensemble.follower
  const transaction = zk.transaction().create('/a').create('/b/c')
  await t.rejects(ensemble.settle(transaction.commit()), { code: 'NO_NODE', path: '/b/c', results: ['OK', 'NO_NODE'] })
  t.equal(zk.local.exists('/a'), null)
  await ensemble.settle(zk.create('/b'))
  t.equal((await ensemble.settle(transaction.commit())).length, 2)
  t.equal(await ensemble.settle(outcomeOf(transaction.commit())), 'NODE_EXISTS')
  await ensemble.close()
})

t.test('a transaction without operations is one of nothing', async t => {
  const ensemble = await started()
  t.strictSame(await ensemble.settle(ensemble.follower.transaction().commit()), [])
  await ensemble.close()
})

t.test('what is wrong with an operation is said by the commit, whatever it calls itself', async t => {
  const ensemble = await started()
  const zk = ensemble.follower
  t.equal(await outcomeOf(zk.transaction().create('no path').commit()), 'BAD_ARGUMENTS')
  t.equal(await outcomeOf(zk.transaction().setData('/', 'x', -7).commit()), 'BAD_ARGUMENTS')
  t.equal(
    await outcomeOf(
      zk
        .transaction()
        .create('/x', null, { parents: true } as CreateFlags)
        .commit()
    ),
    'BAD_ARGUMENTS'
  )
  const disguised = { type: 'delete', path: '/other' } as CreateFlags
  t.match(await ensemble.settle(zk.transaction().create('/x', null, disguised).commit()), [{ type: 'create', path: '/x' }])
  await ensemble.close()
})

t.test('a commit takes the options of a call, and its place among the others', async t => {
  const ensemble = await started()
  const zk = ensemble.follower
  t.equal(await outcomeOf(zk.transaction().create('/x').commit({ timeout: 0 })), 'BAD_ARGUMENTS')
  const reason = new Error('not any more')
  await t.rejects(
    zk
      .transaction()
      .create('/x')
      .commit({ signal: AbortSignal.abort(reason) }),
    reason
  )
  const calls = [zk.create('/o'), zk.transaction().create('/o/a').commit(), zk.create('/o/a/b'), zk.exists('/o/a/b')]
  const [, , , stat] = await ensemble.settle(Promise.all(calls))
  t.ok(stat)
  await ensemble.close()
})
