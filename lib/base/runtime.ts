import type { Random } from './random.js'

/** Time, handed in. Durations come from `monotonic`; `wall` is only ever stamped into txns and shown. Both in milliseconds. */
export interface Clock {
  monotonic(): number
  wall(): number
}

/** Stops a timer. Calling it again, or after the timer has fired, does nothing. */
export type CancelTimer = () => void

/**
 * Every hop between the parts of a member goes through here, so that the simulator can order the hops and let time pass as it likes.
 * A callback that throws is the scheduler's owner's to report; it must not lose the callbacks behind it.
 */
export interface Scheduler {
  /**
   * Runs `callback` later, never within this call, in the order of the calls: soon, and without keeping the event loop from turning for long.
   */
  post(callback: () => void): void
  /** Runs `callback` once after `milliseconds`. Must not keep the process alive by itself. */
  after(milliseconds: number, callback: () => void): CancelTimer
}

/** Everything a member needs from its surroundings apart from disk and network. */
export interface Runtime {
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly random: Random
}
