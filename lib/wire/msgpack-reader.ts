// PERF: the global `Buffer` is a getter, which costs a call each time.
import { Buffer, isUtf8 } from 'node:buffer'
import { assert, LIMITS } from '../base/index.js'
import { badFrame, exactly } from './fields.js'

/** 2 to the 32nd. PERF: a constant, because V8 computes the power each time. */
const WORD = 2 ** 32

/**
 * Text up to here is put together from its characters: half the cost of a call out of JavaScript. From 13 on V8 makes a rope of what is put
 * together, and whoever looks it up in a map pays more for flattening it than was saved.
 */
const SHORT_TEXT_MAX = 12

/** Room for as many elements is made before they have been read. */
const SMALL_ARRAY = 32

/** Buffer's own, which its types leave out: they take any bytes, without a `Buffer` being made of them. */
const { latin1Slice, utf8Slice } = Buffer.prototype as unknown as Readonly<
  Record<'latin1Slice' | 'utf8Slice', (this: Uint8Array, start: number, end: number) => string>
>

/**
 * Reads MessagePack that nobody has vouched for, one value behind the other: declared lengths and counts are held against the bytes that are
 * really there, elements are counted, text must be UTF-8, and there are no maps and no extension types. Nothing is allocated because a header
 * declares it: 100 hostile bytes could otherwise end a 2 GB heap. Whatever is not as it must be is a `BAD_FRAME`, and nothing else.
 *
 * It says what is written, and not what may be written: the value of each field goes through one of the readers in fields.ts and
 * tree-fields.ts. Who is done calls {@link finish}.
 */
