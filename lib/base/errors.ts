import type { Zxid } from './zxid.js'

/**
 * Every error code, with ZooKeeper's number where it has one (reference: the `KeeperException.Code` table), whether the same call may be
 * tried again, and what is known of a write that failed with it. Codes are the contract; messages are for people and may change.
 */
export const ERROR_CODES = {
  SYSTEM_ERROR: { wireCode: -1, retryable: false, outcome: 'unknown' },
  RUNTIME_INCONSISTENCY: { wireCode: -2, retryable: false, outcome: 'not-applied' },
  DATA_INCONSISTENCY: { wireCode: -3, retryable: false, outcome: 'unknown' },
  CONNECTION_LOSS: { wireCode: -4, retryable: true, outcome: 'unknown' },
  MARSHALLING_ERROR: { wireCode: -5, retryable: false, outcome: 'not-applied' },
  UNIMPLEMENTED: { wireCode: -6, retryable: false, outcome: 'not-applied' },
  OPERATION_TIMEOUT: { wireCode: -7, retryable: true, outcome: 'unknown' },
  BAD_ARGUMENTS: { wireCode: -8, retryable: false, outcome: 'not-applied' },
  INVALID_STATE: { wireCode: -9, retryable: false, outcome: 'not-applied' },
  UNKNOWN_SESSION: { wireCode: -12, retryable: false, outcome: 'not-applied' },
  NEW_CONFIG_NO_QUORUM: { wireCode: -13, retryable: true, outcome: 'not-applied' },
  RECONFIG_IN_PROGRESS: { wireCode: -14, retryable: true, outcome: 'not-applied' },
  SSL_CONNECTION_ERROR: { wireCode: -15, retryable: false, outcome: 'not-applied' },
  API_ERROR: { wireCode: -100, retryable: false, outcome: 'not-applied' },
  NO_NODE: { wireCode: -101, retryable: false, outcome: 'not-applied' },
  NO_AUTH: { wireCode: -102, retryable: false, outcome: 'not-applied' },
  BAD_VERSION: { wireCode: -103, retryable: false, outcome: 'not-applied' },
  NO_CHILDREN_FOR_EPHEMERALS: { wireCode: -108, retryable: false, outcome: 'not-applied' },
  NODE_EXISTS: { wireCode: -110, retryable: false, outcome: 'not-applied' },
  NOT_EMPTY: { wireCode: -111, retryable: false, outcome: 'not-applied' },
  SESSION_EXPIRED: { wireCode: -112, retryable: false, outcome: 'not-applied' },
  INVALID_CALLBACK: { wireCode: -113, retryable: false, outcome: 'not-applied' },
  INVALID_ACL: { wireCode: -114, retryable: false, outcome: 'not-applied' },
  AUTH_FAILED: { wireCode: -115, retryable: false, outcome: 'not-applied' },
  CLOSED: { wireCode: -116, retryable: false, outcome: 'not-applied' },
  NOTHING: { wireCode: -117, retryable: false, outcome: 'not-applied' },
  SESSION_MOVED: { wireCode: -118, retryable: false, outcome: 'not-applied' },
  NOT_READ_ONLY: { wireCode: -119, retryable: true, outcome: 'not-applied' },
  EPHEMERAL_ON_LOCAL_SESSION: { wireCode: -120, retryable: false, outcome: 'not-applied' },
  NO_WATCHER: { wireCode: -121, retryable: false, outcome: 'not-applied' },
  REQUEST_TIMEOUT: { wireCode: -122, retryable: true, outcome: 'unknown' },
  RECONFIG_DISABLED: { wireCode: -123, retryable: false, outcome: 'not-applied' },
  SESSION_CLOSED_REQUIRE_AUTH: { wireCode: -124, retryable: false, outcome: 'not-applied' },
  QUOTA_EXCEEDED: { wireCode: -125, retryable: false, outcome: 'not-applied' },
  THROTTLED: { wireCode: -127, retryable: true, outcome: 'not-applied' },
  LIMIT_EXCEEDED: { wireCode: null, retryable: false, outcome: 'not-applied' },
  ADDRESS_UNAVAILABLE: { wireCode: null, retryable: true, outcome: 'not-applied' },
  AUTHENTICATION_FAILED: { wireCode: null, retryable: false, outcome: 'not-applied' },
  BAD_FRAME: { wireCode: null, retryable: false, outcome: 'not-applied' },
  DATA_DIR_IN_USE: { wireCode: null, retryable: true, outcome: 'not-applied' },
  DATA_DIR_UNSAFE: { wireCode: null, retryable: false, outcome: 'not-applied' },
  DUPLICATE_ID: { wireCode: null, retryable: true, outcome: 'not-applied' },
  ENSEMBLE_MISMATCH: { wireCode: null, retryable: false, outcome: 'not-applied' },
  EPOCH_EXHAUSTED: { wireCode: null, retryable: false, outcome: 'not-applied' },
  FORMAT_VERSION: { wireCode: null, retryable: false, outcome: 'not-applied' },
  LOG_CORRUPTED: { wireCode: null, retryable: false, outcome: 'not-applied' },
  PEER_LIST_MISMATCH: { wireCode: null, retryable: false, outcome: 'not-applied' },
  START_TIMEOUT: { wireCode: null, retryable: true, outcome: 'not-applied' },
  STORAGE_FAILED: { wireCode: null, retryable: true, outcome: 'unknown' }
} as const satisfies Record<string, { wireCode: number | null; retryable: boolean; outcome: Outcome }>

export type ErrorCode = keyof typeof ERROR_CODES

/** What is known of a write whose call failed. */
export type Outcome = 'not-applied' | 'unknown'

export interface ErrorDetails {
  /** For people; defaults to the code in words. */
  readonly message?: string
  readonly path?: string
  readonly zxid?: Zxid
  /** Overrides the code's usual outcome where more is known. */
  readonly outcome?: Outcome
  readonly cause?: unknown
  /** Per-operation results of a refused `multi`. */
  readonly results?: readonly unknown[]
}

/** The one error class of the library. `code` says what happened and is stable; every code has its paragraph in docs/errors.md. */
export class ZooKeeperError extends Error {
  override readonly name = 'ZooKeeperError'
  readonly code: ErrorCode
  /** ZooKeeper's own number for the code, null where it has none. */
  readonly wireCode: number | null
  /** Whether the same call may succeed if it is simply made again. */
  readonly retryable: boolean
  /** For a write: whether it certainly did not happen. */
  readonly outcome: Outcome
  declare readonly path?: string
  /** The zxid that the refusal was judged at. */
  declare readonly zxid?: Zxid
  /** For a refused `multi`: what became of each operation. */
  declare readonly results?: readonly unknown[]

  constructor(code: ErrorCode, details: ErrorDetails = {}) {
    const words = details.message ?? code.toLowerCase().replaceAll('_', ' ')
    super(
      details.path === undefined ? words : `${words}: ${details.path}`,
      details.cause === undefined ? undefined : { cause: details.cause }
    )
    const entry = ERROR_CODES[code]
    this.code = code
    this.wireCode = entry.wireCode
    this.retryable = entry.retryable
    this.outcome = details.outcome ?? entry.outcome
    if (details.path !== undefined) this.path = details.path
    if (details.zxid !== undefined) this.zxid = details.zxid
    if (details.results !== undefined) this.results = details.results
  }
}

/** Whether an unknown thrown value is a {@link ZooKeeperError}, optionally of one code. */
export function isZooKeeperError(error: unknown, code?: ErrorCode): error is ZooKeeperError {
  return error instanceof ZooKeeperError && (code === undefined || error.code === code)
}
