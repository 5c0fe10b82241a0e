import type { PlainUsage } from './plain-quota.js'

/** A change of how many znodes there are in a subtree, or of the bytes of their data. */
export interface UsageChange {
  readonly zxid: number
  readonly count: number
  readonly bytes: number
}

/** What one subtree has held at every zxid. */
export class UsageHistory {
  readonly #usages: readonly (PlainUsage & { readonly zxid: number })[]

  /** The changes, in any order. */
  constructor(changes: readonly UsageChange[]) {
    const usages: (PlainUsage & { readonly zxid: number })[] = []
    let count = 0
    let bytes = 0
    for (const change of [...changes].sort((a, b) => a.zxid - b.zxid)) {
      count += change.count
      bytes += change.bytes
      if (usages.at(-1)?.zxid === change.zxid) usages.pop()
      usages.push({ zxid: change.zxid, count, bytes })
    }
    this.#usages = usages
  }

  at(zxid: number): PlainUsage {
    const { count, bytes } = this.#usages.findLast(usage => usage.zxid <= zxid) ?? { count: 0, bytes: 0 }
    return { count, bytes }
  }

  /** The next zxid behind `zxid` at which something changes; null if nothing does any more. */
  nextChange(zxid: number): number | null {
    return this.#usages.find(usage => usage.zxid > zxid)?.zxid ?? null
  }
}
