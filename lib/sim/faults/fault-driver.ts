import { decodeTxn } from '../../wire/index.js'
import { txnsOf } from '../../zab/index.js'
import type { DiskImage } from '../disk/sim-disk.js'
import type { Observation } from '../observation.js'
import type { Supervisor } from '../world/supervisor.js'
import { nameOf, type VirtualEnsemble } from '../world/virtual-ensemble.js'
import { Chance } from './chance.js'
import type { CrashPoint, Fault, Target } from './faults.js'
import { type Blocked, blockedBy } from './partitions.js'
import type { Plan } from './plan.js'

/** Milliseconds between two copies of every disk, of which the last few are kept to be put back. */
const BACKUP_INTERVAL = 1_000
const BACKUPS_KEPT = 4

interface Partition {
  readonly blocked: readonly Blocked[]
  readonly silent: boolean
}

interface Trap {
  readonly point: CrashPoint
  readonly id: number
  skip: number
  readonly power: boolean
  readonly lasts: number
}

/** Lets the faults of a plan happen to an ensemble, and undoes what lasts. */
export class FaultDriver {
  /** How many of each kind have struck; those that found nobody to strike are not counted. */
  readonly counts = new Map<string, number>()
  readonly #ensemble: VirtualEnsemble
  readonly #supervisor: Supervisor
  readonly #plan: Plan
  readonly #chance: Chance
  readonly #partitions = new Set<Partition>()
  readonly #traps = new Set<Trap>()
  readonly #backups = new Map<number, { readonly image: DiskImage; readonly at: number }[]>()
  /** Members whose disk has lost what it had vouched for, until they are counted again. */
  readonly #impaired = new Set<number>()
  /**
   * Members whose machine has lost its power and that have not served since: the note of what they had acknowledged may be gone, and what goes
   * bad then goes unnoticed (lib/storage/README.md).
   */
  readonly #powerless = new Set<number>()
  /** Members on whose disk something has gone bad since they served last. */
  readonly #rotten = new Set<number>()
  /** Members whose disk is about to lose it. */
  readonly #doomed = new Set<number>()
  /** Members that have served once. */
  readonly #served = new Set<number>()
  #over = false

  constructor(ensemble: VirtualEnsemble, supervisor: Supervisor, plan: Plan) {
    this.#ensemble = ensemble
    this.#supervisor = supervisor
    this.#plan = plan
    this.#chance = Chance.of(plan.seed, 'fault driver')
  }

