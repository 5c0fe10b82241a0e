import { type ErrorCode, LIMITS, NO_SESSION, present, type SessionId, unreachable, ZXID_ZERO, type Zxid } from '../base/index.js'
import type { CreateChange, RefusedChange, SingleChange, TreeChange } from './change.js'
import type { DataTree, ZnodeCounters } from './data-tree.js'
import type { CreateOperation, MultiOperation, Operation, OperationCode, SingleOperation } from './operation.js'
import { isReservedPath, parentOf, pathBytes, pathProblem, prefixProblem, sequentialSuffix } from './path.js'
import { CVERSION_MAX, nextVersion, VERSION_ANY } from './stat.js'

/**
 * How a znode will be once the outstanding txns are applied. Replaced, never changed, so that a multi can be taken back.
 * PERF: a class, because copies by `...` cost half of what preparing a setData does.
 */
class PendingNode implements ZnodeCounters {
  constructor(
    /** The last txn that touches it. */
    readonly zxid: Zxid,
    readonly exists: boolean,
    readonly version: number,
    readonly cversion: number,
    readonly numChildren: number,
    readonly owner: SessionId
  ) {}

  withVersion(zxid: Zxid, version: number): PendingNode {
    return new PendingNode(zxid, true, version, this.cversion, this.numChildren, this.owner)
  }

  withChildren(zxid: Zxid, cversion: number, numChildren: number): PendingNode {
    return new PendingNode(zxid, true, this.version, cversion, numChildren, this.owner)
  }

  deleted(zxid: Zxid): PendingNode {
    return new PendingNode(zxid, false, this.version, this.cversion, this.numChildren, this.owner)
  }
}

/** One outstanding txn: what {@link PendingTree.forget} has to look at when it has been applied. */
interface Outstanding {
  readonly zxid: Zxid
  readonly paths: readonly string[]
  readonly closed: SessionId
}

/** What a record was before an operation replaced it. */
interface Replaced {
  readonly path: string
  readonly before: PendingNode | undefined
}

/**
 * The tree as the leader must see it to judge the next operation: the committed tree plus every change it has prepared and that is not
 * applied yet. Made anew with each reign.
 *
 * An operation that cannot be done becomes a `refused` change; nothing that a caller asks makes it throw.
 *
 * Invariant: a path has a record here exactly while a txn that touches it is outstanding, and the record tells of the last one.
 */
export class PendingTree {
  readonly #committed: DataTree
  readonly #records = new Map<string, PendingNode>()
  readonly #outstanding: Outstanding[] = []
  #outstandingFirst = 0
  /** By owner: the ephemerals among the records that will exist. */
  readonly #ephemerals = new Map<SessionId, Set<string>>()
  /** By owner, once it has been asked for: bytes of the paths of all ephemerals, committed and pending. */
  readonly #ephemeralBytes = new Map<SessionId, number>()
  readonly #closing = new Set<SessionId>()

  constructor(committed: DataTree) {
    this.#committed = committed
  }

  /** Znodes with outstanding changes. */
  get recordCount(): number {
    return this.#records.size
  }

  /** What the leader proposes under `zxid` for an operation of a session; `NO_SESSION` may do everything but own an ephemeral. */
  prepare(operation: Operation, session: SessionId, zxid: Zxid): TreeChange {
    if (this.#closing.has(session)) return refused('SESSION_EXPIRED')
    const replaced: Replaced[] = []
    const change =
      operation.kind === 'multi'
        ? this.#prepareMulti(operation, session, zxid, replaced)
        : this.#prepareSingle(operation, session, zxid, replaced)
    if (replaced.length > 0) this.#await(zxid, replaced, NO_SESSION)
    return change
  }

  /** Later operations of the session are refused with `SESSION_EXPIRED`. */
  markClosing(session: SessionId): void {
    this.#closing.add(session)
  }

  /**
   * The ephemerals that end with a session, sorted by code unit: also those whose creation is outstanding, and none whose deletion is. From
   * here on they are gone for later operations, and the session is marked as closing until {@link forget} has reached `zxid`; the session
   * table no longer has it by then.
   */
  prepareClose(session: SessionId, zxid: Zxid): readonly string[] {
    this.markClosing(session)
    const paths = this.#ephemeralsOf(session).sort()
    const replaced: Replaced[] = []
    for (const path of paths) this.#delete(path, this.#present(path), zxid, replaced)
    this.#await(zxid, replaced, session)
    this.#ephemeralBytes.delete(session)
    return paths
  }

  /** The committed tree has come to `zxidApplied`: what was outstanding up to there can be read from it. PERF: grows with what is dropped. */
  forget(zxidApplied: Zxid): void {
    let first = this.#outstanding[this.#outstandingFirst]
    while (first !== undefined && first.zxid <= zxidApplied) {
      for (const path of first.paths) {
        const record = this.#records.get(path)
        if (record !== undefined && record.zxid <= zxidApplied) this.#put(path, undefined)
      }
      this.#closing.delete(first.closed)
      first = this.#outstanding[++this.#outstandingFirst]
    }
    if (this.#outstandingFirst * 2 > this.#outstanding.length) {
      this.#outstanding.splice(0, this.#outstandingFirst)
      this.#outstandingFirst = 0
    }
  }

  #prepareMulti(operation: MultiOperation, session: SessionId, zxid: Zxid, replaced: Replaced[]): TreeChange {
    const { operations } = operation
    if (operations.length > LIMITS.multiOpsMax) return refused('BAD_ARGUMENTS')
    const changes: SingleChange[] = []
    for (const each of operations) {
      const change = this.#prepareSingle(each, session, zxid, replaced)
      if (change.kind === 'refused') {
        this.#takeBack(replaced)
        return { ...change, results: resultsOf(operations.length, changes.length, change.code) }
      }
      changes.push(change)
    }
    return { kind: 'multi', changes }
  }

