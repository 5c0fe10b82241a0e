import { randomBytes } from 'node:crypto'
import { type Stats, statSync } from 'node:fs'
import { chmod, readdir, realpath, rename, rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Level } from 'level'
import { present, ZooKeeperError } from '../base/index.js'
import { AcknowledgedNote } from './acknowledged-note.js'
import { claimDirectory, type ReleaseClaim } from './directory-claims.js'
import { type Database, Drawer, levelCode } from './drawer.js'
import { inUse, isAlive, readHolder, removeHolder, thisHolder, writeHolder } from './holder.js'
import { readIdentity, writeIdentity } from './identity-file.js'
import { findFault } from './level-files.js'
import { LEVEL_OPTIONS } from './level-options.js'
import { LevelStorage } from './level-storage.js'
import { checkIdentity } from './recovery.js'
import { salvage } from './salvage.js'
import { DIRECTORY_MODE, FILE_MODE, ifThere, makeDirectory, syncDirectory } from './small-file.js'
import type { Storage, StorageOptions, StoreIdentity } from './storage.js'
import type { Noted, Opened, Surroundings } from './surroundings.js'

/**
 * What lies in a data directory.
 *
 * LevelDB has a directory of its own in it: it makes its files readable for everyone, so nobody else may enter there.
 */
const NAMES = {
  database: 'db',
  /** A database that could not be used, kept until what it held has been replaced; a number follows. */
  setAside: 'db-damaged-',
  /** What could be proven of it, before it takes its place. */
  salvaged: 'db-salvaged',
  identity: 'identity',
  note: 'acknowledged',
  holder: 'holder'
} as const

/**
 * A store in a directory of the file system, by LevelDB. Makes the directory where there is none.
 *
 * Rejects with `DATA_DIR_UNSAFE` when others may write to the directory or it is another user's, `DATA_DIR_IN_USE` when a store holds it,
 * `ENSEMBLE_MISMATCH`, `FORMAT_VERSION`, `LOG_CORRUPTED` as `recover` does, and `STORAGE_FAILED` when the disk does.
 */
export function openDirectoryStorage(directory: string, options: StorageOptions): Promise<Storage> {
  return LevelStorage.open(new LevelDirectory(directory, options), options)
}

/** What is held while a directory is open. */
interface Held {
  readonly database: Level<string, Uint8Array>
  readonly token: string
}

/** What must stay the same while a directory is open. */
interface Landmark {
  readonly path: string
  readonly stats: Stats
}

/** A directory with a LevelDB database, its guards, its identity and its note. */
export class LevelDirectory implements Surroundings {
  readonly durable = true
  readonly #options: StorageOptions
  #directory: string
  #release: ReleaseClaim | null = null
  #held: Held | null = null
  #note: AcknowledgedNote | null = null
  #landmarks: readonly Landmark[] = []

  constructor(directory: string, options: StorageOptions) {
    this.#directory = resolve(directory)
    this.#options = options
  }

