import { LIMITS, ZooKeeperError } from '../base/index.js'
import {
  type Firing,
  firesOnce,
  type RebaseView,
  type Registration,
  type TreeEvent,
  type Watch,
  type WatchKind,
  WatchTable
} from '../tree/index.js'
import type { WatchHearer } from './watch-hearer.js'

/** One watch, and whose it is. */
export interface HeldWatch {
  readonly hearer: WatchHearer
  readonly kind: WatchKind
}

/** What is being told: null where it has been. */
type Owed = (Firing<WatchHearer> | null)[]

const NOTHING: Owed = []

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
  readonly #table = new WatchTable<WatchHearer>()
  /** A listener may do anything while it is told. */
  #owed = NOTHING
  /** Those that have lost a watch since the telling began, other than by its firing: it may be one that they are owed something for. */
  readonly #losers = new Set<WatchHearer>()

  /** `report` lets what a listener threw surface. */
  constructor(report: (error: unknown) => void, watchesMax: number = LIMITS.watchesMax) {
    this.#report = report
    this.#watchesMax = watchesMax
  }

  /** Watches. What one listener of a session is registered for more than once, in one way and on one path, is one. */
  get count(): number {
    return this.#table.count
  }

  /** Hearers that have any. */
  get hearerCount(): number {
    return this.#table.watcherCount
  }

  /**
   * Setting the same watch again changes nothing.
   * @throws ZooKeeperError `LIMIT_EXCEEDED` when this member has as many as it may
   */
  add(hearer: WatchHearer, path: string, kind: WatchKind): void {
    if (this.#table.registrationOf(hearer, path, kind) !== null) return
    if (this.#table.count >= this.#watchesMax) {
      throw new ZooKeeperError('LIMIT_EXCEEDED', { path, message: `this member has ${this.#watchesMax} watches already` })
    }
    this.#table.add(hearer, path, kind)
  }

  /** Ends one watch, and nobody is told. */
  remove(hearer: WatchHearer, path: string, kind: WatchKind): void {
    if (this.#table.registrationOf(hearer, path, kind) === null) return
    this.#table.remove(hearer, path, kind)
    this.#lost(hearer)
  }

  /** Ends all that a hearer has whose session is over. */
  removeAll(hearer: WatchHearer): void {
    this.#table.remove(hearer)
    this.#lost(hearer)
  }

  /** Watches on a path, of one kind or of all. */
  watchesAt(path: string, kind: WatchKind | undefined, isMeant: (hearer: WatchHearer) => boolean): readonly HeldWatch[] {
    return held(this.#table.watchesAt(path, kind, isMeant))
  }

  /** Ends what {@link watchesAt} finds, and says what it was. */
  removeAt(path: string, kind: WatchKind | undefined, isMeant: (hearer: WatchHearer) => boolean): readonly HeldWatch[] {
    const removed = held(this.#table.removeAt(path, kind, isMeant))
    for (const { hearer } of removed) this.#lost(hearer)
    return removed
  }

  /** What has happened before a hearer's watches are removed it is told before that, whoever else is still to hear of it. */
  hurry(hearers: ReadonlySet<WatchHearer>): void {
    const owed = this.#owed
    for (const [index, firing] of owed.entries()) if (firing !== null && hearers.has(firing.watcher)) this.#tell(owed, index)
  }

  fire(events: readonly TreeEvent[]): void {
    if (events.length > 0 && this.#table.count > 0) this.#deliver(this.#table.fire(events))
  }

  /** The tree has been replaced: nobody was told what happened in between. */
  rebase(before: RebaseView, after: RebaseView): void {
    this.#deliver(this.#table.rebase(before, after))
  }

  #deliver(firings: readonly Firing<WatchHearer>[]): void {
    if (firings.length === 0) return
    const owed: Owed = [...firings]
    this.#owed = owed
    for (let index = 0; index < owed.length; index++) this.#tell(owed, index)
    this.#owed = NOTHING
    for (const { watcher, met } of firings) if (met.some(({ kind }) => firesOnce(kind))) this.#settle(watcher)
    for (const hearer of this.#losers) this.#settle(hearer)
    this.#losers.clear()
  }

  #tell(owed: Owed, index: number): void {
    const firing = owed[index] ?? null
    owed[index] = null
    if (firing === null) return
    const { watcher: hearer, event } = firing
    if (hearer.owner.over) return
    const met = this.#losers.has(hearer) ? this.#stillMet(firing) : firing.met
    if (met.length === 0) return
    if (event.type !== 'reset' && event.acl !== undefined && !hearer.owner.mayRead(event.acl)) return
    try {
      hearer.hear(event, met)
    } catch (error) {
      this.#report(error)
    }
  }

  /** Without the watches that an earlier listener has disposed of, even where there is a new one in the place of such a one. */
  #stillMet({ watcher, met }: Firing<WatchHearer>): readonly Registration[] {
    return met.filter(each => firesOnce(each.kind) || this.#table.registrationOf(watcher, each.path, each.kind) === each)
  }

  /** A hearer has lost a watch other than by its firing. While there is a telling, it is kept: it may be owed something. */
  #lost(hearer: WatchHearer): void {
    if (this.#owed === NOTHING) this.#settle(hearer)
    else this.#losers.add(hearer)
  }

  /** Nothing is kept of a hearer without a watch. */
  #settle(hearer: WatchHearer): void {
    if (!this.#table.has(hearer)) hearer.owner.onIdle(hearer)
  }
}

function held(watches: readonly Watch<WatchHearer>[]): readonly HeldWatch[] {
  return watches.map(({ watcher, kind }) => ({ hearer: watcher, kind }))
}
