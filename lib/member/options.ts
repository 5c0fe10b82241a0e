import type { AbstractLevel } from 'abstract-level'
import { LIMITS, type MemberId, ZooKeeperError } from '../base/index.js'
import { type Address, parseAddress } from '../transport/index.js'
import type { TreeRules } from '../tree/index.js'
import type { AuthProvider } from './auth-provider.js'
import { AuthSchemes } from './auth-schemes.js'
import { type DigestAlgorithm, DigestAuth } from './digest-auth.js'
import type { MemberProgress } from './ensemble-member.js'

/** The ensemble: addresses in order (ids 1 to n), or by id. Every member is given the same. */
export type Peers = readonly string[] | { readonly [id: number]: string }

/** Options of `createEnsembleMember`. */
export interface MemberOptions {
  /** This member's place in `peers`, 1 to 255. Default: the first address of this machine that is free to listen on. */
  readonly id?: number
  /** Where log and snapshots are kept, created with mode 0700. Default: in memory; a restarted member then has no vote until synchronized. */
  readonly dataDir?: string
  /** A database of your own instead of `dataDir`: any abstract-level database whose batches honour `sync`. The member closes it. */
  readonly storage?: AbstractLevel<string | Buffer | Uint8Array, string, string>
  /** Name of the ensemble, checked in every handshake. Default: `'default'`. */
  readonly ensemble?: string
  /** Shared by the members: TCP links become TLS with a pre-shared key, local sockets prove it by a challenge. Never sent, never logged. */
  readonly secret?: string
  /** Allows to listen beyond loopback without a secret. Default: false. */
  readonly insecure?: boolean
  /** Milliseconds; the unit of the two limits below. Default: 500. */
  readonly tickTime?: number
  /** Ticks that joining may take without progress. Default: 20. */
  readonly initLimit?: number
  /** Ticks of silence in service. Default: 4. */
  readonly syncLimit?: number
  /**
   * What to do when a quorum of voters has lost its storage. `'wait'` (default): wait for it to come back, and explain. `'salvage'`: once every
   * listed member is reachable, go on from the best surviving history, which may miss acknowledged writes.
   */
  readonly onLostQuorum?: 'wait' | 'salvage'
  /** Of the member's own session, in milliseconds. Default: 10 000. */
  readonly sessionTimeout?: number
  /** Milliseconds. Default: 2 ticks. */
  readonly minSessionTimeout?: number
  /** Milliseconds. Default: 120 ticks. */
  readonly maxSessionTimeout?: number
  /** Milliseconds until a call rejects with `OPERATION_TIMEOUT`. Default: 10 000. */
  readonly requestTimeout?: number
  /** Milliseconds until the start is given up. Default: 30 000. */
  readonly startTimeout?: number
  /** Txns between snapshots, randomised between half and all of it. Default: 100 000. */
  readonly snapCount?: number
  /** Snapshots kept. Default: 3. */
  readonly snapRetainCount?: number
  /** Bytes of one znode's data. Default: 1 048 576. */
  readonly maxDataLength?: number
  /** Requests of this member without an answer, and their bytes; more are refused with `THROTTLED`. Default: 10 000 and 64 MiB. */
  readonly outstandingLimit?: { readonly requests?: number; readonly bytes?: number }
  /**
   * What this member keeps, and what it allows while it leads, so that nobody fills the process it lives in; more is refused with `LIMIT_EXCEEDED`.
   * `children` of one znode (default 100 000), `ephemerals` of one session (200 000): give every member the same. `sessions` (10 000) and
   * `watches` (1 000 000) in this member.
   */
  readonly limits?: MemberLimits
  /** Milliseconds from one look at containers and TTL znodes to the next, while this member leads. Default: 10 000. */
  readonly containerCheckInterval?: number
  /** Milliseconds that a container may stay without ever having had a child. Default: 300 000. */
  readonly containerMaxNeverUsed?: number
  /** The id of the scheme `digest` that no ACL applies to, such as {@link digestId} makes. Give every member the same. Default: none. */
  readonly superDigest?: string
  /** How passwords are hashed in ids of the scheme `digest`. Every member of an ensemble takes the same. Default: `'sha1'`. */
  readonly digestAlgorithm?: DigestAlgorithm
  /** Schemes for ACLs beside `world`, `auth`, `digest` and `ip`, or in place of the last two. Give every member the same. Default: none. */
  readonly authProviders?: readonly AuthProvider[]
  /** Aborts the start. */
  readonly signal?: AbortSignal
  /**
   * Called with every `progress` event, from the very start on: a member that waits for others to come has no handle yet on which to listen.
   */
  readonly onProgress?: (progress: MemberProgress) => void
}

