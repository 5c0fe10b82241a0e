import { assert, present } from '../base/index.js'
import { NO_ROW, ZNODE_BYTES, Znode } from './znode.js'

const ROW_BITS = 10
const ROWS_PER_PAGE = 2 ** ROW_BITS

interface Page {
  readonly view: DataView
  /** By row within the page; undefined where the row is free. */
  readonly paths: (string | undefined)[]
}

/**
 * The records of all znodes, in pages, and where the record of a path is. A row keeps its number for as long as its znode lives; the row of a
 * removed znode is used again.
 *
 * PERF: a lookup is one Map access. The Map doubles as it grows, which takes some 100 ms at a million paths, once.
 */
export class ZnodeTable {
  readonly #pages: Page[] = []
  readonly #rows = new Map<string, number>()
  readonly #free: number[] = []
  #rowsEnd = 0

  /** Znodes in the table. */
  get size(): number {
    return this.#rows.size
  }

  /** Every row in use is below this. */
  get rowsEnd(): number {
    return this.#rowsEnd
  }

  find(path: string): Znode | null {
    const row = this.#rows.get(path)
    return row === undefined ? null : this.at(row)
  }

  /** The znode of a row that is in use. */
  at(row: number): Znode {
    return present(this.atOrNull(row), 'the row is in use')
  }

  /** Null where the row is free. */
  atOrNull(row: number): Znode | null {
    const page = this.#pages[row >>> ROW_BITS]
    const index = row & (ROWS_PER_PAGE - 1)
    const path = page?.paths[index]
    return page === undefined || path === undefined ? null : new Znode(row, path, page.view, index * ZNODE_BYTES)
  }

  /** A new record, all numbers 0 and without links. */
  add(path: string): Znode {
    assert(!this.#rows.has(path), 'a path has one znode')
    const row = this.#free.pop() ?? this.#rowsEnd++
    const page = this.#pageOf(row)
    const index = row & (ROWS_PER_PAGE - 1)
    new Uint8Array(page.view.buffer, index * ZNODE_BYTES, ZNODE_BYTES).fill(0)
    page.paths[index] = path
    this.#rows.set(path, row)
    const node = new Znode(row, path, page.view, index * ZNODE_BYTES)
    node.parent = NO_ROW
    node.firstChild = NO_ROW
    node.nextSibling = NO_ROW
    node.previousSibling = NO_ROW
    return node
  }

  remove(node: Znode): void {
    this.#pageOf(node.row).paths[node.row & (ROWS_PER_PAGE - 1)] = undefined
    this.#rows.delete(node.path)
    this.#free.push(node.row)
  }

  #pageOf(row: number): Page {
    const index = row >>> ROW_BITS
    const page = this.#pages[index]
    if (page !== undefined) return page
    assert(index === this.#pages.length, 'pages are added one after another')
    const added: Page = {
      view: new DataView(new ArrayBuffer(ROWS_PER_PAGE * ZNODE_BYTES)),
      paths: new Array<string | undefined>(ROWS_PER_PAGE).fill(undefined)
    }
    this.#pages.push(added)
    return added
  }
}
