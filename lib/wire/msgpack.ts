import { isUtf8 } from 'node:buffer'
import { Decoder, Encoder } from '@msgpack/msgpack'
import { LIMITS } from '../base/index.js'
import { badFrame } from './fields.js'

/** Above this the encoder's working memory is given back instead of kept for the next message. */
const ENCODER_BYTES_KEPT = 256 * 1024

let encoder = newEncoder()
const decoder = new Decoder()

/**
 * One message as msgpack, in bytes of its own. Messages are positional arrays of null, booleans, numbers, strings, bytes and such arrays,
 * nested no deeper than `LIMITS.messageDepthMax`; a message that is not is our bug and throws. Strings must be free of lone surrogates:
 * {@link decodeBounded} refuses what they become.
 */
export function encode(value: unknown): Uint8Array {
  const bytes = encoder.encode(value)
  if (bytes.length > ENCODER_BYTES_KEPT) encoder = newEncoder()
  return bytes
}

/**
 * Decodes bytes that nobody has vouched for. They are walked first, without building anything: depth, declared counts against the bytes
 * that are really there, no maps, no extension types, valid UTF-8, nothing behind the value. Only then does the msgpack library see them,
 * because it allocates what a header declares (100 hostile bytes would end a 2 GB heap).
 *
 * Binary values are views into `bytes`, not copies: they keep the whole frame alive, and change when it is changed.
 * @throws ZooKeeperError `BAD_FRAME`, and nothing else
 */
export function decodeBounded(bytes: Uint8Array): unknown {
  scan(bytes)
  return decoder.decode(bytes)
}

function newEncoder(): Encoder {
  return new Encoder({ maxDepth: LIMITS.messageDepthMax })
}

/** Elements still to come at each depth while a scan is under way; a scan never yields, so one is enough for all. */
const unread = new Uint32Array(LIMITS.messageDepthMax + 1)

function scan(bytes: Uint8Array): void {
  const end = bytes.length
  let offset = 0
  let depth = 1
  let elements = 1
  unread[1] = 1
  const lengthOf = (lengthBytes: number): number => {
    if (offset + lengthBytes > end) throw badFrame('msgpack: the frame ends inside a length')
    let length = 0
    for (let index = 0; index < lengthBytes; index++) length = length * 256 + (bytes[offset++] ?? 0)
    return length
  }
  const skip = (count: number): void => {
    if (count > end - offset) throw badFrame('msgpack: a value is longer than the frame')
    offset += count
  }
  const skipText = (count: number): void => {
    const start = offset
    skip(count)
    for (let index = start; index < offset; index++) {
      if ((bytes[index] ?? 0) < 0x80) continue
      if (isUtf8(bytes.subarray(index, offset))) return
      throw badFrame('msgpack: a string is not UTF-8')
    }
  }
  const enter = (count: number): void => {
    elements += count
    if (elements > LIMITS.messageElementsMax) throw badFrame('msgpack: too many elements')
    if (count > end - offset) throw badFrame('msgpack: an array is longer than the frame')
    if (count === 0) return
    if (depth === LIMITS.messageDepthMax) throw badFrame('msgpack: nested too deeply')
    unread[++depth] = count
  }

  while (true) {
    while (unread[depth] === 0) {
      if (--depth === 0) {
        if (offset !== end) throw badFrame('msgpack: bytes behind the value')
        return
      }
    }
    unread[depth] = (unread[depth] ?? 0) - 1
    if (offset === end) throw badFrame('msgpack: the frame ends inside a value')
    const head = bytes[offset++] ?? 0
    if (head < 0x80 || head >= 0xe0) continue
    if (head >= 0xa0 && head < 0xc0) skipText(head - 0xa0)
    else if (head >= 0x90 && head < 0xa0) enter(head - 0x90)
    else {
      switch (head) {
        case 0xc0: // nil
        case 0xc2: // false
        case 0xc3: // true
          break
        case 0xcc: // uint 8
        case 0xd0: // int 8
          skip(1)
          break
        case 0xcd: // uint 16
        case 0xd1: // int 16
          skip(2)
          break
        case 0xca: // float 32
        case 0xce: // uint 32
        case 0xd2: // int 32
          skip(4)
          break
        case 0xcb: // float 64
        case 0xcf: // uint 64
        case 0xd3: // int 64
          skip(8)
          break
        case 0xc4: // bin 8
          skip(lengthOf(1))
          break
        case 0xc5: // bin 16
          skip(lengthOf(2))
          break
        case 0xc6: // bin 32
          skip(lengthOf(4))
          break
        case 0xd9: // str 8
          skipText(lengthOf(1))
          break
        case 0xda: // str 16
          skipText(lengthOf(2))
          break
        case 0xdb: // str 32
          skipText(lengthOf(4))
          break
        case 0xdc: // array 16
          enter(lengthOf(2))
          break
        case 0xdd: // array 32
          enter(lengthOf(4))
          break
        default:
          throw badFrame(`msgpack: type 0x${head.toString(16)} is not used here`)
      }
    }
  }
}
