import { type MemberId, ZooKeeperError } from '../base/index.js'
import type { MemberOptions, Surroundings } from '../member/index.js'
import { type Checker, Violation } from './checker.js'
import { checkClients } from './client-checks.js'
import { SUPER_DIGEST } from './clients/identities.js'
import { Recorder } from './clients/recorder.js'
import { Workload } from './clients/workload.js'
import { Chance } from './faults/chance.js'
import { FaultDriver } from './faults/fault-driver.js'
import { type Plan, type PlannedOptions, planOf } from './faults/plan.js'
import { withLimits } from './faults/tiny-limits.js'
import { Fingerprint } from './fingerprint.js'
import type { CommittedTxn, HistoryEvent } from './history.js'
import { MarkCounter } from './marks.js'
import type { PlainRules } from './model/plain-tree.js'
import { MortalZnodes } from './mortal-znodes.js'
import type { Observation } from './observation.js'
import { protocolCheckers } from './protocol/index.js'
import { RunTimes } from './run-times.js'
import { Supervisor } from './world/supervisor.js'
import { VirtualEnsemble } from './world/virtual-ensemble.js'

/** What clients do by plans that were written down before they could do it. */
const NOT_PLANNED = { takeOverShare: 0 }

/** Milliseconds until a process that has ended by itself is started again. */
const RESTART_MS = 300

export interface RunOptions {
  /** Told of everything that can be seen, in words and in order. */
  readonly onLine?: (line: string) => void
  /** Stands between each member and its surroundings: what is broken on purpose is broken here. */
  readonly surround?: (id: MemberId, surroundings: Surroundings) => Surroundings
  /** More to be held against the run. */
  readonly checkers?: readonly Checker[]
}

/** What came of a run. */
export interface RunReport {
  readonly plan: Plan
  /** What did not hold, as the first checker found it; null when nothing was found. */
  readonly violation: Violation | null
  /** Virtual milliseconds that the run took. */
  readonly at: number
  /** Callbacks that ran. */
  readonly events: number
  /** How often each kind of operation ended in which way, by `kind: outcome`. */
  readonly operations: Readonly<Record<string, number>>
  /** How many faults of each kind struck. */
  readonly faults: Readonly<Record<string, number>>
  /** How often each of {@link MARKS} was met; those that were not are left out. */
  readonly marks: Readonly<Record<string, number>>
  /** Histories of single znodes, and of families, for which an order was searched for, and those that were left to the witness alone. */
  readonly searched: number
  readonly undecided: number
  /** Of everything that was observed: equal for equal runs. */
  readonly fingerprint: string
  /** What clients did and saw, in order. */
  readonly history: readonly HistoryEvent[]
  /** As far as it is known: to the last txn that any member has shown. */
  readonly log: readonly CommittedTxn[]
}

/** Runs the plan of a seed. */
export function runSeed(seed: number, options: RunOptions = {}): Promise<RunReport> {
  return runPlan(planOf(seed), options)
}

/**
 * A whole ensemble from its first start to its end: faults and load for as long as the plan says, then no fault any more, and everything must
 * come to rest. Deterministic: the same plan gives the same run. One at a time in a thread.
 */
export function runPlan(plan: Plan, options: RunOptions = {}): Promise<RunReport> {
  return withLimits(plan.limits, () => new Run(plan, options).run())
}

class Run {
  readonly #plan: Plan
  readonly #options: RunOptions
  readonly #ensemble: VirtualEnsemble
  readonly #supervisor: Supervisor
  readonly #driver: FaultDriver
  readonly #recorder: Recorder
  readonly #workload: Workload
  readonly #marks: MarkCounter
  readonly #fingerprint = new Fingerprint()
  readonly #protocol: ReturnType<typeof protocolCheckers>
  #checkers: readonly Checker[]
  readonly #times = new RunTimes()
  /** What members have shown, by zxid. */
  readonly #digests = new Map<number, string>()
  readonly #mortals: MortalZnodes
  #mortalsLookedAt = 0
  #nextLookAtMortals = 0
  #unexpected: Violation | null = null
  /** How many histories of single znodes and families were searched through, and how many without a verdict. */
  #searched: { readonly searched: number; readonly undecided: number } = { searched: 0, undecided: 0 }

