import { type Random, type Runtime, randomInt } from '../../base/index.js'
import type { StorageNoted, StoreIdentity } from '../../storage/index.js'
import { SimDiskUse } from './sim-disk-use.js'
import { SimLevel } from './sim-level.js'
import type { SimEntry, SimOperation } from './sim-store.js'
import { operationOf, SimStoreLog, type StoreImage } from './sim-store-log.js'

/** What the next write runs into. */
export type DiskFault =
  /** Nothing is written. */
  | 'clean'
  /** It is written, and reported as failed: a sync that failed. LevelDB then refuses every write until it is opened again. */
  | 'landed'
  /** It never ends. */
  | 'hang'
  /** It fails; what follows is acknowledged and can be read, and is gone when the database is opened again. LevelDB after a failed append. */
  | 'poison'
  /** There is no room: as `poison`, for want of another reason. While every write is told so, no database can be opened either. */
  | 'full'

/** Why an opening fails. A database that is corrupt when `openSimStorage` opens it is set aside, and all that it held is lost. */
export type OpenFault = 'io' | 'locked' | 'corruption'

/** How a process comes to its end. Of a machine without power, what was not synced may be lost. */
export type ProcessEnd = 'kill' | 'power'

/**
 * What goes bad. `bit`: a bit of a stored value flips. `missing`: it is not found. `stale`: its former value is found, and `misdirected`:
 * that of another key. These are so at once. `hole`: some consecutive batches of LevelDB's log, as many as fit 32 KiB, and `tail`: the
 * newest ones, are silently missing at the next opening.
 */
export type Rot = 'bit' | 'missing' | 'stale' | 'misdirected' | 'hole' | 'tail'

export interface SimDiskOptions {
  /** Milliseconds that a synced write takes, asked anew for every write. One that is not synced takes a tenth. */
  readonly latency: () => number
  /** Milliseconds that an opening, or a read of up to a thousand entries, takes; asked anew for each. Default: 0. */
  readonly readLatency?: () => number
  /** Decides what a crash makes of a write that is under way, and which data a fault hits. */
  readonly random: Random
}

/** A copy of everything on a disk. */
export interface DiskImage {
  readonly store: StoreImage
  readonly exists: boolean
  readonly identity: StoreIdentity | null
  readonly notes: readonly StorageNoted[] | null
}

/** A write between its beginning and its end. */
export interface SimWrite {
  readonly operations: readonly SimOperation[]
  readonly sync: boolean
  readonly fault: DiskFault | null
  readonly milliseconds: number
}

const ERRORS = {
  full: () => levelError('LEVEL_IO_ERROR', 'IO error: db/000005.log: No space left on device'),
  io: () => levelError('LEVEL_IO_ERROR', 'IO error: db/000005.log: Input/output error'),
  locked: () => levelError('LEVEL_LOCKED', 'IO error: lock db/LOCK: already held by process'),
  corruption: () => levelError('LEVEL_CORRUPTION', 'Corruption: CURRENT file does not end with newline'),
  missing: () => levelError('LEVEL_INVALID_ARGUMENT', 'Invalid argument: db: does not exist (create_if_missing is false)'),
  exists: () => levelError('LEVEL_INVALID_ARGUMENT', 'Invalid argument: db: exists (error_if_exists is true)')
}

/** Older versions of the note than this have been written back by the operating system. */
const NOTES_MAX = 64

/**
 * A member's disk in virtual time, with a database and the two files beside it: outlives the member's processes, takes its time, and fails
 * when told to, in the ways that were measured on classic-level. What it has quietly lost is counted in `lost`.
 */
export class SimDisk {
  readonly #options: SimDiskOptions
  readonly #log = new SimStoreLog()
  #exists = false
  #uses: SimDiskUse[] = []
  #holder: SimDiskUse | null = null
  #inFlight: SimWrite[] = []
  /** Who the directory belongs to. */
  #identity: StoreIdentity | null = null
  /** What the note has said since it was last certainly on the disk; empty when it cannot be read, null when it was never made. */
  #notes: StorageNoted[] | null = null
  #noteInFlight: StorageNoted | null = null
  #faults: DiskFault[] = []
  #standing: DiskFault | null = null
  #openFaults: OpenFault[] = []
  #failsReads = false
  #slowness = 0
  #stalls: number[] = []
  /** Told of every write when it has begun: it may be on the disk by then, or not. */
  onWrite: () => void = () => {}
  /** Writes begun since the disk was made. */
  writes = 0
  /** Databases that could not be opened and lie beside the present one. */
  setAside = 0

  constructor(options: SimDiskOptions) {
    this.#options = options
  }

  /** Batches that openings have not found, though they had been written and no power was lost. */
  get lost(): number {
    return this.#log.lost
  }

