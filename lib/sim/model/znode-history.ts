import type { PlainNode } from './plain-node.js'
import { above, isWithin } from './plain-path.js'
import { type UsageChange, UsageHistory } from './usage-history.js'

/** How a znode was from `since` on. */
interface Version {
  readonly since: number
  readonly node: PlainNode | null
}

/** Every znode as it was at every zxid. Grows at the end; what is asked of one znode takes logarithmic time. */
export class ZnodeHistory {
  readonly #versions = new Map<string, Version[]>()
  /** By parent: the paths that were ever below it. */
  readonly #below = new Map<string, string[]>()
  /** Of subtrees that somebody has asked for, while nothing more is recorded. */
  readonly #usages = new Map<string, UsageHistory>()

  record(path: string, zxid: number, node: PlainNode | null): void {
    this.#usages.clear()
    const versions = this.#versions.get(path)
    if (versions === undefined) {
      this.#versions.set(path, [{ since: zxid, node }])
      if (path !== '/') this.#listBelow(path)
    } else versions.push({ since: zxid, node })
  }

  nodeAt(path: string, zxid: number): PlainNode | null {
    const versions = this.#versions.get(path) ?? []
    return versions[lastThrough(versions, ({ since }) => since, zxid)]?.node ?? null
  }

  /** The next zxid behind `zxid` at which something of the znode changes, its being there included; null if nothing does any more. */
  nextChange(path: string, zxid: number): number | null {
    const versions = this.#versions.get(path) ?? []
    return versions[lastThrough(versions, ({ since }) => since, zxid) + 1]?.since ?? null
  }

  /** Paths below one, as they are at `zxid`, in no particular order. PERF: grows with those that there ever were. */
  childrenAt(path: string, zxid: number): readonly string[] {
    return (this.#below.get(path) ?? []).filter(child => this.nodeAt(child, zxid) !== null)
  }

  /** All paths that there are at `zxid`, in the order in which they were first created. */
  pathsAt(zxid: number): readonly string[] {
    return [...this.#versions.keys()].filter(path => this.nodeAt(path, zxid) !== null)
  }

  /** What the subtree at a path has held, its root included. PERF: goes through everything once. */
  usageOf(subtree: string): UsageHistory {
    let usage = this.#usages.get(subtree)
    if (usage === undefined) {
      const changes = [...this.#versions].flatMap(([path, versions]) => (isWithin(path, subtree) ? changesIn(versions) : []))
      usage = new UsageHistory(changes)
      this.#usages.set(subtree, usage)
    }
    return usage
  }

  #listBelow(path: string): void {
    const parent = above(path)
    const below = this.#below.get(parent)
    if (below === undefined) this.#below.set(parent, [path])
    else below.push(path)
  }
}

function changesIn(versions: readonly Version[]): readonly UsageChange[] {
  return versions.map(({ since, node }, index) => {
    const before = versions[index - 1]?.node ?? null
    const count = (node === null ? 0 : 1) - (before === null ? 0 : 1)
    return { zxid: since, count, bytes: (node?.data?.length ?? 0) - (before?.data?.length ?? 0) }
  })
}

/** Where the last of an ascending list is that is not above a bound; -1 if all are. */
export function lastThrough<T>(list: readonly T[], key: (each: T) => number, bound: number): number {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (key(list[middle] as T) <= bound) low = middle + 1
    else high = middle
  }
  return low - 1
}
