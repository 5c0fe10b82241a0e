import type { SessionId, Zxid } from '../base/index.js'
import type { Lifetime } from './lifetime.js'
import { compareBytes, type PathKey, textOf } from './path-key.js'
import type { Stat } from './stat.js'
import type { ValueStore } from './value-store.js'

/** What a lookup and a read ask for comes first, side by side. */
const CZXID = 0
const MZXID = 8
const PZXID = 16
const CTIME = 24
const MTIME = 32
const OWNER = 40
const VERSION = 48
const CVERSION = 52
const AVERSION = 56
const NUM_CHILDREN = 60
const VALUE_LENGTH = 64
const VALUE_HANDLE = 68
/** Also read by the table itself, without a window. */
export const PATH_LENGTH = 72
export const PATH_HANDLE = 76
const LIFETIME = 80
const SUBTREE_BYTES = 88
const DESCENDANTS = 96
const ACL = 100
const PARENT = 104
const LINKS = 108
const PATH_HASH_LOW = 120
const PATH_HASH_HIGH = 124
const VALUE_HASH_LOW = 128
const VALUE_HASH_HIGH = 132
const HASH_LOW = 136
const HASH_HIGH = 140

/** Bytes of one znode's record. */
export const ZNODE_BYTES = 144

/** Stands for 'no such znode' where a row is kept. */
export const NO_ROW = -1

/** The length kept for data that is null. */
export const NULL_LENGTH = -1

/** Which row is asked for: the topmost of a znode's children, or the next one of its siblings that comes before or behind it. */
export type Link = 0 | 1 | 2
export const CHILDREN: Link = 0
export const BEFORE: Link = 1
export const BEHIND: Link = 2

const SLASH = 0x2f

/**
 * One znode, as a window onto its record in the table. Made for a look and thrown away: it is void once its row has been removed.
 *
 * Records of bytes instead of objects, and paths of bytes instead of strings: a million znodes are then some two thousand buffers, whose
 * contents the garbage collector does not walk, and take half the memory. A million strings alone held the event loop for 25 ms at each full
 * collection.
 */
export class Znode {
  readonly row: number
  readonly #view: DataView
  readonly #base: number
  readonly #paths: ValueStore
  #path: string | null

  /** `path` is null where nobody has asked for it: it is made from its bytes when somebody does. */
  constructor(row: number, path: string | null, view: DataView, base: number, paths: ValueStore) {
    this.row = row
    this.#path = path
    this.#view = view
    this.#base = base
    this.#paths = paths
  }

  get path(): string {
    this.#path ??= this.#text(0)
    return this.#path
  }

  /** The last component of the path; empty for the root. */
  get name(): string {
    const { pathHandle } = this
    const bytes = this.#paths.bytesOf(pathHandle)
    const start = this.#paths.startOf(pathHandle)
    let at = this.pathLength
    while (bytes[start + at - 1] !== SLASH) at--
    return this.#text(at)
  }

  #text(from: number): string {
    const { pathHandle } = this
    const start = this.#paths.startOf(pathHandle)
    return textOf(this.#paths.bytesOf(pathHandle), start + from, start + this.pathLength)
  }

  /** Bytes of the path, and where they are kept; 0 while the row is free. */
  get pathLength(): number {
    return this.#view.getInt32(this.#base + PATH_LENGTH, true)
  }
  get pathHandle(): number {
    return this.#view.getInt32(this.#base + PATH_HANDLE, true)
  }
  setPath(length: number, handle: number): void {
    this.#view.setInt32(this.#base + PATH_LENGTH, length, true)
    this.#view.setInt32(this.#base + PATH_HANDLE, handle, true)
  }

  /** Below 0 when this path comes before the other one, by UTF-16 code unit. Of both, `skip` bytes are known to be equal. */
  compareTo(other: Znode, skip: number): number {
    const { pathHandle: one } = this
    const { pathHandle: two } = other
    const paths = this.#paths
    const [bytes, start] = [paths.bytesOf(one), paths.startOf(one)]
    return compareBytes(bytes, start, this.pathLength, paths.bytesOf(two), paths.startOf(two), other.pathLength, skip)
  }

