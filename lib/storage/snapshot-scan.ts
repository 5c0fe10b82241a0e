import { crc32 } from 'node:zlib'
import type { Zxid } from '../base/index.js'
import type { Drawer } from './drawer.js'
import { chunkRange, manifestKey, parseKey } from './key-space.js'
import { decodeManifest, type StoredManifest } from './meta.js'
import { decodeChunk } from './record.js'

/** Binds a manifest to its very chunks, also against an older chunk that once lay at the same key. */
export class ChunksCrc {
  #crc = 0
  readonly #bytes = Buffer.alloc(4)

  add(chunkCrc: number): void {
    this.#bytes.writeUInt32BE(chunkCrc)
    this.#crc = crc32(this.#bytes, this.#crc)
  }

  get value(): number {
    return this.#crc
  }
}

/** The manifest of a snapshot all of whose chunks are there and whole, null otherwise. PERF: reads the whole snapshot. */
export async function scanSnapshot(drawer: Drawer, generation: number, zxid: Zxid): Promise<StoredManifest | null> {
  const value = await drawer.get(manifestKey(generation, zxid))
  const manifest = value === undefined ? null : decodeManifest(value, generation, zxid)
  if (manifest === null) return null
  const crc = new ChunksCrc()
  let index = 0
  let bytes = 0
  for await (const [key, chunkValue] of drawer.entries(chunkRange(generation, zxid))) {
    const whole = parseKey(key)?.index === index ? decodeChunk(chunkValue, { generation, zxid, index }) : null
    // What lies behind the last chunk is none of the snapshot's: an earlier attempt's that was longer.
    if (index >= manifest.chunkCount) break
    if (whole === null) return null
    crc.add(whole.crc)
    bytes += whole.chunk.length
    index++
  }
  return index === manifest.chunkCount && bytes === manifest.bytes && crc.value === manifest.chunksCrc ? manifest : null
}