/** Bounds of the option `limits`. */
export interface MemberLimits {
  readonly children?: number
  readonly ephemerals?: number
  readonly sessions?: number
  readonly watches?: number
}

/** The options as they are in force: complete, checked, frozen. */
export interface CheckedOptions {
  readonly id: MemberId | null
  readonly addresses: ReadonlyMap<MemberId, Address>
  readonly dataDir: string | null
  readonly storage: NonNullable<MemberOptions['storage']> | null
  readonly ensemble: string
  readonly secret: string | null
  readonly insecure: boolean
  readonly tickTime: number
  readonly initLimit: number
  readonly syncLimit: number
  readonly salvage: boolean
  readonly sessionTimeout: number
  readonly minSessionTimeout: number
  readonly maxSessionTimeout: number
  readonly requestTimeout: number
  readonly startTimeout: number
  readonly snapCount: number
  readonly snapRetainCount: number
  readonly maxDataLength: number
  readonly outstandingRequestsMax: number
  readonly outstandingBytesMax: number
  readonly treeRules: TreeRules
  readonly sessionsMax: number
  readonly watchesMax: number
  readonly containerCheckInterval: number
  readonly authSchemes: AuthSchemes
  readonly signal: AbortSignal | null
  readonly onProgress: ((progress: MemberProgress) => void) | null
}

const MILLISECONDS_MAX = 2 ** 31 - 1
const COUNT_MAX = 2 ** 31 - 1
/** Sessions that one member can report alive: they are named in every sign of life. */
export const SESSIONS_MAX = 1_000_000
const ENSEMBLE_LENGTH_MAX = 128
const SECRET_LENGTH_MIN = 8
const KNOWN = new Set([
  'id',
  'dataDir',
  'storage',
  'ensemble',
  'secret',
  'insecure',
  'tickTime',
  'initLimit',
  'syncLimit',
  'onLostQuorum',
  'sessionTimeout',
  'minSessionTimeout',
  'maxSessionTimeout',
  'requestTimeout',
  'startTimeout',
  'snapCount',
  'snapRetainCount',
  'maxDataLength',
  'outstandingLimit',
  'limits',
  'containerCheckInterval',
  'containerMaxNeverUsed',
  'superDigest',
  'digestAlgorithm',
  'authProviders',
  'signal',
  'onProgress'
])

