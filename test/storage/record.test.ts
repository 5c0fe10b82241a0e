import { crc32 } from 'node:zlib'
import t from 'tap'
import { decodeChunk, decodeLogRecord, encodeChunk, encodeLogRecord, type LogRecord } from '../../lib/storage/record.js'
import { joinBatches } from '../../lib/zab/index.js'
import { batchAt, zxidAt } from '../fixtures/storage-history.js'

const HEADER: Omit<LogRecord, 'batch'> = {
  generation: 3,
  revision: 2 ** 40,
  zxidCommitted: zxidAt(6, 1),
  before: { zxidFirst: zxidAt(6, 7), zxidLast: zxidAt(6, 9), crc: 0xfedcba98 }
}
const BATCHES = [batchAt(7, 1, 2), batchAt(7, 3), batchAt(7, 4, 5, 1000)]
const PLACE = { generation: 3, zxid: zxidAt(7, 8), index: 2 }

function flips(value: Uint8Array): Uint8Array[] {
  return Array.from({ length: value.length * 8 }, (_, bit) => {
    const copy = Uint8Array.from(value)
    copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    return copy
  })
}

t.test('a log record holds its batches as one, and how it is chained', async t => {
  const { value, link } = encodeLogRecord(HEADER, BATCHES)
  const record = decodeLogRecord(value, 3, zxidAt(7, 1))
  t.strictSame(record, { ...HEADER, link, batch: { ...joinBatches(BATCHES), bytes: record?.batch.bytes } })
  t.strictSame(Buffer.from(record?.batch.bytes ?? []), Buffer.from(joinBatches(BATCHES).bytes))
  t.match(link, { zxidFirst: zxidAt(7, 1), zxidLast: zxidAt(7, 8) })
})

t.test('a log record with any bit flipped, cut off anywhere, or read at another key is not whole', async t => {
  const { value } = encodeLogRecord(HEADER, [batchAt(7, 1, 2)])
  t.ok(decodeLogRecord(value, 3, zxidAt(7, 1)))
  t.equal(decodeLogRecord(value, 3, zxidAt(7, 2)), null)
  t.equal(decodeLogRecord(value, 4, zxidAt(7, 1)), null)
  t.notOk(flips(value).some(copy => decodeLogRecord(copy, 3, zxidAt(7, 1))))
  t.notOk(Array.from(value.keys()).some(length => decodeLogRecord(value.subarray(0, length), 3, zxidAt(7, 1))))
})

t.test('a chunk with any bit flipped, cut off anywhere, or read at another key is not whole', async t => {
  const chunk = Uint8Array.from({ length: 50 }, (_, index) => index)
  const { value, crc } = encodeChunk(PLACE, chunk)
  t.strictSame(decodeChunk(value, PLACE)?.crc, crc)
  t.strictSame([...(decodeChunk(value, PLACE)?.chunk ?? [])], [...chunk])
  for (const other of [{ generation: 4 }, { zxid: zxidAt(7, 9) }, { index: 1 }])
    t.equal(decodeChunk(value, { ...PLACE, ...other }), null)
  t.notOk(flips(value).some(copy => decodeChunk(copy, PLACE)))
  t.notOk(Array.from(value.keys()).some(length => decodeChunk(value.subarray(0, length), PLACE)))
  t.equal(decodeLogRecord(value, 3, zxidAt(7, 8)), null, 'nor is it a record')
})

t.test('a whole value of a newer format is told from a broken one', async t => {
  const { value } = encodeLogRecord(HEADER, BATCHES)
  const newer = Buffer.from(value)
  newer[0] = 9
  t.equal(decodeLogRecord(newer, 3, zxidAt(7, 1)), null)
  newer.writeUInt32BE(crc32(newer.subarray(6), crc32(newer.subarray(0, 2))), 2)
  t.throws(() => decodeLogRecord(newer, 3, zxidAt(7, 1)), { code: 'FORMAT_VERSION' })
})
