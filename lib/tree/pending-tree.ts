import { type ErrorCode, LIMITS, NO_SESSION, present, type SessionId, unreachable, type Zxid } from '../base/index.js'
import { type AclMatch, type AuthId, PERMISSIONS, permits } from './acl.js'
import type { DeleteContainerChange, MultiChange, RefusedChange, SingleChange, TreeChange } from './change.js'
import { takeCloseChunk } from './close-chunk.js'
import type { DataTree } from './data-tree.js'
import { CONTAINER, PERSISTENT } from './lifetime.js'
import type {
  CreateOperation,
  DeleteOperation,
  MultiOperation,
  Operation,
  OperationCode,
  SetAclOperation,
  SetDataOperation,
  SingleOperation
} from './operation.js'
import { isReservedPath, parentOf, pathProblem, prefixProblem, sequentialSuffix } from './path.js'
import { PendingNode } from './pending-node.js'
import { PendingRecords } from './pending-records.js'
import { isBelowQuota, parseQuotaLimits, quotaLimitedBy } from './quota.js'
import { CVERSION_MAX, nextVersion, VERSION_ANY } from './stat.js'

/** Who asks. */
export interface Caller {
  /** `NO_SESSION` may do everything but own an ephemeral. */
  readonly session: SessionId
  readonly auth: readonly AuthId[]
}

/** What a leader judges by. */
export interface TreeRules {
  /** Children of one znode. */
  readonly childrenMax: number
  /** Ephemerals of one session. */
  readonly ephemeralsMax: number
  /** Milliseconds that a container may stay without ever having had a child. */
  readonly containerUnusedMilliseconds: number
  readonly match: AclMatch
}

/** What the end of a session deletes in one txn, and whether that is all. */
export interface SessionEnd {
  readonly paths: readonly string[]
  readonly isLast: boolean
}

/** The txn that is being prepared: what it will bear. */
interface Draft extends Caller {
  readonly zxid: Zxid
  readonly time: number
}

type Judged = SingleChange | RefusedChange

/**
 * The tree as the leader must see it to judge the next operation: the committed tree plus every change it has prepared and that is not
 * applied yet. Made anew with each reign.
 *
 * An operation that cannot be done becomes a `refused` change; nothing that a caller asks makes it throw. Where several codes would do, the
 * one is told that ZooKeeper would tell.
 */
export class PendingTree {
  readonly #rules: TreeRules
  readonly #records: PendingRecords
  /** Sessions that are ending: what is left of the paths that go with them. */
  readonly #closing = new Map<SessionId, string[]>()
  /** Sessions whose end is outstanding, by its zxid, ascending. */
  #ended: { readonly zxid: Zxid; readonly session: SessionId }[] = []

  constructor(committed: DataTree, rules: TreeRules) {
    this.#rules = rules
    this.#records = new PendingRecords(committed)
  }

  /** Znodes with outstanding changes. */
  get recordCount(): number {
    return this.#records.count
  }

