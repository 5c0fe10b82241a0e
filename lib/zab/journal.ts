import { assert, type Epoch, epochOf, present, type Zxid } from '../base/index.js'
import { zxidLastOf } from './batch.js'
import type { DurableChange, DurableState, VoteState } from './durable.js'
import { type LogSummary, summaryFrom, summaryThrough, summaryWith, zxidLastIn } from './log-summary.js'
import type { History, Standing } from './vote.js'

interface PendingWrite {
  readonly write: number
  readonly issuedAtTick: number
  /** What the end of the durable log is once this is on disk; null where the change does not move it. */
  readonly zxidDurable: Zxid | null
  readonly replacedFrom: Zxid | null
  readonly onDurable: (() => void) | null
}

/**
 * The protocol's picture of its disk: what has been asked for, and what of it is durable. Writes become durable in the order they were issued.
 *
 * Everything but `zxidDurable` already includes what is still being written. That is harmless: a role only speaks of it in messages that a
 * write effect holds back, and an election only begins when nothing is being written ({@link idle}).
 */
export class Journal {
  ensembleId: string | null
  acceptedEpoch: Epoch
  currentEpoch: Epoch
  vote: VoteState
  damaged: boolean
  log: LogSummary
  /** The replacement that is being built beside the log. */
  staged: LogSummary | null = null
  /** The last zxid of the log that is known to be on disk, with everything before it. */
  zxidDurable: Zxid
  readonly #pending: PendingWrite[] = []
  #writes = 0

  constructor(state: DurableState) {
    assert(state.acceptedEpoch >= state.currentEpoch, 'an epoch is adopted only after it was accepted')
    this.ensembleId = state.ensembleId
    this.acceptedEpoch = state.acceptedEpoch
    this.currentEpoch = state.currentEpoch
    this.vote = state.vote
    this.damaged = state.damaged
    this.log = state.log
    this.zxidDurable = zxidLastIn(state.log)
  }

  /** Nothing is being written: memory and disk say the same. */
  get idle(): boolean {
    return this.#pending.length === 0
  }

  /** The tick at which the oldest unfinished write was issued, null when idle. */
  get waitingSinceTick(): number | null {
    return this.#pending[0]?.issuedAtTick ?? null
  }

  /** The end of the log that appends go to. */
  get zxidLogged(): Zxid {
    return zxidLastIn(this.staged ?? this.log)
  }

  /**
   * How far the log reaches. What is left of a damaged log speaks only for the epoch that it ends in: the current epoch is a statement about
   * the history that it began with, and of that some is missing.
   */
  get history(): History {
    const zxid = zxidLastIn(this.log)
    return { epoch: this.damaged ? epochOf(zxid) : this.currentEpoch, zxid }
  }

  get standing(): Standing {
    if (this.damaged || this.vote === 'withheld') return 'withheld'
    if (this.currentEpoch > 0) return 'member'
    return this.ensembleId === null ? 'blank' : 'founder'
  }

  /** Takes note of a change and returns its number. */
  issue(change: DurableChange, tick: number, onDurable: (() => void) | null): number {
    const write = ++this.#writes
    this.#pending.push({ write, issuedAtTick: tick, onDurable, ...this.#take(change) })
    return write
  }

  /** Takes note that a write, and every earlier one, is durable. Returns what the completed writes want done. */
  complete(write: number): { readonly callbacks: readonly (() => void)[]; readonly replacedFrom: Zxid | null } {
    const callbacks: (() => void)[] = []
    let replacedFrom: Zxid | null = null
    while (this.#pending[0] !== undefined && this.#pending[0].write <= write) {
      const done = present(this.#pending.shift(), 'the queue has a head')
      if (done.zxidDurable !== null) this.zxidDurable = done.zxidDurable
      if (done.replacedFrom !== null) replacedFrom = done.replacedFrom
      if (done.onDurable !== null) callbacks.push(done.onDurable)
    }
    return { callbacks, replacedFrom }
  }

  purge(zxidBase: Zxid): void {
    if (zxidBase > this.log.zxidBase) this.log = summaryFrom(this.log, zxidBase)
  }

  #take(change: DurableChange): { zxidDurable: Zxid | null; replacedFrom: Zxid | null } {
    const nothing = { zxidDurable: null, replacedFrom: null }
    switch (change.kind) {
      case 'append': {
        if (this.staged !== null) {
          this.staged = summaryWith(this.staged, change.batch)
          return nothing
        }
        assert(!this.damaged, 'a damaged log is never extended')
        this.log = summaryWith(this.log, change.batch)
        return { zxidDurable: zxidLastOf(change.batch), replacedFrom: null }
      }
      case 'truncate':
        assert(this.staged === null && !this.damaged, 'only a whole log is cut')
        this.log = summaryThrough(this.log, change.zxid)
        return { zxidDurable: zxidLastIn(this.log), replacedFrom: null }
      case 'acceptEpoch':
        assert(change.epoch > this.acceptedEpoch, 'accepted epochs only grow')
        this.acceptedEpoch = change.epoch
        if (change.ensembleId !== null) this.ensembleId = change.ensembleId
        return nothing
      case 'adoptEpoch': {
        assert(change.epoch === this.acceptedEpoch && change.epoch >= this.currentEpoch, 'the adopted epoch is the accepted one')
        this.currentEpoch = change.epoch
        this.ensembleId = change.ensembleId
        this.vote = change.vote
        if (this.staged === null) return nothing
        this.log = this.staged
        this.staged = null
        this.damaged = false
        return { zxidDurable: zxidLastIn(this.log), replacedFrom: this.log.zxidBase }
      }
      case 'admit':
        this.vote = 'held'
        return nothing
      case 'beginReplacement':
        this.staged = { zxidBase: change.snapshot?.zxid ?? (0 as Zxid), epochEnds: [] }
        return nothing
      case 'abandonReplacement':
        this.staged = null
        return nothing
      case 'acceptDamage':
        this.damaged = false
        return nothing
      case 'stageChunk':
        assert(this.staged !== null, 'chunks belong to a replacement')
        return nothing
    }
  }
}
