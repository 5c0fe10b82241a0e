import { assert, type CancelTimer, isZooKeeperError, LIMITS, present, type Scheduler } from '../../base/index.js'
import type { Channel, ChannelHandlers, CloseReason } from '../../transport/index.js'
import { FrameDecoder } from '../../wire/index.js'
import type { SimStream } from './sim-stream.js'

/** How long a close with `flush` waits for the other side to take what was sent before: as long as a socket's does. */
const FLUSH_MILLISECONDS = 1_000

/** One end of a simulated connection, as its owner sees it. */
export class SimChannel implements Channel {
  /** The member whose end this is. */
  readonly owner: string
  readonly scheduler: Scheduler
  readonly remote: string
  /** Null when frames are handed over whole. */
  readonly #decoder: FrameDecoder | null
  /** Told when this end is closed, whoever closed it. */
  readonly #onClosed: () => void
  #out: SimStream | null = null
  #handlers: ChannelHandlers | null = null
  #bytesMax: number = LIMITS.handshakeBytesMax
  #state: 'open' | 'flushing' | 'closed' = 'open'
  /** Its owner's process is gone: nobody is told anything. */
  #ownerless = false
  #reason: CloseReason | null = null
  #cancelFlush: CancelTimer | null = null

  constructor(owner: string, peer: string, scheduler: Scheduler, splits: boolean, onClosed: () => void) {
    this.owner = owner
    this.scheduler = scheduler
    this.remote = `memory:${peer}`
    this.#decoder = splits ? new FrameDecoder(LIMITS.handshakeBytesMax) : null
    this.#onClosed = onClosed
  }

  get bufferedBytes(): number {
    return this.#outgoing.waitingBytes
  }

  /** For the connection and its streams, like all that is not of {@link Channel}: what it sends leaves by `out`. */
  connect(out: SimStream): void {
    this.#out = out
  }

  /** Whether it takes segments that are parts of frames. */
  get splits(): boolean {
    return this.#decoder !== null
  }

  /** Whether it takes what arrives. */
  get reads(): boolean {
    return this.#handlers !== null && this.#state !== 'closed'
  }

  get closed(): boolean {
    return this.#state === 'closed'
  }

  start(handlers: ChannelHandlers): void {
    assert(this.#handlers === null, 'a channel is started once')
    this.#handlers = handlers
    if (this.closed) this.#tellClosed()
    else this.onStarted()
  }

  /** Set by the connection: what has arrived before waits for the start. */
  onStarted: () => void = () => {}

  send(frame: Uint8Array): void {
    assert(frame.length <= LIMITS.frameBytesMax, 'a frame that is sent is within its bound')
    if (this.#state === 'open') this.#outgoing.push(frame)
  }

  limitFrames(bytesMax: number): void {
    this.#bytesMax = bytesMax
    this.#decoder?.limit(bytesMax)
  }

  close(reason: CloseReason, options: { readonly flush?: boolean } = {}): void {
    if (this.#state !== 'open') return
    this.#reason = reason
    if (options.flush === true) {
      this.#state = 'flushing'
      this.#cancelFlush = this.scheduler.after(FLUSH_MILLISECONDS, () => this.#destroy(reason))
      this.#outgoing.finish()
    } else this.#destroy(reason)
  }

  takeFrame(frame: Uint8Array): void {
    if (this.#state !== 'open') return
    if (frame.length > this.#bytesMax) {
      this.close({ code: 'BAD_FRAME', detail: `a frame of ${frame.length} bytes, at most ${this.#bytesMax} are allowed` })
    } else this.#handlers?.onFrame(frame)
  }

  /** What arrives while a close flushes is read and dropped, as a socket does. */
  takeBytes(chunk: Uint8Array): void {
    if (this.#state !== 'open') return
    present(this.#decoder, 'bytes are for an end that decodes').push(chunk)
    for (let frame = this.#nextFrame(); frame !== null; frame = this.#nextFrame()) this.#handlers?.onFrame(frame)
  }

  /** The stream to this end is over. */
  end(detail: string): void {
    const within = this.#decoder !== null && !this.#decoder.atBoundary ? ' within a frame' : ''
    this.#destroy({ code: 'CONNECTION_LOSS', detail: `${detail}${within}` })
  }

  /** Ends this end alone and tells its owner. The other end is not told. */
  lose(reason: CloseReason): void {
    if (this.closed) return
    this.#outgoing.breakOff('', null)
    this.#becomeClosed(reason)
  }

  /** Ends this end because its owner is gone. The other end hears of it unless `silent`. */
  vanish(silent: boolean): void {
    this.#ownerless = true
    if (this.closed) return
    if (silent) this.#outgoing.breakOff('', null)
    else this.#outgoing.breakOff('closed by the other side', this.goodbye())
    this.#becomeClosed({ code: 'CONNECTION_LOSS', detail: 'its process is gone' })
  }

  /** Set by the connection: how long the news of the end is on its way. */
  goodbye: () => number = () => 0

  tellDrained(): void {
    this.scheduler.post(() => {
      if (this.#state === 'open' && !this.#ownerless) this.#handlers?.onDrain()
    })
  }

  get #outgoing(): SimStream {
    return present(this.#out, 'an end of a connection has a way out')
  }

  #nextFrame(): Uint8Array | null {
    if (this.#state !== 'open' || this.#decoder === null) return null
    try {
      return this.#decoder.next()
    } catch (error) {
      if (!isZooKeeperError(error, 'BAD_FRAME')) throw error
      this.close({ code: 'BAD_FRAME', detail: error.message })
      return null
    }
  }

  /** What has not left never will, and the other end is told. */
  #destroy(reason: CloseReason): void {
    if (this.closed) return
    this.#outgoing.breakOff('closed by the other side', this.goodbye())
    this.#becomeClosed(reason)
  }

  #becomeClosed(reason: CloseReason): void {
    this.#state = 'closed'
    this.#cancelFlush?.()
    this.#reason ??= reason
    this.#tellClosed()
    this.#onClosed()
  }

  #tellClosed(): void {
    const handlers = this.#handlers
    const reason = present(this.#reason, 'a closed channel knows why')
    if (handlers === null) return
    this.scheduler.post(() => {
      if (!this.#ownerless) handlers.onClose(reason)
    })
  }
}
