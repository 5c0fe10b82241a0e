import { assert, NO_SESSION, present, type SessionId, unreachable, ZXID_ZERO, type Zxid } from '../base/index.js'
import type { Acl } from './acl.js'
import type {
  CreateChange,
  DeleteChange,
  DeleteContainerChange,
  DeleteEphemeralsChange,
  SetAclChange,
  SetDataChange,
  SingleChange,
  TouchChange,
  TreeChange
} from './change.js'
import { DataSlab } from './data-slab.js'
import { type Lifetime, PERSISTENT } from './lifetime.js'
import type { OperationResult, SingleResult } from './operation.js'
import { parentOf, RESERVED_PATH } from './path.js'
import { formatQuotaUsage, QUOTA_PATH, type QuotaExcess, type QuotaLimits, type QuotaUsage, quotaShownBy } from './quota.js'
import { QuotaTable } from './quota-table.js'
import { SnapshotCut } from './snapshot-cut.js'
import { nextVersion, type Stat } from './stat.js'
import type { TreeEvent } from './tree-event.js'
import { statOf, type Znode } from './znode.js'
import type { ZnodeRecord } from './znode-record.js'
import { ZnodeStore } from './znode-store.js'

/** What one txn did. */
export interface Applied {
  readonly result: OperationResult
  /** In ZooKeeper's order: what happened to the znode itself, then to its parent; for a multi one operation after another. */
  readonly events: readonly TreeEvent[]
  /** The subtrees that it took over a soft limit of their quota. */
  readonly excesses: readonly QuotaExcess[]
}

/** The numbers that decide whether an operation is refused. */
export interface ZnodeCounters {
  readonly version: number
  /** As stored: the number of creates below it. */
  readonly cversion: number
  readonly aversion: number
  readonly numChildren: number
  readonly owner: SessionId
  readonly lifetime: Lifetime
  /** Null: open to all. */
  readonly acl: Acl | null
  /** Bytes of data; 0 also when the data is null. */
  readonly dataLength: number
  readonly ctime: number
  readonly mtime: number
}

/** Which of a znode's children, in the order of their names. */
export interface ChildrenRange {
  /** Only those behind this name; all when left out. */
  readonly after?: string
  /** At most so many; all when left out. */
  readonly limit?: number
}

/** Asked about each znode that is read and is not open to all. Throws what the reader is to be told. */
export type ReadGuard = (acl: Acl, path: string) => void

const NONE: OperationResult = { kind: 'none' }
const NO_EXCESSES: readonly QuotaExcess[] = []
/** Never added to. */
const NO_EVENTS: TreeEvent[] = []
const ALREADY_APPLIED: Applied = { result: NONE, events: NO_EVENTS, excesses: NO_EXCESSES }

/**
 * The znode tree after `zxidApplied`: committed txns only, applied in order. Two trees at the same zxid are equal however they came there,
 * and `digest` shows it. A change that does not fit the tree is a bug or a divergence, and stops the member.
 */
export class DataTree {
  readonly #store: ZnodeStore
  readonly #quotas = new QuotaTable()
  #zxidApplied: Zxid
  #cut: SnapshotCut | null = null
  /** Of the txn that is being applied. */
  #events = NO_EVENTS

  /** A new tree holds `/`, `/zookeeper` and `/zookeeper/quota`. A store is handed in by {@link TreeRestorer} only. */
  constructor(store: ZnodeStore = newStore(), zxidApplied: Zxid = ZXID_ZERO) {
    this.#store = store
    this.#zxidApplied = zxidApplied
    this.#readQuotas(present(store.find(QUOTA_PATH), 'there is a place for quotas'))
  }

  get zxidApplied(): Zxid {
    return this.#zxidApplied
  }

  /** Znodes, `/`, `/zookeeper` and `/zookeeper/quota` included. */
  get nodeCount(): number {
    return this.#store.size
  }

  /** Bytes of the data of all znodes. */
  get dataBytes(): number {
    return this.#store.dataBytes
  }

  /** 16 hexadecimal digits over path, data and every field of every znode; kept up to date, so that asking costs nothing. */
  get digest(): string {
    return this.#store.digest
  }

