import type { Zxid } from '../../base/index.js'
import type { Acl, Stat, TreeEvent } from '../../tree/index.js'
import { newNode, type PlainNode, plainStatOf } from './plain-node.js'
import { above, lastName } from './plain-path.js'
import { limitedBy, type PlainUsage, shownBy, shownUsage, usageOf } from './plain-quota.js'

/** Told what one txn has changed, when it has: a path and what is there now. A refused operation changes nothing. */
export type OnChanged = (path: string, node: PlainNode | null) => void

/** A subtree with a quota, and the znode that keeps the limits of it. */
interface Limited {
  readonly subtree: string
  readonly node: PlainNode
}

/** The znodes of the plain model, with what follows from them, and a journal by which a txn can be taken back. */
export class PlainNodes {
  readonly #nodes = new Map<string, PlainNode>()
  readonly #children = new Map<string, Set<string>>()
  readonly #ephemerals = new Map<number, Set<string>>()
  /** The znodes that keep limits, by the subtree that these are for. */
  readonly #limits = new Map<string, PlainNode>()
  readonly #onChanged: OnChanged
  /** What the txn under way has touched, and what was there before. */
  #journal: { readonly path: string; readonly before: PlainNode | null }[] = []

  constructor(onChanged: OnChanged) {
    this.#onChanged = onChanged
    const founded = newNode(0, 0, { data: new Uint8Array(0), owner: 0, acl: null, lifetime: 0 })
    this.put('/', { ...founded, numChildren: 1 })
    this.put('/zookeeper', { ...founded, numChildren: 1 })
    this.put('/zookeeper/quota', founded)
    this.keep()
  }

  get(path: string): PlainNode | null {
    return this.#nodes.get(path) ?? null
  }

  /** In the order of their paths. */
  all(): readonly (readonly [string, PlainNode])[] {
    return [...this.#nodes].sort(([a], [b]) => (a < b ? -1 : 1))
  }

  /** Names, sorted. */
  childrenOf(path: string): readonly string[] {
    return [...(this.#children.get(path) ?? [])].sort()
  }

  /** Paths, sorted. */
  ephemeralsOf(session: number): readonly string[] {
    return [...(this.#ephemerals.get(session) ?? [])].sort()
  }

  /** A znode and all below it, each before the one that it lies below. */
  subtree(path: string): readonly string[] {
    const paths: string[] = [path]
    for (const at of paths) for (const name of this.#children.get(at) ?? []) paths.push(at === '/' ? `/${name}` : `${at}/${name}`)
    return paths.sort().reverse()
  }

  /** Every subtree that has limits, in the order of their paths. */
  limits(): readonly Limited[] {
    return [...this.#limits].map(([subtree, node]) => ({ subtree, node })).sort((a, b) => (a.subtree < b.subtree ? -1 : 1))
  }

  /** The subtrees at or above a path that have limits, the nearest first. */
  limitsAbove(path: string): readonly Limited[] {
    const found: Limited[] = []
    if (this.#limits.size === 0) return found
    for (let subtree = path; ; subtree = above(subtree)) {
      const node = this.#limits.get(subtree)
      if (node !== undefined) found.push({ subtree, node })
      if (subtree === '/') return found
    }
  }

  usageOf(subtree: string): PlainUsage {
    return usageOf(this.#nodes, subtree)
  }

  /** What a read tells of a znode that is there. */
  shown(path: string): { readonly data: Uint8Array | null; readonly stat: Stat } {
    const node = this.#present(path)
    const stat = plainStatOf(path, node)
    const subtree = shownBy(path)
    if (subtree === null) return { data: node.data, stat }
    const data = shownUsage(this.usageOf(subtree))
    return { data, stat: { ...stat, dataLength: data.length } }
  }

  /** Takes out a znode that is there and has no children. What that is told as. */
  remove(path: string, zxid: number): readonly TreeEvent[] {
    const parentPath = above(path)
    const node = this.#present(path)
    const parent = this.#present(parentPath)
    this.put(path, null)
    this.put(parentPath, { ...parent, deletes: parent.deletes + 1, numChildren: parent.numChildren - 1, pzxid: zxid })
    return [eventOf('deleted', path, node.acl, zxid), eventOf('childrenChanged', parentPath, parent.acl, zxid)]
  }

  put(path: string, node: PlainNode | null): void {
    this.#journal.push({ path, before: this.get(path) })
    this.#replace(path, node)
  }

  /** The txn is done: everybody is told, once for each path. */
  keep(): void {
    const paths = new Set(this.#journal.map(({ path }) => path))
    this.#journal = []
    for (const path of paths) this.#onChanged(path, this.get(path))
  }

  /** Nothing of the txn is done. Newest first: a path that was touched twice must come back as it was in the beginning. */
  takeBack(): void {
    for (const { path, before } of this.#journal.reverse()) this.#replace(path, before)
    this.#journal = []
  }

  #present(path: string): PlainNode {
    const node = this.get(path)
    if (node === null) throw new Error('the znode is there')
    return node
  }

  #replace(path: string, node: PlainNode | null): void {
    const before = this.#nodes.get(path)
    if (before !== undefined && before.owner !== 0) this.#ephemerals.get(before.owner)?.delete(path)
    if (node !== null && node.owner !== 0) {
      const owned = this.#ephemerals.get(node.owner) ?? new Set()
      this.#ephemerals.set(node.owner, owned.add(path))
    }
    if (node === null) this.#nodes.delete(path)
    else this.#nodes.set(path, node)
    const limited = limitedBy(path)
    if (limited !== null && node === null) this.#limits.delete(limited)
    if (limited !== null && node !== null) this.#limits.set(limited, node)
    if (path === '/') return
    const siblings = this.#children.get(above(path)) ?? new Set()
    if (node === null) siblings.delete(lastName(path))
    else siblings.add(lastName(path))
    this.#children.set(above(path), siblings)
  }
}

/** Of a znode that is open to all it is not said who may hear of it. */
export function eventOf(type: TreeEvent['type'], path: string, acl: Acl | null, zxid: number): TreeEvent {
  return acl === null ? { type, path, zxid: zxid as Zxid } : { type, path, zxid: zxid as Zxid, acl }
}
