import t from 'tap'
import { ZabCluster } from '../fixtures/zab-cluster.js'

t.test('salvage goes on from the longest proven history, not from the latest epoch of a history that is damaged', async t => {
  const cluster = new ZabCluster(3, 1, { order: 'fixed', salvage: [1, 2, 3] })
  cluster.startAll()
  cluster.untilServing()
  for (let txn = 0; txn < 5; txn++) cluster.propose()
  cluster.settle()
  // 1 sleeps through an epoch of 2 and 3.
  cluster.crash(1)
  cluster.crash(2)
  cluster.crash(3)
  cluster.start(3)
  cluster.start(2)
  cluster.untilServing([2, 3])
  t.equal(cluster.node(2).disk.currentEpoch, 2)
  cluster.damage(2, 1)
  cluster.wipe(3)
  cluster.startAll()
  cluster.untilServing()
  t.equal(cluster.leader?.id, 1)
  for (const id of cluster.ids) t.equal(cluster.node(id).zxidDelivered, cluster.checks.zxidLast)
})