  constructor(plan: Plan, options: RunOptions) {
    this.#plan = plan
    this.#options = options
    const { seed, size, network, disk, millisecondsPerLook, clients } = plan
    this.#ensemble = new VirtualEnsemble({
      size,
      seed,
      options: memberOptions(plan),
      latency: [network.latencyLeast, 2 * network.latencyMean - network.latencyLeast],
      disk: [disk.syncLeast, disk.syncMost],
      network: { loss: network.loss, segmentBytes: network.segmentBytes, resetDelay: network.resetDelay },
      millisecondsPerLook,
      traced: options.onLine !== undefined,
      ...(options.surround === undefined ? {} : { surround: options.surround })
    })
    this.#ensemble.onLine = options.onLine ?? null
    this.#marks = new MarkCounter(size)
    this.#mortals = this.#mortalsFromTheBeginning()
    this.#protocol = protocolCheckers(this.#ensemble.ids as readonly MemberId[])
    this.#checkers = [...this.#protocol.checkers, ...(options.checkers ?? [])]
    this.#recorder = new Recorder({
      clock: () => this.#ensemble.virtual.now,
      onEvent: event => this.#see(event),
      onUnexpected: (error, event) => this.#expectNot(`call of session ${event.session} at member ${event.member}`, error)
    })
    const { without, ...workload } = clients
    this.#workload = new Workload(this.#recorder, {
      ...NOT_PLANNED,
      ...workload,
      enabled: actor => !without.includes(clientOf(actor))
    })
    this.#supervisor = new Supervisor(this.#ensemble, RESTART_MS, {
      onUp: (id, member) => {
        this.#driver.onUp(id)
        const process = this.#ensemble.process(id)
        if (process !== null) this.#workload.start(member, { process: this.#ensemble.life(id), scheduler: process })
      },
      onDown: id => this.#workload.ended(id, this.#ensemble.life(id)),
      onUnexpected: (id, error) => this.#expectNot(`member ${id} ended`, error)
    })
    this.#driver = new FaultDriver(this.#ensemble, this.#supervisor, plan)
    this.#ensemble.onObservation = observation => this.#observe(observation)
  }

  async run(): Promise<RunReport> {
    let violation: Violation | null = null
    try {
      await this.#safety()
      if (this.#plan.losesQuorum) await this.#loseQuorum()
      else await this.#liveness()
      this.#check()
    } catch (error) {
      violation = asViolation(error)
    }
    const { virtual } = this.#ensemble
    return {
      plan: this.#plan,
      violation,
      at: virtual.now,
      events: virtual.events,
      operations: Object.fromEntries(this.#workload.counts),
      faults: Object.fromEntries(this.#driver.counts),
      marks: Object.fromEntries(this.#marks.counts),
      searched: this.#searched.searched,
      undecided: this.#searched.undecided,
      fingerprint: this.#fingerprint.text,
      history: this.#recorder.history,
      log: this.#protocol.committed()
    }
  }

  /** Anything may be down, slow or wrong; nothing that was promised may be lost. */
  async #safety(): Promise<void> {
    const { duration, seed } = this.#plan
    const chance = Chance.of(seed, 'starts')
    for (const id of this.#ensemble.ids) {
      const wait = chance.is(0.7) ? 0 : chance.exponential(1_000)
      this.#ensemble.virtual.runtime.scheduler.after(wait, () => this.#supervisor.up(id))
    }
    this.#driver.start()
    await this.#until(() => false, duration, null)
  }

  /** No fault any more: the ensemble must elect, converge and serve, and every call must get its answer. */
  async #liveness(): Promise<void> {
    const { tickTime, requestTimeout } = this.#plan.options
    const electionMs = this.#electionMs
    this.#driver.heal()
    await this.#until(() => this.#allServe(), electionMs, 'every member serves')
    await this.#until(() => false, 10 * tickTime, null)
    this.#workload.stop()
    await this.#until(() => this.#workload.idle, 2 * requestTimeout + electionMs, 'every call has its answer')
    await this.#until(() => this.#allServe() && this.#allAgree(), electionMs, 'all members are at the same zxid')
    // The sessions of processes that died are over by then.
    await this.#until(() => false, this.#sessionTimeoutMax + 20 * tickTime + 1_000, null)
    await this.#until(() => this.#nothingIsDue(), this.#reapingMs, 'containers and znodes whose time is over are gone')
    await this.#until(() => this.#allServe() && this.#allAgree(), electionMs, 'all members are at the same zxid once more')
    this.#times.quiet(this.#ensemble.virtual.now)
  }

  get #electionMs(): number {
    const { tickTime, initLimit, syncLimit } = this.#plan.options
    return 10 * (initLimit + syncLimit) * tickTime + 20_000
  }

  /** A leader goes through all of them in rounds, and in tiny bounds through one in a tick; more than one may have to. */
  get #reapingMs(): number {
    const { tickTime, containerCheckInterval = 0 } = this.#plan.options
    return 4 * (containerCheckInterval + (1 + this.#mortals.count) * tickTime) + this.#electionMs
  }

  /** Of any session of the run. */
  get #sessionTimeoutMax(): number {
    return Math.max(this.#plan.options.sessionTimeout, this.#plan.clients.sessionTimeoutMilliseconds[1])
  }

  /**
   * More disks are lost than the ensemble can do without. It must stop where it is: what goes on without them would contradict what was
   * promised. Once the checkers have seen that, the run is over.
   */
  async #loseQuorum(): Promise<void> {
    const { ids } = this.#ensemble
    const { tickTime, initLimit } = this.#plan.options
    this.#driver.heal()
    await this.#until(() => this.#allServe(), this.#electionMs, 'every member serves')
    const lost = Chance.of(this.#plan.seed, 'lost quorum')
      .shuffled(ids)
      .slice(0, Math.floor(ids.length / 2) + 1)
    for (const id of lost) this.#supervisor.kill(id)
    // That what was committed is not on a majority of disks any more is what happens here.
    this.#checkers = this.#checkers.filter(({ name }) => name !== 'quorum durability')
    for (const id of lost) this.#ensemble.lose(id, 'wiped')
    for (const id of lost) this.#supervisor.up(id)
    await this.#until(() => false, 5 * initLimit * tickTime + 5_000, null)
    for (const id of lost) {
      if (this.#ensemble.memberOrNull(id)?.status().serving === true)
        throw new Violation('lost quorum', `member ${id} serves although a quorum has lost its disks`)
    }
  }

  /** What can only be judged in the end. */
  #check(): void {
    const ensemble = this.#ensemble
    const { faults, options, losesQuorum } = this.#plan
    const clocksAreTrue = !losesQuorum && faults.every(({ kind }) => kind !== 'drift')
    if (!losesQuorum) for (const checker of this.#checkers) checker.finish?.()
    const log = this.#protocol.committed()
    const findings = checkClients({
      log,
      history: this.#recorder.history,
      members: losesQuorum ? [] : ensemble.members.map(member => ({ member, process: ensemble.life(member.id) })),
      digests: this.#digests,
      times: clocksAreTrue ? this.#times.times(5 * options.tickTime + 500) : null,
      rules: plannedRules(options)
    })
    this.#marks.conclude(findings, log, this.#mortalsFromTheBeginning())
    this.#searched = findings
  }

  #mortalsFromTheBeginning(): MortalZnodes {
    return new MortalZnodes(this.#plan.options.containerMaxNeverUsed ?? Number.POSITIVE_INFINITY)
  }

  /** By the leader's clock, nothing is left that should have been removed. Looked at once in a tick. */
  #nothingIsDue(): boolean {
    const { now } = this.#ensemble.virtual
    if (now < this.#nextLookAtMortals) return false
    this.#nextLookAtMortals = now + this.#plan.options.tickTime
    const log = this.#protocol.committed()
    for (const committed of log.slice(this.#mortalsLookedAt)) this.#mortals.add(committed)
    this.#mortalsLookedAt = log.length
    const leader = this.#ensemble.leaderOrNull
    const clock = leader === null ? null : this.#ensemble.process(leader.id)
    return clock !== null && this.#mortals.dueAt(clock.wall()).length === 0
  }

  #allServe(): boolean {
    const { members, ids } = this.#ensemble
    return (
      members.length === ids.length && members.every(member => member.status().serving && member.status().standing === 'member')
    )
  }

  #allAgree(): boolean {
    const { members } = this.#ensemble
    const [first] = members
    return (
      first !== undefined &&
      members.every(({ local }) => local.zxid === first.local.zxid) &&
      first.status().zxidLogged === first.local.zxid
    )
  }

  /** Runs until it holds; `what` must come true within that time, unless it is null and the time just passes. */
  async #until(holds: () => boolean, withinMs: number, what: string | null): Promise<void> {
    const end = this.#ensemble.virtual.now + withinMs
    let isLate = false
    this.#ensemble.virtual.runtime.scheduler.after(withinMs, () => {
      isLate = true
    })
    await this.#ensemble.until(() => {
      if (this.#unexpected !== null) throw this.#unexpected
      const [error] = this.#ensemble.errors
      if (error !== undefined) throw new Violation('unexpected error', describe(error))
      return isLate || holds()
    }, withinMs + 1)
    if (what === null || (!isLate && this.#ensemble.virtual.now <= end)) return
    const states = this.#ensemble.ids.map(id => {
      const status = this.#ensemble.memberOrNull(id)?.status()
      if (status === undefined)
        return `${id}: ${this.#ensemble.isRunning(id) ? `starts, waits: ${this.#ensemble.waitingFor(id)}` : 'is down'}`
      return `${id}: ${status.role} of ${status.leader} in epoch ${status.epoch}, ${status.serving ? 'serves' : `waits for ${JSON.stringify(status.waiting)}`}, ${status.standing}, at ${status.zxidApplied.toString(16)} of ${status.zxidLogged.toString(16)}, ${status.outstanding} outstanding`
    })
    throw new Violation(
      'liveness',
      `within ${withinMs} ms without a fault it does not come true that ${what}; ${states.join('; ')}`
    )
  }

  #observe(observation: Observation): void {
    this.#fingerprint.add(observation)
    this.#marks.observe(observation)
    this.#times.observe(observation)
    if (observation.kind === 'applied') this.#digests.set(observation.zxid, observation.digest)
    for (const checker of this.#checkers) checker.observe(observation)
    // Last: it may kill the process that is observed.
    this.#driver.observe(observation)
  }

  #see(event: HistoryEvent): void {
    this.#fingerprint.add(event)
    this.#marks.see(event)
    this.#options.onLine?.(`${event.at.toFixed(3)} ${event.member} client ${JSON.stringify(event)}`)
  }

  #expectNot(where: string, error: unknown): void {
    this.#unexpected ??= new Violation('unexpected error', `${where}: ${describe(error)}`)
  }
}

function memberOptions(plan: Plan): MemberOptions {
  const { outstandingRequests, ...options } = plan.options
  return {
    ...options,
    startTimeout: 2 ** 30,
    minSessionTimeout: 2 * options.tickTime,
    superDigest: SUPER_DIGEST,
    outstandingLimit: { requests: outstandingRequests }
  }
}

/** What the checkers must know of the options. */
function plannedRules({ containerMaxNeverUsed, limits }: PlannedOptions): Partial<PlainRules> {
  return {
    ...(containerMaxNeverUsed === undefined ? {} : { containerUnusedMilliseconds: containerMaxNeverUsed }),
    ...(limits?.children === undefined ? {} : { childrenMax: limits.children }),
    ...(limits?.ephemerals === undefined ? {} : { ephemeralsMax: limits.ephemerals })
  }
}

/** An actor is called by member, process and number; what a plan leaves out is left out in every process. */
function clientOf(actor: string): string {
  const [member, , number] = actor.split('.')
  return `${member}.${number}`
}

function asViolation(error: unknown): Violation {
  if (error instanceof Violation) return error
  return new Violation('unexpected error', describe(error))
}

function describe(error: unknown): string {
  if (error instanceof ZooKeeperError) return `${error.code}: ${error.stack}`
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
