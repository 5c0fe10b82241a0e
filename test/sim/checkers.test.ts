import t from 'tap'
import { type Epoch, type MemberId, makeZxid, NO_EPOCH, ZXID_ZERO, type Zxid } from '../../lib/base/index.js'
import { Violation } from '../../lib/sim/checker.js'
import type { Observation } from '../../lib/sim/observation.js'
import { protocolCheckers } from '../../lib/sim/protocol-checkers/index.js'
import type { StorageChange, StoredState } from '../../lib/storage/index.js'
import { encodeTxn, type PeerMessage } from '../../lib/wire/index.js'
import { type Batch, batchOf, type LogSummary, type Notification } from '../../lib/zab/index.js'

type Seen = Observation extends infer Each ? (Each extends Observation ? Omit<Each, 'at' | 'member' | 'process'> : never) : never

const ENSEMBLE = 'e'
const zxid = (epoch: number, counter: number) => makeZxid(epoch as Epoch, counter)
const epoch = (number: number) => number as Epoch

const txn = (word: string) =>
  encodeTxn({
    session: 0 as never,
    member: 1 as MemberId,
    cxid: 0,
    time: 0,
    change: { kind: 'setData', path: '/', data: Buffer.from(word), version: 1 }
  })
const batch = (first: Zxid, ...words: readonly string[]): Batch => batchOf(first, words.map(txn))
const logTo = (...ends: readonly Zxid[]): LogSummary => ({
  zxidBase: ZXID_ZERO,
  epochEnds: ends.map(end => ({ epoch: epoch(Math.floor(end / 2 ** 32)), counter: end % 2 ** 32 }))
})

const EMPTY: StoredState = {
  identity: { ensembleName: 'n', memberId: 1 as MemberId, incarnation: '0' },
  run: 1,
  ensembleId: null,
  acceptedEpoch: NO_EPOCH,
  currentEpoch: NO_EPOCH,
  vote: 'held',
  log: logTo(),
  snapshots: [],
  zxidCommitted: ZXID_ZERO,
  damage: null
}

/** Three members, as they are seen. */
class Stream {
  readonly protocol = protocolCheckers([1, 2, 3] as MemberId[])
  readonly #process = [0, 0, 0, 0]
  readonly #writes = [0, 0, 0, 0]
  #at = 0