  /** From here on the faults come when their time has come. */
  start(): void {
    for (const fault of this.#plan.faults) this.#after(fault.at, () => this.#strike(fault))
    if (this.#plan.faults.some(({ kind }) => kind === 'backup')) this.#backUp()
  }

  /** No fault any more: everything is mended, and everybody runs. */
  heal(): void {
    this.#over = true
    this.#partitions.clear()
    this.#traps.clear()
    this.#ensemble.network.calm()
    this.#ensemble.slowness = 1
    for (const id of this.#ensemble.ids) {
      this.#ensemble.disk(id).mend()
      const process = this.#ensemble.process(id)
      process?.resume()
      process?.drift(1)
      process?.setWall(0)
      // A write that never ends is ended by whoever looks after the machine.
      if (this.#ensemble.disk(id).hangs) this.#supervisor.kill(id)
      this.#supervisor.up(id)
    }
  }

  /** A member serves. */
  onUp(id: number): void {
    this.#served.add(id)
    this.#powerless.delete(id)
    this.#rotten.delete(id)
  }

  /** For crashes between two effects: what is seen happens right now. */
  observe(observation: Observation): void {
    if (this.#traps.size === 0) return
    for (const trap of this.#traps) {
      if (trap.id !== observation.member || !isAt(trap.point, observation)) continue
      if (trap.skip-- > 0) continue
      this.#traps.delete(trap)
      this.#count('crashAt')
      if (trap.point.on === 'disk') this.#after(trap.point.within, () => this.#kill(trap.id, trap.power, false, trap.lasts))
      else this.#kill(trap.id, trap.power, false, trap.lasts)
      return
    }
  }

  #strike(fault: Fault): void {
    if (this.#over) return
    const ensemble = this.#ensemble
    const { network } = ensemble
    const id = 'target' in fault ? this.#resolve(fault.target) : 0
    if (id === null) return
    switch (fault.kind) {
      case 'crash':
        if (!ensemble.isRunning(id)) return
        this.#kill(id, fault.power, fault.silent, fault.lasts)
        break
      case 'crashAt':
        // Counted when it strikes.
        this.#traps.add({ ...fault, id })
        return
      case 'crashAll':
        for (const [index, each] of ensemble.ids.entries()) {
          this.#kill(each, fault.power, fault.power, fault.lasts + index * fault.stagger)
        }
        break
      case 'rollingRestart':
        for (const [index, each] of ensemble.ids.entries()) {
          this.#after(index * fault.gap, () => {
            if (fault.orderly) this.#supervisor.close(each)
            else this.#supervisor.kill(each)
            this.#supervisor.up(each)
          })
        }
        break
      case 'close':
        if (ensemble.memberOrNull(id) === null) return
        this.#supervisor.close(id)
        this.#after(fault.lasts, () => this.#supervisor.up(id))
        break
      case 'pause':
      case 'drift': {
        const process = ensemble.process(id)
        if (process === null) return
        if (fault.kind === 'pause') ensemble.pause(id)
        else process.drift(fault.rate)
        const life = ensemble.life(id)
        this.#after(fault.lasts, () => {
          if (ensemble.life(id) !== life) return
          if (fault.kind === 'pause') ensemble.resume(id)
          else process.drift(1)
        })
        break
      }
      case 'wallClock':
        if (ensemble.process(id) === null) return
        ensemble.process(id)?.setWall(fault.offset)
        break
      case 'partition': {
        const one = fault.shape === 'isolateLeader' ? (this.#resolve('leader') ?? id) : id
        const partition = { blocked: blockedBy(fault.shape, ensemble.ids, one, this.#chance), silent: fault.silent }
        this.#partitions.add(partition)
        this.#apply()
        this.#after(fault.lasts, () => {
          this.#partitions.delete(partition)
          this.#apply()
        })
        break
      }
      case 'strand':
        network.strand(nameOf(fault.a), nameOf(fault.b))
        break
      case 'reset':
        if (!network.reset(nameOf(fault.a), nameOf(fault.b))) return
        break
      case 'clog':
        network.clog(nameOf(fault.from), nameOf(fault.to))
        this.#after(fault.lasts, () => network.unclog(nameOf(fault.from), nameOf(fault.to)))
        break
      case 'flipOnWire':
        if (this.#plan.network.segmentBytes === null) return
        network.flipNext(nameOf(fault.from), nameOf(fault.to))
        break
      case 'slowPeer':
        this.#throttle(id, fault.bytesPerMs)
        this.#after(fault.lasts, () => this.#throttle(id, null))
        break
      case 'slowNetwork':
        ensemble.slowness = fault.factor
        this.#after(fault.lasts, () => {
          ensemble.slowness = 1
        })
        break
      case 'slowDisk':
        ensemble.disk(id).slow(fault.ms)
        this.#after(fault.lasts, () => ensemble.disk(id).slow(0))
        break
      case 'failWrite':
        ensemble.disk(id).failNext(fault.how)
        break
      case 'fullDisk':
        ensemble.disk(id).failAlways('full')
        this.#after(fault.lasts, () => ensemble.disk(id).mend())
        break
      case 'failReads':
        ensemble.disk(id).failReads(true)
        this.#after(fault.lasts, () => ensemble.disk(id).failReads(false))
        break
      case 'failOpening':
        ensemble.disk(id).failOpening(fault.how)
        break
      case 'wipe':
      case 'backup':
      case 'rot':
        if (!this.#destroy(fault, id)) return
        break
    }
    this.#count(fault.kind)
  }

  /** False when more disks would be lost than an ensemble can do without. */
  #destroy(fault: Extract<Fault, { kind: 'wipe' | 'backup' | 'rot' }>, id: number): boolean {
    const ensemble = this.#ensemble
    this.#readmit()
    const spared = Math.floor((ensemble.ids.length - 1) / 2)
    // Who has never served holds nothing that could stand for what is lost.
    const without = ensemble.ids.filter(each => each !== id && (this.#impaired.has(each) || !this.#served.has(each)))
    if (without.length >= spared) return false
    const end = ensemble.memberOrNull(id)?.status().zxidLogged ?? null
    // What breaks before the ensemble is founded cannot be told from the rest of an older one: that is for people to decide.
    if (!this.#served.has(id) || (fault.kind === 'backup' && end === null)) return false
    const wasImpaired = this.#impaired.has(id)
    if (this.#doomed.has(id) || (fault.kind === 'rot' && this.#powerless.has(id))) return false
    this.#impaired.add(id)
    this.#doomed.add(id)
    this.#supervisor.kill(id, { silent: this.#chance.is(0.5) })
    this.#after(fault.lasts, () => {
      this.#doomed.delete(id)
      if (ensemble.isRunning(id)) return
      if (fault.kind === 'wipe') {
        ensemble.lose(id, 'wiped')
      } else if (fault.kind === 'rot') {
        if (this.#powerless.has(id)) return this.#supervisor.up(id)
        this.#rotten.add(id)
        ensemble.lose(id, 'damaged')
        ensemble.disk(id).rot(fault.how)
      } else {
        const image = this.#backups.get(id)?.[0]?.image
        // Nobody can tell an old backup from a disk that has slept. It does no harm where all others have what it had acknowledged.
        if (image !== undefined && end !== null && this.#othersHold(id, end)) {
          ensemble.lose(id, 'backup', image)
        } else if (!wasImpaired) this.#impaired.delete(id)
      }
      this.#supervisor.up(id)
    })
    return true
  }

  #othersHold(id: number, end: number): boolean {
    const others = this.#ensemble.ids.filter(other => other !== id)
    return others.every(other => {
      const status = this.#ensemble.memberOrNull(other)?.status()
      return status?.serving === true && status.zxidApplied >= end && !this.#impaired.has(other)
    })
  }

  /** Those that are counted again can be done without again. */
  #readmit(): void {
    for (const id of this.#impaired) {
      if (this.#doomed.has(id)) continue
      const status = this.#ensemble.memberOrNull(id)?.status()
      if (status?.serving === true && status.standing === 'member' && status.storage.damage === null) {
        this.#impaired.delete(id)
      }
    }
  }

  #kill(id: number, power: boolean, silent: boolean, lasts: number): void {
    // What has gone bad is found out by the note at the next opening: until then its machine keeps its power.
    const losesPower = power && !this.#rotten.has(id)
    if (losesPower) this.#powerless.add(id)
    this.#supervisor.kill(id, { power: losesPower, silent })
    this.#after(lasts, () => this.#supervisor.up(id))
  }

  #apply(): void {
    const { ids } = this.#ensemble
    for (const from of ids) {
      for (const to of ids) {
        if (from === to) continue
        const blocking = [...this.#partitions].filter(({ blocked }) => blocked.some(each => each.from === from && each.to === to))
        const way = blocking.length === 0 ? 'open' : blocking.some(({ silent }) => !silent) ? 'cut' : 'swallowed'
        this.#ensemble.network.setWay(nameOf(from), nameOf(to), way)
      }
    }
  }

  #throttle(id: number, bytesPerMs: number | null): void {
    const { ids, network } = this.#ensemble
    for (const other of ids) if (other !== id) network.throttle(nameOf(other), nameOf(id), bytesPerMs)
  }

