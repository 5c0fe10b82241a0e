import type { Runtime } from '../base/index.js'

/** A runtime whose callbacks, when one throws, stop the member instead of the application it lives in. */
export function guardedRuntime(runtime: Runtime, onError: (error: unknown) => void): Runtime {
  const guarded = (callback: () => void) => () => {
    try {
      callback()
    } catch (error) {
      onError(error)
    }
  }
  return {
    clock: runtime.clock,
    random: runtime.random,
    scheduler: {
      post: callback => runtime.scheduler.post(guarded(callback)),
      after: (milliseconds, callback) => runtime.scheduler.after(milliseconds, guarded(callback))
    }
  }
}
