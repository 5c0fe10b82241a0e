import { Hash64, present } from '../base/index.js'
import type { Acl } from './acl.js'

/** The id of the ACL that is open to all, which is null and needs no place. */
export const OPEN_ACL_ID = 0

interface Entry {
  readonly key: string
  readonly acl: Acl
  readonly hashLow: number
  readonly hashHigh: number
  references: number
}

/**
 * Every ACL that a znode has, once: a tree has few of them, however many znodes it has. Two lists are one when they have the same entries in
 * the same order. A list vanishes with its last reference, and its id is used again, so that an id says nothing outside of its tree.
 */
export class AclTable {
  readonly #entries: (Entry | undefined)[] = []
  readonly #ids = new Map<string, number>()
  readonly #free: number[] = []
  readonly #hash = new Hash64()

  /** Lists that are referred to. */
  get size(): number {
    return this.#ids.size
  }

  /** The id of a list, with one more reference to it. The list is copied. */
  add(acl: Acl | null): number {
    if (acl === null) return OPEN_ACL_ID
    const key = JSON.stringify(acl.map(({ perms, scheme, id }) => [perms, scheme, id]))
    const known = this.#ids.get(key)
    if (known !== undefined) {
      this.#entryOf(known).references++
      return known
    }
    const id = this.#free.pop() ?? this.#entries.length + 1
    this.#entries[id - 1] = this.#newEntry(key, acl)
    this.#ids.set(key, id)
    return id
  }

  /** Takes one reference back. */
  release(id: number): void {
    if (id === OPEN_ACL_ID) return
    const entry = this.#entryOf(id)
    entry.references--
    if (entry.references > 0) return
    this.#ids.delete(entry.key)
    this.#entries[id - 1] = undefined
    this.#free.push(id)
  }

  /** The list itself, frozen: as long as somebody refers to it, equal lists are the same object. */
  aclOf(id: number): Acl | null {
    return id === OPEN_ACL_ID ? null : this.#entryOf(id).acl
  }

  /** What an ACL is in the digest of a znode: 0, 0 when it is open to all. */
  hashLowOf(id: number): number {
    return id === OPEN_ACL_ID ? 0 : this.#entryOf(id).hashLow
  }
  hashHighOf(id: number): number {
    return id === OPEN_ACL_ID ? 0 : this.#entryOf(id).hashHigh
  }

  #entryOf(id: number): Entry {
    return present(this.#entries[id - 1], 'an ACL is kept as long as a znode refers to it')
  }

  #newEntry(key: string, acl: Acl): Entry {
    const hash = this.#hash.start()
    for (const { perms, scheme, id } of acl) hash.int(perms).text(scheme).text(id)
    const { low, high } = hash.int(acl.length).finish()
    const copy = Object.freeze(acl.map(({ perms, scheme, id }) => Object.freeze({ perms, scheme, id })))
    return { key, acl: copy, hashLow: low, hashHigh: high, references: 1 }
  }
}
