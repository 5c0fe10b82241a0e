// PERF: the global `Buffer` is a getter, which costs a call each time.
import { Buffer, isUtf8 } from 'node:buffer'
import { assert, LIMITS } from '../base/index.js'
import { badFrame } from './fields.js'

/**
 * The part of MessagePack that messages and logs are made of: null, booleans, numbers, strings, bytes, and arrays of these, nested no deeper
 * than `LIMITS.messageDepthMax`. No maps and no extension types.
 *
 * Our own, because every txn comes through here several times: see docs/decisions/0024, which also says what the library is still for.
 */

/** Above this the working memory is given back instead of kept for the next message. */
const WORKING_BYTES_KEPT = 256 * 1024
const WORKING_BYTES = 16 * 1024

/** 2 to the 32nd. PERF: a constant, because V8 computes the power each time. */
const WORD = 2 ** 32

/** Shorter text is copied unit by unit, which is faster than a call out of JavaScript. */
const SHORT_TEXT = 64

/** Room for as many elements is made before they have been read. */
const SMALL_ARRAY = 32

let working: Buffer = Buffer.allocUnsafeSlow(WORKING_BYTES)
let end = 0

/**
 * One message, in bytes of its own. Strings must be free of lone surrogates: {@link decodeBounded} refuses what they become. A value that no
 * message is made of is our bug and throws.
 */
export function encode(value: unknown): Uint8Array {
  return Buffer.from(encodeShared(value))
}

/** The same in memory that the next call overwrites. PERF: for what is copied to its place at once. */
export function encodeShared(value: unknown): Uint8Array {
  if (working.length > WORKING_BYTES_KEPT) working = Buffer.allocUnsafeSlow(WORKING_BYTES)
  end = 0
  write(value, 1)
  return working.subarray(0, end)
}

/**
 * Decodes bytes that nobody has vouched for: depth, declared counts against the bytes that are really there, no maps, no extension types, valid
 * UTF-8, nothing behind the value. Nothing is allocated because a header declares it: 100 hostile bytes could otherwise end a 2 GB heap.
 *
 * Binary values are views into `bytes`, not copies: they keep the whole frame alive, and change when it is changed.
 * @throws ZooKeeperError `BAD_FRAME`, and nothing else
 */
export function decodeBounded(bytes: Uint8Array): unknown {
  source = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  at = 0
  elements = 1
  try {
    const value = read(1)
    if (at !== source.length) throw badFrame('msgpack: bytes behind the value')
    return value
  } finally {
    // A frame may have 8 MiB: it is its receiver's to keep, not ours.
    source = NO_BYTES
  }
}

function write(value: unknown, depth: number): void {
  assert(depth <= LIMITS.messageDepthMax, 'a message is not nested too deeply')
  if (typeof value === 'number') writeNumber(value)
  else if (typeof value === 'string') writeText(value)
  else if (value === null || value === undefined) writeByte(0xc0)
  else if (value instanceof Uint8Array) writeBinary(value)
  else if (Array.isArray(value)) {
    writeHead(value.length, 0x90, 16, 0, 0xdc)
    for (const element of value) write(element, depth + 1)
  } else {
    assert(typeof value === 'boolean', 'a message is made of what MessagePack and we know')
    writeByte(value ? 0xc3 : 0xc2)
  }
}

function writeNumber(value: number): void {
  reserve(9)
  if (!Number.isSafeInteger(value)) {
    working[end] = 0xcb
    working.writeDoubleBE(value, end + 1)
    end += 9
  } else if (value >= 0) {
    if (value < 0x80) working[end++] = value
    else if (value < 0x100) writeTagged(0xcc, value, 1)
    else if (value < 0x10000) writeTagged(0xcd, value, 2)
    else if (value < WORD) writeTagged(0xce, value, 4)
    else writeLong(0xcf, value)
  } else if (value >= -0x20) working[end++] = value & 0xff
  else if (value >= -0x80) writeTagged(0xd0, value & 0xff, 1)
  else if (value >= -0x8000) writeTagged(0xd1, value & 0xffff, 2)
  else if (value >= -(2 ** 31)) writeTagged(0xd2, value >>> 0, 4)
  else writeLong(0xd3, value)
}

/** 64 bits, in two's complement. */
function writeLong(tag: number, value: number): void {
  const high = Math.floor(value / WORD)
  writeTagged(tag, high >>> 0, 4)
  writeUnsigned(value - high * WORD, 4)
}

function writeText(text: string): void {
  const { length } = text
  if (length >= SHORT_TEXT) return writeLongText(text)
  // As if it were ASCII; if it is not, once more from here.
  const start = end
  reserve(length + 2)
  if (length < 32) working[end++] = 0xa0 | length
  else writeTagged(0xd9, length, 1)
  for (let index = 0; index < length; index++) {
    const unit = text.charCodeAt(index)
    if (unit >= 0x80) {
      end = start
      return writeLongText(text)
    }
    working[end++] = unit
  }
}

function writeLongText(text: string): void {
  // What the system's encoder would turn into something else is kept as it is, for the reader to refuse.
  const bytes = LONE_SURROGATE.test(text) ? surrogatesKept(text) : Buffer.from(text, 'utf8')
  writeHead(bytes.length, 0xa0, 32, 0xd9, 0xda)
  writeBytes(bytes)
}

const LONE_SURROGATE = /\p{Surrogate}/u

