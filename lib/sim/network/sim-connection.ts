import type { Scheduler } from '../../base/index.js'
import type { CloseReason } from '../../transport/index.js'
import { SimChannel } from './sim-channel.js'
import { FramedBytes, type SimOutbox, WholeFrames } from './sim-outbox.js'
import { SimStream, type SimWeather } from './sim-stream.js'
import type { SimWay } from './sim-way.js'

export interface SimConnectionSetup {
  readonly weather: SimWeather
  /** Null hands frames over whole. */
  readonly segmentBytes: number | null
  readonly there: SimWay
  readonly back: SimWay
  readonly near: Scheduler
  readonly far: Scheduler
  /** Both ends are closed. */
  readonly onOver: () => void
  /** What was sent has been lost too often. */
  readonly onLost: () => void
}

/** One connection: two ends and a stream each way. */
export class SimConnection {
  /** The end of who dialled. */
  readonly near: SimChannel
  readonly far: SimChannel
  readonly there: SimWay
  readonly back: SimWay
  readonly #outbound: SimStream
  readonly #inbound: SimStream

  constructor(setup: SimConnectionSetup) {
    const { weather, segmentBytes, there, back, near, far, onOver, onLost } = setup
    const onClosed = () => {
      if (this.near.closed && this.far.closed) onOver()
    }
    const outbox = (): SimOutbox => (segmentBytes === null ? new WholeFrames() : new FramedBytes(weather.random, segmentBytes))
    this.there = there
    this.back = back
    this.near = new SimChannel(there.from, there.to, near, segmentBytes !== null, onClosed)
    this.far = new SimChannel(there.to, there.from, far, segmentBytes !== null, onClosed)
    this.#outbound = new SimStream(weather, { way: there, back }, { from: this.near, to: this.far }, outbox(), onLost)
    this.#inbound = new SimStream(weather, { way: back, back: there }, { from: this.far, to: this.near }, outbox(), onLost)
    this.near.connect(this.#outbound)
    this.far.connect(this.#inbound)
    this.near.onStarted = () => this.#inbound.resume()
    this.far.onStarted = () => this.#outbound.resume()
    this.near.goodbye = () => weather.latency(there)
    this.far.goodbye = () => weather.latency(back)
  }

  get ends(): readonly SimChannel[] {
    return [this.near, this.far]
  }

  /** Whether both ends know of each other, as far as can be told from outside. */
  get open(): boolean {
    return !this.near.closed && !this.far.closed
  }

  /** Whether it waits for what will never arrive. */
  get lost(): boolean {
    return this.#outbound.lost || this.#inbound.lost
  }

  lies(a: string, b: string): boolean {
    const { from, to } = this.there
    return (from === a && to === b) || (from === b && to === a)
  }

  /** Both ends are told, and nothing of what was under way arrives. */
  lose(reason: CloseReason): void {
    this.darken()
    for (const end of this.ends) end.lose(reason)
  }

  /** Each end hears of it after a time of its own, and until then some of what was under way. */
  reset(detail: string, delayOf: (way: SimWay) => number): void {
    this.#outbound.breakOff(detail, delayOf(this.there), true)
    this.#inbound.breakOff(detail, delayOf(this.back), true)
  }

  darken(): void {
    this.#outbound.darken()
    this.#inbound.darken()
  }

  resume(): void {
    this.#outbound.resume()
    this.#inbound.resume()
  }

  /** What was sent on that way while it swallowed is sent again. */
  retransmit(way: SimWay, milliseconds: number): void {
    if (way === this.there) this.#outbound.retransmit(milliseconds)
    else if (way === this.back) this.#inbound.retransmit(milliseconds)
  }

  hurry(): void {
    this.#outbound.hurry()
    this.#inbound.hurry()
  }
}
