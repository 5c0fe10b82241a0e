// Junqueira, Reed, Serafini: "Zab: High-performance broadcast for primary-backup systems", DSN 2011. Properties: section III; protocol: section IV.
import t, { type Test } from 'tap'
import { epochOf, type MemberId, type Zxid } from '../../lib/base/index.js'
import { txnsOf, type ZabEffect } from '../../lib/zab/index.js'
import { type Faults, NO_FAULTS, ZabCluster } from '../fixtures/zab-cluster.js'
import {
  ackEpochOf,
  at,
  batchAt,
  ENSEMBLE,
  epoch,
  followerAt,
  LonePeer,
  leaderAt,
  MEMBER_STATE,
  member,
  notificationOf,
  pongOf
} from '../fixtures/zab-peers.js'

interface Broadcast {
  readonly zxid: Zxid
  readonly text: string
  readonly primary: MemberId
  /** What that primary had delivered when it broadcast. */
  readonly delivered: readonly Zxid[]
}

interface Record {
  readonly broadcasts: readonly Broadcast[]
  /** What each life of each process delivered, in order. */
  readonly deliveries: readonly (readonly { readonly zxid: Zxid; readonly text: string }[])[]
}

const FAULTS: Faults = { ...NO_FAULTS, crash: 0.8, restart: 3, cut: 1, heal: 1, late: 30, slow: 30 }
const RECORDS: readonly Record[] = [1, 2, 3, 4, 5, 6].map(seed => record(seed % 2 === 0 ? 5 : 3, seed))

/** Broadcasts and deliveries of a random run, taken from the events and disks alone. */
function record(size: number, seed: number): Record {
  const broadcasts: Broadcast[] = []
  const lives = new Map<string, { zxid: Zxid; text: string }[]>()
  const decoder = new TextDecoder()
  const cluster = new ZabCluster(size, seed, {
    observe: (node, event, effects) => {
      const life = `${node.id}/${node.life}`
      const delivered = lives.get(life) ?? []
      lives.set(life, delivered)
      if (event.kind === 'propose') {
        for (const [index, txn] of txnsOf(event.batch).entries()) {
          const zxid = (event.batch.zxidFirst + index) as Zxid
          broadcasts.push({ zxid, text: decoder.decode(txn), primary: node.id, delivered: delivered.map(txn => txn.zxid) })
        }
      }
      for (const effect of effects) {
        if (effect.kind !== 'deliver') continue
        for (const batch of node.disk.batchesAfter(delivered.at(-1)?.zxid ?? (0 as Zxid))) {
          for (const [index, txn] of txnsOf(batch).entries()) {
            const zxid = (batch.zxidFirst + index) as Zxid
            if (zxid <= effect.through) delivered.push({ zxid, text: decoder.decode(txn) })
          }
        }
      }
    }
  })
  cluster.startAll()
  cluster.untilServing()
  for (let step = 0; step < 3_000; step++) cluster.randomStep(FAULTS)
  cluster.converge()
  return { broadcasts, deliveries: [...lives.values()] }
}

function everyRun(t: Test, holds: (record: Record) => boolean): void {
  for (const [run, record] of RECORDS.entries()) t.ok(holds(record), `run ${run + 1}`)
}

t.test('the recorded runs are worth checking', async t => {
  for (const { broadcasts, deliveries } of RECORDS) {
    t.ok(new Set(broadcasts.map(({ zxid }) => epochOf(zxid))).size > 2, 'several primaries')
    t.ok(deliveries.filter(life => life.length > 20).length > 3, 'several lives')
  }
  const lost = RECORDS.flatMap(({ broadcasts, deliveries }) => {
    const delivered = new Set(deliveries.flat().map(({ text }) => text))
    return broadcasts.filter(({ text }) => !delivered.has(text))
  })
  t.ok(lost.length > 5, `${lost.length} txns were lost before they were committed`)
})

