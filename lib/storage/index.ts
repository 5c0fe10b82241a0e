export { openDatabaseStorage } from './database-storage.js'
export { Drawer, levelCode } from './drawer.js'
export { openDirectoryStorage } from './level-directory.js'
export { openMemoryStorage } from './memory-storage.js'
export { openStorageIn } from './open-storage-in.js'
export type {
  Damage,
  SnapshotManifest,
  SnapshotWriter,
  Storage,
  StorageChange,
  StorageOptions,
  StoredState,
  StoreIdentity,
  VoteState
} from './storage.js'
export type { StorageFixture, StorageSuiteOptions } from './storage-suite.js'
export { storageSuite } from './storage-suite.js'
export type {
  Noted as StorageNoted,
  Opened as StorageOpened,
  Surroundings as StorageSurroundings
} from './surroundings.js'
