import type { Zxid } from '../../base/index.js'
import type { StoredState } from '../../storage/index.js'
import { DiskView, type SeenChange } from './disk-view.js'
import type { LogImage } from './log-image.js'
import type { TxnBook } from './txn-book.js'

interface Pending extends SeenChange {
  readonly write: number
}

/** One member's disk, as far as it can be known from what was handed to its store and what the store has said. */
export class DiskMirror {
  /** What the store has said is on disk. */
  durable = new DiskView()
  /** The same, with everything that was handed over since. */
  handed = new DiskView()
  /** Changes that may or may not be on disk, in order. */
  #pending: Pending[] = []
  /** The first write that failed since the store was opened. */
  failed: number | null = null
  /** The disk was tampered with; what became of it is known when the store is opened next. */
  suspect: 'wiped' | 'backup' | 'damaged' | null = null
  /** Has lost what it had vouched for, and was not given the ensemble's history anew since: does not count. */
  lossy = false
  /** What a lossy member once held. That was vouched for, and counted. */
  ghost: LogImage | null = null

  /** Whether an acknowledgement of this member helps to commit. */
  get counted(): boolean {
    return !this.lossy && this.durable.vote === 'held'
  }

  hand(write: number, seen: SeenChange): void {
    this.#pending.push({ write, ...seen })
    this.handed.apply(seen)
  }

  /** This write, and every earlier one, is on disk. False when there is no such write. */
  confirm(write: number): boolean {
    const last = this.#pending.findIndex(pending => pending.write === write)
    for (const pending of this.#pending.splice(0, last + 1)) this.#settle(pending)
    return last >= 0
  }

  purge(base: Zxid): void {
    this.durable.purge(base)
    this.handed.purge(base)
  }

  /**
   * The store was opened: of the changes that were not confirmed some may be there, in order. Returns what is missing or wrong, null when the
   * store holds what it must.
   */
  open(state: StoredState, book: TxnBook): string | null {
    const suspect = this.suspect
    // Matching takes the unconfirmed as done; those were not vouched for.
    const vouched = suspect === null ? this.durable.log : this.durable.log.copy()
    const difference = this.#match(state)
    this.suspect = null
    this.failed = null
    if (difference !== null) {
      if (suspect === null) return difference
      if (!this.lossy) this.ghost = vouched
      this.lossy = true
      this.durable = DiskView.of(state, book)
      this.handed = this.durable.copy()
      if (suspect === 'wiped' && this.durable.log.end + state.acceptedEpoch > 0)
        return 'there is something on a disk that was wiped'
    }
    return null
  }

  #match(state: StoredState): string | null {
    const pending = this.#pending.splice(0)
    // What is built beside the log does not outlive the process that builds it; but a change that completes it might be on disk.
    let difference = this.durable.difference(state)
    for (const next of pending) {
      if (difference === null) break
      this.#settle(next)
      // The first difference is the one to tell: it names what the store had confirmed.
      if (this.durable.difference(state) === null) difference = null
    }
    this.durable.staged = null
    if (difference === null) this.durable.purge(state.log.zxidBase)
    this.handed = this.durable.copy()
    return difference
  }

  #settle(seen: SeenChange): void {
    const { change } = seen
    this.durable.apply(seen)
    const given = change.kind === 'admit' || (change.kind === 'adoptEpoch' && change.vote === 'held')
    if (!given) return
    this.lossy = false
    this.ghost = null
  }
}