t.test('Integrity: what is delivered was broadcast, with that very zxid', async t => {
  everyRun(t, ({ broadcasts, deliveries }) => {
    const texts = new Map(broadcasts.map(({ zxid, text }) => [`${zxid} ${text}`, text]))
    return deliveries.flat().every(({ zxid, text }) => texts.has(`${zxid} ${text}`))
  })
})

t.test('Total order: whoever delivers b delivers before it what anybody delivered before b', async t => {
  everyRun(t, ({ deliveries }) => {
    const before = new Map<string, string>()
    return deliveries.every(life =>
      life.every(({ text }, index) => {
        const previous = index === 0 ? '' : (life[index - 1]?.text ?? '')
        const known = before.get(text)
        before.set(text, previous)
        return known === undefined || known === previous
      })
    )
  })
})

t.test('Agreement: of two processes one has delivered all that the other has', async t => {
  everyRun(t, ({ deliveries }) =>
    deliveries.every(a => deliveries.every(b => a.slice(0, b.length).every(({ text }, index) => b[index]?.text === text)))
  )
})

t.test('Local primary order: what a primary broadcast earlier is delivered earlier', async t => {
  everyRun(t, ({ broadcasts, deliveries }) => {
    const order = new Map(broadcasts.map(({ text }, index) => [text, index]))
    return deliveries.every(life =>
      life.every(({ zxid, text }, index) => {
        const next = life[index + 1]
        if (next === undefined || epochOf(next.zxid) !== epochOf(zxid)) return true
        const [a, b] = [order.get(text) ?? 0, order.get(next.text) ?? 0]
        // Next to each other in delivery, next to each other among what that primary broadcast.
        const between = broadcasts.slice(a + 1, b).filter(other => epochOf(other.zxid) === epochOf(zxid))
        return a < b && between.length === 0
      })
    )
  })
})

t.test('Global primary order: what an earlier primary broadcast is delivered earlier', async t => {
  everyRun(t, ({ deliveries }) =>
    deliveries.every(life =>
      life.every(({ zxid }, index) => index === 0 || epochOf(zxid) >= epochOf(life[index - 1]?.zxid ?? zxid))
    )
  )
})

t.test('Primary integrity: a primary has delivered what anybody ever delivers of earlier ones before it broadcasts', async t => {
  everyRun(t, ({ broadcasts, deliveries }) => {
    const ever = [...new Set(deliveries.flat().map(({ zxid }) => zxid))]
    return broadcasts.every(({ zxid, delivered }) => {
      const known = new Set(delivered)
      return ever.every(earlier => epochOf(earlier) >= epochOf(zxid) || known.has(earlier))
    })
  })
})

t.test('one primary for each epoch', async t => {
  everyRun(t, ({ broadcasts }) => {
    const primaries = new Map<number, MemberId>()
    return broadcasts.every(({ zxid, primary }) => {
      const known = primaries.get(epochOf(zxid)) ?? primary
      primaries.set(epochOf(zxid), primary)
      return known === primary
    })
  })
})

// The steps of the protocol. What a step is not told to do it does not do: all effects are compared.

const send = (to: number, message: Extract<ZabEffect, { kind: 'send' }>['message']): ZabEffect => ({
  kind: 'send',
  to: member(to),
  message
})
const write = (number: number, tenure: number, change: object, thenSend: readonly object[] = []) => ({
  kind: 'write',
  write: number,
  tenure,
  change,
  thenSend
})

t.test('phase 0: a peer that a quorum votes for becomes the leader, at once when nobody else is connected', async t => {
  const lone = new LonePeer(3).start(1)
  const effects = lone.receive(1, notificationOf())
  t.strictSame(effects, [
    { kind: 'role', role: 'leading', leader: 3, reason: 'elected' },
    send(1, notificationOf({ state: 'leading' }))
  ])
})

