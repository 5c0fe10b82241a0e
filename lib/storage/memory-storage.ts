import { MemoryLevel } from 'memory-level'
import { LooseDatabase } from './database-storage.js'
import type { Database } from './drawer.js'
import { LevelStorage } from './level-storage.js'
import type { Storage, StorageOptions } from './storage.js'

/** The memory twin: everything a store does, on a database that is gone with the process. Closed, it is empty when it is opened again. */
export function openMemoryStorage(options: StorageOptions): Promise<Storage> {
  const database: Database = new MemoryLevel<string, Uint8Array>()
  return LevelStorage.open(new LooseDatabase(database, false), options)
}
