import type { AbstractLevel } from 'abstract-level'
import { type Database, Drawer } from './drawer.js'
import { LevelStorage } from './level-storage.js'
import type { Storage, StorageOptions } from './storage.js'
import type { Opened, Surroundings } from './surroundings.js'

/**
 * A store in a database of the user's own: any abstract-level implementation whose batches are atomic and which syncs them when asked.
 * The store uses the whole of it, opens it, closes it, and closes and opens it again after a failure. Nothing guards it, and nothing is
 * noted outside it: that it has silently lost its end can only be seen as far as the database itself tells.
 */
export function openDatabaseStorage<Format, Key, Value>(
  database: AbstractLevel<Format, Key, Value>,
  options: StorageOptions
): Promise<Storage> {
  return LevelStorage.open(new LooseDatabase(database as unknown as Database, true), options)
}

/** A database with nothing around it. */
export class LooseDatabase implements Surroundings {
  readonly durable: boolean
  readonly #database: Database

  constructor(database: Database, durable: boolean) {
    this.durable = durable
    this.#database = database
  }

  async open(failure: unknown): Promise<Opened> {
    if (failure !== null) await this.#database.close()
    await this.#database.open()
    return { drawer: new Drawer(this.#database), identity: null, noted: null, loss: null }
  }

  async settle(): Promise<void> {}

  verify(): void {}

  note(): void {}

  async discardRemains(): Promise<void> {}

  close(): Promise<void> {
    return this.#database.close()
  }
}
