import type { Zxid } from '../../base/index.js'
import type { SnapshotWriter, Storage, StorageChange, StoredState } from '../../storage/index.js'
import type { Batch } from '../../zab/index.js'

export interface StorageObserver {
  onWrite(write: number, change: StorageChange): void
  onWritten(write: number): void
  onWriteFailed(write: number): void
  onPurged(zxidBase: Zxid): void
  onReopened(state: StoredState): void
}

/** A store that tells what it is given and what it has answered. */
export class ObservedStorage implements Storage {
  readonly durable: boolean
  readonly #storage: Storage
  readonly #observer: StorageObserver
  #writes = 0

  constructor(storage: Storage, observer: StorageObserver) {
    this.durable = storage.durable
    this.#storage = storage
    this.#observer = observer
  }

  get state(): StoredState {
    return this.#storage.state
  }

  get appended(): { readonly records: number; readonly txns: number } {
    return this.#storage.appended
  }

  async write(change: StorageChange): Promise<void> {
    const write = ++this.#writes
    this.#observer.onWrite(write, change)
    try {
      await this.#storage.write(change)
    } catch (error) {
      this.#observer.onWriteFailed(write)
      throw error
    }
    this.#observer.onWritten(write)
  }

  readLog(after: Zxid, bytesMax: number): Promise<readonly Batch[]> {
    return this.#storage.readLog(after, bytesMax)
  }

  readSnapshotChunk(zxid: Zxid, index: number): Promise<Uint8Array> {
    return this.#storage.readSnapshotChunk(zxid, index)
  }

  beginSnapshot(zxid: Zxid): SnapshotWriter {
    const writer = this.#storage.beginSnapshot(zxid)
    return {
      chunk: bytes => writer.chunk(bytes),
      abandon: () => writer.abandon(),
      finish: async digest => {
        const zxidBase = await writer.finish(digest)
        this.#observer.onPurged(zxidBase)
        return zxidBase
      }
    }
  }

  async reopen(): Promise<StoredState> {
    const state = await this.#storage.reopen()
    this.#observer.onReopened(state)
    return state
  }

  close(): Promise<void> {
    return this.#storage.close()
  }
}
