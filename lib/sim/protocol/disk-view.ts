import { type Epoch, formatZxid, makeZxid, NO_EPOCH, ZXID_ZERO, type Zxid } from '../../base/index.js'
import type { StorageChange, StoredState, VoteState } from '../../storage/index.js'
import { LogImage } from './log-image.js'
import type { TxnBook } from './txn-book.js'

/** A change, with the txns that it appends as the book has them. */
export interface SeenChange {
  readonly change: StorageChange
  readonly txns: readonly Uint8Array[]
}

/** What a member's disk holds once certain changes have been made to an empty one. */
export class DiskView {
  log = new LogImage(ZXID_ZERO)
  /** The history that is built beside the log. */
  staged: LogImage | null = null
  ensembleId: string | null = null
  acceptedEpoch: Epoch = NO_EPOCH
  currentEpoch: Epoch = NO_EPOCH
  vote: VoteState = 'held'
  damaged = false

  /** A disk of which only the store's own word is known, with the txns that were once written at those places. */
  static of(state: StoredState, book: TxnBook): DiskView {
    const view = new DiskView()
    view.ensembleId = state.ensembleId
    view.acceptedEpoch = state.acceptedEpoch
    view.currentEpoch = state.currentEpoch
    view.vote = state.vote
    view.damaged = state.damage !== null
    const { zxidBase, epochEnds } = state.log
    view.log = new LogImage(zxidBase)
    for (const { epoch, counter } of epochEnds) {
      for (let zxid = Math.max(makeZxid(epoch, 1), view.log.end + 1); zxid <= makeZxid(epoch, counter); zxid++) {
        // What nobody was seen to write is like nothing else.
        view.log.append(zxid as Zxid, [book.at(zxid as Zxid)[0] ?? new Uint8Array()])
      }
    }
    return view
  }

  apply({ change, txns }: SeenChange): void {
    switch (change.kind) {
      case 'append':
        ;(this.staged ?? this.log).append(change.batch.zxidFirst, txns)
        return
      case 'truncate':
        this.log.cut(change.zxid)
        return
      case 'acceptEpoch':
        this.acceptedEpoch = change.epoch
        if (change.ensembleId !== null) this.ensembleId = change.ensembleId
        return
      case 'adoptEpoch':
        this.currentEpoch = change.epoch
        this.ensembleId = change.ensembleId
        this.vote = change.vote
        if (this.staged === null) return
        this.log = this.staged
        this.staged = null
        this.damaged = false
        return
      case 'admit':
        this.vote = 'held'
        return
      case 'beginReplacement':
        this.staged = new LogImage(change.snapshot?.zxid ?? ZXID_ZERO)
        return
      case 'abandonReplacement':
        this.staged = null
        return
      case 'acceptDamage':
        this.damaged = false
        return
      case 'stageChunk':
    }
  }

  purge(base: Zxid): void {
    this.log.purge(base)
  }

  /** What is not as a store says that it is; null when everything is. */
  difference(state: StoredState): string | null {
    if (state.damage !== null && !this.damaged) return `it is damaged: ${state.damage.description}`
    const facts = [
      ['accepted epoch', this.acceptedEpoch, state.acceptedEpoch],
      ['current epoch', this.currentEpoch, state.currentEpoch],
      ['vote', this.vote, state.vote],
      ['ensemble', this.ensembleId, state.ensembleId]
    ] as const
    for (const [name, here, there] of facts) if (here !== there) return `${name} ${there}, expected ${here}`
    const { zxidBase, epochEnds } = state.log
    if (zxidBase < this.log.base || !this.log.reaches(zxidBase)) {
      return `its log begins behind ${formatZxid(zxidBase)}, expected ${formatZxid(this.log.base)} or a later snapshot`
    }
    const last = epochEnds.at(-1)
    const end = last === undefined ? zxidBase : makeZxid(last.epoch, last.counter)
    if (end !== this.log.end) return `its log ends at ${formatZxid(end)}, expected ${formatZxid(this.log.end)}`
    for (const { epoch, counter } of epochEnds) {
      const zxid = makeZxid(epoch, counter)
      const next = this.log.zxidAt(this.log.indexBehind(zxid))
      if (!this.log.reaches(zxid) || next === zxid + 1) {
        return `epoch ${epoch} ends at ${formatZxid(zxid)} in its log, which is not what was written`
      }
    }
    return null
  }

  copy(): DiskView {
    const copy = new DiskView()
    Object.assign(copy, this)
    copy.log = this.log.copy()
    copy.staged = this.staged?.copy() ?? null
    return copy
  }
}
