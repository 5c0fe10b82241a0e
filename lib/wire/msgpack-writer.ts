// PERF: the global `Buffer` is a getter, which costs a call each time.
import { Buffer } from 'node:buffer'
import { assert, LIMITS } from '../base/index.js'

/** 2 to the 32nd. PERF: a constant, because V8 computes the power each time. */
const WORD = 2 ** 32

/** Shorter text is copied unit by unit, and fewer bytes one by one, which is faster than a call out of JavaScript. */
const SHORT_TEXT = 64
const SHORT_BYTES = 16

const FRAME_LENGTH_BYTES = 4
const LONE_SURROGATE = /\p{Surrogate}/u
const double = new DataView(new ArrayBuffer(8))

/**
 * Writes values as MessagePack, one behind the other, into memory that grows. What it writes of a value is the shortest form that there is,
 * as the MessagePack library writes it.
 */
export class MsgpackWriter {
  #room: Buffer
  #end = 0

  /** Begins in `room`, and leaves it when it is too small. */
  constructor(room: Buffer) {
    this.#room = room
  }

  /** Bytes so far. */
  get length(): number {
    return this.#end
  }

  /** Bytes that there is room for without asking for more. */
  get capacity(): number {
    return this.#room.length
  }

  /** What was written from `start` on: a view, which what is written later may change. */
  written(start = 0): Uint8Array {
    return this.#room.subarray(start, this.#end)
  }

  /** Drops what was written behind the first `length` bytes. */
  cut(length: number): void {
    this.#end = length
  }

  /** Leaves room for the length of what comes, as 32 bits, big-endian; {@link endFrame} fills it in at the place that this returns. */
  beginFrame(): number {
    this.#reserve(FRAME_LENGTH_BYTES)
    const start = this.#end
    this.#end += FRAME_LENGTH_BYTES
    return start
  }

  endFrame(start: number): void {
    putWord(this.#room, start, this.#end - start - FRAME_LENGTH_BYTES)
  }

  nil(): void {
    this.#byte(0xc0)
  }

  boolean(value: boolean): void {
    this.#byte(value ? 0xc3 : 0xc2)
  }

  number(value: number): void {
    this.#reserve(9)
    const room = this.#room
    const end = this.#end
    if (!Number.isSafeInteger(value)) {
      double.setFloat64(0, value)
      room[end] = 0xcb
      putWord(room, end + 1, double.getUint32(0))
      putWord(room, end + 5, double.getUint32(4))
      this.#end = end + 9
    } else if (value >= 0) {
      if (value < 0x80) {
        room[end] = value
        this.#end = end + 1
      } else if (value < 0x100) this.#tagged8(0xcc, value)
      else if (value < 0x10000) this.#tagged16(0xcd, value)
      else if (value < WORD) this.#tagged32(0xce, value)
      else this.#tagged64(0xcf, value)
    } else if (value >= -0x20) {
      room[end] = value
      this.#end = end + 1
    } else if (value >= -0x80) this.#tagged8(0xd0, value)
    else if (value >= -0x8000) this.#tagged16(0xd1, value)
    else if (value >= -(2 ** 31)) this.#tagged32(0xd2, value)
    else this.#tagged64(0xd3, value)
  }

  /** Free of lone surrogates: the reader refuses what they become. */
  text(text: string): void {
    const { length } = text
    if (length >= SHORT_TEXT) return this.#longText(text)
    this.#reserve(length + 2)
    const room = this.#room
    // As if it were ASCII; if it is not, once more from here.
    let end = this.#end
    if (length < 32) room[end++] = 0xa0 | length
    else {
      room[end++] = 0xd9
      room[end++] = length
    }
    for (let index = 0; index < length; index++) {
      const unit = text.charCodeAt(index)
      if (unit >= 0x80) return this.#longText(text)
      room[end++] = unit
    }
    this.#end = end
  }

  binary(bytes: Uint8Array): void {
    this.#head(bytes.length, 0, 0, 0xc4, 0xc5)
    this.#bytes(bytes)
  }

  /** So many values follow. */
  array(length: number): void {
    this.#head(length, 0x90, 16, 0, 0xdc)
  }

  /** Null, a boolean, a number, a string, bytes, or an array of these. Anything else, or one nested too deeply, is our bug and throws. */
  value(value: unknown, depth = 1): void {
    assert(depth <= LIMITS.messageDepthMax, 'a message is not nested too deeply')
    if (typeof value === 'number') this.number(value)
    else if (typeof value === 'string') this.text(value)
    else if (value === null || value === undefined) this.nil()
    else if (value instanceof Uint8Array) this.binary(value)
    else if (Array.isArray(value)) {
      this.array(value.length)
      for (const element of value) this.value(element, depth + 1)
    } else {
      assert(typeof value === 'boolean', 'a message is made of what MessagePack and we know')
      this.boolean(value)
    }
  }

  #longText(text: string): void {
    const length = Buffer.byteLength(text)
    this.#head(length, 0xa0, 32, 0xd9, 0xda)
    // What the system's encoder would turn into something else is kept as it is, for the reader to refuse.
    if (length > text.length && LONE_SURROGATE.test(text)) return this.#bytes(surrogatesKept(text))
    this.#reserve(length)
    this.#end += this.#room.write(text, this.#end)
  }