  see(member: number, seen: Seen): this {
    const of = { at: this.#at++, member: member as MemberId, process: this.#process[member] ?? 0 }
    for (const checker of this.protocol.checkers) checker.observe({ ...of, ...seen } as Observation)
    return this
  }

  open(member: number, state: Partial<StoredState> = {}): this {
    this.#process[member] = (this.#process[member] ?? 0) + 1
    this.#writes[member] = 0
    return this.see(member, { kind: 'started' }).see(member, { kind: 'opened', state: { ...EMPTY, ...state }, again: false })
  }

  /** Opened as what was written by {@link founded} and behind it. */
  reopen(member: number, end: Zxid, state: Partial<StoredState> = {}): this {
    const log = end === ZXID_ZERO ? logTo() : logTo(end)
    return this.open(member, { ensembleId: ENSEMBLE, acceptedEpoch: epoch(1), currentEpoch: epoch(1), log, ...state })
  }

  write(member: number, change: StorageChange): number {
    const write = (this.#writes[member] ?? 0) + 1
    this.#writes[member] = write
    this.see(member, { kind: 'write', write, change })
    return write
  }

  written(member: number, write: number): this {
    return this.see(member, { kind: 'written', write })
  }

  done(member: number, change: StorageChange): this {
    return this.written(member, this.write(member, change))
  }

  send(from: number, to: number, message: PeerMessage): this {
    this.see(from, { kind: 'sent', to: to as MemberId, message })
    return this.see(to, { kind: 'received', from: from as MemberId, message })
  }

  accept(member: number, number: number): this {
    return this.done(member, { kind: 'acceptEpoch', epoch: epoch(number), ensembleId: number === 1 ? ENSEMBLE : null })
  }

  adopt(member: number, number: number, vote: 'held' | 'withheld' = 'held'): this {
    return this.done(member, { kind: 'adoptEpoch', epoch: epoch(number), ensembleId: ENSEMBLE, vote })
  }

  append(member: number, appended: Batch): this {
    return this.done(member, { kind: 'append', batch: appended, zxidCommitted: ZXID_ZERO })
  }

  propose(to: number, proposed: Batch, of = 1): this {
    return this.send(1, to, { kind: 'proposal', epoch: epoch(of), batch: proposed, zxidCommitted: ZXID_ZERO })
  }

  applied(member: number, at: Zxid, digest = `digest of ${at}`): this {
    return this.see(member, { kind: 'applied', zxid: at, digest })
  }

  finish(): void {
    for (const checker of this.protocol.checkers) checker.finish?.()
  }
}

/** Member 1 leads epoch 1. */
function founded(): Stream {
  const stream = new Stream().open(1).open(2).open(3).accept(1, 1)
  for (const learner of [2, 3]) {
    const { acceptedEpoch } = EMPTY
    stream.send(learner, 1, { kind: 'followerInfo', acceptedEpoch, standing: 'blank' })
    stream.send(1, learner, { kind: 'leaderInfo', epoch: epoch(1), ensembleId: ENSEMBLE, founding: true }).accept(learner, 1)
    stream.send(learner, 1, {
      kind: 'ackEpoch',
      epoch: epoch(1),
      promised: true,
      currentEpoch: NO_EPOCH,
      standing: 'founder',
      log: logTo(),
      replace: false
    })
  }
  stream.adopt(1, 1)
  for (const learner of [2, 3]) {
    stream.send(1, learner, { kind: 'newLeader', epoch: epoch(1), zxid: ZXID_ZERO, ensembleId: ENSEMBLE, vote: 'held' })
    stream.adopt(learner, 1).send(learner, 1, { kind: 'ackNewLeader', epoch: epoch(1), zxid: ZXID_ZERO })
    stream.send(1, learner, { kind: 'upToDate', epoch: epoch(1), zxidCommitted: ZXID_ZERO })
  }
  for (const member of [1, 2, 3]) stream.see(member, { kind: 'serving', leader: 1 as MemberId, epoch: epoch(1) })
  return stream
}

/** A txn goes the whole way, to the members that are named. */
function broadcast(
  stream: Stream,
  proposed: Batch,
  learners: readonly number[] = [2, 3],
  shown: readonly number[] = [1, ...learners]
): Stream {
  const at = (proposed.zxidFirst + proposed.count - 1) as Zxid
  for (const learner of learners) stream.propose(learner, proposed)
  stream.append(1, proposed)
  for (const learner of learners) stream.append(learner, proposed).send(learner, 1, { kind: 'ack', epoch: epoch(1), zxid: at })
  for (const learner of learners) stream.send(1, learner, { kind: 'commit', epoch: epoch(1), zxid: at })
  for (const member of shown) stream.applied(member, at)
  return stream
}

const A = batch(zxid(1, 1), 'a', 'b')
const B = batch(zxid(1, 3), 'c')
const lead = (of: number, leader: number): Seen => ({ kind: 'serving', leader: leader as MemberId, epoch: epoch(of) })

/** Member 1 is cut off; 2 and 3 go on in epoch 2. */
function deposed(stream: Stream, end: Zxid): Stream {
  for (const member of [2, 3]) stream.accept(member, 2)
  stream.adopt(2, 2).send(2, 3, { kind: 'newLeader', epoch: epoch(2), zxid: end, ensembleId: ENSEMBLE, vote: 'held' })
  return stream
    .adopt(3, 2)
    .send(3, 2, { kind: 'ackNewLeader', epoch: epoch(2), zxid: end })
    .see(2, lead(2, 2))
    .see(3, lead(2, 2))
}

const GOOD: Record<string, () => Stream> = {
  'two batches': () => broadcast(broadcast(founded(), A), B),
  'a restart in between': () => broadcast(broadcast(founded(), A).see(2, { kind: 'ended' }).reopen(2, zxid(1, 2)).adopt(2, 1), B),
  'a write that was not confirmed and is there': () => {
    const stream = broadcast(founded(), A).propose(2, B)
    stream.write(2, { kind: 'append', batch: B, zxidCommitted: ZXID_ZERO })
    return stream.see(2, { kind: 'ended' }).reopen(2, zxid(1, 3))
  },
  'a write that was not confirmed and is not there': () => {
    const stream = broadcast(founded(), A).propose(2, B)
    stream.write(2, { kind: 'append', batch: B, zxidCommitted: ZXID_ZERO })
    return stream.see(2, { kind: 'ended' }).reopen(2, zxid(1, 2))
  },
  'a write that failed, and a store that is opened again': () => {
    const stream = broadcast(founded(), A).propose(2, B)
    stream.see(2, { kind: 'writeFailed', write: stream.write(2, { kind: 'append', batch: B, zxidCommitted: ZXID_ZERO }) })
    const state = { ...EMPTY, ensembleId: ENSEMBLE, acceptedEpoch: epoch(1), currentEpoch: epoch(1), log: logTo(zxid(1, 3)) }
    return stream.see(2, { kind: 'opened', state, again: true }).accept(2, 2)
  },
  'a tail that nobody has shown is cut off': () => {
    const stream = broadcast(founded(), A, [2, 3]).append(1, B)
    deposed(stream, zxid(1, 2))
      .accept(1, 2)
      .done(1, { kind: 'truncate', zxid: zxid(1, 2) })
      .adopt(1, 2)
    return stream.send(1, 2, { kind: 'ackNewLeader', epoch: epoch(2), zxid: zxid(1, 2) })
  },
  'a log that reaches beyond the adopted epoch while it is synchronized': () => {
    const stream = broadcast(founded(), A, [2, 3])
    const first = batch(zxid(2, 1), 'd')
    deposed(stream, zxid(1, 2)).append(2, first).accept(1, 3)
    stream.send(2, 1, { kind: 'history', epoch: epoch(2), batch: first })
    return stream.append(1, first).adopt(1, 3)
  },
  'a wiped member that is synchronized and admitted': () => {
    const stream = broadcast(founded(), A)
      .see(3, { kind: 'ended' })
      .see(3, { kind: 'diskLost', how: 'wiped' })
      .open(3)
      .accept(3, 1)
    stream
      .send(1, 3, { kind: 'history', epoch: epoch(1), batch: A })
      .append(3, A)
      .adopt(3, 1, 'withheld')
    stream.done(3, { kind: 'admit' }).send(3, 1, { kind: 'admitted', epoch: epoch(1) })
    return broadcast(stream, B, [3])
  },
  'a replacement, and a log that begins with a snapshot': () => {
    const stream = broadcast(broadcast(founded(), A, [2]), B, [2]).see(1, { kind: 'purged', zxidBase: zxid(1, 2) })
    const snapshot = { zxid: zxid(1, 2), chunkCount: 1, bytes: 1, digest: '' }
    stream.send(1, 3, { kind: 'history', epoch: epoch(1), batch: B })
    stream.done(3, { kind: 'beginReplacement', snapshot }).done(3, { kind: 'stageChunk', index: 0, bytes: Uint8Array.of(1) })
    return stream.append(3, B).adopt(3, 1).applied(3, zxid(1, 2)).applied(3, zxid(1, 3))
  },
  'an abandoned replacement leaves the log': () => {
    const stream = broadcast(founded(), A)
      .done(3, { kind: 'beginReplacement', snapshot: null })
      .done(3, { kind: 'abandonReplacement' })
    return broadcast(stream, B)
  },
  'a history that is another one, once it is forgiven': () => {
    const stream = broadcast(founded(), A)
    for (const member of [1, 2, 3]) stream.see(member, { kind: 'ended' }).see(member, { kind: 'diskLost', how: 'wiped' })
    stream.protocol.forgive()
    for (const member of [1, 2, 3]) stream.open(member).accept(member, 1).adopt(member, 1)
    return broadcast(stream, batch(zxid(1, 1), 'other'))
  }
}
for (const [name, script] of Object.entries(GOOD)) {
  t.test(`nothing is wrong with ${name}`, async t => {
    t.doesNotThrow(script)
  })
}

t.test('what was shown is the history, and its txns can be read', async t => {
  const { protocol } = broadcast(broadcast(founded(), A), B)
  t.strictSame(
    protocol
      .committed()
      .map(({ zxid: at, txn: { change } }) => [at, change.kind === 'setData' && Buffer.from(change.data ?? []).toString()]),
    [
      [zxid(1, 1), 'a'],
      [zxid(1, 2), 'b'],
      [zxid(1, 3), 'c']
    ]
  )
})

t.test('in the end everybody shows the same and holds it', async t => {
  t.doesNotThrow(() => broadcast(founded(), A).finish())
  t.throws(
    () => broadcast(founded(), A, [2, 3], [1, 2]).applied(3, zxid(1, 1)).finish(),
    /prefixes agree: member 3.*expected 0x100000002/
  )
  t.throws(() => broadcast(founded(), A, [2]).finish(), /quorum durability: member 3.*nothing in the end/)
})

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

t.test('a lost disk stands for what it held before, until its member is counted again', async t => {
  const lost = broadcast(founded(), A, [2]).see(2, { kind: 'ended' }).see(2, { kind: 'diskLost', how: 'backup' })
  t.doesNotThrow(() => lost.reopen(2, zxid(1, 1)).propose(2, batch(zxid(1, 2), 'b')))
})
