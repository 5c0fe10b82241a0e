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