  #bytes(bytes: Uint8Array): void {
    const { length } = bytes
    this.#reserve(length)
    const room = this.#room
    const end = this.#end
    if (length > SHORT_BYTES) room.set(bytes, end)
    else for (let index = 0; index < length; index++) room[end + index] = bytes[index] as number
    this.#end = end + length
  }

  #byte(byte: number): void {
    this.#reserve(1)
    this.#room[this.#end++] = byte
  }

  /** A length: in the tag itself where it is short, else in one byte (`tag8`, 0 where there is none), in two (`tag16`) or in four (the tag behind it). */
  #head(length: number, tagShort: number, shortEnd: number, tag8: number, tag16: number): void {
    this.#reserve(5)
    if (length < shortEnd) this.#room[this.#end++] = tagShort | length
    else if (length < 0x100 && tag8 !== 0) this.#tagged8(tag8, length)
    else if (length < 0x10000) this.#tagged16(tag16, length)
    else this.#tagged32(tag16 + 1, length)
  }

  // Room is there. Of a negative number these keep the lowest bits, which is two's complement.

  #tagged8(tag: number, value: number): void {
    const end = this.#end
    this.#room[end] = tag
    this.#room[end + 1] = value
    this.#end = end + 2
  }

  #tagged16(tag: number, value: number): void {
    const room = this.#room
    const end = this.#end
    room[end] = tag
    room[end + 1] = value >> 8
    room[end + 2] = value
    this.#end = end + 3
  }

  #tagged32(tag: number, value: number): void {
    const end = this.#end
    this.#room[end] = tag
    putWord(this.#room, end + 1, value)
    this.#end = end + 5
  }

  #tagged64(tag: number, value: number): void {
    const room = this.#room
    const end = this.#end
    const high = Math.floor(value / WORD)
    room[end] = tag
    putWord(room, end + 1, high)
    putWord(room, end + 5, value - high * WORD)
    this.#end = end + 9
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes > this.#room.length) this.#widen(this.#end + bytes)
  }

  #widen(bytes: number): void {
    const wider = Buffer.allocUnsafeSlow(Math.max(2 * this.#room.length, bytes))
    wider.set(this.written())
    this.#room = wider
  }
}

function putWord(room: Uint8Array, at: number, value: number): void {
  room[at] = value >>> 24
  room[at + 1] = value >>> 16
  room[at + 2] = value >>> 8
  room[at + 3] = value
}

function surrogatesKept(text: string): Uint8Array {
  return Buffer.concat(
    Array.from(text, character => {
      const unit = character.charCodeAt(0)
      const isLone = LONE_SURROGATE.test(character)
      return isLone ? Buffer.of(0xe0 | (unit >>> 12), 0x80 | ((unit >>> 6) & 0x3f), 0x80 | (unit & 0x3f)) : Buffer.from(character)
    })
  )
}
