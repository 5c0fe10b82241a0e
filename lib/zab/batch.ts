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
  assert(txns.length > 0, 'a batch holds at least one txn')
  const bytes = new Uint8Array(txns.reduce((sum, txn) => sum + LENGTH_BYTES + txn.length, 0))
  const view = new DataView(bytes.buffer)
  let offset = 0
  for (const txn of txns) {
    view.setUint32(offset, txn.length)
    bytes.set(txn, offset + LENGTH_BYTES)
    offset += LENGTH_BYTES + txn.length
  }
  return { zxidFirst, count: txns.length, bytes }
}

export function zxidLastOf(batch: Batch): Zxid {
  return zxidPlus(batch.zxidFirst, batch.count - 1)
}

/**
 * Goes through the txns of a batch in order; before the first {@link next} it stands at none. Who stops goes on later where it stands.
 * PERF: it says where a txn lies, and makes no view of it.
 */
export class TxnCursor {
  readonly #bytes: Uint8Array
  #left: number
  #start = 0
  #end = 0

  constructor({ bytes, count }: Batch) {
    this.#bytes = bytes
    this.#left = count
  }

  /** Where the txn that it stands at begins in the bytes of the batch. */
  get start(): number {
    return this.#start
  }

  /** Where it ends. */
  get end(): number {
    return this.#end
  }

  /** Goes on to the next txn. False behind the last. */
  next(): boolean {
    if (this.#left === 0) {
      assert(this.#end === this.#bytes.length, 'the frames of a batch fill it exactly')
      return false
    }
    this.#left--
    this.#start = this.#end + LENGTH_BYTES
    this.#end = this.#start + lengthAt(this.#bytes, this.#end)
    assert(this.#end <= this.#bytes.length, 'the txns of a batch lie within it')
    return true
  }
}

/** The txns of a batch in order, each a view into its bytes. */
export function txnsOf(batch: Batch): Uint8Array[] {
  const txns: Uint8Array[] = []
  const cursor = new TxnCursor(batch)
  while (cursor.next()) txns.push(batch.bytes.subarray(cursor.start, cursor.end))
  return txns
}

/** Whether the frames of something that claims to be a batch really fill its bytes: asked of every batch that comes from outside. */
export function isWellFormed({ bytes, count }: Batch): boolean {
  if (!Number.isInteger(count) || count < 1) return false
  let offset = 0
  for (let index = 0; index < count; index++) {
    if (offset + LENGTH_BYTES > bytes.length) return false
    offset += LENGTH_BYTES + lengthAt(bytes, offset)
    if (offset > bytes.length) return false
  }
  return offset === bytes.length
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

function offsetOf({ bytes }: Batch, txns: number): number {
  let offset = 0
  for (let index = 0; index < txns; index++) offset += LENGTH_BYTES + lengthAt(bytes, offset)
  return offset
}

/** PERF: shifts, because a `DataView` costs more than all that is read through it. */
function lengthAt(bytes: Uint8Array, offset: number): number {
  const high = ((bytes[offset] as number) << 24) | ((bytes[offset + 1] as number) << 16)
  return (high | ((bytes[offset + 2] as number) << 8) | (bytes[offset + 3] as number)) >>> 0
}
