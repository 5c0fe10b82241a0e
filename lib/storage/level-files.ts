import { type FileHandle, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32c } from './crc32c.js'
import { ifThere, readIfThere } from './small-file.js'

/** The end of a table: two handles, padding, and the magic number. */
const FOOTER_BYTES = 48
const HANDLES_BYTES = 40
const MAGIC = Buffer.from('57fb808b247547db', 'hex')

/** Behind each block: how it is compressed (1 byte) and a CRC. */
const TRAILER_BYTES = 5
const UNCOMPRESSED = 0
const CRC_MASK = 0xa282ead8

/** Blocks are a few kilobytes, or one value; a size beyond this is a broken handle, and nothing is allocated for it. */
const BLOCK_BYTES_MAX = 64 * 1024 * 1024

/** Where a block lies. */
interface BlockHandle {
  readonly offset: number
  readonly size: number
}

/**
 * Looks for what LevelDB would trip over: it reads its tables without looking at their checksums, and a garbled one can make it allocate
 * without bound or end the process by an assertion. (Its logs and its manifest it does check.) Resolves to what is wrong, null for nothing.
 *
 * `mustExist` tells a database that has lost its first file from one that has not been made yet. PERF: reads every table once.
 */
export async function findFault(path: string, mustExist: boolean): Promise<string | null> {
  const names = await ifThere(readdir(path))
  if (names === null) return null
  const current = (await readIfThere(join(path, 'CURRENT')))?.toString('latin1').trimEnd() ?? null
  if (current === null) return mustExist && names.length > 0 ? 'the database has lost its CURRENT file' : null
  if (!names.includes(current)) return 'the database has lost its manifest'
  for (const name of names.filter(isTable)) {
    const fault = await faultOfTable(join(path, name))
    if (fault !== null) return `the database's table ${name} is broken: ${fault}`
  }
  return null
}

function isTable(name: string): boolean {
  return name.endsWith('.ldb') || name.endsWith('.sst')
}

async function faultOfTable(path: string): Promise<string | null> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const footer = size < FOOTER_BYTES ? null : await read(file, size - FOOTER_BYTES, FOOTER_BYTES)
    if (footer === null || !footer.subarray(HANDLES_BYTES).equals(MAGIC)) return 'it does not end as a table does'
    const handles = new Fields(footer.subarray(0, HANDLES_BYTES))
    const metaIndex = handles.handle()
    const index = handles.handle()
    for (const handle of [metaIndex, index]) {
      const entries = handle === null ? null : entriesOf(await readBlock(file, handle, size))
      if (entries === null) return 'its index is not whole'
      for (const entry of entries) {
        if ((await readBlock(file, entry, size)) === null) return `its block at ${entry.offset} is not whole`
      }
    }
    return null
  } finally {
    await file.close()
  }
}

/** A block whose CRC holds, without its trailer; null for any other. */
async function readBlock(file: FileHandle, { offset, size }: BlockHandle, fileBytes: number): Promise<Buffer | null> {
  if (size > BLOCK_BYTES_MAX || offset + size + TRAILER_BYTES > fileBytes) return null
  const bytes = await read(file, offset, size + TRAILER_BYTES)
  if (bytes === null || bytes[size] !== UNCOMPRESSED) return null
  return masked(crc32c(bytes.subarray(0, size + 1))) === bytes.readUInt32LE(size + 1) ? bytes.subarray(0, size) : null
}

/** LevelDB stores a CRC rotated and shifted, lest a CRC be computed over a CRC. */
function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + CRC_MASK) >>> 0
}

/** The handles that an index block holds as its values; null when it is not a block of that shape. */
function entriesOf(block: Buffer | null): readonly BlockHandle[] | null {
  if (block === null || block.length < 4) return null
  const restarts = block.readUInt32LE(block.length - 4)
  const end = block.length - 4 - 4 * restarts
  if (end < 0) return null
  const fields = new Fields(block.subarray(0, end))
  const handles: BlockHandle[] = []
  while (!fields.atEnd) {
    fields.varint()
    const keyBytes = fields.varint()
    const valueBytes = fields.varint()
    fields.skip(keyBytes ?? Number.NaN)
    const value = fields.take(valueBytes ?? Number.NaN)
    const handle = value === null ? null : new Fields(value).handle()
    if (handle === null) return null
    handles.push(handle)
  }
  return handles
}

/** Reads LevelDB's variable-length fields. Beyond the end everything is null. */
class Fields {
  readonly #bytes: Buffer
  #offset = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get atEnd(): boolean {
    return this.#offset >= this.#bytes.length
  }

  varint(): number | null {
    let value = 0
    for (let factor = 1; factor < Number.MAX_SAFE_INTEGER; factor *= 128) {
      const byte = this.#bytes[this.#offset++]
      if (byte === undefined) return null
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
    return null
  }

  handle(): BlockHandle | null {
    const offset = this.varint()
    const size = this.varint()
    return offset === null || size === null ? null : { offset, size }
  }

  skip(count: number): void {
    this.#offset += count
  }

  take(count: number): Buffer | null {
    const begin = this.#offset
    this.#offset += count
    return this.#offset <= this.#bytes.length ? this.#bytes.subarray(begin, this.#offset) : null
  }
}

async function read(file: FileHandle, position: number, count: number): Promise<Buffer | null> {
  const bytes = Buffer.allocUnsafeSlow(count)
  const { bytesRead } = await file.read(bytes, 0, count, position)
  return bytesRead === count ? bytes : null
}
