import { type Outcome, ZooKeeperError } from '../base/index.js'
import type { Deadlines } from './deadlines.js'
import type { CallOptions } from './zookeeper.js'

/** One call that waits for something: settled once, by its answer, its deadline, its signal or the end of its session. */
export class Call<T> {
  readonly promise: Promise<T>
  /** What is known of its write when its time is over: once it is on its way nobody knows any more. */
  outcome: Outcome = 'unknown'
  #resolve!: (value: T) => void
  #reject!: (reason: unknown) => void
  #settled = false
  #cancelDeadline: () => void
  readonly #signal: AbortSignal | undefined
  readonly #onAbort = () => this.reject(this.#signal?.reason)

  constructor(deadlines: Deadlines, requestTimeout: number, options: CallOptions) {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    const milliseconds = options.timeout ?? requestTimeout
    this.#cancelDeadline = deadlines.add(milliseconds, () => {
      const message = `no answer within ${milliseconds} ms`
      this.reject(new ZooKeeperError('OPERATION_TIMEOUT', { message, outcome: this.outcome }))
    })
    this.#signal = options.signal
    if (this.#signal?.aborted === true) this.reject(this.#signal.reason)
    else this.#signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  get settled(): boolean {
    return this.#settled
  }

  resolve(value: T): void {
    if (this.#finish()) this.#resolve(value)
  }

  reject(reason: unknown): void {
    if (this.#finish()) this.#reject(reason)
  }

  /** Settles with what `produce` returns or throws. */
  settle(produce: () => T): void {
    if (this.#settled) return
    try {
      this.resolve(produce())
    } catch (error) {
      this.reject(error)
    }
  }

  #finish(): boolean {
    if (this.#settled) return false
    this.#settled = true
    this.#cancelDeadline()
    this.#signal?.removeEventListener('abort', this.#onAbort)
    return true
  }
}
