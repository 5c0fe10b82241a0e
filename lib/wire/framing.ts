import { crc32 } from 'node:zlib'
import { assert } from '../base/index.js'
import { badFrame } from './fields.js'

/**
 * A frame is its length and its CRC-32 in 32 bits each, big-endian, and that many bytes. The CRC is begun with the length, so that it covers
 * both: what TCP's sum of 16 bits has let through, and a stream that has lost its place, end the link instead of reaching the log.
 */
const HEADER_BYTES = 8
const LENGTH_BYTES = 4

/** Frames up to this size are copied together so that thousands of them become one write; larger ones are handed on as they are. */
const COPIED_BYTES_MAX = 2 * 1024

/** Room for copied frames, allocated at a time. Writes share it until it is used up. */
const BLOCK_BYTES = 32 * 1024

/**
 * Cuts a byte stream into frames, wherever the chunks of it were split.
 *
 * A declared length is checked against the limit in force before anything is allocated for it, so what a peer can make us hold is one
 * frame of that limit. The limit may change between two calls of {@link next}: that is how a handshake's small limit gives way to the
 * link's within one chunk.
 *
 * A frame that lies within one chunk is a view of it, so it keeps the chunk alive (sockets give chunks of at most 64 KiB, each in
 * memory of its own). Any other frame is copied once, into memory of exactly its size.
 */
export class FrameDecoder {
  #bytesMax: number
  #chunk: Uint8Array = new Uint8Array(0)
  #offset = 0
  readonly #header = new Uint8Array(HEADER_BYTES)
  readonly #headerView = new DataView(this.#header.buffer)
  #headerBytes = 0
  #body: Uint8Array | null = null
  #bodyBytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** From the next frame on. */
  limit(bytesMax: number): void {
    this.#bytesMax = bytesMax
  }

  /** Whether the stream stopped between two frames. False at its end means that a frame was cut short. */
  get atBoundary(): boolean {
    return this.#headerBytes === 0 && this.#body === null && this.#offset === this.#chunk.length
  }

  /** Takes the next chunk. The one before must have been used up: call {@link next} until it returns null. */
  push(chunk: Uint8Array): void {
    assert(this.#offset === this.#chunk.length, 'a chunk is used up before the next one')
    this.#chunk = chunk
    this.#offset = 0
  }

  /**
   * The next whole frame, null when more bytes are needed.
   * @throws ZooKeeperError `BAD_FRAME` for a length above the limit or a wrong CRC; the stream is of no use afterwards
   */
  next(): Uint8Array | null {
    if (this.#body !== null) return this.#fillBody(this.#body)
    while (this.#headerBytes < HEADER_BYTES) {
      const byte = this.#chunk[this.#offset]
      if (byte === undefined) return null
      this.#header[this.#headerBytes++] = byte
      this.#offset++
      if (this.#headerBytes === LENGTH_BYTES) this.#checkLength()
    }
    const length = this.#headerView.getUint32(0)
    this.#headerBytes = 0
    if (length > this.#chunk.length - this.#offset) {
      this.#body = new Uint8Array(length)
      this.#bodyBytes = 0
      return this.#fillBody(this.#body)
    }
    const frame = new Uint8Array(this.#chunk.buffer, this.#chunk.byteOffset + this.#offset, length)
    this.#offset += length
    return this.#verified(frame)
  }

  #checkLength(): void {
    const length = this.#headerView.getUint32(0)
    if (length > this.#bytesMax) throw badFrame(`a frame of ${length} bytes, at most ${this.#bytesMax} are allowed`)
  }

  #fillBody(body: Uint8Array): Uint8Array | null {
    const taken = Math.min(body.length - this.#bodyBytes, this.#chunk.length - this.#offset)
    body.set(this.#chunk.subarray(this.#offset, this.#offset + taken), this.#bodyBytes)
    this.#bodyBytes += taken
    this.#offset += taken
    if (this.#bodyBytes < body.length) return null
    this.#body = null
    return this.#verified(body)
  }

  #verified(frame: Uint8Array): Uint8Array {
    if (crc32(frame, frame.length) !== this.#headerView.getUint32(4)) throw badFrame('a frame was changed on its way')
    return frame
  }
}

/**
 * Frames on their way out, gathered into few and large pieces to write. Small frames are copied, large ones are referred to and must not be
 * changed any more.
 */
export class FrameQueue {
  #bytes = 0
  #pieces: Uint8Array[] = []
  #block = new Uint8Array(0)
  #blockStart = 0
  #blockEnd = 0

  /** Bytes waiting, headers included. */
  get bytes(): number {
    return this.#bytes
  }

  push(frame: Uint8Array): void {
    this.#bytes += HEADER_BYTES + frame.length
    const copied = frame.length <= COPIED_BYTES_MAX
    const room = HEADER_BYTES + (copied ? frame.length : 0)
    if (this.#block.length - this.#blockEnd < room) {
      this.#seal()
      this.#block = new Uint8Array(BLOCK_BYTES)
      this.#blockStart = 0
      this.#blockEnd = 0
    }
    const block = this.#block
    for (const word of [frame.length, crc32(frame, frame.length)]) {
      block[this.#blockEnd++] = word >>> 24
      block[this.#blockEnd++] = word >>> 16
      block[this.#blockEnd++] = word >>> 8
      block[this.#blockEnd++] = word
    }
    if (copied) {
      block.set(frame, this.#blockEnd)
      this.#blockEnd += frame.length
    } else {
      this.#seal()
      this.#pieces.push(frame)
    }
  }

  /** Removes pieces from the front: all of them, or as many as reach `bytesMax`, at least one when anything waits. */
  take(bytesMax: number): Uint8Array[] {
    this.#seal()
    let count = 0
    let bytes = 0
    while (count < this.#pieces.length && bytes < bytesMax) bytes += this.#pieces[count++]?.length ?? 0
    this.#bytes -= bytes
    if (count < this.#pieces.length) return this.#pieces.splice(0, count)
    const taken = this.#pieces
    this.#pieces = []
    return taken
  }

  clear(): void {
    this.#bytes = 0
    this.#pieces = []
    this.#blockStart = this.#blockEnd
  }

  #seal(): void {
    if (this.#blockStart === this.#blockEnd) return
    this.#pieces.push(this.#block.subarray(this.#blockStart, this.#blockEnd))
    this.#blockStart = this.#blockEnd
  }
}
