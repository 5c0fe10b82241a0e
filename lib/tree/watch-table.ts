import type { ResetEvent } from './reset-event.js'
import { type PathDifference, type RebaseView, TreeComparison } from './tree-comparison.js'
import type { TreeEvent } from './tree-event.js'

/**
 * `data`: set by getData, and by exists whether the znode is there or not. `child`: set by getChildren. Both vanish when they fire.
 * `persistent` stays and hears what both would; `recursive` stays and hears of everything at or below its path but for `childrenChanged`,
 * which the events of the children themselves say already.
 */
export type WatchKind = 'data' | 'child' | 'persistent' | 'recursive'

/** What a watch hears of. */
export type WatchEvent = TreeEvent | ResetEvent

/** One registration of a watcher. `place` is its own for ever: the same path and kind registered again later has another. */
export interface Registration {
  readonly path: string
  readonly kind: WatchKind
  /** Its place in the order of all registrations. */
  readonly place: number
}

/** One event for one watcher. */
export interface Firing {
  readonly watcher: number
  readonly event: WatchEvent
  /** Which of its watches the event has met: at least one. Those that fire once are not in the table any more. */
  readonly met: readonly Registration[]
}

/** One watch that was removed. */
export interface Watch {
  readonly watcher: number
  readonly kind: WatchKind
}

/** By kind, by watcher: the place in the order of registrations. */
type PathWatches = { [kind in WatchKind]?: Map<number, number> }

const KINDS: readonly WatchKind[] = ['data', 'child', 'persistent', 'recursive']

/** ZooKeeper's trigger matrix: which watches on the very path of an event hear of it. Recursive ones on paths above do as well. */
const HEARD_AT_PATH: { readonly [type in TreeEvent['type']]: readonly WatchKind[] } = {
  created: ['data', 'persistent', 'recursive'],
  deleted: ['data', 'child', 'persistent', 'recursive'],
  dataChanged: ['data', 'persistent', 'recursive'],
  childrenChanged: ['child', 'persistent']
}

/** The firings of one event while they are being found, by watcher. */
type Firings = Map<number, Firing & { readonly met: Registration[] }>

/**
 * Watches as data: who is to hear of what. A watcher is whatever number the caller likes; it hears of one event once, however many of its
 * watches the event meets. Firings come in the order of the events, and for one event in the order in which the watches were registered.
 */
export class WatchTable {
  readonly #byPath = new Map<string, PathWatches>()
  /** What each watcher has: the place of the kind in `KINDS` and the path, in one string. PERF: most have one watch, and no set for it. */
  readonly #byWatcher = new Map<number, string | Set<string>>()
  #recursiveCount = 0
  #count = 0
  #registrations = 0

  /** Registrations. */
  get count(): number {
    return this.#count
  }

  /** Watchers that have any. */
  get watcherCount(): number {
    return this.#byWatcher.size
  }

  /** Whether a watcher has any. */
  has(watcher: number): boolean {
    return this.#byWatcher.has(watcher)
  }

  /** The place of a registration, null where there is none. It tells one that has been there all the time from a later one. */
  placeOf(watcher: number, path: string, kind: WatchKind): number | null {
    return this.#byPath.get(path)?.[kind]?.get(watcher) ?? null
  }

