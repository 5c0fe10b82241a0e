export { CREATOR_ALL_ACL, OPEN_ACL_UNSAFE, READ_ACL_UNSAFE } from './acls.js'
export type { AuthProvider } from './auth-provider.js'
export { ChrootView } from './chroot.js'
export type { Surroundings } from './compose.js'
export { createEnsembleMemberIn } from './compose.js'
export { createEnsembleMember } from './create-ensemble-member.js'
export type { DigestAlgorithm } from './digest-auth.js'
export { digestId } from './digest-auth.js'
export type { EnsembleMember, MemberEvents, MemberProgress, SessionOptions } from './ensemble-member.js'
export { nodeRuntime } from './node-runtime.js'
export type { MemberLimits, MemberOptions, Peers } from './options.js'
export { setQuota } from './quota-calls.js'
export type { LearnerStatus, MemberStatus } from './status.js'
export { Transaction } from './transaction.js'
export type {
  CallOptions,
  ChildrenOptions,
  CreateFlags,
  CreateIfAbsentOptions,
  CreateOptions,
  Data,
  DeleteOptions,
  LocalTree,
  MultiOp,
  MultiResult,
  Quota,
  QuotaStatus,
  ReadOp,
  ReadOptions,
  ReadResult,
  SessionState,
  VersionOptions,
  WatchEvent,
  WatchedReadOptions,
  Watcher,
  WatcherKind,
  WatchListener,
  WatchOptions,
  ZooKeeper
} from './zookeeper.js'
