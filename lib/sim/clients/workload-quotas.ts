import { type Random, randomInt } from '../../base/index.js'
import type { Quota } from '../../member/index.js'
import { QUOTA_PATH, quotaLimitsPath } from '../../tree/index.js'
import type { ClientTools } from './client-tools.js'
import { pick } from './workload-keys.js'

const ROOTS = ['/fill', '/fill/a', '/fill/b'] as const
const ZNODES = 6
const BYTES_MAX = 60

/** Subtrees that may hold little, and writes that would have them hold more. */
export class QuotaWork {
  readonly #tools: ClientTools

  constructor(tools: ClientTools) {
    this.#tools = tools
  }

  setQuota(random: Random): void {
    const { session } = this.#tools
    const root = pick(random, ROOTS)
    const dice = random.float()
    if (dice < 0.6) this.#tools.track('setQuota', session.setQuota(root, this.#quota(random), this.#tools.callOptions(random)))
    // What everybody else works on is only counted.
    else if (dice < 0.7) this.#tools.track('setQuota', session.setQuota(pick(random, ['/tree', '/own']), { count: 3, bytes: 40 }))
    else if (dice < 0.8) this.#tools.track('setQuota', session.setQuota(root, null))
    else if (dice < 0.9) this.#tools.track('getQuota', session.getQuota(root, { linearizable: random.float() < 0.3 }))
    else if (dice < 0.94) this.#tools.track('quota text', session.setData(quotaLimitsPath(root), 'a lot'))
    else if (dice < 0.97) this.#tools.track('quota delete', session.delete(quotaLimitsPath(root)))
    else this.#tools.track('quotas delete', session.delete(`${QUOTA_PATH}/fill`, { recursive: true, ifExists: true }))
  }

  fill(random: Random): void {
    const { session } = this.#tools
    const dice = random.float()
    const options = this.#tools.callOptions(random)
    const path = this.#path(random)
    const value = this.#value(random)
    if (dice < 0.4) this.#tools.track('fill', session.create(path, value, { ...options, parents: true }))
    else if (dice < 0.6) this.#tools.track('fill setData', session.setData(path, value, options))
    else if (dice < 0.75) this.#tools.track('fill delete', session.delete(path, { ...options, recursive: random.float() < 0.3 }))
    else if (dice < 0.9) this.#together(random)
    else this.#burst(random)
  }

  /** Together they may be too many, or as many as there are: what one frees the next may use. */
  #together(random: Random): void {
    const operations = Array.from({ length: 2 + randomInt(random, 3) }, () =>
      random.float() < 0.25
        ? ({ type: 'delete', path: this.#path(random) } as const)
        : ({ type: 'create', path: this.#path(random), data: this.#value(random) } as const)
    )
    this.#tools.track('fill multi', this.#tools.session.multi(operations))
  }

  /** Judged before the first of them is applied. */
  #burst(random: Random): void {
    for (let index = 0; index < ZNODES && this.#tools.room > 0; index++)
      this.#tools.track('fill burst', this.#tools.session.create(`/fill/b/f${index}`, this.#value(random), { parents: true }))
  }

  #quota(random: Random): Quota {
    const some = (most: number) => 1 + randomInt(random, most)
    return {
      ...(random.float() < 0.6 ? { countHard: some(7) } : {}),
      ...(random.float() < 0.5 ? { bytesHard: 20 + some(200) } : {}),
      ...(random.float() < 0.4 ? { count: some(4) } : {}),
      ...(random.float() < 0.4 ? { bytes: some(100) } : {})
    }
  }

  #value(random: Random): string {
    return this.#tools.value(random).padEnd(randomInt(random, BYTES_MAX), '.')
  }

  #path(random: Random): string {
    return `${pick(random, ROOTS)}/f${randomInt(random, ZNODES)}`
  }
}
