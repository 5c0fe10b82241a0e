export type { Epoch, ErrorCode, MemberId, Outcome, SessionId, Zxid } from './base/index.js'
export { ERROR_CODES, formatZxid, isZooKeeperError, ZooKeeperError } from './base/index.js'
export type {
  CallOptions,
  CreateOptions,
  Data,
  EnsembleMember,
  LearnerStatus,
  LocalTree,
  MemberEvents,
  MemberOptions,
  MemberProgress,
  MemberStatus,
  MultiOp,
  MultiResult,
  Peers,
  ReadOptions,
  SessionState,
  VersionOptions,
  WatchEvent,
  WatchedReadOptions,
  Watcher,
  WatchListener,
  WatchOptions,
  ZooKeeper
} from './member/index.js'
export { createEnsembleMember } from './member/index.js'
export type { Stat } from './tree/index.js'
