import { isDeepStrictEqual } from 'node:util'
import { decode as decodeByLibrary, encode as encodeByLibrary } from '@msgpack/msgpack'
import fc from 'fast-check'
import t from 'tap'
import { isZooKeeperError, LIMITS, seededRandom } from '../../lib/base/index.js'
import { decodeBounded, encode } from '../../lib/wire/index.js'

const bytesOf = (...bytes: number[]) => Uint8Array.from(bytes)
const nested = (depth: number): unknown => (depth === 0 ? 7 : [nested(depth - 1)])

t.test('every value that messages are made of comes back as it was', async t => {
  const value = [
    null,
    true,
    false,
    0,
    127,
    128,
    -1,
    -32,
    -33,
    -129,
    -32_769,
    65_535,
    65_536,
    2 ** 32,
    Number.MAX_SAFE_INTEGER,
    -(2 ** 40),
    1.5,
    '',
    'a',
    'ä€😀',
    'x'.repeat(31),
    'x'.repeat(32),
    'x'.repeat(300),
    'ü'.repeat(40_000),
    new Uint8Array(0),
    Uint8Array.of(1, 2, 3),
    new Uint8Array(256),
    new Uint8Array(70_000),
    [],
    [[], [1, [2]]],
    Array.from({ length: 16 }, (_, index) => index),
    Array.from({ length: 70_000 }, () => 1)
  ]
  t.strictSame(decodeBounded(encode(value)), value)
})

/** What messages are made of, and the edges of every kind of it. */
const element = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer({ min: -(2 ** 53) + 1, max: 2 ** 53 - 1 }),
  fc.integer({ min: -300, max: 300 }),
  fc.constantFrom(...[7, 8, 15, 16, 31, 32, 52].flatMap(bits => [2 ** bits - 1, 2 ** bits, -(2 ** bits), -(2 ** bits) - 1])),
  fc.double({ noNaN: true }).filter(value => !Object.is(value, -0)),
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.constantFrom(31, 32, 63, 64, 255, 256).map(length => 'x'.repeat(length)),
  fc.uint8Array({ maxLength: 40 })
)
const list = fc.array(element, { maxLength: 20 })
const message = fc.array(fc.oneof(element, list, fc.array(list, { maxLength: 3 })), { maxLength: 10 })
const large = [65_535, 65_536].flatMap(length => [['x'.repeat(length)], [new Uint8Array(length)], new Array(length).fill(1)])

t.test(
  'every message has the bytes that the MessagePack library gives it, and each reads what the other has written',
  async t => {
    const isSame = (value: unknown): boolean => {
      const bytes = encodeByLibrary(value)
      return Buffer.from(bytes).equals(encode(value)) && isDeepStrictEqual(decodeBounded(bytes), decodeByLibrary(bytes))
    }
    fc.assert(fc.property(message, isSame), { numRuns: 2_000 })
    for (const value of large) t.ok(isSame(value))
  }
)

t.test('bytes come back as a view into the frame, and what was encoded is a copy', async t => {
  const payload = Uint8Array.of(9, 9, 9)
  const frame = encode([payload])
  payload[0] = 1
  const [view] = decodeBounded(frame) as [Uint8Array]
  t.strictSame(view, Uint8Array.of(9, 9, 9))
  t.equal(view.buffer, frame.buffer)
})

t.test('two encoded messages share no memory', async t => {
  const first = encode(['first'])
  encode(['later'])
  t.strictSame(decodeBounded(first), ['first'])
})

t.test('the deepest message allowed passes and one deeper is refused on both sides', async t => {
  const deepest = nested(LIMITS.messageDepthMax - 1)
  t.strictSame(decodeBounded(encode(deepest)), deepest)
  t.throws(() => encode(nested(LIMITS.messageDepthMax)))
  t.throws(() => decodeBounded(bytesOf(...new Array(LIMITS.messageDepthMax).fill(0x91), 7)), { code: 'BAD_FRAME' })
})

t.test('what a hostile peer may send is refused before anything is built', async t => {
  const header = [0xdd, 0x02, 0x00, 0x00, 0x00]
  const cases: Record<string, Uint8Array> = {
    'twenty nested array headers of 33 million elements': bytesOf(...new Array(20).fill(header).flat()),
    'five bytes that declare 256 MiB of binary': bytesOf(0xc6, 0x10, 0, 0, 0),
    'five bytes that declare 4 GiB of text': bytesOf(0xdb, 0xff, 0xff, 0xff, 0xff),
    'an array that is longer than the frame': bytesOf(0xdc, 0x01, 0x00, 1, 2, 3),
    'sibling arrays that each fit but together do not': bytesOf(0x92, 0x93, 0x93, 1, 1, 1),
    'a map': bytesOf(0x81, 0xa1, 0x61, 1),
    'a map of 16 bits': bytesOf(0xde, 0, 0),
    'a map of 32 bits': bytesOf(0xdf, 0, 0, 0, 0),
    'an extension': bytesOf(0xc7, 1, 1, 1),
    'a timestamp': bytesOf(0xd6, 0xff, 0, 0, 0, 0),
    'the type that msgpack never uses': bytesOf(0xc1),
    nothing: bytesOf(),
    'an array without its elements': bytesOf(0x91),
    'a length cut short': bytesOf(0xdd, 0, 0),
    'a number cut short': bytesOf(0xcf, 0, 0, 0),
    'bytes behind the value': bytesOf(1, 1),
    'text that is not UTF-8': bytesOf(0xa2, 0xc3, 0x28),
    'a lone surrogate': encode('\ud800')
  }
  for (const [title, bytes] of Object.entries(cases)) t.throws(() => decodeBounded(bytes), { code: 'BAD_FRAME' }, title)
})

t.test('a frame of nothing but empty arrays is refused by their number', async t => {
  const count = LIMITS.messageElementsMax
  const frame = new Uint8Array(5 + count).fill(0x90)
  frame.set([0xdd, count >>> 24, (count >>> 16) & 0xff, (count >>> 8) & 0xff, count & 0xff])
  t.throws(() => decodeBounded(frame), { code: 'BAD_FRAME' })
})

t.test('a mutated message decodes or is refused with BAD_FRAME, and never anything else', async t => {
  const random = seededRandom(2)
  const original = encode([3, 'leader', [1, 2 ** 33, Uint8Array.of(1, 2, 3)], null, [[true, 'päth']], 1.25])
  let decoded = 0
  let refused = 0
  for (let round = 0; round < 50_000; round++) {
    const frame = new Uint8Array(original).slice(
      0,
      random.float() < 0.1 ? Math.floor(random.float() * original.length) : original.length
    )
    for (let flips = 1 + Math.floor(random.float() * 3); flips > 0; flips--) {
      frame[Math.floor(random.float() * frame.length)] = Math.floor(random.float() * 256)
    }
    try {
      decodeBounded(frame)
      decoded++
    } catch (error) {
      if (!isZooKeeperError(error, 'BAD_FRAME')) throw error
      refused++
    }
  }
  t.ok(decoded > 1_000)
  t.ok(refused > 1_000)
})
