import { inspect } from 'node:util'
import t from 'tap'
import { LIMITS } from '../../lib/base/index.js'
import { decodePeerMessage, encode, encodePeerMessage, type PeerMessage } from '../../lib/wire/index.js'
import { batchOf } from '../../lib/zab/index.js'
import { mutationsOf } from '../fixtures/mutated-bytes.js'
import { referenceMessage } from '../fixtures/reference-codec.js'
import { verdictOf } from '../fixtures/verdict.js'
import { MESSAGES } from '../fixtures/wire-examples.js'
import { at, epoch } from '../fixtures/zab-peers.js'

t.test('every kind of message comes back as it went in', async t => {
  for (const message of MESSAGES) t.strictSame(decodePeerMessage(encodePeerMessage(message)), message, message.kind)
})

t.test('what a frame carries is read as a view, and is no Buffer', async t => {
  const frame = encodePeerMessage({ kind: 'requests', epoch: epoch(1), group: Uint8Array.of(1, 2, 3) })
  const { group } = decodePeerMessage(frame) as Extract<PeerMessage, { kind: 'requests' }>
  t.equal(group.buffer, frame.buffer)
  t.equal(group.constructor, Uint8Array)
})

t.test('two encoded messages share no memory', async t => {
  const first = encodePeerMessage({ kind: 'ack', epoch: epoch(1), zxid: at(1, 1) })
  encodePeerMessage({ kind: 'commit', epoch: epoch(2), zxid: at(2, 2) })
  t.strictSame(decodePeerMessage(first), { kind: 'ack', epoch: 1, zxid: at(1, 1) })
})

t.test('every field is checked: what is not a message is BAD_FRAME', async t => {
  const { bytes } = batchOf(at(3, 1), [Uint8Array.of(1), Uint8Array.of(2)])
  t.equal(decodePeerMessage(encode([14, 3, at(3, 1), 2, bytes, 0])).kind, 'proposal')
  const wrong = [
    null,
    [],
    'ack',
    ['15', 3, 0],
    [0],
    [20, 3],
    [15],
    [15, 3],
    [15, -1, 0],
    [15, 2 ** 21, 0],
    [15, 3, -1],
    [15, 3, 0.5],
    [15, 3, 2 ** 53],
    [15, 3, 0, 0],
    [16, 3, null],
    [32, 3],
    [32, 3, 'group'],
    [32, 3, new Uint8Array(LIMITS.frameBytesMax + 1)],
    [14, 3, at(3, 1), 2, bytes],
    [14, 3, at(3, 1), 1, bytes, 0],
    [14, 3, at(3, 1), 3, bytes, 0],
    [14, 3, at(3, 1), 0, bytes, 0],
    [14, 3, at(3, 1), 2, bytes.subarray(1), 0],
    [14, 3, at(3, 1), 2, bytes, -1],
    [14, 3, at(3, 1), 2, bytes, 0, 0],
    [8, 3, at(3, 1), 2, bytes, 0],
    [8, 3, at(3, 1), 2, null],
    [13],
    [13, 3, 0]
  ]
  for (const each of wrong) t.throws(() => decodePeerMessage(encode(each)), { code: 'BAD_FRAME' }, inspect(each))
  const deep = Uint8Array.of(0x93, 33, 3, ...new Array(LIMITS.messageDepthMax).fill(0x91), 1)
  t.throws(() => decodePeerMessage(deep), { code: 'BAD_FRAME' })
})

t.test('damaged frames are judged as by a reader that decodes the whole of them first', async t => {
  let refused = 0
  for (const damaged of mutationsOf(MESSAGES.map(encodePeerMessage), 40_000, 3)) {
    const expected = verdictOf(referenceMessage, damaged)
    const found = verdictOf(decodePeerMessage, damaged)
    if (found === 'BAD_FRAME') refused++
    // A seldom message has no reference.
    if (expected !== 'null' && found !== expected) t.equal(found, expected, Buffer.from(damaged).toString('hex'))
  }
  t.ok(refused > 10_000, `${refused} refused`)
})
