import type { Zxid } from '../../base/index.js'

const LENGTH_BYTES = 4

/**
 * Every txn that anybody was seen to write, once: two logs hold the same txn if and only if they hold the same array. A zxid names one txn
 * for ever, so more than one for a zxid is found out here.
 */
export class TxnBook {
  readonly #txns = new Map<Zxid, Uint8Array[]>()

  /** The txns of a batch, each as the book has it. */
  enter(zxidFirst: Zxid, bytes: Uint8Array): readonly Uint8Array[] {
    return framesOf(bytes).map((frame, index) => this.#entered((zxidFirst + index) as Zxid, frame))
  }

  /** Different txns that were written at this zxid. */
  at(zxid: Zxid): readonly Uint8Array[] {
    return this.#txns.get(zxid) ?? []
  }

  forget(): void {
    this.#txns.clear()
  }

  #entered(zxid: Zxid, frame: Uint8Array): Uint8Array {
    const known = this.#txns.get(zxid)
    const same = known?.find(txn => areEqual(txn, frame))
    if (same !== undefined) return same
    // A copy: what is compared later must not change with a buffer that somebody uses again.
    const txn = frame.slice()
    if (known === undefined) this.#txns.set(zxid, [txn])
    else known.push(txn)
    return txn
  }
}

export function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false
  return true
}

/** A batch is frames: 32 bits of length, and that many bytes. What does not fill the batch is no txn and is left to its reader to refuse. */
function framesOf(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const frames: Uint8Array[] = []
  for (let offset = 0; offset + LENGTH_BYTES <= bytes.length; ) {
    const end = offset + LENGTH_BYTES + view.getUint32(offset)
    frames.push(bytes.subarray(offset + LENGTH_BYTES, end))
    offset = end
  }
  return frames
}
