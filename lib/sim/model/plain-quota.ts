import { isWithin } from './plain-path.js'

/** What a subtree may hold, by the names that ZooKeeper writes; -1 for no limit. */
export interface PlainLimits {
  readonly count: number
  readonly bytes: number
  readonly countHardLimit: number
  readonly byteHardLimit: number
}

/** What it holds, its root included. */
export interface PlainUsage {
  readonly count: number
  readonly bytes: number
}

const QUOTAS = '/zookeeper/quota'
const LIMITS_NAME = '/zookeeper_limits'
const STATS_NAME = '/zookeeper_stats'
const UNLIMITED: PlainLimits = { count: -1, bytes: -1, countHardLimit: -1, byteHardLimit: -1 }
const TEXT_MAX = 256

const PAIR = '(?:count|bytes|countHardLimit|byteHardLimit)=-?[0-9]{1,15}=?'
const TEXT = new RegExp(`^${PAIR}(?:[,;]+${PAIR})*$`)

/** The subtree that a znode keeps the limits of, if it does. */
export function limitedBy(path: string): string | null {
  return subtreeOf(path, LIMITS_NAME)
}

/** The subtree that a znode shows the usage of, if it does. */
export function shownBy(path: string): string | null {
  return subtreeOf(path, STATS_NAME)
}

/** Where the limits of a subtree are kept. */
export function limitsPathOf(subtree: string): string {
  return `${QUOTAS}${subtree === '/' ? '' : subtree}${LIMITS_NAME}`
}

/** Null for what are no limits. */
export function limitsIn(data: Uint8Array | null): PlainLimits | null {
  if (data === null || data.length === 0) return UNLIMITED
  const text = [...data].map(byte => String.fromCharCode(byte)).join('')
  if (text.length > TEXT_MAX || !TEXT.test(text)) return null
  const pairs = [...text.matchAll(/([a-zA-Z]+)=(-?[0-9]+)/g)].map(([, name, digits]) => [name, Number(digits)] as const)
  if (pairs.some(([, limit]) => limit < -1)) return null
  return { ...UNLIMITED, ...Object.fromEntries(pairs) }
}

/** What a znode that shows a usage has for data. */
export function shownUsage({ count, bytes }: PlainUsage): Uint8Array {
  return new TextEncoder().encode(`count=${count},bytes=${bytes}`)
}

/** Whether so much more is too much. What gets less is never too much. */
export function isOverHard(limits: PlainLimits, usage: PlainUsage, count: number, bytes: number): boolean {
  const isOver = (limit: number, used: number, more: number) => more > 0 && limit >= 0 && used + more > limit
  return isOver(limits.countHardLimit, usage.count, count) || isOver(limits.byteHardLimit, usage.bytes, bytes)
}

/** Of these znodes, how many lie at or below a path, and the bytes of their data. */
export function usageOf(nodes: Iterable<readonly [string, { readonly data: Uint8Array | null }]>, subtree: string): PlainUsage {
  let count = 0
  let bytes = 0
  for (const [path, { data }] of nodes) {
    if (!isWithin(path, subtree)) continue
    count++
    bytes += data?.length ?? 0
  }
  return { count, bytes }
}

function subtreeOf(path: string, name: string): string | null {
  if (!path.startsWith(`${QUOTAS}/`) || !path.endsWith(name)) return null
  return path.slice(QUOTAS.length, path.length - name.length) || '/'
}
