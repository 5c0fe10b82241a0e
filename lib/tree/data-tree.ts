import { assert, NO_SESSION, present, type SessionId, unreachable, ZXID_ZERO, type Zxid } from '../base/index.js'
import type { CreateChange, DeleteChange, DeleteEphemeralsChange, SetDataChange, SingleChange, TreeChange } from './change.js'
import type { OperationResult, SingleResult } from './operation.js'
import { nameOf, parentOf, RESERVED_PATH } from './path.js'
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
}

/** The numbers that decide whether an operation is refused. */
export interface ZnodeCounters {
  readonly version: number
  /** As stored: the number of creates below it. */
  readonly cversion: number
  readonly numChildren: number
  readonly owner: SessionId
}

const NO_EVENTS: readonly TreeEvent[] = []
const ALREADY_APPLIED: Applied = { result: { kind: 'none' }, events: NO_EVENTS }

/**
 * The znode tree after `zxidApplied`: committed txns only, applied in order. Two trees at the same zxid are equal however they came there,
 * and `digest` shows it. A change that does not fit the tree is a bug or a divergence, and stops the member.
 */
export class DataTree {
  readonly #store: ZnodeStore
  #zxidApplied: Zxid
  #cut: SnapshotCut | null = null

  /** A new tree holds `/` and `/zookeeper`. A store is handed in by {@link TreeRestorer} only. */
  constructor(store: ZnodeStore = newStore(), zxidApplied: Zxid = ZXID_ZERO) {
    this.#store = store
    this.#zxidApplied = zxidApplied
  }

  get zxidApplied(): Zxid {
    return this.#zxidApplied
  }

