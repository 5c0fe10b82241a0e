import { LIMITS, present, type Zxid } from '../base/index.js'
import { type Batch, batchAfter, zxidLastOf } from './batch.js'

/**
 * The end of a leader's log in memory: everything that may not be durable yet, and as much before it as the bound allows, so that a learner
 * that blinked is brought up to date without a disk read and the switch from stored to live history leaves no gap.
 */
export class RecentBatches {
  readonly #batches: Batch[] = []
  #bytes = 0
  /** The zxid that the first batch stands behind. */
  #zxidBefore: Zxid

  constructor(zxidLast: Zxid) {
    this.#zxidBefore = zxidLast
  }

  add(batch: Batch): void {
    this.#batches.push(batch)
    this.#bytes += batch.bytes.length
  }

  /** Lets go of what is durable and beyond the bound. */
  trim(zxidDurable: Zxid): void {
    let count = 0
    while (this.#bytes > LIMITS.tailBytesMax && count < this.#batches.length) {
      const batch = present(this.#batches[count], 'an index within bounds')
      const zxidLast = zxidLastOf(batch)
      if (zxidLast > zxidDurable) break
      this.#bytes -= batch.bytes.length
      this.#zxidBefore = zxidLast
      count++
    }
    if (count > 0) this.#batches.splice(0, count)
  }

  /** Everything behind `after`, null when it does not reach back that far. */
  after(after: Zxid): readonly Batch[] | null {
    if (after < this.#zxidBefore) return null
    return this.#batches.map(batch => batchAfter(batch, after)).filter(batch => batch !== null)
  }
}
