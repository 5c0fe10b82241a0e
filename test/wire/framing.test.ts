import { crc32 } from 'node:zlib'
import t from 'tap'
import { isZooKeeperError, seededRandom } from '../../lib/base/index.js'
import { FrameDecoder, FrameQueue } from '../../lib/wire/index.js'

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(pieces))
}

function framed(...frames: readonly Uint8Array[]): Uint8Array {
  const queue = new FrameQueue()
  for (const frame of frames) queue.push(frame)
  return joined(queue.take(Number.POSITIVE_INFINITY))
}

function decode(decoder: FrameDecoder, chunk: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = []
  decoder.push(chunk)
  for (let frame = decoder.next(); frame !== null; frame = decoder.next()) frames.push(frame)
  return frames
}

/** Compared by hand: a deep comparison of some hundred thousand bytes takes the test runner seconds. */
function sameFrames(received: readonly Uint8Array[], expected: readonly Uint8Array[]): boolean {
  return (
    received.length === expected.length && received.every((frame, index) => Buffer.compare(frame, expected[index] ?? frame) === 0)
  )
}

const frames = [0, 1, 3, 200, 2_048, 2_049, 70_000].map(length => Uint8Array.from({ length }, (_, index) => index * 7 + length))

t.test('a frame is its length and a CRC-32 that begins with it, big-endian, and its bytes', async t => {
  const bytes = framed(Uint8Array.of(7, 8, 9))
  const crc = crc32(Uint8Array.of(7, 8, 9), 3)
  t.strictSame(bytes, Uint8Array.of(0, 0, 0, 3, crc >>> 24, crc >>> 16, crc >>> 8, crc, 7, 8, 9))
})

t.test('no bit of a frame, its length or its CRC can change unnoticed, wherever the stream is split', async t => {
  const stream = framed(Uint8Array.of(7, 8, 9), new Uint8Array(20))
  for (let bit = 0; bit < 11 * 8; bit++) {
    const changed = stream.slice()
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    const decoder = new FrameDecoder(1_000)
    const received: Uint8Array[] = []
    let refused = false
    try {
      received.push(...decode(decoder, changed.subarray(0, 9)), ...decode(decoder, changed.subarray(9)))
    } catch (error) {
      refused = isZooKeeperError(error, 'BAD_FRAME')
    }
    // A longer length than there are bytes is waited for, until the next frames belie it.
    t.ok(refused || (received.length === 0 && !decoder.atBoundary), `bit ${bit}`)
  }
})

t.test('frames come out whole and in order wherever the stream is split', async t => {
  const stream = framed(...frames)
  for (const size of [1, 2, 3, 5, 1_000, 65_536, stream.length]) {
    const decoder = new FrameDecoder(100_000)
    const received: Uint8Array[] = []
    for (let offset = 0; offset < stream.length; offset += size) {
      received.push(...decode(decoder, stream.subarray(offset, offset + size)))
    }
    t.ok(sameFrames(received, frames), `chunks of ${size}`)
    t.ok(decoder.atBoundary)
  }
})

t.test('frames come out whole under random splits', async t => {
  const random = seededRandom(1)
  const stream = framed(...frames, ...frames)
  for (let round = 0; round < 200; round++) {
    const decoder = new FrameDecoder(70_000)
    const received: Uint8Array[] = []
    for (let offset = 0; offset < stream.length; ) {
      const size = 1 + Math.floor(random.float() ** 6 * 80_000)
      received.push(...decode(decoder, stream.subarray(offset, offset + size)))
      offset += size
    }
    t.ok(sameFrames(received, [...frames, ...frames]))
  }
})

t.test('a frame within one chunk is a view of it, one across chunks has memory of exactly its size', async t => {
  const stream = framed(Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5, 6))
  const decoder = new FrameDecoder(10)
  const [view] = decode(decoder, stream.subarray(0, 20))
  t.equal(view?.buffer, stream.buffer)
  t.notOk(decoder.atBoundary)
  const [copy] = decode(decoder, stream.subarray(20))
  t.strictSame(copy, Uint8Array.of(4, 5, 6))
  t.equal(copy?.buffer.byteLength, 3)
})

t.test('a length above the limit is refused before anything is allocated, at the limit it passes', async t => {
  const decoder = new FrameDecoder(3)
  t.strictSame(decode(decoder, framed(Uint8Array.of(1, 2, 3))), [Uint8Array.of(1, 2, 3)])
  decoder.push(Uint8Array.of(0xff, 0xff, 0xff, 0xff))
  t.throws(() => decoder.next(), { code: 'BAD_FRAME' })
})

t.test('a limit raised between two frames of one chunk holds for the second', async t => {
  const decoder = new FrameDecoder(1)
  decoder.push(framed(Uint8Array.of(1), Uint8Array.of(1, 2, 3)))
  t.strictSame(decoder.next(), Uint8Array.of(1))
  decoder.limit(3)
  t.strictSame(decoder.next(), Uint8Array.of(1, 2, 3))
  t.equal(decoder.next(), null)
})

t.test('many small frames leave as one piece and a large one is not copied', async t => {
  const queue = new FrameQueue()
  for (let index = 0; index < 100; index++) queue.push(new Uint8Array(10))
  const large = new Uint8Array(100_000)
  queue.push(large)
  queue.push(new Uint8Array(10))
  t.equal(queue.bytes, 100 * 18 + 100_008 + 18)
  const pieces = queue.take(Number.POSITIVE_INFINITY)
  t.equal(pieces.length, 3)
  t.equal(pieces[1], large)
  t.equal(queue.bytes, 0)
})

t.test('a queue gives up to a bound at a time and keeps the rest in order', async t => {
  const queue = new FrameQueue()
  for (const frame of frames) queue.push(frame)
  const pieces: Uint8Array[] = []
  while (queue.bytes > 0) pieces.push(...queue.take(1))
  t.ok(sameFrames([joined(pieces)], [framed(...frames)]))
})

t.test('a queue that was cleared holds nothing of what was in it', async t => {
  const queue = new FrameQueue()
  queue.push(Uint8Array.of(1))
  queue.clear()
  queue.push(Uint8Array.of(2))
  t.strictSame(joined(queue.take(100)), framed(Uint8Array.of(2)))
})
