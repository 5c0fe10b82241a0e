import type { Recovery } from './steady-writes.js'

/** One kill of a leader, in milliseconds since then. */
export interface Kill {
  /** Until a write was acknowledged anywhere that had been issued after the kill. */
  readonly nextWrite: number
  /** Until that was so at every survivor. */
  readonly nextWriteEverywhere: number
  /** Until any write was acknowledged, also one that was under way at the kill. */
  readonly firstAcknowledged: number
  /** Writes of all survivors that ended without an acknowledgement. */
  readonly failures: number
  /** What happened at whom meanwhile. */
  readonly events: readonly string[]
}

/** What the survivors of a kill at `killed` tell of it. */
export function killOf(killed: number, recoveries: readonly Recovery[], events: readonly string[] = []): Kill {
  const next = recoveries.map(({ acknowledged }) => acknowledged - killed)
  return {
    nextWrite: Math.min(...next),
    nextWriteEverywhere: Math.max(...next),
    firstAcknowledged: Math.min(...recoveries.map(({ firstAcknowledged }) => firstAcknowledged)) - killed,
    failures: recoveries.reduce((sum, { failures }) => sum + failures, 0),
    events
  }
}