/** The one place where peers and options are validated. Throws `BAD_ARGUMENTS` naming the field. */
export function checkOptions(peers: Peers, options: MemberOptions): CheckedOptions {
  if (typeof options !== 'object' || options === null) throw bad('options', 'an object')
  for (const name of Object.keys(options)) if (!KNOWN.has(name)) throw bad(name, 'a known option')
  const addresses = checkedPeers(peers)
  const {
    id,
    dataDir,
    storage,
    ensemble = 'default',
    secret,
    insecure = false,
    onLostQuorum = 'wait',
    signal,
    onProgress
  } = options
  if (id !== undefined && !addresses.has(id as MemberId))
    throw bad('id', `one of the peers' ids: ${[...addresses.keys()].join(', ')}`)
  if (dataDir !== undefined && (typeof dataDir !== 'string' || dataDir === '')) throw bad('dataDir', 'a path')
  if (storage !== undefined && !isDatabase(storage)) throw bad('storage', 'an abstract-level database')
  if (dataDir !== undefined && storage !== undefined) throw bad('storage', 'left out when dataDir is given')
  if (typeof ensemble !== 'string' || ensemble === '' || ensemble.length > ENSEMBLE_LENGTH_MAX) {
    throw bad('ensemble', `a name of 1 to ${ENSEMBLE_LENGTH_MAX} characters`)
  }
  if (typeof insecure !== 'boolean') throw bad('insecure', 'a boolean')
  if (onLostQuorum !== 'wait' && onLostQuorum !== 'salvage') throw bad('onLostQuorum', "'wait' or 'salvage'")
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw bad('signal', 'an AbortSignal')
  if (onProgress !== undefined && typeof onProgress !== 'function') throw bad('onProgress', 'a function')
  const tickTime = integer('tickTime', options.tickTime, 500, 10, 60_000)
  const minSessionTimeout = integer('minSessionTimeout', options.minSessionTimeout, 2 * tickTime, 1, MILLISECONDS_MAX)
  const maxDefault = Math.max(120 * tickTime, minSessionTimeout)
  const outstanding = checkedOutstanding(options.outstandingLimit)
  const limits = checkedLimits(options.limits)
  const authSchemes = checkedAuthSchemes(options)
  return Object.freeze({
    id: (id ?? null) as MemberId | null,
    addresses,
    dataDir: dataDir ?? null,
    storage: storage ?? null,
    ensemble,
    secret: checkedSecret(secret),
    insecure,
    tickTime,
    initLimit: integer('initLimit', options.initLimit, 20, 1, 10_000),
    syncLimit: integer('syncLimit', options.syncLimit, 4, 1, 10_000),
    salvage: onLostQuorum === 'salvage',
    sessionTimeout: integer('sessionTimeout', options.sessionTimeout, 10_000, 1, MILLISECONDS_MAX),
    minSessionTimeout,
    maxSessionTimeout: integer('maxSessionTimeout', options.maxSessionTimeout, maxDefault, minSessionTimeout, MILLISECONDS_MAX),
    requestTimeout: integer('requestTimeout', options.requestTimeout, 10_000, 1, MILLISECONDS_MAX),
    startTimeout: integer('startTimeout', options.startTimeout, 30_000, 1, MILLISECONDS_MAX),
    snapCount: integer('snapCount', options.snapCount, 100_000, 2, 2 ** 31),
    snapRetainCount: integer('snapRetainCount', options.snapRetainCount, 3, 1, 1_000),
    maxDataLength: integer('maxDataLength', options.maxDataLength, 1_048_576, 0, LIMITS.requestBytesMax / 2),
    outstandingRequestsMax: integer('outstandingLimit.requests', outstanding.requests, 10_000, 1, 1_000_000),
    outstandingBytesMax: integer('outstandingLimit.bytes', outstanding.bytes, 64 * 1024 * 1024, 1, 2 ** 32),
    treeRules: {
      childrenMax: integer('limits.children', limits.children, LIMITS.childrenMax, 1, COUNT_MAX),
      ephemeralsMax: integer('limits.ephemerals', limits.ephemerals, LIMITS.sessionEphemeralsMax, 1, COUNT_MAX),
      containerUnusedMilliseconds: integer('containerMaxNeverUsed', options.containerMaxNeverUsed, 300_000, 1, MILLISECONDS_MAX),
      match: authSchemes.match
    },
    sessionsMax: integer('limits.sessions', limits.sessions, LIMITS.sessionsMax, 1, SESSIONS_MAX),
    watchesMax: integer('limits.watches', limits.watches, LIMITS.watchesMax, 1, COUNT_MAX),
    containerCheckInterval: integer('containerCheckInterval', options.containerCheckInterval, 10_000, 1, MILLISECONDS_MAX),
    authSchemes,
    signal: signal ?? null,
    onProgress: onProgress ?? null
  })
}

