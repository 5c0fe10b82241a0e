import { type Random, randomInt } from '../../base/index.js'
import { type SimEntry, type SimOperation, SimStore } from './sim-store.js'

/** LevelDB gives up a block of its log in which it finds a broken record, and what else lies in it. */
const BLOCK_BYTES = 32 * 1024

/** LevelDB writes what its log holds to a table when it has grown to this. */
const LOG_BYTES_MAX = 4 * 1024 * 1024

/** Batches that a cut takes, at most. */
const TAIL_MAX = 8

/** What a log record takes beside its keys and values, about. */
const RECORD_BYTES = 20

interface LoggedBatch {
  operations: readonly SimOperation[]
  readonly bytes: number
  /** It will not be found by the next opening. */
  isLost: boolean
}

/** What lies on a disk, at one moment. */
export interface StoreImage {
  readonly tables: readonly SimEntry[]
  readonly batches: readonly Readonly<LoggedBatch>[]
  readonly synced: number
  readonly isPoisoned: boolean
  readonly tailCut: number
}

/**
 * What LevelDB keeps on a disk: tables, and a log of the batches written since the tables were. An opening reads the log, makes tables of it
 * and begins a new one. A batch is one record of the log: it is there or not, never half.
 *
 * Losing anything of it is quiet. LevelDB skips what it cannot read of its log and opens.
 */
export class SimStoreLog {
  #tables: readonly SimEntry[] = []
  #batches: LoggedBatch[] = []
  /** How many of the batches a power loss leaves for certain. */
  #synced = 0
  #bytes = 0
  #isPoisoned = false
  #tailCut = 0
  /** Batches that openings have not found, though they had been written and the machine had not lost power. */
  lost = 0

  append(operations: readonly SimOperation[], sync: boolean): void {
    const bytes = bytesOf(operations)
    this.#batches.push({ operations, bytes, isLost: this.#isPoisoned })
    this.#bytes += bytes
    if (sync) this.#synced = this.#batches.length
  }

  /** After an append that failed half way, the places of blocks are wrong: nothing that follows will be read. */
  poison(): void {
    this.#isPoisoned = true
  }

  /** Makes tables of what the process holds in memory, when the log is long enough: nothing depends on the old log any more. */
  rotate(store: SimStore): void {
    if (this.#bytes >= LOG_BYTES_MAX) this.#beginWith(store.snapshot())
  }

  /** What an opening finds. */
  open(): SimStore {
    const end = Math.max(0, this.#batches.length - this.#tailCut)
    const found = this.#batches.filter(({ isLost }, index) => !isLost && index < end)
    this.lost += this.#batches.length - found.length
    const store = new SimStore(this.#tables)
    for (const { operations } of found) store.apply(operations)
    this.#beginWith(store.snapshot())
    return store
  }

  /** What was not synced goes, from some place on. */
  losePower(random: Random): void {
    const kept = this.#synced + randomInt(random, this.#batches.length - this.#synced + 1)
    this.#batches.length = kept
    this.#synced = kept
  }

  /** Some consecutive batches will not be found, as many as fit a block at most; how many. */
  punchHole(random: Random): number {
    const whole = this.#batches.filter(({ isLost }) => !isLost)
    const begin = randomInt(random, whole.length)
    const most = 1 + randomInt(random, whole.length)
    let bytes = 0
    let count = 0
    for (const batch of whole.slice(begin, begin + most)) {
      bytes += batch.bytes
      if (count > 0 && bytes > BLOCK_BYTES) break
      batch.isLost = true
      count++
    }
    return count
  }

  /** Of the batches that there are at the opening, the newest will not be found; how many. */
  cutTail(random: Random): number {
    const count = Math.min(Math.max(0, this.#batches.length - this.#tailCut), 1 + randomInt(random, TAIL_MAX))
    this.#tailCut += count
    return count
  }

  /** Gives keys other values, or takes them away (null), where their newest value lies. */
  replace(changes: ReadonlyMap<string, Uint8Array | null>): void {
    const left = new Map(changes)
    for (const batch of [...this.#batches].reverse()) {
      if (batch.isLost || !batch.operations.some(({ key }) => left.has(key))) continue
      const last = new Map(batch.operations.map(({ key }, index) => [key, index]))
      batch.operations = batch.operations.map((operation, index) => {
        const { key } = operation
        const value = left.get(key)
        return value === undefined || last.get(key) !== index ? operation : operationOf(key, value)
      })
      for (const key of last.keys()) left.delete(key)
    }
    const store = new SimStore(this.#tables)
    store.apply([...left].map(([key, value]) => operationOf(key, value)))
    this.#tables = store.snapshot()
  }

  /** What an opening would find, and nothing happens to it. */
  peek(): readonly SimEntry[] {
    const copy = new SimStoreLog()
    copy.restore(this.image())
    return copy.open().snapshot()
  }

  image(): StoreImage {
    const batches = this.#batches.map(batch => ({ ...batch }))
    return {
      tables: this.#tables,
      batches,
      synced: this.#synced,
      isPoisoned: this.#isPoisoned,
      tailCut: this.#tailCut
    }
  }

  restore(image: StoreImage): void {
    this.#tables = image.tables
    this.#batches = image.batches.map(batch => ({ ...batch }))
    this.#synced = image.synced
    this.#bytes = this.#batches.reduce((sum, { bytes }) => sum + bytes, 0)
    this.#isPoisoned = image.isPoisoned
    this.#tailCut = image.tailCut
  }

  #beginWith(tables: readonly SimEntry[]): void {
    this.restore({ tables, batches: [], synced: 0, isPoisoned: false, tailCut: 0 })
  }
}

export function operationOf(key: string, value: Uint8Array | null): SimOperation {
  return value === null ? { type: 'del', key } : { type: 'put', key, value }
}

function bytesOf(operations: readonly SimOperation[]): number {
  let bytes = RECORD_BYTES
  for (const operation of operations) bytes += operation.key.length + (operation.type === 'put' ? operation.value.length : 0)
  return bytes
}
