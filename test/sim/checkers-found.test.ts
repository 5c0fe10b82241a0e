import t from 'tap'
import { type MemberId, NO_EPOCH, ZXID_ZERO } from '../../lib/base/index.js'
import { Violation } from '../../lib/sim/checker.js'
import type { PeerMessage } from '../../lib/wire/index.js'
import type { LogSummary, Notification } from '../../lib/zab/index.js'
import { A, B, batch, broadcast, deposed, ENSEMBLE, epoch, founded, lead, logTo, zxid } from './checkers-stream.js'

const looking = (of: Partial<Notification>): Notification => ({
  kind: 'notification',
  round: 1,
  state: 'looking',
  vote: { leader: 2 as MemberId, epoch: epoch(1), zxid: zxid(1, 2) },
  history: { epoch: epoch(1), zxid: zxid(1, 2) },
  standing: 'member',
  acceptedEpoch: epoch(1),
  epoch: NO_EPOCH,
  salvage: false,
  ...of
})
const ackEpoch = (of: number, log: LogSummary, more: Partial<Extract<PeerMessage, { kind: 'ackEpoch' }>> = {}): PeerMessage => ({
  kind: 'ackEpoch',
  epoch: epoch(of),
  promised: true,
  currentEpoch: epoch(1),
  standing: 'member',
  log,
  replace: false,
  ...more
})
const payload = new Uint8Array()

