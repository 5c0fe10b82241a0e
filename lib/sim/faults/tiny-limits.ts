import { LIMITS } from '../../base/index.js'
import type { TinyLimits } from './plan.js'

/**
 * Runs `act` with some of the library's fixed bounds made tiny, and puts them back. They are constants for everybody else, so nothing but
 * the run may be under way in this thread meanwhile.
 */
export async function withLimits<T>(tiny: TinyLimits, act: () => Promise<T>): Promise<T> {
  const limits: Record<string, number> = LIMITS
  const before = Object.entries(limits)
  Object.assign(limits, tiny)
  try {
    return await act()
  } finally {
    for (const [name, value] of before) limits[name] = value
  }
}
