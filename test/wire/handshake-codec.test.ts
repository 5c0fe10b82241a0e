import t from 'tap'
import { isZooKeeperError, LIMITS, type MemberId, seededRandom } from '../../lib/base/index.js'
import {
  decodeHandshake,
  encode,
  encodeHandshake,
  FEATURE_LEVEL,
  type HandshakeMessage,
  type Hello,
  NONCE_BYTES,
  PROTOCOL_VERSION
} from '../../lib/wire/index.js'

const hello: Hello = {
  kind: 'hello',
  ensembleName: 'default',
  ensembleId: null,
  id: 3 as MemberId,
  addressee: 1 as MemberId,
  incarnation: 'a'.repeat(32),
  run: 7,
  fingerprint: 'f'.repeat(64),
  featureLevel: FEATURE_LEVEL,
  nonce: new Uint8Array(NONCE_BYTES).fill(5)
}

const messages: readonly HandshakeMessage[] = [
  hello,
  { ...hello, ensembleId: 'e'.repeat(32), addressee: null },
  { kind: 'prove', proof: null },
  { kind: 'prove', proof: new Uint8Array(32).fill(1) },
  { kind: 'ready', seen: 0, held: false },
  { kind: 'ready', seen: 2 ** 40, held: true },
  { kind: 'select', generation: 1 },
  { kind: 'redundant' },
  { kind: 'refuse', code: 'ENSEMBLE_MISMATCH', detail: 'ours is a, yours is b' }
]

function prefixed(value: unknown): Uint8Array {
  return new Uint8Array(Buffer.concat([encodeHandshake({ kind: 'redundant' }).subarray(0, 5), encode(value)]))
}

t.test('every message of the handshake comes back as it was, within the handshake limit', async t => {
  for (const message of messages) {
    const frame = encodeHandshake(message)
    t.strictSame(decodeHandshake(frame), message)
    t.ok(frame.length <= LIMITS.handshakeBytesMax)
  }
})

t.test('the largest names and details fit a handshake frame, and longer details are cut', async t => {
  const name = '漢'.repeat(255)
  const largest = encodeHandshake({ ...hello, ensembleName: name, ensembleId: name, incarnation: name, fingerprint: name })
  t.ok(largest.length <= LIMITS.handshakeBytesMax)
  const cut = decodeHandshake(encodeHandshake({ kind: 'refuse', code: 'BAD_FRAME', detail: 'x'.repeat(5_000) }))
  t.ok(cut.kind === 'refuse' && cut.detail.length < 5_000)
})

t.test('another major version is told apart from garbage', async t => {
  const newer = encodeHandshake(hello)
  newer[4] = PROTOCOL_VERSION + 1
  t.throws(() => decodeHandshake(newer), { code: 'FORMAT_VERSION' })
  t.throws(() => decodeHandshake(Buffer.from('GET / HTTP/1.1\r\n\r\n')), { code: 'BAD_FRAME' })
  t.throws(() => decodeHandshake(new Uint8Array(0)), { code: 'BAD_FRAME' })
})

t.test('fields that a higher feature level has appended are ignored', async t => {
  t.strictSame(decodeHandshake(prefixed([2, 5, true, 'new'])), { kind: 'ready', seen: 5, held: true })
})

t.test('missing, mistyped and unknown fields are a bad frame', async t => {
  for (const value of [
    [],
    7,
    [9],
    [1],
    [1, new Uint8Array(31)],
    [2, -1, true],
    [2, 1],
    [3, 0],
    [5, 'NO_NODE', ''],
    [0, 'default']
  ]) {
    t.throws(() => decodeHandshake(prefixed(value)), { code: 'BAD_FRAME' }, JSON.stringify(value))
  }
})

t.test('a mutated hello decodes or is refused with a code', async t => {
  const random = seededRandom(3)
  const original = encodeHandshake(hello)
  for (let round = 0; round < 20_000; round++) {
    const frame = original.slice()
    frame[Math.floor(random.float() * frame.length)] = Math.floor(random.float() * 256)
    try {
      decodeHandshake(frame)
    } catch (error) {
      if (!isZooKeeperError(error, 'BAD_FRAME') && !isZooKeeperError(error, 'FORMAT_VERSION')) throw error
    }
  }
  t.pass()
})