function surrogatesKept(text: string): Uint8Array {
  return Buffer.concat(
    Array.from(text, character => {
      const unit = character.charCodeAt(0)
      const isLone = LONE_SURROGATE.test(character)
      return isLone ? Buffer.of(0xe0 | (unit >>> 12), 0x80 | ((unit >>> 6) & 0x3f), 0x80 | (unit & 0x3f)) : Buffer.from(character)
    })
  )
}

function writeBinary(bytes: Uint8Array): void {
  writeHead(bytes.length, 0, 0, 0xc4, 0xc5)
  writeBytes(bytes)
}

function writeBytes(bytes: Uint8Array): void {
  reserve(bytes.length)
  working.set(bytes, end)
  end += bytes.length
}

/** A length: in the tag itself where it is short, else in one byte (`tag8`, 0 where there is none), in two (`tag16`) or in four (the tag behind it). */
function writeHead(length: number, tagShort: number, shortEnd: number, tag8: number, tag16: number): void {
  reserve(5)
  if (length < shortEnd) working[end++] = tagShort | length
  else if (length < 0x100 && tag8 !== 0) writeTagged(tag8, length, 1)
  else if (length < 0x10000) writeTagged(tag16, length, 2)
  else writeTagged(tag16 + 1, length, 4)
}

/** Room is there. */
function writeTagged(tag: number, value: number, bytes: number): void {
  working[end++] = tag
  writeUnsigned(value, bytes)
}

function writeUnsigned(value: number, bytes: number): void {
  for (let shift = 8 * (bytes - 1); shift >= 0; shift -= 8) working[end++] = value >>> shift
}

function writeByte(byte: number): void {
  reserve(1)
  working[end++] = byte
}

function reserve(bytes: number): void {
  if (end + bytes <= working.length) return
  const larger = Buffer.allocUnsafeSlow(Math.max(2 * working.length, end + bytes))
  larger.set(working.subarray(0, end))
  working = larger
}

// What is being read: reading never yields, so one place is enough for all.
const NO_BYTES = Buffer.alloc(0)
let source: Buffer = NO_BYTES
let at = 0
let elements = 0

function read(depth: number): unknown {
  const head = readByte()
  if (head < 0x80) return head
  if (head >= 0xe0) return head - 0x100
  if (head >= 0xa0 && head < 0xc0) return readText(head - 0xa0)
  if (head >= 0x90 && head < 0xa0) return readArray(head - 0x90, depth)
  switch (head) {
    case 0xc0: // nil
      return null
    case 0xc2: // false
      return false
    case 0xc3: // true
      return true
    case 0xc4: // bin 8
      return readBinary(readUnsigned(1))
    case 0xc5: // bin 16
      return readBinary(readUnsigned(2))
    case 0xc6: // bin 32
      return readBinary(readUnsigned(4))
    case 0xca: // float 32
      return source.readFloatBE(skip(4))
    case 0xcb: // float 64
      return source.readDoubleBE(skip(8))
    case 0xcc: // uint 8
      return readUnsigned(1)
    case 0xcd: // uint 16
      return readUnsigned(2)
    case 0xce: // uint 32
      return readUnsigned(4)
    case 0xcf: // uint 64
      return readUnsigned(4) * WORD + readUnsigned(4)
    case 0xd0: // int 8
      return (readUnsigned(1) << 24) >> 24
    case 0xd1: // int 16
      return (readUnsigned(2) << 16) >> 16
    case 0xd2: // int 32
      return readUnsigned(4) | 0
    case 0xd3: // int 64
      return (readUnsigned(4) | 0) * WORD + readUnsigned(4)
    case 0xd9: // str 8
      return readText(readUnsigned(1))
    case 0xda: // str 16
      return readText(readUnsigned(2))
    case 0xdb: // str 32
      return readText(readUnsigned(4))
    case 0xdc: // array 16
      return readArray(readUnsigned(2), depth)
    case 0xdd: // array 32
      return readArray(readUnsigned(4), depth)
    default:
      throw badFrame(`msgpack: type 0x${head.toString(16)} is not used here`)
  }
}

function readArray(count: number, depth: number): readonly unknown[] {
  elements += count
  if (elements > LIMITS.messageElementsMax) throw badFrame('msgpack: too many elements')
  if (count > source.length - at) throw badFrame('msgpack: an array is longer than the frame')
  if (count > 0 && depth === LIMITS.messageDepthMax) throw badFrame('msgpack: nested too deeply')
  // PERF: exactly as long as it must be; one that grows by `push` has room for 17 from the first on.
  const array = new Array<unknown>(Math.min(count, SMALL_ARRAY))
  for (let index = 0; index < count; index++) array[index] = read(depth + 1)
  return array
}

function readText(length: number): string {
  const start = skip(length)
  for (let index = start; index < at; index++) {
    if ((source[index] as number) < 0x80) continue
    if (isUtf8(source.subarray(index, at))) return source.toString('utf8', start, at)
    throw badFrame('msgpack: a string is not UTF-8')
  }
  return source.toString('latin1', start, at)
}

function readBinary(length: number): Uint8Array {
  const start = skip(length)
  return new Uint8Array(source.buffer, source.byteOffset + start, length)
}

function readUnsigned(bytes: number): number {
  const start = skip(bytes)
  let value = 0
  for (let index = start; index < at; index++) value = value * 256 + (source[index] as number)
  return value
}

function readByte(): number {
  const byte = source[at]
  if (byte === undefined) throw badFrame('msgpack: the frame ends inside a value')
  at++
  return byte
}

/** Goes on behind so many bytes, and says where they begin. */
function skip(bytes: number): number {
  if (bytes > source.length - at) throw badFrame('msgpack: a value is longer than the frame')
  const start = at
  at += bytes
  return start
}
