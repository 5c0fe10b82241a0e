export type { Surroundings } from './compose.js'
export { createEnsembleMemberIn } from './compose.js'
export { createEnsembleMember } from './create-ensemble-member.js'
export type { EnsembleMember, MemberEvents, MemberProgress } from './ensemble-member.js'
export { nodeRuntime } from './node-runtime.js'
export type { MemberOptions, Peers } from './options.js'
export type { LearnerStatus, MemberStatus } from './status.js'
export type { Watcher } from './watcher.js'
export type {
  CallOptions,
  CreateOptions,
  Data,
  LocalTree,
  MultiOp,
  MultiResult,
  ReadOptions,
  SessionState,
  VersionOptions,
  WatchEvent,
  WatchedReadOptions,
  WatchListener,
  WatchOptions,
  ZooKeeper
} from './zookeeper.js'
