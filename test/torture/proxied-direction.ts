import type { Socket } from 'node:net'
import { type Random, randomInt } from '../../lib/base/index.js'

/** Bytes that wait in the proxy before the sender is made to wait, as a window would. */
const WAITING_BYTES_MAX = 64 * 1024

/** How often a slow direction lets something through. */
const DRIP_MILLISECONDS = 20

/** The end of a stream, in its place behind the bytes: a peer's close is as late as its bytes are. */
type Piece = { readonly due: number; readonly bytes: Buffer } | { readonly due: number; readonly bytes: null }

/** What happens on the way from one member to another, whoever of the two has dialled. */
export class ProxiedDirection {
  /** Nothing arrives and nobody is told, as if cables were out. What was sent arrives when it is healed, if the connection is still there. */
  held = false
  delayMilliseconds = 0
  /** Null: as fast as it goes. */
  bytesPerSecond: number | null = null
  /** The connection is reset once so many bytes more have been forwarded: somewhere within a frame. */
  cutAfterBytes: number | null = null
  /** Bytes to be flipped in what is forwarded next. */
  flips = 0
  /** What has really happened. */
  readonly done = { bytes: 0, cuts: 0, flips: 0 }
  readonly random: Random
  readonly #pipes = new Set<Pipe>()

  constructor(random: Random) {
    this.random = random
  }

  /** To be called when the above has been changed. */
  changed(): void {
    for (const pipe of this.#pipes) pipe.forward()
  }

  heal(): void {
    this.held = false
    this.delayMilliseconds = 0
    this.bytesPerSecond = null
    this.cutAfterBytes = null
    this.flips = 0
    this.changed()
  }

  /** Forwards what one end of a connection sends to the other, until both are gone. */
  pipe(from: Socket, to: Socket): void {
    const pipe = new Pipe(this, from, to)
    this.#pipes.add(pipe)
    to.once('close', () => {
      pipe.stop()
      this.#pipes.delete(pipe)
    })
  }
}

/** One direction of one connection. */
class Pipe {
  readonly #direction: ProxiedDirection
  readonly #from: Socket
  readonly #to: Socket
  #waiting: Piece[] = []
  #waitingBytes = 0
  #timer: NodeJS.Timeout | null = null

  constructor(direction: ProxiedDirection, from: Socket, to: Socket) {
    this.#direction = direction
    this.#from = from
    this.#to = to
    from.on('data', bytes => this.#take(bytes))
    from.once('close', () => this.#take(null))
    to.on('drain', () => this.forward())
  }

  /** What is still sent goes nowhere. That the receiver is gone is told by the pipe of the other direction, as late as its bytes are. */
  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#waiting = []
    this.#waitingBytes = 0
  }

  /** Forwards what may be forwarded now. */
  forward(): void {
    const direction = this.#direction
    const now = performance.now()
    let allowed = direction.bytesPerSecond === null ? Number.POSITIVE_INFINITY : dripBytes(direction.bytesPerSecond)
    while (!direction.held && !this.#to.writableNeedDrain && allowed > 0) {
      const [piece] = this.#waiting
      if (piece === undefined || piece.due > now) break
      this.#waiting.shift()
      if (piece.bytes === null) {
        this.#to.destroy()
        return this.stop()
      }
      const bytes = piece.bytes.subarray(0, allowed)
      if (bytes.length < piece.bytes.length) this.#waiting.unshift({ due: piece.due, bytes: piece.bytes.subarray(bytes.length) })
      allowed -= bytes.length
      this.#waitingBytes -= bytes.length
      if (!this.#write(bytes)) return
    }
    if (this.#waitingBytes <= WAITING_BYTES_MAX && !this.#from.destroyed) this.#from.resume()
    this.#wait(now)
  }

  #take(bytes: Buffer | null): void {
    if (this.#to.destroyed) return
    this.#waiting.push({ due: performance.now() + this.#direction.delayMilliseconds, bytes })
    this.#waitingBytes += bytes?.length ?? 0
    if (this.#waitingBytes > WAITING_BYTES_MAX) this.#from.pause()
    if (this.#timer === null) this.forward()
  }

  /** False when that was the end of the connection. */
  #write(bytes: Buffer): boolean {
    const direction = this.#direction
    const cut = direction.cutAfterBytes
    const written = bytes.subarray(0, cut ?? bytes.length)
    while (direction.flips > 0 && written.length > 0) {
      const at = randomInt(direction.random, written.length)
      written[at] = (written[at] ?? 0) ^ (1 << randomInt(direction.random, 8))
      direction.flips--
      direction.done.flips++
    }
    direction.done.bytes += written.length
    if (cut === null || bytes.length < cut) {
      if (cut !== null) direction.cutAfterBytes = cut - bytes.length
      this.#to.write(written)
      return true
    }
    direction.cutAfterBytes = null
    direction.done.cuts++
    this.#to.write(written, () => this.#to.destroy())
    this.stop()
    return false
  }

  #wait(now: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    const [next] = this.#waiting
    if (next === undefined || this.#direction.held || this.#to.writableNeedDrain) return
    const milliseconds = this.#direction.bytesPerSecond === null ? next.due - now : Math.max(DRIP_MILLISECONDS, next.due - now)
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.forward()
    }, milliseconds)
  }
}

function dripBytes(bytesPerSecond: number): number {
  return Math.max(1, Math.floor((bytesPerSecond * DRIP_MILLISECONDS) / 1_000))
}
