import { type CancelTimer, LIMITS, type Random, randomInt } from '../../base/index.js'
import type { SimChannel } from './sim-channel.js'
import { SimFifo } from './sim-fifo.js'
import type { SimOutbox } from './sim-outbox.js'
import type { SimWay } from './sim-way.js'

/** What a direction of a connection asks of the network, anew for every segment. */
export interface SimWeather {
  readonly random: Random
  readonly windowBytes: number
  /** Whether bytes that were changed on the way are noticed by the encryption. */
  readonly sealed: boolean
  now(): number
  latency(way: SimWay): number
  bytesPerMillisecond(way: SimWay): number
  /** Milliseconds that a segment is late because it was lost and sent again; infinite when it was lost too often. */
  lateness(way: SimWay): number
}

/** On its way; without bytes it is the end of the stream. */
interface Segment {
  at: number
  readonly bytes: Uint8Array | null
}

/**
 * One direction of one connection: what was sent, in order, with the time at which each segment arrives. A segment arrives no earlier than the
 * one before, so whatever is late holds up what is behind it, as in TCP.
 *
 * What is on the way or unread has left the sender's process, up to a window; the rest waits in the outbox. Room is given back when bytes are
 * read, and only while the way back passes: that is how acknowledgements come.
 */
export class SimStream {
  readonly #weather: SimWeather
  readonly #way: SimWay
  readonly #back: SimWay
  readonly #from: SimChannel
  readonly #to: SimChannel
  readonly #outbox: SimOutbox
  /** Told when a segment was lost for good: the connection is at its end. */
  readonly #onLost: () => void
  readonly #flight = new SimFifo<Segment>()
  #flightBytes = 0
  /** At least what is in flight: also what was read while no acknowledgement came through. */
  #unacknowledged = 0
  #lastAt = 0
  #busyUntil = 0
  /** A turn of the receiver is arranged. */
  #armed = false
  #due = 0
  #cancel: CancelTimer | null = null
  #high = false
  /** Nothing arrives any more, and nobody is told. */
  #dark = false
  /** The end is to follow what waits. */
  #finishing = false
  /** Nothing is taken any more. */
  #ended = false
  #endDetail = 'closed by the other side'

  constructor(
    weather: SimWeather,
    ways: { readonly way: SimWay; readonly back: SimWay },
    ends: { readonly from: SimChannel; readonly to: SimChannel },
    outbox: SimOutbox,
    onLost: () => void
  ) {
    this.#weather = weather
    this.#way = ways.way
    this.#back = ways.back
    this.#from = ends.from
    this.#to = ends.to
    this.#outbox = outbox
    this.#onLost = onLost
  }

  get waitingBytes(): number {
    return this.#outbox.bytes
  }

  /** A segment was lost too often: nothing behind it can arrive either. */
  get lost(): boolean {
    return this.#lastAt === Number.POSITIVE_INFINITY
  }

