/**
 * A scheme of ACLs: who somebody is, and whom an entry means. ZooKeeper's `AuthenticationProvider`. Every member of an ensemble is given the
 * same ones, because whoever leads judges.
 *
 * Nothing here may throw or take long: it is called for every request that meets an ACL of its scheme.
 */
export interface AuthProvider {
  /** The name that ACL entries and `addAuth` use, such as `digest`. */
  readonly scheme: string
  /** Who the bearer of a credential is; null when it is not to be believed. Called by `addAuth`, in the process of the session. */
  authenticate(credential: Uint8Array): string | null
  /** Whether an id may stand in an ACL. */
  isValid(id: string): boolean
  /** Whether an ACL entry's id means somebody who has authenticated himself as `id`. */
  matches(id: string, aclId: string): boolean
}
