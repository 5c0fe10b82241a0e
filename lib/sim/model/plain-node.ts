import type { SessionId, Zxid } from '../../base/index.js'
import type { Acl, Stat } from '../../tree/index.js'

/** One znode, as it is from one txn to the next. Never changed: a txn puts another in its place. */
export interface PlainNode {
  readonly data: Uint8Array | null
  readonly czxid: number
  readonly mzxid: number
  readonly pzxid: number
  readonly ctime: number
  readonly mtime: number
  readonly version: number
  /** Children ever created below it, and ever deleted. Those that are there from the beginning nobody has created. */
  readonly creates: number
  readonly deletes: number
  readonly numChildren: number
  readonly owner: number
  /** Changes of the ACL, and the ACL itself: null when it is open to all. */
  readonly aversion: number
  readonly acl: Acl | null
  /** 0 for one that stays until it is deleted, -1 for a container, otherwise its time to live in milliseconds. */
  readonly lifetime: number
}

/** What it begins with; the rest is nothing. */
export interface NewPlainNode {
  readonly data: Uint8Array | null
  readonly owner: number
  readonly acl: Acl | null
  readonly lifetime: number
}

export function newNode(zxid: number, time: number, { data, owner, acl, lifetime }: NewPlainNode): PlainNode {
  return {
    data: data === null ? null : new Uint8Array(data),
    czxid: zxid,
    mzxid: zxid,
    pzxid: zxid,
    ctime: time,
    mtime: time,
    version: 0,
    creates: 0,
    deletes: 0,
    numChildren: 0,
    owner,
    aversion: 0,
    acl,
    lifetime
  }
}

/** Those that have a child which nobody has created. */
const FOUNDED = new Set(['/', '/zookeeper'])

/** What a client is shown of a znode. */
export function plainStatOf(path: string, node: PlainNode): Stat {
  return {
    czxid: node.czxid as Zxid,
    mzxid: node.mzxid as Zxid,
    pzxid: node.pzxid as Zxid,
    ctime: node.ctime,
    mtime: node.mtime,
    version: node.version,
    cversion: node.creates + node.deletes - (FOUNDED.has(path) ? 1 : 0),
    aversion: node.aversion,
    ephemeralOwner: node.owner as SessionId,
    dataLength: node.data?.length ?? 0,
    numChildren: node.numChildren
  }
}
