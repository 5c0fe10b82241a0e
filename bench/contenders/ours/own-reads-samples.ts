import { type Spread, spreadOf } from '../../report/statistics.js'
import { table } from '../../report/table.js'
import type { OurEnsemble } from './ours.js'
import type { OwnReads } from './own-reads.js'

export interface OwnReadsFigure {
  readonly how: OwnReads
  readonly readsPerSecond: Spread
}

const WAYS: { readonly [how in OwnReads]: string } = {
  local: 'local.getData, a function call',
  awaited: 'await getData, one after the other',
  'awaited together': 'await Promise.all of 256 getData'
}

/** What one member's process reads from its own replica, over all rounds. */
export class OwnReadsSamples {
  readonly #samples = new Map<OwnReads, number[]>()

  /** One round. A follower is asked: the leader has more to do, even when nobody writes. */
  async measure(ensemble: OurEnsemble, milliseconds: number): Promise<void> {
    const leader = await ensemble.leader()
    const reader = ensemble.processes.find((_, index) => index !== leader)
    if (reader === undefined) throw new Error('no follower')
    for (const how of Object.keys(WAYS) as OwnReads[]) {
      await reader.ask('ownReads', how, milliseconds / 4)
      const found = this.#samples.get(how) ?? []
      this.#samples.set(how, [...found, await reader.ask('ownReads', how, milliseconds)])
    }
  }

  figures(): readonly OwnReadsFigure[] {
    return [...this.#samples].map(([how, samples]) => ({ how, readsPerSecond: spreadOf(samples) }))
  }
}

export function ownReadsTable(figures: readonly OwnReadsFigure[]): string {
  return table(
    ['in one process', 'reads/s', 'ns each'],
    figures.map(({ how, readsPerSecond: { median } }) => [WAYS[how], median, 1e9 / median])
  )
}
