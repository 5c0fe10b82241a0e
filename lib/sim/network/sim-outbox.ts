import { type Random, randomInt } from '../../base/index.js'
import { FrameQueue } from '../../wire/index.js'
import { SimFifo } from './sim-fifo.js'

/** What an end of a connection has been given to send and has not left its process. */
export interface SimOutbox {
  readonly bytes: number
  push(frame: Uint8Array): void
  /**
   * What leaves next, in memory of its own, when `room` bytes fit on the way and `unread` are there already; null when nothing may leave.
   */
  take(room: number, unread: number): Uint8Array | null
  clear(): void
}

/** Frames are handed over as they are. One that is larger than all the room there is leaves when nothing else is on the way. */
export class WholeFrames implements SimOutbox {
  readonly #frames = new SimFifo<Uint8Array>()
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  push(frame: Uint8Array): void {
    this.#bytes += frame.length
    this.#frames.push(frame)
  }

  take(room: number, unread: number): Uint8Array | null {
    const frame = this.#frames.head
    if (frame === undefined || (frame.length > room && unread > 0)) return null
    this.#frames.shift()
    this.#bytes -= frame.length
    // Not `slice`, which shares the memory when the frame is a Buffer.
    return new Uint8Array(frame)
  }

  clear(): void {
    this.#frames.clear()
    this.#bytes = 0
  }
}

/** Frames become bytes as they do on a socket, and leave in segments of random sizes. */
export class FramedBytes implements SimOutbox {
  readonly #queue = new FrameQueue()
  readonly #random: Random
  readonly #segmentBytesMax: number
  #pieces: Uint8Array[] = []
  #offset = 0
  #pieceBytes = 0

  constructor(random: Random, segmentBytesMax: number) {
    this.#random = random
    this.#segmentBytesMax = segmentBytesMax
  }

  get bytes(): number {
    return this.#queue.bytes + this.#pieceBytes
  }

  push(frame: Uint8Array): void {
    this.#queue.push(frame)
  }

  take(room: number): Uint8Array | null {
    if (room <= 0) return null
    if (this.#pieceBytes === 0) {
      this.#pieces = this.#queue.take(1).reverse()
      this.#pieceBytes = this.#pieces.reduce((sum, { length }) => sum + length, 0)
    }
    const piece = this.#pieces.at(-1)
    if (piece === undefined) return null
    const size = Math.min(1 + randomInt(this.#random, this.#segmentBytesMax), room, piece.length - this.#offset)
    const segment = new Uint8Array(piece.subarray(this.#offset, this.#offset + size))
    this.#offset += size
    this.#pieceBytes -= size
    if (this.#offset === piece.length) {
      this.#pieces.pop()
      this.#offset = 0
    }
    return segment
  }

  clear(): void {
    this.#queue.clear()
    this.#pieces = []
    this.#offset = this.#pieceBytes = 0
  }
}
