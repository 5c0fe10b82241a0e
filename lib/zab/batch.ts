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
