export type { Acl, AclEntry, AclMatch, AuthId } from './acl.js'
export { aclEntryKey, normalizedAcl, OPEN_ACL, PERMISSIONS, permits, SUPER_SCHEME } from './acl.js'
export type {
  CheckChange,
  CreateChange,
  DeleteChange,
  DeleteContainerChange,
  DeleteEphemeralsChange,
  MultiChange,
  RefusedChange,
  SetAclChange,
  SetDataChange,
  SingleChange,
  TouchChange,
  TreeChange
} from './change.js'
export type { Applied, ChildrenRange, ReadGuard, ZnodeCounters } from './data-tree.js'
export { DataTree } from './data-tree.js'
export type { Lifetime } from './lifetime.js'
export { CONTAINER, PERSISTENT, TTL_MAX } from './lifetime.js'
export type {
  CheckOperation,
  CreateOperation,
  DeleteOperation,
  MultiOperation,
  Operation,
  OperationCode,
  OperationResult,
  RefusedResult,
  SetAclOperation,
  SetDataOperation,
  SingleOperation,
  SingleResult,
  TouchOperation
} from './operation.js'
export {
  isReservedPath,
  nameOf,
  parentOf,
  pathBytes,
  pathProblem,
  prefixProblem,
  RESERVED_PATH,
  sequentialSuffix
} from './path.js'
export type { Caller, SessionEnd, TreeRules } from './pending-tree.js'
export { PendingTree } from './pending-tree.js'
export type { QuotaExcess, QuotaLimits, QuotaUsage } from './quota.js'
export {
  formatQuotaLimits,
  formatQuotaUsage,
  isBelowQuota,
  NO_QUOTA,
  parseQuotaLimits,
  QUOTA_PATH,
  quotaLimitedBy,
  quotaLimitsPath,
  quotaShownBy,
  quotaStatsPath
} from './quota.js'
export type { ResetEvent } from './reset-event.js'
export type { SnapshotCut } from './snapshot-cut.js'
export type { Stat } from './stat.js'
export { CVERSION_MAX, nextVersion, VERSION_ANY } from './stat.js'
export type { RebaseView } from './tree-comparison.js'
export type { TreeEvent } from './tree-event.js'
export { TreeRestorer } from './tree-restorer.js'
export type { Firing, Registration, Watch, WatchEvent, WatchKind } from './watch-table.js'
export { firesOnce, WatchTable } from './watch-table.js'
export type { ZnodeRecord } from './znode-record.js'
