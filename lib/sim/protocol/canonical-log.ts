import { epochOf, formatZxid, type MemberId, ZXID_ZERO, type Zxid } from '../../base/index.js'
import { decodeTxn } from '../../wire/index.js'
import type { Checker } from '../checker.js'
import type { CommittedTxn } from '../history.js'
import type { Observation, ProcessNumber } from '../observation.js'
import type { LogImage } from './log-image.js'
import type { Mirrors } from './mirrors.js'
import { violated } from './violated.js'

/** One txn of the one history: what is here was shown by a member, and will never be anything else. */
export interface CanonicalTxn {
  readonly zxid: Zxid
  readonly bytes: Uint8Array
}

interface Shown {
  readonly process: ProcessNumber
  readonly zxid: Zxid
}

/**
 * Agreement, total order, prefix: what members show are prefixes of one history, byte for byte. The first who shows a zxid makes everything up
 * to it canonical; a snapshot that stands for the beginning of a log shows its zxid too.
 */
export class CanonicalLog implements Checker {
  readonly name = 'committed prefixes agree'
  readonly committed: CanonicalTxn[] = []
  readonly #mirrors: Mirrors
  readonly #decoded: CommittedTxn[] = []
  readonly #shown = new Map<MemberId, Shown>()
  readonly #running = new Set<MemberId>()
  /** Before the first canonical txn. Not known until there is one when the history began before what may be asked of it. */
  #zxidStart: Zxid | null = ZXID_ZERO
  #at = 0

  constructor(mirrors: Mirrors) {
    this.#mirrors = mirrors
  }

  get zxidLast(): Zxid {
    return this.committed.at(-1)?.zxid ?? this.#zxidStart ?? ZXID_ZERO
  }

  /** The history as the checkers of what clients saw want it. */
  get decoded(): readonly CommittedTxn[] {
    for (const { zxid, bytes } of this.committed.slice(this.#decoded.length)) this.#decoded.push({ zxid, txn: decodeTxn(bytes) })
    return this.#decoded
  }

  /** The place of the first canonical txn behind `zxid`. */
  indexBehind(zxid: Zxid): number {
    let low = 0
    let high = this.committed.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.committed[middle]?.zxid ?? ZXID_ZERO) <= zxid) low = middle + 1
      else high = middle
    }
    return low
  }

  observe(observation: Observation): void {
    const { member, process } = observation
    this.#at = observation.at
    switch (observation.kind) {
      case 'applied': {
        this.#show(observation, this.#shownBy(observation), observation.zxid)
        this.#shown.set(member, { process, zxid: observation.zxid })
        this.#running.add(member)
        return
      }
      case 'purged':
        return this.#show(observation, this.#shownBy(observation), observation.zxidBase)
      case 'ended':
        this.#running.delete(member)
        return
      default:
    }
  }

  finish(): void {
    for (const member of this.#running) {
      const { process, zxid } = this.#shown.get(member) ?? { process: 0, zxid: ZXID_ZERO }
      if (zxid === this.zxidLast) continue
      const found = `shows ${formatZxid(zxid)} in the end, expected ${formatZxid(this.zxidLast)}`
      violated(this.name, { member, process, at: this.#at }, found)
    }
  }

  /** The history is another one from here on, and begins with the first log that is shown. */
  forgive(): void {
    this.committed.length = 0
    this.#decoded.length = 0
    this.#shown.clear()
    this.#zxidStart = null
  }

  #shownBy({ member, process }: Observation): Zxid {
    const shown = this.#shown.get(member)
    return shown?.process === process ? shown.zxid : ZXID_ZERO
  }

  #show(who: Observation, after: Zxid, zxid: Zxid): void {
    const { log } = this.#mirrors.of(who.member).durable
    if (zxid > log.end) violated(this.name, who, `shows ${formatZxid(zxid)}, and its disk ends at ${formatZxid(log.end)}`)
    this.#zxidStart ??= log.floor
    this.#compare(who, log, after, zxid)
    if (zxid > this.zxidLast) this.#extend(who, log, zxid)
    else if (zxid >= this.#zxidStart && !this.#isCanonical(zxid)) {
      violated(this.name, who, `shows ${formatZxid(zxid)}, which is not in the history of the others`)
    }
  }

  /** What it shows of the history so far is the history. */
  #compare(who: Observation, log: LogImage, after: Zxid, through: Zxid): void {
    let own = log.indexBehind(Math.max(after, log.floor, this.#zxidStart ?? ZXID_ZERO) as Zxid)
    for (let index = this.indexBehind(Math.max(after, log.floor) as Zxid); ; index++, own++) {
      const canonical = this.committed[index]
      const found = own < log.length && log.zxidAt(own) <= through ? log.zxidAt(own) : null
      if (canonical === undefined || canonical.zxid > through) {
        if (found === null || found > this.zxidLast) return
        violated(this.name, who, `shows a txn ${formatZxid(found)} that is not in the history of the others`)
      }
      if (found !== canonical.zxid) {
        const instead = found === null ? 'nothing' : formatZxid(found)
        violated(this.name, who, `shows ${formatZxid(through)} with ${instead} where ${formatZxid(canonical.zxid)} is expected`)
      }
      if (log.txnAt(own) !== canonical.bytes)
        violated(this.name, who, `shows another txn at ${formatZxid(found)} than others have shown`)
    }
  }

  #extend(who: Observation, log: LogImage, through: Zxid): void {
    if (log.floor > this.zxidLast) {
      // It came with a snapshot, of a state that nobody has been seen to show yet: somebody must have written what led to it.
      const source = this.#mirrors.all
        .flatMap(({ durable, ghost }) => (ghost === null ? [durable.log] : [durable.log, ghost]))
        .find(other => other.floor <= this.zxidLast && other.find(log.floor) !== undefined)
      if (source === undefined) violated(this.name, who, `shows a snapshot at ${formatZxid(log.floor)} that no log leads to`)
      this.#take(who, source, log.floor)
    }
    this.#take(who, log, through)
  }

  #take(who: Observation, log: LogImage, through: Zxid): void {
    if (!log.reaches(this.zxidLast)) {
      violated(this.name, who, `shows ${formatZxid(through)} without ${formatZxid(this.zxidLast)}, which others have shown`)
    }
    for (let index = log.indexBehind(this.zxidLast); index < log.length && log.zxidAt(index) <= through; index++) {
      const bytes = log.txnAt(index)
      if (bytes !== undefined) this.committed.push({ zxid: log.zxidAt(index), bytes })
    }
    if (this.zxidLast === through) return
    violated(this.name, who, `shows ${formatZxid(through)} of epoch ${epochOf(through)}, which is no txn of its log`)
  }

  #isCanonical(zxid: Zxid): boolean {
    return zxid === this.#zxidStart || this.committed[this.indexBehind(zxid) - 1]?.zxid === zxid
  }
}
