export { openDatabaseStorage } from './database-storage.js'
export { openDirectoryStorage } from './level-directory.js'
export { openMemoryStorage } from './memory-storage.js'
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
