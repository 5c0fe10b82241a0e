import { assert, present, type Zxid, zxidPlus } from '../base/index.js'

/**
 * Contiguous proposals of one epoch: the unit of sending, logging and acknowledging.
 *
 * `bytes` holds `count` frames, each a 32-bit big-endian length and that many bytes of a txn; the protocol never looks inside one.
 * Two adjoining batches are joined by joining their bytes, which is how a log merges what has collected during one write.
 */
export interface Batch {
  readonly zxidFirst: Zxid
  readonly count: number
  readonly bytes: Uint8Array
}

const LENGTH_BYTES = 4

export function batchOf(zxidFirst: Zxid, txns: readonly Uint8Array[]): Batch {
  const open = new OpenBatch()
  for (const txn of txns) open.add(txn)
  return open.close(zxidFirst)
}

/** First room for a batch that is being made; doubled when it is used up. */
const OPEN_BYTES = 4 * 1024

/** A batch that is being made. PERF: each txn is copied to its place at once, so that none needs memory of its own. */
export class OpenBatch {
  #room = new Uint8Array(OPEN_BYTES)
  #bytes = 0
  #count = 0

  /** Txns so far. */
  get count(): number {
    return this.#count
  }

  /** Bytes so far, with the lengths before the txns. */
  get bytes(): number {
    return this.#bytes
  }

  /** Copies a txn in. */
  add(txn: Uint8Array): void {
    const start = this.#bytes
    const end = start + LENGTH_BYTES + txn.length
    if (end > this.#room.length) this.#widen(end)
    const room = this.#room
    room[start] = txn.length >>> 24
    room[start + 1] = txn.length >>> 16
    room[start + 2] = txn.length >>> 8
    room[start + 3] = txn.length
    room.set(txn, start + LENGTH_BYTES)
    this.#bytes = end
    this.#count++
  }

  /** What was added, as a batch with bytes of its own; the next one begins empty. */
  close(zxidFirst: Zxid): Batch {
    assert(this.#count > 0, 'a batch holds at least one txn')
    const batch = { zxidFirst, count: this.#count, bytes: this.#room.slice(0, this.#bytes) }
    this.clear()
    return batch
  }

  /** What was added is dropped. */
  clear(): void {
    this.#bytes = 0
    this.#count = 0
  }

  #widen(bytes: number): void {
    const wider = new Uint8Array(Math.max(2 * this.#room.length, bytes))
    wider.set(this.#room.subarray(0, this.#bytes))
    this.#room = wider
  }
}

export function zxidLastOf(batch: Batch): Zxid {
  return zxidPlus(batch.zxidFirst, batch.count - 1)
}

/** The txns of a batch in order, each a view into its bytes. */
export function txnsOf(batch: Batch): Uint8Array[] {
  const view = new DataView(batch.bytes.buffer, batch.bytes.byteOffset, batch.bytes.byteLength)
  const txns: Uint8Array[] = []
  let offset = 0
  for (let index = 0; index < batch.count; index++) {
    const length = view.getUint32(offset)
    offset += LENGTH_BYTES
    txns.push(batch.bytes.subarray(offset, offset + length))
    offset += length
  }
  assert(offset === batch.bytes.length, 'the frames of a batch fill it exactly')
  return txns
}

/** Whether the frames of something that claims to be a batch really fill its bytes: asked of every batch that comes from outside. */
export function isWellFormed(batch: Batch): boolean {
  if (!Number.isInteger(batch.count) || batch.count < 1) return false
  const view = new DataView(batch.bytes.buffer, batch.bytes.byteOffset, batch.bytes.byteLength)
  let offset = 0
  for (let index = 0; index < batch.count; index++) {
    if (offset + LENGTH_BYTES > batch.bytes.length) return false
    offset += LENGTH_BYTES + view.getUint32(offset)
    if (offset > batch.bytes.length) return false
  }
  return offset === batch.bytes.length
}

/** The part of a batch up to and including `zxid`, null when nothing of it lies there. */
export function batchThrough(batch: Batch, zxid: Zxid): Batch | null {
  if (zxid >= zxidLastOf(batch)) return batch
  if (zxid < batch.zxidFirst) return null
  const count = zxid - batch.zxidFirst + 1
  return { zxidFirst: batch.zxidFirst, count, bytes: batch.bytes.subarray(0, offsetOf(batch, count)) }
}

/** The part of a batch behind `zxid`, null when nothing of it lies there. */
export function batchAfter(batch: Batch, zxid: Zxid): Batch | null {
  if (zxid < batch.zxidFirst) return batch
  if (zxid >= zxidLastOf(batch)) return null
  const skipped = zxid - batch.zxidFirst + 1
  return {
    zxidFirst: zxidPlus(batch.zxidFirst, skipped),
    count: batch.count - skipped,
    bytes: batch.bytes.subarray(offsetOf(batch, skipped))
  }
}

/** Adjoining batches as one. */
export function joinBatches(batches: readonly Batch[]): Batch {
  const first = present(batches[0], 'there is a batch to join')
  if (batches.length === 1) return first
  const bytes = new Uint8Array(batches.reduce((sum, batch) => sum + batch.bytes.length, 0))
  let offset = 0
  let count = 0
  for (const batch of batches) {
    assert(batch.zxidFirst === first.zxidFirst + count, 'joined batches adjoin')
    bytes.set(batch.bytes, offset)
    offset += batch.bytes.length
    count += batch.count
  }
  return { zxidFirst: first.zxidFirst, count, bytes }
}

function offsetOf(batch: Batch, txns: number): number {
  const view = new DataView(batch.bytes.buffer, batch.bytes.byteOffset, batch.bytes.byteLength)
  let offset = 0
  for (let index = 0; index < txns; index++) offset += LENGTH_BYTES + view.getUint32(offset)
  return offset
}
