/** What an entry of an ACL allows, as bits; ZooKeeper's `ZooDefs.Perms`. */
export const PERMISSIONS = {
  /** Reading data and children, and hearing of changes. */
  READ: 1,
  /** Setting data. */
  WRITE: 2,
  /** Creating children. */
  CREATE: 4,
  /** Deleting children. */
  DELETE: 8,
  /** Setting the ACL, and seeing it whole. */
  ADMIN: 16,
  ALL: 31
} as const

/** One entry of an ACL: who it is about, and what they may do. ZooKeeper's `ACL`. */
export interface AclEntry {
  /** A sum of {@link PERMISSIONS}. */
  readonly perms: number
  /** How the id is to be understood: `world`, `digest`, `ip`, or what a provider of one's own names. `auth` is resolved before it gets here. */
  readonly scheme: string
  /** `anyone` for `world`, `user:base64(hash)` for `digest`, an address with or without `/bits` for `ip`. */
  readonly id: string
}

/** Who may do what with one znode. Not inherited, and in no order: what any entry allows is allowed. */
export type Acl = readonly AclEntry[]

/** Somebody that a session has shown to be. */
export interface AuthId {
  readonly scheme: string
  readonly id: string
}

/** Whether an entry's id means somebody who has authenticated himself with `id` under the same scheme. */
export type AclMatch = (scheme: string, id: string, aclId: string) => boolean

/** Everything to everybody: what a znode has that was created without an ACL. Kept as null in znodes, changes and records. */
export const OPEN_ACL: Acl = Object.freeze([Object.freeze({ perms: PERMISSIONS.ALL, scheme: 'world', id: 'anyone' })])

/** The scheme of an identity that no ACL applies to. */
export const SUPER_SCHEME = 'super'

/** Whether an ACL (null: open to all) allows `permission` to somebody with these identities. */
export function permits(acl: Acl | null, permission: number, auth: readonly AuthId[], match: AclMatch = isSame): boolean {
  if (acl === null) return true
  if (auth.some(({ scheme }) => scheme === SUPER_SCHEME)) return true
  return acl.some(entry => {
    if ((entry.perms & permission) === 0) return false
    if (entry.scheme === 'world') return entry.id === 'anyone'
    return auth.some(({ scheme, id }) => scheme === entry.scheme && match(scheme, id, entry.id))
  })
}

/** Null for the ACL that is open to all, which needs no place; without duplicates, whose order does not matter, in ZooKeeper neither. */
export function normalizedAcl(acl: Acl): Acl | null {
  const entries = new Map(acl.map(entry => [aclEntryKey(entry), entry]))
  const [only] = entries.values()
  if (entries.size === 1 && only !== undefined && only.scheme === 'world' && only.perms === PERMISSIONS.ALL) return null
  return [...entries.values()].map(({ perms, scheme, id }) => ({ perms, scheme, id }))
}

/** Two entries with the same key are the same. */
export function aclEntryKey({ perms, scheme, id }: AclEntry): string {
  // With its length: the name of a scheme may have a space in it.
  return `${perms} ${scheme.length} ${scheme} ${id}`
}

function isSame(_scheme: string, id: string, aclId: string): boolean {
  return id === aclId
}
