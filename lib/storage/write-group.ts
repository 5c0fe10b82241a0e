import { assert, LIMITS, present, type Zxid } from '../base/index.js'
import { type Batch, zxidLastOf } from '../zab/index.js'
import type { Operation } from './drawer.js'
import { logKey } from './key-space.js'
import { encodeLogRecord, LOG_HEADER_BYTES, type RecordLink } from './record.js'

interface OpenRecord {
  readonly generation: number
  readonly batches: Batch[]
  bytes: number
  zxidNext: Zxid
  zxidCommitted: Zxid
}

/** What goes to disk as one atomic write. Adjoining appends become one record. */
export class WriteGroup {
  readonly operations: Operation[] = []
  readonly revision: number
  /** Log records among the operations, and the txns in them. */
  records = 0
  txns = 0
  readonly #links: Map<number, RecordLink>
  #open: OpenRecord | null = null

  /** `links` holds the end of the log of each generation that is written to, and is kept up to date. */
  constructor(revision: number, links: Map<number, RecordLink>) {
    this.revision = revision
    this.#links = links
  }

  append(generation: number, batch: Batch, zxidCommitted: Zxid): void {
    const open = this.#open
    if (open !== null && this.#joins(open, generation, batch)) {
      open.batches.push(batch)
      open.bytes += batch.bytes.length
      open.zxidNext = zxidBehind(batch)
      open.zxidCommitted = Math.max(open.zxidCommitted, zxidCommitted) as Zxid
      return
    }
    this.#closeRecord()
    const bytes = LOG_HEADER_BYTES + batch.bytes.length
    this.#open = { generation, batches: [batch], bytes, zxidNext: zxidBehind(batch), zxidCommitted }
  }

  /** Everything that was appended is among the operations. */
  complete(): Operation[] {
    this.#closeRecord()
    return this.operations
  }

  #joins(open: OpenRecord, generation: number, batch: Batch): boolean {
    const adjoins = open.generation === generation && open.zxidNext === batch.zxidFirst
    return adjoins && open.bytes + batch.bytes.length <= LIMITS.recordBytesMax
  }

  #closeRecord(): void {
    if (this.#open === null) return
    const { generation, batches, zxidCommitted } = this.#open
    this.#open = null
    const before = present(this.#links.get(generation), 'the end of a log that is written to is known')
    const { value, link } = encodeLogRecord({ generation, revision: this.revision, zxidCommitted, before }, batches)
    assert(link.zxidFirst > before.zxidLast, 'a log only grows at its end')
    this.operations.push({ type: 'put', key: logKey(generation, link.zxidFirst), value })
    this.#links.set(generation, link)
    this.records++
    for (const { count } of batches) this.txns += count
  }
}

/** The zxid that an adjoining batch would begin with. Behind an epoch's last counter this is one that no txn has. */
function zxidBehind(batch: Batch): Zxid {
  return (zxidLastOf(batch) + 1) as Zxid
}
