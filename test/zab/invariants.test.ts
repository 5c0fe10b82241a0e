// The invariants of ZooKeeper's own bug history, as far as they concern the protocol core. The numbers are those of docs/invariants in
// lib/zab/README.md. What concerns storage, tree and sessions is tested there.
import t from 'tap'
import { epochOf, type Zxid } from '../../lib/base/index.js'
import { zxidLastIn } from '../../lib/zab/index.js'
import { type Faults, NO_FAULTS, ZabCluster } from '../fixtures/zab-cluster.js'
import {
  ackEpochOf,
  at,
  BLANK_STATE,
  batchAt,
  ENSEMBLE,
  epoch,
  FOLLOWER_PHASES,
  followerAt,
  LonePeer,
  leaderAt,
  MEMBER_STATE,
  member,
  notificationOf,
  pongOf
} from '../fixtures/zab-peers.js'

const append = (counter: number, zxidCommitted: Zxid) => ({ kind: 'append', batch: batchAt(2, counter), zxidCommitted }) as const
const newLeader = (zxid: Zxid) => ({ kind: 'newLeader', epoch: epoch(2), zxid, ensembleId: ENSEMBLE, vote: 'held' }) as const

t.test('I1: history, epoch, ensemble and vote change together, in one write', async t => {
  const follower = followerAt('synchronizing', { damaged: true })
  follower.receive(3, { kind: 'replace', epoch: epoch(2), snapshot: null })
  follower.receive(3, { kind: 'history', epoch: epoch(2), batch: batchAt(1, 1, 2) })
  const effects = follower.receive(3, { ...newLeader(at(1, 2)), vote: 'withheld' })
  t.strictSame(effects, [
    {
      kind: 'write',
      write: 4,
      tenure: 2,
      change: { kind: 'adoptEpoch', epoch: 2, ensembleId: ENSEMBLE, vote: 'withheld' },
      thenSend: [{ to: 3, message: { kind: 'ackNewLeader', epoch: 2, zxid: at(1, 2) } }]
    }
  ])
})

t.test('I2: an acknowledgement leaves with the write it vouches for, and only as long as its sender is in that role', async t => {
  const follower = followerAt('serving')
  const { tenure } = follower.peer
  const effects = follower.receive(3, { kind: 'proposal', epoch: epoch(2), batch: batchAt(2, 1), zxidCommitted: at(1, 2) })
  const thenSend = [{ to: member(3), message: { kind: 'ack', epoch: epoch(2), zxid: at(2, 1) } }]
  t.strictSame(effects, [{ kind: 'write', write: 3, tenure, change: append(1, at(1, 2)), thenSend }])
  follower.step({ kind: 'linkDown', peer: member(3) })
  t.ok(follower.peer.tenure > tenure, 'the runtime drops what vouches for an earlier tenure')
  t.strictSame(
    follower.written().filter(effect => effect.kind === 'deliver'),
    []
  )
})

t.test('I3: NEWLEADER is acknowledged behind the whole sync set, which is written before', async t => {
  const follower = followerAt('synchronizing')
  const changes = [
    ...follower.receive(3, { kind: 'truncate', epoch: epoch(2), zxid: at(1, 1) }),
    ...follower.receive(3, { kind: 'history', epoch: epoch(2), batch: batchAt(1, 2, 3) }),
    ...follower.receive(3, newLeader(at(1, 4)))
  ]
  t.strictSame(
    changes.map(effect =>
      effect.kind === 'write' ? [effect.change.kind, effect.thenSend.map(({ message }) => message.kind)] : effect
    ),
    [
      ['truncate', []],
      ['append', []],
      ['adoptEpoch', ['ackNewLeader']]
    ]
  )
})

t.test('I3: NEWLEADER that does not fit the history is refused', async t => {
  for (const zxid of [at(1, 1), at(1, 3), at(2, 1)]) {
    const [first] = followerAt('synchronizing').receive(3, newLeader(zxid))
    t.equal(first?.kind, 'disconnect')
  }
})

