import type { SessionId, Zxid } from '../base/index.js'

/** What ZooKeeper tells of a znode beside its data. All plain numbers, safe in JSON. */
export interface Stat {
  /** The txn that created it. */
  readonly czxid: Zxid
  /** The txn that last set its data. */
  readonly mzxid: Zxid
  /** The txn that last created or deleted one of its children. */
  readonly pzxid: Zxid
  /** Milliseconds since 1970 by the leader's clock at `czxid`. */
  readonly ctime: number
  /** The same at `mzxid`, or when it was touched after that. */
  readonly mtime: number
  /** How often its data has been set. 32 bits: see {@link nextVersion}. */
  readonly version: number
  /** Children created plus children deleted. As in ZooKeeper the root counts from -1, because `/zookeeper` was never created. */
  readonly cversion: number
  /** How often its ACL has been set. */
  readonly aversion: number
  /** The session that it lives and dies with; 0 when it is persistent. */
  readonly ephemeralOwner: SessionId
  /** Bytes of data; 0 also when the data is null. */
  readonly dataLength: number
  readonly numChildren: number
}

/** Stands for 'whatever the version is' in the operations that name one. */
export const VERSION_ANY = -1

/**
 * Creates that one parent can count: the number is the suffix of sequential names and has 32 bits in ZooKeeper, which goes on with negative
 * names and then gets stuck. Here the create that would pass it is refused.
 */
export const CVERSION_MAX = 2 ** 31 - 1

/** A version wraps at 32 bits like ZooKeeper's and skips -1, which could not be asked for (ZOOKEEPER-4743). */
export function nextVersion(version: number): number {
  return version + 1 === VERSION_ANY ? 0 : (version + 1) | 0
}
