import { formatZxid, type MemberId, ZXID_ZERO, type Zxid } from '../../base/index.js'
import type { Checker } from '../checker.js'
import type { Observation, ObservationOf, ProcessNumber } from '../observation.js'
import { violated } from './violated.js'

/** What a process is held to: what it has shown, or what its store said was committed before it began. */
interface Floor {
  readonly process: ProcessNumber
  readonly zxid: Zxid
  readonly why: string
}

/** The same zxid is the same state, on every member and for ever; and what a member shows never goes back. */
export class Digests implements Checker {
  readonly name = 'digests'
  readonly #digests = new Map<Zxid, { readonly digest: string; readonly member: MemberId }>()
  readonly #floors = new Map<MemberId, Floor>()

  observe(observation: Observation): void {
    const { member, process } = observation
    switch (observation.kind) {
      case 'opened': {
        const { damage, zxidCommitted } = observation.state
        const zxid = damage === null ? zxidCommitted : ZXID_ZERO
        if (!observation.again) this.#floors.set(member, { process, zxid, why: 'its store knew to be committed' })
        return
      }
      case 'applied':
        return this.#onApplied(observation)
      default:
    }
  }

  /** The history is another one from here on. */
  forgive(): void {
    this.#digests.clear()
    this.#floors.clear()
  }

  #onApplied(observation: ObservationOf<'applied'>): void {
    const { member, process, zxid, digest } = observation
    const floor = this.#floors.get(member)
    if (floor !== undefined && floor.process === process && zxid < floor.zxid) {
      violated(
        this.name,
        observation,
        `shows ${formatZxid(zxid)}, expected ${formatZxid(floor.zxid)} at least, which ${floor.why}`
      )
    }
    this.#floors.set(member, { process, zxid, why: 'it has shown before' })
    const known = this.#digests.get(zxid)
    if (known === undefined) this.#digests.set(zxid, { digest, member })
    else if (known.digest !== digest) {
      violated(
        this.name,
        observation,
        `shows ${digest} at ${formatZxid(zxid)}, expected ${known.digest}, which member ${known.member} has shown`
      )
    }
  }
}
