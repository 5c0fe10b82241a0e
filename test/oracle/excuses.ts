import type { Difference } from './comparison.js'
import { KNOWN, type KnownDifference } from './differences.js'

/** What has been excused so far, and how often. */
export class Excuses {
  readonly #counts = new Map<KnownDifference, number>(KNOWN.map(known => [known, 0]))

  /** What none of the known differences explains; and whether one of those that do makes an end of comparing. */
  sift(differences: readonly Difference[]): { readonly unknown: readonly Difference[]; readonly isParted: boolean } {
    const unknown: Difference[] = []
    let isParted = false
    for (const difference of differences) {
      const known = KNOWN.find(each => each.explains(difference))
      if (known === undefined) unknown.push(difference)
      else {
        this.#counts.set(known, (this.#counts.get(known) ?? 0) + 1)
        isParted ||= known.parts(difference)
      }
    }
    return { unknown, isParted }
  }

  counts(): readonly (readonly [KnownDifference, number])[] {
    return [...this.#counts]
  }
}
