import { createHash } from 'node:crypto'
import type { AuthProvider } from './auth-provider.js'

/** How passwords are hashed in the ids of the scheme `digest`: `sha1` as ZooKeeper does by default, so that ids can be moved over. */
export type DigestAlgorithm = 'sha1' | 'sha256'

/** Bytes of a hash in base64. */
const HASH_LENGTHS: { readonly [algorithm in DigestAlgorithm]: number } = { sha1: 28, sha256: 44 }

/**
 * The id that a user has in ACLs of the scheme `digest`: `user:` and the hash of `user:password` in base64. As ZooKeeper's
 * `DigestAuthenticationProvider.generateDigest`.
 *
 * @param user without a colon, which ends it
 */
export function digestId(user: string, password: string, algorithm: DigestAlgorithm = 'sha1'): string {
  return `${user}:${createHash(algorithm).update(`${user}:${password}`, 'utf8').digest('base64')}`
}

/** Users with passwords: ZooKeeper's scheme `digest`, whose credential is `user:password`. */
export class DigestAuth implements AuthProvider {
  readonly scheme = 'digest'
  readonly #algorithm: DigestAlgorithm

  constructor(algorithm: DigestAlgorithm) {
    this.#algorithm = algorithm
  }

  authenticate(credential: Uint8Array): string | null {
    const text = Buffer.from(credential).toString('utf8')
    const colon = text.indexOf(':')
    return colon <= 0 ? null : digestId(text.slice(0, colon), text.slice(colon + 1), this.#algorithm)
  }

  isValid(id: string): boolean {
    const [user, hash, more] = id.split(':')
    return user !== undefined && user !== '' && more === undefined && hash?.length === HASH_LENGTHS[this.#algorithm]
  }

  matches(id: string, aclId: string): boolean {
    return id === aclId
  }
}
