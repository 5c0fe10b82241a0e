import type { CancelTimer, Runtime } from '../base/index.js'

/**
 * Counts ticks of `tickTime`. A turn of the event loop that comes late is made up for tick by tick, with the loop turning in between: what
 * arrived meanwhile is heard before anybody is called silent. Beyond `ticksMax` missed ticks no further one is made up for.
 */
export class Ticker {
  readonly #runtime: Runtime
  readonly #tickTime: number
  readonly #ticksMax: number
  readonly #onTick: () => void
  readonly #onLate: (milliseconds: number) => void
  #cancelTimer: CancelTimer | null = null
  #due = 0
  #closed = false

  constructor(runtime: Runtime, tickTime: number, ticksMax: number, onTick: () => void, onLate: (milliseconds: number) => void) {
    this.#runtime = runtime
    this.#tickTime = tickTime
    this.#ticksMax = ticksMax
    this.#onTick = onTick
    this.#onLate = onLate
  }

  start(): void {
    this.#due = this.#runtime.clock.monotonic() + this.#tickTime
    this.#arm()
  }

  close(): void {
    this.#closed = true
    this.#cancelTimer?.()
  }

  #arm(): void {
    const wait = Math.max(0, this.#due - this.#runtime.clock.monotonic())
    this.#cancelTimer = this.#runtime.scheduler.after(wait, () => this.#fire())
  }

  #fire(): void {
    const late = this.#runtime.clock.monotonic() - this.#due
    const missed = Math.max(0, Math.floor(late / this.#tickTime))
    this.#due += (missed + 1) * this.#tickTime
    if (missed > 0) this.#onLate(late)
    this.#tick(Math.min(1 + missed, this.#ticksMax))
  }

  #tick(remaining: number): void {
    if (this.#closed) return
    this.#onTick()
    if (remaining > 1) this.#runtime.scheduler.post(() => this.#tick(remaining - 1))
    else this.#arm()
  }
}
