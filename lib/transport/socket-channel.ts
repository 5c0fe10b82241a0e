import type { Socket } from 'node:net'
import { nextTick } from 'node:process'
import { assert, isZooKeeperError, LIMITS, present, type Scheduler } from '../base/index.js'
import { FrameDecoder, FrameQueue } from '../wire/index.js'
import type { Channel, ChannelHandlers, CloseReason } from './transport.js'

/** Bytes given to the system in one write. More would only make `bufferedBytes` coarse: a write counts until all of it has left. */
const WRITE_BYTES_MAX = 1024 * 1024

/** How long a close with `flush` waits for what was sent before, and for the other side to take it. */
const FLUSH_MILLISECONDS = 1_000

/**
 * Frames over a stream socket: TCP, TLS, a unix socket or a named pipe.
 *
 * Frames that one callback sends leave in one write as soon as it is done, and while a write is under way the next ones collect. One at a time, so
 * that what waits is in our own queue, where it can be counted and bounded.
 *
 * PERF: a write costs the sender tens of microseconds, most of it for waking the receiver; and a receiver that is woken before the sender goes on
 * with its own part has as much more time for its (docs/decisions/0026).
 */
export class SocketChannel implements Channel {
  readonly remote: string
  readonly #scheduler: Scheduler
  readonly #connection: Socket
  /** Where frames go: the connection itself, or the encrypted stream over it; null until that has been agreed on. */
  #stream: Socket | null = null
  #handlers: ChannelHandlers | null = null
  readonly #decoder = new FrameDecoder(LIMITS.handshakeBytesMax)
  readonly #queue = new FrameQueue()
  #framesHeard = 0
  #bytesInWrite = 0
  #flushArmed = false
  #high = false
  /** Set by whoever closed first. */
  #reason: CloseReason | null = null
  #flushing = false
  #ended = false

