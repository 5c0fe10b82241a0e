import { type Runtime, ZooKeeperError } from '../../base/index.js'
import {
  Drawer,
  levelCode,
  openStorageIn,
  type Storage,
  type StorageNoted,
  type StorageOpened,
  type StorageOptions,
  type StorageSurroundings,
  type StoreIdentity
} from '../../storage/index.js'
import type { SimDisk } from './sim-disk.js'
import type { SimDiskUse } from './sim-disk-use.js'
import { SimLevel } from './sim-level.js'

/** A store on a simulated disk, with the guards, the identity and the note that a data directory has; rejects as `openDirectoryStorage` does. */
export function openSimStorage(disk: SimDisk, runtime: Runtime, options: StorageOptions): Promise<Storage> {
  return openStorageIn(new SimDirectory(disk, runtime), options)
}

/** What `LevelDirectory` is in a file system. A database that cannot be opened is set aside as there; nothing of it can be read. */
class SimDirectory implements StorageSurroundings {
  readonly durable = true
  readonly #disk: SimDisk
  readonly #runtime: Runtime
  readonly #use: SimDiskUse
  #level: SimLevel | null = null
  #isFirst = true
  /** Who the directory belonged to when it was opened; null until then. */
  #landmark: StoreIdentity | null = null

  constructor(disk: SimDisk, runtime: Runtime) {
    this.#disk = disk
    this.#runtime = runtime
    this.#use = disk.use(runtime)
  }

  async open(): Promise<StorageOpened> {
    await this.close()
    const { identity } = this.#disk
    if (identity === null && !this.#isFirst) throw gone()
    this.#isFirst = false
    const noted = notedBy(identity, this.#disk.noted)
    const { level, loss } = await this.#openSound()
    // A drawer asks for bytes, whatever the database gives by default.
    const drawer = new Drawer(level as unknown as ConstructorParameters<typeof Drawer>[0])
    return { drawer, identity, noted, loss }
  }

  async settle(identity: StoreIdentity, noted: StorageNoted): Promise<void> {
    await this.note(noted)
    await this.#use.pass(0)
    if (this.#disk.identity === null) this.#disk.putIdentity(identity)
    this.#landmark = this.#disk.identity
  }

  verify(): void {
    if (this.#landmark !== null && this.#disk.identity !== this.#landmark) throw gone()
  }

  async note(noted: StorageNoted): Promise<void> {
    if (!this.#use.isGone) this.#disk.beginNote(noted)
    await this.#use.pass(0)
    this.#disk.endNote()
  }

  async discardRemains(): Promise<void> {
    await this.#use.pass(0)
    this.#disk.setAside = 0
  }

  async close(): Promise<void> {
    const level = this.#level
    this.#level = null
    this.#landmark = null
    await level?.close()
  }

  async #openSound(): Promise<{ readonly level: SimLevel; readonly loss: string | null }> {
    try {
      return { level: await this.#openDatabase(), loss: null }
    } catch (error) {
      if (levelCode(error) !== 'LEVEL_CORRUPTION') throw error
      this.#disk.setDatabaseAside()
      const loss = `the database cannot be opened: ${error instanceof Error ? error.message : error}`
      return { level: await this.#openDatabase(), loss }
    }
  }

  async #openDatabase(): Promise<SimLevel> {
    const level = new SimLevel(this.#disk, this.#runtime)
    try {
      await level.open()
    } catch (error) {
      await level.close()
      if (levelCode(error) !== 'LEVEL_LOCKED') throw error
      throw new ZooKeeperError('DATA_DIR_IN_USE', { message: 'another process has the disk', cause: error })
    }
    this.#level = level
    return level
  }
}

/** A directory that knows who it belongs to and has no whole note has lost it; one that does not know yet was being made. */
function notedBy(identity: StoreIdentity | null, noted: StorageOpened['noted']): StorageOpened['noted'] {
  if (identity === null) return noted === 'missing' ? null : noted
  return noted ?? 'missing'
}

function gone(): ZooKeeperError {
  return new ZooKeeperError('STORAGE_FAILED', { message: 'the data directory has been removed or replaced while it was open' })
}