function checkedPeers(peers: Peers): ReadonlyMap<MemberId, Address> {
  if (typeof peers !== 'object' || peers === null) throw bad('peers', 'an array of addresses, or an object from id to address')
  const entries: readonly (readonly [number, unknown])[] = Array.isArray(peers)
    ? peers.map((address, index) => [index + 1, address])
    : Object.entries(peers).map(([id, address]) => [Number(id), address])
  if (entries.length === 0) throw bad('peers', 'at least one address')
  const addresses = new Map<MemberId, Address>()
  const seen = new Set<string>()
  for (const [id, text] of [...entries].sort((a, b) => a[0] - b[0])) {
    if (!Number.isInteger(id) || id < 1 || id > 255) throw bad('peers', 'ids from 1 to 255')
    if (typeof text !== 'string') throw bad(`peers[${id}]`, 'an address')
    const address = parseAddress(text)
    const key = JSON.stringify(address)
    if (seen.has(key)) throw bad(`peers[${id}]`, 'an address that no other member has')
    seen.add(key)
    addresses.set(id as MemberId, address)
  }
  return addresses
}

function checkedSecret(secret: unknown): string | null {
  if (secret === undefined) return null
  if (typeof secret !== 'string' || secret.length < SECRET_LENGTH_MIN)
    throw bad('secret', `at least ${SECRET_LENGTH_MIN} characters`)
  return secret
}

/** By what the store asks of it: it may come from another copy of abstract-level than ours. */
function isDatabase(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const methods: readonly string[] = ['open', 'close', 'get', 'batch', 'iterator', 'keys']
  return methods.every(name => typeof (value as Record<string, unknown>)[name] === 'function')
}

function checkedOutstanding(limit: MemberOptions['outstandingLimit'] = {}): NonNullable<MemberOptions['outstandingLimit']> {
  if (typeof limit !== 'object' || limit === null) throw bad('outstandingLimit', 'an object')
  for (const name of Object.keys(limit)) {
    if (name !== 'requests' && name !== 'bytes') throw bad(`outstandingLimit.${name}`, 'requests or bytes')
  }
  return limit
}

function checkedLimits(limits: MemberLimits = {}): MemberLimits {
  if (typeof limits !== 'object' || limits === null) throw bad('limits', 'an object')
  const known = ['children', 'ephemerals', 'sessions', 'watches']
  for (const name of Object.keys(limits)) if (!known.includes(name)) throw bad(`limits.${name}`, `one of ${known.join(', ')}`)
  return limits
}

function checkedAuthSchemes({ digestAlgorithm = 'sha1', authProviders = [], superDigest }: MemberOptions): AuthSchemes {
  if (digestAlgorithm !== 'sha1' && digestAlgorithm !== 'sha256') throw bad('digestAlgorithm', "'sha1' or 'sha256'")
  if (!Array.isArray(authProviders) || !authProviders.every(isAuthProvider)) throw bad('authProviders', 'an array of providers')
  if (superDigest !== undefined && (typeof superDigest !== 'string' || !new DigestAuth(digestAlgorithm).isValid(superDigest))) {
    throw bad('superDigest', `an id of the scheme digest with ${digestAlgorithm}`)
  }
  return new AuthSchemes(digestAlgorithm, authProviders, superDigest ?? null)
}

const RESERVED_SCHEMES = ['world', 'auth', 'super']

function isAuthProvider(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { scheme, authenticate, isValid, matches } = value as Record<string, unknown>
  if (typeof scheme !== 'string' || scheme === '' || RESERVED_SCHEMES.includes(scheme)) return false
  return [authenticate, isValid, matches].every(each => typeof each === 'function')
}

function integer(name: string, value: unknown, fallback: number, min: number, max: number): number {
  if (value === undefined) return fallback
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw bad(name, `an integer from ${min} to ${max}`)
  }
  return value
}

function bad(field: string, expected: string): ZooKeeperError {
  return new ZooKeeperError('BAD_ARGUMENTS', { message: `${field} must be ${expected}` })
}
