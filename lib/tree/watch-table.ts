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
export interface Firing<Watcher = number> {
  readonly watcher: Watcher
  readonly event: WatchEvent
  /** Which of its watches the event has met: at least one. Those that fire once are not in the table any more. */
  readonly met: readonly Registration[]
}

/** One watch that was removed. */
export interface Watch<Watcher = number> {
  readonly watcher: Watcher
  readonly kind: WatchKind
}

/** What is registered in one way on one path, in the order of places: a map keeps its order. */
type Registrations<Watcher> = Map<Watcher, Registration>

type PathWatches<Watcher> = { [kind in WatchKind]?: Registrations<Watcher> }

const KINDS: readonly WatchKind[] = ['data', 'child', 'persistent', 'recursive']

/** ZooKeeper's trigger matrix: which watches on the very path of an event hear of it. Recursive ones on paths above do as well. */
const HEARD_AT_PATH: { readonly [type in TreeEvent['type']]: readonly WatchKind[] } = {
  created: ['data', 'persistent', 'recursive'],
  deleted: ['data', 'child', 'persistent', 'recursive'],
  dataChanged: ['data', 'persistent', 'recursive'],
  childrenChanged: ['child', 'persistent']
}

/** The firings of one event while they are being found. */
type Firings<Watcher> = Map<Watcher, Firing<Watcher> & { readonly met: Registration[] }>

/**
 * Watches as data: who is to hear of what. A watcher is whatever the caller likes, as a key of a map; it hears of one event once, however many
 * of its watches the event meets. Firings come in the order of the events, and for one event in the order in which the watches were registered.
 */
export class WatchTable<Watcher = number> {
  readonly #byPath = new Map<string, PathWatches<Watcher>>()
  /** PERF: most watchers have one watch, and no set for it. */
  readonly #byWatcher = new Map<Watcher, Registration | Set<Registration>>()
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
  has(watcher: Watcher): boolean {
    return this.#byWatcher.has(watcher)
  }

  /** Null where there is none. It tells one that has been there all the time from a later one. */
  registrationOf(watcher: Watcher, path: string, kind: WatchKind): Registration | null {
    return this.#byPath.get(path)?.[kind]?.get(watcher) ?? null
  }

