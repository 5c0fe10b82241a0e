import type { Acl, AuthId } from '../../tree/index.js'

/** What ZooKeeper numbers its permissions. */
export const READ = 1
export const WRITE = 2
export const CREATE = 4
export const DELETE = 8
export const ADMIN = 16

const EVERYTHING = 31

/** Whether somebody with these identities may do something of which any of `permissions` is enough. Identities are the same or they are not. */
export function allows(acl: Acl | null, permissions: readonly number[], auth: readonly AuthId[]): boolean {
  if (acl === null || auth.some(({ scheme }) => scheme === 'super')) return true
  for (const { perms, scheme, id } of acl) {
    if (!permissions.some(bit => Math.floor(perms / bit) % 2 === 1)) continue
    if (scheme === 'world' && id === 'anyone') return true
    if (scheme !== 'world' && auth.some(each => each.scheme === scheme && each.id === id)) return true
  }
  return false
}

/** An ACL as it is shown: without the hashes for those who may not set it. */
export function shownAcl(acl: Acl | null, auth: readonly AuthId[]): Acl {
  if (acl === null) return [{ perms: EVERYTHING, scheme: 'world', id: 'anyone' }]
  if (allows(acl, [ADMIN], auth)) return acl
  return acl.map(entry => (entry.scheme === 'digest' ? { ...entry, id: `${entry.id.split(':')[0]}:x` } : entry))
}