  /** Every check comes before the first record is replaced: a refusal leaves nothing behind. */
  #prepareSingle(operation: SingleOperation, session: SessionId, zxid: Zxid, replaced: Replaced[]): SingleChange | RefusedChange {
    switch (operation.kind) {
      case 'create':
        return this.#prepareCreate(operation, session, zxid, replaced)
      case 'delete': {
        const { path, version } = operation
        if (pathProblem(path) !== null) return refused('BAD_ARGUMENTS')
        if (isReservedPath(path) || path === '/') return refused('BAD_ARGUMENTS', path)
        const node = this.#find(path)
        if (node === null) return refused('NO_NODE', path)
        if (!isVersion(node, version)) return refused('BAD_VERSION', path)
        if (node.numChildren > 0) return refused('NOT_EMPTY', path)
        this.#delete(path, node, zxid, replaced)
        return { kind: 'delete', path }
      }
      case 'setData': {
        const { path, version } = operation
        if (pathProblem(path) !== null) return refused('BAD_ARGUMENTS')
        if (isReservedPath(path)) return refused('BAD_ARGUMENTS', path)
        const node = this.#find(path)
        if (node === null) return refused('NO_NODE', path)
        if (!isVersion(node, version)) return refused('BAD_VERSION', path)
        const versionAfter = nextVersion(node.version)
        this.#replace(path, node, node.withVersion(zxid, versionAfter), replaced)
        return { kind: 'setData', path, data: operation.data, version: versionAfter }
      }
      case 'check': {
        const { path, version } = operation
        if (pathProblem(path) !== null) return refused('BAD_ARGUMENTS')
        const node = this.#find(path)
        if (node === null) return refused('NO_NODE', path)
        return isVersion(node, version) ? { kind: 'check', path } : refused('BAD_VERSION', path)
      }
      default:
        return unreachable(operation)
    }
  }

  /** In ZooKeeper's order, so that the same code is heard where several would do. */
  #prepareCreate(operation: CreateOperation, session: SessionId, zxid: Zxid, replaced: Replaced[]): CreateChange | RefusedChange {
    const asked = operation.path
    if ((operation.sequential ? prefixProblem(asked) : pathProblem(asked)) !== null) return refused('BAD_ARGUMENTS')
    // Where it will stand: any suffix makes a name of what follows the last slash.
    const place = operation.sequential ? `${asked}0` : asked
    if (isReservedPath(place)) return refused('BAD_ARGUMENTS', asked)
    if (operation.ephemeral && session === NO_SESSION) return refused('BAD_ARGUMENTS', asked)
    if (place === '/') return refused('NODE_EXISTS', asked)
    const parentPath = parentOf(place)
    const parent = this.#find(parentPath)
    if (parent === null) return refused('NO_NODE', asked)
    const path = operation.sequential ? asked + sequentialSuffix(parent.cversion) : asked
    if (this.#find(path) !== null) return refused('NODE_EXISTS', path)
    if (parent.owner !== NO_SESSION) return refused('NO_CHILDREN_FOR_EPHEMERALS', path)
    if (parent.cversion >= CVERSION_MAX) return refused('BAD_ARGUMENTS', path)
    const owner = operation.ephemeral ? session : NO_SESSION
    if (owner !== NO_SESSION && this.#ephemeralBytesOf(owner) + pathBytes(path) > LIMITS.sessionEphemeralBytesMax) {
      return refused('BAD_ARGUMENTS', path)
    }
    const parentCversion = parent.cversion + 1
    const parentAfter = parent.withChildren(zxid, parentCversion, parent.numChildren + 1)
    this.#replace(parentPath, parent, parentAfter, replaced)
    this.#replace(path, null, new PendingNode(zxid, true, 0, 0, 0, owner), replaced)
    return { kind: 'create', path, data: operation.data, owner, parentCversion }
  }

  #delete(path: string, node: PendingNode, zxid: Zxid, replaced: Replaced[]): void {
    const parentPath = parentOf(path)
    const parent = this.#present(parentPath)
    this.#replace(parentPath, parent, parent.withChildren(zxid, parent.cversion, parent.numChildren - 1), replaced)
    this.#replace(path, node, node.deleted(zxid), replaced)
  }

  #find(path: string): PendingNode | null {
    const record = this.#records.get(path)
    if (record !== undefined) return record.exists ? record : null
    const counters = this.#committed.countersOf(path)
    if (counters === null) return null
    return new PendingNode(ZXID_ZERO, true, counters.version, counters.cversion, counters.numChildren, counters.owner)
  }

  #present(path: string): PendingNode {
    return present(this.#find(path), 'a parent, or an ephemeral that a session owns, is there')
  }

  #replace(path: string, before: PendingNode | null, record: PendingNode, replaced: Replaced[]): void {
    this.#countEphemeral(before, path, -1)
    this.#countEphemeral(record, path, 1)
    replaced.push({ path, before: this.#records.get(path) })
    this.#put(path, record)
  }

  /** Newest first, or a path that was touched twice would keep its first change (ZOOKEEPER-1624: the parent's record comes back as well). */
  #takeBack(replaced: Replaced[]): void {
    for (const { path, before } of replaced.splice(0).reverse()) {
      this.#countEphemeral(this.#find(path), path, -1)
      this.#put(path, before)
      this.#countEphemeral(this.#find(path), path, 1)
    }
  }

  #put(path: string, record: PendingNode | undefined): void {
    const before = this.#records.get(path)
    if (before?.exists && before.owner !== NO_SESSION) {
      const paths = this.#ephemerals.get(before.owner)
      paths?.delete(path)
      if (paths?.size === 0) this.#ephemerals.delete(before.owner)
    }
    if (record === undefined) {
      this.#records.delete(path)
      return
    }
    this.#records.set(path, record)
    if (!record.exists || record.owner === NO_SESSION) return
    const paths = this.#ephemerals.get(record.owner)
    if (paths === undefined) this.#ephemerals.set(record.owner, new Set([path]))
    else paths.add(path)
  }

  #await(zxid: Zxid, replaced: readonly Replaced[], closed: SessionId): void {
    this.#outstanding.push({ zxid, paths: replaced.map(({ path }) => path), closed })
  }

  #ephemeralsOf(session: SessionId): string[] {
    const committed = this.#committed.ephemeralsOf(session).filter(path => !this.#records.has(path))
    return [...committed, ...(this.#ephemerals.get(session) ?? [])]
  }

  #ephemeralBytesOf(session: SessionId): number {
    let bytes = this.#ephemeralBytes.get(session)
    if (bytes === undefined) {
      bytes = this.#ephemeralsOf(session).reduce((sum, path) => sum + pathBytes(path), 0)
      this.#ephemeralBytes.set(session, bytes)
    }
    return bytes
  }

  #countEphemeral(node: PendingNode | null, path: string, sign: 1 | -1): void {
    if (node === null || !node.exists || node.owner === NO_SESSION) return
    const bytes = this.#ephemeralBytes.get(node.owner)
    if (bytes !== undefined) this.#ephemeralBytes.set(node.owner, bytes + sign * pathBytes(path))
  }
}

function isVersion(node: PendingNode, version: number): boolean {
  return version === VERSION_ANY || version === node.version
}

/** Names the path only where that is valid: one that is not might not survive the log. */
function refused(code: ErrorCode, path?: string): RefusedChange {
  return path === undefined ? { kind: 'refused', code } : { kind: 'refused', code, path }
}

/** As in ZooKeeper: the ones before went well, the ones behind were not looked at. */
function resultsOf(count: number, failed: number, code: ErrorCode): readonly OperationCode[] {
  return Array.from({ length: count }, (_, index) => (index < failed ? 'OK' : index === failed ? code : 'RUNTIME_INCONSISTENCY'))
}
