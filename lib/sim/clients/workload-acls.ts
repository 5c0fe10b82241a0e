import { type Random, randomInt } from '../../base/index.js'
import type { MultiOp } from '../../member/index.js'
import { type Acl, OPEN_ACL, PERMISSIONS } from '../../tree/index.js'
import type { ClientTools } from './client-tools.js'
import { digestOf, SCHEME, SUPER_CREDENTIAL } from './identities.js'
import { pick } from './workload-keys.js'

const ROOT = '/guarded'
const ZNODES = 4
const ALICE = 'alice:in wonderland'
const BOB = 'bob:the builder'
/** Not a credential of the scheme: it has no password. */
const NOBODY = 'nobody'

const { READ, WRITE, CREATE, DELETE, ADMIN, ALL } = PERMISSIONS
const of = (credential: string, perms: number) => ({ perms, scheme: SCHEME, id: digestOf(credential) })
const world = (perms: number) => ({ perms, scheme: 'world', id: 'anyone' })

const ACLS: readonly [Acl, ...Acl[]] = [
  OPEN_ACL,
  [of(ALICE, ALL)],
  [world(READ), of(BOB, ALL)],
  [of(BOB, READ | WRITE), of(ALICE, CREATE | DELETE | ADMIN), world(READ)],
  [of(ALICE, ADMIN), of(BOB, READ | WRITE | CREATE | DELETE)],
  // Refused to those who are nobody.
  [{ perms: ALL, scheme: 'auth', id: '' }],
  [world(READ), { perms: ALL, scheme: 'auth', id: '' }],
  // From here on only for those who stand above.
  [world(READ)]
]

/** A part of the tree in which not everybody may do everything, and clients that show who they are. */
export class GuardedWork {
  readonly #tools: ClientTools

  constructor(tools: ClientTools) {
    this.#tools = tools
  }

  addAuth(random: Random): void {
    const { session } = this.#tools
    const dice = random.float()
    const credential = dice < 0.4 ? ALICE : dice < 0.8 ? BOB : dice < 0.95 ? SUPER_CREDENTIAL : NOBODY
    this.#tools.track('addAuth', session.addAuth(SCHEME, credential))
    if (random.float() < 0.2) this.#tools.track('whoAmI', session.whoAmI())
  }

  guarded(random: Random): void {
    const { session } = this.#tools
    const path = this.#path(random)
    const dice = random.float()
    const options = this.#tools.callOptions(random)
    const value = this.#tools.value(random)
    if (dice < 0.25) this.#create(path, value, { ...options, ...(random.float() < 0.8 ? { acl: pick(random, ACLS) } : {}) })
    else if (dice < 0.3)
      this.#create(`${ROOT}/n-`, value, { ...options, acl: pick(random, ACLS), sequential: true, ephemeral: true })
    else if (dice < 0.45) this.#tools.track('guarded setData', session.setData(path, value, options))
    else if (dice < 0.55) this.#tools.track('guarded delete', session.delete(path, options))
    else if (dice < 0.7) this.#tools.track('guarded getData', session.getData(path, this.#tools.readOptions(random)))
    else if (dice < 0.8) this.#tools.track('guarded getChildren', session.getChildren(path, this.#tools.readOptions(random)))
    else if (dice < 0.85) this.#tools.track('guarded exists', session.exists(path, this.#tools.readOptions(random)))
    else this.#multi(random, path, value)
  }

  setAcl(random: Random): void {
    const { session } = this.#tools
    const path = random.float() < 0.15 ? ROOT : this.#path(random)
    const options = { ...this.#tools.callOptions(random), ...(random.float() < 0.3 ? { version: randomInt(random, 4) } : {}) }
    // What stands above all must not be closed to all for long.
    const acl = path === ROOT ? pick(random, [ACLS[0], OPEN_ACL, [world(READ | CREATE), of(ALICE, ALL)]]) : pick(random, ACLS)
    this.#tools.track('setACL', session.setACL(path, acl, options))
  }

  getAcl(random: Random): void {
    const options = { ...this.#tools.callOptions(random), linearizable: random.float() < 0.2 }
    this.#tools.track('getACL', this.#tools.session.getACL(this.#path(random), options))
  }

  /** Each of its operations is held against the ACLs, also the ones behind the first. */
  #multi(random: Random, path: string, value: string): void {
    const other = this.#path(random)
    const operations: readonly MultiOp[] = [
      { type: 'setData', path, data: value },
      random.float() < 0.5 ? { type: 'check', path: other } : { type: 'delete', path: other },
      { type: 'create', path: `${path}/k`, data: this.#tools.value(random), acl: pick(random, ACLS) }
    ]
    const asked = random.float() < 0.5 ? operations : operations.toReversed()
    this.#tools.track('guarded multi', this.#tools.session.multi(asked.slice(0, 1 + randomInt(random, 3))))
  }

  #create(path: string, value: string, options: Parameters<ClientTools['session']['create']>[2]): void {
    const { session } = this.#tools
    this.#tools.track('guarded create', session.create(path, value, options), undefined, code => {
      if (code === 'NO_NODE' && this.#tools.room > 0) this.#tools.track('create missing', session.createIfAbsent(ROOT))
    })
  }

  #path(random: Random): string {
    const path = `${ROOT}/g${randomInt(random, ZNODES)}`
    return random.float() < 0.2 ? `${path}/k` : path
  }
}
