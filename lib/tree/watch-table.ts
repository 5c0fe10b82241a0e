import type { Zxid } from '../base/index.js'
import type { Stat } from './stat.js'
import type { TreeEvent } from './tree-event.js'

/**
 * `data`: set by getData, and by exists whether the znode is there or not. `child`: set by getChildren. Both vanish when they fire.
 * `persistent` stays and hears what both would; `recursive` stays and hears of everything at or below its path but for `childrenChanged`,
 * which the events of the children themselves say already.
 */
export type WatchKind = 'data' | 'child' | 'persistent' | 'recursive'

/** `reset`: the member has caught up by a snapshot; what happened at or below the path meanwhile can only be read from the tree. */
export type WatchEvent = TreeEvent | { readonly type: 'reset'; readonly path: string; readonly zxid: Zxid }

/** One event for one watcher. */
export interface Firing {
  readonly watcher: number
  readonly event: WatchEvent
}

/** One registration. */
export interface Watch {
  readonly watcher: number
  readonly kind: WatchKind
}

/** What {@link WatchTable.rebase} asks of a tree. */
export interface RebaseView {
  readonly zxidApplied: Zxid
  exists(path: string): Stat | null
}

/** By kind, by watcher: the place in the order of registrations. */
type PathWatches = { [kind in WatchKind]?: Map<number, number> }

type EventType = WatchEvent['type']

const KINDS: readonly WatchKind[] = ['data', 'child', 'persistent', 'recursive']

/** ZooKeeper's trigger matrix: which watches on the very path of an event hear of it. Recursive ones on paths above do as well. */
const HEARD_AT_PATH: { readonly [type in TreeEvent['type']]: readonly WatchKind[] } = {
  created: ['data', 'persistent', 'recursive'],
  deleted: ['data', 'child', 'persistent', 'recursive'],
  dataChanged: ['data', 'persistent', 'recursive'],
  childrenChanged: ['child', 'persistent']
}

/**
 * Watches as data: who is to hear of what. A watcher is whatever number the caller likes; it hears of one event once, however many of its
 * watches the event meets. Firings come in the order of the events, and for one event in the order in which the watches were registered.
 */
export class WatchTable {
  readonly #byPath = new Map<string, PathWatches>()
  /** What each watcher has: the place of the kind in `KINDS` and the path, in one string. */
  readonly #byWatcher = new Map<number, Set<string>>()
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
    if (held === undefined) this.#byWatcher.set(watcher, new Set([keyOf(path, kind)]))
    else held.add(keyOf(path, kind))
    this.#count++
    if (kind === 'recursive') this.#recursiveCount++
  }

  /** Removes everything of one watcher. */
  remove(watcher: number): void {
    for (const key of this.#byWatcher.get(watcher) ?? []) this.#drop(watcher, pathIn(key), kindIn(key))
  }

  /** Removes what is registered on a path, of one kind or of all, of those watchers that `isMeant` accepts; tells what it was. */
  removeAt(path: string, kind?: WatchKind, isMeant: (watcher: number) => boolean = () => true): readonly Watch[] {
    const watches = this.#byPath.get(path)
    if (watches === undefined) return []
    const removed: Watch[] = []
    for (const each of kind === undefined ? KINDS : [kind]) {
      for (const watcher of watches[each]?.keys() ?? []) if (isMeant(watcher)) removed.push({ watcher, kind: each })
    }
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
      const places = new Map<number, number>()
      this.#collect(event.path, HEARD_AT_PATH[event.type], places)
      if (this.#recursiveCount > 0 && event.type !== 'childrenChanged') {
        for (const above of pathsAbove(event.path)) this.#collect(above, ['recursive'], places)
      }
      for (const watcher of inOrder(places)) firings.push({ watcher, event })
    }
    return firings
  }

  /**
   * Who hears of what when a tree is replaced by a later one without the txns between. One-shot watches fire when the two differ in what
   * they watch, with the latest event that explains it; the ones that stay are told of the gap itself. Every event bears the zxid of `after`.
   */
  rebase(before: RebaseView, after: RebaseView): readonly Firing[] {
    const zxid = after.zxidApplied
    const found: { readonly place: number; readonly firing: Firing }[] = []
    const fired: { readonly watcher: number; readonly path: string; readonly kind: WatchKind }[] = []
    for (const [path, watches] of this.#byPath) {
      const places = new Map<EventType, Map<number, number>>()
      const past = before.exists(path)
      const present = after.exists(path)
      for (const kind of KINDS) {
        const type = kind === 'data' ? dataEvent(past, present) : kind === 'child' ? childEvent(past, present) : 'reset'
        if (type === null) continue
        for (const [watcher, place] of watches[kind] ?? []) {
          remember(entryOf(places, type), watcher, place)
          if (type !== 'reset') fired.push({ watcher, path, kind })
        }
      }
      for (const [type, byWatcher] of places) {
        for (const [watcher, place] of byWatcher) found.push({ place, firing: { watcher, event: { type, path, zxid } } })
      }
    }
    for (const { watcher, path, kind } of fired) this.#drop(watcher, path, kind)
    return found.sort((a, b) => a.place - b.place).map(({ firing }) => firing)
  }

  /** Adds who watches the path in one of the kinds, and takes the one-shot watches out. */
  #collect(path: string, kinds: readonly WatchKind[], places: Map<number, number>): void {
    const watches = this.#byPath.get(path)
    if (watches === undefined) return
    for (const kind of kinds) {
      for (const [watcher, place] of watches[kind] ?? []) {
        remember(places, watcher, place)
        if (kind === 'data' || kind === 'child') this.#drop(watcher, path, kind)
      }
    }
  }

  #drop(watcher: number, path: string, kind: WatchKind): void {
    const watches = this.#byPath.get(path)
    const places = watches?.[kind]
    if (watches === undefined || !places?.delete(watcher)) return
    if (places.size === 0) delete watches[kind]
    if (KINDS.every(each => watches[each] === undefined)) this.#byPath.delete(path)
    const held = this.#byWatcher.get(watcher)
    held?.delete(keyOf(path, kind))
    if (held?.size === 0) this.#byWatcher.delete(watcher)
    this.#count--
    if (kind === 'recursive') this.#recursiveCount--
  }
}

/** A watcher with several watches that an event meets stands where the first of them was registered. */
function remember(places: Map<number, number>, watcher: number, place: number): void {
  const known = places.get(watcher)
  if (known === undefined || place < known) places.set(watcher, place)
}

function inOrder(places: Map<number, number>): readonly number[] {
  return [...places].sort(([, a], [, b]) => a - b).map(([watcher]) => watcher)
}

function entryOf(places: Map<EventType, Map<number, number>>, type: EventType): Map<number, number> {
  let entry = places.get(type)
  if (entry === undefined) {
    entry = new Map()
    places.set(type, entry)
  }
  return entry
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

function dataEvent(before: Stat | null, after: Stat | null): TreeEvent['type'] | null {
  if (before === null) return after === null ? null : 'created'
  if (after === null) return 'deleted'
  return before.mzxid === after.mzxid ? null : 'dataChanged'
}

/** A child watch is set on a znode that is there; one that has appeared meanwhile is no news to it. */
function childEvent(before: Stat | null, after: Stat | null): TreeEvent['type'] | null {
  if (before === null) return null
  if (after === null) return 'deleted'
  return before.pzxid === after.pzxid ? null : 'childrenChanged'
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
