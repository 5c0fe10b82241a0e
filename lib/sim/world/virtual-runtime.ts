import { type CancelTimer, type Random, type Runtime, seededRandom } from '../../base/index.js'
import { VirtualProcess, type VirtualTime } from './virtual-process.js'

export interface VirtualRuntimeOptions {
  /**
   * Lets the seed decide which process goes first when several have something to do at the same moment. What one process posted still
   * runs in the order of posting, as the contract of `Scheduler` says. Off by default: then all is in the order of posting.
   */
  readonly shuffle?: boolean
}

interface VirtualEvent {
  readonly at: number
  readonly order: number
  readonly callback: () => void
  cancelled: boolean
}

/**
 * Virtual time, for as many members as a test wants: nothing waits, and the same seed gives the same run. Time stands still while anything
 * can run, promises included, and then jumps to the next timer.
 *
 * Real IO does not fit in: what a disk or a socket takes is invisible here. The simulated network and disks do.
 */
export class VirtualRuntime implements VirtualTime {
  /** The first process. A test with one scheduler for everything needs no other. */
  readonly runtime: Runtime
  readonly #timers = new TimerHeap()
  readonly #random: Random
  readonly #shuffle: boolean
  /** Processes that have something to run. */
  readonly #ready: VirtualProcess[] = []
  #now = 0
  #order = 0
  #events = 0

  constructor(seed = 1, options: VirtualRuntimeOptions = {}) {
    this.#random = seededRandom(seed)
    this.#shuffle = options.shuffle ?? false
    this.runtime = this.process()
  }

  /** Virtual milliseconds since the start. */
  get now(): number {
    return this.#now
  }

  /** Callbacks that have run: equal for equal runs. */
  get events(): number {
    return this.#events
  }

  /** One more process: the same time, its own order of posting and its own chance. */
  process(): VirtualProcess {
    return new VirtualProcess(this, seededRandom(Math.floor(this.#random.float() * 2 ** 32)))
  }

  /** Lets `milliseconds` pass. Rejects with what a callback threw, at once. */
  async run(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds
    await this.#go(() => !this.#step(end))
    this.#now = end
  }

  /** Runs until `condition` holds, asked after every callback. Rejects when it does not within `limitMs` of virtual time. */
  async until(condition: () => boolean, limitMs = 60_000): Promise<void> {
    const end = this.#now + limitMs
    await this.#go(() => {
      if (condition()) return true
      if (!this.#step(end)) throw new Error(`the condition does not hold after ${limitMs} virtual milliseconds`)
      return false
    })
  }

  /** Calls `next` until it is true. Between two calls every promise and tick settles that can settle without IO: the loop turns. */
  #go(next: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const turn = () => {
        try {
          if (next()) return resolve()
        } catch (error) {
          return reject(error)
        }
        setImmediate(turn)
      }
      setImmediate(turn)
    })
  }

  /** For {@link VirtualProcess}. */
  nextOrder(): number {
    return this.#order++
  }

  /** For {@link VirtualProcess}. */
  after(milliseconds: number, callback: () => void): CancelTimer {
    const event: VirtualEvent = { at: this.#now + Math.max(0, milliseconds), order: this.#order++, callback, cancelled: false }
    this.#timers.push(event)
    return () => {
      event.cancelled = true
    }
  }

  /** For {@link VirtualProcess}. */
  onReady(process: VirtualProcess, ready: boolean): void {
    const place = this.#ready.indexOf(process)
    if (ready && place < 0) this.#ready.push(process)
    else if (!ready && place >= 0) this.#ready.splice(place, 1)
  }

  /** Runs one callback that is due by `end`; false when there is none. */
  #step(end: number): boolean {
    const process = this.#nextProcess()
    const posted = process?.take()
    if (process !== null && posted != null) {
      this.#events++
      process.run(posted)
      return true
    }
    const event = this.#timers.takeUntil(end)
    if (event === null) return false
    this.#events++
    this.#now = Math.max(this.#now, event.at)
    event.callback()
    return true
  }

  #nextProcess(): VirtualProcess | null {
    const ready = this.#ready
    if (ready.length <= 1) return ready[0] ?? null
    if (this.#shuffle) return ready[Math.floor(this.#random.float() * ready.length)] ?? null
    return ready.reduce((first, process) => (process.head < first.head ? process : first))
  }
}

/** By time, then by order of setting. */
class TimerHeap {
  readonly #events: VirtualEvent[] = []

  push(event: VirtualEvent): void {
    const events = this.#events
    let index = events.push(event) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      const above = events[parent]
      if (above === undefined || !isBefore(event, above)) break
      events[index] = above
      index = parent
    }
    events[index] = event
  }

  /** The first event at or before `end` that was not cancelled, removed. */
  takeUntil(end: number): VirtualEvent | null {
    while (true) {
      const first = this.#events[0]
      if (first === undefined || (!first.cancelled && first.at > end)) return null
      this.#removeFirst()
      if (!first.cancelled) return first
    }
  }

  #removeFirst(): void {
    const events = this.#events
    const last = events.pop()
    if (last === undefined || events.length === 0) return
    let index = 0
    while (true) {
      let child = 2 * index + 1
      const left = events[child]
      if (left === undefined) break
      const right = events[child + 1]
      const smaller = right !== undefined && isBefore(right, left) ? right : left
      if (!isBefore(smaller, last)) break
      if (smaller === right) child++
      events[index] = smaller
      index = child
    }
    events[index] = last
  }
}

function isBefore(a: VirtualEvent, b: VirtualEvent): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