t.test('phase 0: a peer follows whom a quorum votes for', async t => {
  const lone = new LonePeer(1).start(3)
  const effects = lone.receive(3, notificationOf())
  const vote = { leader: member(3), epoch: epoch(1), zxid: at(1, 2) }
  t.strictSame(effects, [
    send(3, notificationOf({ vote })),
    { kind: 'role', role: 'following', leader: 3, reason: 'elected' },
    send(3, notificationOf({ state: 'following', vote })),
    send(3, { kind: 'followerInfo', acceptedEpoch: epoch(1), standing: 'member' })
  ])
})

t.test(
  'phase 1, step 1.1, leader: with a quorum of CEPOCH it proposes an epoch later than all, once it has promised it itself',
  async t => {
    const leader = leaderAt('elected')
    t.strictSame(leader.receive(1, { kind: 'followerInfo', acceptedEpoch: epoch(6), standing: 'member' }), [
      write(1, 2, { kind: 'acceptEpoch', epoch: 7, ensembleId: null })
    ])
    t.strictSame(leader.written(), [send(1, { kind: 'leaderInfo', epoch: epoch(7), ensembleId: ENSEMBLE, founding: false })])
  }
)

t.test(
  'phase 1, step 1.1, follower: it accepts a later epoch, and acknowledges it with its history when that is durable',
  async t => {
    const follower = followerAt('discovery')
    const ackEpoch = ackEpochOf()
    t.strictSame(follower.receive(3, { kind: 'leaderInfo', epoch: epoch(2), ensembleId: ENSEMBLE, founding: false }), [
      write(1, 2, { kind: 'acceptEpoch', epoch: 2, ensembleId: null }, [{ to: 3, message: ackEpoch }])
    ])
    t.strictSame(follower.written(), [])
  }
)

t.test('phase 1, step 1.1, follower: an epoch that it has accepted before is not promised again', async t => {
  const follower = followerAt('discovery', { acceptedEpoch: epoch(2) })
  t.strictSame(follower.receive(3, { kind: 'leaderInfo', epoch: epoch(2), ensembleId: ENSEMBLE, founding: false }), [
    send(3, ackEpochOf({ promised: false }))
  ])
})

t.test('phase 1, step 1.1, follower: it leaves a leader of an earlier epoch than it has accepted', async t => {
  const follower = followerAt('discovery', { acceptedEpoch: epoch(2) })
  const [role] = follower.receive(3, { kind: 'leaderInfo', epoch: epoch(1), ensembleId: ENSEMBLE, founding: false })
  t.strictSame(role, { kind: 'role', role: 'looking', leader: null, reason: 'the leader is of an older epoch' })
})

t.test(
  'phase 1, step 1.2, leader: with a quorum of ACK-E, asked once more, it adopts the epoch; until then nobody is synchronized',
  async t => {
    const leader = leaderAt('discovery')
    t.strictSame(leader.receive(1, ackEpochOf()), [
      send(1, { kind: 'ping', epoch: epoch(2), sequence: 1, zxidCommitted: 0 as Zxid })
    ])
    t.strictSame(leader.receive(1, pongOf(1)), [
      { kind: 'learnerAlive', learner: 1, payload: new Uint8Array() },
      write(2, 2, { kind: 'adoptEpoch', epoch: 2, ensembleId: ENSEMBLE, vote: 'held' }),
      send(1, { kind: 'newLeader', epoch: epoch(2), zxid: at(1, 2), ensembleId: ENSEMBLE, vote: 'held' })
    ])
  }
)

t.test(
  'phase 1, step 1.2, leader: where the paper takes over a longer history, it gives way to the member that has it',
  async t => {
    const leader = leaderAt('discovery')
    const longer = { zxidBase: 0 as Zxid, epochEnds: [{ epoch: epoch(1), counter: 3 }] }
    const [role] = leader.receive(1, ackEpochOf({ log: longer }))
    t.strictSame(role, { kind: 'role', role: 'looking', leader: null, reason: 'member 1 has a longer history' })
    const later = leaderAt('discovery')
    const [same] = later.receive(1, ackEpochOf({ currentEpoch: epoch(2), log: { zxidBase: 0 as Zxid, epochEnds: [] } }))
    t.strictSame(same, role, 'a later current epoch is longer, however short the log')
  }
)

