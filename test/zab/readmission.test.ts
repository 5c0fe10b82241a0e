import t from 'tap'
import { ZabCluster } from '../fixtures/zab-cluster.js'

t.test('a promise that a wiped voter has forgotten does not help a leader that has not heard of its end', async t => {
  const cluster = new ZabCluster(5, 1, { order: 'fixed' })
  cluster.startAll()
  cluster.untilServing()
  t.equal(cluster.leader?.id, 5)
  cluster.propose()
  cluster.settle()

  // 1. 2, 3 and 4 lose 5 and elect 4. 3 promises epoch 2 to it; 2 is gone again before it hears of that epoch.
  cluster.hold(4, 2, 'leaderInfo')
  for (const id of [2, 3, 4]) cluster.cut(id, 5)
  for (let tick = 0; tick < 2; tick++) {
    cluster.settle()
    cluster.tick([2, 3, 4])
  }
  cluster.settle()
  t.equal(cluster.peer(4).role, 'leading')
  t.equal(cluster.node(3).disk.acceptedEpoch, 2)
  t.equal(cluster.node(2).disk.acceptedEpoch, 1)
  cluster.cut(2, 4)
  cluster.heal(2, 5)
  cluster.settle()
  t.equal(cluster.peer(2).leader, 5, '2 is back with 5, which has led without a break')

  // 2. 3 dies and its disk is blank. 4 cannot know: the network between the two is broken as well. 3 is admitted by 1, 2 and 5.
  cluster.cut(3, 4, [4])
  cluster.wipe(3)
  cluster.heal(3, 5)
  cluster.start(3)
  cluster.settle()
  t.equal(cluster.peer(3).standing, 'member')

  // 3. A txn is committed by 1, 3 and 5. Nobody but 5 knows yet that it is.
  cluster.hold(5, 2)
  cluster.hold(5, 1, 'commit')
  cluster.hold(5, 3, 'commit')
  cluster.propose()
  cluster.settle()
  const zxid = cluster.node(5).zxidDelivered
  t.equal(zxid, cluster.checks.zxidLast)
  t.equal(cluster.peer(2).zxidLogged, zxid - 1)

  // 4. 2 goes over to 4, which still counts the promise of 3's former life.
  cluster.cut(2, 5)
  cluster.release(4, 2)
  cluster.heal(2, 4)
  cluster.settle()

  // 5. 5 dies for good, everybody else comes together.
  cluster.crash(5)
  cluster.notice(4, 3)
  cluster.heal(3, 4)
  cluster.untilServing([1, 2, 3, 4])
  for (const id of [1, 2, 3, 4]) t.ok(cluster.node(id).zxidDelivered >= zxid, `${id} has what was committed`)
})
