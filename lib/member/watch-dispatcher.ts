import { LIMITS, present, ZooKeeperError } from '../base/index.js'
import { type Firing, firesOnce, type RebaseView, type TreeEvent, type Watch, type WatchKind, WatchTable } from '../tree/index.js'
import type { WatchHearer } from './watch-hearer.js'

/** One watch, and whose it is. */
export interface HeldWatch {
  readonly hearer: WatchHearer
  readonly kind: WatchKind
}

const NOTHING: (Firing | null)[] = []

/**
 * Brings what the watch table says to those who hear of it: synchronously, in zxid order, before the promise of any caller resolves, and only
 * to sessions that may read what it is about. A listener that throws stops nothing; what it throws surfaces as an uncaught exception, as with
 * any event emitter that is called from a callback.
 *
 * Nothing is kept of a hearer without a watch: neither here nor, because it is told, by its owner.
 */
export class WatchDispatcher {
  readonly #report: (error: unknown) => void
  readonly #watchesMax: number
  readonly #table = new WatchTable()
  readonly #hearers = new Map<number, WatchHearer>()
  /** Of what is being told: null where it has been. A listener may do anything meanwhile. */
  #owed = NOTHING
  /** Hearers that had a watch when the telling began or since, and may have none when it is over. */
  readonly #perhapsIdle = new Set<number>()
  #watchers = 0
  /** Grows with every watch that is removed other than by firing. */
  #removals = 0

  /** `report` lets what a listener threw surface. */
  constructor(report: (error: unknown) => void, watchesMax: number = LIMITS.watchesMax) {
    this.#report = report
    this.#watchesMax = watchesMax
  }

  /** Watches. What one listener of a session is registered for more than once, in one way and on one path, is one. */
  get count(): number {
    return this.#table.count
  }

  /** Hearers that something is kept of. */
  get hearerCount(): number {
    return this.#hearers.size
  }

  /** A number for a new hearer. */
  nextWatcher(): number {
    return ++this.#watchers
  }

  /**
   * Setting the same watch again changes nothing.
   * @throws ZooKeeperError `LIMIT_EXCEEDED` when this member has as many as it may
   */
  add(hearer: WatchHearer, path: string, kind: WatchKind): void {
    const { watcher } = hearer
    if (this.#table.placeOf(watcher, path, kind) !== null) return
    if (this.#table.count >= this.#watchesMax) {
      throw new ZooKeeperError('LIMIT_EXCEEDED', { path, message: `this member has ${this.#watchesMax} watches already` })
    }
    this.#table.add(watcher, path, kind)
    this.#hearers.set(watcher, hearer)
  }

  /** Ends one watch, and nobody is told. */
  remove(hearer: WatchHearer, path: string, kind: WatchKind): void {
    this.#removals++
    this.#table.remove(hearer.watcher, path, kind)
    this.#settle(hearer.watcher)
  }

  /** Ends all that a hearer has. It hears nothing more, not even of what has just happened. */
  removeAll(hearer: WatchHearer): void {
    this.#removals++
    this.#table.remove(hearer.watcher)
    this.#hearers.delete(hearer.watcher)
    hearer.owner.onIdle(hearer)
  }

  /** Watches on a path, of one kind or of all. */
  watchesAt(path: string, kind: WatchKind | undefined, isMeant: (hearer: WatchHearer) => boolean): readonly HeldWatch[] {
    return this.#held(this.#table.watchesAt(path, kind, watcher => isMeant(this.#hearer(watcher))))
  }

  /** Ends what {@link watchesAt} finds, and says what it was. */
  removeAt(path: string, kind: WatchKind | undefined, isMeant: (hearer: WatchHearer) => boolean): readonly HeldWatch[] {
    this.#removals++
    const removed = this.#held(this.#table.removeAt(path, kind, watcher => isMeant(this.#hearer(watcher))))
    for (const { hearer } of removed) this.#settle(hearer.watcher)
    return removed
  }

  /** What has happened before a hearer's watches are removed it is told before that, whoever else is still to hear of it. */
  hurry(hearers: ReadonlySet<WatchHearer>): void {
    const owed = this.#owed
    for (const [index, firing] of owed.entries()) {
      const hearer = firing === null ? undefined : this.#hearers.get(firing.watcher)
      if (hearer !== undefined && hearers.has(hearer)) this.#tell(owed, index)
    }
  }

  fire(events: readonly TreeEvent[]): void {
    if (events.length > 0 && this.#table.count > 0) this.#deliver(this.#table.fire(events))
  }

  /** The tree has been replaced: nobody was told what happened in between. */
  rebase(before: RebaseView, after: RebaseView): void {
    this.#deliver(this.#table.rebase(before, after))
  }

  #deliver(firings: readonly Firing[]): void {
    if (firings.length === 0) return
    const owed: (Firing | null)[] = [...firings]
    this.#owed = owed
    this.#removals = 0
    for (const { watcher, met } of firings) if (met.some(({ kind }) => firesOnce(kind))) this.#perhapsIdle.add(watcher)
    for (let index = 0; index < owed.length; index++) this.#tell(owed, index)
    this.#owed = NOTHING
    const perhapsIdle = [...this.#perhapsIdle]
    this.#perhapsIdle.clear()
    for (const watcher of perhapsIdle) this.#settle(watcher)
  }

  #tell(owed: (Firing | null)[], index: number): void {
    const firing = owed[index] ?? null
    owed[index] = null
    if (firing === null) return
    const { watcher, event } = firing
    // Its session may be over by the doing of an earlier listener, or its watch disposed of.
    const hearer = this.#hearers.get(watcher)
    // PERF: nothing is looked up while nobody has removed anything since the telling began.
    const met =
      this.#removals === 0
        ? firing.met
        : firing.met.filter(({ path, kind, place }) => firesOnce(kind) || this.#table.placeOf(watcher, path, kind) === place)
    if (hearer === undefined || met.length === 0) return
    if (event.type !== 'reset' && event.acl !== undefined && !hearer.owner.mayRead(event.acl)) return
    try {
      hearer.hear(event, met)
    } catch (error) {
      this.#report(error)
    }
  }

  #held(watches: readonly Watch[]): readonly HeldWatch[] {
    return watches.map(({ watcher, kind }) => ({ hearer: this.#hearer(watcher), kind }))
  }

  #hearer(watcher: number): WatchHearer {
    return present(this.#hearers.get(watcher), 'whoever has a watch is known')
  }

  /** Forgets a hearer without a watch. One that may still be owed something is kept until that has been told. */
  #settle(watcher: number): void {
    if (this.#owed !== NOTHING) this.#perhapsIdle.add(watcher)
    else if (!this.#table.has(watcher)) {
      const hearer = this.#hearers.get(watcher)
      this.#hearers.delete(watcher)
      hearer?.owner.onIdle(hearer)
    }
  }
}
