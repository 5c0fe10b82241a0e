import type { MemberId, Zxid } from '../base/index.js'
import type { Observation } from './observation.js'
import { ReignTimes } from './reign-times.js'
import type { Contact, SessionTimes } from './sessions/session-times.js'

/** What a run knows of time that a history does not say: when txns were made, and which processes a leader heard of. */
export class RunTimes {
  readonly #made = new Map<number, number>()
  readonly #contact: Contact[] = []
  readonly #reigns = new ReignTimes()
  #quietTo: number | null = null
  /** Which life a member is in. */
  readonly #lives = new Map<MemberId, number>()
  readonly #leading = new Map<MemberId, number>()
  /** When each epoch was first served in. */
  readonly #begins: number[] = []
  /** The latest that anybody has served in. */
  #epoch = 0
  /** Members whose clients have a leader. */
  readonly #serving = new Set<MemberId>()

  observe(seen: Observation): void {
    this.#reigns.observe(seen)
    switch (seen.kind) {
      case 'started':
        this.#lives.set(seen.member, seen.process)
        this.#leading.delete(seen.member)
        this.#serving.delete(seen.member)
        return
      case 'role':
      case 'ended':
        this.#serving.delete(seen.member)
        return
      case 'serving':
        this.#serving.add(seen.member)
        if (seen.epoch > this.#epoch) {
          this.#epoch = seen.epoch
          this.#begins.push(seen.at)
        }
        if (seen.leader === seen.member) this.#leading.set(seen.member, seen.epoch)
        else this.#leading.delete(seen.member)
        return
      case 'write':
        if (seen.change.kind === 'append' && this.#leading.has(seen.member)) this.#onMade(seen.at, seen.change.batch)
        return
      case 'sent':
        // A leader's own sessions live as long as it ticks.
        if (seen.message.kind === 'ping' && this.#leads(seen.member, seen.message.epoch)) this.#hear(seen.member, seen.at)
        return
      case 'received':
        if (seen.message.kind === 'pong' && this.#leads(seen.member, seen.message.epoch)) this.#hear(seen.from, seen.at)
        return
    }
  }

  /** Nothing has gone wrong for a while by then, and all agree. */
  quiet(to: number): void {
    this.#quietTo = to
  }

  /** `slackMs`: what clocks, ticks and ways may add to what is seen from outside. */
  times(slackMs: number): SessionTimes {
    const madeAt = (zxid: Zxid) => this.#made.get(zxid) ?? null
    return {
      contact: this.#contact,
      served: this.#reigns.intervals(slackMs / 2, madeAt, this.#quietTo),
      madeAt,
      signMilliseconds: slackMs,
      lateMilliseconds: slackMs
    }
  }

  #onMade(at: number, { zxidFirst, count }: { readonly zxidFirst: Zxid; readonly count: number }): void {
    for (let index = 0; index < count; index++) if (!this.#made.has(zxidFirst + index)) this.#made.set(zxidFirst + index, at)
  }

  /** A leader that has not heard of the next one keeps nobody alive. */
  #leads(member: MemberId, epoch: number): boolean {
    return epoch === this.#epoch && this.#leading.get(member) === epoch
  }

  #hear(member: MemberId, at: number): void {
    const process = this.#lives.get(member)
    if (process !== undefined && this.#serving.has(member)) this.#contact.push({ member, process, from: at, to: at })
  }
}
