// PERF: the global `Buffer` is a getter, which costs a call each time.
import { Buffer } from 'node:buffer'
import { assert, type Zxid } from '../base/index.js'
import type { Batch } from '../zab/index.js'
import { MsgpackWriter } from './msgpack-writer.js'
import type { Txn } from './txn.js'
import { writeTxn } from './txn-codec.js'

/** First room for a batch that is being made. */
const OPEN_BYTES = 4 * 1024

/** A batch that is being made. PERF: each txn is written at its place at once, so that none needs memory of its own. */
export class OpenBatch {
  readonly #writer = new MsgpackWriter(Buffer.allocUnsafeSlow(OPEN_BYTES))
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

  /** Writes a txn behind the others. Where that throws, the batch is as it was. */
  add(txn: Txn): void {
    const writer = this.#writer
    writer.cut(this.#bytes)
    const frame = writer.beginFrame()
    writeTxn(writer, txn)
    writer.endFrame(frame)
    this.#bytes = writer.length
    this.#count++
  }

  /** What was added, as a batch with bytes of its own; the next one begins empty. */
  close(zxidFirst: Zxid): Batch {
    assert(this.#count > 0, 'a batch holds at least one txn')
    this.#writer.cut(this.#bytes)
    const batch = { zxidFirst, count: this.#count, bytes: new Uint8Array(this.#writer.written()) }
    this.clear()
    return batch
  }

  /** What was added is dropped. */
  clear(): void {
    this.#bytes = 0
    this.#count = 0
  }
}