  /** The database for a new process of the member, without the files beside it. */
  async mount(runtime: Runtime): Promise<SimLevel> {
    return new SimLevel(this, runtime)
  }

  /** Ends all processes that use it. What they were writing may have come to the disk, in its order, or not. */
  async unmount(end: ProcessEnd = 'kill'): Promise<void> {
    const { random } = this.#options
    for (const use of this.#uses) use.isGone = true
    const landed = randomInt(random, this.#inFlight.length + 1)
    for (const { operations, fault } of this.#inFlight.slice(0, landed)) {
      if (fault === 'clean' || fault === 'poison' || fault === 'full') break
      this.#log.append(operations, false)
      if (fault === 'hang') break
    }
    if (this.#noteInFlight !== null && random.float() < 0.5) this.#putNote(this.#noteInFlight)
    this.#uses = []
    this.#holder = null
    this.#inFlight = []
    this.#noteInFlight = null
    if (end !== 'power') return
    this.#log.losePower(random)
    if (this.#notes !== null) this.#notes.length = Math.min(this.#notes.length, 1 + randomInt(random, this.#notes.length))
  }

  /** The disk is replaced by an empty one. Only while no process uses it. */
  wipe(): void {
    this.restore(new SimDisk(this.#options).image())
  }

  /** A copy of what is on it now. What is being written is not in it. */
  image(): DiskImage {
    const notes = this.#notes === null ? null : [...this.#notes]
    return { store: this.#log.image(), exists: this.#exists, identity: this.#identity, notes }
  }

  /** Puts an old copy in the place of everything. Only while no process uses it. */
  restore({ store, exists, identity, notes }: DiskImage): void {
    if (this.#uses.some(use => use.store !== null)) throw new Error('a disk is not replaced under a running process')
    this.#log.restore(store)
    this.#exists = exists
    this.#identity = identity
    this.#notes = notes === null ? null : [...notes]
    this.setAside = 0
  }

  /** The next writes fail, each in its way; those behind do not. */
  failNext(...faults: readonly DiskFault[]): void {
    this.#faults.push(...faults)
  }

  /** From here on every write fails in this way, until `mend`. */
  failAlways(fault: DiskFault): void {
    this.#standing = fault
  }

  /** The next openings fail. */
  failOpening(...faults: readonly OpenFault[]): void {
    this.#openFaults.push(...faults)
  }

  /** Whether reads fail, with an error of the disk. */
  failReads(fail: boolean): void {
    this.#failsReads = fail
  }

  /** Every write takes so much longer. */
  slow(milliseconds: number): void {
    this.#slowness = milliseconds
  }

  /** The next writes take so much longer. */
  stall(milliseconds: number, writes = 1): void {
    for (let index = 0; index < writes; index++) this.#stalls.push(milliseconds)
  }

  /** Whether a process waits for a write that will never end. */
  get hangs(): boolean {
    return this.#inFlight.some(({ fault }) => fault === 'hang')
  }

  /** Nothing fails any more that has not begun. What was lost stays lost, and a write that hangs hangs on. */
  mend(): void {
    this.#standing = null
    this.#faults = []
    this.#openFaults = []
    this.#failsReads = false
    this.#slowness = 0
    this.#stalls = []
  }

  /** Something goes bad; of values, one of a key that `isWanted`. Says what, null when there is nothing to which that can happen. */
  rot(kind: Rot, isWanted: (key: string) => boolean = () => true): string | null {
    const { random } = this.#options
    if (kind === 'hole') return batchesOf(this.#log.punchHole(random))
    if (kind === 'tail') return batchesOf(this.#log.cutTail(random))
    const entries = this.#entries()
    const candidates = entries.filter(entry => isWanted(textOf(entry.key)) && canRot(kind, entry, entries))
    const entry = candidates[randomInt(random, candidates.length)]
    if (entry === undefined) return null
    this.#replace(new Map([[entry.key, rotten(kind, entry, entries, random)]]))
    return textOf(entry.key)
  }

  /** Changes what is on it, record by record, under the running process: `alter` returns another value, or null to leave it. */
  async damage(alter: (key: string, value: Uint8Array) => Uint8Array | null): Promise<number> {
    const changes = new Map<string, Uint8Array>()
    for (const { key, value } of this.#entries()) {
      const altered = alter(textOf(key), value)
      if (altered !== null) changes.set(key, altered)
    }
    this.#replace(changes)
    return changes.size
  }

  /** The note's last write was torn: what it said before is what it says. */
  tearNote(): void {
    this.#notes?.pop()
  }

  /** The note cannot be read any more. */
  loseNote(): void {
    if (this.#notes !== null) this.#notes = []
  }

  /** The directory does not say any more who it belongs to. */
  loseIdentity(): void {
    this.#identity = null
  }

  // What a process asks of it, by SimLevel and openSimStorage.

  get identity(): StoreIdentity | null {
    return this.#identity
  }

  /** What the note says; `missing` when it cannot be read, null when there is none. */
  get noted(): StorageNoted | 'missing' | null {
    return this.#notes === null ? null : (this.#notes.at(-1) ?? 'missing')
  }

  readMilliseconds(): number {
    return this.#options.readLatency?.() ?? 0
  }

  use(runtime: Runtime): SimDiskUse {
    const use = new SimDiskUse(runtime)
    this.#uses.push(use)
    return use
  }

  /** Opens the database for one use. Throws as classic-level does. */
  open(use: SimDiskUse, options: { readonly createIfMissing: boolean; readonly errorIfExists: boolean }): void {
    const fault = this.#openFaults.shift()
    if (fault !== undefined) throw ERRORS[fault]()
    if (this.#holder !== null) throw ERRORS.locked()
    if (!this.#exists && !options.createIfMissing) throw ERRORS.missing()
    if (this.#exists && options.errorIfExists) throw ERRORS.exists()
    if (this.#standing === 'full') throw ERRORS.full()
    this.#exists = true
    this.#holder = use
    use.store = this.#log.open()
    use.failure = null
  }

  release(use: SimDiskUse): void {
    if (this.#holder === use) this.#holder = null
    use.store = null
  }

  beginWrite(operations: readonly SimOperation[], sync: boolean): SimWrite {
    this.writes++
    const fault = this.#faults.shift() ?? this.#standing
    const usual = this.#options.latency()
    const milliseconds = (sync ? usual : usual / 10) + this.#slowness + (this.#stalls.shift() ?? 0)
    const write = { operations, sync, fault, milliseconds }
    this.#inFlight.push(write)
    this.onWrite()
    return write
  }

  /** Ends a write, in its way. */
  endWrite(use: SimDiskUse, write: SimWrite): void {
    const { operations, sync, fault } = write
    this.#inFlight = this.#inFlight.filter(other => other !== write)
    if (use.failure !== null) throw use.failure
    if (fault === 'clean') throw ERRORS.io()
    if (fault === 'poison' || fault === 'full') {
      this.#log.poison()
      throw fault === 'full' ? ERRORS.full() : ERRORS.io()
    }
    this.#log.append(operations, sync && fault === null)
    if (fault === 'landed') {
      use.failure = ERRORS.io()
      throw use.failure
    }
    if (use.store === null) throw new Error('a database is not closed while it is written to')
    use.store.apply(operations)
    this.#log.rotate(use.store)
  }

  /** Throws when a read fails. */
  read(): void {
    if (this.#failsReads) throw ERRORS.io()
  }

  /** Makes the identity file, durably. */
  putIdentity(identity: StoreIdentity): void {
    if (this.#standing === 'full') throw ERRORS.full()
    this.#identity = identity
  }

  /** The note is being written: a crash may find it written or not. */
  beginNote(noted: StorageNoted): void {
    this.#noteInFlight = noted
  }

  endNote(): void {
    if (this.#noteInFlight !== null) this.#putNote(this.#noteInFlight)
    this.#noteInFlight = null
  }

  /** Puts the database beside the place where a new one is opened. */
  setDatabaseAside(): void {
    this.setAside++
    this.#exists = false
    this.#log.restore(new SimStoreLog().image())
  }

  #putNote(noted: StorageNoted): void {
    this.#notes = [...(this.#notes ?? []), noted].slice(-NOTES_MAX)
  }

  #entries(): readonly SimEntry[] {
    return this.#holder?.store?.snapshot() ?? this.#log.peek()
  }

  #replace(changes: ReadonlyMap<string, Uint8Array | null>): void {
    this.#log.replace(changes)
    this.#holder?.store?.apply([...changes].map(([key, value]) => operationOf(key, value)))
  }
}

function canRot(kind: Rot, { value, former }: SimEntry, entries: readonly SimEntry[]): boolean {
  if (kind === 'bit') return value.length > 0
  if (kind === 'stale') return former !== null
  return kind === 'missing' || entries.length > 1
}

function rotten(kind: Rot, entry: SimEntry, entries: readonly SimEntry[], random: Random): Uint8Array | null {
  if (kind === 'missing') return null
  if (kind === 'stale') return entry.former
  if (kind === 'misdirected') {
    const others = entries.filter(({ key }) => key !== entry.key)
    return others[randomInt(random, others.length)]?.value ?? null
  }
  const flipped = Uint8Array.from(entry.value)
  const place = randomInt(random, flipped.length)
  flipped[place] = (flipped[place] ?? 0) ^ (1 << randomInt(random, 8))
  return flipped
}

function batchesOf(count: number): string | null {
  return count === 0 ? null : `${count} batches`
}

function levelError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}

function textOf(key: string): string {
  return Buffer.from(key, 'latin1').toString('utf8')
}
