import { type PlainNode, plainStatOf } from './plain-tree.js'

/** How a znode was from `since` on. */
interface Version {
  readonly since: number
  readonly node: PlainNode | null
}

/** From a zxid on, and up to before another. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** Every znode as it was at every zxid. Grows at the end; what is asked takes logarithmic time. */
export class ZnodeHistory {
  readonly #versions = new Map<string, Version[]>()
  /** By path: the zxids at which it ceased to be there. */
  readonly #gone = new Map<string, number[]>()
  /** By parent: the paths that were ever below it. */
  readonly #below = new Map<string, string[]>()

  record(path: string, zxid: number, node: PlainNode | null): void {
    const versions = this.#versions.get(path)
    if (versions === undefined) {
      this.#versions.set(path, [{ since: zxid, node }])
      if (path !== '/') this.#listBelow(path)
    } else versions.push({ since: zxid, node })
    if (node !== null) return
    const gone = this.#gone.get(path)
    if (gone === undefined) this.#gone.set(path, [zxid])
    else gone.push(zxid)
  }

  nodeAt(path: string, zxid: number): PlainNode | null {
    const versions = this.#versions.get(path) ?? []
    return versions[lastThrough(versions, ({ since }) => since, zxid)]?.node ?? null
  }

  /** Paths below one, as they are at `zxid`, in no particular order. PERF: grows with those that there ever were. */
  childrenAt(path: string, zxid: number): readonly string[] {
    return (this.#below.get(path) ?? []).filter(child => this.nodeAt(child, zxid) !== null)
  }

  /** All paths that there are at `zxid`, in the order in which they were first created. */
  pathsAt(zxid: number): readonly string[] {
    return [...this.#versions.keys()].filter(path => this.nodeAt(path, zxid) !== null)
  }

  /** While the last txn that touched the znode was the one at `zxid`; null if there was no such time. */
  spanSince(path: string, zxid: number): (Span & { readonly node: PlainNode }) | null {
    const versions = this.#versions.get(path) ?? []
    const index = lastThrough(versions, ({ since }) => since, zxid)
    const version = versions[index]
    if (version === undefined || version.node === null || version.since !== zxid) return null
    return { from: zxid, to: versions[index + 1]?.since ?? Number.POSITIVE_INFINITY, node: version.node }
  }

  /** The smallest zxid at or behind `from` at which the znode is not there; null if it is there for good. */
  absentSince(path: string, from: number): number | null {
    if (this.nodeAt(path, from) === null) return from
    const gone = this.#gone.get(path) ?? []
    return gone[lastThrough(gone, zxid => zxid, from) + 1] ?? null
  }

  statAt(path: string, zxid: number) {
    const node = this.nodeAt(path, zxid)
    return node === null ? null : plainStatOf(path, node)
  }

  #listBelow(path: string): void {
    const last = path.lastIndexOf('/')
    const parent = last === 0 ? '/' : path.slice(0, last)
    const below = this.#below.get(parent)
    if (below === undefined) this.#below.set(parent, [path])
    else below.push(path)
  }
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
