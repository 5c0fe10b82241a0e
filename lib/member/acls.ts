import { type Acl, OPEN_ACL, PERMISSIONS } from '../tree/index.js'

/** The ACLs that nearly everybody uses: ZooKeeper's `ZooDefs.Ids`. */

/** Everything to everybody: what a znode has that is created without an ACL. */
export const OPEN_ACL_UNSAFE: Acl = OPEN_ACL

/** Everybody may read, and nobody may do anything else: only a super user changes it, or what it is a part of. */
export const READ_ACL_UNSAFE: Acl = Object.freeze([Object.freeze({ perms: PERMISSIONS.READ, scheme: 'world', id: 'anyone' })])

/** Everything to whoever the creating session has shown to be, and nothing to others. `INVALID_ACL` before its first `addAuth`. */
export const CREATOR_ALL_ACL: Acl = Object.freeze([Object.freeze({ perms: PERMISSIONS.ALL, scheme: 'auth', id: '' })])