  /** @param stream null when the connection is still to be encrypted: see {@link useStream} */
  constructor(connection: Socket, stream: Socket | null, remote: string, scheduler: Scheduler) {
    this.remote = remote
    this.#scheduler = scheduler
    this.#connection = connection
    connection.setNoDelay(true)
    connection.on('error', error => this.fail(error))
    connection.on('close', () => this.#onClosed())
    if (stream !== null) this.useStream(stream)
  }

  get bufferedBytes(): number {
    return this.#queue.bytes + this.#bytesInWrite
  }

  start(handlers: ChannelHandlers): void {
    assert(this.#handlers === null, 'a channel is started once')
    this.#handlers = handlers
    if (this.#stream !== null) this.#read(this.#stream)
  }

  /** The encryption that the channel was waiting for is agreed on. */
  useStream(stream: Socket): void {
    this.#stream = stream
    if (stream !== this.#connection) {
      stream.on('error', error => this.fail(error))
      stream.on('close', () => this.#onClosed())
    }
    if (this.#handlers !== null) this.#read(stream)
    this.#armFlush()
  }

  send(frame: Uint8Array): void {
    assert(frame.length <= LIMITS.frameBytesMax, 'a frame that is sent is within its bound')
    if (this.#reason !== null) return
    this.#queue.push(frame)
    if (this.bufferedBytes > LIMITS.linkQueueBytesHigh) this.#high = true
    this.#armFlush()
  }

  limitFrames(bytesMax: number): void {
    this.#decoder.limit(bytesMax)
  }

  close(reason: CloseReason, options: { readonly flush?: boolean } = {}): void {
    if (this.#reason !== null) return
    this.#reason = reason
    if (options.flush !== true || this.#stream === null) {
      this.#queue.clear()
      this.#destroy()
      return
    }
    this.#flushing = true
    this.#stream.resume()
    const cancel = this.#scheduler.after(FLUSH_MILLISECONDS, () => this.#destroy())
    this.#connection.once('close', cancel)
    this.#flush()
  }

  #read(stream: Socket): void {
    stream.on('data', (chunk: Uint8Array) => this.#onData(chunk))
  }

  #onData(chunk: Uint8Array): void {
    // What arrives while a close flushes is read and dropped: unread bytes would make the system reset the connection, and with it lose
    // what we are still sending.
    if (this.#reason !== null) return
    this.#decoder.push(chunk)
    for (let frame = this.#nextFrame(chunk); frame !== null; frame = this.#nextFrame(chunk)) {
      this.#framesHeard++
      this.#handlers?.onFrame(frame)
    }
  }

  #nextFrame(chunk: Uint8Array): Uint8Array | null {
    if (this.#reason !== null) return null
    try {
      return this.#decoder.next()
    } catch (error) {
      if (!isZooKeeperError(error, 'BAD_FRAME')) throw error
      if (this.#framesHeard === 0 && isTlsRecord(chunk)) {
        this.close({ code: 'AUTHENTICATION_FAILED', detail: 'the other side uses a secret, and this one none' })
      } else {
        this.close({ code: 'BAD_FRAME', detail: error.message })
      }
      return null
    }
  }

  #armFlush(): void {
    if (this.#flushArmed || this.#bytesInWrite > 0) return
    this.#flushArmed = true
    nextTick(this.#onCallbackOver)
  }

  readonly #onCallbackOver = (): void => {
    this.#flushArmed = false
    this.#flush()
  }

  #flush(): void {
    const stream = this.#stream
    if (stream === null || this.#bytesInWrite > 0 || stream.destroyed) return
    if (this.#queue.bytes === 0) {
      if (this.#flushing) stream.end()
      return
    }
    const bytesBefore = this.#queue.bytes
    const pieces = this.#queue.take(WRITE_BYTES_MAX)
    const bytes = bytesBefore - this.#queue.bytes
    this.#bytesInWrite = bytes
    const last = present(pieces.pop(), 'what waits is at least one piece')
    // PERF: nearly always it is one, and that needs no gathering.
    const gathers = pieces.length > 0
    if (gathers) stream.cork()
    for (const piece of pieces) stream.write(piece)
    stream.write(last, this.#onWritten)
    if (gathers) stream.uncork()
  }

  readonly #onWritten = (error?: Error | null): void => {
    this.#bytesInWrite = 0
    if (error) return
    if (this.#high && this.bufferedBytes <= LIMITS.linkQueueBytesHigh) {
      this.#high = false
      if (this.#reason === null) this.#handlers?.onDrain()
    }
    this.#flush()
  }

  /**
   * Ends the channel for an error of the connection, or of the attempt to encrypt it. Until that is agreed on, an error of the TLS library
   * says that the other side could not prove that it has the secret, or uses none.
   */
  fail(error: NodeJS.ErrnoException): void {
    this.#reason ??= {
      code: this.#stream === null && isTlsRefusal(error) ? 'AUTHENTICATION_FAILED' : 'CONNECTION_LOSS',
      detail: error.code ?? error.message
    }
    this.#destroy()
  }

  #destroy(): void {
    this.#stream?.destroy()
    this.#connection.destroy()
  }

  #onClosed(): void {
    if (this.#ended) return
    this.#ended = true
    this.#destroy()
    this.#queue.clear()
    this.#reason ??= {
      code: 'CONNECTION_LOSS',
      detail: this.#decoder.atBoundary ? 'closed by the other side' : 'closed by the other side within a frame'
    }
    const reason = this.#reason
    setImmediate(() => this.#handlers?.onClose(reason))
  }
}

/** Whether bytes begin as everything in TLS does: the kind of a record, and the version's major number. */
function isTlsRecord(bytes: Uint8Array): boolean {
  const [kind = 0, major] = bytes
  return kind >= 0x14 && kind <= 0x17 && major === 3
}

/** Whether it was the TLS library that gave up, and not the network. */
export function isTlsRefusal(error: NodeJS.ErrnoException): boolean {
  return error.code?.startsWith('ERR_SSL_') === true || error.code === 'EPROTO'
}