  /** Znodes, `/` and `/zookeeper` included. */
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
   */
  apply(change: TreeChange, zxid: Zxid, time: number): Applied {
    if (zxid <= this.#zxidApplied) return ALREADY_APPLIED
    const events: TreeEvent[] = []
    const result = this.#perform(change, zxid, time, events)
    // Only now: a cut taken at this zxid holds all of the txn, also of a multi (ZOOKEEPER-3127).
    this.#zxidApplied = zxid
    return { result, events }
  }

  /** A committed txn that does not concern the tree. */
  advance(zxid: Zxid): void {
    if (zxid > this.#zxidApplied) this.#zxidApplied = zxid
  }

  exists(path: string): Stat | null {
    const node = this.#store.find(path)
    return node === null ? null : statOf(node)
  }

  /** The data is the caller's own copy. */
  getData(path: string): { readonly data: Uint8Array | null; readonly stat: Stat } | null {
    return this.readData(path, length => new Uint8Array(length))
  }

  /** The same with the copy made into what `allocate` gives, such as a Buffer. */
  readData<T extends Uint8Array>(
    path: string,
    allocate: (length: number) => T
  ): { readonly data: T | null; readonly stat: Stat } | null {
    const node = this.#store.find(path)
    return node === null ? null : { data: this.#store.read(node, allocate), stat: statOf(node) }
  }

  /** Names sorted by UTF-16 code unit, on all members alike. PERF: grows with the number of children, which are sorted anew each time. */
  getChildren(path: string): { readonly children: readonly string[]; readonly stat: Stat } | null {
    const node = this.#store.find(path)
    if (node === null) return null
    const children: string[] = []
    for (const child of this.#store.childrenOf(node)) children.push(nameOf(child.path))
    return { children: children.sort(), stat: statOf(node) }
  }

  /** For the leader's validation. */
  countersOf(path: string): ZnodeCounters | null {
    const node = this.#store.find(path)
    if (node === null) return null
    return { version: node.version, cversion: node.cversion, numChildren: node.numChildren, owner: node.owner }
  }

  /** Paths of the ephemerals that live and die with a session, sorted by code unit. */
  ephemeralsOf(session: SessionId): readonly string[] {
    return [...this.#store.ephemeralsOf(session)].sort()
  }

  /** Every session that owns an ephemeral, ascending: each must be in the session table. */
  ephemeralOwners(): readonly SessionId[] {
    return [...this.#store.owners()].sort((a, b) => a - b)
  }

  /** The image of the tree as it is now. One at a time: the one before must have been walked to its end or closed. */
  cut(): SnapshotCut {
    assert(this.#cut === null, 'a tree is cut once at a time')
    this.#cut = new SnapshotCut({
      zxid: this.#zxidApplied,
      digest: this.digest,
      nodeCount: this.nodeCount,
      rowsEnd: this.#store.rowsEnd,
      recordAt: row => this.#recordAt(row),
      onReleased: () => {
        this.#cut = null
      }
    })
    return this.#cut
  }

  #perform(change: TreeChange, zxid: Zxid, time: number, events: TreeEvent[]): OperationResult {
    switch (change.kind) {
      case 'multi':
        return { kind: 'multi', results: change.changes.map(each => this.#performSingle(each, zxid, time, events)) }
      case 'deleteEphemerals':
        return this.#deleteEphemerals(change, zxid, events)
      case 'refused':
        return change
      default:
        return this.#performSingle(change, zxid, time, events)
    }
  }

  #performSingle(change: SingleChange, zxid: Zxid, time: number, events: TreeEvent[]): SingleResult {
    switch (change.kind) {
      case 'create':
        return this.#create(change, zxid, time, events)
      case 'delete':
        return this.#delete(change, zxid, events)
      case 'setData':
        return this.#setData(change, zxid, time, events)
      case 'check':
        assert(this.#store.find(change.path) !== null, 'a checked znode is there')
        return { kind: 'check' }
      default:
        return unreachable(change)
    }
  }

  #create(change: CreateChange, zxid: Zxid, time: number, events: TreeEvent[]): SingleResult {
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
    this.#store.link(node, parent)
    this.#store.seal(node)
    parent.cversion = change.parentCversion
    parent.pzxid = zxid
    this.#store.seal(parent)
    events.push({ type: 'created', path: node.path, zxid }, { type: 'childrenChanged', path: parent.path, zxid })
    return { kind: 'create', path: node.path, stat: statOf(node) }
  }

  #delete(change: DeleteChange, zxid: Zxid, events: TreeEvent[]): SingleResult {
    this.#remove(present(this.#store.find(change.path), 'a deleted znode was there'), zxid, events)
    return { kind: 'delete' }
  }

  #deleteEphemerals(change: DeleteEphemeralsChange, zxid: Zxid, events: TreeEvent[]): OperationResult {
    for (const path of change.paths) {
      const node = present(this.#store.find(path), 'an ephemeral of an ended session was there')
      assert(node.owner === change.owner, 'a session takes its own ephemerals with it')
      this.#remove(node, zxid, events)
    }
    return { kind: 'none' }
  }

  #remove(node: Znode, zxid: Zxid, events: TreeEvent[]): void {
    assert(node.numChildren === 0, 'a deleted znode has no children')
    const parent = this.#store.parentOf(node)
    this.#cut?.beforeChange(node.row)
    this.#cut?.beforeChange(parent.row)
    this.#store.remove(node)
    parent.pzxid = zxid
    this.#store.seal(parent)
    events.push({ type: 'deleted', path: node.path, zxid }, { type: 'childrenChanged', path: parent.path, zxid })
  }

  #setData(change: SetDataChange, zxid: Zxid, time: number, events: TreeEvent[]): SingleResult {
    const node = present(this.#store.find(change.path), 'a znode whose data is set is there')
    assert(change.version === nextVersion(node.version), 'a version counts every change of the data')
    this.#cut?.beforeChange(node.row)
    this.#store.write(node, change.data)
    node.version = change.version
    node.mzxid = zxid
    node.mtime = time
    this.#store.seal(node)
    events.push({ type: 'dataChanged', path: node.path, zxid })
    return { kind: 'setData', stat: statOf(node) }
  }

  #recordAt(row: number): ZnodeRecord | null {
    const node = this.#store.atOrNull(row)
    if (node === null) return null
    return {
      path: node.path,
      data: this.#store.read(node, length => new Uint8Array(length)),
      czxid: node.czxid,
      mzxid: node.mzxid,
      pzxid: node.pzxid,
      ctime: node.ctime,
      mtime: node.mtime,
      version: node.version,
      cversion: node.cversion,
      owner: node.owner
    }
  }
}

/** As in ZooKeeper `/zookeeper` is a child that the root has not counted: the first sequential child of the root gets the number 0. */
function newStore(): ZnodeStore {
  const store = new ZnodeStore()
  const root = store.add('/')
  const reserved = store.add(RESERVED_PATH)
  store.link(reserved, root)
  store.seal(root)
  store.seal(reserved)
  return store
}
