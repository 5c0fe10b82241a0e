import createDebug from 'debug'
import { isZooKeeperError, LIMITS, type Random, type Runtime, randomInt, type Zxid } from '../base/index.js'
import type { Storage } from '../storage/index.js'
import type { SnapshotCut, ZnodeRecord } from '../tree/index.js'
import { encodeSessionChunks, encodeZnodeChunks } from '../wire/index.js'
import type { Replica } from './replica.js'

const debug = createDebug('embedded-zookeeper:storage')

/** Znodes walked between two turns of the event loop: fewer, when they take their time or their data fills a chunk. */
const ZNODES_PER_SLICE = 500

/** Znodes walked between two looks at the clock. Their data is copied, whatever it amounts to. */
const ZNODES_PER_LOOK = 8

export interface SnapshotterParts {
  readonly runtime: Runtime
  readonly storage: Storage
  /** Txns between snapshots; each member takes between half and all of it, so that they do not write at the same time. */
  readonly snapCount: number
  onFinished(zxidBase: Zxid): void
  onFailed(error: unknown): void
}

/** Writes a snapshot of the replica every so many txns, while the replica goes on changing. */
export class Snapshotter {
  readonly #parts: SnapshotterParts
  #txns = 0
  #threshold: number
  #running: Promise<void> | null = null
  #generation = 0

  constructor(parts: SnapshotterParts) {
    this.#parts = parts
    this.#threshold = thresholdOf(parts.snapCount, parts.runtime.random)
  }

  /** One more txn has been applied to `replica`. */
  onApplied(replica: Replica): void {
    this.#txns++
    if (this.#txns < this.#threshold || this.#running !== null) return
    this.#txns = 0
    this.#threshold = thresholdOf(this.#parts.snapCount, this.#parts.runtime.random)
    const generation = this.#generation
    this.#running = this.#write(replica, generation).then(
      zxidBase => {
        this.#running = null
        if (zxidBase !== null && this.#generation === generation) this.#parts.onFinished(zxidBase)
      },
      (error: unknown) => {
        this.#running = null
        // What the snapshot is of has been replaced, or the store has been closed, and we have not been told yet: the store is well.
        if (this.#generation === generation && !isZooKeeperError(error, 'CLOSED')) this.#parts.onFailed(error)
      }
    )
  }

  /** Gives up the snapshot under way: its replica, or its store, is not the member's any more. */
  abandon(): void {
    this.#generation++
    this.#txns = 0
  }

  /** Resolves once nothing is being written. */
  async idle(): Promise<void> {
    await this.#running
  }

  async #write(replica: Replica, generation: number): Promise<Zxid | null> {
    const { storage, runtime } = this.#parts
    const cut = replica.tree.cut()
    const { digest } = replica
    const chunks = encodeSessionChunks(replica.sessions.snapshot())
    const writer = storage.beginSnapshot(cut.zxid)
    const abandoned = () => this.#generation !== generation
    try {
      for (const chunk of chunks) await writer.chunk(chunk)
      for (let records = this.#slice(cut); records.length > 0; records = this.#slice(cut)) {
        for (const chunk of encodeZnodeChunks(records)) {
          if (abandoned()) break
          await writer.chunk(chunk)
        }
        if (abandoned()) {
          await writer.abandon()
          return null
        }
        await new Promise<void>(resolve => runtime.scheduler.post(resolve))
      }
      const zxidBase = await writer.finish(digest)
      debug('snapshot at %s, %d znodes', cut.zxid, replica.tree.nodeCount)
      return zxidBase
    } finally {
      cut.close()
    }
  }

  /** The next records of a cut, empty at its end. */
  #slice(cut: SnapshotCut): readonly ZnodeRecord[] {
    const { clock } = this.#parts.runtime
    const end = clock.monotonic() + LIMITS.sliceMilliseconds
    const slice: ZnodeRecord[] = []
    let bytes = 0
    while (slice.length < ZNODES_PER_SLICE && bytes < LIMITS.snapshotChunkBytesMax) {
      const records = cut.next(ZNODES_PER_LOOK)
      slice.push(...records)
      for (const { data } of records) bytes += data?.length ?? 0
      if (records.length === 0 || clock.monotonic() >= end) break
    }
    return slice
  }
}

function thresholdOf(snapCount: number, random: Random): number {
  const half = Math.max(1, Math.floor(snapCount / 2))
  return half + randomInt(random, half)
}
