import { type Epoch, LIMITS, present, ZooKeeperError, ZXID_ZERO, type Zxid } from '../base/index.js'
import type { Storage } from '../storage/index.js'
import { type StreamFrom, type ZabMessage, zxidLastOf } from '../zab/index.js'

export interface HistorySenderParts {
  readonly storage: Storage
  readonly epoch: Epoch
  readonly from: StreamFrom
  send(message: ZabMessage): void
  /** Whether so much waits to be sent that the stream should pause. */
  congested(): boolean
}

/** Sends a learner the stored history it lacks, as it lies on disk, no faster than its link takes it. */
export class HistorySender {
  readonly #parts: HistorySenderParts
  #cancelled = false
  #wake: (() => void) | null = null

  constructor(parts: HistorySenderParts) {
    this.#parts = parts
  }

  /** Resolves to the last zxid sent, or null when it was cancelled. Rejects with `LOG_CORRUPTED` when the store
   * cannot give what it should hold, with `CONNECTION_LOSS` when it does not hold it any more. */
  async run(): Promise<Zxid | null> {
    const { from } = this.#parts
    let after = from.kind === 'log' ? from.after : await this.#sendSnapshot()
    while (!this.#cancelled) {
      await this.#uncongested()
      const batches = await this.#read(
        () => this.#parts.storage.readLog(after, LIMITS.linkQueueBytesHigh),
        () => this.#parts.storage.state.log.zxidBase > after
      )
      if (this.#cancelled) break
      if (batches.length === 0) return after
      for (const batch of batches) this.#parts.send({ kind: 'history', epoch: this.#parts.epoch, batch })
      after = zxidLastOf(present(batches.at(-1), 'there is a last batch'))
    }
    return null
  }

  cancel(): void {
    this.#cancelled = true
    this.onDrain()
  }

  onDrain(): void {
    this.#wake?.()
    this.#wake = null
  }

  /** The newest snapshot, chunk by chunk; without one, the announcement that everything comes from the log. */
  async #sendSnapshot(): Promise<Zxid> {
    const { storage, epoch, send } = this.#parts
    const snapshot = storage.state.snapshots.at(-1) ?? null
    send({ kind: 'replace', epoch, snapshot })
    if (snapshot === null) return ZXID_ZERO
    for (let index = 0; index < snapshot.chunkCount; index++) {
      await this.#uncongested()
      const bytes = await this.#read(
        () => storage.readSnapshotChunk(snapshot.zxid, index),
        () => storage.state.snapshots.every(({ zxid }) => zxid !== snapshot.zxid)
      )
      if (this.#cancelled) break
      send({ kind: 'snapshotChunk', epoch, index, bytes })
    }
    return snapshot.zxid
  }

  /** What retention has removed in the meantime is not broken: the learner begins again, from what there is then. */
  async #read<T>(read: () => Promise<T>, isRetired: () => boolean): Promise<T> {
    try {
      return await read()
    } catch (error) {
      if (!isRetired()) throw error
      throw new ZooKeeperError('CONNECTION_LOSS', {
        message: 'the history that was being sent is not kept any more',
        cause: error
      })
    }
  }

  async #uncongested(): Promise<void> {
    while (!this.#cancelled && this.#parts.congested()) {
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }
}
