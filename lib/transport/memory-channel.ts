import { assert, LIMITS, present, type Scheduler } from '../base/index.js'
import type { MemoryNetwork } from './memory-network.js'
import type { Channel, ChannelHandlers, CloseReason } from './transport.js'

const CLOSED_BY_PEER: CloseReason = { code: 'CONNECTION_LOSS', detail: 'closed by the other side' }

/** One end of a channel in memory. What it sends is in flight until the other end's scheduler has delivered it. */
export class MemoryChannel implements Channel {
  /** The member whose end this is. */
  readonly owner: string
  readonly #network: MemoryNetwork
  readonly #scheduler: Scheduler
  #far: MemoryChannel | null = null
  #handlers: ChannelHandlers | null = null
  #bytesMax: number = LIMITS.handshakeBytesMax
  /** Sent and not delivered, oldest first; null stands for the end. */
  #flight: (Uint8Array | null)[] = []
  #flightBytes = 0
  /** Arrivals at the other end that could not take place: it was not started yet, or the network swallows. */
  #held = 0
  #high = false
  #closed = false
  #stranded = false
  /** Why it was lost between its making and its start. */
  #lost: CloseReason | null = null

  constructor(network: MemoryNetwork, owner: string, scheduler: Scheduler) {
    this.#network = network
    this.owner = owner
    this.#scheduler = scheduler
  }

  get remote(): string {
    return `memory:${this.#other.owner}`
  }

  get bufferedBytes(): number {
    return this.#flightBytes
  }

  /** For {@link MemoryNetwork}, like all below that is not of {@link Channel}. */
  connect(far: MemoryChannel): void {
    this.#far = far
  }

  start(handlers: ChannelHandlers): void {
    assert(this.#handlers === null, 'a channel is started once')
    this.#handlers = handlers
    if (this.#lost !== null) this.#tell(handlers, this.#lost)
    this.#other.#resume()
  }

  send(frame: Uint8Array): void {
    assert(frame.length <= LIMITS.frameBytesMax, 'a frame that is sent is within its bound')
    if (this.#closed) return
    this.#flightBytes += frame.length
    if (this.#flightBytes > LIMITS.linkQueueBytesHigh) this.#high = true
    this.#depart(new Uint8Array(frame))
  }

  limitFrames(bytesMax: number): void {
    this.#bytesMax = bytesMax
  }

  close(reason: CloseReason, options: { readonly flush?: boolean } = {}): void {
    if (this.#closed) return
    if (options.flush !== true) this.#dropFlight()
    this.#depart(null)
    this.lose(reason)
  }

  /** Whether this end belongs to a channel between the two. */
  lies(a: string, b: string): boolean {
    const far = this.#other.owner
    return (this.owner === a && far === b) || (this.owner === b && far === a)
  }

  /** Ends this end alone and tells its owner. */
  lose(reason: CloseReason): void {
    if (this.#closed) return
    this.#end()
    if (this.#handlers === null) this.#lost = reason
    else this.#tell(this.#handlers, reason)
  }

  /** Ends this end without telling its owner, and tells the other end unless `silent`. */
  vanish(silent: boolean): void {
    if (this.#closed) return
    this.#dropFlight()
    if (!silent) this.#depart(null)
    this.#end()
  }

  /** From now on nothing of this end arrives, for ever. */
  strand(): void {
    this.#stranded = true
  }

  /** Lets what was swallowed arrive. */
  release(): void {
    this.#resume()
  }

  get #other(): MemoryChannel {
    return present(this.#far, 'a channel in memory has two ends')
  }

  #tell(handlers: ChannelHandlers, reason: CloseReason): void {
    this.#scheduler.post(() => handlers.onClose(reason))
  }

  /** The network forgets a channel with its second end: until then what the first has left in flight may still arrive. */
  #end(): void {
    this.#closed = true
    if (!this.#other.#closed) return
    this.#network.forgetChannel(this)
    this.#network.forgetChannel(this.#other)
  }

  #dropFlight(): void {
    this.#flight = []
    this.#flightBytes = 0
  }

  #depart(frame: Uint8Array | null): void {
    this.#flight.push(frame)
    this.#hop()
  }

  #resume(): void {
    const held = this.#held
    this.#held = 0
    for (let arrival = 0; arrival < held; arrival++) this.#hop()
  }

  /** Every frame has its own way to go, and whichever arrives takes the oldest along: order holds whatever the latencies are. */
  #hop(): void {
    this.#network.hop(this.owner, this.#other.owner, this.#other.#scheduler, () => this.#arrive())
  }

  #arrive(): void {
    const far = this.#other
    if (far.#closed || this.#stranded) return
    if (far.#handlers === null || this.#network.isSwallowed(this.owner, far.owner)) {
      this.#held++
      return
    }
    const frame = this.#flight.shift()
    if (frame === undefined) return
    if (frame === null) {
      far.#end()
      far.#handlers.onClose(CLOSED_BY_PEER)
      return
    }
    this.#flightBytes -= frame.length
    if (this.#high && this.#flightBytes <= LIMITS.linkQueueBytesHigh) {
      this.#high = false
      this.#scheduler.post(() => {
        if (!this.#closed) this.#handlers?.onDrain()
      })
    }
    if (frame.length > far.#bytesMax) {
      far.close({ code: 'BAD_FRAME', detail: `a frame of ${frame.length} bytes, at most ${far.#bytesMax} are allowed` })
    } else far.#handlers.onFrame(frame)
  }
}
