import type { MemberId, Zxid } from '../../base/index.js'
import type { Checker } from '../checker.js'
import type { Observation } from '../observation.js'
import { DiskMirror } from './disk-mirror.js'
import { TxnBook } from './txn-book.js'
import { violated } from './violated.js'

/**
 * Durability of each member's own disk: what a store has said is written is there when it is opened again, in order and nothing else with it,
 * unless the disk was lost. What is seen on the way is the picture of all disks that the other checkers of the protocol look at: it observes
 * before they do.
 */
export class Mirrors implements Checker {
  readonly name = 'durability'
  readonly voters: readonly MemberId[]
  readonly book = new TxnBook()
  readonly #mirrors = new Map<MemberId, DiskMirror>()

  constructor(voters: readonly MemberId[]) {
    this.voters = voters
    for (const voter of voters) this.#mirrors.set(voter, new DiskMirror())
  }

  of(member: MemberId): DiskMirror {
    let mirror = this.#mirrors.get(member)
    if (mirror === undefined) {
      mirror = new DiskMirror()
      this.#mirrors.set(member, mirror)
    }
    return mirror
  }

  /** Those of the voters, in order. */
  get all(): readonly DiskMirror[] {
    return this.voters.map(voter => this.of(voter))
  }

  isMajority(voters: number): boolean {
    return voters > this.voters.length / 2
  }

  /** Whether this txn is, or was when its disk was lost, on the disks of a majority that counts. */
  isOnMajority(zxid: Zxid, txn: Uint8Array): boolean {
    const holders = this.all.filter(
      ({ counted, durable, ghost }) => (counted && durable.log.holds(zxid, txn)) || ghost?.holds(zxid, txn) === true
    )
    return this.isMajority(holders.length)
  }

  observe(observation: Observation): void {
    const mirror = this.of(observation.member)
    switch (observation.kind) {
      case 'opened': {
        const found = mirror.open(observation.state, this.book)
        if (found !== null) violated(this.name, observation, `the store does not hold what it must: ${found}`)
        return
      }
      case 'write': {
        const { change } = observation
        const txns = change.kind === 'append' ? this.book.enter(change.batch.zxidFirst, change.batch.bytes) : []
        mirror.hand(observation.write, { change, txns })
        return
      }
      case 'written': {
        const { write } = observation
        if (mirror.failed !== null && write > mirror.failed) {
          violated(this.name, observation, `write ${write} is said to be on disk behind write ${mirror.failed}, which has failed`)
        }
        if (!mirror.confirm(write))
          violated(this.name, observation, `write ${write} is said to be on disk, and was never handed over`)
        return
      }
      case 'writeFailed':
        mirror.failed ??= observation.write
        return
      case 'purged':
        return mirror.purge(observation.zxidBase)
      case 'diskLost':
        mirror.suspect = observation.how
        return
      default:
    }
  }

  /** What is written from here on may be another history. */
  forgive(): void {
    this.book.forget()
  }
}