t.test('I4: a peer does not vote while anything is being written, and then votes for what is on its disk', async t => {
  const follower = followerAt('serving')
  follower.receive(3, { kind: 'proposal', epoch: epoch(2), batch: batchAt(2, 1), zxidCommitted: at(1, 2) })
  t.strictSame(follower.step({ kind: 'linkDown', peer: member(3) }), [
    { kind: 'role', role: 'looking', leader: null, reason: 'link to the leader is down' }
  ])
  t.equal(follower.peer.waiting?.kind, 'disk')
  const vote = { leader: member(1), epoch: epoch(2), zxid: at(2, 1) }
  const voted = notificationOf({ round: 2, vote, history: { epoch: epoch(2), zxid: at(2, 1) }, acceptedEpoch: epoch(2) })
  t.strictSame(follower.written(), [{ kind: 'send', to: 2, message: voted }])
})

t.test('I5: nothing is delivered that is not both committed and on this disk, at every step of a run', async t => {
  const cluster = new ZabCluster(3, 7, {
    observe: ({ peer, zxidDelivered }, _event, effects) => {
      for (const effect of effects) {
        if (effect.kind !== 'deliver' || peer === null) continue
        t.ok(effect.through <= peer.zxidCommitted && effect.through <= peer.zxidDurable && effect.through > zxidDelivered)
      }
    }
  })
  cluster.startAll()
  for (let step = 0; step < 2_000; step++) cluster.randomStep({ ...NO_FAULTS, crash: 0.5, restart: 2, cut: 0.5, heal: 0.5 })
  cluster.converge()
})

t.test('I6: what is behind a cut is gone, and the log goes on from there', async t => {
  const follower = followerAt('synchronizing')
  follower.receive(3, { kind: 'truncate', epoch: epoch(2), zxid: at(1, 1) })
  follower.allWritten()
  t.strictSame([follower.peer.zxidLogged, follower.peer.zxidDurable], [at(1, 1), at(1, 1)])
  t.equal(follower.receive(3, { kind: 'history', epoch: epoch(2), batch: batchAt(2, 1) })[0]?.kind, 'write')
  t.equal(follower.peer.zxidLogged, at(2, 1))
})

t.test('I6: a cut below what is known to be committed, or below the base, or behind the end is refused', async t => {
  const cut = (state: Partial<typeof MEMBER_STATE>, zxid: Zxid) => {
    const follower = new LonePeer(1, state).start(2, 3)
    follower.receive(3, notificationOf({ state: 'leading', epoch: epoch(2) }))
    follower.receive(3, { kind: 'leaderInfo', epoch: epoch(2), ensembleId: ENSEMBLE, founding: false })
    return follower.receive(3, { kind: 'truncate', epoch: epoch(2), zxid })[0]?.kind
  }
  t.equal(cut({}, at(1, 1)), 'write')
  t.equal(cut({ zxidCommitted: at(1, 2) }, at(1, 1)), 'disconnect')
  t.equal(cut({ log: { zxidBase: at(1, 2), epochEnds: [] } }, at(1, 1)), 'disconnect')
  t.equal(cut({}, at(1, 3)), 'disconnect')
  t.equal(cut({ damaged: true }, at(1, 1)), 'disconnect', 'a damaged log is never cut')
})

t.test('I7: a synchronization that is interrupted leaves what was there', async t => {
  const follower = followerAt('synchronizing')
  follower.receive(3, { kind: 'replace', epoch: epoch(2), snapshot: { zxid: at(1, 9), chunkCount: 2, bytes: 2, digest: '' } })
  follower.receive(3, { kind: 'snapshotChunk', epoch: epoch(2), index: 0, bytes: new Uint8Array(1) })
  follower.allWritten()
  const [abandon] = follower.step({ kind: 'linkDown', peer: member(3) })
  t.strictSame(abandon, { kind: 'write', write: 4, tenure: 2, change: { kind: 'abandonReplacement' }, thenSend: [] })
  follower.allWritten()
  t.strictSame([follower.peer.zxidDurable, follower.peer.currentEpoch], [at(1, 2), 1])
})

