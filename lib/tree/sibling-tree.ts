import type { PathKey } from './path-key.js'
import { BEFORE, BEHIND, CHILDREN, type Link, NO_ROW, type Znode } from './znode.js'
import type { ZnodeTable } from './znode-table.js'

/**
 * The children of each znode, in order: a treap that is kept in the records of the children themselves. Siblings differ in their names only,
 * so that their paths are in the order of the names, by UTF-16 code unit. Who ranks higher is decided by the hashes of the paths, so that the
 * shape does not depend on the order in which they came.
 *
 * PERF: adding and removing one, and finding a place to begin at, take some two logarithms of the number of siblings. Who chooses names by
 * their hashes makes that longer, up to the number of siblings; nothing here recurses.
 */
export class SiblingTree {
  readonly #table: ZnodeTable

  constructor(table: ZnodeTable) {
    this.#table = table
  }

  add(node: Znode, parent: Znode): void {
    let above = parent
    let link = CHILDREN
    let row = parent.linkTo(CHILDREN)
    while (row !== NO_ROW) {
      const sibling = this.#table.at(row)
      if (!outranks(sibling, node)) break
      above = sibling
      link = node.compareTo(sibling, parent.pathLength) < 0 ? BEFORE : BEHIND
      row = sibling.linkTo(link)
    }
    above.setLink(link, node.row)
    this.#divide(row, node, parent.pathLength)
  }

  remove(node: Znode, parent: Znode): void {
    let above = parent
    let link = CHILDREN
    for (let row = parent.linkTo(CHILDREN); row !== node.row; row = above.linkTo(link)) {
      above = this.#table.at(row)
      link = node.compareTo(above, parent.pathLength) < 0 ? BEFORE : BEHIND
    }
    this.#join(node.linkTo(BEFORE), node.linkTo(BEHIND), above, link)
  }

  /** Those whose path is greater than `after` (null: all), in order; void once one comes or goes. */
  *following(parent: Znode, after: PathKey | null): Iterable<Znode> {
    const waiting: Znode[] = []
    for (let row = parent.linkTo(CHILDREN); ; ) {
      while (row !== NO_ROW) {
        const node = this.#table.at(row)
        const isFollowing = after === null || node.comparePath(after) > 0
        if (isFollowing) waiting.push(node)
        row = node.linkTo(isFollowing ? BEFORE : BEHIND)
      }
      const node = waiting.pop()
      if (node === undefined) return
      yield node
      row = node.linkTo(BEHIND)
    }
  }

  /** Hangs everything from `row` down, which ranks lower than `node`, below that one, on the side where it belongs. */
  #divide(from: number, node: Znode, skip: number): void {
    let smaller = node
    let smallerLink = BEFORE
    let greater = node
    let greaterLink = BEHIND
    for (let row = from; row !== NO_ROW; ) {
      const sibling = this.#table.at(row)
      if (sibling.compareTo(node, skip) < 0) {
        smaller.setLink(smallerLink, row)
        smaller = sibling
        smallerLink = BEHIND
        row = sibling.linkTo(BEHIND)
      } else {
        greater.setLink(greaterLink, row)
        greater = sibling
        greaterLink = BEFORE
        row = sibling.linkTo(BEFORE)
      }
    }
    smaller.setLink(smallerLink, NO_ROW)
    greater.setLink(greaterLink, NO_ROW)
  }

  /** Hangs two trees, of which one is smaller throughout, where one stood. */
  #join(smaller: number, greater: number, into: Znode, through: Link): void {
    let [left, right, above, link] = [smaller, greater, into, through]
    while (left !== NO_ROW && right !== NO_ROW) {
      const [leftNode, rightNode] = [this.#table.at(left), this.#table.at(right)]
      if (outranks(leftNode, rightNode)) {
        above.setLink(link, left)
        above = leftNode
        link = BEHIND
        left = leftNode.linkTo(BEHIND)
      } else {
        above.setLink(link, right)
        above = rightNode
        link = BEFORE
        right = rightNode.linkTo(BEFORE)
      }
    }
    above.setLink(link, left === NO_ROW ? right : left)
  }
}

function outranks(node: Znode, other: Znode): boolean {
  if (node.pathHashLow !== other.pathHashLow) return node.pathHashLow > other.pathHashLow
  if (node.pathHashHigh !== other.pathHashHigh) return node.pathHashHigh > other.pathHashHigh
  return node.compareTo(other, 0) > 0
}
