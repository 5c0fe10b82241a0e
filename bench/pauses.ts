import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks'
import type { Runtime, Scheduler } from '../lib/base/index.js'
import { WaitingTime } from './waiting-time.js'

/** Milliseconds, each the longest of its kind. */
export interface Pauses {
  /** Between two ticks of a timer that wants to tick every millisecond: what an application's timer has to wait at worst. */
  readonly gap: number
  /** The same without the time in which this thread was ready to run and others had the processors; equal to `gap` where Linux does not tell. */
  readonly ownGap: number
  /** Gaps of which more than 20 ms were our own. */
  readonly ownGapsOver20: number
  /** What `monitorEventLoopDelay` has seen, which looks from outside of JavaScript. */
  readonly delay: number
  /** One callback that the watched scheduler has run; 0 when nothing of it was watched. */
  readonly slice: number
  /** One collection of the garbage collector. It is part of the gap in which it fell. */
  readonly gc: number
  /** All of them together. */
  readonly gcTotal: number
}

/** Watches how long the event loop is held while a phase of a bench runs. */
export class PauseWatch {
  readonly #delay = monitorEventLoopDelay({ resolution: 1 })
  readonly #collections = new PerformanceObserver(list => this.#collected(list.getEntries()))
  readonly #timer: NodeJS.Timeout
  readonly #waiting = new WaitingTime()
  #lastTick = performance.now()
  #lastWaited = this.#waiting.milliseconds()
  #gap = 0
  #ownGap = 0
  #ownGapsOver20 = 0
  #slice = 0
  #gc = 0
  #gcTotal = 0

  /** Begins to watch. `onTick` is the application's part: it is called every millisecond, or when the loop gets round to it. */
  constructor(onTick: () => void = () => {}) {
    this.#delay.enable()
    this.#collections.observe({ entryTypes: ['gc'] })
    this.#timer = setInterval(() => {
      this.#tick()
      onTick()
    }, 1)
  }

  /** A runtime whose posted callbacks are timed. */
  timed(runtime: Runtime): Runtime {
    const scheduler: Scheduler = {
      post: callback => runtime.scheduler.post(() => this.#time(callback)),
      after: (milliseconds, callback) => runtime.scheduler.after(milliseconds, callback)
    }
    return { ...runtime, scheduler }
  }

  /** Ends the watch. */
  async stop(): Promise<Pauses> {
    this.#tick()
    clearInterval(this.#timer)
    this.#waiting.close()
    this.#delay.disable()
    // The entries of the last collections are handed over in a later turn.
    await new Promise(resolve => setTimeout(resolve, 5))
    this.#collected(this.#collections.takeRecords())
    this.#collections.disconnect()
    return {
      gap: this.#gap,
      ownGap: this.#ownGap,
      ownGapsOver20: this.#ownGapsOver20,
      delay: this.#delay.max / 1e6,
      slice: this.#slice,
      gc: this.#gc,
      gcTotal: this.#gcTotal
    }
  }

  #tick(): void {
    const now = performance.now()
    const waited = this.#waiting.milliseconds()
    const gap = now - this.#lastTick
    const ownGap = gap - (waited - this.#lastWaited)
    this.#gap = Math.max(this.#gap, gap)
    this.#ownGap = Math.max(this.#ownGap, ownGap)
    if (ownGap > 20) this.#ownGapsOver20++
    this.#lastTick = now
    this.#lastWaited = waited
  }

  #time(callback: () => void): void {
    const start = performance.now()
    try {
      callback()
    } finally {
      this.#slice = Math.max(this.#slice, performance.now() - start)
    }
  }

  #collected(entries: readonly { readonly duration: number }[]): void {
    for (const { duration } of entries) {
      this.#gc = Math.max(this.#gc, duration)
      this.#gcTotal += duration
    }
  }
}
