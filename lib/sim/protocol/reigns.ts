import type { Epoch, MemberId } from '../../base/index.js'
import type { Checker } from '../checker.js'
import type { Observation, ObservationOf } from '../observation.js'
import type { Mirrors } from './mirrors.js'
import { violated } from './violated.js'

/** What only the one leader of an epoch says: discovery is behind it, so a quorum has promised it that there will be no other. */
const SAID_BY_THE_LEADER = new Set<string>([
  'truncate',
  'replace',
  'snapshotChunk',
  'history',
  'newLeader',
  'upToDate',
  'admit',
  'proposal',
  'commit'
])

/**
 * At most one leader in each epoch, and nobody acts in an epoch below the one that it has promised. A member's epochs of service never go back,
 * and one that it has led it does not lead again. (Over all members they may: a leader that has stood still can find the acknowledgements that
 * establish it when a later epoch is under way. It commits nothing: its quorum has gone.)
 */
export class Reigns implements Checker {
  readonly name = 'leaders'
  readonly #mirrors: Mirrors
  readonly #leaders = new Map<Epoch, MemberId>()
  /** The epoch that a member serves in, and who leads it. */
  readonly #serving = new Map<MemberId, { readonly epoch: Epoch; readonly process: number }>()
  /** Whom a member has promised an epoch: a promise counts once. */
  readonly #promised = new Map<MemberId, Map<Epoch, MemberId>>()

  constructor(mirrors: Mirrors) {
    this.#mirrors = mirrors
  }

  leaderOf(epoch: Epoch): MemberId | null {
    return this.#leaders.get(epoch) ?? null
  }

  /** `leader` was seen to do what only the leader of that epoch does. */
  claim(who: Observation, epoch: Epoch, leader: MemberId): void {
    const known = this.#leaders.get(epoch)
    if (known === undefined) this.#leaders.set(epoch, leader)
    else if (known !== leader)
      violated(this.name, who, `member ${leader} leads epoch 0x${epoch.toString(16)}, which member ${known} has led`)
  }

  observe(observation: Observation): void {
    switch (observation.kind) {
      case 'serving':
        return this.#onServing(observation)
      case 'sent':
        return this.#onSent(observation)
      case 'diskLost':
        this.#promised.delete(observation.member)
        this.#serving.delete(observation.member)
        return
      default:
    }
  }

  forgive(): void {
    this.#leaders.clear()
    this.#serving.clear()
    this.#promised.clear()
  }

  #onServing(observation: ObservationOf<'serving'>): void {
    const { member, process, epoch, leader } = observation
    this.claim(observation, epoch, leader)
    const before = this.#serving.get(member)
    if (before !== undefined && before.epoch > epoch) {
      violated(this.name, observation, `serves in epoch 0x${epoch.toString(16)} behind epoch 0x${before.epoch.toString(16)}`)
    }
    if (leader === member && before?.epoch === epoch) {
      violated(this.name, observation, `is established in epoch 0x${epoch.toString(16)} for a second time`)
    }
    this.#serving.set(member, { epoch, process })
  }

  #onSent(observation: ObservationOf<'sent'>): void {
    const { member, to, message } = observation
    if (!('epoch' in message)) return
    const { kind, epoch } = message
    if (SAID_BY_THE_LEADER.has(kind)) this.claim(observation, epoch, member)
    const { acceptedEpoch } = this.#mirrors.of(member).durable
    // An epoch of 0 stands for none.
    if (epoch > 0 && epoch < acceptedEpoch) {
      const found = `sends ${kind} to member ${to} in epoch 0x${epoch.toString(16)}, having promised 0x${acceptedEpoch.toString(16)}`
      violated(this.name, observation, found)
    }
    if (kind === 'ackEpoch' && message.promised) this.#promise(observation, epoch, to)
  }

  #promise(who: ObservationOf<'sent'>, epoch: Epoch, to: MemberId): void {
    const promised = this.#promised.get(who.member) ?? new Map<Epoch, MemberId>()
    this.#promised.set(who.member, promised)
    const before = promised.get(epoch)
    if (before !== undefined) {
      violated(this.name, who, `promises epoch 0x${epoch.toString(16)} to member ${to}, having promised it to member ${before}`)
    }
    promised.set(epoch, to)
  }
}
