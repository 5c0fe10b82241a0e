import { RESERVED_PATH } from './path.js'

/** Below it lie the quotas, each at the path that it is for: ZooKeeper's layout. */
export const QUOTA_PATH = `${RESERVED_PATH}/quota`

const LIMITS_NAME = '/zookeeper_limits'
const STATS_NAME = '/zookeeper_stats'

/** What a subtree may hold, its root included. -1 stands for 'no limit'. */
export interface QuotaLimits {
  /** Znodes. Soft: passing it is told and not refused. */
  readonly count: number
  /** Bytes of data. Soft. */
  readonly bytes: number
  /** Znodes. Hard: a write that would pass it is refused with `QUOTA_EXCEEDED`. */
  readonly countHard: number
  /** Bytes of data. Hard. */
  readonly bytesHard: number
}

/** What a subtree holds, its root included. */
export interface QuotaUsage {
  readonly count: number
  readonly bytes: number
}

/** A subtree that has come to hold more than a soft limit allows. */
export interface QuotaExcess {
  readonly path: string
  readonly limits: QuotaLimits
  readonly usage: QuotaUsage
}

export const NO_QUOTA: QuotaLimits = { count: -1, bytes: -1, countHard: -1, bytesHard: -1 }

/** The znode that keeps the limits of the subtree at `path`. */
export function quotaLimitsPath(path: string): string {
  return `${QUOTA_PATH}${path === '/' ? '' : path}${LIMITS_NAME}`
}

/** The znode that shows the usage of the subtree at `path`. */
export function quotaStatsPath(path: string): string {
  return `${QUOTA_PATH}${path === '/' ? '' : path}${STATS_NAME}`
}

/** The subtree whose limits the znode at `path` keeps; null for any other znode. */
export function quotaLimitedBy(path: string): string | null {
  return subtreeNamedBy(path, LIMITS_NAME)
}

/** The subtree whose usage the znode at `path` shows; null for any other znode. */
export function quotaShownBy(path: string): string | null {
  return subtreeNamedBy(path, STATS_NAME)
}

/** Whether callers may write at `path`, which lies at or below `/zookeeper`: quotas are theirs to set. */
export function isBelowQuota(path: string): boolean {
  return path.startsWith(QUOTA_PATH) && path.charCodeAt(QUOTA_PATH.length) === SLASH
}

/**
 * The limits in ZooKeeper's text, such as `count=100,bytes=-1=;byteHardLimit=4096;countHardLimit=-1`; null for anything else. What is not
 * named is not limited. A znode without data sets no limit.
 */
export function parseQuotaLimits(data: Uint8Array | null): QuotaLimits | null {
  if (data === null || data.length === 0) return NO_QUOTA
  if (data.length > TEXT_MAX) return null
  const limits = { ...NO_QUOTA }
  for (const pair of String.fromCharCode(...data).split(/[,;]+/)) {
    // ZooKeeper puts a '=' behind the first pairs, for readers that knew only these.
    const [, name, digits] = /^(\w+)=(-?\d{1,15})=?$/.exec(pair) ?? []
    const key = KEYS.find(([text]) => text === name)?.[1]
    if (key === undefined || digits === undefined || Number(digits) < -1) return null
    limits[key] = Number(digits)
  }
  return limits
}

/** The text that {@link parseQuotaLimits} reads, as ZooKeeper's tools write it. */
export function formatQuotaLimits({ count, bytes, countHard, bytesHard }: QuotaLimits): string {
  return `count=${count},bytes=${bytes}=;byteHardLimit=${bytesHard};countHardLimit=${countHard}`
}

/** Usage as ZooKeeper shows it. */
export function formatQuotaUsage({ count, bytes }: QuotaUsage): string {
  return `count=${count},bytes=${bytes}`
}

/** Whether a soft limit is passed. */
export function isOverSoftLimit(limits: QuotaLimits, { count, bytes }: QuotaUsage): boolean {
  return (limits.count >= 0 && count > limits.count) || (limits.bytes >= 0 && bytes > limits.bytes)
}

const SLASH = 0x2f
const TEXT_MAX = 256
const KEYS = [
  ['count', 'count'],
  ['bytes', 'bytes'],
  ['countHardLimit', 'countHard'],
  ['byteHardLimit', 'bytesHard']
] as const satisfies readonly (readonly [string, keyof QuotaLimits])[]

function subtreeNamedBy(path: string, name: string): string | null {
  if (!isBelowQuota(path) || !path.endsWith(name)) return null
  const subtree = path.slice(QUOTA_PATH.length, -name.length)
  return subtree === '' ? '/' : subtree
}
