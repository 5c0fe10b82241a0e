import { type Epoch, type MemberId, makeZxid, NO_EPOCH, ZXID_ZERO, type Zxid } from '../../lib/base/index.js'
import type { Observation } from '../../lib/sim/observation.js'
import { protocolCheckers } from '../../lib/sim/protocol/index.js'
import type { StorageChange, StoredState } from '../../lib/storage/index.js'
import { encodeTxn, type PeerMessage } from '../../lib/wire/index.js'
import { type Batch, batchOf, type LogSummary } from '../../lib/zab/index.js'

type Seen = Observation extends infer Each ? (Each extends Observation ? Omit<Each, 'at' | 'member' | 'process'> : never) : never

export const ENSEMBLE = 'e'
export const zxid = (epoch: number, counter: number) => makeZxid(epoch as Epoch, counter)
export const epoch = (number: number) => number as Epoch

const txn = (word: string) =>
  encodeTxn({
    session: 0 as never,
    member: 1 as MemberId,
    cxid: 0,
    time: 0,
    change: { kind: 'setData', path: '/', data: Buffer.from(word), version: 1 }
  })
export const batch = (first: Zxid, ...words: readonly string[]): Batch => batchOf(first, words.map(txn))
export const logTo = (...ends: readonly Zxid[]): LogSummary => ({
  zxidBase: ZXID_ZERO,
  epochEnds: ends.map(end => ({ epoch: epoch(Math.floor(end / 2 ** 32)), counter: end % 2 ** 32 }))
})

export const EMPTY: StoredState = {
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
export class Stream {
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
export function founded(): Stream {
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
export function broadcast(
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

export const A = batch(zxid(1, 1), 'a', 'b')
export const B = batch(zxid(1, 3), 'c')
export const lead = (of: number, leader: number): Seen => ({ kind: 'serving', leader: leader as MemberId, epoch: epoch(of) })

/** Member 1 is cut off; 2 and 3 go on in epoch 2. */
export function deposed(stream: Stream, end: Zxid): Stream {
  for (const member of [2, 3]) stream.accept(member, 2)
  stream.adopt(2, 2).send(2, 3, { kind: 'newLeader', epoch: epoch(2), zxid: end, ensembleId: ENSEMBLE, vote: 'held' })
  return stream
    .adopt(3, 2)
    .send(3, 2, { kind: 'ackNewLeader', epoch: epoch(2), zxid: end })
    .see(2, lead(2, 2))
    .see(3, lead(2, 2))
}