  push(frame: Uint8Array): void {
    if (this.#ended || this.#finishing) return
    this.#outbox.push(frame)
    this.#pump()
    if (this.#outbox.bytes > LIMITS.linkQueueBytesHigh) this.#high = true
  }

  /** The end follows everything that was sent before. */
  finish(): void {
    if (this.#ended) return
    this.#finishing = true
    this.#pump()
  }

  /**
   * The sender, or the connection, is gone: what waits never leaves, and of what is on its way some of the first bytes arrive. Then comes the
   * end after `delay` milliseconds, or never when that is null. With `late` what arrives takes its time until then.
   */
  breakOff(detail: string, delay: number | null, late = false): void {
    if (this.#ended) return
    this.#outbox.clear()
    this.#ended = true
    this.#endDetail = detail
    const now = this.#weather.now()
    const kept = this.#keepSome()
    if (late && delay !== null) {
      const shift = now + this.#weather.random.float() * delay
      for (const segment of kept) segment.at = Math.max(segment.at, shift)
    }
    if (delay !== null) kept.push({ at: Math.max(kept.at(-1)?.at ?? 0, now + delay), bytes: null })
    this.#flight.replace(kept)
    this.#rearm()
  }

  /** From now on nothing arrives, for ever. */
  darken(): void {
    this.#dark = true
  }

  /** The way, the way back, or the receiver may have become passable. */
  resume(): void {
    this.#pump()
  }

  /** What was lost while the way swallowed is sent again, at some time within `milliseconds`. */
  retransmit(milliseconds: number): void {
    const at = this.#weather.now() + this.#weather.random.float() * milliseconds
    this.#lastAt = Math.max(this.#lastAt, at)
    for (const segment of this.#flight.all()) segment.at = Math.max(segment.at, at)
    this.#rearm()
  }

  /** What is under way for long arrives as soon as what is sent now. */
  hurry(): void {
    const at = this.#weather.now() + this.#weather.latency(this.#way)
    for (const segment of this.#flight.all()) segment.at = Math.min(segment.at, at)
    this.#busyUntil = 0
    this.#lastAt = Math.min(this.#lastAt, at)
    this.#rearm()
  }

  #pump(): void {
    this.#takeAcknowledgements()
    while (!this.#ended) {
      const bytes = this.#outbox.take(this.#weather.windowBytes - this.#unacknowledged, this.#unacknowledged)
      if (bytes === null) break
      this.#depart(bytes)
    }
    if (this.#finishing && !this.#ended && this.#outbox.bytes === 0) {
      this.#ended = true
      this.#flight.push({ at: this.#arrival(0), bytes: null })
    }
    if (this.#high && this.#outbox.bytes <= LIMITS.linkQueueBytesHigh) {
      this.#high = false
      this.#from.tellDrained()
    }
    this.#arm()
  }

  #takeAcknowledgements(): void {
    if (this.#back.passes) this.#unacknowledged = this.#flightBytes
  }

  #depart(bytes: Uint8Array): void {
    if (this.#way.flips > 0 && bytes.length > 0) {
      this.#way.flips--
      if (this.#weather.sealed) return this.#spoil()
      const bit = randomInt(this.#weather.random, bytes.length * 8)
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    }
    this.#flightBytes += bytes.length
    this.#unacknowledged += bytes.length
    const lostBefore = this.lost
    this.#flight.push({ at: this.#arrival(bytes.length), bytes })
    if (this.lost && !lostBefore) this.#onLost()
  }

  /** The encryption finds that bytes were changed, and gives up the stream. */
  #spoil(): void {
    this.#ended = true
    this.#outbox.clear()
    this.#endDetail = 'ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC'
    this.#flight.push({ at: this.#arrival(0), bytes: null })
  }

  #arrival(bytes: number): number {
    const weather = this.#weather
    let at = weather.now()
    const rate = weather.bytesPerMillisecond(this.#way)
    if (rate < Number.POSITIVE_INFINITY) at = this.#busyUntil = Math.max(at, this.#busyUntil) + bytes / rate
    at += weather.latency(this.#way) + weather.lateness(this.#way)
    this.#lastAt = Math.max(this.#lastAt, at)
    return this.#lastAt
  }

  /** Any number of the first bytes in flight. Of a segment that is cut a part is kept where segments are not whole frames. */
  #keepSome(): Segment[] {
    const segments = this.#flight.all().filter(({ at }) => at < Number.POSITIVE_INFINITY)
    const bytes = segments.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0)
    let room = randomInt(this.#weather.random, bytes + 1)
    const kept: Segment[] = []
    for (const { at, bytes } of segments) {
      if (bytes === null) break
      const whole = bytes.length <= room
      if (whole) kept.push({ at, bytes })
      else if (this.#to.splits && room > 0) kept.push({ at, bytes: bytes.slice(0, room) })
      if (!whole) break
      room -= bytes.length
    }
    return kept
  }

  #rearm(): void {
    // A turn that has been posted cannot be taken back: it will find what is due then.
    this.#due = 0
    if (this.#cancel !== null) {
      this.#cancel()
      this.#cancel = null
      this.#armed = false
    }
    this.#arm()
  }

  #arm(): void {
    const head = this.#flight.head
    if (head === undefined || this.#armed || this.#dark || !this.#way.passes || !this.#to.reads) return
    if (head.at === Number.POSITIVE_INFINITY) return
    this.#armed = true
    this.#due = head.at
    const milliseconds = head.at - this.#weather.now()
    if (milliseconds > 0) this.#cancel = this.#to.scheduler.after(milliseconds, this.#read)
    else this.#to.scheduler.post(this.#read)
  }

  /** A turn of the receiver: it takes everything that has arrived. The time it was set for counts, its own clock may be fast. */
  readonly #read = (): void => {
    this.#armed = false
    this.#cancel = null
    const until = Math.max(this.#due, this.#weather.now())
    try {
      if (this.#to.splits) this.#readBytes(until)
      else this.#readFrames(until)
    } finally {
      this.#pump()
    }
  }

  #readFrames(until: number): void {
    for (let bytes = this.#next(until); bytes !== undefined; bytes = this.#next(until)) {
      if (bytes === null) return this.#to.end(this.#endDetail)
      this.#to.takeFrame(bytes)
    }
  }

  /** What has arrived by one moment is one chunk, as a socket would hand it over. */
  #readBytes(until: number): void {
    const chunks: Uint8Array[] = []
    let bytes = this.#next(until)
    for (; bytes !== undefined && bytes !== null; bytes = this.#next(until)) chunks.push(bytes)
    if (chunks.length > 0) this.#to.takeBytes(joined(chunks))
    if (bytes === null) this.#to.end(this.#endDetail)
  }

  /** Null for the end, undefined when nothing has arrived. */
  #next(until: number): Uint8Array | null | undefined {
    const head = this.#flight.head
    if (head === undefined || head.at > until || this.#dark || !this.#way.passes || !this.#to.reads) return undefined
    this.#flight.shift()
    if (head.bytes !== null) this.#flightBytes -= head.bytes.length
    return head.bytes
  }
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const [only] = chunks
  if (chunks.length === 1 && only !== undefined) return only
  const all = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0))
  let offset = 0
  for (const chunk of chunks) {
    all.set(chunk, offset)
    offset += chunk.length
  }
  return all
}
