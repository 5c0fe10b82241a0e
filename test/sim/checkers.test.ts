import t from 'tap'
import { ZXID_ZERO } from '../../lib/base/index.js'
import { A, B, batch, broadcast, deposed, EMPTY, ENSEMBLE, epoch, founded, logTo, type Stream, zxid } from './checkers-stream.js'

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

t.test('a lost disk stands for what it held before, until its member is counted again', async t => {
  const lost = broadcast(founded(), A, [2]).see(2, { kind: 'ended' }).see(2, { kind: 'diskLost', how: 'backup' })
  t.doesNotThrow(() => lost.reopen(2, zxid(1, 1)).propose(2, batch(zxid(1, 2), 'b')))
})
