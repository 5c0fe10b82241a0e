import { formatZxid, LIMITS, ZooKeeperError, ZXID_ZERO, type Zxid } from '../base/index.js'
import { type Batch, batchAfter, batchThrough, type LogSummary, zxidLastIn, zxidLastOf } from '../zab/index.js'
import type { Drawer } from './drawer.js'
import { logRange, parseKey } from './key-space.js'
import { sameLink } from './log-scan.js'
import { decodeLogRecord, type RecordLink, type WholeRecord } from './record.js'

const LENGTH_BYTES = 4

/** Reads on from `after`, verifying record by record; see `Storage.readLog`. `log` is the durable log: nothing behind its end is read. */
export async function readBatches(
  drawer: Drawer,
  generation: number,
  log: LogSummary,
  after: Zxid,
  bytesMax: number
): Promise<readonly Batch[]> {
  const zxidLast = zxidLastIn(log)
  const batches: Batch[] = []
  let bytes = 0
  let reached = after
  const take = (record: WholeRecord): void => {
    const durable = batchThrough(record.batch, zxidLast)
    const wanted = durable === null ? null : batchAfter(durable, after)
    for (const piece of wanted === null ? [] : pieces(wanted)) {
      if (bytes >= bytesMax && batches.length > 0) return
      batches.push(piece)
      bytes += piece.bytes.length
      reached = zxidLastOf(piece)
    }
  }
  const isEnough = (): boolean => reached >= zxidLast || (bytes >= bytesMax && batches.length > 0)

  const found = await recordThrough(drawer, generation, after)
  // Where the log begins at a snapshot because of a hole before it, what is found lies before the hole.
  const start = found !== null && found.link.zxidLast >= after ? found : null
  if (start === null && after !== log.zxidBase) throw notHeld(after)
  if (start !== null) take(start)
  let link: RecordLink | null = start?.link ?? null
  if (isEnough()) return batches
  for await (const [key, value] of drawer.entries(logRange(generation, (after + 1) as Zxid, null))) {
    const record = decode(key, value, generation)
    const follows = link === null ? record?.before.zxidLast === after : record !== null && sameLink(record.before, link)
    if (record === null || !follows) throw broken(key)
    take(record)
    link = record.link
    if (isEnough()) return batches
  }
  throw broken(`the end of the log at ${formatZxid(reached)}, which should reach ${formatZxid(zxidLast)}`)
}

/** The record that holds `zxid` or, where none does, the last before it; null at the beginning of the log. Rejects when it is not whole. */
export async function recordThrough(drawer: Drawer, generation: number, zxid: Zxid): Promise<WholeRecord | null> {
  const entry = await drawer.last(logRange(generation, ZXID_ZERO, (zxid + 1) as Zxid))
  if (entry === null) return null
  const record = decode(entry[0], entry[1], generation)
  if (record === null) throw broken(entry[0])
  return record
}

export function broken(where: string): ZooKeeperError {
  return new ZooKeeperError('LOG_CORRUPTED', { message: `not whole, or not in its place: ${where}` })
}

function decode(key: string, value: Uint8Array, generation: number): WholeRecord | null {
  const place = parseKey(key)
  return place === null ? null : decodeLogRecord(value, generation, place.zxid)
}

function notHeld(after: Zxid): ZooKeeperError {
  return new ZooKeeperError('LOG_CORRUPTED', { message: `the log does not reach back to ${formatZxid(after)}`, zxid: after })
}

/** A record may hold many batches; what is handed out is as large as a batch may be. */
function* pieces(batch: Batch): Generator<Batch> {
  const { batchBytesMax, batchTxnsMax } = LIMITS
  if (batch.bytes.length <= batchBytesMax && batch.count <= batchTxnsMax) return yield batch
  const view = new DataView(batch.bytes.buffer, batch.bytes.byteOffset, batch.bytes.byteLength)
  let begin = 0
  let end = 0
  let first = 0
  for (let index = 0; index < batch.count; index++) {
    const next = end + LENGTH_BYTES + view.getUint32(end)
    if (index > first && (next - begin > batchBytesMax || index - first === batchTxnsMax)) {
      yield { zxidFirst: (batch.zxidFirst + first) as Zxid, count: index - first, bytes: batch.bytes.subarray(begin, end) }
      begin = end
      first = index
    }
    end = next
  }
  yield { zxidFirst: (batch.zxidFirst + first) as Zxid, count: batch.count - first, bytes: batch.bytes.subarray(begin, end) }
}