  comparePath(key: PathKey): number {
    const { pathHandle } = this
    const [bytes, start] = [this.#paths.bytesOf(pathHandle), this.#paths.startOf(pathHandle)]
    return compareBytes(bytes, start, this.pathLength, key.bytes, 0, key.length)
  }

  get czxid(): Zxid {
    return this.#view.getFloat64(this.#base + CZXID, true) as Zxid
  }
  set czxid(zxid: Zxid) {
    this.#view.setFloat64(this.#base + CZXID, zxid, true)
  }

  get mzxid(): Zxid {
    return this.#view.getFloat64(this.#base + MZXID, true) as Zxid
  }
  set mzxid(zxid: Zxid) {
    this.#view.setFloat64(this.#base + MZXID, zxid, true)
  }

  get pzxid(): Zxid {
    return this.#view.getFloat64(this.#base + PZXID, true) as Zxid
  }
  set pzxid(zxid: Zxid) {
    this.#view.setFloat64(this.#base + PZXID, zxid, true)
  }

  get ctime(): number {
    return this.#view.getFloat64(this.#base + CTIME, true)
  }
  set ctime(time: number) {
    this.#view.setFloat64(this.#base + CTIME, time, true)
  }

  get mtime(): number {
    return this.#view.getFloat64(this.#base + MTIME, true)
  }
  set mtime(time: number) {
    this.#view.setFloat64(this.#base + MTIME, time, true)
  }

  get owner(): SessionId {
    return this.#view.getFloat64(this.#base + OWNER, true) as SessionId
  }
  set owner(owner: SessionId) {
    this.#view.setFloat64(this.#base + OWNER, owner, true)
  }

  get version(): number {
    return this.#view.getInt32(this.#base + VERSION, true)
  }
  set version(version: number) {
    this.#view.setInt32(this.#base + VERSION, version, true)
  }

  /** As stored: the number of creates below it, which is also the next sequential suffix. Callers see another number, see {@link statOf}. */
  get cversion(): number {
    return this.#view.getInt32(this.#base + CVERSION, true)
  }
  set cversion(cversion: number) {
    this.#view.setInt32(this.#base + CVERSION, cversion, true)
  }

  get aversion(): number {
    return this.#view.getInt32(this.#base + AVERSION, true)
  }
  set aversion(aversion: number) {
    this.#view.setInt32(this.#base + AVERSION, aversion, true)
  }

  /** What the ACL table keeps its ACL under; 0 while it is open to all. */
  get acl(): number {
    return this.#view.getInt32(this.#base + ACL, true)
  }
  set acl(id: number) {
    this.#view.setInt32(this.#base + ACL, id, true)
  }

  get lifetime(): Lifetime {
    return this.#view.getFloat64(this.#base + LIFETIME, true)
  }
  set lifetime(lifetime: Lifetime) {
    this.#view.setFloat64(this.#base + LIFETIME, lifetime, true)
  }

  get numChildren(): number {
    return this.#view.getInt32(this.#base + NUM_CHILDREN, true)
  }
  set numChildren(count: number) {
    this.#view.setInt32(this.#base + NUM_CHILDREN, count, true)
  }

  /** Znodes below it, at any depth. */
  get descendants(): number {
    return this.#view.getInt32(this.#base + DESCENDANTS, true)
  }
  set descendants(count: number) {
    this.#view.setInt32(this.#base + DESCENDANTS, count, true)
  }

  /** Bytes of the data of itself and of everything below it. */
  get subtreeBytes(): number {
    return this.#view.getFloat64(this.#base + SUBTREE_BYTES, true)
  }
  set subtreeBytes(bytes: number) {
    this.#view.setFloat64(this.#base + SUBTREE_BYTES, bytes, true)
  }

  /** Bytes of data, or `NULL_LENGTH`. */
  get valueLength(): number {
    return this.#view.getInt32(this.#base + VALUE_LENGTH, true)
  }
  set valueLength(length: number) {
    this.#view.setInt32(this.#base + VALUE_LENGTH, length, true)
  }

  /** Where the value store keeps the data; meaningless while the data is null. */
  get valueHandle(): number {
    return this.#view.getInt32(this.#base + VALUE_HANDLE, true)
  }
  set valueHandle(handle: number) {
    this.#view.setInt32(this.#base + VALUE_HANDLE, handle, true)
  }

  /** The row of the znode above it; `NO_ROW` for the root, and for one that has not been linked yet. */
  get parent(): number {
    return this.#view.getInt32(this.#base + PARENT, true)
  }
  set parent(row: number) {
    this.#view.setInt32(this.#base + PARENT, row, true)
  }

  /** Rows, or `NO_ROW`. They belong to {@link SiblingTree}. */
  linkTo(link: Link): number {
    return this.#view.getInt32(this.#base + LINKS + 4 * link, true)
  }
  setLink(link: Link, row: number): void {
    this.#view.setInt32(this.#base + LINKS + 4 * link, row, true)
  }

  /** Hashes of path and data are kept, so that a change of one does not go over the other again. */
  get pathHashLow(): number {
    return this.#view.getInt32(this.#base + PATH_HASH_LOW, true)
  }
  get pathHashHigh(): number {
    return this.#view.getInt32(this.#base + PATH_HASH_HIGH, true)
  }
  setPathHash(low: number, high: number): void {
    this.#view.setInt32(this.#base + PATH_HASH_LOW, low, true)
    this.#view.setInt32(this.#base + PATH_HASH_HIGH, high, true)
  }

  get valueHashLow(): number {
    return this.#view.getInt32(this.#base + VALUE_HASH_LOW, true)
  }
  get valueHashHigh(): number {
    return this.#view.getInt32(this.#base + VALUE_HASH_HIGH, true)
  }
  setValueHash(low: number, high: number): void {
    this.#view.setInt32(this.#base + VALUE_HASH_LOW, low, true)
    this.#view.setInt32(this.#base + VALUE_HASH_HIGH, high, true)
  }

  /** What this znode adds to the digest of the tree. */
  get hashLow(): number {
    return this.#view.getInt32(this.#base + HASH_LOW, true)
  }
  get hashHigh(): number {
    return this.#view.getInt32(this.#base + HASH_HIGH, true)
  }
  setHash(low: number, high: number): void {
    this.#view.setInt32(this.#base + HASH_LOW, low, true)
    this.#view.setInt32(this.#base + HASH_HIGH, high, true)
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
    aversion: node.aversion,
    ephemeralOwner: node.owner,
    dataLength: length === NULL_LENGTH ? 0 : length,
    numChildren
  }
}
