import { isZooKeeperError } from '../base/index.js'
import {
  formatQuotaLimits,
  isReservedPath,
  parentOf,
  QUOTA_PATH,
  type QuotaLimits,
  quotaLimitsPath,
  quotaStatsPath
} from '../tree/index.js'
import { badArguments, checkedPath, checkedWritePath, checkOptionsObject } from './arguments.js'
import type { CallOptions, Quota, ZooKeeper } from './zookeeper.js'

/** Quotas where ZooKeeper's tools keep them, written by calls that everybody has. */

/** Attempts at a quota that others remove at the same time. */
const ATTEMPTS_MAX = 5

/** What fits into the text that limits are kept as. */
const LIMIT_MAX = 10 ** 15 - 1

type Writer = Pick<ZooKeeper, 'createIfAbsent' | 'setData' | 'delete'>

/** Limits as they are told: without those that do not limit. */
export function quotaOf(limits: QuotaLimits): Quota {
  return Object.fromEntries(Object.entries(limits).filter(([, limit]) => limit >= 0))
}

/** @throws ZooKeeperError `BAD_ARGUMENTS` */
export function checkedQuota(quota: unknown): QuotaLimits {
  checkOptionsObject(quota)
  const { count = -1, bytes = -1, countHard = -1, bytesHard = -1, ...more } = quota as Record<string, unknown>
  const [unknown] = Object.keys(more)
  if (unknown !== undefined) throw badArguments(`${unknown} is no limit of a quota`)
  const limits = { count, bytes, countHard, bytesHard }
  for (const [name, limit] of Object.entries(limits)) {
    if (!Number.isSafeInteger(limit) || Number(limit) < -1 || Number(limit) > LIMIT_MAX) {
      throw badArguments(`${name} is an integer from 0 to ${LIMIT_MAX}, or -1 for no limit`)
    }
  }
  return limits as QuotaLimits
}

/** The znode that keeps the limits of a subtree. Throws `BAD_ARGUMENTS` where there can be none. */
export function checkedQuotaPath(path: unknown): string {
  const subtree = checkedPath(path)
  if (isReservedPath(subtree)) throw badArguments(`${subtree} is reserved`)
  return checkedWritePath(quotaLimitsPath(subtree))
}

/**
 * Sets the limits of a subtree, or removes them. What does so is issued at once, so that it takes effect before whatever the session is asked
 * for next; only where somebody else removes the quota in between, it is tried again.
 */
export async function setQuota(zk: Writer, path: string, limits: QuotaLimits | null, options: CallOptions): Promise<void> {
  if (limits === null) return removeQuota(zk, path, options)
  const text = formatQuotaLimits(limits)
  for (let attempt = 1; ; attempt++) {
    const [created, set] = await Promise.allSettled([
      zk.createIfAbsent(quotaLimitsPath(path), text, { ...options, parents: true }),
      zk.setData(quotaLimitsPath(path), text, options),
      // Only shows what is used: that it cannot be made takes nothing from the limits.
      zk.createIfAbsent(quotaStatsPath(path), null, { ...options, parents: true })
    ])
    if (set.status === 'fulfilled' || (created.status === 'fulfilled' && created.value.created)) return
    if (!isZooKeeperError(set.reason, 'NO_NODE')) throw set.reason
    if (created.status === 'rejected') throw created.reason
    if (attempt === ATTEMPTS_MAX) throw set.reason
  }
}

async function removeQuota(zk: Writer, path: string, options: CallOptions): Promise<void> {
  await Promise.all([
    zk.delete(quotaLimitsPath(path), { ...options, ifExists: true }),
    zk.delete(quotaStatsPath(path), { ...options, ifExists: true })
  ])
  try {
    for (let above = parentOf(quotaLimitsPath(path)); above !== QUOTA_PATH; above = parentOf(above)) {
      await zk.delete(above, { ...options, ifExists: true })
    }
  } catch {
    // There are others below it, or it is not ours to delete: what was asked for is done.
  }
}
