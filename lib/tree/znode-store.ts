import { formatHash64, Hash64, NO_SESSION, type SessionId } from '../base/index.js'
import { ValueStore } from './value-store.js'
import { NO_ROW, NULL_LENGTH, type Znode } from './znode.js'
import { ZnodeTable } from './znode-table.js'

/**
 * Everything a tree keeps: records, values, links, the index of ephemerals and the digest. It knows how these belong together, and
 * nothing of txns: {@link DataTree} changes it by txns, {@link TreeRestorer} fills it from a snapshot.
 *
 * Invariant: after {@link seal} of every znode that was touched, the digest is the sum of the hashes of all znodes.
 */
export class ZnodeStore {
  readonly #table = new ZnodeTable()
  readonly #values = new ValueStore()
  readonly #ephemerals = new Map<SessionId, Set<string>>()
  readonly #hash = new Hash64()
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

  /** Makes one the child of the other. The parent's other numbers are the caller's. */
  link(node: Znode, parent: Znode): void {
    const next = parent.firstChild
    node.parent = parent.row
    node.nextSibling = next
    if (next !== NO_ROW) this.#table.at(next).previousSibling = node.row
    parent.firstChild = node.row
    parent.numChildren++
  }

  /** Takes out a znode without children, with all that belongs to it. */
  remove(node: Znode): void {
    const parent = this.parentOf(node)
    const next = node.nextSibling
    const previous = node.previousSibling
    if (next !== NO_ROW) this.#table.at(next).previousSibling = previous
    if (previous === NO_ROW) parent.firstChild = next
    else this.#table.at(previous).nextSibling = next
    parent.numChildren--
    this.setOwner(node, NO_SESSION)
    this.write(node, null)
    this.#digestLow = (this.#digestLow - node.hashLow) | 0
    this.#digestHigh = (this.#digestHigh - node.hashHigh) | 0
    this.#table.remove(node)
  }

  /** Copies the data in. */
  write(node: Znode, data: Uint8Array | null): void {
    const length = node.valueLength
    if (data === null) {
      if (length !== NULL_LENGTH) this.#values.free(node.valueHandle, length)
      node.valueLength = NULL_LENGTH
      node.setValueHash(0, 0)
      return
    }
    node.valueHandle = length === NULL_LENGTH ? this.#values.put(data) : this.#values.replace(node.valueHandle, length, data)
    node.valueLength = data.length
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

  /** In no particular order. */
  *childrenOf(node: Znode): Iterable<Znode> {
    for (let row = node.firstChild; row !== NO_ROW; ) {
      const child = this.#table.at(row)
      row = child.nextSibling
      yield child
    }
  }

  /** Brings the digest up to date with a znode whose fields have changed. */
  seal(node: Znode): void {
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
      .finish()
    this.#digestLow = (this.#digestLow - node.hashLow + hash.low) | 0
    this.#digestHigh = (this.#digestHigh - node.hashHigh + hash.high) | 0
    node.setHash(hash.low, hash.high)
  }
}