  /** What the leader proposes under `zxid`, stamped with `time`, for an operation of a caller. */
  prepare(operation: Operation, caller: Caller, zxid: Zxid, time: number): TreeChange {
    if (this.#closing.size > 0 && this.#closing.has(caller.session)) return refused('SESSION_EXPIRED')
    const draft: Draft = { session: caller.session, auth: caller.auth, zxid, time }
    const change = this.#judge(operation, draft)
    if (change.kind === 'refused') this.#records.takeBack()
    else this.#records.settle()
    return change
  }

  /**
   * The ephemerals that end with a session, as many as one txn deletes, sorted by code unit: also those whose creation is outstanding, and none
   * whose deletion is. From here on they are gone for later operations, and the session is marked as closing until {@link forget} has reached
   * the last of these txns; the session table no longer has it by then.
   */
  prepareClose(session: SessionId, zxid: Zxid): SessionEnd {
    const rest = this.#closing.get(session) ?? this.#records.ephemeralsOf(session)
    this.#closing.set(session, rest)
    const paths = takeCloseChunk(rest, path => this.#records.find(path)?.owner === session)
    for (const path of paths) this.#delete(path, this.#present(path), zxid)
    this.#records.settle()
    if (rest.length > 0) return { paths, isLast: false }
    this.#ended.push({ zxid, session })
    this.#records.forgetSession(session)
    return { paths, isLast: true }
  }

  /** Whether `path` is a container that has served its purpose, or a znode whose time to live is over, at a time of the leader's. */
  isRemovable(path: string, time: number): boolean {
    const node = this.#records.find(path)
    return node !== null && node.numChildren === 0 && this.#isOver(node, time)
  }

  /** The removal of what {@link isRemovable}; judged once more, so that what was refreshed or used meanwhile stays: then nothing is changed. */
  prepareDeleteContainer(path: string, zxid: Zxid, time: number): DeleteContainerChange | MultiChange {
    if (!this.isRemovable(path, time)) return { kind: 'multi', changes: [] }
    this.#delete(path, this.#present(path), zxid)
    this.#records.settle()
    return { kind: 'deleteContainer', path }
  }

  /** The committed tree has come to `zxidApplied`: what was outstanding up to there can be read from it. PERF: grows with what is dropped. */
  forget(zxidApplied: Zxid): void {
    this.#records.forget(zxidApplied)
    if (this.#ended.length === 0) return
    for (const { zxid, session } of this.#ended) if (zxid <= zxidApplied) this.#closing.delete(session)
    this.#ended = this.#ended.filter(({ zxid }) => zxid > zxidApplied)
  }

  #judge(operation: Operation, draft: Draft): TreeChange {
    switch (operation.kind) {
      case 'multi':
        return this.#multi(operation, draft)
      case 'create':
        return operation.parents ? this.#createWithParents(operation, draft) : this.#create(operation, draft)
      case 'delete':
        return this.#deleteAsAsked(operation, draft)
      case 'setACL':
        return this.#setAcl(operation, draft)
      case 'touch': {
        const { path } = operation
        if (pathProblem(path) !== null) return refused('BAD_ARGUMENTS')
        if (!isWritable(path)) return refused('BAD_ARGUMENTS', path)
        const node = this.#records.find(path)
        if (node === null) return refused('NO_NODE', path)
        if (!this.#permits(node, PERMISSIONS.WRITE, draft)) return refused('NO_AUTH', path)
        this.#records.replace(node, node.touched(draft.zxid, draft.time))
        return { kind: 'touch', path }
      }
      default:
        return this.#single(operation, draft)
    }
  }

  #multi({ operations }: MultiOperation, draft: Draft): MultiChange | RefusedChange {
    if (operations.length > LIMITS.multiOpsMax) return refused('BAD_ARGUMENTS')
    const changes: SingleChange[] = []
    for (const each of operations) {
      const change = isWithExtras(each) ? refused('BAD_ARGUMENTS') : this.#single(each, draft)
      if (change.kind === 'refused') {
        return { ...change, results: resultsOf(operations.length, changes.length, change.code) }
      }
      changes.push(change)
    }
    return { kind: 'multi', changes }
  }

  /** Every check comes before the first record is replaced. */
  #single(operation: SingleOperation, draft: Draft): Judged {
    switch (operation.kind) {
      case 'create':
        return this.#create(operation, draft)
      case 'delete':
        return this.#deleteOne(operation, draft)
      case 'setData':
        return this.#setData(operation, draft)
      case 'check': {
        const { path, version } = operation
        if (pathProblem(path) !== null) return refused('BAD_ARGUMENTS')
        const node = this.#records.find(path)
        if (node === null) return refused('NO_NODE', path)
        if (!this.#permits(node, PERMISSIONS.READ, draft)) return refused('NO_AUTH', path)
        return isVersion(node.version, version) ? { kind: 'check', path } : refused('BAD_VERSION', path)
      }
      default:
        return unreachable(operation)
    }
  }

  #create(operation: CreateOperation, draft: Draft): Judged {
    const { path: asked, ephemeral, sequential, lifetime, acl, data } = operation
    if ((sequential ? prefixProblem(asked) : pathProblem(asked)) !== null) return refused('BAD_ARGUMENTS')
    // Where it will stand: any suffix makes a name of what follows the last slash.
    const place = sequential ? `${asked}0` : asked
    if (!isWritable(place) || (sequential && operation.ifAbsent)) return refused('BAD_ARGUMENTS', asked)
    if (ephemeral && (draft.session === NO_SESSION || lifetime !== PERSISTENT)) return refused('BAD_ARGUMENTS', asked)
    if (place === '/') return this.#createExisting(operation, '/', draft)
    const parentPath = parentOf(place)
    const parent = this.#records.find(parentPath)
    if (parent === null) return refused('NO_NODE', asked)
    if (!this.#permits(parent, PERMISSIONS.CREATE, draft)) return refused('NO_AUTH', asked)
    const path = sequential ? asked + sequentialSuffix(parent.cversion) : asked
    if (this.#records.find(path) !== null) return this.#createExisting(operation, path, draft)
    if (parent.owner !== NO_SESSION) return refused('NO_CHILDREN_FOR_EPHEMERALS', path)
    if (parent.cversion >= CVERSION_MAX) return refused('LIMIT_EXCEEDED', path)
    const dataLength = data?.length ?? 0
    const exceeded = this.#records.quotaExceededBy(path, 1, dataLength)
    if (exceeded !== null) return refused('QUOTA_EXCEEDED', exceeded)
    if (parent.numChildren >= this.#rules.childrenMax) return refused('LIMIT_EXCEEDED', path)
    const owner = ephemeral ? draft.session : NO_SESSION
    if (ephemeral && this.#records.ephemeralCountOf(owner) >= this.#rules.ephemeralsMax) return refused('LIMIT_EXCEEDED', path)
    if (!this.#takeLimits(path, data)) return refused('BAD_ARGUMENTS', path)
    const parentCversion = parent.cversion + 1
    const { zxid, time } = draft
    this.#records.replace(parent, parent.withChildren(zxid, parentCversion, parent.numChildren + 1))
    this.#records.replace(null, PendingNode.created(path, zxid, time, { owner, lifetime, acl, dataLength }))
    return { kind: 'create', path, data, owner, lifetime, acl, parentCversion }
  }

  #createExisting({ ifAbsent }: CreateOperation, path: string, draft: Draft): Judged {
    if (!ifAbsent) return refused('NODE_EXISTS', path)
    return this.#permits(this.#present(path), PERMISSIONS.READ, draft) ? { kind: 'check', path } : refused('NO_AUTH', path)
  }

  /** From above: what is missing is persistent and has no data, and everybody may do with it what they may do with the znode itself. */
  #createWithParents(operation: CreateOperation, draft: Draft): TreeChange {
    const { path: asked, sequential, acl } = operation
    if ((sequential ? prefixProblem(asked) : pathProblem(asked)) !== null) return refused('BAD_ARGUMENTS')
    const missing: string[] = []
    let above = sequential ? `${asked}0` : asked
    while (above !== '/') {
      above = parentOf(above)
      if (this.#records.find(above) !== null) break
      missing.push(above)
    }
    const changes: SingleChange[] = []
    for (const path of missing.reverse()) {
      const change = this.#create(
        { ...operation, path, data: null, ephemeral: false, sequential: false, lifetime: PERSISTENT, acl, ifAbsent: false },
        draft
      )
      if (change.kind === 'refused') return change
      changes.push(change)
    }
    const change = this.#create(operation, draft)
    if (change.kind === 'refused' || changes.length === 0) return change
    return { kind: 'multi', changes: [...changes, change] }
  }

  #deleteAsAsked(operation: DeleteOperation, draft: Draft): TreeChange {
    const { path, recursive, ifExists } = operation
    const change = recursive ? this.#deleteSubtree(operation, draft) : this.#deleteOne(operation, draft)
    const isAbsent = change.kind === 'refused' && change.code === 'NO_NODE'
    if (isAbsent && ifExists) return { kind: 'multi', changes: [] }
    // One shape for what may be none, one or many.
    return ifExists && change.kind === 'delete' ? { kind: 'multi', changes: [{ kind: 'delete', path }] } : change
  }

  #deleteSubtree(operation: DeleteOperation, draft: Draft): TreeChange {
    const { path } = operation
    const first = this.#checkedForDelete(operation, draft)
    if ('kind' in first) return first
    const paths = this.#records.subtree(path, LIMITS.deletedMax)
    if (paths === null) return refused('LIMIT_EXCEEDED', path)
    const changes: SingleChange[] = []
    for (const each of paths) {
      const change = this.#deleteOne({ ...operation, path: each, version: VERSION_ANY }, draft)
      if (change.kind === 'refused') return change
      changes.push(change)
    }
    return { kind: 'multi', changes }
  }

  #deleteOne(operation: DeleteOperation, draft: Draft): Judged {
    const { path } = operation
    const node = this.#checkedForDelete(operation, draft)
    if ('kind' in node) return node
    if (node.numChildren > 0) return refused('NOT_EMPTY', path)
    this.#delete(path, node, draft.zxid)
    return { kind: 'delete', path }
  }

  #checkedForDelete({ path, version }: DeleteOperation, draft: Draft): PendingNode | RefusedChange {
    if (pathProblem(path) !== null) return refused('BAD_ARGUMENTS')
    if (!isWritable(path) || path === '/') return refused('BAD_ARGUMENTS', path)
    const parent = this.#records.find(parentOf(path))
    if (parent === null) return refused('NO_NODE', path)
    if (!this.#permits(parent, PERMISSIONS.DELETE, draft)) return refused('NO_AUTH', path)
    const node = this.#records.find(path)
    if (node === null) return refused('NO_NODE', path)
    return isVersion(node.version, version) ? node : refused('BAD_VERSION', path)
  }

  #setData({ path, data, version }: SetDataOperation, draft: Draft): Judged {
    if (pathProblem(path) !== null) return refused('BAD_ARGUMENTS')
    if (!isWritable(path)) return refused('BAD_ARGUMENTS', path)
    const node = this.#records.find(path)
    if (node === null) return refused('NO_NODE', path)
    if (!this.#permits(node, PERMISSIONS.WRITE, draft)) return refused('NO_AUTH', path)
    const dataLength = data?.length ?? 0
    const exceeded = this.#records.quotaExceededBy(path, 0, dataLength - node.dataLength)
    if (exceeded !== null) return refused('QUOTA_EXCEEDED', exceeded)
    if (!isVersion(node.version, version)) return refused('BAD_VERSION', path)
    if (!this.#takeLimits(path, data)) return refused('BAD_ARGUMENTS', path)
    const versionAfter = nextVersion(node.version)
    this.#records.replace(node, node.withData(draft.zxid, draft.time, versionAfter, dataLength))
    return { kind: 'setData', path, data, version: versionAfter }
  }

  #setAcl({ path, acl, version }: SetAclOperation, draft: Draft): Judged {
    if (pathProblem(path) !== null) return refused('BAD_ARGUMENTS')
    const node = this.#records.find(path)
    if (node === null) return refused('NO_NODE', path)
    if (!this.#permits(node, PERMISSIONS.ADMIN, draft)) return refused('NO_AUTH', path)
    if (!isVersion(node.aversion, version)) return refused('BAD_VERSION', path)
    const aversion = nextVersion(node.aversion)
    this.#records.replace(node, node.withAcl(draft.zxid, aversion, acl))
    return { kind: 'setACL', path, acl, aversion }
  }

  /** Of a znode that keeps the limits of a quota: false when it is given what are none. */
  #takeLimits(path: string, data: Uint8Array | null): boolean {
    const subtree = quotaLimitedBy(path)
    if (subtree === null) return true
    const limits = parseQuotaLimits(data)
    if (limits === null) return false
    this.#records.setQuota(subtree, limits)
    return true
  }

  #delete(path: string, node: PendingNode, zxid: Zxid): void {
    const parentPath = parentOf(path)
    const parent = this.#present(parentPath)
    this.#records.replace(parent, parent.withChildren(zxid, parent.cversion, parent.numChildren - 1))
    this.#records.replace(node, node.deleted(zxid))
    const subtree = quotaLimitedBy(path)
    if (subtree !== null) this.#records.setQuota(subtree, null)
  }

  #isOver({ lifetime, cversion, ctime, mtime }: PendingNode, time: number): boolean {
    if (lifetime === PERSISTENT) return false
    if (lifetime !== CONTAINER) return time - mtime > lifetime
    return cversion > 0 || time - ctime > this.#rules.containerUnusedMilliseconds
  }

