import type { CancelTimer, Runtime } from '../base/index.js'

/** How exactly a deadline is met, in milliseconds: it passes at the first look behind it. */
const LOOK_MILLISECONDS = 20

/** Something that is over at a time. */
export interface Deadline {
  /** On the monotonic clock. */
  readonly at: number
  onPassed(): void
}

/** Many deadlines on one timer, which runs only while there are any. */
export class Deadlines {
  readonly #runtime: Runtime
  readonly #pending = new Set<Deadline>()
  #cancelTimer: CancelTimer | null = null

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  /** The time behind `milliseconds` from now. */
  behind(milliseconds: number): number {
    return this.#runtime.clock.monotonic() + milliseconds
  }

  /** Calls its `onPassed` once it has passed, unless it is lifted before. PERF: every call has one, so it is an object of the caller's. */
  set(deadline: Deadline): void {
    this.#pending.add(deadline)
    this.#cancelTimer ??= this.#runtime.scheduler.after(LOOK_MILLISECONDS, () => this.#look())
  }

  lift(deadline: Deadline): void {
    this.#pending.delete(deadline)
  }

  /** Calls `onPassed` once `milliseconds` have passed, unless the returned function has been called. */
  add(milliseconds: number, onPassed: () => void): () => void {
    const deadline = { at: this.behind(milliseconds), onPassed }
    this.set(deadline)
    return () => this.lift(deadline)
  }

  close(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = null
    this.#pending.clear()
  }

  #look(): void {
    this.#cancelTimer = null
    const now = this.#runtime.clock.monotonic()
    for (const deadline of this.#pending) {
      if (deadline.at > now) continue
      this.#pending.delete(deadline)
      deadline.onPassed()
    }
    if (this.#pending.size > 0) this.#cancelTimer ??= this.#runtime.scheduler.after(LOOK_MILLISECONDS, () => this.#look())
  }
}