t.test('phase 2, step 2.1, leader: a follower is sent what it lacks and then NEWLEADER', async t => {
  const leader = leaderAt('broadcasting')
  leader.step({ kind: 'propose', batch: batchAt(2, 1, 2) })
  leader.allWritten()
  leader.step({ kind: 'linkDown', peer: member(1) })
  leader.step({ kind: 'linkUp', peer: member(1) })
  leader.receive(1, { kind: 'followerInfo', acceptedEpoch: epoch(2), standing: 'member' })
  t.strictSame(leader.receive(1, ackEpochOf({ promised: false, currentEpoch: epoch(2) })), [
    send(1, { kind: 'history', epoch: epoch(2), batch: batchAt(2, 1, 2) }),
    send(1, { kind: 'newLeader', epoch: epoch(2), zxid: at(2, 2), ensembleId: ENSEMBLE, vote: 'held' })
  ])
})

t.test('phase 2, step 2.2, follower: the history is on disk, then the epoch, then it acknowledges', async t => {
  const follower = followerAt('synchronizing')
  t.strictSame(follower.receive(3, { kind: 'history', epoch: epoch(2), batch: batchAt(1, 3) }), [
    write(2, 2, { kind: 'append', batch: batchAt(1, 3), zxidCommitted: 0 })
  ])
  t.strictSame(follower.receive(3, { kind: 'newLeader', epoch: epoch(2), zxid: at(1, 3), ensembleId: ENSEMBLE, vote: 'held' }), [
    write(3, 2, { kind: 'adoptEpoch', epoch: 2, ensembleId: ENSEMBLE, vote: 'held' }, [
      { to: 3, message: { kind: 'ackNewLeader', epoch: 2, zxid: at(1, 3) } }
    ])
  ])
  t.strictSame(follower.written(), [])
  t.strictSame(follower.written(), [{ kind: 'ensemble', ensembleId: ENSEMBLE }])
})

t.test('phase 2, step 2.3, leader: a quorum of acknowledgements commits the whole history', async t => {
  const leader = leaderAt('synchronizing')
  t.strictSame(leader.receive(1, { kind: 'ackNewLeader', epoch: epoch(2), zxid: at(1, 2) }), [
    { kind: 'deliver', through: at(1, 2) },
    { kind: 'serving', leader: 3, epoch: 2, zxidHistory: at(1, 2) },
    send(1, { kind: 'upToDate', epoch: epoch(2), zxidCommitted: at(1, 2) })
  ])
})

t.test('phase 2, step 2.4, follower: told so it delivers the history in order', async t => {
  t.strictSame(followerAt('adopted').receive(3, { kind: 'upToDate', epoch: epoch(2), zxidCommitted: at(1, 2) }), [
    { kind: 'deliver', through: at(1, 2) },
    { kind: 'serving', leader: 3, epoch: 2, zxidHistory: at(1, 2) }
  ])
})

t.test('phase 3, step 3.1, leader: it proposes in the order of zxids, of its own epoch, without waiting', async t => {
  const leader = leaderAt('broadcasting')
  t.equal(leader.peer.zxidNext, at(2, 1))
  t.strictSame(leader.step({ kind: 'propose', batch: batchAt(2, 1, 2) }), [
    write(3, 2, { kind: 'append', batch: batchAt(2, 1, 2), zxidCommitted: at(1, 2) }),
    send(1, { kind: 'proposal', epoch: epoch(2), batch: batchAt(2, 1, 2), zxidCommitted: at(1, 2) })
  ])
  t.equal(leader.peer.zxidNext, at(2, 3))
  t.throws(() => leader.step({ kind: 'propose', batch: batchAt(2, 4) }), { code: 'INVARIANT_VIOLATED' })
})

