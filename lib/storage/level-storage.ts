import createDebug from 'debug'
import { assert, formatZxid, LIMITS, present, ZooKeeperError, type Zxid } from '../base/index.js'
import { type Batch, zxidLastIn } from '../zab/index.js'
import { rangesBeside, rangesOfGeneration, rangesReplaced, rangesUnlisted, sweepRange } from './debris.js'
import { levelCode, type Operation } from './drawer.js'
import { chunkKey, chunkRange, type KeyRange, META_KEY, manifestKey } from './key-space.js'
import { type LoadedStore, loadStore, nextMeta, notedOf, stateOf } from './loaded-store.js'
import { cutLog, verifyCut } from './log-cut.js'
import { broken, readBatches } from './log-reader.js'
import { encodeManifest, encodeMeta } from './meta.js'
import { type Plan, type PlannedChange, planned } from './plan.js'
import { decodeChunk, encodeChunk, linkAtBase } from './record.js'
import { ChunksCrc } from './snapshot-scan.js'
import { LevelSnapshotWriter } from './snapshot-writer.js'
import type { SnapshotManifest, SnapshotWriter, Storage, StorageChange, StorageOptions, StoredState } from './storage.js'
import type { Surroundings } from './surroundings.js'
import { WriteGroup } from './write-group.js'

const debug = createDebug('embedded-zookeeper:storage')

/** Bytes of one atomic write, so that a burst does not become one endless sync. What is beyond goes with the next. */
const GROUP_BYTES_MAX = 4 * LIMITS.recordBytesMax

/** Someone who waits for a write. */
interface Waiter {
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** A change that waits to be written, between what the store will hold before and after it. */
interface Queued extends Waiter {
  readonly change: PlannedChange
  readonly before: Plan
  readonly after: Plan
}

/** What is written behind the log's changes: snapshot chunks and the removal of debris. */
interface QueuedBehind extends Waiter {
  readonly operations: Operation[]
}

/** The one implementation of a store, over any abstract-level database. */
export class LevelStorage implements Storage {
  readonly durable: boolean
  readonly appended = { records: 0, txns: 0 }
  readonly #surroundings: Surroundings
  readonly #options: StorageOptions
  #loaded: LoadedStore
  /** What the store will hold once everything that waits is written. */
  #plan: Plan
  #queue: Queued[] = []
  #behind: QueuedBehind[] = []
  /** Settles when nothing waits and nothing is being written. Never rejects. */
  #draining: Promise<void> | null = null
  #sweeping: Promise<void> = Promise.resolve()
  #writer: LevelSnapshotWriter | null = null
  /** Sticky: nothing is written or read until a reopening has succeeded. */
  #failure: ZooKeeperError | null = null
  #reopening: Promise<StoredState> | null = null
  #closing: Promise<void> | null = null

  private constructor(surroundings: Surroundings, options: StorageOptions, loaded: LoadedStore) {
    this.durable = surroundings.durable
    this.#surroundings = surroundings
    this.#options = options
    this.#loaded = loaded
    this.#plan = loaded.written
  }

  /** Opens and verifies a store, or makes it. Leaves nothing open when it rejects. */
  static async open(surroundings: Surroundings, options: StorageOptions): Promise<LevelStorage> {
    assert(options.snapRetainCount >= 1, 'at least one snapshot is kept')
    try {
      return new LevelStorage(surroundings, options, await loadStore(surroundings, options, null, null))
    } catch (error) {
      await surroundings.close()
      throw coded(error)
    }
  }