t.test('I8: a gap, a repetition and a step back are refused, whoever sends them', async t => {
  for (const phase of ['synchronizing', 'adopting', 'adopted', 'serving'] as const) {
    for (const batch of [batchAt(1, 2), batchAt(1, 4), batchAt(2, 2), batchAt(1, 1, 5)]) {
      const kind = phase === 'synchronizing' ? 'history' : 'proposal'
      const [first, role] = followerAt(phase).receive(3, { kind, epoch: epoch(2), batch, zxidCommitted: 0 as Zxid })
      t.strictSame([first?.kind, role?.kind], ['disconnect', 'role'], `${batch.zxidFirst} while ${phase}`)
    }
  }
})

t.test(
  'I9: an accepted epoch is never below the current one nor below the log’s last, whenever a process dies, and it always starts again',
  async t => {
    const faults: Faults = { ...NO_FAULTS, crash: 4, restart: 6, cut: 1, heal: 1, purge: 1, slow: 50 }
    let starts = 0
    for (const seed of [1, 2, 3]) {
      const cluster = new ZabCluster(3, seed, {
        mutation: {
          starting: ({ disk }) => {
            starts++
            t.ok(disk.acceptedEpoch >= disk.currentEpoch && disk.acceptedEpoch >= epochOf(zxidLastIn(disk.log)))
          }
        }
      })
      cluster.startAll()
      for (let step = 0; step < 2_000; step++) cluster.randomStep(faults)
      cluster.converge()
    }
    t.ok(starts > 150, `${starts} starts`)
  }
)

t.test('I10: what a leader sends from memory is exactly what it has proposed, without a hole', async t => {
  const leader = leaderAt('broadcasting')
  for (const counter of [1, 2, 3]) leader.step({ kind: 'propose', batch: batchAt(2, counter) })
  leader.step({ kind: 'linkUp', peer: member(2) })
  leader.receive(2, { kind: 'followerInfo', acceptedEpoch: epoch(1), standing: 'member' })
  const sent = leader.receive(2, ackEpochOf()).map(effect => (effect.kind === 'send' ? effect.message : effect))
  t.strictSame(sent, [
    ...[1, 2, 3].map(counter => ({ kind: 'history', epoch: 2, batch: batchAt(2, counter) })),
    newLeader(at(2, 3))
  ])
})

t.test('I11: a leader that a quorum does not answer for syncLimit ticks steps down, and confirms nothing meanwhile', async t => {
  const leader = leaderAt('broadcasting')
  t.strictSame(
    leader.tick(4).filter(effect => effect.kind === 'role'),
    []
  )
  const asked = leader.step({ kind: 'confirm', confirmation: 1 })
  t.strictSame(
    asked.map(effect => effect.kind),
    ['send']
  )
  const [disconnect, role] = leader.tick()
  t.strictSame(disconnect, { kind: 'disconnect', peer: 1, reason: 'silent for too long' })
  t.strictSame(role, { kind: 'role', role: 'looking', leader: null, reason: 'no quorum is heard' })
})

t.test('I11: an answered ping is a sign of life, and confirms what was asked before it', async t => {
  const leader = leaderAt('broadcasting')
  leader.tick(4)
  leader.step({ kind: 'confirm', confirmation: 1 })
  t.strictSame(leader.receive(1, pongOf(5)), [{ kind: 'learnerAlive', learner: 1, payload: new Uint8Array() }])
  t.strictSame(leader.receive(1, pongOf(6)).slice(1), [{ kind: 'confirmed', confirmation: 1, zxid: at(1, 2) }])
  t.strictSame(
    leader.tick(4).filter(effect => effect.kind === 'role'),
    []
  )
})