  async open(failure: unknown): Promise<Opened> {
    await this.#closeFiles()
    const isFirst = this.#release === null
    if (isFirst) await makeDirectory(this.#directory)
    await this.#claim()
    const identity = await readIdentity(this.#path('identity'))
    if (identity !== null) checkIdentity(identity, this.#options)
    else if (!isFirst) throw gone(this.#directory)
    const holder = await readHolder(this.#path('holder'))
    if (holder !== null && (await isAlive(holder))) throw inUse(this.#directory, holder)
    const noted = notedBy(identity, await AcknowledgedNote.read(this.#path('note')))
    const { database, loss } = await this.#openSound(failure, identity !== null, noted)
    const token = randomBytes(8).toString('hex')
    this.#held = { database, token }
    await writeHolder(this.#path('holder'), await thisHolder(token))
    await this.#restrict()
    return { drawer: new Drawer(database as Database), identity, noted, loss }
  }

  async settle(identity: StoreIdentity, noted: Noted): Promise<void> {
    this.#note = await AcknowledgedNote.open(this.#path('note'), noted)
    const written = await readIdentity(this.#path('identity'))
    if (written === null) await writeIdentity(this.#path('identity'), identity)
    const paths = [this.#path('identity'), this.#path('database')]
    this.#landmarks = await Promise.all(paths.map(async path => ({ path, stats: await stat(path) })))
  }

  /**
   * A write to a directory that has been removed is acknowledged by LevelDB, and goes nowhere. PERF: two synchronous looks at what the system
   * has in memory, a few microseconds; asynchronous ones cost ten times as much and are no earlier.
   */
  verify(): void {
    for (const { path, stats } of this.#landmarks) {
      const found = statSync(path, { throwIfNoEntry: false })
      if (found === undefined || found.ino !== stats.ino || found.dev !== stats.dev) throw gone(this.#directory)
    }
  }

  note(noted: Noted): void {
    present(this.#note, 'the note is open while the store is').write(noted)
  }

  async discardRemains(): Promise<void> {
    for (const name of await this.#remains()) await rm(join(this.#directory, name), { recursive: true, force: true })
  }

  async close(): Promise<void> {
    await this.#closeFiles()
    this.#release?.()
    this.#release = null
  }

  #path(name: Exclude<keyof typeof NAMES, 'setAside'>): string {
    return join(this.#directory, NAMES[name])
  }

  /** Takes the directory for this store, once. Refuses one that cannot be trusted. */
  async #claim(): Promise<void> {
    const stats = await ifThere(stat(this.#directory))
    if (stats === null) throw gone(this.#directory)
    if (this.#release !== null) return
    checkSafe(this.#directory, stats)
    this.#directory = await realpath(this.#directory)
    this.#release = claimDirectory(this.#directory, stats)
    if (this.#release === null) throw inUse(this.#directory, await thisHolder(''))
  }

  /**
   * Opens the database, or a new one in place of a broken one, with what could be proven of that. `loss` says what was wrong.
   *
   * A broken one is not opened: LevelDB trusts its tables, and can abort the process on what it finds there. It may not even be written to:
   * LevelDB refuses every write once it has come upon a table that it cannot read.
   */
  async #openSound(
    failure: unknown,
    mustExist: boolean,
    noted: Opened['noted']
  ): Promise<{ readonly database: Level<string, Uint8Array>; readonly loss: string | null }> {
    await this.#finishSettingAside()
    const isUseless = levelCode(failure) === 'LEVEL_CORRUPTION'
    const fault = isUseless ? 'the database refuses to be written to' : await findFault(this.#path('database'), mustExist)
    if (fault !== null) return { database: await this.#openAnew(fault, noted), loss: fault }
    try {
      return { database: await this.#openDatabase(), loss: null }
    } catch (error) {
      if (levelCode(error) !== 'LEVEL_CORRUPTION') throw error
      const loss = `the database cannot be opened: ${error instanceof Error ? error.message : error}`
      return { database: await this.#openAnew(loss, noted), loss }
    }
  }

  async #openAnew(loss: string, noted: Opened['noted']): Promise<Level<string, Uint8Array>> {
    const path = this.#path('database')
    const numbers = (await this.#remains()).map(name => Number(name.slice(NAMES.setAside.length)))
    const number = Math.max(0, ...numbers) + 1
    await salvage({ from: path, to: this.#path('salvaged'), options: this.#options, noted, loss })
    await rename(path, join(this.#directory, `${NAMES.setAside}${number}`))
    await ifThere(rename(this.#path('salvaged'), path))
    await syncDirectory(this.#directory)
    return this.#openDatabase()
  }

  /** A crash between the two renamings above leaves no database; the one that was set aside is put back, to begin again. */
  async #finishSettingAside(): Promise<void> {
    const path = this.#path('database')
    const last = (await this.#remains()).at(-1)
    if (last !== undefined && (await ifThere(stat(path))) === null) await rename(join(this.#directory, last), path)
  }

  async #remains(): Promise<readonly string[]> {
    const names = (await ifThere(readdir(this.#directory))) ?? []
    return names
      .filter(name => name.startsWith(NAMES.setAside))
      .sort((one, other) => one.length - other.length || (one < other ? -1 : 1))
  }

  async #openDatabase(): Promise<Level<string, Uint8Array>> {
    const path = this.#path('database')
    await makeDirectory(path)
    // PERF: loaded by whoever needs it; loading is most of what importing this library takes.
    const { Level } = await import('level')
    const database = new Level<string, Uint8Array>(path, LEVEL_OPTIONS)
    try {
      await database.open()
      return database
    } catch (error) {
      await database.close()
      if (levelCode(error) === 'LEVEL_LOCKED') throw inUse(this.#directory, await readHolder(this.#path('holder')), error)
      throw error
    }
  }

  /** LevelDB makes files as the process's umask has it. New ones appear while it runs; the directory keeps others out of those. */
  async #restrict(): Promise<void> {
    const path = this.#path('database')
    await ifThere(chmod(path, DIRECTORY_MODE))
    for (const name of (await ifThere(readdir(path))) ?? []) await ifThere(chmod(join(path, name), FILE_MODE))
  }

  async #closeFiles(): Promise<void> {
    const held = this.#held
    const note = this.#note
    this.#held = null
    this.#note = null
    this.#landmarks = []
    await held?.database.close()
    await note?.close()
    if (held === null) return
    await this.#restrict()
    await removeHolder(this.#path('holder'), held.token)
  }
}

/**
 * What the note says, judged by whether there must be one. It is made before the identity: a directory that knows who it belongs to and has
 * no whole note has lost it; one that does not know yet was being made.
 */
function notedBy(identity: StoreIdentity | null, noted: Opened['noted']): Opened['noted'] {
  if (identity === null) return noted === 'missing' ? null : noted
  return noted ?? 'missing'
}

/** Windows has neither owners nor modes of this kind. */
function checkSafe(directory: string, stats: Stats): void {
  const uid = process.getuid?.()
  const unsafe = (why: string) => new ZooKeeperError('DATA_DIR_UNSAFE', { message: `${directory} ${why}` })
  if (!stats.isDirectory()) throw unsafe('is not a directory')
  if (uid === undefined) return
  if (stats.uid !== uid) throw unsafe(`belongs to user ${stats.uid}, and this process runs as user ${uid}`)
  if ((stats.mode & 0o022) !== 0) throw unsafe('may be written to by other users')
}

function gone(directory: string): ZooKeeperError {
  return new ZooKeeperError('STORAGE_FAILED', { message: `${directory} has been removed or replaced while it was open` })
}