  get state(): StoredState {
    return stateOf(this.#loaded.meta, this.#loaded.written)
  }

  write(change: StorageChange): Promise<void> {
    return this.#enqueue(change)
  }

  async readLog(after: Zxid, bytesMax: number): Promise<readonly Batch[]> {
    this.#assertUsable()
    const { drawer, written } = this.#loaded
    if (after >= zxidLastIn(written.log)) return []
    if (after < written.log.zxidBase) {
      throw new ZooKeeperError('LOG_CORRUPTED', { message: `the log begins behind ${formatZxid(after)}`, zxid: after })
    }
    return this.#read(() => readBatches(drawer, written.generation, written.log, after, bytesMax))
  }

  async readSnapshotChunk(zxid: Zxid, index: number): Promise<Uint8Array> {
    this.#assertUsable()
    const { drawer, written } = this.#loaded
    const listed = written.snapshots.find(snapshot => snapshot.zxid === zxid)
    const place = { generation: written.generation, zxid, index }
    const value = await this.#read(() => drawer.get(chunkKey(place.generation, zxid, index)))
    const whole = listed === undefined || value === undefined ? null : decodeChunk(value, place)
    if (whole === null) throw broken(`chunk ${index} of the snapshot at ${formatZxid(zxid)}`)
    return whole.chunk
  }

  beginSnapshot(zxid: Zxid): SnapshotWriter {
    this.#assertUsable()
    assert(this.#writer === null, 'one snapshot is written at a time')
    assert(this.#plan.damage === null, 'no snapshot is added to a damaged store')
    const writer: LevelSnapshotWriter = new LevelSnapshotWriter(
      {
        writeBehind: operations => this.#enqueueBehind(operations),
        keep: (manifest, chunksCrc) => this.#keepSnapshot(manifest, chunksCrc),
        sweep: ranges => this.#sweep(ranges),
        released: () => {
          if (this.#writer === writer) this.#writer = null
        }
      },
      this.#plan.generation,
      zxid
    )
    this.#writer = writer
    return writer
  }

  reopen(): Promise<StoredState> {
    if (this.#closing !== null) return Promise.reject(closed())
    this.#reopening ??= this.#reopen().finally(() => {
      this.#reopening = null
    })
    return this.#reopening
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #reopen(): Promise<StoredState> {
    if (this.#failure === null) this.#fail(new Error('the store was asked to open again'), [])
    const failure = this.#failure?.cause ?? this.#failure
    await this.#settled()
    try {
      const loaded = await loadStore(this.#surroundings, this.#options, this.#loaded, failure)
      this.#loaded = loaded
      this.#plan = loaded.written
      this.#failure = null
      return this.state
    } catch (error) {
      this.#failure = coded(error)
      throw this.#failure
    }
  }

  async #close(): Promise<void> {
    this.#refuseWaiting(closed())
    await this.#reopening?.catch(error => debug('reopening failed while closing: %o', error))
    await this.#settled()
    await this.#surroundings.close()
  }

  async #settled(): Promise<void> {
    await this.#draining
    await this.#sweeping
  }

  #assertUsable(): void {
    if (this.#closing !== null) throw closed()
    if (this.#failure !== null) throw refused(this.#failure)
  }

  /** Rejects with what is thrown here as well. */
  #enqueue(change: PlannedChange): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#assertUsable()
      const before = this.#plan
      const after = planned(before, change, this.#options.snapRetainCount)
      this.#plan = after
      this.#queue.push({ change, before, after, resolve, reject })
      this.#draining ??= this.#drain()
    })
  }

  #enqueueBehind(operations: Operation[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#assertUsable()
      this.#behind.push({ operations, resolve, reject })
      this.#draining ??= this.#drain()
    })
  }

