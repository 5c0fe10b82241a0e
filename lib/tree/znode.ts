import type { SessionId, Zxid } from '../base/index.js'
import type { Stat } from './stat.js'

const CZXID = 0
const MZXID = 8
const PZXID = 16
const CTIME = 24
const MTIME = 32
const OWNER = 40
const VERSION = 48
const CVERSION = 52
const NUM_CHILDREN = 56
const VALUE_LENGTH = 60
const VALUE_HANDLE = 64
const PARENT = 68
const FIRST_CHILD = 72
const NEXT_SIBLING = 76
const PREVIOUS_SIBLING = 80
const PATH_HASH_LOW = 84
const PATH_HASH_HIGH = 88
const VALUE_HASH_LOW = 92
const VALUE_HASH_HIGH = 96
const HASH_LOW = 100
const HASH_HIGH = 104

/** Bytes of one znode's record. */
export const ZNODE_BYTES = 108

/** Stands for 'no such znode' where a row is kept. */
export const NO_ROW = -1

/** The length kept for data that is null. */
export const NULL_LENGTH = -1

/**
 * One znode, as a window onto its record in the table. Made for a look and thrown away: it is void once its row has been removed.
 *
 * Records of bytes instead of objects: a million znodes are then a thousand buffers that the garbage collector does not walk, and take half
 * the memory.
 */
export class Znode {
  constructor(
    readonly row: number,
    readonly path: string,
    private readonly view: DataView,
    private readonly base: number
  ) {}

  get czxid(): Zxid {
    return this.view.getFloat64(this.base + CZXID, true) as Zxid
  }
  set czxid(zxid: Zxid) {
    this.view.setFloat64(this.base + CZXID, zxid, true)
  }

  get mzxid(): Zxid {
    return this.view.getFloat64(this.base + MZXID, true) as Zxid
  }
  set mzxid(zxid: Zxid) {
    this.view.setFloat64(this.base + MZXID, zxid, true)
  }

  get pzxid(): Zxid {
    return this.view.getFloat64(this.base + PZXID, true) as Zxid
  }
  set pzxid(zxid: Zxid) {
    this.view.setFloat64(this.base + PZXID, zxid, true)
  }

  get ctime(): number {
    return this.view.getFloat64(this.base + CTIME, true)
  }
  set ctime(time: number) {
    this.view.setFloat64(this.base + CTIME, time, true)
  }

  get mtime(): number {
    return this.view.getFloat64(this.base + MTIME, true)
  }
  set mtime(time: number) {
    this.view.setFloat64(this.base + MTIME, time, true)
  }

  get owner(): SessionId {
    return this.view.getFloat64(this.base + OWNER, true) as SessionId
  }
  set owner(owner: SessionId) {
    this.view.setFloat64(this.base + OWNER, owner, true)
  }

  get version(): number {
    return this.view.getInt32(this.base + VERSION, true)
  }
  set version(version: number) {
    this.view.setInt32(this.base + VERSION, version, true)
  }

  /** As stored: the number of creates below it, which is also the next sequential suffix. Callers see another number, see {@link statOf}. */
  get cversion(): number {
    return this.view.getInt32(this.base + CVERSION, true)
  }
  set cversion(cversion: number) {
    this.view.setInt32(this.base + CVERSION, cversion, true)
  }

  get numChildren(): number {
    return this.view.getInt32(this.base + NUM_CHILDREN, true)
  }
  set numChildren(count: number) {
    this.view.setInt32(this.base + NUM_CHILDREN, count, true)
  }

  /** Bytes of data, or `NULL_LENGTH`. */
  get valueLength(): number {
    return this.view.getInt32(this.base + VALUE_LENGTH, true)
  }
  set valueLength(length: number) {
    this.view.setInt32(this.base + VALUE_LENGTH, length, true)
  }

  /** Where the value store keeps the data; meaningless while the data is null. */
  get valueHandle(): number {
    return this.view.getInt32(this.base + VALUE_HANDLE, true)
  }
  set valueHandle(handle: number) {
    this.view.setInt32(this.base + VALUE_HANDLE, handle, true)
  }

  /** The links are rows: of the parent, and of a list of its children in no particular order. */
  get parent(): number {
    return this.view.getInt32(this.base + PARENT, true)
  }
  set parent(row: number) {
    this.view.setInt32(this.base + PARENT, row, true)
  }

  get firstChild(): number {
    return this.view.getInt32(this.base + FIRST_CHILD, true)
  }
  set firstChild(row: number) {
    this.view.setInt32(this.base + FIRST_CHILD, row, true)
  }

  get nextSibling(): number {
    return this.view.getInt32(this.base + NEXT_SIBLING, true)
  }
  set nextSibling(row: number) {
    this.view.setInt32(this.base + NEXT_SIBLING, row, true)
  }

  get previousSibling(): number {
    return this.view.getInt32(this.base + PREVIOUS_SIBLING, true)
  }
  set previousSibling(row: number) {
    this.view.setInt32(this.base + PREVIOUS_SIBLING, row, true)
  }

  /** Hashes of path and data are kept, so that a change of one does not go over the other again. */
  get pathHashLow(): number {
    return this.view.getInt32(this.base + PATH_HASH_LOW, true)
  }
  get pathHashHigh(): number {
    return this.view.getInt32(this.base + PATH_HASH_HIGH, true)
  }
  setPathHash(low: number, high: number): void {
    this.view.setInt32(this.base + PATH_HASH_LOW, low, true)
    this.view.setInt32(this.base + PATH_HASH_HIGH, high, true)
  }

  get valueHashLow(): number {
    return this.view.getInt32(this.base + VALUE_HASH_LOW, true)
  }
  get valueHashHigh(): number {
    return this.view.getInt32(this.base + VALUE_HASH_HIGH, true)
  }
  setValueHash(low: number, high: number): void {
    this.view.setInt32(this.base + VALUE_HASH_LOW, low, true)
    this.view.setInt32(this.base + VALUE_HASH_HIGH, high, true)
  }

  /** What this znode adds to the digest of the tree. */
  get hashLow(): number {
    return this.view.getInt32(this.base + HASH_LOW, true)
  }
  get hashHigh(): number {
    return this.view.getInt32(this.base + HASH_HIGH, true)
  }
  setHash(low: number, high: number): void {
    this.view.setInt32(this.base + HASH_LOW, low, true)
    this.view.setInt32(this.base + HASH_HIGH, high, true)
  }
}

/** What callers see. `cversion` is stored as the number of creates and shown as creates plus deletes, as in ZooKeeper. */
export function statOf(node: Znode): Stat {
  const numChildren = node.numChildren
  const length = node.valueLength
  return {
    czxid: node.czxid,
    mzxid: node.mzxid,
    pzxid: node.pzxid,
    ctime: node.ctime,
    mtime: node.mtime,
    version: node.version,
    cversion: 2 * node.cversion - numChildren,
    aversion: 0,
    ephemeralOwner: node.owner,
    dataLength: length === NULL_LENGTH ? 0 : length,
    numChildren
  }
}
