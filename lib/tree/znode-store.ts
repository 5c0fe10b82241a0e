import { formatHash64, Hash64, NO_SESSION, type SessionId } from '../base/index.js'
import type { Acl } from './acl.js'
import { AclTable } from './acl-table.js'
import { type Lifetime, PERSISTENT } from './lifetime.js'
import { PathKey } from './path-key.js'
import { RowSet } from './row-set.js'
import { SiblingTree } from './sibling-tree.js'
import { ValueStore } from './value-store.js'
import { NO_ROW, NULL_LENGTH, type Znode } from './znode.js'
import { ZnodeTable } from './znode-table.js'

/** So many znodes may have changed since the digest was brought up to date: some 2.5 ms of work, where all have values of 512 bytes. */
const UNSEALED_MAX = 2_048

/** A larger value is hashed when it is written, and not again whenever something else of its znode changes. */
const SMALL_VALUE = 512

/**
 * Everything a tree keeps: records, values, links, ACLs, the indexes of what is mortal, and the digest. It knows how these belong together, and
 * nothing of txns: {@link DataTree} changes it by txns, {@link TreeRestorer} fills it from a snapshot.
 *
 * Invariant: when every znode has been given to {@link onChanged} that was touched, the digest is the sum of the hashes of all znodes.
 */
export class ZnodeStore {
  readonly #table = new ZnodeTable()
  readonly #siblings = new SiblingTree(this.#table)
  readonly #values = new ValueStore()
  readonly #acls = new AclTable()
  readonly #mortals = new RowSet()
  readonly #ephemerals = new Map<SessionId, Set<string>>()
  readonly #hash = new Hash64()
  /** Rows of znodes that differ from what they were hashed as. */
  readonly #unsealed = new Set<number>()
  #digestLow = 0
  #digestHigh = 0

  get size(): number {
    return this.#table.size
  }

  get rowsEnd(): number {
    return this.#table.rowsEnd
  }

  get dataBytes(): number {
    return this.#values.bytes
  }

