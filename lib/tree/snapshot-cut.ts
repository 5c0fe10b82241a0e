import { assert, type Zxid } from '../base/index.js'
import type { ZnodeRecord } from './znode-record.js'

/** What a cut needs of the tree that it is a cut of. */
export interface CutSource {
  readonly zxid: Zxid
  readonly digest: string
  readonly nodeCount: number
  /** Every row in use is below this. */
  readonly rowsEnd: number
  /** The znode in a row as it is now; null where the row is free. */
  recordAt(row: number): ZnodeRecord | null
  /** Called once, when the cut has been walked to its end or closed: the tree need not report changes any more. */
  onReleased(): void
}

/**
 * The image of a tree after one txn, walked in slices while the tree goes on changing. What changes ahead of the walk is saved first, so
 * that the image is exact and costs memory only for what changed meanwhile.
 */
export class SnapshotCut {
  /** The image is the state after exactly this txn. */
  readonly zxid: Zxid
  /** The digest of the image. */
  readonly digest: string
  /** Records in the image. */
  readonly nodeCount: number
  readonly #source: CutSource
  readonly #rowsEnd: number
  /** By row ahead of the walk: how it was at the cut, null for one that was free then. */
  readonly #saved = new Map<number, ZnodeRecord | null>()
  #nextRow = 0
  #released = false

  constructor(source: CutSource) {
    this.zxid = source.zxid
    this.digest = source.digest
    this.nodeCount = source.nodeCount
    this.#source = source
    this.#rowsEnd = source.rowsEnd
  }

  /** Records that are kept because they have changed ahead of the walk: what the cut costs in memory. */
  get savedCount(): number {
    return this.#saved.size
  }

  /** The next records, at most `budget`, in no particular order; empty at the end. Their data is the caller's own. */
  next(budget: number): readonly ZnodeRecord[] {
    assert(budget >= 1, 'a slice holds at least one znode')
    const records: ZnodeRecord[] = []
    while (!this.#released && records.length < budget) {
      if (this.#nextRow === this.#rowsEnd) {
        this.close()
        break
      }
      const record = this.#take(this.#nextRow++)
      if (record !== null) records.push(record)
    }
    return records
  }

  /** Gives up what is left of it. Idempotent; the tree can be cut again. */
  close(): void {
    if (this.#released) return
    this.#released = true
    this.#saved.clear()
    this.#source.onReleased()
  }

  /** For the tree: the znode in this row is about to be changed or removed. */
  beforeChange(row: number): void {
    if (this.#isAhead(row)) this.#saved.set(row, this.#source.recordAt(row))
  }

  /** For the tree: a znode has been put in this row. */
  afterCreate(row: number): void {
    if (this.#isAhead(row)) this.#saved.set(row, null)
  }

  #isAhead(row: number): boolean {
    return row >= this.#nextRow && row < this.#rowsEnd && !this.#saved.has(row)
  }

  #take(row: number): ZnodeRecord | null {
    const saved = this.#saved.get(row)
    if (saved === undefined) return this.#source.recordAt(row)
    this.#saved.delete(row)
    return saved
  }
}