  #backUp(): void {
    if (this.#over) return
    for (const id of this.#ensemble.ids) {
      const kept = this.#backups.get(id) ?? []
      kept.push({ image: this.#ensemble.disk(id).image(), at: this.#ensemble.virtual.now })
      this.#backups.set(id, kept.slice(-BACKUPS_KEPT))
    }
    this.#after(BACKUP_INTERVAL, () => this.#backUp())
  }

  #resolve(target: Target): number | null {
    if (typeof target === 'number') return target
    const leader = this.#ensemble.leaderOrNull
    if (target === 'leader') return leader?.id ?? null
    const following = this.#ensemble.ids.filter(id => id !== leader?.id)
    return following.length === 0 ? null : this.#chance.pick(following)
  }

  #after(milliseconds: number, act: () => void): void {
    this.#ensemble.virtual.runtime.scheduler.after(milliseconds, () => {
      if (!this.#over) act()
    })
  }

  #count(kind: string): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1)
  }
}

function isAt(point: CrashPoint, observation: Observation): boolean {
  switch (point.on) {
    case 'sent':
    case 'received':
      return observation.kind === point.on && observation.message.kind === point.message
    case 'write':
      return observation.kind === 'write' && observation.change.kind === point.change
    case 'written':
      return observation.kind === 'written'
    case 'txn':
      return txnsIn(observation).some(bytes => decodeTxn(bytes).change.kind === point.change)
    case 'disk':
      return observation.kind === 'write'
  }
}

function txnsIn(observation: Observation): readonly Uint8Array[] {
  if (observation.kind === 'write' && observation.change.kind === 'append') return txnsOf(observation.change.batch)
  return observation.kind === 'sent' && observation.message.kind === 'proposal' ? txnsOf(observation.message.batch) : []
}
