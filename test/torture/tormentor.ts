import { Chance } from '../../lib/sim/faults/chance.js'
import { blockedBy } from '../../lib/sim/faults/partitions.js'
import { describeFault, type TortureFault, type TorturePlan, type Victim } from './torture-faults.js'
import type { TorturedEnsemble } from './tortured-ensemble.js'
import type { TorturedMember } from './tortured-member.js'

/** What was really done. */
export interface Torments {
  readonly faults: Readonly<Record<string, number>>
  /** Faults of the plan that had nobody to strike. */
  readonly missed: number
  readonly kills: number
  readonly stops: number
  readonly wipes: number
}

const LOOK_MILLISECONDS = 100

/** How often it is looked whether a disk may be wiped, until the wiping is given up. */
const WIPE_LOOKS = 100

/** Does to an ensemble what a plan says. What struck a member is undone after its time, whatever has struck it since. */
export class Tormentor {
  readonly #ensemble: TorturedEnsemble
  readonly #print: (line: string) => void
  readonly #began = performance.now()
  readonly #faults: Record<string, number> = {}
  readonly #done = { missed: 0, kills: 0, stops: 0, wipes: 0 }
  /** Members that are down, stopped, or being taken down: whoever does so undoes it. */
  readonly #held = new Set<number>()
  readonly #going = new Set<Promise<void>>()
  readonly #failures: unknown[] = []

  constructor(ensemble: TorturedEnsemble, print: (line: string) => void) {
    this.#ensemble = ensemble
    this.#print = print
  }

  get done(): Torments {
    return { faults: this.#faults, ...this.#done }
  }

  /** Resolves when everything is undone again, soon once `signal` has been given. */
  async carryOut({ faults }: TorturePlan, signal?: AbortSignal): Promise<void> {
    for (const fault of faults) {
      await pause(this.#began + fault.at - performance.now())
      if (this.#failures.length > 0 || signal?.aborted) break
      const going = this.#strike(fault)
        .catch(error => this.#failures.push(error))
        .then(() => void this.#going.delete(going))
      this.#going.add(going)
    }
    await Promise.all(this.#going)
    this.#ensemble.network.healAll()
    if (this.#failures.length > 0) throw this.#failures[0]
  }

  /** Strikes, and undoes it when its time is over. */
  async #strike(fault: TortureFault): Promise<void> {
    switch (fault.kind) {
      case 'kill':
        return this.#takeDown(fault, fault.victims, async member => {
          this.#done.kills++
          await member.process.kill()
        })
      case 'close':
        // Without a quorum it takes its time, and a stopped one never answers.
        return this.#takeDown(fault, [fault.victim], async member => {
          if (member.isServing) await member.process.close()
          else await member.process.kill()
        })
      case 'wipe':
        for (let look = 0; !this.#mayBeWiped(fault.victim); look++) {
          if (look === WIPE_LOOKS) return this.#miss()
          await pause(LOOK_MILLISECONDS)
        }
        return this.#takeDown(fault, [fault.victim], async member => {
          this.#done.wipes++
          await member.process.kill()
          await this.#ensemble.wipe(member.id)
        })
      case 'stop':
        return this.#stop(fault, fault.victim)
      default:
        return this.#disturb(fault)
    }
  }

  async #takeDown(
    fault: TortureFault,
    victims: readonly Victim[],
    how: (member: TorturedMember) => Promise<void>
  ): Promise<void> {
    const members = this.#membersOf(victims)
    if (members.length === 0) return this.#miss()
    this.#tell(fault, members)
    for (const { id } of members) this.#held.add(id)
    await Promise.all(members.map(how))
    await pause(fault.lasts)
    for (const { id } of members) {
      this.#held.delete(id)
      this.#ensemble.launch(id)
    }
  }

  async #stop(fault: TortureFault, victim: Victim): Promise<void> {
    const members = this.#membersOf([victim])
    if (members.length === 0) return this.#miss()
    this.#tell(fault, members)
    this.#done.stops++
    for (const { process } of members) process.signal('SIGSTOP')
    await pause(fault.lasts)
    for (const { process } of members) process.signal('SIGCONT')
  }

  async #disturb(fault: Exclude<TortureFault, { kind: 'kill' | 'close' | 'wipe' | 'stop' }>): Promise<void> {
    const { network, ids } = this.#ensemble
    this.#tell(fault, [])
    switch (fault.kind) {
      case 'partition': {
        const one = fault.shape === 'isolateLeader' ? (this.#ensemble.leader?.id ?? fault.victim) : fault.victim
        const blocked = blockedBy(fault.shape, ids, one, Chance.of(fault.seed, 'partition'))
        for (const { from, to } of blocked) {
          if (fault.silent || fault.shape === 'oneWay') network.hold(from, to)
          else network.refuse(from, to)
        }
        await pause(fault.lasts)
        for (const { from, to } of blocked) network.heal(from, to)
        return
      }
      case 'drop':
        if (fault.lasts === 0) return network.reset(fault.a, fault.b)
        network.refuse(fault.a, fault.b)
        await pause(fault.lasts)
        return network.heal(fault.a, fault.b)
      case 'cut':
        network.direction(fault.from, fault.to).cutAfterBytes = fault.afterBytes
        return
      case 'flip':
        network.direction(fault.from, fault.to).flips++
        return
      case 'blackhole':
      case 'delay':
      case 'drip': {
        const direction = network.direction(fault.from, fault.to)
        if (fault.kind === 'blackhole') direction.held = true
        if (fault.kind === 'delay') direction.delayMilliseconds = fault.milliseconds
        if (fault.kind === 'drip') direction.bytesPerSecond = fault.bytesPerSecond
        await pause(fault.lasts)
        direction.heal()
      }
    }
  }

  /** Those of the victims that live and are nobody else's to take down. */
  #membersOf(victims: readonly Victim[]): readonly TorturedMember[] {
    const ids = victims.map(victim => (victim === 'leader' ? this.#ensemble.leader?.id : victim))
    return this.#ensemble.members.filter(({ id }) => ids.includes(id) && !this.#held.has(id))
  }

  /**
   * A wiped disk has lost what it vouched for. The ensemble is built to survive that of a minority which is admitted again in between; here
   * it is one at a time, and only while all others are known to have their say.
   */
  #mayBeWiped(victim: Victim): boolean {
    const id = victim === 'leader' ? this.#ensemble.leader?.id : victim
    const { ids } = this.#ensemble
    return ids.every(each => {
      const running = this.#ensemble.isRunning(each) && !this.#held.has(each)
      const member = this.#ensemble.member(each)
      return running && (each === id ? member.status !== null : this.#isAdmitted(member))
    })
  }

  /** What a member says of itself may be from before it was wiped, but not what it says once it serves. */
  #isAdmitted({ status }: TorturedMember): boolean {
    return status?.serving === true && status.standing === 'member' && status.storage.damage === null
  }

  #miss(): void {
    this.#done.missed++
  }

  #tell(fault: TortureFault, members: readonly TorturedMember[]): void {
    this.#faults[fault.kind] = (this.#faults[fault.kind] ?? 0) + 1
    const whom = members.length === 0 ? '' : `, member ${members.map(({ id }) => id).join(', ')}`
    this.#print(`${((performance.now() - this.#began) / 1_000).toFixed(1).padStart(6)} s  ${describeFault(fault)}${whom}`)
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds))
}
