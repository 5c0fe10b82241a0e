import type { QuotaLimits, QuotaUsage } from './quota.js'
import { quotasAbove } from './quota-table.js'

/** One subtree with a quota, as it will be once the outstanding txns are applied. Replaced, never changed. */
export interface PendingQuota {
  readonly limits: QuotaLimits
  readonly usage: QuotaUsage
}

/**
 * The quotas as the leader must see them: with everything counted that it has accepted, applied or not, so that no number of writes in flight
 * gets past a hard limit (ZooKeeper looks at what is applied, and lets them).
 */
export class PendingQuotas {
  readonly #quotas = new Map<string, PendingQuota>()

  get(subtree: string): PendingQuota | undefined {
    return this.#quotas.get(subtree)
  }

  set(subtree: string, quota: PendingQuota | undefined): void {
    if (quota === undefined) this.#quotas.delete(subtree)
    else this.#quotas.set(subtree, quota)
  }

  /** The nearest subtree at or above `path` whose hard limit would be passed; null if none would. Less is never too much. */
  exceededBy(path: string, count: number, bytes: number): string | null {
    for (const subtree of quotasAbove(this.#quotas, path)) {
      const quota = this.#quotas.get(subtree)
      if (quota === undefined) continue
      const { countHard, bytesHard } = quota.limits
      if (count > 0 && countHard >= 0 && quota.usage.count + count > countHard) return subtree
      if (bytes > 0 && bytesHard >= 0 && quota.usage.bytes + bytes > bytesHard) return subtree
    }
    return null
  }

  /** So many znodes and bytes come to `path`, or go. */
  count(path: string, count: number, bytes: number): void {
    if (count === 0 && bytes === 0) return
    for (const subtree of quotasAbove(this.#quotas, path)) {
      const quota = this.#quotas.get(subtree)
      if (quota === undefined) continue
      const usage = { count: quota.usage.count + count, bytes: quota.usage.bytes + bytes }
      this.#quotas.set(subtree, { limits: quota.limits, usage })
    }
  }
}