  /** Registering the same again changes nothing. */
  add(watcher: number, path: string, kind: WatchKind): void {
    let watches = this.#byPath.get(path)
    if (watches === undefined) {
      watches = {}
      this.#byPath.set(path, watches)
    }
    let places = watches[kind]
    if (places === undefined) {
      places = new Map()
      watches[kind] = places
    }
    if (places.has(watcher)) return
    places.set(watcher, this.#registrations++)
    const held = this.#byWatcher.get(watcher)
    const key = keyOf(path, kind)
    if (held === undefined) this.#byWatcher.set(watcher, key)
    else if (typeof held === 'string') this.#byWatcher.set(watcher, new Set([held, key]))
    else held.add(key)
    this.#count++
    if (kind === 'recursive') this.#recursiveCount++
  }

  /** Removes one registration, or everything of one watcher. */
  remove(watcher: number, path?: string, kind?: WatchKind): void {
    if (path !== undefined && kind !== undefined) return this.#drop(watcher, path, kind)
    const held = this.#byWatcher.get(watcher) ?? []
    for (const key of typeof held === 'string' ? [held] : held) this.#drop(watcher, pathIn(key), kindIn(key))
  }

  /** What is registered on a path, of one kind or of all, by those watchers that `isMeant` accepts. */
  watchesAt(path: string, kind?: WatchKind, isMeant: (watcher: number) => boolean = () => true): readonly Watch[] {
    const watches = this.#byPath.get(path)
    if (watches === undefined) return []
    const found: Watch[] = []
    for (const each of kind === undefined ? KINDS : [kind]) {
      for (const watcher of watches[each]?.keys() ?? []) if (isMeant(watcher)) found.push({ watcher, kind: each })
    }
    return found
  }

  /** Removes what {@link watchesAt} finds; tells what it was. */
  removeAt(path: string, kind?: WatchKind, isMeant?: (watcher: number) => boolean): readonly Watch[] {
    const removed = this.watchesAt(path, kind, isMeant)
    for (const watch of removed) this.#drop(watch.watcher, path, watch.kind)
    return removed
  }

  /**
   * Who hears of the events of one txn. One-shot watches that fire are gone afterwards.
   * PERF: grows with the depth of the paths only while a recursive watch exists.
   */
  fire(events: readonly TreeEvent[]): readonly Firing[] {
    const firings: Firing[] = []
    if (this.#count === 0) return firings
    for (const event of events) {
      const found: Firings = new Map()
      let sources = this.#collect(event.path, HEARD_AT_PATH[event.type], event, found)
      if (this.#recursiveCount > 0 && event.type !== 'childrenChanged') {
        for (const above of pathsAbove(event.path)) sources += this.#collect(above, ['recursive'], event, found)
      }
      // What is watched in one way on one path is in order already.
      for (const firing of sources > 1 ? [...found.values()].sort(byPlace) : found.values()) firings.push(firing)
    }
    return firings
  }

  /**
   * Who hears of what when a tree is replaced by a later one without the txns between. One-shot watches fire when the two differ in what
   * they watch, with the latest event that explains it; the ones that stay are told of the gap itself, and which of their paths differ. A
   * watcher that has both kinds of these on one path is told once, of what either would be. Every event bears the zxid of `after`.
   */
  rebase(before: RebaseView, after: RebaseView): readonly Firing[] {
    const comparison = new TreeComparison(before, after, this.#recursivePaths())
    const firings: Firing[] = []
    const found: Firings = new Map()
    const take = () => {
      for (const firing of found.values()) firings.push(firing)
      found.clear()
    }
    for (const [path, watches] of this.#byPath) {
      const difference = comparison.at(path)
      const { data, child } = difference
      if (data !== null) this.#collect(path, data === child ? ['data', 'child'] : ['data'], data, found)
      take()
      if (child !== null && child !== data) this.#collect(path, ['child'], child, found)
      take()
      this.#reset(path, watches, difference, comparison, found)
      take()
    }
    return firings.sort(byPlace)
  }

  /** Adds those on the path whose watches stay. */
  #reset(path: string, watches: PathWatches, { changed }: PathDifference, comparison: TreeComparison, found: Firings): void {
    const { persistent, recursive } = watches
    if (persistent === undefined && recursive === undefined) return
    const own = changed ? [path] : []
    const below = recursive === undefined ? own : comparison.changedBelow(path)
    const ofPersistent = comparison.reset(path, own)
    const ofRecursive = comparison.reset(path, below)
    const ofBoth = changed && below !== null && below[0] !== path ? comparison.reset(path, [path, ...below]) : ofRecursive
    for (const [watcher, place] of persistent ?? [])
      meet(found, watcher, recursive?.has(watcher) ? ofBoth : ofPersistent, { path, kind: 'persistent', place })
    for (const [watcher, place] of recursive ?? []) meet(found, watcher, ofRecursive, { path, kind: 'recursive', place })
  }

  *#recursivePaths(): Iterable<string> {
    if (this.#recursiveCount === 0) return
    for (const [path, { recursive }] of this.#byPath) if (recursive !== undefined) yield path
  }

  /** Adds who watches the path in one of the kinds, and takes the one-shot watches out. Returns in how many of the kinds it is watched. */
  #collect(path: string, kinds: readonly WatchKind[], event: WatchEvent, found: Firings): number {
    const watches = this.#byPath.get(path)
    if (watches === undefined) return 0
    let sources = 0
    for (const kind of kinds) {
      const places = watches[kind]
      if (places === undefined) continue
      sources++
      for (const [watcher, place] of places) meet(found, watcher, event, { path, kind, place })
      if (firesOnce(kind)) this.#dropAll(path, kind, watches, places)
    }
    return sources
  }

  /** Everything that is registered on a path in one way. */
  #dropAll(path: string, kind: 'data' | 'child', watches: PathWatches, places: ReadonlyMap<number, number>): void {
    delete watches[kind]
    if (KINDS.every(each => watches[each] === undefined)) this.#byPath.delete(path)
    this.#count -= places.size
    const key = keyOf(path, kind)
    for (const watcher of places.keys()) this.#forget(watcher, key)
  }

  #drop(watcher: number, path: string, kind: WatchKind): void {
    const watches = this.#byPath.get(path)
    const places = watches?.[kind]
    if (watches === undefined || !places?.delete(watcher)) return
    if (places.size === 0) delete watches[kind]
    if (KINDS.every(each => watches[each] === undefined)) this.#byPath.delete(path)
    this.#forget(watcher, keyOf(path, kind))
    this.#count--
    if (kind === 'recursive') this.#recursiveCount--
  }

  #forget(watcher: number, key: string): void {
    const held = this.#byWatcher.get(watcher)
    if (typeof held === 'object') {
      held.delete(key)
      if (held.size > 0) return
    }
    this.#byWatcher.delete(watcher)
  }
}

/** Whether a watch of that kind vanishes when it fires. */
export function firesOnce(kind: WatchKind): kind is 'data' | 'child' {
  return kind === 'data' || kind === 'child'
}

/** A watcher with several watches that an event meets stands where the first of them was registered: that one comes first in `met`. */
function meet(found: Firings, watcher: number, event: WatchEvent, registration: Registration): void {
  const known = found.get(watcher)
  if (known === undefined) found.set(watcher, { watcher, event, met: [registration] })
  else if (placeIn(known) > registration.place) known.met.unshift(registration)
  else known.met.push(registration)
}

function placeIn({ met }: Firing): number {
  return met[0]?.place ?? 0
}

function byPlace(a: Firing, b: Firing): number {
  return placeIn(a) - placeIn(b)
}

function* pathsAbove(path: string): Iterable<string> {
  for (
    let slash = path.lastIndexOf('/');
    path !== '/' && slash >= 0;
    slash = slash === 0 ? -1 : path.lastIndexOf('/', slash - 1)
  ) {
    yield slash === 0 ? '/' : path.slice(0, slash)
  }
}

function keyOf(path: string, kind: WatchKind): string {
  return `${KINDS.indexOf(kind)}${path}`
}

function kindIn(key: string): WatchKind {
  return KINDS[key.charCodeAt(0) - 0x30] ?? 'data'
}

function pathIn(key: string): string {
  return key.slice(1)
}
