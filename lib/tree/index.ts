export type { Acl, AclEntry, AclMatch, AuthId } from './acl.js'
export { aclEntryKey, normalizedAcl, OPEN_ACL, PERMISSIONS, permits, SUPER_SCHEME } from './acl.js'
export type {
  CheckChange,
  CreateChange,
  DeleteChange,
  DeleteEphemeralsChange,
  MultiChange,
  RefusedChange,
  SetDataChange,
  SingleChange,
  TreeChange
} from './change.js'
export type { Applied, ZnodeCounters } from './data-tree.js'
export { DataTree } from './data-tree.js'
export type {
  CheckOperation,
  CreateOperation,
  DeleteOperation,
  MultiOperation,
  Operation,
  OperationCode,
  OperationResult,
  RefusedResult,
  SetDataOperation,
  SingleOperation,
  SingleResult
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
export { PendingTree } from './pending-tree.js'
export type { SnapshotCut } from './snapshot-cut.js'
export type { Stat } from './stat.js'
export { CVERSION_MAX, nextVersion, VERSION_ANY } from './stat.js'
export type { TreeEvent } from './tree-event.js'
export { TreeRestorer } from './tree-restorer.js'
export type { Firing, RebaseView, Watch, WatchEvent, WatchKind } from './watch-table.js'
export { WatchTable } from './watch-table.js'
export type { ZnodeRecord } from './znode-record.js'
