import { formatZxid, LIMITS, type MemberId, type Zxid } from '../../base/index.js'
import { Violation } from '../checker.js'
import type { EventLog } from './event-log.js'
import type { OneShotWatch } from './one-shot-watch.js'
import type { PersistentWatch } from './persistent-watch.js'
import type { TxnEvent } from './txn-events.js'
import type { WatchingSession } from './watching-session.js'

export type Watch = OneShotWatch | PersistentWatch

/** A catch-up by snapshot, as far as it has been told: every watch that stays hears of it, one after another, and nothing else comes between. */
interface Round {
  /** Null where the history does not say. */
  readonly zxid: Zxid | null
  readonly due: ReadonlySet<PersistentWatch>
  readonly told: Set<PersistentWatch>
}

/**
 * One process of a member: it applies one txn after another, tells all its watches of each at once, and shows it to nobody before. So whatever
 * it shows says what all of its watches must have been told.
 */
export class WatchedProcess {
  readonly name: string
  /** The zxids of its resets, wherever they stand in the history. */
  readonly resets = new Set<number>()
  /** Some reset of it does not say how far it reaches. */
  resetsUnknown = false
  /** It is known to have applied this. What it has applied never goes back. */
  shown = 0
  /** All its watches have been told of everything below this zxid that concerns them. */
  below = 0
  /** Listeners may be running: not all watches have heard of the last txn yet. */
  firing = false
  ended = false
  readonly #watches = new Set<Watch>()
  /** Those whose last reset does not say how far it reaches. */
  readonly #floating = new Set<PersistentWatch>()
  #persistent = 0
  /** Since then, as a place in the history, some watch would have been told of a catch-up by snapshot. */
  #sightedSince = Number.POSITIVE_INFINITY
  #round: Round | null = null
  /** No watch is owed anything below this. */
  #nothingDueBelow = Number.POSITIVE_INFINITY
  #last = { zxid: 0, part: 0 }
  /** The last txn that some persistent watch was told of by itself. */
  #lastSingle = 0

  constructor(member: MemberId, process: number) {
    this.name = `member ${member}, process ${process}`
  }