  /**
   * An additive hash over path, data and every field of every znode, so that it can be kept up to date by what changes and does not depend
   * on the order of the znodes. 16 hexadecimal digits.
   */
  get digest(): string {
    this.#sealAll()
    return formatHash64(this.#digestLow, this.#digestHigh)
  }

  find(path: string): Znode | null {
    return this.#table.find(path)
  }

  atOrNull(row: number): Znode | null {
    return this.#table.atOrNull(row)
  }

  parentOf(node: Znode): Znode {
    return this.#table.at(node.parent)
  }

  add(path: string): Znode {
    const node = this.#table.add(path)
    node.valueLength = NULL_LENGTH
    const hash = this.#hash.start().text(path).finish()
    node.setPathHash(hash.low, hash.high)
    return node
  }

  /**
   * Makes one the child of the other, with everything below it: a restored znode may have got its children before its parent has come. The
   * parent's other numbers are the caller's.
   */
  link(node: Znode, parent: Znode): void {
    this.#siblings.add(node, parent)
    node.parent = parent.row
    parent.numChildren++
    this.#count(parent.row, node.descendants + 1, node.subtreeBytes)
  }

  /** Takes out a znode without children, with all that belongs to it. */
  remove(node: Znode): void {
    const parent = this.parentOf(node)
    this.setOwner(node, NO_SESSION)
    this.setLifetime(node, PERSISTENT)
    this.setAcl(node, null)
    this.write(node, null)
    this.#siblings.remove(node, parent)
    parent.numChildren--
    this.#count(parent.row, -1, 0)
    this.#unsealed.delete(node.row)
    this.#digestLow = (this.#digestLow - node.hashLow) | 0
    this.#digestHigh = (this.#digestHigh - node.hashHigh) | 0
    this.#table.remove(node)
  }

  /** Copies the data in. */
  write(node: Znode, data: Uint8Array | null): void {
    const { valueLength: length, valueHandle: handle } = node
    const bytes = (data?.length ?? 0) - (length === NULL_LENGTH ? 0 : length)
    if (bytes !== 0) this.#count(node.row, 0, bytes)
    if (data === null) {
      if (length !== NULL_LENGTH) this.#values.free(handle, length)
      node.valueLength = NULL_LENGTH
      node.setValueHash(0, 0)
      return
    }
    node.valueHandle = length === NULL_LENGTH ? this.#values.put(data) : this.#values.replace(handle, length, data)
    node.valueLength = data.length
    if (isHashedLater(data.length)) return
    const hash = this.#hash.start().bytes(data).finish()
    node.setValueHash(hash.low, hash.high)
  }

  /** Copies the data out, into what `allocate` gives. */
  read<T extends Uint8Array>(node: Znode, allocate: (length: number) => T): T | null {
    const length = node.valueLength
    if (length === NULL_LENGTH) return null
    const data = allocate(length)
    this.#values.copy(node.valueHandle, length, data)
    return data
  }

  setOwner(node: Znode, owner: SessionId): void {
    if (node.owner !== NO_SESSION) {
      const paths = this.#ephemerals.get(node.owner)
      paths?.delete(node.path)
      if (paths?.size === 0) this.#ephemerals.delete(node.owner)
    }
    node.owner = owner
    if (owner === NO_SESSION) return
    const paths = this.#ephemerals.get(owner)
    if (paths === undefined) this.#ephemerals.set(owner, new Set([node.path]))
    else paths.add(node.path)
  }

  /** In no particular order. */
  ephemeralsOf(owner: SessionId): Iterable<string> {
    return this.#ephemerals.get(owner) ?? []
  }

  /** In no particular order. */
  owners(): Iterable<SessionId> {
    return this.#ephemerals.keys()
  }

  setLifetime(node: Znode, lifetime: Lifetime): void {
    node.lifetime = lifetime
    if (lifetime === PERSISTENT) this.#mortals.delete(node.row)
    else this.#mortals.add(node.row)
  }

  /** Paths of all containers and TTL znodes, in no particular order. Znodes may come and go meanwhile: what stays is met, once. */
  *mortals(): Iterable<string> {
    for (const row of this.#mortals) yield this.#table.at(row).path
  }

  /** Null is open to all. The list is copied. */
  setAcl(node: Znode, acl: Acl | null): void {
    // In this order: the list may be one that only this znode has.
    const id = this.#acls.add(acl)
    this.#acls.release(node.acl)
    node.acl = id
  }

  /** Frozen. Znodes with equal ACLs have the very same list. */
  aclOf(node: Znode): Acl | null {
    return this.#acls.aclOf(node.acl)
  }

  /** Sorted by name, in UTF-16 code units; void once a child comes or goes. */
  childrenOf(node: Znode): Iterable<Znode> {
    return this.childrenAfter(node, null)
  }

  /** The same, of those whose name is greater than `after` (null: all), which need not be there. */
  childrenAfter(node: Znode, after: string | null): Iterable<Znode> {
    const key = after === null ? null : new PathKey().set(`${node.path === '/' ? '' : node.path}/${after}`)
    return this.#siblings.following(node, key)
  }

  /**
   * Fields of a znode have changed.
   *
   * PERF: hashing one is a quarter of what it costs to set its data, and what is written is often written again before anybody asks for the
   * digest.
   */
  onChanged(node: Znode): void {
    this.#unsealed.add(node.row)
    if (this.#unsealed.size >= UNSEALED_MAX) this.#sealAll()
  }

  #sealAll(): void {
    for (const row of this.#unsealed) this.#seal(this.#table.at(row))
    this.#unsealed.clear()
  }

  /** Brings the digest up to date with one znode. */
  #seal(node: Znode): void {
    const { valueLength: length, valueHandle: handle } = node
    if (isHashedLater(length)) {
      const start = this.#values.startOf(handle)
      const value = this.#hash
        .start()
        .bytes(this.#values.bytesOf(handle), start, start + length)
        .finish()
      node.setValueHash(value.low, value.high)
    }
    const hash = this.#hash
      .start()
      .int(node.pathHashLow)
      .int(node.pathHashHigh)
      .int(node.valueHashLow)
      .int(node.valueHashHigh)
      .int(node.valueLength)
      .number(node.czxid)
      .number(node.mzxid)
      .number(node.pzxid)
      .number(node.ctime)
      .number(node.mtime)
      .number(node.owner)
      .int(node.version)
      .int(node.cversion)
      .int(node.numChildren)
      .int(node.aversion)
      .number(node.lifetime + 1)
      .int(this.#acls.hashLowOf(node.acl))
      .int(this.#acls.hashHighOf(node.acl))
      .finish()
    this.#digestLow = (this.#digestLow - node.hashLow + hash.low) | 0
    this.#digestHigh = (this.#digestHigh - node.hashHigh + hash.high) | 0
    node.setHash(hash.low, hash.high)
  }

  /** Adds to what a znode and all above it count. */
  #count(from: number, descendants: number, bytes: number): void {
    for (let row = from; row !== NO_ROW; ) {
      const node = this.#table.at(row)
      node.descendants += descendants
      node.subtreeBytes += bytes
      row = node.parent
    }
  }
}

/** Whether a value of that length is hashed when its znode is: an empty one has no place to be found at, and a large one takes its time. */
function isHashedLater(length: number): boolean {
  return length > 0 && length <= SMALL_VALUE
}
