import type { CancelTimer, Clock, Random, Runtime, Scheduler } from '../../base/index.js'

/** Where wall time begins: somewhere plausible, so that what is stamped reads as a date. */
const WALL_START = Date.UTC(2024, 0, 1)

/** What a process needs of the time that it lives in. */
export interface VirtualTime {
  readonly now: number
  /** Numbers what is posted and set, over all processes. */
  nextOrder(): number
  /** Runs `callback` after so many true milliseconds. */
  after(milliseconds: number, callback: () => void): CancelTimer
  /** The process has something to run, or has nothing any more. */
  onReady(process: VirtualProcess, ready: boolean): void
}

/**
 * One process in virtual time, as its member sees it: a clock of its own that may be fast, slow or wrong, a queue of what is to run, and
 * chance. It can be stopped and resumed (SIGSTOP, a stalled event loop, a laptop that sleeps) and killed.
 */
export class VirtualProcess implements Runtime, Scheduler, Clock {
  readonly clock: Clock = this
  readonly scheduler: Scheduler = this
  readonly random: Random
  /** Told what callbacks throw, the process living on. Without it a throw ends the run. */
  onError: ((error: unknown) => void) | null = null
  /** Milliseconds that seem to pass between two looks at the clock within one callback, so that work is done in slices. */
  millisecondsPerLook = 0
  readonly #time: VirtualTime
  #posted: { readonly order: number; readonly callback: () => void }[] = []
  #first = 0
  #halted = false
  #paused = false
  /** True time at which `#monotonicBase` was shown, and what the clock makes of a millisecond since. */
  #trueBase = 0
  #monotonicBase = 0
  #rate = 1
  #wallOffset = 0
  #looks = 0
  #lastLook = 0

  constructor(time: VirtualTime, random: Random) {
    this.#time = time
    this.random = random
  }

  get halted(): boolean {
    return this.#halted
  }

  get paused(): boolean {
    return this.#paused
  }

  monotonic(): number {
    const shown = this.#monotonicBase + (this.#time.now - this.#trueBase) * this.#rate
    this.#lastLook = Math.max(this.#lastLook, shown + this.#looks++ * this.millisecondsPerLook)
    return this.#lastLook
  }

  wall(): number {
    return WALL_START + Math.floor(this.#time.now) + this.#wallOffset
  }

  post(callback: () => void): void {
    if (this.#halted) return
    this.#posted.push({ order: this.#time.nextOrder(), callback })
    if (!this.#paused && this.#posted.length - this.#first === 1) this.#time.onReady(this, true)
  }

  /** What is due while the process is stopped happens when it is resumed. */
  after(milliseconds: number, callback: () => void): CancelTimer {
    let cancelled = false
    const cancel = this.#time.after(Math.max(0, milliseconds) / this.#rate, () => {
      if (this.#halted) return
      if (this.#paused) this.post(() => cancelled || callback())
      else this.run(callback)
    })
    return () => {
      cancelled = true
      cancel()
    }
  }

  /** From now on `rate` milliseconds pass on this process's clock in one. */
  drift(rate: number): void {
    this.#monotonicBase = this.#monotonicBase + (this.#time.now - this.#trueBase) * this.#rate
    this.#trueBase = this.#time.now
    this.#rate = rate
  }

  /** Somebody sets the wall clock. */
  setWall(offset: number): void {
    this.#wallOffset = offset
  }

  pause(): void {
    if (this.#paused || this.#halted) return
    this.#paused = true
    this.#time.onReady(this, false)
  }

  resume(): void {
    if (!this.#paused || this.#halted) return
    this.#paused = false
    if (this.#posted.length > this.#first) this.#time.onReady(this, true)
  }

  /** kill -9: nothing that it has posted or set a timer for happens any more. */
  halt(): void {
    this.#halted = true
    this.#posted = []
    this.#first = 0
    this.#time.onReady(this, false)
  }

  /** For the runtime: which of the ready processes is the first in order. */
  get head(): number {
    return this.#posted[this.#first]?.order ?? Number.POSITIVE_INFINITY
  }

  /** For the runtime: takes what was posted first. */
  take(): (() => void) | null {
    const posted = this.#posted[this.#first]
    if (posted === undefined) return null
    this.#first++
    if (this.#first === this.#posted.length) {
      this.#posted = []
      this.#first = 0
      this.#time.onReady(this, false)
    } else if (this.#first > 1_024) {
      this.#posted = this.#posted.slice(this.#first)
      this.#first = 0
    }
    return posted.callback
  }

  /** For the runtime: runs a callback as the process's own. */
  run(callback: () => void): void {
    this.#looks = 0
    if (this.onError === null) return callback()
    try {
      callback()
    } catch (error) {
      this.onError(error)
    }
  }
}
