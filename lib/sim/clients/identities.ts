import { createHash } from 'node:crypto'
import { type Acl, type AclEntry, type AuthId, SUPER_SCHEME } from '../../tree/index.js'

/** The only scheme that clients of the simulator show who they are by. */
export const SCHEME = 'digest'

/** Whose credential is above all ACLs where a member is given {@link SUPER_DIGEST} as its option. */
export const SUPER_CREDENTIAL = 'super:secret'

/** What a `user:password` is known as in ACLs. Worked out here, so that a mistake of the library's own hashing would be seen. */
export function digestOf(credential: string): string {
  const user = credential.slice(0, credential.indexOf(':'))
  return `${user}:${createHash('sha1').update(credential).digest('base64')}`
}

export const SUPER_DIGEST = digestOf(SUPER_CREDENTIAL)

/** Who a session is, from when it has shown a credential; nobody else than before by one that has no password. */
export function identitiesOf(credential: string): readonly AuthId[] {
  if (credential.indexOf(':') < 1) return []
  const id = digestOf(credential)
  return id === SUPER_DIGEST
    ? [
        { scheme: SCHEME, id },
        { scheme: SUPER_SCHEME, id: '' }
      ]
    : [{ scheme: SCHEME, id }]
}

/** What is kept of an ACL that is asked for: `auth` stands for everybody that the caller is, and null for what is open to all. */
export function keptAcl(acl: Acl | undefined, auth: readonly AuthId[]): Acl | null {
  if (acl === undefined) return null
  const kept = new Map<string, AclEntry>()
  for (const { perms, scheme, id } of acl) {
    const meant = scheme === 'auth' ? auth.filter(each => each.scheme !== SUPER_SCHEME) : [{ scheme, id }]
    for (const each of meant) kept.set(`${perms} ${each.scheme} ${each.id}`, { perms, scheme: each.scheme, id: each.id })
  }
  const [first] = kept.values()
  return kept.size === 1 && first?.scheme === 'world' && first.perms === 31 ? null : [...kept.values()]
}