export class MsgpackReader {
  readonly #bytes: Uint8Array
  readonly #end: number
  #at: number
  #elements = 1

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    assert(start <= end && end <= bytes.length, 'what is read lies within its bytes')
    // A part of a `Buffer` would be a `Buffer`, and not what a caller may see of its data.
    this.#bytes = Buffer.isBuffer(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length) : bytes
    this.#end = end
    this.#at = start
  }

  /** Nothing must be left. */
  finish(): void {
    if (this.#at !== this.#end) throw badFrame('msgpack: bytes behind the value')
  }

  /** Whether a null stands here. Then it has been read. */
  takeNil(): boolean {
    if (this.#peek() !== 0xc0) return false
    this.#at++
    return true
  }

  /** Any number: a float that is whole is not told from an integer. */
  number(): number {
    const head = this.#byte()
    if (head < 0x80) return head
    if (head >= 0xe0) return head - 0x100
    switch (head) {
      case 0xca: // float 32
        return this.#view(4).getFloat32(0)
      case 0xcb: // float 64
        return this.#view(8).getFloat64(0)
      case 0xcc: // uint 8
        return this.#byte()
      case 0xcd: // uint 16
        return this.#half()
      case 0xce: // uint 32
        return this.#word() >>> 0
      case 0xcf: // uint 64
        return (this.#word() >>> 0) * WORD + (this.#word() >>> 0)
      case 0xd0: // int 8
        return (this.#byte() << 24) >> 24
      case 0xd1: // int 16
        return (this.#half() << 16) >> 16
      case 0xd2: // int 32
        return this.#word()
      case 0xd3: // int 64
        return this.#word() * WORD + (this.#word() >>> 0)
      default:
        throw unexpected('a number', head)
    }
  }

  text(): string {
    const head = this.#byte()
    if (head >= 0xa0 && head < 0xc0) return this.#textOf(head - 0xa0)
    switch (head) {
      case 0xd9: // str 8
        return this.#textOf(this.#byte())
      case 0xda: // str 16
        return this.#textOf(this.#half())
      case 0xdb: // str 32
        return this.#textOf(this.#word() >>> 0)
      default:
        throw unexpected('a string', head)
    }
  }

  /** A view, not a copy: it keeps the whole frame alive, and changes when it is changed. */
  binary(): Uint8Array {
    const head = this.#byte()
    switch (head) {
      case 0xc4: // bin 8
        return this.#binaryOf(this.#byte())
      case 0xc5: // bin 16
        return this.#binaryOf(this.#half())
      case 0xc6: // bin 32
        return this.#binaryOf(this.#word() >>> 0)
      default:
        throw unexpected('bytes', head)
    }
  }

  /** The length of an array, whose elements follow. */
  anyArray(): number {
    const head = this.#byte()
    if (head >= 0x90 && head < 0xa0) return this.#countOf(head - 0x90)
    switch (head) {
      case 0xdc: // array 16
        return this.#countOf(this.#half())
      case 0xdd: // array 32
        return this.#countOf(this.#word() >>> 0)
      default:
        throw unexpected('an array', head)
    }
  }

  /** An array of so many elements follows. */
  array(length: number): void {
    exactly(this.anyArray(), length)
  }

  /** An array of at most so many elements, each as `read` makes it. */
  list<T>(countMax: number, read: (reader: this) => T): readonly T[] {
    const count = this.anyArray()
    if (count > countMax) throw badFrame(`expected a list of at most ${countMax}, got an array of ${count}`)
    // PERF: exactly as long as it must be; one that grows by `push` has room for 17 from the first on.
    const array = new Array<T>(Math.min(count, SMALL_ARRAY))
    for (let index = 0; index < count; index++) array[index] = read(this)
    return array
  }

  /** Whatever comes, arrays with all that is in them; no deeper than `LIMITS.messageDepthMax`, if this one is at `depth`. */
  value(depth = 1): unknown {
    const head = this.#peek()
    if (head < 0x80 || head >= 0xe0 || (head >= 0xca && head <= 0xd3)) return this.number()
    if (head < 0x90) throw unexpected('a value', head)
    if (head < 0xa0 || head === 0xdc || head === 0xdd) return this.#arrayAt(depth)
    if (head < 0xc0 || (head >= 0xd9 && head <= 0xdb)) return this.text()
    if (head >= 0xc4 && head <= 0xc6) return this.binary()
    this.#at++
    if (head === 0xc0) return null
    if (head === 0xc2) return false
    if (head === 0xc3) return true
    throw unexpected('a value', head)
  }

  #arrayAt(depth: number): readonly unknown[] {
    const count = this.anyArray()
    if (count > 0 && depth === LIMITS.messageDepthMax) throw badFrame('msgpack: nested too deeply')
    const array = new Array<unknown>(Math.min(count, SMALL_ARRAY))
    for (let index = 0; index < count; index++) array[index] = this.value(depth + 1)
    return array
  }

  #countOf(count: number): number {
    this.#elements += count
    if (this.#elements > LIMITS.messageElementsMax) throw badFrame('msgpack: too many elements')
    if (count > this.#end - this.#at) throw badFrame('msgpack: an array is longer than the frame')
    return count
  }

  #textOf(length: number): string {
    const bytes = this.#bytes
    const start = this.#skip(length)
    const end = this.#at
    let units = 0
    for (let index = start; index < end; index++) units |= bytes[index] as number
    if (units >= 0x80) {
      if (!isUtf8(bytes.subarray(start, end))) throw badFrame('msgpack: a string is not UTF-8')
      return utf8Slice.call(bytes, start, end)
    }
    return length <= SHORT_TEXT_MAX ? shortText(bytes, start, end) : latin1Slice.call(bytes, start, end)
  }

  #binaryOf(length: number): Uint8Array {
    const start = this.#skip(length)
    return this.#bytes.subarray(start, start + length)
  }

  #view(length: number): DataView {
    const { buffer, byteOffset } = this.#bytes
    return new DataView(buffer, byteOffset + this.#skip(length), length)
  }

  #peek(): number {
    if (this.#at >= this.#end) throw badFrame('msgpack: the frame ends inside a value')
    return this.#bytes[this.#at] as number
  }

  #byte(): number {
    const byte = this.#peek()
    this.#at++
    return byte
  }

  #half(): number {
    const bytes = this.#bytes
    const start = this.#skip(2)
    return ((bytes[start] as number) << 8) | (bytes[start + 1] as number)
  }

  /** As a signed number. */
  #word(): number {
    const bytes = this.#bytes
    const start = this.#skip(4)
    const high = ((bytes[start] as number) << 24) | ((bytes[start + 1] as number) << 16)
    return high | ((bytes[start + 2] as number) << 8) | (bytes[start + 3] as number)
  }

  /** Goes on behind so many bytes, and says where they begin. */
  #skip(bytes: number): number {
    const start = this.#at
    if (bytes > this.#end - start) throw badFrame('msgpack: a value is longer than the frame')
    this.#at = start + bytes
    return start
  }
}

/** PERF: eight at once, then two and two: fewer strings that are thrown away than with one after the other. */
function shortText(bytes: Uint8Array, start: number, end: number): string {
  let text = ''
  let at = start
  if (at + 8 <= end) {
    text = String.fromCharCode(
      bytes[at] as number,
      bytes[at + 1] as number,
      bytes[at + 2] as number,
      bytes[at + 3] as number,
      bytes[at + 4] as number,
      bytes[at + 5] as number,
      bytes[at + 6] as number,
      bytes[at + 7] as number
    )
    at += 8
  }
  for (; at + 2 <= end; at += 2) text += String.fromCharCode(bytes[at] as number, bytes[at + 1] as number)
  return at < end ? text + String.fromCharCode(bytes[at] as number) : text
}

function unexpected(what: string, head: number): Error {
  return badFrame(`msgpack: expected ${what}, got type 0x${head.toString(16)}`)
}
