import { LIMITS, ZooKeeperError } from '../base/index.js'
import type { AuthId } from '../tree/index.js'
import type { AuthSchemes } from './auth-schemes.js'

/** Of an id of the scheme `digest`: the user, without the hash. */
export function userOf(id: string): string {
  const colon = id.indexOf(':')
  return colon === -1 ? id : id.slice(0, colon)
}

/** Who a session has shown to be. Grows only: what a session was allowed once, it is allowed until an ACL changes. */
export class Identities {
  readonly #schemes: AuthSchemes
  #all: readonly AuthId[] = []

  constructor(schemes: AuthSchemes) {
    this.#schemes = schemes
  }

  /** Replaced when one is added, never changed: what was issued before keeps what it was issued with. */
  get all(): readonly AuthId[] {
    return this.#all
  }

  /** As `whoAmI` tells: of `digest` ids the user only. */
  get shown(): readonly AuthId[] {
    return this.#all.map(({ scheme, id }) => ({ scheme, id: scheme === 'digest' ? userOf(id) : id }))
  }

  /** @throws ZooKeeperError `AUTH_FAILED`: the credential is not to be believed, or there are too many identities already */
  add(scheme: string, credential: Uint8Array): void {
    const isNew = ({ scheme, id }: AuthId) => !this.#all.some(known => known.scheme === scheme && known.id === id)
    const all = [...this.#all, ...this.#schemes.authenticate(scheme, credential).filter(isNew)]
    const bytes = all.reduce((sum, each) => sum + Buffer.byteLength(each.scheme) + Buffer.byteLength(each.id), 0)
    if (all.length > LIMITS.authIdsMax || bytes > LIMITS.authBytesMax) {
      const message = `${all.length} identities of ${bytes} bytes, more than ${LIMITS.authIdsMax} and ${LIMITS.authBytesMax}`
      throw new ZooKeeperError('AUTH_FAILED', { message })
    }
    this.#all = Object.freeze(all)
  }

  /** Those of a session that this one takes the place of. */
  inherit(all: readonly AuthId[]): void {
    this.#all = all
  }
}