t.test('I17: a leader whose disk does not answer steps down within syncLimit ticks, and has no vote until it does', async t => {
  const leader = leaderAt('broadcasting')
  leader.step({ kind: 'propose', batch: batchAt(2, 1) })
  const roles = Array.from({ length: 5 }, (_, tick) => {
    leader.receive(1, pongOf(tick + 2))
    return leader.tick().filter(effect => effect.kind === 'role')
  })
  t.strictSame(roles.flat(), [{ kind: 'role', role: 'looking', leader: null, reason: 'own disk does not answer' }])
  t.equal(leader.peer.waiting?.kind, 'disk')
  t.strictSame(leader.tick(20), [], 'it does not even speak')
  leader.allWritten()
  t.equal(leader.peer.waiting?.kind === 'disk', false)
})

t.test('I18: garbage costs a leader or follower that peer, nothing else', async t => {
  const garbage = { ...batchAt(2, 1), bytes: new Uint8Array([255, 255, 255, 255]) }
  for (const phase of FOLLOWER_PHASES) {
    const follower = followerAt(phase)
    for (const batch of [garbage, { ...garbage, count: 0 }, { ...garbage, bytes: new Uint8Array() }]) {
      t.doesNotThrow(() => follower.receive(3, { kind: 'history', epoch: epoch(2), batch }))
      t.doesNotThrow(() => follower.receive(3, { kind: 'proposal', epoch: epoch(2), batch, zxidCommitted: 0 as Zxid }))
    }
    follower.allWritten()
    t.equal(follower.peer.zxidLogged, at(1, 2), `while ${phase}`)
  }
  const leader = leaderAt('broadcasting')
  leader.step({ kind: 'linkUp', peer: member(2) })
  leader.receive(2, { kind: 'ack', epoch: epoch(2), zxid: at(2, 1) })
  t.strictSame(leader.receive(1, { kind: 'ack', epoch: epoch(2), zxid: at(2, 9) }), [
    { kind: 'disconnect', peer: 1, reason: 'ACK of what was never proposed' }
  ])
  t.equal(leader.peer.role, 'leading', 'and it steps down only when no quorum is heard')
})

t.test('I18: an epoch far beyond its own is refused and costs the peer its link', async t => {
  const leader = leaderAt('broadcasting')
  const absurd = epoch(2 + 2 ** 16 + 1)
  t.strictSame(leader.receive(1, notificationOf({ acceptedEpoch: absurd })).at(-1), {
    kind: 'disconnect',
    peer: 1,
    reason: `epoch ${absurd} is too far ahead`
  })
  t.equal(leader.peer.role, 'leading')
  const follower = followerAt('discovery')
  const [disconnect] = follower.receive(3, { kind: 'leaderInfo', epoch: absurd, ensembleId: ENSEMBLE, founding: false })
  t.equal(disconnect?.kind, 'disconnect')
})

t.test('I19: who has lost his disk votes for nobody, not even with all the others’ disks gone', async t => {
  for (const state of [BLANK_STATE, { ...MEMBER_STATE, vote: 'withheld' as const }, { ...MEMBER_STATE, damaged: true }]) {
    const lone = new LonePeer(1, state)
    lone.start(2, 3)
    const [own] = lone.tick()
    t.equal(own?.kind === 'send' && own.message.kind === 'notification' ? own.message.vote : 'none', null)
    // 2 is blank as well, 3 is a member: no quorum that could hold what was acknowledged.
    lone.receive(2, notificationOf({ standing: 'blank', vote: null }))
    lone.receive(3, notificationOf({}))
    lone.tick(20)
    t.equal(lone.peer.role, 'looking')
    t.equal(lone.peer.waiting?.kind, 'lostQuorum')
  }
})

t.test('I19: a leader does not count the votes, promises and acknowledgements of who has lost his disk', async t => {
  const lone = new LonePeer(3).start(1, 2)
  lone.receive(1, notificationOf({ standing: 'blank' }))
  lone.tick(10)
  t.equal(lone.peer.role, 'looking', 'a vote of a blank one and its own are no quorum')
  const leader = leaderAt('discovery')
  leader.step({ kind: 'linkDown', peer: member(1) })
  t.equal(leader.peer.role, 'looking')
})
