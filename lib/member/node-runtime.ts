import { randomBytes } from 'node:crypto'
// PERF: the global `performance` is a getter, which costs a call each time.
import { performance } from 'node:perf_hooks'
import { nextTick } from 'node:process'
import { type CancelTimer, LIMITS, type Random, type Runtime, type Scheduler } from '../base/index.js'

/**
 * The process's own clock, event loop and chance.
 *
 * What keeps the process alive while a member is open is its listening socket, nothing here: timers are unreferenced, so a member that is
 * closed leaves nothing that a process would wait for. Posted callbacks do run before the process may end.
 *
 * @param onError is told what a callback threw; by default it is thrown again, as an uncaught exception of the process. Either way the
 * callbacks behind it run.
 */
export function nodeRuntime(onError: (error: unknown) => void = rethrow): Runtime {
  return {
    clock: { monotonic: () => performance.now(), wall: () => Date.now() },
    scheduler: new LoopScheduler(onError),
    random: processRandom
  }
}

/**
 * What is posted runs as soon as the callback under way and the promises that it has settled are done, and the rest in the next turn of the loop
 * once a slice of time is used up: then the application's own timers and sockets have theirs in between.
 *
 * PERF: a write takes a dozen hops, and each of them as a turn of its own would cost a look at every socket, and the write a third of its time.
 */
class LoopScheduler implements Scheduler {
  #posted: (() => void)[] = []
  #armed = false
  /** When the slice that is under way is used up; null when the loop has turned since. */
  #restAt: number | null = null
  readonly #onError: (error: unknown) => void

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError
  }

  post(callback: () => void): void {
    this.#posted.push(callback)
    this.#arm()
  }

  after(milliseconds: number, callback: () => void): CancelTimer {
    const timer = setTimeout(() => this.#run(callback), milliseconds)
    timer.unref()
    return () => clearTimeout(timer)
  }

  #arm(): void {
    if (this.#armed) return
    this.#armed = true
    const now = performance.now()
    if (this.#restAt === null) {
      this.#restAt = now + LIMITS.sliceMilliseconds
      setImmediate(this.#onLoopTurned)
    }
    if (now < this.#restAt) nextTick(this.#turn)
    else setImmediate(this.#turn)
  }

  readonly #onLoopTurned = (): void => {
    this.#restAt = null
  }

  readonly #turn = (): void => {
    this.#armed = false
    const callbacks = this.#posted
    this.#posted = []
    const end = this.#restAt ?? performance.now() + LIMITS.sliceMilliseconds
    let ran = 0
    try {
      for (const callback of callbacks) {
        ran++
        this.#run(callback)
        // PERF: a look at the clock costs as much as many a callback.
        if (ran < callbacks.length && performance.now() >= end) break
      }
    } finally {
      if (ran < callbacks.length) {
        this.#posted = [...callbacks.slice(ran), ...this.#posted]
        this.#arm()
      }
    }
  }

  #run(callback: () => void): void {
    try {
      callback()
    } catch (error) {
      this.#onError(error)
    }
  }
}

const processRandom: Random = {
  float: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
  bytes: count => new Uint8Array(randomBytes(count))
}

function rethrow(error: unknown): void {
  throw error
}
