import { assert, NO_SESSION, ZooKeeperError, ZXID_ZERO, type Zxid } from '../base/index.js'
import { DataTree } from './data-tree.js'
import { PERSISTENT } from './lifetime.js'
import { parentOf, pathProblem, RESERVED_PATH } from './path.js'
import { QUOTA_PATH } from './quota.js'
import type { Znode } from './znode.js'
import type { ZnodeRecord } from './znode-record.js'
import { ZnodeStore } from './znode-store.js'

/**
 * Builds a tree from the records of a snapshot, in any order and in slices of any size. Nothing else sees the tree before
 * {@link finish}, so that a snapshot that turns out to be damaged leaves no trace: drop the restorer.
 *
 * What does not hold together is refused with `LOG_CORRUPTED`, whose message says what was found.
 */
export class TreeRestorer {
  readonly #store = new ZnodeStore()
  /** By path of a parent that has not come yet: the children that have. */
  readonly #orphans = new Map<string, Znode[]>()
  #zxidMax: Zxid = ZXID_ZERO
  #finished = false

  add(records: readonly ZnodeRecord[]): void {
    for (const record of records) this.#add(record)
  }

  /** The whole tree, once all records are in. `zxid` is the one of the cut. */
  finish(zxid: Zxid): DataTree {
    assert(!this.#finished, 'a restored tree is handed over once')
    for (const path of ['/', RESERVED_PATH, QUOTA_PATH]) if (this.#store.find(path) === null) throw damaged(`${path} is missing`)
    for (const path of this.#orphans.keys()) throw damaged(`${path} is missing and has children`)
    if (this.#zxidMax > zxid) throw damaged('a znode is younger than the snapshot')
    this.#finished = true
    return new DataTree(this.#store, zxid)
  }

  #add(record: ZnodeRecord): void {
    const problem = pathProblem(record.path)
    if (problem !== null) throw damaged(problem)
    if (this.#store.find(record.path) !== null) throw damaged(`${record.path} is there twice`)
    if (record.czxid > record.mzxid || record.czxid > record.pzxid)
      throw damaged(`${record.path} was changed before it was created`)
    if (record.owner !== NO_SESSION && record.lifetime !== PERSISTENT) throw damaged(`${record.path} has two ways to end`)
    const node = this.#store.add(record.path)
    node.czxid = record.czxid
    node.mzxid = record.mzxid
    node.pzxid = record.pzxid
    node.ctime = record.ctime
    node.mtime = record.mtime
    node.version = record.version
    node.cversion = record.cversion
    node.aversion = record.aversion
    this.#store.write(node, record.data)
    this.#store.setOwner(node, record.owner)
    this.#store.setLifetime(node, record.lifetime)
    this.#store.setAcl(node, record.acl)
    this.#zxidMax = Math.max(this.#zxidMax, record.mzxid, record.pzxid) as Zxid
    this.#linkToParent(node)
    this.#linkChildren(node)
    this.#store.onChanged(node)
  }

  #linkToParent(node: Znode): void {
    if (node.path === '/') return
    const path = parentOf(node.path)
    const parent = this.#store.find(path)
    if (parent !== null) {
      this.#link(node, parent)
      this.#store.onChanged(parent)
      return
    }
    const waiting = this.#orphans.get(path)
    if (waiting === undefined) this.#orphans.set(path, [node])
    else waiting.push(node)
  }

  #linkChildren(node: Znode): void {
    for (const child of this.#orphans.get(node.path) ?? []) this.#link(child, node)
    this.#orphans.delete(node.path)
  }

  #link(node: Znode, parent: Znode): void {
    if (parent.owner !== NO_SESSION) throw damaged(`${parent.path} is ephemeral and has a child`)
    this.#store.link(node, parent)
    const uncounted = parent.path === '/' || parent.path === RESERVED_PATH ? 1 : 0
    if (parent.numChildren > parent.cversion + uncounted) throw damaged(`${parent.path} has more children than were created`)
  }
}

function damaged(found: string): ZooKeeperError {
  return new ZooKeeperError('LOG_CORRUPTED', { message: `the snapshot does not hold together: ${found}` })
}