/** The checker that must find it, what it must say, and what is wrong. */
const BAD: Record<string, readonly [checker: string, message: RegExp, script: () => unknown]> = {
  'an acknowledged write is gone after a restart': [
    'durability',
    /ends at 0x100000001, expected 0x100000002/,
    () => broadcast(founded(), A).see(2, { kind: 'ended' }).reopen(2, zxid(1, 1))
  ],
  'something is there that was never written': [
    'durability',
    /ends at 0x100000003, expected 0x100000002/,
    () => broadcast(founded(), A).see(2, { kind: 'ended' }).reopen(2, zxid(1, 3))
  ],
  'a promise is gone after a restart': [
    'durability',
    /accepted epoch 1, expected 2/,
    () => broadcast(founded(), A).accept(2, 2).see(2, { kind: 'ended' }).reopen(2, zxid(1, 2))
  ],
  'a later write is there and an earlier one is not': [
    'durability',
    /accepted epoch 2, expected 1/,
    () => {
      const stream = founded().propose(2, A)
      stream.write(2, { kind: 'append', batch: A, zxidCommitted: ZXID_ZERO })
      stream.write(2, { kind: 'acceptEpoch', epoch: epoch(2), ensembleId: null })
      stream.see(2, { kind: 'ended' }).reopen(2, ZXID_ZERO, { acceptedEpoch: epoch(2) })
    }
  ],
  'a withheld vote is held after a restart': [
    'durability',
    /vote held, expected withheld/,
    () => founded().adopt(2, 1, 'withheld').see(2, { kind: 'ended' }).reopen(2, ZXID_ZERO)
  ],
  'a disk is damaged that nobody has damaged': [
    'durability',
    /it is damaged: bits/,
    () =>
      founded()
        .see(2, { kind: 'ended' })
        .reopen(2, ZXID_ZERO, { damage: { description: 'bits', zxidProven: ZXID_ZERO } })
  ],
  'an epoch ends elsewhere in the log': [
    'durability',
    /epoch 1 ends at 0x100000001/,
    () => {
      const stream = broadcast(founded(), A)
      deposed(stream, zxid(1, 2))
        .append(2, batch(zxid(2, 1), 'd'))
        .see(2, { kind: 'ended' })
      stream.reopen(2, zxid(1, 1), { acceptedEpoch: epoch(2), currentEpoch: epoch(2), log: logTo(zxid(1, 1), zxid(2, 1)) })
    }
  ],
  'a wiped disk is not empty': [
    'durability',
    /something on a disk that was wiped/,
    () => broadcast(founded(), A).see(2, { kind: 'ended' }).see(2, { kind: 'diskLost', how: 'wiped' }).reopen(2, zxid(1, 1))
  ],
  'a store goes on after a failure': [
    'durability',
    /write \d+ is said to be on disk behind write \d+, which has failed/,
    () => {
      const stream = founded()
      stream.see(2, { kind: 'writeFailed', write: stream.write(2, { kind: 'admit' }) })
      stream.done(2, { kind: 'admit' })
    }
  ],
  'a write is confirmed that nobody has asked for': ['durability', /never handed over/, () => founded().written(2, 99)],

  'two lead one epoch': ['leaders', /member 2 leads epoch 0x1, which member 1 has led/, () => founded().see(2, lead(1, 2))],
  'two propose in one epoch': [
    'leaders',
    /member 3 leads epoch 0x1/,
    () => founded().send(3, 2, { kind: 'proposal', epoch: epoch(1), batch: A, zxidCommitted: ZXID_ZERO })
  ],
  'a leader is established twice': ['leaders', /second time/, () => founded().see(1, lead(1, 1))],
  'a member serves in an epoch below its last': [
    'leaders',
    /epoch 0x1 behind epoch 0x2/,
    () => deposed(founded(), ZXID_ZERO).see(3, lead(1, 1))
  ],
  'a member acts in an epoch below its promise': [
    'leaders',
    /sends pong to member 1 in epoch 0x1, having promised 0x2/,
    () =>
      founded()
        .accept(2, 2)
        .send(2, 1, { kind: 'pong', epoch: epoch(1), sequence: 1, zxidDurable: ZXID_ZERO, payload })
  ],
  'an epoch is promised twice': [
    'leaders',
    /promises epoch 0x2 to member 3, having promised it to member 1/,
    () => founded().accept(2, 2).send(2, 1, ackEpoch(2, logTo())).send(2, 3, ackEpoch(2, logTo()))
  ],

  'two txns with one zxid': [
    'log order',
    /0x100000001, which names 2 different txns/,
    () =>
      broadcast(founded(), A, [2])
        .propose(3, batch(zxid(1, 1), 'x'))
        .append(3, batch(zxid(1, 1), 'x'))
  ],
  'a gap in a log': ['log order', /0x100000002 behind 0x0/, () => founded().append(1, batch(zxid(1, 2), 'x'))],
  'a log that goes back': [
    'log order',
    /0x100000002 behind 0x100000002/,
    () =>
      founded()
        .append(1, A)
        .append(1, batch(zxid(1, 2), 'x'))
  ],
  'an epoch that does not begin with its first txn': [
    'log order',
    /0x200000002 behind 0x100000002/,
    () => deposed(broadcast(founded(), A), zxid(1, 2)).append(2, batch(zxid(2, 2), 'x'))
  ],
  'a follower that appends what it was not sent': [
    'log order',
    /0x100000001, which it was not sent; member 1 leads/,
    () => founded().append(2, A)
  ],
  'a follower that appends something else than it was sent': [
    'log order',
    /0x100000001, which it was not sent/,
    () =>
      founded()
        .propose(2, A)
        .append(2, batch(zxid(1, 1), 'a'))
  ],
  'a log that is cut below what was shown': [
    'log order',
    /cuts its log to 0x100000001, having shown 0x100000002/,
    () =>
      broadcast(founded(), A)
        .accept(2, 2)
        .done(2, { kind: 'truncate', zxid: zxid(1, 1) })
  ],
  'a log that is cut below what others have shown': [
    'log order',
    /and with it 0x100000002, which others have shown/,
    () =>
      broadcast(founded(), A, [2, 3], [1])
        .accept(2, 2)
        .done(2, { kind: 'truncate', zxid: zxid(1, 1) })
  ],
  'a replacement that ends before what was shown': [
    'log order',
    /ends at 0x0, having shown 0x100000002/,
    () => broadcast(founded(), A).done(2, { kind: 'beginReplacement', snapshot: null }).adopt(2, 1)
  ],

  'an epoch that is accepted again': ['epoch order', /accepts epoch 1 behind 1/, () => founded().accept(2, 1)],
  'an epoch that is adopted and not accepted': [
    'epoch order',
    /current epoch 2 with accepted epoch 1/,
    () => founded().adopt(2, 2)
  ],
  'an adopted epoch that goes back': ['epoch order', /adopts epoch 1 behind 2/, () => deposed(founded(), ZXID_ZERO).adopt(3, 1)],
  'a log beyond the promise': [
    'epoch order',
    /0x200000001 with accepted epoch 1/,
    () => deposed(founded(), ZXID_ZERO).append(1, batch(zxid(2, 1), 'x'))
  ],
  'a staged log beyond the promise': [
    'epoch order',
    /0x200000001 with accepted epoch 1/,
    () =>
      founded()
        .done(1, { kind: 'beginReplacement', snapshot: null })
        .append(1, batch(zxid(2, 1), 'x'))
  ],

  'an acknowledgement before the write': [
    'durable before said',
    /sends ack to member 1: 0x100000002 is not on its disk, which ends at 0x0/,
    () => {
      const stream = founded().propose(2, A)
      stream.write(2, { kind: 'append', batch: A, zxidCommitted: ZXID_ZERO })
      stream.send(2, 1, { kind: 'ack', epoch: epoch(1), zxid: zxid(1, 2) })
    }
  ],
  'an acknowledgement of more than was written': [
    'durable before said',
    /0x100000003 is not on its disk/,
    () => broadcast(founded(), A).send(2, 1, { kind: 'ack', epoch: epoch(1), zxid: zxid(1, 3) })
  ],
  'an acknowledgement of another epoch': [
    'durable before said',
    /0x100000002 is of another epoch/,
    () => deposed(broadcast(founded(), A), zxid(1, 2)).send(3, 2, { kind: 'ack', epoch: epoch(2), zxid: zxid(1, 2) })
  ],
  'NEWLEADER acknowledged before the epoch is adopted': [
    'durable before said',
    /sends ackNewLeader to member 1: its disk holds current epoch 1, expected 2/,
    () =>
      founded()
        .accept(2, 2)
        .send(2, 1, { kind: 'ackNewLeader', epoch: epoch(2), zxid: ZXID_ZERO })
  ],
  'NEWLEADER acknowledged without its history': [
    'durable before said',
    /0x100000002 is not on its disk/,
    () =>
      founded()
        .accept(2, 2)
        .adopt(2, 2)
        .send(2, 1, { kind: 'ackNewLeader', epoch: epoch(2), zxid: zxid(1, 2) })
  ],
  'a promise before it is written': [
    'durable before said',
    /sends ackEpoch to member 1: its disk holds accepted epoch 1, expected 2/,
    () => founded().send(2, 1, ackEpoch(2, logTo()))
  ],
  'a promise with a log that is not on disk': [
    'durable before said',
    /ends at 0x100000005, and its disk holds 0x100000002/,
    () =>
      broadcast(founded(), A)
        .accept(2, 2)
        .send(2, 1, ackEpoch(2, logTo(zxid(1, 5))))
  ],
  'a promise with ends of epochs that are not on disk': [
    'durable before said',
    /epoch 1 ends at 0x100000001/,
    () => {
      const stream = deposed(broadcast(founded(), A), zxid(1, 2))
        .append(2, batch(zxid(2, 1), 'd'))
        .accept(2, 3)
      stream.send(2, 3, ackEpoch(3, logTo(zxid(1, 1), zxid(2, 1)), { currentEpoch: epoch(2) }))
    }
  ],
  'an epoch that is proposed before its leader has promised it': [
    'durable before said',
    /sends leaderInfo to member 2: its disk holds accepted epoch 1, expected 2/,
    () => founded().send(1, 2, { kind: 'leaderInfo', epoch: epoch(2), ensembleId: ENSEMBLE, founding: false })
  ],
  'an introduction with another promise': [
    'durable before said',
    /sends followerInfo/,
    () => founded().send(2, 1, { kind: 'followerInfo', acceptedEpoch: NO_EPOCH, standing: 'member' })
  ],
  'a vote with a log that is not on disk': [
    'durable before said',
    /sends notification to member 1: says that its log ends at 0x100000002, and its disk holds 0x0/,
    () => founded().send(2, 1, looking({}))
  ],
  'a vote with an epoch that is not on disk': [
    'durable before said',
    /its history is of epoch 2, and its disk holds 1/,
    () => broadcast(founded(), A).send(2, 1, looking({ history: { epoch: epoch(2), zxid: zxid(1, 2) } }))
  ],
  'a sign of life that vouches for more than there is': [
    'durable before said',
    /sends pong to member 1: 0x100000002 is not on its disk/,
    () => founded().send(2, 1, { kind: 'pong', epoch: epoch(1), sequence: 1, zxidDurable: zxid(1, 2), payload })
  ],
  'an admission that is not written': [
    'durable before said',
    /vote is withheld/,
    () =>
      founded()
        .adopt(2, 1, 'withheld')
        .send(2, 1, { kind: 'admitted', epoch: epoch(1) })
  ],
  'a commit that only the leader has on disk': [
    'durable before said',
    /sends commit to member 2: calls 0x100000002 committed, which is not on the disks of a majority/,
    () =>
      founded()
        .append(1, A)
        .send(1, 2, { kind: 'commit', epoch: epoch(1), zxid: zxid(1, 2) })
  ],
  'a commit of what was never proposed': [
    'durable before said',
    /calls 0x100000009 committed, which is not in its log/,
    () => founded().send(1, 2, { kind: 'ping', epoch: epoch(1), sequence: 1, zxidCommitted: zxid(1, 9) })
  ],
  'a commit with the help of a member that has no vote': [
    'durable before said',
    /not on the disks of a majority/,
    () => {
      const stream = founded().see(3, { kind: 'ended' }).see(3, { kind: 'diskLost', how: 'wiped' }).open(3).accept(3, 1)
      stream.adopt(3, 1, 'withheld').append(1, A).propose(3, A).append(3, A)
      stream.send(1, 3, { kind: 'commit', epoch: epoch(1), zxid: zxid(1, 2) })
    }
  ],

  'two states at one zxid': [
    'digests',
    /shows other at 0x100000001, expected digest of 4294967297, which member 1 has shown/,
    () => broadcast(founded(), A, [2, 3], []).applied(1, zxid(1, 1)).applied(2, zxid(1, 1), 'other')
  ],
  'a member that goes back in time': [
    'digests',
    /shows 0x100000001, expected 0x100000002 at least, which it has shown before/,
    () => broadcast(founded(), A).applied(1, zxid(1, 1))
  ],
  'a process that begins below what its store knew to be committed': [
    'digests',
    /expected 0x100000002 at least, which its store knew to be committed/,
    () =>
      broadcast(founded(), A)
        .see(2, { kind: 'ended' })
        .reopen(2, zxid(1, 2), { zxidCommitted: zxid(1, 2) })
        .applied(2, zxid(1, 1))
  ],

  'a member that shows what is not on its disk': [
    'committed prefixes agree',
    /shows 0x100000002, and its disk ends at 0x0/,
    () => founded().applied(2, zxid(1, 2))
  ],
  'a member that shows another history': [
    'committed prefixes agree',
    /shows 0x200000001 with 0x200000001 where 0x100000001 is expected/,
    () => {
      const stream = broadcast(founded(), A, [2])
      stream
        .accept(3, 2)
        .adopt(3, 2)
        .append(3, batch(zxid(2, 1), 'x'))
        .applied(3, zxid(2, 1))
    }
  ],
  'a member that shows what was never committed': [
    'committed prefixes agree',
    /shows a txn 0x100000003 that is not in the history of the others/,
    () => {
      const stream = broadcast(founded(), A).propose(3, B).append(3, B)
      const first = batch(zxid(2, 1), 'x')
      for (const member of [1, 2]) stream.accept(member, 2).adopt(member, 2)
      stream
        .append(2, first)
        .send(2, 1, { kind: 'history', epoch: epoch(2), batch: first })
        .append(1, first)
      stream.applied(2, zxid(2, 1)).applied(3, zxid(1, 3))
    }
  ],
  'a snapshot of what nobody has written': [
    'committed prefixes agree',
    /shows a snapshot at 0x100000009 that no log leads to/,
    () => {
      const snapshot = { zxid: zxid(1, 9), chunkCount: 0, bytes: 0, digest: '' }
      broadcast(founded(), A).done(3, { kind: 'beginReplacement', snapshot }).adopt(3, 1).applied(3, zxid(1, 9))
    }
  ],

  'a txn that is shown by its leader alone': [
    'quorum durability',
    /0x100000002 was shown and is not on the disks of a majority; what counts of each: 1: up to 0x100000002, 2: nothing, 3: nothing/,
    () => founded().append(1, A).applied(1, zxid(1, 2))
  ],
  'a txn that leaves a majority when a replacement lacks it': [
    'quorum durability',
    /0x100000002 was shown and is not on the disks/,
    () => broadcast(founded(), A, [2], [1]).done(2, { kind: 'beginReplacement', snapshot: null }).adopt(2, 1)
  ],
  'a lost disk that is counted again with less than it held': [
    'quorum durability',
    /0x100000002 was shown and is not on the disks/,
    () => {
      const stream = broadcast(founded(), A, [2]).see(2, { kind: 'ended' }).see(2, { kind: 'diskLost', how: 'backup' })
      stream.reopen(2, zxid(1, 1)).adopt(2, 1)
    }
  ],
  'a member without a vote that makes a majority': [
    'quorum durability',
    /0x100000002 was shown/,
    () => {
      const stream = founded().see(3, { kind: 'ended' }).see(3, { kind: 'diskLost', how: 'wiped' }).open(3).accept(3, 1)
      stream.adopt(3, 1, 'withheld').append(1, A).propose(3, A).append(3, A).applied(1, zxid(1, 2))
    }
  ]
}
for (const [name, [checker, message, script]] of Object.entries(BAD)) {
  t.test(`found: ${name}`, async t => {
    try {
      script()
      t.fail('nothing was found')
    } catch (error) {
      if (!(error instanceof Violation)) throw error
      t.match(error.message, message)
      t.equal(error.checker, checker)
      t.match(error.message, /member \d, process \d/)
    }
  })
}
