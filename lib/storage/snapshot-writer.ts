import { assert, LIMITS, ZooKeeperError, type Zxid } from '../base/index.js'
import type { Operation } from './drawer.js'
import { chunkKey, chunkRange, type KeyRange } from './key-space.js'
import { encodeChunk } from './record.js'
import { ChunksCrc } from './snapshot-scan.js'
import type { SnapshotManifest, SnapshotWriter } from './storage.js'

/** What a snapshot's writer needs of its store. */
export interface SnapshotHost {
  /** Writes behind the log's changes. */
  writeBehind(operations: Operation[]): Promise<void>
  /** Makes the snapshot count; resolves to the new base of the log, once what is no longer kept has been removed. */
  keep(manifest: SnapshotManifest, chunksCrc: number): Promise<Zxid>
  sweep(ranges: readonly KeyRange[]): Promise<void>
  /** The writer has ended, in whatever way; the next may begin. */
  released(): void
}

/**
 * Writes a snapshot's chunks beside the log.
 *
 * The contract allows chunks to be written without a sync, for the manifest's to cover them. LevelDB does not keep that promise when it
 * changes to a new log file in between (its `MakeRoomForWrite` closes the old one unsynced), so every chunk is synced.
 */
export class LevelSnapshotWriter implements SnapshotWriter {
  readonly #host: SnapshotHost
  readonly #generation: number
  readonly #zxid: Zxid
  readonly #crc = new ChunksCrc()
  #count = 0
  #bytes = 0
  #state: 'idle' | 'writing' | 'ended' = 'idle'
  #overtaken: ZooKeeperError | null = null

  constructor(host: SnapshotHost, generation: number, zxid: Zxid) {
    this.#host = host
    this.#generation = generation
    this.#zxid = zxid
  }

  async chunk(bytes: Uint8Array): Promise<void> {
    assert(bytes.length < LIMITS.frameBytesMax, 'a snapshot chunk fits a frame')
    await this.#step('idle', async () => {
      this.#assertCurrent()
      const index = this.#count
      const { value, crc } = encodeChunk({ generation: this.#generation, zxid: this.#zxid, index }, bytes)
      this.#count++
      this.#bytes += bytes.length
      this.#crc.add(crc)
      await this.#host.writeBehind([{ type: 'put', key: chunkKey(this.#generation, this.#zxid, index), value }])
    })
  }

  finish(digest: string): Promise<Zxid> {
    return this.#step('ended', async () => {
      this.#assertCurrent()
      const manifest = { zxid: this.#zxid, chunkCount: this.#count, bytes: this.#bytes, digest }
      return this.#host.keep(manifest, this.#crc.value)
    })
  }

  /** Does nothing for one that has already ended, by a failure for instance. */
  async abandon(): Promise<void> {
    if (this.#state === 'ended') return
    await this.#step('ended', async () => {
      if (this.#overtaken === null) await this.#host.sweep([chunkRange(this.#generation, this.#zxid)])
    })
  }

  /** The history that this snapshot is of has been replaced, or the store has failed; what is written of it goes with that. */
  overtake(): void {
    this.#overtaken = new ZooKeeperError('CLOSED', { message: 'what the snapshot was written to is no longer there' })
  }

  async #step<T>(next: 'idle' | 'ended', work: () => Promise<T>): Promise<T> {
    assert(this.#state === 'idle', 'a snapshot is written one call at a time, and ended once')
    this.#state = 'writing'
    try {
      const result = await work()
      this.#end(next)
      return result
    } catch (error) {
      this.#end('ended')
      throw error
    }
  }

  #assertCurrent(): void {
    if (this.#overtaken !== null) throw this.#overtaken
  }

  #end(state: 'idle' | 'ended'): void {
    this.#state = state
    if (state === 'ended') this.#host.released()
  }
}
