import createDebug from 'debug'
import { LIMITS, ZooKeeperError } from '../base/index.js'
import { type Acl, type AclEntry, type AuthId, normalizedAcl, PERMISSIONS, SUPER_SCHEME } from '../tree/index.js'
import type { AuthProvider } from './auth-provider.js'
import { type DigestAlgorithm, DigestAuth } from './digest-auth.js'
import { IpAuth } from './ip-auth.js'

const debug = createDebug('embedded-zookeeper:session')

const WORLD = 'world'
const ANYONE = 'anyone'
/** Everybody that the caller has shown to be: resolved when an ACL is written, and never kept. */
const AUTH = 'auth'
const DIGEST = 'digest'

/** The schemes that a member knows: ZooKeeper's, and its application's own. */
export class AuthSchemes {
  readonly #providers: ReadonlyMap<string, AuthProvider>
  readonly #superId: string | null

  /** `superId`: the id of the scheme `digest` that no ACL applies to. A provider of one's own may take the place of a built-in one. */
  constructor(algorithm: DigestAlgorithm = 'sha1', providers: readonly AuthProvider[] = [], superId: string | null = null) {
    const all = [new DigestAuth(algorithm), new IpAuth(), ...providers]
    this.#providers = new Map(all.map(provider => [provider.scheme, provider]))
    this.#superId = superId
  }

  /** For `permits`. A provider that throws has nobody meant: it must not stop the member that leads. */
  readonly match = (scheme: string, id: string, aclId: string): boolean => {
    try {
      return this.#providers.get(scheme)?.matches(id, aclId) === true
    } catch (error) {
      debug('the provider of %s failed: %o', scheme, error)
      return false
    }
  }

  /** Who a credential shows its bearer to be. Throws `AUTH_FAILED`. */
  authenticate(scheme: string, credential: Uint8Array): readonly AuthId[] {
    const provider = this.#providers.get(scheme)
    if (provider === undefined) throw new ZooKeeperError('AUTH_FAILED', { message: `no provider knows the scheme ${scheme}` })
    const id = authenticated(provider, credential)
    if (id === null) throw new ZooKeeperError('AUTH_FAILED', { message: `the credential for ${scheme} is not accepted` })
    const own = { scheme, id }
    return scheme === DIGEST && id === this.#superId ? [own, { scheme: SUPER_SCHEME, id: '' }] : [own]
  }

  /** An ACL as it is to be kept, asked for by somebody with these identities. Throws `INVALID_ACL`. */
  resolve(acl: Acl, auth: readonly AuthId[]): Acl | null {
    const entries = acl.flatMap(entry => this.#resolveEntry(entry, auth))
    if (entries.length === 0) throw invalidAcl('an ACL has at least one entry')
    const bytes = entries.reduce((sum, { scheme, id }) => sum + Buffer.byteLength(scheme) + Buffer.byteLength(id), 0)
    if (entries.length > LIMITS.aclEntriesMax || bytes > LIMITS.aclBytesMax) {
      throw invalidAcl(
        `an ACL of ${entries.length} entries and ${bytes} bytes, more than ${LIMITS.aclEntriesMax} and ${LIMITS.aclBytesMax}`
      )
    }
    return normalizedAcl(entries)
  }

  #resolveEntry({ perms, scheme, id }: AclEntry, auth: readonly AuthId[]): readonly AclEntry[] {
    if (!Number.isInteger(perms) || perms < 0 || perms > PERMISSIONS.ALL) {
      throw invalidAcl(`perms are a sum of bits from 0 to ${PERMISSIONS.ALL}`)
    }
    if (scheme === AUTH) {
      const own = auth.filter(each => each.scheme !== SUPER_SCHEME)
      if (own.length === 0) throw invalidAcl('the scheme auth, without an identity of the session')
      return own.map(each => ({ perms, scheme: each.scheme, id: each.id }))
    }
    if (!this.#isValid(scheme, id)) throw invalidAcl(`the scheme ${scheme} has no such id`)
    return [{ perms, scheme, id }]
  }

  #isValid(scheme: string, id: string): boolean {
    if (scheme === WORLD) return id === ANYONE
    try {
      return this.#providers.get(scheme)?.isValid(id) === true
    } catch (cause) {
      throw invalidAcl(`the provider of ${scheme} failed`, cause)
    }
  }
}

function authenticated(provider: AuthProvider, credential: Uint8Array): string | null {
  try {
    const id: unknown = provider.authenticate(credential)
    return typeof id === 'string' ? id : null
  } catch (cause) {
    throw new ZooKeeperError('AUTH_FAILED', { message: `the provider of ${provider.scheme} failed`, cause })
  }
}

function invalidAcl(message: string, cause?: unknown): ZooKeeperError {
  return new ZooKeeperError('INVALID_ACL', { message, cause })
}
