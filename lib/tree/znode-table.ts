import { assert, present } from '../base/index.js'
import { PathIndex } from './path-index.js'
import { PathKey } from './path-key.js'
import { ValueStore } from './value-store.js'
import { BEFORE, BEHIND, CHILDREN, NO_ROW, PATH_HANDLE, PATH_LENGTH, ZNODE_BYTES, Znode } from './znode.js'

/** Rows of a page; a small tree has pages of fewer rows. PERF: few large pages stay in a processor's cache. */
const ROW_BITS = 13
const ROWS = 1 << ROW_BITS
const SMALL_ROW_BITS = 8
const SMALL_ROWS = 1 << SMALL_ROW_BITS
const SMALL_PAGES = ROWS / SMALL_ROWS

interface Page {
  readonly bytes: Uint8Array
  /** For what is asked of every path that is looked up: without a window. */
  readonly records: Int32Array
  readonly view: DataView
}

/**
 * The records of all znodes, in pages, and where the record of a path is. A row keeps its number for as long as its znode lives; the row of a
 * removed znode is used again.
 */
export class ZnodeTable {
  readonly #pages: Page[] = []
  readonly #paths = new ValueStore()
  readonly #rows = new PathIndex((row, key) => this.#isAt(row, key))
  readonly #key = new PathKey()
  readonly #free: number[] = []
  #rowsEnd = 0

  /** Znodes in the table. */
  get size(): number {
    return this.#rowsEnd - this.#free.length
  }

  /** Every row in use is below this. */
  get rowsEnd(): number {
    return this.#rowsEnd
  }

  find(path: string): Znode | null {
    const row = this.#rows.find(this.#key.set(path))
    return row === NO_ROW ? null : this.#window(row, path)
  }

  /** The znode of a row that is in use. */
  at(row: number): Znode {
    return present(this.atOrNull(row), 'the row is in use')
  }

  /** Null where the row is free. */
  atOrNull(row: number): Znode | null {
    if (row < 0 || row >= this.#rowsEnd) return null
    const node = this.#window(row, null)
    return node.pathLength === 0 ? null : node
  }

  /** A new record, all numbers 0 and without links. */
  add(path: string): Znode {
    const key = this.#key.set(path)
    assert(this.#rows.find(key) === NO_ROW, 'a path has one znode')
    const row = this.#free.pop() ?? this.#rowsEnd++
    const base = indexOf(row) * ZNODE_BYTES
    this.#pageOf(row).bytes.fill(0, base, base + ZNODE_BYTES)
    const node = this.#window(row, path)
    node.setPath(key.length, this.#paths.put(key.bytes.subarray(0, key.length)))
    this.#rows.add(key, row)
    node.parent = NO_ROW
    for (const link of [CHILDREN, BEFORE, BEHIND]) node.setLink(link, NO_ROW)
    return node
  }

  remove(node: Znode): void {
    this.#rows.remove(this.#key.set(node.path))
    this.#paths.free(node.pathHandle, node.pathLength)
    node.setPath(0, 0)
    this.#free.push(node.row)
  }

  #window(row: number, path: string | null): Znode {
    return new Znode(row, path, this.#pageOf(row).view, indexOf(row) * ZNODE_BYTES, this.#paths)
  }

  #isAt(row: number, { bytes, words, length }: PathKey): boolean {
    const { records } = this.#pageOf(row)
    const at = indexOf(row) * (ZNODE_BYTES / 4)
    return (
      records[at + PATH_LENGTH / 4] === length &&
      this.#paths.isEqual(records[at + PATH_HANDLE / 4] as number, bytes, words, length)
    )
  }

  #pageOf(row: number): Page {
    const isSmall = row < ROWS
    const index = isSmall ? row >>> SMALL_ROW_BITS : SMALL_PAGES - 1 + (row >>> ROW_BITS)
    const page = this.#pages[index]
    if (page !== undefined) return page
    assert(index === this.#pages.length, 'pages are added one after another')
    const bytes = new Uint8Array((isSmall ? SMALL_ROWS : ROWS) * ZNODE_BYTES)
    const added: Page = { bytes, records: new Int32Array(bytes.buffer), view: new DataView(bytes.buffer) }
    this.#pages.push(added)
    return added
  }
}

/** Of a row within its page. */
function indexOf(row: number): number {
  return row & ((row < ROWS ? SMALL_ROWS : ROWS) - 1)
}