  /**
   * Applies one committed txn. `time` is the leader's wall clock in milliseconds when it was prepared. A txn at or below `zxidApplied` has
   * been applied before: it changes nothing and its result is `none`.
   *
   * PERF: `isAsked` says whether anybody is told the result. Where nobody is, it is `none` too, but for a refusal.
   */
  apply(change: TreeChange, zxid: Zxid, time: number, isAsked = true): Applied {
    if (zxid <= this.#zxidApplied) return ALREADY_APPLIED
    this.#events = NO_EVENTS
    const result = this.#perform(change, zxid, time, isAsked)
    const events = this.#events
    // Only now: a cut taken at this zxid holds all of the txn, also of a multi (ZOOKEEPER-3127).
    this.#zxidApplied = zxid
    const excesses = this.#quotas.size === 0 ? NO_EXCESSES : this.#excessesOf(events)
    return { result, events, excesses }
  }

  /** A committed txn that does not concern the tree. */
  advance(zxid: Zxid): void {
    if (zxid > this.#zxidApplied) this.#zxidApplied = zxid
  }

  exists(path: string, guard?: ReadGuard): Stat | null {
    const node = this.#readable(path, guard)
    return node === null ? null : this.#statOf(node)
  }

  /** The data is the caller's own copy. */
  getData(path: string, guard?: ReadGuard): { readonly data: Uint8Array | null; readonly stat: Stat } | null {
    return this.readData(path, length => new Uint8Array(length), guard)
  }

  /** The same with the copy made into what `allocate` gives, such as a Buffer. */
  readData<T extends Uint8Array>(
    path: string,
    allocate: (length: number) => T,
    guard?: ReadGuard
  ): { readonly data: T | null; readonly stat: Stat } | null {
    const node = this.#readable(path, guard)
    if (node === null) return null
    const shown = this.#shownAt(path)
    if (shown === null) return { data: this.#store.read(node, allocate), stat: statOf(node) }
    const data = allocate(shown.length)
    data.set(shown)
    return { data, stat: this.#statOf(node) }
  }

  /** Names in the order of their UTF-16 code units, on all members alike. PERF: grows with the names that it gives, and not with the rest. */
  getChildren(
    path: string,
    { after, limit = Number.POSITIVE_INFINITY }: ChildrenRange = {},
    guard?: ReadGuard
  ): { readonly children: readonly string[]; readonly stat: Stat } | null {
    const node = this.#readable(path, guard)
    if (node === null) return null
    const children: string[] = []
    if (limit > 0) {
      for (const child of this.#store.childrenAfter(node, after ?? null)) {
        children.push(child.name)
        if (children.length >= limit) break
      }
    }
    return { children, stat: this.#statOf(node) }
  }

  /** How many znodes there are below, at any depth. */
  countDescendants(path: string, guard?: ReadGuard): number | null {
    return this.#readable(path, guard)?.descendants ?? null
  }

  /** Undefined when there is no such znode, null when it is open to all. The list is shared by all znodes that have it, and frozen. */
  aclOf(path: string): Acl | null | undefined {
    const node = this.#store.find(path)
    return node === null ? undefined : this.#store.aclOf(node)
  }

  /** For the leader's validation. */
  countersOf(path: string): ZnodeCounters | null {
    const node = this.#store.find(path)
    if (node === null) return null
    return {
      version: node.version,
      cversion: node.cversion,
      aversion: node.aversion,
      numChildren: node.numChildren,
      owner: node.owner,
      lifetime: node.lifetime,
      acl: this.#store.aclOf(node),
      dataLength: Math.max(0, node.valueLength),
      ctime: node.ctime,
      mtime: node.mtime
    }
  }

  /** The limits of the subtree at `path`, if its quota sets any. */
  quotaOf(path: string): QuotaLimits | null {
    return this.#quotas.limitsOf(path)
  }

  /** Every subtree with a quota. */
  quotas(): Iterable<readonly [path: string, limits: QuotaLimits]> {
    return this.#quotas.entries()
  }

  /** What the subtree at `path` holds; nothing where no znode is. */
  usageOf(path: string): QuotaUsage {
    const node = this.#store.find(path)
    return node === null ? { count: 0, bytes: 0 } : { count: node.descendants + 1, bytes: node.subtreeBytes }
  }

  /** The paths of all containers and TTL znodes, in no particular order. The tree may change while they are gone through. */
  mortals(): Iterable<string> {
    return this.#store.mortals()
  }

  /** Paths of the ephemerals that live and die with a session, sorted by code unit. */
  ephemeralsOf(session: SessionId): readonly string[] {
    return [...this.#store.ephemeralsOf(session)].sort()
  }

  /** The same in no particular order, without the cost of sorting. */
  eachEphemeralOf(session: SessionId): Iterable<string> {
    return this.#store.ephemeralsOf(session)
  }

  /** Every session that owns an ephemeral, ascending: each must be in the session table. */
  ephemeralOwners(): readonly SessionId[] {
    return [...this.#store.owners()].sort((a, b) => a - b)
  }

  /** The image of the tree as it is now. One at a time: the one before must have been walked to its end or closed. */
  cut(): SnapshotCut {
    assert(this.#cut === null, 'a tree is cut once at a time')
    const slab = new DataSlab()
    this.#cut = new SnapshotCut({
      zxid: this.#zxidApplied,
      digest: this.digest,
      nodeCount: this.nodeCount,
      rowsEnd: this.#store.rowsEnd,
      recordAt: row => this.#recordAt(row, slab),
      onReleased: () => {
        this.#cut = null
      }
    })
    return this.#cut
  }

  #perform(change: TreeChange, zxid: Zxid, time: number, isAsked: boolean): OperationResult {
    switch (change.kind) {
      case 'multi':
        if (isAsked) return { kind: 'multi', results: change.changes.map(each => this.#performAsked(each, zxid, time)) }
        for (const each of change.changes) this.#performSingle(each, zxid, time)
        return NONE
      case 'deleteEphemerals':
        this.#deleteEphemerals(change, zxid)
        return NONE
      case 'deleteContainer':
        this.#deleteContainer(change, zxid)
        return NONE
      case 'refused':
        return change
      default:
        if (isAsked) return this.#performAsked(change, zxid, time)
        this.#performSingle(change, zxid, time)
        return NONE
    }
  }

  #performAsked(change: SingleChange, zxid: Zxid, time: number): SingleResult {
    const node = this.#performSingle(change, zxid, time)
    switch (change.kind) {
      case 'delete':
        return { kind: 'delete' }
      case 'create':
        return { kind: 'create', path: node.path, stat: this.#statOf(node) }
      default:
        return { kind: change.kind, stat: this.#statOf(node) }
    }
  }

  /** Gives the znode that it is about; a deleted one is not to be looked at. */
  #performSingle(change: SingleChange, zxid: Zxid, time: number): Znode {
    switch (change.kind) {
      case 'create':
        return this.#create(change, zxid, time)
      case 'delete':
        return this.#delete(change, zxid)
      case 'setData':
        return this.#setData(change, zxid, time)
      case 'check':
        return present(this.#store.find(change.path), 'a checked znode is there')
      case 'setACL':
        return this.#setAcl(change)
      case 'touch':
        return this.#touch(change, time)
      default:
        return unreachable(change)
    }
  }

  #create(change: CreateChange, zxid: Zxid, time: number): Znode {
    const parent = present(this.#store.find(parentOf(change.path)), 'a znode is created below another one')
    assert(parent.owner === NO_SESSION, 'an ephemeral has no children')
    assert(change.parentCversion === parent.cversion + 1, 'a parent counts every create')
    this.#cut?.beforeChange(parent.row)
    const node = this.#store.add(change.path)
    this.#cut?.afterCreate(node.row)
    node.czxid = zxid
    node.mzxid = zxid
    node.pzxid = zxid
    node.ctime = time
    node.mtime = time
    this.#store.write(node, change.data)
    this.#store.setOwner(node, change.owner)
    this.#store.setLifetime(node, change.lifetime)
    this.#store.setAcl(node, change.acl)
    this.#store.link(node, parent)
    this.#store.onChanged(node)
    parent.cversion = change.parentCversion
    parent.pzxid = zxid
    this.#store.onChanged(parent)
    this.#quotas.onData(node.path, change.data)
    this.#tell('created', node, zxid)
    this.#tell('childrenChanged', parent, zxid)
    return node
  }

  #delete(change: DeleteChange, zxid: Zxid): Znode {
    const node = present(this.#store.find(change.path), 'a deleted znode was there')
    this.#remove(node, zxid)
    return node
  }

  #deleteEphemerals(change: DeleteEphemeralsChange, zxid: Zxid): void {
    for (const path of change.paths) {
      const node = present(this.#store.find(path), 'an ephemeral of an ended session was there')
      assert(node.owner === change.owner, 'a session takes its own ephemerals with it')
      this.#remove(node, zxid)
    }
  }

  #deleteContainer(change: DeleteContainerChange, zxid: Zxid): void {
    const node = present(this.#store.find(change.path), 'a container that is removed was there')
    assert(node.lifetime !== PERSISTENT, 'only containers and TTL znodes go by themselves')
    this.#remove(node, zxid)
  }

  #remove(node: Znode, zxid: Zxid): void {
    assert(node.numChildren === 0, 'a deleted znode has no children')
    const parent = this.#store.parentOf(node)
    this.#cut?.beforeChange(node.row)
    this.#cut?.beforeChange(parent.row)
    // With its last ACL: who could not read it does not hear of its end.
    this.#tell('deleted', node, zxid)
    this.#store.remove(node)
    parent.pzxid = zxid
    this.#store.onChanged(parent)
    this.#quotas.onDeleted(node.path)
    this.#tell('childrenChanged', parent, zxid)
  }

  #setData(change: SetDataChange, zxid: Zxid, time: number): Znode {
    const node = present(this.#store.find(change.path), 'a znode whose data is set is there')
    assert(change.version === nextVersion(node.version), 'a version counts every change of the data')
    this.#cut?.beforeChange(node.row)
    this.#store.write(node, change.data)
    node.version = change.version
    node.mzxid = zxid
    node.mtime = time
    this.#store.onChanged(node)
    this.#quotas.onData(node.path, change.data)
    this.#tell('dataChanged', node, zxid)
    return node
  }

  /** As in ZooKeeper nobody hears of it, and no number but the aversion shows it. */
  #setAcl(change: SetAclChange): Znode {
    const node = present(this.#store.find(change.path), 'a znode whose ACL is set is there')
    assert(change.aversion === nextVersion(node.aversion), 'an aversion counts every change of the ACL')
    this.#cut?.beforeChange(node.row)
    this.#store.setAcl(node, change.acl)
    node.aversion = change.aversion
    this.#store.onChanged(node)
    return node
  }

  #touch(change: TouchChange, time: number): Znode {
    const node = present(this.#store.find(change.path), 'a znode that is touched is there')
    this.#cut?.beforeChange(node.row)
    node.mtime = time
    this.#store.onChanged(node)
    return node
  }

  /** PERF: most txns have one event, so an array of that length; one that is begun empty has room for 17. */
  #tell(type: TreeEvent['type'], node: Znode, zxid: Zxid): void {
    const acl = this.#store.aclOf(node)
    const event: TreeEvent = acl === null ? { type, path: node.path, zxid } : { type, path: node.path, zxid, acl }
    if (this.#events === NO_EVENTS) this.#events = [event]
    else this.#events.push(event)
  }

  #excessesOf(events: readonly TreeEvent[]): readonly QuotaExcess[] {
    if (events.length === 0) return NO_EXCESSES
    return this.#quotas.newlyOver(new Set(events.map(({ path }) => path)), path => this.usageOf(path))
  }

  /** PERF: what is open to all costs one comparison more than without ACLs. */
  #readable(path: string, guard: ReadGuard | undefined): Znode | null {
    const node = this.#store.find(path)
    if (node === null || guard === undefined) return node
    const acl = this.#store.aclOf(node)
    if (acl !== null) guard(acl, path)
    return node
  }

  /** What a znode shows instead of its own data: the usage of a subtree with a quota. */
  #shownAt(path: string): Uint8Array | null {
    const subtree = quotaShownBy(path)
    return subtree === null ? null : bytesOf(formatQuotaUsage(this.usageOf(subtree)))
  }

  #statOf(node: Znode): Stat {
    const stat = statOf(node)
    const shown = this.#shownAt(node.path)
    return shown === null ? stat : { ...stat, dataLength: shown.length }
  }

  #readQuotas(node: Znode): void {
    this.#quotas.onData(
      node.path,
      this.#store.read(node, length => new Uint8Array(length))
    )
    for (const child of this.#store.childrenOf(node)) this.#readQuotas(child)
  }

  #recordAt(row: number, slab: DataSlab): ZnodeRecord | null {
    const node = this.#store.atOrNull(row)
    if (node === null) return null
    return {
      path: node.path,
      data: this.#store.read(node, length => slab.allocate(length)),
      czxid: node.czxid,
      mzxid: node.mzxid,
      pzxid: node.pzxid,
      ctime: node.ctime,
      mtime: node.mtime,
      version: node.version,
      cversion: node.cversion,
      aversion: node.aversion,
      owner: node.owner,
      lifetime: node.lifetime,
      acl: this.#store.aclOf(node)
    }
  }
}

/** As in ZooKeeper these are children that nobody has counted: the first sequential child of the root gets the number 0. */
function newStore(): ZnodeStore {
  const store = new ZnodeStore()
  const root = store.add('/')
  const reserved = store.add(RESERVED_PATH)
  const quota = store.add(QUOTA_PATH)
  for (const node of [root, reserved, quota]) store.write(node, new Uint8Array(0))
  store.link(reserved, root)
  store.link(quota, reserved)
  for (const node of [root, reserved, quota]) store.onChanged(node)
  return store
}

/** Of text in ASCII. */
function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, character => character.charCodeAt(0))
}
