import {
  type AbstractDatabaseOptions,
  AbstractIterator,
  type AbstractIteratorOptions,
  AbstractLevel,
  AbstractSnapshot
} from 'abstract-level'
import type { Runtime } from '../../base/index.js'
import type { SimDisk } from './sim-disk.js'
import { never, type SimDiskUse } from './sim-disk-use.js'
import {
  boundsOf,
  isOutside,
  placeBehind,
  placeOf,
  type SimEntry,
  type SimOperation,
  type SimRange,
  valueIn
} from './sim-store.js'

/** Entries that an iterator gets with one read of the disk; classic-level's own number. */
const READ_ENTRIES = 1_000

type ByteBounds = { readonly [bound in keyof SimRange]?: Uint8Array }

interface ReadOptions {
  readonly snapshot?: SimSnapshot
}

interface WriteOptions {
  readonly sync?: boolean
}

interface RangeOptions extends ReadOptions, ByteBounds {
  readonly reverse: boolean
  readonly limit: number
}

interface BatchOperation {
  readonly type: 'put' | 'del'
  readonly key: Buffer
  readonly value?: Buffer
}

/**
 * A process's database on a {@link SimDisk}, which behaves as classic-level does: writes come to the disk one after another, reads and
 * iterators see what was written when they were called. Everything takes virtual time of the process, and once the process is gone nothing
 * ever ends.
 */
export class SimLevel extends AbstractLevel<string | Buffer | Uint8Array, string, string> {
  readonly #disk: SimDisk
  readonly #use: SimDiskUse
  /** Ends when the last write that was begun has ended. Never rejects. */
  #writing: Promise<void> = Promise.resolve()

  constructor(disk: SimDisk, runtime: Runtime, options: AbstractDatabaseOptions<string, string> = {}) {
    const manifest = {
      encodings: { buffer: true },
      has: true,
      explicitSnapshots: true,
      createIfMissing: true,
      errorIfExists: true
    }
    super(manifest as ConstructorParameters<typeof AbstractLevel>[0], options)
    this.#disk = disk
    this.#use = disk.use(runtime)
  }

  async _open(options: { readonly createIfMissing: boolean; readonly errorIfExists: boolean }): Promise<void> {
    await this.#use.pass(this.#disk.readMilliseconds())
    this.#disk.open(this.#use, options)
  }

  async _close(): Promise<void> {
    await this.#writing
    await this.#use.pass(0)
    this.#disk.release(this.#use)
  }

  async _get(key: Buffer, options: ReadOptions): Promise<Buffer | undefined> {
    const value = this.#find(key, options)
    await this.#read()
    return value === undefined ? undefined : Buffer.from(value)
  }

  async _getMany(keys: readonly Buffer[], options: ReadOptions): Promise<(Buffer | undefined)[]> {
    const values = keys.map(key => this.#find(key, options))
    await this.#read()
    return values.map(value => (value === undefined ? undefined : Buffer.from(value)))
  }

  async _has(key: Buffer, options: ReadOptions): Promise<boolean> {
    const value = this.#find(key, options)
    await this.#read()
    return value !== undefined
  }

  async _hasMany(keys: readonly Buffer[], options: ReadOptions): Promise<boolean[]> {
    const values = keys.map(key => this.#find(key, options))
    await this.#read()
    return values.map(value => value !== undefined)
  }

  _put(key: Buffer, value: Buffer, options: WriteOptions): Promise<void> {
    return this._batch([{ type: 'put', key, value }], options)
  }

  _del(key: Buffer, options: WriteOptions): Promise<void> {
    return this._batch([{ type: 'del', key }], options)
  }

  _batch(operations: readonly BatchOperation[], options: WriteOptions): Promise<void> {
    return this.#write(operations.map(operationOf), options.sync === true)
  }

  async _clear(options: RangeOptions): Promise<void> {
    const entries = this.#entries(options)
    const [begin, end] = boundsOf(entries, rangeOf(options))
    const count = options.limit < 0 ? end - begin : Math.min(options.limit, end - begin)
    const cleared = options.reverse ? entries.slice(end - count, end) : entries.slice(begin, begin + count)
    if (cleared.length === 0) return this.#read()
    await this.#write(
      cleared.map(({ key }) => ({ type: 'del', key })),
      false
    )
  }

  _iterator(options: RangeOptions & AbstractIteratorOptions<Buffer, Buffer>): SimIterator {
    return new SimIterator(this, options, this.#entries(options), () => this.#read())
  }

  _snapshot(options: object): SimSnapshot {
    return new SimSnapshot(options, this.#entries({}))
  }

  async #read(): Promise<void> {
    await this.#use.pass(this.#disk.readMilliseconds())
    this.#disk.read()
  }

  #write(operations: readonly SimOperation[], sync: boolean): Promise<void> {
    if (this.#use.isGone) return never()
    const write = this.#disk.beginWrite(operations, sync)
    const written = this.#writing.then(async () => {
      if (write.fault === 'hang') await never()
      await this.#use.pass(write.milliseconds)
      this.#disk.endWrite(this.#use, write)
    })
    this.#writing = written.catch(() => {
      // Its caller hears of it.
    })
    return written
  }

  #entries({ snapshot }: ReadOptions): readonly SimEntry[] {
    return snapshot?.entries ?? this.#use.store?.snapshot() ?? []
  }

  #find(key: Buffer, { snapshot }: ReadOptions): Uint8Array | undefined {
    const text = textOf(key)
    return snapshot === undefined ? this.#use.store?.get(text) : valueIn(snapshot.entries, text)
  }
}

