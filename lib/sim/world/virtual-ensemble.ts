import { type MemberId, NO_EPOCH, type Random, seededRandom, type Zxid } from '../../base/index.js'
import { createEnsembleMemberIn, type EnsembleMember, type MemberOptions, type Surroundings } from '../../member/index.js'
import type { Storage, StorageOptions } from '../../storage/index.js'
import type { PeerMessage } from '../../wire/index.js'
import { type DiskImage, SimDisk } from '../disk/sim-disk.js'
import { openSimStorage } from '../disk/sim-storage.js'
import { SimNetwork, type SimNetworkOptions } from '../network/sim-network.js'
import type { Observation } from '../observation.js'
import { ObservedStorage } from './observed-storage.js'
import { type ObservedFrame, ObservedTransport } from './observed-transport.js'
import type { VirtualProcess } from './virtual-process.js'
import { VirtualRuntime } from './virtual-runtime.js'

export interface VirtualEnsembleOptions {
  /** Members listed; none is started by itself. Default: 3. */
  readonly size?: number
  readonly seed?: number
  /** Options for every member. Ticks are short by default (100 ms), so that little virtual time has to pass. */
  readonly options?: MemberOptions
  /** Milliseconds that a frame is on its way, at least and at most. Default: 0.2 to 1. */
  readonly latency?: readonly [number, number]
  /** What else the network does by chance. Default: nothing. */
  readonly network?: Omit<SimNetworkOptions, 'latency'>
  /** Milliseconds that a synced write takes. Default: 0.5 to 2. */
  readonly disk?: readonly [number, number]
  /** Whether the seed decides which member goes first when several have something to do. Default: true. */
  readonly shuffle?: boolean
  /** Milliseconds that seem to pass between two looks at the clock within one callback, so that work is done in slices. Default: 0. */
  readonly millisecondsPerLook?: number
  /** Whether everything that can be seen is written down in `trace`. Default: true. */
  readonly traced?: boolean
  /**
   * Stands between a member and its surroundings: what a test breaks on purpose, it breaks here. What it does to disk and network is
   * observed as if the member had done it.
   */
  readonly surround?: (id: MemberId, surroundings: Surroundings) => Surroundings
}

/** What is told while members run. */
export interface FrameSent {
  readonly at: number
  readonly from: number
  readonly to: string
  /** `link` is a frame of the links' own, a handshake or a sign of life. */
  readonly kind: PeerMessage['kind'] | 'link'
  readonly bytes: number
}

/** What happened, without where and when. */
type Seen = Observation extends infer Each ? (Each extends Observation ? Omit<Each, 'at' | 'member' | 'process'> : never) : never

interface Running {
  readonly process: VirtualProcess
  readonly number: number
  readonly member: Promise<EnsembleMember>
  /** Null until the start has succeeded. */
  ready: EnsembleMember | null
  zxidSeen: number
}

/**
 * Whole members in virtual time: one process each, a network with seeded latency, disks that outlive a crash. After every callback it is
 * checked that members at the same zxid have the same digest. `close` it in the end: it fails when anything was thrown that nobody expected.
 */
export class VirtualEnsemble {
  readonly virtual: VirtualRuntime
  readonly network: SimNetwork
  readonly random: Random
  /** Everything that can be seen of the run, in order. */
  readonly trace: string[] = []
  /** What callbacks threw: what listeners throw surfaces here. A test that expects some takes them out. */
  readonly errors: unknown[] = []
  /** Told of every frame before it is sent. */
  onFrame: (frame: FrameSent) => void = () => {}
  /** Frames take so many times as long. */
  slowness = 1
  /** Told of everything that can be seen, in words; null to write it to `trace` instead. */
  onLine: ((line: string) => void) | null = null
  /** Told of everything that can be seen of members from outside. What it throws ends the run. */
  onObservation: (observation: Observation) => void = () => {}
  readonly #settings: VirtualEnsembleOptions
  readonly #disks = new Map<number, SimDisk>()
  readonly #running = new Map<number, Running>()
  /** Processes that each member has had. */
  readonly #lives = new Map<number, number>()
  /** What each member last said it waits for. */
  readonly #waiting = new Map<number, string>()
  readonly #digests = new Map<number, string>()
  readonly #peers: readonly string[]
  /** What an observer has thrown. */
  #broken: unknown = null