  /** Writes what waits, one group at a time: at no time is more than one write in the hands of the operating system. */
  async #drain(): Promise<void> {
    // What is issued in the same turn goes together.
    await null
    while (this.#queue.length + this.#behind.length > 0) {
      const group = this.#takeGroup()
      const behind = this.#behind
      this.#behind = []
      try {
        await this.#writeGroup(group, behind)
      } catch (error) {
        this.#fail(error, [...group, ...behind])
        break
      }
      for (const { resolve } of group) resolve()
      for (const { resolve } of behind) resolve()
    }
    this.#draining = null
  }

  /** A cut reads what is on disk, so it is the first of its group. */
  #takeGroup(): Queued[] {
    let count = 0
    let bytes = 0
    for (const { change } of this.#queue) {
      if (count > 0 && (change.kind === 'truncate' || bytes >= GROUP_BYTES_MAX)) break
      bytes += bytesOf(change)
      count++
    }
    if (count < this.#queue.length) return this.#queue.splice(0, count)
    const all = this.#queue
    this.#queue = []
    return all
  }

  async #writeGroup(queued: readonly Queued[], behind: readonly QueuedBehind[]): Promise<void> {
    const loaded = this.#loaded
    const after = queued.at(-1)?.after ?? loaded.written
    const metaBefore = loaded.meta
    const meta = changesMeta(queued) ? nextMeta(metaBefore, after) : metaBefore
    const group = new WriteGroup(meta.revision, loaded.links)
    for (const each of queued) {
      // PERF: nothing is awaited for what is by far the most frequent.
      if (each.change.kind === 'append') group.append(generationOf(each.after), each.change.batch, each.change.zxidCommitted)
      else await this.#add(group, each, each.change)
    }
    if (meta !== metaBefore) group.operations.push({ type: 'put', key: META_KEY, value: encodeMeta(meta) })
    const operations = group.complete()
    for (const each of behind) operations.push(...each.operations)
    if (operations.length > 0) await loaded.drawer.batch(operations)
    this.#surroundings.verify()
    this.appended.records += group.records
    this.appended.txns += group.txns
    if (queued[0]?.change.kind === 'truncate') await this.#verifyEnd(after)
    const noted = notedOf(meta, after)
    if (noted.zxidEnd !== loaded.noted.zxidEnd || noted.revision !== loaded.noted.revision) {
      const noting = this.#surroundings.note(noted)
      // PERF: a directory's note is written by now, and nothing is left to wait for.
      if (noting !== undefined) await noting
      loaded.noted = noted
    }
    if (queued.length === 0) return
    loaded.meta = meta
    loaded.written = after
    for (const each of queued) this.#written(each)
  }

  /** Adds one change to a group. */
  async #add(group: WriteGroup, { before, after }: Queued, change: Exclude<PlannedChange, { kind: 'append' }>): Promise<void> {
    const { drawer, links } = this.#loaded
    switch (change.kind) {
      case 'truncate': {
        const { generation, log } = before
        const { operations, link } = await cutLog(drawer, { generation, zxidBase: log.zxidBase }, group.revision, change.zxid)
        for (const { zxid } of before.snapshots) {
          if (zxid > change.zxid) group.operations.push({ type: 'del', key: manifestKey(generation, zxid) })
        }
        group.operations.push(...operations)
        links.set(generation, link)
        return
      }
      case 'beginReplacement': {
        const { generation, log } = present(after.replacement, 'a replacement that was begun is there')
        links.set(generation, linkAtBase(log.zxidBase))
        this.#loaded.stagedCrc = new ChunksCrc()
        return
      }
      case 'stageChunk': {
        const { generation, log } = present(after.replacement, 'a chunk is staged in a replacement')
        const place = { generation, zxid: log.zxidBase, index: change.index }
        const { value, crc } = encodeChunk(place, change.bytes)
        this.#loaded.stagedCrc.add(crc)
        group.operations.push({ type: 'put', key: chunkKey(generation, place.zxid, place.index), value })
        return
      }
      case 'adoptEpoch': {
        const [snapshot] = after.snapshots
        if (before.replacement !== null && snapshot !== undefined) {
          putManifest(group, after.generation, snapshot, this.#loaded.stagedCrc.value)
        }
        return
      }
      case 'acceptDamage': {
        for (const range of rangesBeside(after.generation, this.#loaded.proven)) {
          const keys = await drawer.keys(range, Number.POSITIVE_INFINITY)
          for (const key of keys) group.operations.push({ type: 'del', key })
        }
        return
      }
      case 'keepSnapshot':
        return putManifest(group, after.generation, change.manifest, change.chunksCrc)
      case 'acceptEpoch':
      case 'admit':
      case 'abandonReplacement':
    }
  }

  async #verifyEnd({ generation }: Plan): Promise<void> {
    const { drawer, links } = this.#loaded
    await verifyCut(drawer, generation, present(links.get(generation), 'the end of the log is known'))
  }

  /** What a change that is on disk leaves behind. */
  #written({ change, before, after }: Queued): void {
    const { links } = this.#loaded
    if (change.kind === 'adoptEpoch' && after.generation !== before.generation) {
      links.delete(before.generation)
      this.#writer?.overtake()
      this.#sweepAside(rangesReplaced(after.generation), () => this.#surroundings.discardRemains())
    } else if (before.replacement !== null && (change.kind === 'abandonReplacement' || change.kind === 'beginReplacement')) {
      links.delete(before.replacement.generation)
      this.#sweepAside(rangesOfGeneration(before.replacement.generation))
    } else if (change.kind === 'acceptDamage') {
      this.#sweepAside(rangesReplaced(after.generation), () => this.#surroundings.discardRemains())
    } else if (change.kind === 'truncate') {
      const dropped = before.snapshots.filter(({ zxid }) => zxid > change.zxid)
      this.#sweepAside(dropped.map(({ zxid }) => chunkRange(before.generation, zxid)))
    }
  }

  async #keepSnapshot(manifest: SnapshotManifest, chunksCrc: number): Promise<Zxid> {
    await this.#enqueue({ kind: 'keepSnapshot', manifest, chunksCrc })
    const { drawer, written } = this.#loaded
    await this.#sweep(await this.#read(() => rangesUnlisted(drawer, written)))
    return written.log.zxidBase
  }

  async #sweep(ranges: readonly KeyRange[]): Promise<void> {
    for (const range of ranges) {
      this.#assertUsable()
      await sweepRange(this.#loaded.drawer, range, operations => this.#enqueueBehind(operations))
    }
  }

  /** Removes debris that nobody waits for. What fails here fails the store, and then everyone hears of it. */
  #sweepAside(ranges: readonly KeyRange[], then: () => Promise<void> = async () => {}): void {
    this.#sweeping = this.#sweeping
      .then(() => this.#sweep(ranges))
      .then(then)
      .catch(error => {
        if (this.#closing === null && this.#failure === null) this.#fail(error, [])
      })
  }

  async #read<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read()
    } catch (error) {
      this.#assertUsable()
      if (error instanceof ZooKeeperError) throw error
      if (levelCode(error) === 'LEVEL_CORRUPTION') throw new ZooKeeperError('LOG_CORRUPTED', { cause: error })
      throw coded(error)
    }
  }

  #fail(error: unknown, inFlight: readonly Waiter[]): void {
    const failure = coded(error)
    debug('failed: %o', error)
    this.#failure = failure
    this.#writer?.overtake()
    this.#writer = null
    for (const { reject } of inFlight) reject(failure)
    this.#refuseWaiting(refused(failure))
  }

  #refuseWaiting(error: ZooKeeperError): void {
    for (const { reject } of this.#queue.splice(0)) reject(error)
    for (const { reject } of this.#behind.splice(0)) reject(error)
  }
}