/** That the constructor takes options is not in its type. */
const SnapshotOfLevel = AbstractSnapshot as unknown as new (options: object) => AbstractSnapshot

class SimSnapshot extends SnapshotOfLevel {
  readonly entries: readonly SimEntry[]

  constructor(options: object, entries: readonly SimEntry[]) {
    super(options)
    this.entries = entries
  }
}

class SimIterator extends AbstractIterator<SimLevel, Buffer, Buffer> {
  readonly #entries: readonly SimEntry[]
  readonly #read: () => Promise<void>
  readonly #range: SimRange
  readonly #begin: number
  readonly #end: number
  readonly #isReverse: boolean
  /** The place of the next entry. */
  #place: number
  /** Entries that have been read from the disk and not been given yet. */
  #ready = 0

  constructor(
    level: SimLevel,
    options: RangeOptions & AbstractIteratorOptions<Buffer, Buffer>,
    entries: readonly SimEntry[],
    read: () => Promise<void>
  ) {
    super(level, options)
    this.#entries = entries
    this.#read = read
    this.#range = rangeOf(options)
    ;[this.#begin, this.#end] = boundsOf(entries, this.#range)
    this.#isReverse = options.reverse
    this.#place = this.#isReverse ? this.#end - 1 : this.#begin
  }

  async _next(): Promise<[Buffer, Buffer] | undefined> {
    const [entry] = await this._nextv(1)
    return entry
  }

  async _nextv(size: number): Promise<[Buffer, Buffer][]> {
    if (this.#ready < size) {
      await this.#read()
      this.#ready = Math.max(size, READ_ENTRIES)
    }
    const given: [Buffer, Buffer][] = []
    while (given.length < size && this.#place >= this.#begin && this.#place < this.#end) {
      const entry = this.#entries[this.#place]
      if (entry === undefined) break
      given.push([Buffer.from(entry.key, 'latin1'), Buffer.from(entry.value)])
      this.#place += this.#isReverse ? -1 : 1
    }
    this.#ready -= given.length
    return given
  }

  /** A target outside the range leaves nothing to give. */
  _seek(target: Buffer): void {
    const key = textOf(target)
    if (isOutside(this.#range, key)) this.#place = -1
    else this.#place = this.#isReverse ? placeBehind(this.#entries, key) - 1 : placeOf(this.#entries, key)
    this.#ready = 0
  }
}

function rangeOf({ gt, gte, lt, lte }: ByteBounds): SimRange {
  return {
    ...(gt !== undefined && { gt: textOf(gt) }),
    ...(gte !== undefined && { gte: textOf(gte) }),
    ...(lt !== undefined && { lt: textOf(lt) }),
    ...(lte !== undefined && { lte: textOf(lte) })
  }
}

function operationOf({ type, key, value }: BatchOperation): SimOperation {
  return type === 'put' ? { type, key: textOf(key), value: Buffer.from(value ?? []) } : { type: 'del', key: textOf(key) }
}

/** A character for each byte: such texts are in the order of the bytes. */
function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
