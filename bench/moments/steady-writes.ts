import { wallNow } from './clock.js'

/** What a survivor saw of a kill, by {@link wallNow}. */
export interface Recovery {
  /** The first write was acknowledged since the kill; it may have been issued before. */
  readonly firstAcknowledged: number
  /** The first write that was issued since the kill, and was acknowledged at all. */
  readonly issued: number
  readonly acknowledged: number
  /** Writes since the kill that ended without an acknowledgement. */
  readonly failures: number
}

interface Wanted {
  readonly since: number
  readonly resolve: (recovery: Recovery) => void
  firstAcknowledged: number | null
  failures: number
}

const PAUSE_AFTER_FAILURE_MILLISECONDS = 1
/** So much of the past is kept for a kill that is told of afterwards. */
const KEPT = 1_000

/** Has one write under way at any time: each that ends is followed by the next one at once. */
export class SteadyWrites {
  readonly #write: () => Promise<unknown>
  #running: Promise<void> | null = null
  #wanted: Wanted | null = null
  /** What was wanted has come: the write under way is the last one. */
  #isOver = false
  #ended: { readonly issued: number; readonly at: number; readonly isAcknowledged: boolean }[] = []

  constructor(write: () => Promise<unknown>) {
    this.#write = write
  }

  begin(): void {
    this.#ended = []
    this.#running ??= this.#run()
  }

  /** Resolves when a write that was issued at `since` or later is acknowledged; then no further one is issued. */
  async recovered(since: number): Promise<Recovery> {
    const recovery = await new Promise<Recovery>(resolve => {
      this.#wanted = { since, resolve, firstAcknowledged: null, failures: 0 }
      for (const { issued, at, isAcknowledged } of this.#ended) this.#note(issued, at, isAcknowledged)
    })
    await this.#running
    return recovery
  }

  async #run(): Promise<void> {
    let isOver = false
    while (!isOver) {
      const issued = wallNow()
      const isAcknowledged = await this.#write().then(
        () => true,
        () => false
      )
      const at = wallNow()
      this.#ended.push({ issued, at, isAcknowledged })
      if (this.#ended.length > KEPT) this.#ended.shift()
      this.#note(issued, at, isAcknowledged)
      isOver = this.#isOver
      if (!isAcknowledged && !isOver) await new Promise(resolve => setTimeout(resolve, PAUSE_AFTER_FAILURE_MILLISECONDS))
    }
    this.#isOver = false
    this.#running = null
  }

  #note(issued: number, at: number, isAcknowledged: boolean): void {
    const wanted = this.#wanted
    if (wanted === null || at < wanted.since) return
    if (!isAcknowledged) {
      wanted.failures++
      return
    }
    wanted.firstAcknowledged ??= at
    if (issued < wanted.since) return
    const { firstAcknowledged, failures } = wanted
    this.#wanted = null
    this.#isOver = true
    wanted.resolve({ firstAcknowledged, issued, acknowledged: at, failures })
  }
}