  constructor(settings: VirtualEnsembleOptions = {}) {
    const { size = 3, seed = 1, latency = [0.2, 1], disk = [0.5, 2], shuffle = true } = settings
    this.#settings = settings
    this.virtual = new VirtualRuntime(seed, { shuffle })
    this.random = seededRandom(seed * 7919 + 1)
    const chance = seededRandom(seed * 104_729 + 2)
    this.network = new SimNetwork(this.virtual.process(), {
      ...settings.network,
      latency: () => between(chance, latency) * this.slowness
    })
    this.#peers = Array.from({ length: size }, (_, index) => `memory:m${index + 1}`)
    for (let id = 1; id <= size; id++) {
      this.#disks.set(id, new SimDisk({ latency: () => between(chance, disk), random: seededRandom(seed * 31 + id) }))
    }
  }

  get ids(): readonly number[] {
    return [...this.#disks.keys()]
  }

  /** Members that have been started and are neither closed nor crashed. */
  get members(): readonly EnsembleMember[] {
    return [...this.#running.values()].map(({ ready }) => ready).filter(member => member !== null)
  }

  isRunning(id: number): boolean {
    return this.#running.has(id)
  }

  memberOrNull(id: number): EnsembleMember | null {
    return this.#running.get(id)?.ready ?? null
  }

  member(id: number): EnsembleMember {
    return expected(this.#running.get(id)?.ready, `member ${id} does not run`)
  }

  disk(id: number): SimDisk {
    return expected(this.#disks.get(id), `there is no member ${id}`)
  }

  /** The one that serves as leader; of several, the one of the latest epoch. */
  get leader(): EnsembleMember {
    return expected(this.leaderOrNull, 'no member leads')
  }

  get leaderOrNull(): EnsembleMember | null {
    const leading = this.members.filter(member => member.role === 'leading' && member.status().serving)
    return leading.sort((a, b) => b.epoch - a.epoch)[0] ?? null
  }

  /** The first of those that serve and do not lead. */
  get follower(): EnsembleMember {
    return expected(this.followers[0], 'no member follows')
  }

  get followers(): readonly EnsembleMember[] {
    return this.members.filter(member => member.role === 'following' && member.status().serving)
  }

  /** Begins a process of a member on its disk. Does not wait for it. */
  start(id: number, options: MemberOptions = {}, peers: readonly string[] = this.#peers): Promise<EnsembleMember> {
    if (this.#running.has(id)) throw new Error(`member ${id} runs`)
    const process = this.virtual.process()
    process.millisecondsPerLook = this.#settings.millisecondsPerLook ?? 0
    process.onError = error => this.errors.push(error)
    const number = (this.#lives.get(id) ?? 0) + 1
    this.#lives.set(id, number)
    this.#waiting.delete(id)
    this.#tell(id, () => 'start')
    this.#see(id, number, { kind: 'started' })
    const { onProgress } = { ...this.#settings.options, ...options }
    const all: MemberOptions = {
      id,
      tickTime: 100,
      sessionTimeout: 2_000,
      ...this.#settings.options,
      ...options,
      onProgress: progress => {
        if (process.halted) return
        this.#tell(id, () => JSON.stringify(progress))
        if (progress.kind === 'waiting') {
          this.#waiting.set(id, progress.reason)
          // Before there is a handle, nobody else says that it looks for a leader.
          if (this.#running.get(id)?.ready === null)
            this.#see(id, number, { kind: 'role', role: 'looking', leader: null, epoch: NO_EPOCH })
        }
        if (progress.kind === 'serving') {
          const { leader, epoch } = progress
          this.#see(id, number, { kind: 'serving', leader, epoch })
        }
        if (progress.kind === 'quotaExceeded') {
          const { path, limits, usage } = progress
          this.#see(id, number, { kind: 'quotaExceeded', path, limits, usage })
        }
        onProgress?.(progress)
      }
    }
    const member = createEnsembleMemberIn(peers, all, this.#surroundings(id as MemberId, number, process))
    const running: Running = { process, number, member, ready: null, zxidSeen: 0 }
    this.#running.set(id, running)
    member.then(
      ready => this.#onReady(id, running, ready),
      () => this.#running.get(id) === running && this.#running.delete(id)
    )
    return member
  }

  /** Starts members and waits until all of them serve. Default: all. */
  async startAll(ids: readonly number[] = this.ids): Promise<readonly EnsembleMember[]> {
    return this.settle(Promise.all(ids.map(id => this.start(id))))
  }

  /**
   * kill -9, at once: nobody hears of the process again. With `power` its machine goes down, and what was not synced is lost; with `silent`
   * its peers are not told by its system.
   */
  async crash(id: number, how: { readonly silent?: boolean; readonly power?: boolean } = {}): Promise<void> {
    const running = this.#running.get(id)
    if (running === undefined) throw new Error(`member ${id} does not run`)
    this.#running.delete(id)
    this.#tell(id, () => 'crash')
    running.process.halt()
    this.#see(id, running.number, { kind: 'ended' })
    this.network.crash(nameOf(id), how)
    await this.disk(id).unmount(how.power === true ? 'power' : 'kill')
  }

  /** SIGSTOP: nothing of the process runs, and what happens to it waits until it is resumed. Its links stay open. */
  pause(id: number): void {
    this.#tell(id, () => 'pause')
    expected(this.#running.get(id), `member ${id} does not run`).process.pause()
  }

  resume(id: number): void {
    this.#tell(id, () => 'resume')
    this.#running.get(id)?.process.resume()
  }

  /** A new process of a member that has crashed or was closed; crashes it first if need be. Waits until it serves. */
  async restart(id: number, options: MemberOptions = {}): Promise<EnsembleMember> {
    if (this.#running.has(id)) await this.crash(id)
    return this.settle(this.start(id, options))
  }

  /** Gives the member an empty disk; crashes it first if need be. */
  async wipe(id: number): Promise<void> {
    if (this.#running.has(id)) await this.crash(id)
    await this.disk(id).unmount()
    this.lose(id, 'wiped')
  }

  /** The disk of a member that does not run loses what it had vouched for; what is done to it in which way is `how`. */
  lose(id: number, how: 'wiped' | 'damaged'): void
  lose(id: number, how: 'backup', image: DiskImage): void
  lose(id: number, how: 'wiped' | 'damaged' | 'backup', image?: DiskImage): void {
    if (this.#running.has(id)) throw new Error(`member ${id} runs`)
    this.#tell(id, () => `disk ${how}`)
    this.#see(id, this.#lives.get(id) ?? 0, { kind: 'diskLost', how })
    if (how === 'wiped') this.disk(id).wipe()
    else if (image !== undefined) this.disk(id).restore(image)
  }

  /** The process that a member runs in; null when there is none. What clients do of their own belongs to its scheduler. */
  process(id: number): VirtualProcess | null {
    return this.#running.get(id)?.process ?? null
  }

  /** What the member said last of what it waits for; null while it has not said anything. */
  waitingFor(id: number): string | null {
    return this.#waiting.get(id) ?? null
  }

  /** Which life of the member this is, from 1; 0 before the first. */
  life(id: number): number {
    return this.#lives.get(id) ?? 0
  }

  /** Gives every member an empty disk: what is founded on them is another ensemble. */
  async wipeAll(): Promise<void> {
    for (const id of this.ids) await this.wipe(id)
    this.forgetDigests()
  }

  /** The history is another from here on: it was salvaged, or began anew. */
  forgetDigests(): void {
    this.#digests.clear()
  }

  /** Closes a member in order. */
  async stop(id: number): Promise<void> {
    const running = this.#running.get(id)
    if (running === undefined) return
    const member = await this.settle(running.member)
    await this.settle(member.close())
    this.#see(id, running.number, { kind: 'ended' })
    this.#running.delete(id)
    await this.disk(id).unmount()
  }

  /** Cuts a member off from all others. */
  isolate(id: number): void {
    for (const other of this.ids) if (other !== id) this.cut(id, other)
  }

  cut(a: number, b: number): void {
    this.#tell(a, () => `cut from ${b}`)
    this.network.cut(nameOf(a), nameOf(b))
  }

  /** What `from` sends to `to` does not arrive, and nobody is told. */
  swallow(from: number, to: number): void {
    this.#tell(from, () => `swallowed to ${to}`)
    this.network.swallow(nameOf(from), nameOf(to))
  }

  heal(a: number, b: number): void {
    this.network.heal(nameOf(a), nameOf(b))
  }

  healAll(): void {
    for (const a of this.ids) for (const b of this.ids) if (a < b) this.heal(a, b)
  }

  /** Lets virtual time pass until a promise has settled, and gives what it settled to. */
  async settle<T>(promise: Promise<T>, limitMs = 60_000): Promise<T> {
    let settled = false
    const done = () => {
      settled = true
    }
    promise.then(done, done)
    await this.until(() => settled, limitMs)
    return promise
  }

  async run(milliseconds: number): Promise<void> {
    const end = this.virtual.now + milliseconds
    this.virtual.runtime.scheduler.after(milliseconds, () => {})
    await this.until(() => this.virtual.now >= end, milliseconds)
  }

  async until(condition: () => boolean, limitMs = 60_000): Promise<void> {
    await this.virtual.until(() => {
      this.#observe()
      return condition()
    }, limitMs)
  }

  /** Lets so many callbacks run, anywhere: the boundary between any two effects can be reached that way. */
  async events(count: number): Promise<void> {
    const end = this.virtual.events + count
    await this.until(() => this.virtual.events >= end)
  }

  /** Waits until all members that run serve, and have applied the same. */
  async converge(limitMs = 60_000): Promise<void> {
    await this.until(() => {
      const [first, ...others] = this.members
      if (this.members.length < this.#running.size || first === undefined) return false
      if (this.members.some(member => !member.status().serving)) return false
      const { zxid } = first.local
      return others.every(({ local }) => local.zxid === zxid) && first.status().zxidLogged === zxid
    }, limitMs)
  }

  /** Ends all members, gently if there is a quorum to do so. Fails when something was thrown that nobody has taken out of `errors`. */
  async close(): Promise<void> {
    const closing = [...this.#running.values()].map(({ ready }) => ready?.close())
    await this.settle(Promise.all(closing))
    for (const id of [...this.#running.keys()]) await this.crash(id)
    if (this.errors.length > 0) throw new AggregateError(this.errors, 'thrown, and not expected by the test')
  }

  #surroundings(id: MemberId, number: number, process: VirtualProcess): Surroundings {
    const surroundings: Surroundings = {
      runtime: process,
      transports: () => ({ memory: this.#transport(id, number, process) }),
      storage: (_, storageOptions) => this.#open(id, number, process, storageOptions)
    }
    return this.#settings.surround?.(id, surroundings) ?? surroundings
  }

  async #open(id: MemberId, number: number, process: VirtualProcess, options: StorageOptions): Promise<Storage> {
    const storage = await openSimStorage(this.disk(id), process, options)
    this.#see(id, number, { kind: 'opened', state: storage.state, again: false })
    return this.#storage(id, number, process, storage)
  }

  #onReady(id: number, running: Running, member: EnsembleMember): void {
    if (this.#running.get(id) !== running) return
    running.ready = member
    const role = (role: EnsembleMember['role'], leader: MemberId | null) => {
      this.#tell(id, () => `${role}, leader ${leader}`)
      this.#see(id, running.number, { kind: 'role', role, leader, epoch: member.epoch })
    }
    role(member.role, member.leader)
    member.on('role', role)
    member.on('session', session => this.#tell(id, () => `session ${session.sessionId}`))
    member.on('error', error => {
      this.#tell(id, () => `stopped: ${error.message}`)
      this.errors.push(error)
    })
  }

  #transport(id: MemberId, number: number, process: VirtualProcess): ObservedTransport {
    const kindOf = ({ message }: ObservedFrame) => message?.kind ?? 'link'
    return new ObservedTransport(this.network.transport(nameOf(id), process.scheduler), {
      onSent: frame => {
        // What a killed process still had to do comes to nothing.
        if (process.halted) return
        const { remote, message, bytes } = frame
        this.#tell(id, () => `${kindOf(frame)} of ${bytes} to ${remote}`)
        this.onFrame({ at: this.virtual.now, from: id, to: remote, kind: kindOf(frame), bytes })
        if (message !== null) this.#see(id, number, { kind: 'sent', to: idOf(remote), message })
      },
      onReceived: ({ remote, message }) => {
        if (message !== null) this.#see(id, number, { kind: 'received', from: idOf(remote), message })
      }
    })
  }

  #storage(id: MemberId, number: number, process: VirtualProcess, storage: Storage): Storage {
    return new ObservedStorage(storage, {
      onWrite: (write, change) => {
        if (!process.halted) this.#see(id, number, { kind: 'write', write, change })
      },
      onWritten: write => this.#see(id, number, { kind: 'written', write }),
      onWriteFailed: write => this.#see(id, number, { kind: 'writeFailed', write }),
      onPurged: zxidBase => this.#see(id, number, { kind: 'purged', zxidBase }),
      onReopened: state => this.#see(id, number, { kind: 'opened', state, again: true })
    })
  }

  #observe(): void {
    for (const [id, running] of this.#running) {
      const { ready } = running
      if (ready === null || ready.local.zxid === running.zxidSeen) continue
      const { zxid, digest } = ready.local
      running.zxidSeen = zxid
      this.#tell(id, () => `at ${zxid.toString(16)} ${digest}`)
      this.#see(id, running.number, { kind: 'applied', zxid: zxid as Zxid, digest })
      if (this.#broken !== null) throw this.#broken
      const known = this.#digests.get(zxid)
      if (known === undefined) this.#digests.set(zxid, digest)
      else if (known !== digest) throw new Error(`member ${id} differs from another at ${zxid.toString(16)}`)
    }
    if (this.#broken !== null) throw this.#broken
  }

  #see(id: number, number: number, seen: Seen): void {
    try {
      this.onObservation({ at: this.virtual.now, member: id as MemberId, process: number, ...seen } as Observation)
    } catch (error) {
      // It was thrown into a member's own code: the run has to hear of it, not the member.
      this.#broken ??= error
    }
  }

  #tell(id: number, what: () => string): void {
    if (this.#settings.traced === false) return
    const line = `${this.virtual.now.toFixed(3)} ${id} ${what()}`
    if (this.onLine === null) this.trace.push(line)
    else this.onLine(line)
  }
}

function expected<T>(value: T | null | undefined, otherwise: string): T {
  if (value == null) throw new Error(otherwise)
  return value
}

export function nameOf(id: number): string {
  return `m${id}`
}

/** Of a remote as the network calls it, `memory:m2`. */
function idOf(remote: string): MemberId {
  return Number(remote.slice(remote.lastIndexOf('m') + 1)) as MemberId
}

function between(random: Random, [least, most]: readonly [number, number]): number {
  return least + random.float() * (most - least)
}
