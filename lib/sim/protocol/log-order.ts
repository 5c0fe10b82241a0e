import { counterOf, epochOf, formatZxid, type MemberId, ZXID_ZERO, type Zxid } from '../../base/index.js'
import type { Batch } from '../../zab/index.js'
import type { Checker } from '../checker.js'
import type { Observation, ObservationOf } from '../observation.js'
import type { CanonicalLog } from './canonical-log.js'
import type { Mirrors } from './mirrors.js'
import type { Reigns } from './reigns.js'
import { areEqual } from './txn-book.js'
import { violated } from './violated.js'

/**
 * Logs grow without gaps, by what the leader of an epoch has proposed and nothing else, and are never cut below what was shown. A zxid names
 * one txn for ever.
 */
export class LogOrder implements Checker {
  readonly name = 'log order'
  readonly #mirrors: Mirrors
  readonly #canonical: CanonicalLog
  readonly #reigns: Reigns
  /** What each member has shown at most: its disk answers for it, whatever process. */
  readonly #shown = new Map<MemberId, Zxid>()
  /** Batches that a member was sent and has not appended, in order. */
  readonly #received = new Map<MemberId, Batch[]>()

  constructor(mirrors: Mirrors, canonical: CanonicalLog, reigns: Reigns) {
    this.#mirrors = mirrors
    this.#canonical = canonical
    this.#reigns = reigns
  }

  observe(observation: Observation): void {
    const { member } = observation
    switch (observation.kind) {
      case 'applied':
        if (observation.zxid > (this.#shown.get(member) ?? ZXID_ZERO)) this.#shown.set(member, observation.zxid)
        return
      case 'received': {
        const { message } = observation
        if (message.kind !== 'history' && message.kind !== 'proposal') return
        const waiting = this.#received.get(member)
        if (waiting === undefined) this.#received.set(member, [message.batch])
        else waiting.push(message.batch)
        return
      }
      case 'write':
        return this.#onWrite(observation)
      case 'started':
      case 'ended':
        this.#received.delete(member)
        return
      case 'diskLost':
        this.#shown.delete(member)
        return
      default:
    }
  }

  forgive(): void {
    this.#shown.clear()
  }

  #onWrite(observation: ObservationOf<'write'>): void {
    const { change } = observation
    switch (change.kind) {
      case 'append':
        return this.#onAppend(observation, change.batch)
      case 'truncate':
        return this.#onTruncate(observation, change.zxid)
      case 'adoptEpoch':
        return this.#onAdopt(observation)
      default:
    }
  }

  #onAppend(who: Observation, batch: Batch): void {
    const { handed } = this.#mirrors.of(who.member)
    const log = handed.staged ?? handed.log
    const { zxidFirst, count } = batch
    const before = log.zxidAt(log.length - count - 1)
    const follows =
      epochOf(zxidFirst) === epochOf(before) ? zxidFirst === before + 1 : zxidFirst > before && counterOf(zxidFirst) === 1
    if (!follows) violated(this.name, who, `appends ${formatZxid(zxidFirst)} behind ${formatZxid(before)}, which leaves a gap`)
    for (let zxid = zxidFirst; zxid < zxidFirst + count; zxid++) {
      const known = this.#mirrors.book.at(zxid).length
      if (known !== 1) violated(this.name, who, `appends ${formatZxid(zxid)}, which names ${known} different txns, expected one`)
    }
    this.#traceBack(who, batch)
  }

  /** What is appended was received from its leader as it is, or is the member's own proposal. */
  #traceBack(who: Observation, batch: Batch): void {
    const waiting = this.#received.get(who.member) ?? []
    const place = waiting.findIndex(
      ({ zxidFirst, count, bytes }) => zxidFirst === batch.zxidFirst && count === batch.count && areEqual(bytes, batch.bytes)
    )
    if (place >= 0) {
      waiting.splice(0, place + 1)
      return
    }
    const epoch = epochOf(batch.zxidFirst)
    const leader = this.#reigns.leaderOf(epoch)
    if (leader !== null && leader !== who.member) {
      violated(this.name, who, `appends ${formatZxid(batch.zxidFirst)}, which it was not sent; member ${leader} leads that epoch`)
    }
    this.#reigns.claim(who, epoch, who.member)
  }

  #onTruncate(who: Observation, zxid: Zxid): void {
    const shown = this.#shown.get(who.member) ?? ZXID_ZERO
    if (zxid < shown) violated(this.name, who, `cuts its log to ${formatZxid(zxid)}, having shown ${formatZxid(shown)}`)
    const lost = this.#canonical.committed[this.#canonical.indexBehind(zxid)]
    if (lost === undefined || this.#mirrors.of(who.member).durable.log.find(lost.zxid) !== lost.bytes) return
    violated(this.name, who, `cuts its log to ${formatZxid(zxid)}, and with it ${formatZxid(lost.zxid)}, which others have shown`)
  }

  #onAdopt(who: Observation): void {
    const { end } = this.#mirrors.of(who.member).handed.log
    const shown = this.#shown.get(who.member) ?? ZXID_ZERO
    if (end < shown)
      violated(this.name, who, `adopts a history that ends at ${formatZxid(end)}, having shown ${formatZxid(shown)}`)
  }
}
