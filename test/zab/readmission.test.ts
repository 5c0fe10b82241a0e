// Schedules that the arguments of docs/decisions/0010 and 0012 stand on. Each is run as it is, and with the rule that matters taken away.
import t from 'tap'
import type { Epoch, Zxid } from '../../lib/base/index.js'
import { type Mutation, ZabCluster } from '../fixtures/zab-cluster.js'

/** A promise counts as soon as it arrives. */
const TAKES_PROMISES_AT_THEIR_WORD: Mutation = {
  effects: (node, event, effects) => {
    if (event.kind !== 'received' || event.message.kind !== 'ackEpoch') return effects
    const { from } = event
    const { epoch } = event.message
    const answered = effects.flatMap(effect => {
      if (effect.kind !== 'send' || effect.to !== from || effect.message.kind !== 'ping') return []
      const { sequence } = effect.message
      const message = { kind: 'pong', epoch, sequence: sequence + 10, zxidDurable: 0 as Zxid, payload: new Uint8Array() } as const
      return node.peer?.step({ kind: 'received', from, message }) ?? []
    })
    return [...effects, ...answered]
  }
}

const IGNORES_LONGER_HISTORIES: Mutation = {
  event: (_node, event) =>
    event.kind === 'received' && event.message.kind === 'ackEpoch'
      ? { ...event, message: { ...event.message, currentEpoch: 0 as Epoch } }
      : event
}

/**
 * 5 leads. 2, 3 and 4 lose it and elect 4, which proposes epoch 2. 3 promises; 2 is gone again before it hears of that epoch, and is back
 * with 5, which has led without a break.
 */
function contested(mutation: Mutation): ZabCluster {
  const cluster = new ZabCluster(5, 1, { order: 'fixed', mutation })
  cluster.startAll()
  cluster.untilServing()
  cluster.propose()
  cluster.settle()
  cluster.hold(4, 2, 'leaderInfo')
  for (const id of [2, 3, 4]) cluster.cut(id, 5)
  for (let tick = 0; tick < 2; tick++) {
    cluster.settle()
    cluster.tick([2, 3, 4])
  }
  cluster.settle()
  cluster.cut(2, 4)
  cluster.heal(2, 5)
  cluster.settle()
  return cluster
}

t.test('a promise that a wiped voter has forgotten does not help a leader that has not heard of its end', async t => {
  const run = (mutation: Mutation) => {
    const cluster = contested(mutation)
    t.strictSame([cluster.peer(4).role, cluster.peer(2).leader, cluster.node(3).disk.acceptedEpoch], ['leading', 5, 2])

    // 1. 3 dies and its disk is blank. 4 cannot know: the network between the two is broken as well. 1, 2 and 5 admit 3 again.
    cluster.cut(3, 4, [4])
    cluster.wipe(3)
    cluster.heal(3, 5)
    cluster.start(3)
    cluster.settle()
    t.equal(cluster.peer(3).standing, 'member')

    // 2. A txn is committed by 1, 3 and 5. Nobody but 5 knows yet that it is.
    cluster.hold(5, 2)
    cluster.hold(5, 1, 'commit')
    cluster.hold(5, 3, 'commit')
    cluster.propose()
    cluster.settle()
    const zxid = cluster.node(5).zxidDelivered
    t.strictSame([zxid, cluster.peer(2).zxidLogged], [cluster.checks.zxidLast, zxid - 1])

    // 3. 2 goes over to 4, which still holds the promise of 3's former life: a quorum, if it counted.
    cluster.cut(2, 5)
    cluster.release(4, 2)
    cluster.heal(2, 4)
    cluster.settle()

    // 4. 5 dies for good, everybody else comes together.
    cluster.crash(5)
    cluster.notice(4, 3)
    cluster.heal(3, 4)
    cluster.untilServing([1, 2, 3, 4])
    return [1, 2, 3, 4].every(id => cluster.node(id).zxidDelivered >= zxid)
  }
  t.equal(run({}), true)
  t.equal(run(TAKES_PROMISES_AT_THEIR_WORD), false, 'without asking again what was committed is lost')
})

t.test('a leader that meets a longer history before it is established gives way to it', async t => {
  const run = (mutation: Mutation) => {
    const cluster = contested(mutation)

    // 1. A txn is committed by 1, 2 and 5. Nobody but 5 knows yet that it is.
    cluster.hold(5, 1, 'commit')
    cluster.hold(5, 2, 'commit')
    cluster.propose()
    cluster.settle()
    const zxid = cluster.node(5).zxidDelivered
    t.equal(zxid, cluster.checks.zxidLast)

    // 2. 2 goes over to 4, which was elected by 2 as it was before. 5 dies for good.
    cluster.cut(2, 5)
    cluster.release(4, 2)
    cluster.heal(2, 4)
    cluster.settle()
    cluster.crash(5)
    cluster.untilServing([1, 2, 3, 4])
    return [1, 2, 3, 4].every(id => cluster.node(id).zxidDelivered >= zxid)
  }
  t.equal(run({}), true)
  t.equal(run(IGNORES_LONGER_HISTORIES), false, 'otherwise what was committed is lost')
})
