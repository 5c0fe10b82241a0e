import { type Outcome, ZooKeeperError } from '../base/index.js'
import { Deadline, type Deadlines } from './deadlines.js'
import type { CallOptions } from './zookeeper.js'

/** One call that waits for something: settled once, by its answer, its deadline, its signal or the end of its session. */
export class Call<T> extends Deadline {
  readonly promise: Promise<T>
  /** What is known of its write when its time is over: once it is on its way nobody knows any more. */
  outcome: Outcome = 'unknown'
  #resolve!: (value: T) => void
  #reject!: (reason: unknown) => void
  #settled = false
  readonly #deadlines: Deadlines
  readonly #milliseconds: number
  readonly #signal: AbortSignal | undefined
  #onAbort: (() => void) | null = null

  constructor(deadlines: Deadlines, requestTimeout: number, options: CallOptions) {
    const milliseconds = options.timeout ?? requestTimeout
    super(deadlines.behind(milliseconds))
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.#milliseconds = milliseconds
    this.#deadlines = deadlines
    deadlines.set(this)
    this.#signal = options.signal
    if (this.#signal === undefined) return
    this.#onAbort = () => this.reject(this.#signal?.reason)
    if (this.#signal.aborted) this.#onAbort()
    else this.#signal.addEventListener('abort', this.#onAbort, { once: true })
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

  /** Its time is over. */
  onPassed(): void {
    const message = `no answer within ${this.#milliseconds} ms`
    this.reject(new ZooKeeperError('OPERATION_TIMEOUT', { message, outcome: this.outcome }))
  }

  #finish(): boolean {
    if (this.#settled) return false
    this.#settled = true
    this.#deadlines.lift(this)
    if (this.#onAbort !== null) this.#signal?.removeEventListener('abort', this.#onAbort)
    return true
  }
}
