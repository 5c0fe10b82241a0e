import { type Epoch, epochOf, formatZxid, type MemberId, NO_EPOCH } from '../../base/index.js'
import type { Checker } from '../checker.js'
import type { Observation, ObservationOf } from '../observation.js'
import type { DiskView } from './disk-view.js'
import type { Mirrors } from './mirrors.js'
import { violated } from './violated.js'

interface Epochs {
  readonly accepted: Epoch
  readonly current: Epoch
}

/**
 * accepted epoch >= current epoch >= epoch of the log's end, on every disk at every moment, and neither epoch ever goes back. The one exception
 * (decision 12): while a member is brought up to date its log may reach into epochs that it has not adopted yet, up to the accepted one. Live
 * proposals it takes only of the epoch that it has adopted.
 */
export class EpochOrder implements Checker {
  readonly name = 'epoch order'
  readonly #mirrors: Mirrors
  /** What was handed over, or found on the disk, last. */
  readonly #epochs = new Map<MemberId, Epochs>()

  constructor(mirrors: Mirrors) {
    this.#mirrors = mirrors
  }

  observe(observation: Observation): void {
    const { member } = observation
    switch (observation.kind) {
      case 'opened':
      case 'written':
        this.#judge(observation, this.#mirrors.of(member).durable, 'its disk holds')
        if (observation.kind === 'opened') this.#remember(member)
        return
      case 'write':
        this.#onWrite(observation)
        this.#remember(member)
        return
      case 'sent': {
        const { message } = observation
        const { currentEpoch, log } = this.#mirrors.of(member).durable
        if (message.kind === 'ackNewLeader' && epochOf(log.end) > currentEpoch) {
          violated(this.name, observation, `has adopted epoch ${currentEpoch}, and its log ends at ${formatZxid(log.end)}`)
        }
        return
      }
      default:
    }
  }

  #onWrite(observation: ObservationOf<'write'>): void {
    const { member, change } = observation
    const before = this.#epochs.get(member) ?? { accepted: NO_EPOCH, current: NO_EPOCH }
    if (change.kind === 'acceptEpoch' && change.epoch <= before.accepted) {
      violated(this.name, observation, `accepts epoch ${change.epoch} behind ${before.accepted}`)
    }
    if (change.kind === 'adoptEpoch' && change.epoch < before.current) {
      violated(this.name, observation, `adopts epoch ${change.epoch} behind ${before.current}`)
    }
    this.#judge(observation, this.#mirrors.of(member).handed, 'hands over')
  }

  #judge(who: Observation, { acceptedEpoch, currentEpoch, log, staged }: DiskView, what: string): void {
    if (currentEpoch > acceptedEpoch)
      violated(this.name, who, `${what} current epoch ${currentEpoch} with accepted epoch ${acceptedEpoch}`)
    for (const { end } of staged === null ? [log] : [log, staged]) {
      if (epochOf(end) > acceptedEpoch)
        violated(this.name, who, `${what} ${formatZxid(end)} with accepted epoch ${acceptedEpoch}`)
    }
  }

  #remember(member: MemberId): void {
    const { acceptedEpoch, currentEpoch } = this.#mirrors.of(member).handed
    this.#epochs.set(member, { accepted: acceptedEpoch, current: currentEpoch })
  }
}
