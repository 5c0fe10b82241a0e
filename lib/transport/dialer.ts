import { type CancelTimer, isZooKeeperError, type MemberId, type Runtime } from '../base/index.js'
import type { Handshake } from './handshake.js'
import type { Address, Channel, Refusal, Transport } from './transport.js'

const BACKOFF_FIRST_MILLISECONDS = 20
const BACKOFF_LAST_MILLISECONDS = 1_000

export interface DialerOptions {
  readonly peer: MemberId
  readonly address: Address
  readonly transport: Transport
  readonly runtime: Runtime
  readonly deadlineMilliseconds: number
  /** Begins the handshake on a channel. */
  readonly shake: (channel: Channel) => Handshake
  readonly onRefused: (refusal: Refusal) => void
}

/** Tries to reach one peer for as long as there is no link to it: one attempt at a time, ever less often, never all members at once. */
export class Dialer {
  readonly #options: DialerOptions
  #wanted = false
  #delay = 0
  #cancelRetry: CancelTimer | null = null
  #attempt: AbortController | null = null
  #handshake: Handshake | null = null

  constructor(options: DialerOptions) {
    this.#options = options
  }

  /**
   * There is no link: dial, at once the first time.
   * @param linkMilliseconds how long the link lasted that was lost. One that lasted longer than it took to wait for it counts as success
   * and waiting begins anew; a peer that is connected and lost again and again is dialled as slowly as one that is not there.
   */
  resume(linkMilliseconds = 0): void {
    if (this.#wanted) return
    this.#wanted = true
    if (linkMilliseconds > this.#delay && this.#delay > 0) this.#delay = BACKOFF_FIRST_MILLISECONDS
    this.#schedule()
  }

  /** There is a link, made of `chosen`: no attempt is needed, and one that is under way is given up unless it is that one. */
  pause(chosen: Handshake | null): void {
    this.#wanted = false
    if (this.#delay === 0) this.#delay = BACKOFF_FIRST_MILLISECONDS
    this.#cancelRetry?.()
    this.#cancelRetry = null
    this.#attempt?.abort()
    this.#attempt = null
    const handshake = this.#handshake
    this.#handshake = null
    if (handshake !== chosen) handshake?.abandon('another channel has become the link')
  }

  /** To be told of every handshake that came to nothing. */
  onFailed(handshake: Handshake): void {
    if (this.#handshake !== handshake) return
    this.#handshake = null
    if (this.#wanted) this.#schedule()
  }

  #schedule(): void {
    const { runtime } = this.#options
    const milliseconds = this.#delay * (0.5 + runtime.random.float() / 2)
    this.#delay = this.#delay === 0 ? BACKOFF_FIRST_MILLISECONDS : Math.min(this.#delay * 2, BACKOFF_LAST_MILLISECONDS)
    this.#cancelRetry = runtime.scheduler.after(milliseconds, () => {
      this.#cancelRetry = null
      this.#dial()
    })
  }

  #dial(): void {
    const { runtime, deadlineMilliseconds } = this.#options
    const attempt = new AbortController()
    this.#attempt = attempt
    const cancelDeadline = runtime.scheduler.after(deadlineMilliseconds, () => attempt.abort())
    this.#connect(attempt)
      .finally(cancelDeadline)
      .catch((bug: unknown) => runtime.scheduler.post(() => raise(bug)))
  }

  async #connect(attempt: AbortController): Promise<void> {
    const { address, transport, shake, onRefused, peer } = this.#options
    try {
      const channel = await transport.dial(address, attempt.signal)
      if (this.#attempt !== attempt) {
        channel.close({ code: 'CLOSED', detail: 'another channel has become the link' })
        return
      }
      this.#attempt = null
      this.#handshake = shake(channel)
    } catch (error) {
      if (!isZooKeeperError(error) && !attempt.signal.aborted) throw error
      if (this.#attempt !== attempt) return
      this.#attempt = null
      if (isZooKeeperError(error, 'AUTHENTICATION_FAILED')) {
        onRefused({ code: 'AUTHENTICATION_FAILED', detail: error.message, peer, remote: false })
      }
      this.#schedule()
    }
  }
}

function raise(bug: unknown): never {
  throw bug
}
