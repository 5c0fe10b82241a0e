import { type Epoch, epochOf, type MemberId, type Zxid } from '../base/index.js'
import type { Observation } from './observation.js'
import type { Interval } from './sessions/session-times.js'

interface Reign {
  readonly epoch: Epoch
  readonly from: number
  /** When it was seen to tick, and when it heard of a process that had gone already: what was counted by then is counted anew. */
  readonly seen: { readonly at: number; readonly anew: boolean }[]
}

/** When somebody led, did not stand still, and was followed: what such a leader should have done by then must have been done. */
export class ReignTimes {
  readonly #reigns: Reign[] = []
  readonly #leading = new Map<MemberId, Reign>()
  readonly #serving = new Set<MemberId>()
  /** The last zxid of each epoch that anybody has shown. */
  readonly #shown = new Map<number, Zxid>()

  observe(seen: Observation): void {
    const { member, at } = seen
    switch (seen.kind) {
      case 'started':
      case 'ended':
      case 'role':
        this.#leading.delete(member)
        this.#serving.delete(member)
        return
      case 'serving': {
        this.#serving.add(member)
        this.#leading.delete(member)
        if (seen.leader !== member) return
        const reign: Reign = { epoch: seen.epoch, from: at, seen: [] }
        this.#reigns.push(reign)
        this.#leading.set(member, reign)
        return
      }
      case 'applied': {
        const epoch = epochOf(seen.zxid)
        if (seen.zxid > (this.#shown.get(epoch) ?? 0)) this.#shown.set(epoch, seen.zxid)
        return
      }
      case 'sent':
        if (seen.message.kind === 'ping') this.#see(member, seen.message.epoch, at, false)
        return
      case 'received':
        if (seen.message.kind === 'pong' && !this.#serving.has(seen.from)) this.#see(member, seen.message.epoch, at, true)
        return
      default:
    }
  }

  /**
   * `stillMost`: a leader that was not seen for longer has stood still. What it did behind the last of its txns that anybody has shown is
   * left out, for it may have been in vain; not so that of the last leader, by `quietTo` and without a fault.
   */
  intervals(stillMost: number, madeAt: (zxid: Zxid) => number | null, quietTo: number | null): readonly Interval[] {
    const present = new Set(this.#leading.values())
    return this.#reigns.flatMap(reign => {
      const last = this.#shown.get(reign.epoch)
      const end = (present.has(reign) ? quietTo : null) ?? (last === undefined ? null : madeAt(last))
      return end === null ? [] : pieces(reign, stillMost, end)
    })
  }

  #see(member: MemberId, epoch: Epoch, at: number, anew: boolean): void {
    const reign = this.#leading.get(member)
    if (reign?.epoch === epoch) reign.seen.push({ at, anew })
  }
}

function pieces({ from: first, seen }: Reign, stillMost: number, end: number): readonly Interval[] {
  const found: Interval[] = []
  let from = first
  let to = first
  for (const { at, anew } of seen) {
    if (at > end) break
    if (anew || at - to > stillMost) {
      found.push({ from, to })
      from = at
    }
    to = at
  }
  found.push({ from, to })
  return found
}