t.test('phase 3, step 3.2, leader: a quorum of acknowledgements commits, its own counted when it is on its disk', async t => {
  const leader = leaderAt('broadcasting')
  leader.step({ kind: 'propose', batch: batchAt(2, 1) })
  t.strictSame(leader.receive(1, { kind: 'ack', epoch: epoch(2), zxid: at(2, 1) }), [])
  t.strictSame(leader.written(), [
    send(1, { kind: 'commit', epoch: epoch(2), zxid: at(2, 1) }),
    { kind: 'deliver', through: at(2, 1) }
  ])
})

t.test('phase 3, step 3.3, follower: a proposal is acknowledged when it is on disk', async t => {
  const follower = followerAt('serving')
  t.strictSame(follower.receive(3, { kind: 'proposal', epoch: epoch(2), batch: batchAt(2, 1), zxidCommitted: at(1, 2) }), [
    write(3, 2, { kind: 'append', batch: batchAt(2, 1), zxidCommitted: at(1, 2) }, [
      { to: 3, message: { kind: 'ack', epoch: 2, zxid: at(2, 1) } }
    ])
  ])
})

t.test(
  'phase 3, step 3.4, follower: what is committed is delivered with everything before it, once it is on its own disk',
  async t => {
    const follower = followerAt('serving')
    follower.receive(3, { kind: 'proposal', epoch: epoch(2), batch: batchAt(2, 1, 2), zxidCommitted: at(1, 2) })
    t.strictSame(follower.receive(3, { kind: 'commit', epoch: epoch(2), zxid: at(2, 2) }), [])
    t.strictSame(follower.written(), [{ kind: 'deliver', through: at(2, 2) }])
  }
)

t.test(
  'phase 3, steps 3.5 and 3.6, leader: who comes later is taken through the same steps, and then into the broadcast',
  async t => {
    const leader = leaderAt('broadcasting')
    leader.step({ kind: 'linkUp', peer: member(2) })
    t.strictSame(leader.receive(2, { kind: 'followerInfo', acceptedEpoch: epoch(1), standing: 'member' }), [
      send(2, { kind: 'leaderInfo', epoch: epoch(2), ensembleId: ENSEMBLE, founding: false })
    ])
    t.strictSame(leader.receive(2, ackEpochOf()), [
      send(2, { kind: 'newLeader', epoch: epoch(2), zxid: at(1, 2), ensembleId: ENSEMBLE, vote: 'held' })
    ])
    const proposal = { kind: 'proposal', epoch: epoch(2), batch: batchAt(2, 1), zxidCommitted: at(1, 2) } as const
    t.strictSame(leader.step({ kind: 'propose', batch: batchAt(2, 1) }).slice(1), [send(1, proposal), send(2, proposal)])
    leader.allWritten()
    t.strictSame(leader.receive(2, { kind: 'ackNewLeader', epoch: epoch(2), zxid: at(1, 2) }), [
      send(2, { kind: 'upToDate', epoch: epoch(2), zxidCommitted: at(1, 2) })
    ])
    t.strictSame(leader.receive(2, { kind: 'ack', epoch: epoch(2), zxid: at(2, 1) }), [
      send(1, { kind: 'commit', epoch: epoch(2), zxid: at(2, 1) }),
      send(2, { kind: 'commit', epoch: epoch(2), zxid: at(2, 1) }),
      { kind: 'deliver', through: at(2, 1) }
    ])
  }
)

t.test('a peer alone goes through all phases by itself', async t => {
  const lone = new LonePeer(1, MEMBER_STATE, { size: 1 })
  lone.step({ kind: 'start' })
  t.equal(lone.peer.role, 'leading')
  t.strictSame(
    lone.allWritten().map(effect => effect.kind),
    ['write', 'ensemble', 'deliver', 'serving']
  )
  lone.step({ kind: 'propose', batch: batchAt(2, 1) })
  t.strictSame(lone.written(), [{ kind: 'deliver', through: at(2, 1) }])
})
