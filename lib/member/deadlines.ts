import type { CancelTimer, Runtime } from '../base/index.js'

/** How exactly a deadline is met, in milliseconds: it passes at the first look behind it. */
const LOOK_MILLISECONDS = 20

/** Something that is over at a time. PERF: every call is one, so it is itself a link of the list that it stands in. */
export abstract class Deadline {
  /** On the monotonic clock. */
  readonly at: number
  /** For {@link Deadlines}. */
  isPending = false
  before: Deadline | null = null
  behind: Deadline | null = null

  constructor(at: number) {
    this.at = at
  }

  abstract onPassed(): void
}

class PlainDeadline extends Deadline {
  readonly onPassed: () => void

  constructor(at: number, onPassed: () => void) {
    super(at)
    this.onPassed = onPassed
  }
}

/** Many deadlines on one timer, which runs only while there are any. */
export class Deadlines {
  readonly #runtime: Runtime
  #first: Deadline | null = null
  #last: Deadline | null = null
  #cancelTimer: CancelTimer | null = null

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  /** The time behind `milliseconds` from now. */
  behind(milliseconds: number): number {
    return this.#runtime.clock.monotonic() + milliseconds
  }

  /** Calls its `onPassed` once it has passed, unless it is lifted before. */
  set(deadline: Deadline): void {
    deadline.isPending = true
    deadline.before = this.#last
    if (this.#last === null) this.#first = deadline
    else this.#last.behind = deadline
    this.#last = deadline
    this.#cancelTimer ??= this.#runtime.scheduler.after(LOOK_MILLISECONDS, () => this.#look())
  }

  lift(deadline: Deadline): void {
    if (!deadline.isPending) return
    const { before, behind } = deadline
    deadline.isPending = false
    deadline.before = null
    deadline.behind = null
    if (before === null) this.#first = behind
    else before.behind = behind
    if (behind === null) this.#last = before
    else behind.before = before
  }

  /** Calls `onPassed` once `milliseconds` have passed, unless the returned function has been called. */
  add(milliseconds: number, onPassed: () => void): () => void {
    const deadline = new PlainDeadline(this.behind(milliseconds), onPassed)
    this.set(deadline)
    return () => this.lift(deadline)
  }

  close(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = null
    for (const deadline of this.#pending()) this.lift(deadline)
  }

  #look(): void {
    this.#cancelTimer = null
    const now = this.#runtime.clock.monotonic()
    for (const deadline of this.#pending().filter(({ at }) => at <= now)) {
      // What has passed before may have lifted it.
      if (!deadline.isPending) continue
      this.lift(deadline)
      deadline.onPassed()
    }
    if (this.#first !== null) this.#cancelTimer ??= this.#runtime.scheduler.after(LOOK_MILLISECONDS, () => this.#look())
  }

  #pending(): readonly Deadline[] {
    const pending: Deadline[] = []
    for (let deadline = this.#first; deadline !== null; deadline = deadline.behind) pending.push(deadline)
    return pending
  }
}
