import type { WatchEvent } from './zookeeper.js'

/** Slots that may lie idle at the front before the rest moves up. */
const SLACK = 1_024

/**
 * What an iteration over a watch has not been asked for yet: a queue with a bound.
 *
 * When it is full, what comes is counted and left out, until everything in it has been taken and then the one item that says how much is
 * missing. So whoever is slow reads anew once for each gap, and stands at the newest state when he does.
 */
export class EventBuffer {
  readonly #path: string
  readonly #eventsMax: number
  #events: WatchEvent[] = []
  #taken = 0
  #dropped = 0
  /** The last event that was left out. */
  #last: WatchEvent | null = null

  /** `path`: what the item that stands for a gap bears. */
  constructor(path: string, eventsMax: number) {
    this.#path = path
    this.#eventsMax = eventsMax
  }

  add(event: WatchEvent): void {
    if (this.#dropped === 0 && this.#events.length - this.#taken < this.#eventsMax) this.#events.push(event)
    else {
      this.#dropped++
      this.#last = event
    }
  }

  /** The next item in order; null when there is none. */
  take(): WatchEvent | null {
    const event = this.#events[this.#taken]
    if (event === undefined) return this.#takeGap()
    this.#taken++
    // PERF: `shift` would move all of a large buffer for every event.
    if (this.#taken === this.#events.length || (this.#taken >= SLACK && this.#taken * 2 >= this.#events.length)) {
      this.#events = this.#events.slice(this.#taken)
      this.#taken = 0
    }
    return event
  }

  clear(): void {
    this.#events = []
    this.#taken = 0
    this.#dropped = 0
    this.#last = null
  }

  #takeGap(): WatchEvent | null {
    const last = this.#last
    if (last === null) return null
    const { zxid, state } = last
    const dropped = this.#dropped
    this.clear()
    return { type: 'overflow', path: this.#path, zxid, dropped, state }
  }
}
