import { assert, type CancelTimer, LIMITS, type Runtime } from '../base/index.js'
import type { Channel, ChannelHandlers, CloseReason, LinkGeneration, PeerIntroduction } from './transport.js'

/** The first byte of the links' own frames: the one that msgpack never uses, so no message begins with it. */
const CONTROL = 0xc1
const BEAT = 0
const PROBE = 1
const ALIVE = 2

export interface LinkOptions {
  readonly runtime: Runtime
  /** How often a link that has nothing to send shows life. */
  readonly keepaliveMilliseconds: number
  /** A link on which nothing was heard for as long is dead. */
  readonly silenceMilliseconds: number
  readonly queueBytesMax: number
}

export interface LinkEvents {
  onFrame(frame: Uint8Array): void
  onDrain(): void
  /** The other side has answered a {@link Link.probe}. */
  onAlive(): void
  /** Called once, at once, whoever ended it. */
  onDown(reason: CloseReason): void
}

/** A channel whose other end is known: keeps itself alive, notices when nobody is there any more, and bounds what waits to be sent. */
export class Link implements ChannelHandlers {
  readonly peer: PeerIntroduction
  readonly generation: LinkGeneration
  /** Set when the member wants nothing of it any more: what had arrived before is dropped as well. */
  muted = false
  readonly #channel: Channel
  readonly #options: LinkOptions
  readonly #events: LinkEvents
  #down = false
  #heardAt: number
  #tickAt: number
  #sentSinceTick = false
  #probing = false
  #cancelTick: CancelTimer

  constructor(channel: Channel, peer: PeerIntroduction, generation: LinkGeneration, options: LinkOptions, events: LinkEvents) {
    this.#channel = channel
    this.peer = peer
    this.generation = generation
    this.#options = options
    this.#events = events
    this.#heardAt = this.#tickAt = options.runtime.clock.monotonic()
    this.#cancelTick = this.#armTick()
  }

  get bufferedBytes(): number {
    return this.#channel.bufferedBytes
  }

  send(frame: Uint8Array): void {
    assert(frame.length > 0 && frame.length <= LIMITS.frameBytesMax, 'a frame that is sent is within its bounds')
    assert(frame[0] !== CONTROL, 'no message begins with the byte of the links own frames')
    if (this.#down) return
    if (this.#channel.bufferedBytes + frame.length > this.#options.queueBytesMax) {
      this.cut({ code: 'CONNECTION_LOSS', detail: 'the peer does not take what is sent: the queue is full' })
      return
    }
    this.#send(frame)
  }

  /** Asks the other side to show life. */
  probe(): void {
    if (this.#down || this.#probing) return
    this.#probing = true
    this.#send(Uint8Array.of(CONTROL, PROBE))
  }

  /** Ends it, with `flush` after what was sent before has left. */
  cut(reason: CloseReason, options: { readonly flush?: boolean } = {}): void {
    this.#channel.close(reason, options)
    this.#end(reason)
  }

  onFrame(frame: Uint8Array): void {
    if (this.#down) return
    this.#heardAt = this.#options.runtime.clock.monotonic()
    if (frame.length === 0 || frame[0] === CONTROL) this.#onControl(frame)
    else this.#events.onFrame(frame)
  }

  onDrain(): void {
    if (!this.#down) this.#events.onDrain()
  }

  onClose(reason: CloseReason): void {
    this.#end(reason)
  }

  #onControl(frame: Uint8Array): void {
    if (frame.length !== 2) return this.#refuse()
    switch (frame[1]) {
      case BEAT:
        return
      case PROBE:
        return this.#send(Uint8Array.of(CONTROL, ALIVE))
      case ALIVE:
        this.#probing = false
        return this.#events.onAlive()
      default:
        return this.#refuse()
    }
  }

  #refuse(): void {
    this.cut({ code: 'BAD_FRAME', detail: 'a frame that no link sends' })
  }

  #send(frame: Uint8Array): void {
    this.#sentSinceTick = true
    this.#channel.send(frame)
  }

  #armTick(): CancelTimer {
    return this.#options.runtime.scheduler.after(this.#options.keepaliveMilliseconds, () => this.#tick())
  }

  #tick(): void {
    if (this.#down) return
    const { keepaliveMilliseconds, silenceMilliseconds, runtime } = this.#options
    const now = runtime.clock.monotonic()
    // Our own loop has stood still: what the peer has sent meanwhile waits to be read, so this is no time to judge its silence.
    const stalled = now - this.#tickAt > 2 * keepaliveMilliseconds
    if (!stalled && now - this.#heardAt >= silenceMilliseconds) {
      this.cut({ code: 'CONNECTION_LOSS', detail: `nothing was heard for ${silenceMilliseconds} ms` })
      return
    }
    if (!this.#sentSinceTick) this.#send(Uint8Array.of(CONTROL, BEAT))
    this.#sentSinceTick = false
    this.#tickAt = now
    this.#cancelTick = this.#armTick()
  }

  #end(reason: CloseReason): void {
    if (this.#down) return
    this.#down = true
    this.#cancelTick()
    this.#events.onDown(reason)
  }
}