  #permits(node: PendingNode, permission: number, { auth }: Draft): boolean {
    return permits(node.acl, permission, auth, this.#rules.match)
  }

  #present(path: string): PendingNode {
    return present(this.#records.find(path), 'a parent, or an ephemeral that a session owns, is there')
  }
}

/** Whether callers may create, write and delete at a path. */
function isWritable(path: string): boolean {
  return !isReservedPath(path) || isBelowQuota(path)
}

/** What is an operation of its own and no part of a multi: it may become many changes. */
function isWithExtras(operation: SingleOperation): boolean {
  if (operation.kind === 'create') return operation.parents || operation.ifAbsent
  return operation.kind === 'delete' && (operation.recursive || operation.ifExists)
}

function isVersion(version: number, asked: number): boolean {
  return asked === VERSION_ANY || asked === version
}

/** Names the path only where that is valid: one that is not might not survive the log. */
function refused(code: ErrorCode, path?: string): RefusedChange {
  return path === undefined ? { kind: 'refused', code } : { kind: 'refused', code, path }
}

/** As in ZooKeeper: the ones before went well, the ones behind were not looked at. */
function resultsOf(count: number, failed: number, code: ErrorCode): readonly OperationCode[] {
  return Array.from({ length: count }, (_, index) => (index < failed ? 'OK' : index === failed ? code : 'RUNTIME_INCONSISTENCY'))
}
