import { Latencies } from './latencies.js'

/** A load that is given to one member. */
export interface ClosedLoop {
  readonly outstanding: number
  readonly warmUpMilliseconds: number
  readonly measuredMilliseconds: number
  /**
   * Operations that are begun before the event loop has to turn; any number by default, which is for operations that wait for the event loop
   * anyway. Promises that are settled already would keep it from turning at all, and its member from being heard of.
   */
  readonly operationsPerTurn?: number
}

/**
 * Keeps `outstanding` operations under way: each that ends is followed by the next one at once. Resolves when the time is over and all have
 * ended. What ends within the measured time is counted.
 */
export function runClosedLoop(
  { outstanding, warmUpMilliseconds, measuredMilliseconds, operationsPerTurn = Number.POSITIVE_INFINITY }: ClosedLoop,
  operate: () => Promise<unknown>
): Promise<Latencies> {
  const latencies = Latencies.empty()
  if (outstanding === 0) return Promise.resolve(latencies)
  const from = performance.now() + warmUpMilliseconds
  const end = from + measuredMilliseconds
  return new Promise((resolve, reject) => {
    let running = outstanding
    let leftThisTurn = operationsPerTurn
    let heldBack = 0
    const turn = (): void => {
      leftThisTurn = operationsPerTurn
      const loops = heldBack
      heldBack = 0
      for (let loop = 0; loop < loops; loop++) next()
    }
    const next = (): void => {
      if (leftThisTurn-- <= 0) {
        if (heldBack++ === 0) setImmediate(turn)
        return
      }
      const start = performance.now()
      operate().then(() => {
        const now = performance.now()
        if (now < end) {
          if (now >= from) latencies.record(now - start)
          next()
        } else if (--running === 0) resolve(latencies)
      }, reject)
    }
    for (let loop = 0; loop < outstanding; loop++) next()
  })
}
