import { COUNTER_MAX, counterOf, EPOCH_MAX, type Epoch, makeZxid, ZXID_ZERO, type Zxid } from '../base/index.js'
import type { Batch } from '../zab/index.js'
import { ENVELOPE_BYTES, seal, unseal } from './envelope.js'

/** A record as its successor names it. The chain of these makes a hole visible. */
export interface RecordLink {
  /** Its key; zero where nothing stands before: at the beginning of a generation. */
  readonly zxidFirst: Zxid
  /** The zxid that a successor stands directly behind: the record's last, or the base of the log. */
  readonly zxidLast: Zxid
  readonly crc: number
}

/** What one group commit adds to the log. */
export interface LogRecord {
  readonly generation: number
  /** The revision of the meta record that was in force: a record that names a later one than we find shows that meta has been lost. */
  readonly revision: number
  readonly zxidCommitted: Zxid
  readonly before: RecordLink
  readonly batch: Batch
}

/** A record together with what its successor will call it. */
export interface WholeRecord extends LogRecord {
  readonly link: RecordLink
}

const GENERATION = ENVELOPE_BYTES
const REVISION = GENERATION + 4
const ZXID_FIRST = REVISION + 8
const COUNT = ZXID_FIRST + 8
const ZXID_COMMITTED = COUNT + 4
const BEFORE_FIRST = ZXID_COMMITTED + 8
const BEFORE_LAST = BEFORE_FIRST + 8
const BEFORE_CRC = BEFORE_LAST + 8

/** Bytes of a log record before its batch begins. */
export const LOG_HEADER_BYTES = BEFORE_CRC + 4

/** What the first record behind a base names as its predecessor. */
export function linkAtBase(zxidBase: Zxid): RecordLink {
  return { zxidFirst: ZXID_ZERO, zxidLast: zxidBase, crc: 0 }
}

/**
 * Encodes the adjoining `batches` as one record. PERF: the batches' bytes are copied once and read once more for the CRC. A small
 * record lies in memory that it shares with others: memory of its own takes longer to get, and to give back, than all else that is done here.
 */
export function encodeLogRecord(
  header: Omit<LogRecord, 'batch'>,
  batches: readonly Batch[]
): { readonly value: Uint8Array; readonly link: RecordLink } {
  const zxidFirst = batches[0]?.zxidFirst ?? ZXID_ZERO
  let size = LOG_HEADER_BYTES
  for (const batch of batches) size += batch.bytes.length
  const bytes = Buffer.allocUnsafe(size)
  let offset = LOG_HEADER_BYTES
  let count = 0
  for (const batch of batches) {
    bytes.set(batch.bytes, offset)
    offset += batch.bytes.length
    count += batch.count
  }
  bytes.writeUInt32BE(header.generation, GENERATION)
  writeUInt64(bytes, header.revision, REVISION)
  writeUInt64(bytes, zxidFirst, ZXID_FIRST)
  bytes.writeUInt32BE(count, COUNT)
  writeUInt64(bytes, header.zxidCommitted, ZXID_COMMITTED)
  writeUInt64(bytes, header.before.zxidFirst, BEFORE_FIRST)
  writeUInt64(bytes, header.before.zxidLast, BEFORE_LAST)
  bytes.writeUInt32BE(header.before.crc, BEFORE_CRC)
  const crc = seal('log', bytes)
  return { value: bytes, link: { zxidFirst, zxidLast: (zxidFirst + count - 1) as Zxid, crc } }
}

/** Decodes a record, null when it is not whole or not the one that was written at this key. The batch is a view into `value`. */
export function decodeLogRecord(value: Uint8Array, generation: number, zxidFirst: Zxid): WholeRecord | null {
  const whole = value.length > LOG_HEADER_BYTES ? unseal('log', value) : null
  if (whole === null) return null
  const { bytes, crc } = whole
  const count = bytes.readUInt32BE(COUNT)
  const committed = readZxid(bytes, ZXID_COMMITTED)
  const beforeFirst = readZxid(bytes, BEFORE_FIRST)
  const beforeLast = readZxid(bytes, BEFORE_LAST)
  if (bytes.readUInt32BE(GENERATION) !== generation || readZxid(bytes, ZXID_FIRST) !== zxidFirst) return null
  if (committed === null || beforeFirst === null || beforeLast === null) return null
  if (count < 1 || counterOf(zxidFirst) + count - 1 > COUNTER_MAX) return null
  return {
    generation,
    revision: readUInt64(bytes, REVISION),
    zxidCommitted: committed,
    before: { zxidFirst: beforeFirst, zxidLast: beforeLast, crc: bytes.readUInt32BE(BEFORE_CRC) },
    batch: { zxidFirst, count, bytes: value.subarray(LOG_HEADER_BYTES) },
    link: { zxidFirst, zxidLast: (zxidFirst + count - 1) as Zxid, crc }
  }
}

const CHUNK_ZXID = ENVELOPE_BYTES + 4
const CHUNK_INDEX = CHUNK_ZXID + 8
const CHUNK_HEADER_BYTES = CHUNK_INDEX + 4

/** Where a chunk belongs. Its value repeats it: a chunk that a disk has put elsewhere is not whole. */
export interface ChunkPlace {
  readonly generation: number
  readonly zxid: Zxid
  readonly index: number
}

export function encodeChunk(place: ChunkPlace, chunk: Uint8Array): { readonly value: Uint8Array; readonly crc: number } {
  const bytes = Buffer.allocUnsafeSlow(CHUNK_HEADER_BYTES + chunk.length)
  bytes.writeUInt32BE(place.generation, ENVELOPE_BYTES)
  writeUInt64(bytes, place.zxid, CHUNK_ZXID)
  bytes.writeUInt32BE(place.index, CHUNK_INDEX)
  bytes.set(chunk, CHUNK_HEADER_BYTES)
  return { value: bytes, crc: seal('chunk', bytes) }
}

/** The chunk (a view into `value`) and its CRC, null when it is not whole or not the one that was written at this place. */
export function decodeChunk(value: Uint8Array, place: ChunkPlace): { readonly chunk: Uint8Array; readonly crc: number } | null {
  const whole = value.length >= CHUNK_HEADER_BYTES ? unseal('chunk', value) : null
  if (whole === null) return null
  const { bytes, crc } = whole
  const here = bytes.readUInt32BE(ENVELOPE_BYTES) === place.generation && bytes.readUInt32BE(CHUNK_INDEX) === place.index
  return here && readZxid(bytes, CHUNK_ZXID) === place.zxid ? { chunk: value.subarray(CHUNK_HEADER_BYTES), crc } : null
}

/** An unsigned number below 2^53, in 8 bytes big-endian. */
export function writeUInt64(bytes: Buffer, value: number, offset: number): void {
  bytes.writeUInt32BE(Math.floor(value / 2 ** 32), offset)
  bytes.writeUInt32BE(value % 2 ** 32, offset + 4)
}

export function readUInt64(bytes: Buffer, offset: number): number {
  return bytes.readUInt32BE(offset) * 2 ** 32 + bytes.readUInt32BE(offset + 4)
}

/** A zxid, null where the bytes cannot be one. */
export function readZxid(bytes: Buffer, offset: number): Zxid | null {
  const epoch = bytes.readUInt32BE(offset)
  return epoch <= EPOCH_MAX ? makeZxid(epoch as Epoch, bytes.readUInt32BE(offset + 4)) : null
}
