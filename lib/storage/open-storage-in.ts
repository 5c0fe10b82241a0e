import { LevelStorage } from './level-storage.js'
import type { Storage, StorageOptions } from './storage.js'
import type { Surroundings } from './surroundings.js'

/** A store in surroundings that the caller makes: what a directory's guards, identity and note are like there is theirs to say. */
export function openStorageIn(surroundings: Surroundings, options: StorageOptions): Promise<Storage> {
  return LevelStorage.open(surroundings, options)
}
