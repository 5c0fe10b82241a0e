import type { Zxid } from '../../base/index.js'

/** The log of one member as it was seen to be written: every txn of it, in order. */
export class LogImage {
  /** The member's log may begin here: everything up to it is in a snapshot. */
  base: Zxid
  /** What is not known of it, because it came with a snapshot, lies at or below. A purge does not raise it: what was seen once is remembered. */
  readonly floor: Zxid
  readonly #zxids: Zxid[] = []
  readonly #txns: Uint8Array[] = []
  /** How often something was cut off: what was found out about the log before holds no longer than this does not change. */
  cuts = 0

  constructor(floor: Zxid, base: Zxid = floor) {
    this.floor = floor
    this.base = base
  }

  get length(): number {
    return this.#zxids.length
  }

  get end(): Zxid {
    return this.#zxids.at(-1) ?? this.floor
  }

  zxidAt(index: number): Zxid {
    return this.#zxids[index] ?? this.floor
  }

  txnAt(index: number): Uint8Array | undefined {
    return this.#txns[index]
  }

  append(zxidFirst: Zxid, txns: readonly Uint8Array[]): void {
    for (const [index, txn] of txns.entries()) {
      this.#zxids.push((zxidFirst + index) as Zxid)
      this.#txns.push(txn)
    }
  }

  /** Removes what lies behind `zxid`. */
  cut(zxid: Zxid): void {
    const length = this.indexBehind(zxid)
    if (length === this.length) return
    this.#zxids.length = length
    this.#txns.length = length
    this.cuts++
  }

  purge(base: Zxid): void {
    if (base > this.base) this.base = base
  }

  /** The place of the first txn behind `zxid`. */
  indexBehind(zxid: Zxid): number {
    let low = 0
    let high = this.#zxids.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.zxidAt(middle) <= zxid) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The txn at `zxid`; undefined where there is none, or none that is known. */
  find(zxid: Zxid): Uint8Array | undefined {
    const index = this.indexBehind(zxid) - 1
    return index >= 0 && this.#zxids[index] === zxid ? this.#txns[index] : undefined
  }

  /** Whether a log can end, or begin, at `zxid`. */
  reaches(zxid: Zxid): boolean {
    return zxid === this.floor || this.find(zxid) !== undefined
  }

  /** Whether the disk answers for this txn: in the log, or in the snapshot that the log begins with. */
  holds(zxid: Zxid, txn: Uint8Array): boolean {
    const found = this.find(zxid)
    return found === undefined ? zxid <= this.floor : found === txn
  }

  copy(): LogImage {
    const copy = new LogImage(this.floor, this.base)
    for (let index = 0; index < this.length; index++) {
      copy.#zxids.push(this.zxidAt(index))
      const txn = this.#txns[index]
      if (txn !== undefined) copy.#txns.push(txn)
    }
    return copy
  }
}