  /** A watch was set; of a one-shot watch that is known only when its read returns, which may be after more has been told. */
  add(watch: Watch, index: number, how: () => string): void {
    this.#watches.add(watch)
    this.#expect(watch, how)
    if (watch.kind !== 'persistent' && watch.kind !== 'recursive') return
    if (this.#persistent++ === 0) this.#sightedSince = index
  }

  /** The watch is over. Of the txn that is being told it may hear nothing any more. */
  remove(watch: Watch): void {
    if (!this.#watches.delete(watch)) return
    if (watch.kind !== 'persistent' && watch.kind !== 'recursive') return
    if (--this.#persistent === 0) this.#sightedSince = Number.POSITIVE_INFINITY
  }

  watchesOf(owner: WatchingSession): readonly Watch[] {
    return [...this.#watches].filter(watch => watch.owner === owner)
  }

  /** A session may hear of more from here on: what nobody was owed may be owed. */
  onAuth(): void {
    this.#nothingDueBelow = 0
  }

  end(): void {
    this.completeRound()
    this.#watches.clear()
    this.#persistent = 0
    this.ended = true
  }

  /**
   * Whether it may have caught up by a snapshot at a zxid of `from` to `to` while a watch that was set at a place in the history was waiting.
   * Without a persistent watch beside it nobody would have told us.
   */
  mayHaveCaughtUp(since: number, from: number, to: number): boolean {
    if (this.resetsUnknown || since < this.#sightedSince) return true
    for (const zxid of this.resets) if (zxid >= from && zxid <= to) return true
    return false
  }

  /**
   * Whether a catch-up by snapshot at `zxid` may have been too much to say what has changed in it. What its watches made it look at is not
   * known; it is no more than all paths that there ever were, and those that are watched.
   */
  mayHaveSkippedTooMuch(log: EventLog, zxid: Zxid): boolean {
    if (log.pathsTouched(this.below - 1, zxid) > LIMITS.resetPathsMax) return true
    return log.pathsTouched(0, zxid) + this.#watches.size > LIMITS.resetZnodesMax
  }

  /** A watch was removed while `zxid` was what its process had applied. Others may still be told of that. */
  onRemoved(watch: Watch, zxid: Zxid): void {
    if (zxid < this.shown) {
      throw this.violation(
        `${watch.name} was removed at ${formatZxid(zxid)}, where ${this.name} had shown ${formatZxid(this.shown as Zxid)}`
      )
    }
    this.shown = zxid
    this.firing = true
    this.remove(watch)
  }

  /** A watch was told something at `zxid`. `event` is what a persistent one was told; it stands behind everything told so far. */
  onTold(watch: Watch, zxid: Zxid, event: TxnEvent | null): void {
    this.firing = true
    if (zxid < this.#last.zxid) {
      throw this.violation(
        `${watch.name} was told of ${formatZxid(zxid)} behind an event of ${formatZxid(this.#last.zxid as Zxid)}`
      )
    }
    if (event !== null && zxid === this.#last.zxid && event.part < this.#last.part) {
      throw this.violation(`${watch.name} was told of ${describe(event)} behind a later part of the same txn`)
    }
    // Only what a persistent watch hears is sure to be one txn by itself: a one-shot watch may be told of many at once, and others with it.
    this.#last = { zxid, part: event?.part ?? (zxid === this.#last.zxid ? this.#last.part : 0) }
    this.shown = Math.max(this.shown, zxid)
    if (event === null) return
    this.#lastSingle = zxid
    this.completeRound()
    this.#settle(zxid, () => `before ${watch.name} was told of ${describe(event)}`)
  }

  /** A watch was told of a catch-up by snapshot. */
  onReset(watch: PersistentWatch, zxid: Zxid | null): void {
    const round = this.#round
    if (round !== null && (round.told.has(watch) || (round.zxid !== null && zxid !== null && round.zxid !== zxid)))
      this.completeRound()
    if (this.#round === null) {
      // What was being told before is over: a catch-up begins when everybody has heard of the last txn.
      this.#settle(this.#lastSingle + 1, () => `before ${watch.name} was told of a catch-up by snapshot`)
      const due = [...this.#watches].filter(each => each.kind === 'persistent' || each.kind === 'recursive') as PersistentWatch[]
      this.#round = { zxid, due: new Set(due), told: new Set() }
    }
    this.#round.told.add(watch)
    if (zxid === null) this.#floating.add(watch)
    else this.onTold(watch, zxid, null)
    this.firing = true
  }

  /** It shows `zxid` while no listener runs. `how` says where that can be seen. */
  onShown(zxid: Zxid, how: () => string): void {
    this.firing = false
    this.completeRound()
    if (zxid < this.shown) {
      throw this.violation(
        `${this.name} showed ${formatZxid(zxid)} ${how()}, having shown or told ${formatZxid(this.shown as Zxid)}`
      )
    }
    this.shown = zxid
    this.#settle(zxid + 1, () => `before ${this.name} showed ${formatZxid(zxid)} ${how()}`)
  }

  completeRound(): void {
    const round = this.#round
    if (round === null) return
    this.#round = null
    for (const watch of round.due) {
      if (this.#watches.has(watch) && !round.told.has(watch)) {
        throw this.violation(
          `${watch.name} was not told of the catch-up by snapshot that other watches of its process were told of`
        )
      }
    }
    if (round.zxid !== null) this.#settle(round.zxid + 1, () => 'before the catch-up by snapshot was told')
  }

  violation(message: string): Violation {
    return new Violation('watches', message)
  }

  /** Everything below `below` must have been told. PERF: looks at the watches only when one of them may be owed something. */
  #settle(below: number, when: () => string): void {
    if (below <= this.below) return
    this.below = below
    for (const watch of this.#floating) watch.land(below)
    this.#floating.clear()
    if (this.#nothingDueBelow >= below) return
    this.#nothingDueBelow = Number.POSITIVE_INFINITY
    for (const watch of this.#watches) this.#expect(watch, when)
  }

  #expect(watch: Watch, when: () => string): void {
    watch.skip(this.below)
    const { due } = watch
    if (due === null) return
    if (due.zxid < this.below) throw this.violation(`${watch.name} was not told of ${describe(due)} ${when()}`)
    this.#nothingDueBelow = Math.min(this.#nothingDueBelow, due.zxid)
  }
}

export function describe({ type, path, zxid }: { readonly type: string; readonly path: string; readonly zxid: Zxid }): string {
  return `${type} ${path} at ${formatZxid(zxid)}`
}
