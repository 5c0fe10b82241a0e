import {
  isOverSoftLimit,
  parseQuotaLimits,
  type QuotaExcess,
  type QuotaLimits,
  type QuotaUsage,
  quotaLimitedBy
} from './quota.js'

interface Quota {
  readonly limits: QuotaLimits
  /** Whether it has been told that a soft limit is passed. */
  isOver: boolean
}

/** The quotas of a tree, which follow from its znodes below `/zookeeper/quota`. */
export class QuotaTable {
  readonly #quotas = new Map<string, Quota>()

  get size(): number {
    return this.#quotas.size
  }

  entries(): Iterable<readonly [string, QuotaLimits]> {
    return [...this.#quotas].map(([path, { limits }]) => [path, limits] as const)
  }

  limitsOf(path: string): QuotaLimits | null {
    return this.#quotas.get(path)?.limits ?? null
  }

  /** A znode has these data now. What its leader would have refused as limits sets none. */
  onData(path: string, data: Uint8Array | null): void {
    const subtree = quotaLimitedBy(path)
    if (subtree === null) return
    const limits = parseQuotaLimits(data)
    if (limits === null) this.#quotas.delete(subtree)
    else this.#quotas.set(subtree, { limits, isOver: false })
  }

  /** A znode is gone. */
  onDeleted(path: string): void {
    const subtree = quotaLimitedBy(path)
    if (subtree !== null) this.#quotas.delete(subtree)
  }

  /** Something at or below each of `paths` has changed: the subtrees that have come to be over a soft limit by it, each told once until it is not. */
  newlyOver(paths: Iterable<string>, usageOf: (path: string) => QuotaUsage): readonly QuotaExcess[] {
    const excesses: QuotaExcess[] = []
    for (const path of paths) {
      for (const above of quotasAbove(this.#quotas, path)) {
        const quota = this.#quotas.get(above)
        if (quota === undefined) continue
        const usage = usageOf(above)
        const isOver = isOverSoftLimit(quota.limits, usage)
        if (isOver && !quota.isOver) excesses.push({ path: above, limits: quota.limits, usage })
        quota.isOver = isOver
      }
    }
    return excesses
  }
}

/** Of those paths, the ones at or above `path`, from below. */
export function quotasAbove(quotas: ReadonlyMap<string, unknown>, path: string): readonly string[] {
  if (quotas.size === 0) return NOWHERE
  const above: string[] = []
  for (let at = path; ; ) {
    if (quotas.has(at)) above.push(at)
    if (at === '/') return above
    const slash = at.lastIndexOf('/')
    at = slash === 0 ? '/' : at.slice(0, slash)
  }
}

const NOWHERE: readonly string[] = []