  /** Registering the same again changes nothing. */
  add(watcher: Watcher, path: string, kind: WatchKind): void {
    let watches = this.#byPath.get(path)
    if (watches === undefined) {
      watches = {}
      this.#byPath.set(path, watches)
    }
    let registrations = watches[kind]
    if (registrations === undefined) {
      registrations = new Map()
      watches[kind] = registrations
    }
    if (registrations.has(watcher)) return
    const registration = { path, kind, place: this.#registrations++ }
    registrations.set(watcher, registration)
    const held = this.#byWatcher.get(watcher)
    if (held === undefined) this.#byWatcher.set(watcher, registration)
    else if (held instanceof Set) held.add(registration)
    else this.#byWatcher.set(watcher, new Set([held, registration]))
    this.#count++
    if (kind === 'recursive') this.#recursiveCount++
  }

  /** Removes one registration, or everything of one watcher. */
  remove(watcher: Watcher, path?: string, kind?: WatchKind): void {
    if (path !== undefined && kind !== undefined) return this.#drop(watcher, path, kind)
    const held = this.#byWatcher.get(watcher)
    if (held === undefined) return
    for (const registration of held instanceof Set ? held : [held]) this.#drop(watcher, registration.path, registration.kind)
  }

  /** What is registered on a path, of one kind or of all, by those watchers that `isMeant` accepts. */
  watchesAt(path: string, kind?: WatchKind, isMeant: (watcher: Watcher) => boolean = () => true): readonly Watch<Watcher>[] {
    const watches = this.#byPath.get(path)
    if (watches === undefined) return []
    const found: Watch<Watcher>[] = []
    for (const each of kind === undefined ? KINDS : [kind]) {
      for (const watcher of watches[each]?.keys() ?? []) if (isMeant(watcher)) found.push({ watcher, kind: each })
    }
    return found
  }

  /** Removes what {@link watchesAt} finds; tells what it was. */
  removeAt(path: string, kind?: WatchKind, isMeant?: (watcher: Watcher) => boolean): readonly Watch<Watcher>[] {
    const removed = this.watchesAt(path, kind, isMeant)
    for (const watch of removed) this.#drop(watch.watcher, path, watch.kind)
    return removed
  }

  /**
   * Who hears of the events of one txn. One-shot watches that fire are gone afterwards.
   * PERF: grows with the depth of the paths only while a recursive watch exists.
   */
  fire(events: readonly TreeEvent[]): readonly Firing<Watcher>[] {
    const firings: Firing<Watcher>[] = []
    if (this.#count === 0) return firings
    for (const event of events) {
      const hearing = this.#take(event.path, HEARD_AT_PATH[event.type])
      if (this.#recursiveCount > 0 && event.type !== 'childrenChanged') {
        for (const above of pathsAbove(event.path)) hearing.push(...this.#take(above, ['recursive']))
      }
      addFirings(firings, event, hearing)
    }
    return firings
  }

  /**
   * Who hears of what when a tree is replaced by a later one without the txns between. One-shot watches fire when the two differ in what
   * they watch, with the latest event that explains it; the ones that stay are told of the gap itself, and which of their paths differ. A
   * watcher that has both kinds of these on one path is told once, of what either would be. Every event bears the zxid of `after`.
   */
  rebase(before: RebaseView, after: RebaseView): readonly Firing<Watcher>[] {
    const comparison = new TreeComparison(before, after, this.#recursivePaths())
    const firings: Firing<Watcher>[] = []
    for (const [path, watches] of this.#byPath) {
      const difference = comparison.at(path)
      const { data, child } = difference
      if (data !== null) addFirings(firings, data, this.#take(path, data === child ? ['data', 'child'] : ['data']))
      if (child !== null && child !== data) addFirings(firings, child, this.#take(path, ['child']))
      for (const firing of resets(path, watches, difference, comparison)) firings.push(firing)
    }
    return firings.sort(byPlace)
  }

  *#recursivePaths(): Iterable<string> {
    if (this.#recursiveCount === 0) return
    for (const [path, { recursive }] of this.#byPath) if (recursive !== undefined) yield path
  }

  /** What is registered on the path in each of the kinds. One-shot watches are taken out. */
  #take(path: string, kinds: readonly WatchKind[]): Registrations<Watcher>[] {
    const watches = this.#byPath.get(path)
    const taken: Registrations<Watcher>[] = []
    if (watches === undefined) return taken
    for (const kind of kinds) {
      const registrations = watches[kind]
      if (registrations === undefined) continue
      taken.push(registrations)
      if (firesOnce(kind)) this.#dropAll(path, kind, watches, registrations)
    }
    return taken
  }

  /** Everything that is registered on a path in one way. */
  #dropAll(path: string, kind: 'data' | 'child', watches: PathWatches<Watcher>, registrations: Registrations<Watcher>): void {
    this.#forgetKind(path, kind, watches)
    this.#count -= registrations.size
    for (const [watcher, registration] of registrations) this.#forget(watcher, registration)
  }

  #drop(watcher: Watcher, path: string, kind: WatchKind): void {
    const watches = this.#byPath.get(path)
    const registrations = watches?.[kind]
    const registration = registrations?.get(watcher)
    if (watches === undefined || registrations === undefined || registration === undefined) return
    registrations.delete(watcher)
    if (registrations.size === 0) this.#forgetKind(path, kind, watches)
    this.#forget(watcher, registration)
    this.#count--
    if (kind === 'recursive') this.#recursiveCount--
  }

  /** Nothing is registered on the path in that way any more. */
  #forgetKind(path: string, kind: WatchKind, watches: PathWatches<Watcher>): void {
    delete watches[kind]
    if (KINDS.every(each => watches[each] === undefined)) this.#byPath.delete(path)
  }

  #forget(watcher: Watcher, registration: Registration): void {
    const held = this.#byWatcher.get(watcher)
    if (held instanceof Set) {
      held.delete(registration)
      if (held.size > 0) return
    }
    this.#byWatcher.delete(watcher)
  }
}

/** Whether a watch of that kind vanishes when it fires. */
export function firesOnce(kind: WatchKind): kind is 'data' | 'child' {
  return kind === 'data' || kind === 'child'
}

/** Adds the firings of one event, in the order of places. */
function addFirings<Watcher>(firings: Firing<Watcher>[], event: WatchEvent, hearing: readonly Registrations<Watcher>[]): void {
  const [only] = hearing
  if (only !== undefined && hearing.length === 1) {
    // PERF: as nearly always. Nobody is in it twice, and it is in order already.
    for (const [watcher, registration] of only) firings.push({ watcher, event, met: [registration] })
    return
  }
  const found: Firings<Watcher> = new Map()
  for (const registrations of hearing) {
    for (const [watcher, registration] of registrations) meet(found, watcher, event, registration)
  }
  for (const firing of [...found.values()].sort(byPlace)) firings.push(firing)
}

/** The firings of those on the path whose watches stay. */
function resets<Watcher>(
  path: string,
  { persistent, recursive }: PathWatches<Watcher>,
  { changed }: PathDifference,
  comparison: TreeComparison
): Iterable<Firing<Watcher>> {
  if (persistent === undefined && recursive === undefined) return []
  const found: Firings<Watcher> = new Map()
  const own = changed ? [path] : []
  const below = recursive === undefined ? own : comparison.changedBelow(path)
  const ofPersistent = comparison.reset(path, own)
  const ofRecursive = comparison.reset(path, below)
  const ofBoth = changed && below !== null && below[0] !== path ? comparison.reset(path, [path, ...below]) : ofRecursive
  for (const [watcher, registration] of persistent ?? [])
    meet(found, watcher, recursive?.has(watcher) ? ofBoth : ofPersistent, registration)
  for (const [watcher, registration] of recursive ?? []) meet(found, watcher, ofRecursive, registration)
  return found.values()
}

/** A watcher with several watches that an event meets stands where the first of them was registered: that one comes first in `met`. */
function meet<Watcher>(found: Firings<Watcher>, watcher: Watcher, event: WatchEvent, registration: Registration): void {
  const known = found.get(watcher)
  if (known === undefined) found.set(watcher, { watcher, event, met: [registration] })
  else if (placeIn(known) > registration.place) known.met.unshift(registration)
  else known.met.push(registration)
}

function placeIn({ met }: Firing<unknown>): number {
  return met[0]?.place ?? 0
}

function byPlace(a: Firing<unknown>, b: Firing<unknown>): number {
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
