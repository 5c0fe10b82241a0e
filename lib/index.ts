export type { Epoch, ErrorCode, MemberId, Outcome, SessionId, Zxid } from './base/index.js'
export { ERROR_CODES, formatZxid, isZooKeeperError, ZooKeeperError } from './base/index.js'
export type {
  AuthProvider,
  CallOptions,
  ChildrenOptions,
  CreateFlags,
  CreateIfAbsentOptions,
  CreateOptions,
  Data,
  DeleteOptions,
  DigestAlgorithm,
  EnsembleMember,
  LearnerStatus,
  LocalTree,
  MemberEvents,
  MemberLimits,
  MemberOptions,
  MemberProgress,
  MemberStatus,
  MultiOp,
  MultiResult,
  Peers,
  Quota,
  QuotaStatus,
  ReadOp,
  ReadOptions,
  ReadResult,
  SessionOptions,
  SessionState,
  Transaction,
  VersionOptions,
  WatchEvent,
  WatchedReadOptions,
  Watcher,
  WatcherKind,
  WatchListener,
  WatchOptions,
  ZooKeeper
} from './member/index.js'
export { CREATOR_ALL_ACL, createEnsembleMember, digestId, OPEN_ACL_UNSAFE, READ_ACL_UNSAFE } from './member/index.js'
export type { Acl, AclEntry, AuthId, QuotaLimits, QuotaUsage, Stat } from './tree/index.js'
export { PERMISSIONS, TTL_MAX } from './tree/index.js'
