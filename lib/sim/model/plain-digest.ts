import { formatHash64, Hash64 } from '../../base/index.js'
import type { Acl } from '../../tree/index.js'
import type { PlainNode } from './plain-node.js'

/** A session, as every member must have it. */
export interface PlainSession {
  readonly id: number
  readonly timeout: number
  readonly member: number
  readonly run: string
  readonly password: Uint8Array
  readonly cxid: number
  /** Its end has begun. */
  readonly closing: boolean
}

/** A member, as every member must have it: its process, and how far that one's own requests have come. */
export interface PlainMember {
  readonly member: number
  readonly run: string
  readonly cxid: number
}

/** Of the tree, low and high, and of the sessions. */
export type DigestLanes = readonly [number, number, number, number]

export function wholeOf([treeLow, treeHigh, sessionsLow, sessionsHigh]: DigestLanes): string {
  return formatHash64(treeLow, treeHigh) + formatHash64(sessionsLow, sessionsHigh)
}

/** One of the terms of a sum, in two lanes of 32 bits. */
interface Term {
  readonly low: number
  readonly high: number
}

const NOTHING: Term = { low: 0, high: 0 }

/**
 * What a member's `local.digest` must be, worked out once more from the definition; of the library it uses the hash function only.
 *
 * The digest is 32 hexadecimal digits: 16 of the tree, 16 of the sessions. Each is a sum of one hash for each thing that is there, modulo
 * 2^32 in each of the two lanes, so that it does not depend on an order.
 * - A znode is the integers: two lanes of the hash of its path, two of the hash of its data (0, 0 for null), bytes of data (-1 for null);
 *   then czxid, mzxid, pzxid, ctime, mtime and owner as numbers; then version, children ever created, and children; then
 *   changes of the ACL, the lifetime plus 1 as a number, and two lanes of the hash of the ACL (0, 0 when it is open to all).
 * - An ACL is, for each entry, permissions, scheme and id; then the number of entries.
 * - A session is 1, id, timeout, member, run, password, the number of its last request, and 1 if its end has begun, else 0.
 * - A member is 2, id, run, the number of its process's last request.
 */
export class PlainDigest {
  readonly #hash = new Hash64()
  readonly #terms = new Map<string | number, Term>()
  readonly #pathHashes = new Map<string, Term>()
  #treeLow = 0
  #treeHigh = 0
  #sessionsLow = 0
  #sessionsHigh = 0

  znode(path: string, node: PlainNode | null): void {
    const { low, high } = this.#replace(path, node === null ? NOTHING : this.#termOf(path, node))
    this.#treeLow = (this.#treeLow + low) | 0
    this.#treeHigh = (this.#treeHigh + high) | 0
  }

  session(id: number, session: PlainSession | null): void {
    let term = NOTHING
    if (session !== null) {
      const { timeout, member, run, password, cxid, closing } = session
      const hash = this.#hash.start().int(1).number(id).number(timeout).int(member).text(run).bytes(password).number(cxid)
      term = termOf(hash.int(closing ? 1 : 0))
    }
    this.#addToSessions(this.#replace(id, term))
  }

  member({ member, run, cxid }: PlainMember): void {
    const term = termOf(this.#hash.start().int(2).int(member).text(run).number(cxid))
    this.#addToSessions(this.#replace(-member, term))
  }

  get whole(): string {
    return wholeOf(this.lanes)
  }

  /** The sums as they are now, from which {@link wholeOf} makes the text when somebody asks for it. */
  get lanes(): DigestLanes {
    return [this.#treeLow, this.#treeHigh, this.#sessionsLow, this.#sessionsHigh]
  }

  #termOf(path: string, node: PlainNode): Term {
    let ofPath = this.#pathHashes.get(path)
    if (ofPath === undefined) {
      ofPath = termOf(this.#hash.start().text(path))
      this.#pathHashes.set(path, ofPath)
    }
    const ofData = node.data === null ? NOTHING : termOf(this.#hash.start().bytes(node.data))
    const ofAcl = node.acl === null ? NOTHING : this.#aclTermOf(node.acl)
    const hash = this.#hash.start()
    for (const lane of [ofPath.low, ofPath.high, ofData.low, ofData.high, node.data?.length ?? -1]) hash.int(lane)
    for (const value of [node.czxid, node.mzxid, node.pzxid, node.ctime, node.mtime, node.owner]) hash.number(value)
    hash
      .int(node.version)
      .int(node.creates)
      .int(node.numChildren)
      .int(node.aversion)
      .number(node.lifetime + 1)
    return termOf(hash.int(ofAcl.low).int(ofAcl.high))
  }

  #aclTermOf(acl: Acl): Term {
    const hash = this.#hash.start()
    for (const { perms, scheme, id } of acl) hash.int(perms).text(scheme).text(id)
    return termOf(hash.int(acl.length))
  }

  /** What the sum changes by. A session's id is a positive number, a member goes by its own as a negative one. */
  #replace(key: string | number, term: Term): Term {
    const before = this.#terms.get(key) ?? NOTHING
    if (term === NOTHING) this.#terms.delete(key)
    else this.#terms.set(key, term)
    return { low: (term.low - before.low) | 0, high: (term.high - before.high) | 0 }
  }

  #addToSessions({ low, high }: Term): void {
    this.#sessionsLow = (this.#sessionsLow + low) | 0
    this.#sessionsHigh = (this.#sessionsHigh + high) | 0
  }
}

function termOf(hash: Hash64): Term {
  const { low, high } = hash.finish()
  return { low, high }
}
