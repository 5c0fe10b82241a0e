import { formatZxid, type MemberId, ZXID_ZERO } from '../../base/index.js'
import type { Checker } from '../checker.js'
import type { Observation, ProcessNumber } from '../observation.js'
import type { CanonicalLog } from './canonical-log.js'
import type { LogImage } from './log-image.js'
import type { Mirrors } from './mirrors.js'
import { violated } from './violated.js'

interface Counted {
  readonly cuts: number
  /** So many of the canonical txns are held, from the first one. */
  held: number
}

/**
 * What anybody shows is on the disks of a majority at that moment, and never leaves a majority again. A voter whose disk was lost stands for
 * what it held before, and for nothing newer until it is admitted: as long as no more disks are lost than a minority, every quorum that can
 * form has one that holds it.
 */
export class QuorumDurability implements Checker {
  readonly name = 'quorum durability'
  readonly #mirrors: Mirrors
  readonly #canonical: CanonicalLog
  #counts = new WeakMap<LogImage, Counted>()
  readonly #process = new Map<MemberId, ProcessNumber>()
  #at = 0

  constructor(mirrors: Mirrors, canonical: CanonicalLog) {
    this.#mirrors = mirrors
    this.#canonical = canonical
  }

  observe(observation: Observation): void {
    this.#at = observation.at
    this.#process.set(observation.member, observation.process)
    switch (observation.kind) {
      case 'applied':
      case 'opened':
      case 'written':
      case 'purged':
        return this.#check(observation)
      default:
    }
  }

  finish(): void {
    const { committed, zxidLast } = this.#canonical
    for (const member of this.#mirrors.voters) {
      const { durable, suspect } = this.#mirrors.of(member)
      const held = suspect === null ? this.#held(durable.log) : 0
      if (held === committed.length) continue
      const found = `its disk holds ${this.#through(held)} in the end, expected everything up to ${formatZxid(zxidLast)}`
      violated(this.name, { member, process: this.#process.get(member) ?? 0, at: this.#at }, found)
    }
  }

  /** What comes is another history. */
  forgive(): void {
    this.#counts = new WeakMap()
  }

  #check(observation: Observation): void {
    const { committed } = this.#canonical
    const held = this.#mirrors.all.map(({ counted, durable, ghost }) =>
      Math.max(counted ? this.#held(durable.log) : 0, ghost === null ? 0 : this.#held(ghost))
    )
    const holders = held.filter(count => count === committed.length).length
    if (this.#mirrors.isMajority(holders)) return
    const each = this.#mirrors.voters.map((voter, index) => `${voter}: ${this.#through(held[index] ?? 0)}`)
    const last = formatZxid(this.#canonical.zxidLast)
    violated(
      this.name,
      observation,
      `${last} was shown and is not on the disks of a majority; what counts of each: ${each.join(', ')}`
    )
  }

  /** How much of the canonical history a log holds. */
  #held(log: LogImage): number {
    const { committed } = this.#canonical
    let counted = this.#counts.get(log)
    if (counted === undefined || counted.cuts !== log.cuts || counted.held > committed.length) {
      counted = { cuts: log.cuts, held: this.#canonical.indexBehind(log.floor) }
      this.#counts.set(log, counted)
    }
    for (let next = committed[counted.held]; next !== undefined; next = committed[++counted.held]) {
      if (!log.holds(next.zxid, next.bytes)) break
    }
    return counted.held
  }

  #through(held: number): string {
    return held === 0 ? 'nothing' : `up to ${formatZxid(this.#canonical.committed[held - 1]?.zxid ?? ZXID_ZERO)}`
  }
}
