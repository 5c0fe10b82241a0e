import t from 'tap'
import type { Epoch } from '../../lib/base/index.js'
import { ZabCluster } from '../fixtures/zab-cluster.js'

t.test('a member that is many epochs ahead costs one handover, however slowly it introduces itself', async t => {
  const cluster = new ZabCluster(3, 1, { order: 'fixed' })
  cluster.startAll()
  cluster.untilServing()
  cluster.crash(1)
  cluster.node(1).disk.acceptedEpoch = 50 as Epoch
  for (const other of [2, 3]) cluster.hold(1, other, 'followerInfo')
  cluster.start(1)
  cluster.untilServing([2, 3])
  t.equal(cluster.leader?.peer?.epoch, 51)
  for (const other of [2, 3]) cluster.release(1, other)
  cluster.untilServing()
  t.equal(cluster.leader?.peer?.epoch, 51)
})

t.test('an absurd epoch of a peer is never taken up', async t => {
  const cluster = new ZabCluster(3, 1, { order: 'fixed' })
  cluster.startAll()
  cluster.untilServing()
  cluster.crash(1)
  cluster.node(1).disk.acceptedEpoch = 1_000_000 as Epoch
  cluster.start(1)
  cluster.untilServing([2, 3])
  for (let tick = 0; tick < 10; tick++) {
    cluster.tickAll()
    cluster.untilServing([2, 3])
  }
  t.ok((cluster.leader?.peer?.epoch ?? 0) < 10)
})

t.test('whatever epoch a peer claims to have promised, it never parts the others', async t => {
  for (const ahead of [2 ** 15 - 1, 2 ** 15, 2 ** 16 - 1, 2 ** 16, 2 ** 16 + 1]) {
    const cluster = new ZabCluster(3, 1, { order: 'fixed' })
    cluster.startAll()
    cluster.untilServing()
    // 2 has slept through some epochs, so that the same epoch is further ahead of it than of 3.
    cluster.crash(1)
    cluster.crash(2)
    cluster.node(3).disk.acceptedEpoch = 5 as Epoch
    cluster.node(1).disk.acceptedEpoch = (5 + ahead) as Epoch
    cluster.crash(3)
    cluster.startAll()
    cluster.until(() => cluster.peer(2).serving && cluster.peer(3).serving)
    for (let tick = 0; tick < 30; tick++) {
      cluster.tickAll()
      cluster.settle()
    }
    t.ok(cluster.peer(2).serving && cluster.peer(3).serving, `${ahead} ahead`)
    if (ahead < 2 ** 15 || ahead >= 2 ** 16) t.equal(cluster.peer(1).serving, ahead < 2 ** 15)
  }
})

t.test('a leader that has used the last number of its epoch has none left', async t => {
  const cluster = new ZabCluster(1, 1)
  cluster.startAll()
  cluster.untilServing()
  const peer = cluster.peer(1)
  t.equal(peer.proposalsLeft, 2 ** 32 - 1)
  // The core never looks into a batch, so one may stand for four billion txns here.
  peer.step({ kind: 'propose', batch: { zxidFirst: peer.zxidNext, count: 2 ** 32 - 2, bytes: new Uint8Array() } })
  t.equal(peer.proposalsLeft, 1)
  peer.step({ kind: 'propose', batch: { zxidFirst: peer.zxidNext, count: 1, bytes: new Uint8Array() } })
  t.equal(peer.proposalsLeft, 0)
})