/** Whether one of the changes is of the meta record. The others are the log's, or of a replacement that does not count yet. */
function changesMeta(queued: readonly Queued[]): boolean {
  for (const { change } of queued) {
    const { kind } = change
    if (kind !== 'append' && kind !== 'stageChunk' && kind !== 'beginReplacement' && kind !== 'abandonReplacement') return true
  }
  return false
}

/** Where appends go: to the log, or to the one that is to replace it. */
function generationOf({ replacement, generation }: Plan): number {
  return replacement?.generation ?? generation
}

function bytesOf(change: PlannedChange): number {
  if (change.kind === 'append') return change.batch.bytes.length
  return change.kind === 'stageChunk' ? change.bytes.length : 0
}

function putManifest(group: WriteGroup, generation: number, manifest: SnapshotManifest, chunksCrc: number): void {
  const value = encodeManifest({ ...manifest, generation, chunksCrc })
  group.operations.push({ type: 'put', key: manifestKey(generation, manifest.zxid), value })
}

function closed(): ZooKeeperError {
  return new ZooKeeperError('CLOSED', { message: 'the store is closed' })
}

/** What a call is answered with after a failure: it has not been tried. */
function refused({ message, cause }: ZooKeeperError): ZooKeeperError {
  return new ZooKeeperError('STORAGE_FAILED', { message, cause, outcome: 'not-applied' })
}

/** An operating error as one of ours, in the words of whoever met it first. */
function coded(error: unknown): ZooKeeperError {
  if (error instanceof ZooKeeperError) return error
  let origin = error
  while (origin instanceof Error && origin.cause !== undefined) origin = origin.cause
  return new ZooKeeperError('STORAGE_FAILED', {
    message: origin instanceof Error ? origin.message : String(origin),
    cause: error
  })
}
