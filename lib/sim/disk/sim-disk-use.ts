import type { Runtime } from '../../base/index.js'
import type { SimStore } from './sim-store.js'

/** One process's use of a disk. */
export class SimDiskUse {
  /** The process is gone: it changes nothing any more, and nothing that it has asked for ends. */
  isGone = false
  /** What the open database answers from. */
  store: SimStore | null = null
  /** After a failed sync nothing is written until the database is opened again. */
  failure: Error | null = null
  readonly #runtime: Runtime

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  /** Lets virtual time pass; for ever, once the process is gone. */
  async pass(milliseconds: number): Promise<void> {
    const { scheduler } = this.#runtime
    await new Promise<void>(resolve => {
      if (this.isGone) return
      if (milliseconds > 0) scheduler.after(milliseconds, resolve)
      else scheduler.post(resolve)
    })
    if (this.isGone) await never()
  }
}

export function never(): Promise<never> {
  return new Promise(() => {})
}
