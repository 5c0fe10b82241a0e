import { assert, type Scheduler, ZooKeeperError } from '../base/index.js'
import { MemoryChannel } from './memory-channel.js'
import type { Address, Channel, CloseReason, Listener, Transport } from './transport.js'

export interface MemoryNetworkOptions {
  /** Milliseconds from one member to the other, asked anew for every frame. Without it a frame arrives in the receiver's next turn. */
  readonly latency?: (from: string, to: string) => number
  /** Whether listening keeps the process alive, as a socket would. Off by default: a network for tests should not. */
  readonly keepsProcessAlive?: boolean
}

interface Listening {
  readonly owner: MemoryTransport
  readonly onChannel: (channel: Channel) => void
  readonly keptAlive: NodeJS.Timeout | null
}

interface Dial {
  readonly from: MemoryTransport
  /** How often the dialer had crashed when it dialled: one that has crashed since does not dial any more. */
  readonly crashes: number
  readonly name: string
  readonly signal: AbortSignal
  readonly resolve: (channel: Channel) => void
  readonly reject: (reason: unknown) => void
}

/**
 * Members of one process, or of one test, and what lies between them. Every hop is a call of the receiver's scheduler, so under a virtual
 * one the same test is the same run; frames are copied, so members share no memory.
 *
 * Between any two members the network can be cut (both notice), made to swallow (nobody notices: the half-open connection), and healed.
 */
export class MemoryNetwork {
  readonly #options: MemoryNetworkOptions
  readonly #listening = new Map<string, Listening>()
  readonly #channels = new Set<MemoryChannel>()
  readonly #cut = new Set<string>()
  readonly #swallowed = new Set<string>()
  readonly #crashes = new Map<string, number>()
  #heldDials: Dial[] = []

  constructor(options: MemoryNetworkOptions = {}) {
    this.#options = options
  }

  /** The network as the member called `name` sees it. Faults are named by these names. */
  transport(name: string, scheduler: Scheduler): MemoryTransport {
    return new MemoryTransport(this, name, scheduler)
  }

  /** Closes the channels between two members and lets them open no more. */
  cut(a: string, b: string): void {
    this.#cut.add(pair(a, b)).add(pair(b, a))
    const loss: CloseReason = { code: 'CONNECTION_LOSS', detail: 'the network was cut' }
    for (const channel of this.#channels) if (channel.lies(a, b)) channel.lose(loss)
  }

  /** From now on nothing that `from` sends reaches `to`, also what is on its way, and nobody is told. Channels stay open. */
  swallow(from: string, to: string): void {
    this.#swallowed.add(pair(from, to))
  }

  /** The channels that there are between two members go half-open for good, as when a firewall forgets them. New ones work. */
  strand(a: string, b: string): void {
    for (const channel of this.#channels) if (channel.lies(a, b)) channel.strand()
  }

  /** Undoes cuts and swallowing, both ways. What was swallowed arrives now, in order, as TCP would send it again. */
  heal(a: string, b: string): void {
    for (const way of [pair(a, b), pair(b, a)]) {
      this.#cut.delete(way)
      this.#swallowed.delete(way)
    }
    for (const channel of this.#channels) if (channel.lies(a, b)) channel.release()
    const dials = this.#heldDials
    this.#heldDials = []
    for (const dial of dials) this.#attempt(dial)
  }

  /**
   * A member's process dies: it is told nothing any more, its name is free. The others' channels to it close, as when a system cleans up
   * behind a process; with `silent` they do not, as when the machine has lost its power.
   */
  crash(name: string, options: { readonly silent?: boolean } = {}): void {
    for (const [address, listening] of this.#listening) if (listening.owner.name === name) this.#forget(address)
    for (const channel of this.#channels) if (channel.owner === name) channel.vanish(options.silent === true)
    this.#crashes.set(name, this.#crashesOf(name) + 1)
  }

  /** How many channels there are between two members, the ones included that only one of them knows to be closed. */
  channelsBetween(a: string, b: string): number {
    return [...this.#channels].filter(channel => channel.lies(a, b)).length / 2
  }

  /** For {@link MemoryTransport}. */
  listen(owner: MemoryTransport, name: string, onChannel: (channel: Channel) => void): Listener {
    if (this.#listening.has(name)) throw new ZooKeeperError('ADDRESS_UNAVAILABLE', { message: `memory:${name} is taken` })
    const keptAlive = this.#options.keepsProcessAlive === true ? setInterval(() => {}, 2 ** 30) : null
    const listening: Listening = { owner, onChannel, keptAlive }
    this.#listening.set(name, listening)
    return {
      address: { scheme: 'memory', name },
      close: async () => {
        if (this.#listening.get(name) === listening) this.#forget(name)
      }
    }
  }

  /** For {@link MemoryTransport}. */
  dial(from: MemoryTransport, name: string, signal: AbortSignal): Promise<Channel> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason)
        return
      }
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      this.#attempt({ from, crashes: this.#crashesOf(from.name), name, signal, resolve, reject })
    })
  }

  /** For {@link MemoryChannel}: runs `callback` where `to` lives, after the way from `from`. */
  hop(from: string, to: string, scheduler: Scheduler, callback: () => void): void {
    const milliseconds = this.#options.latency?.(from, to) ?? 0
    if (milliseconds > 0) scheduler.after(milliseconds, callback)
    else scheduler.post(callback)
  }

  /** For {@link MemoryChannel}. */
  isSwallowed(from: string, to: string): boolean {
    return this.#swallowed.has(pair(from, to))
  }

  /** For {@link MemoryChannel}. */
  forgetChannel(channel: MemoryChannel): void {
    this.#channels.delete(channel)
  }

  #attempt(dial: Dial): void {
    const to = this.#listening.get(dial.name)?.owner
    this.hop(dial.from.name, dial.name, to?.scheduler ?? dial.from.scheduler, () => this.#arrive(dial))
  }

  #arrive(dial: Dial): void {
    const { from, crashes, name, signal, resolve, reject } = dial
    if (signal.aborted || crashes !== this.#crashesOf(from.name)) return
    const listening = this.#listening.get(name)
    const owner = listening?.owner.name ?? name
    if (this.isSwallowed(from.name, owner) || this.isSwallowed(owner, from.name)) {
      this.#heldDials.push(dial)
      return
    }
    if (listening === undefined || this.#cut.has(pair(from.name, owner))) {
      const loss = new ZooKeeperError('CONNECTION_LOSS', { message: `nobody answers at memory:${name}` })
      this.hop(owner, from.name, from.scheduler, () => reject(loss))
      return
    }
    const near = new MemoryChannel(this, from.name, from.scheduler)
    const far = new MemoryChannel(this, owner, listening.owner.scheduler)
    near.connect(far)
    far.connect(near)
    this.#channels.add(near).add(far)
    this.hop(owner, from.name, from.scheduler, () => {
      if (signal.aborted) near.close({ code: 'CLOSED', detail: 'the dial was aborted' })
      else resolve(near)
    })
    listening.onChannel(far)
  }

  #crashesOf(name: string): number {
    return this.#crashes.get(name) ?? 0
  }

  #forget(name: string): void {
    const listening = this.#listening.get(name)
    if (listening?.keptAlive != null) clearInterval(listening.keptAlive)
    this.#listening.delete(name)
  }
}

/** A {@link MemoryNetwork} as one member sees it. There is nothing to prove: who shares the memory has the secret. */
export class MemoryTransport implements Transport {
  readonly provesSecret = true
  readonly name: string
  readonly scheduler: Scheduler
  readonly #network: MemoryNetwork

  constructor(network: MemoryNetwork, name: string, scheduler: Scheduler) {
    this.#network = network
    this.name = name
    this.scheduler = scheduler
  }

  async listen(address: Address, onChannel: (channel: Channel) => void): Promise<Listener> {
    return this.#network.listen(this, nameOf(address), onChannel)
  }

  async dial(address: Address, signal: AbortSignal): Promise<Channel> {
    return await this.#network.dial(this, nameOf(address), signal)
  }
}

/** Where `memory:name` addresses live unless a test brings a network of its own: one for the whole process. */
export const processNetwork = new MemoryNetwork({ keepsProcessAlive: true })

function nameOf(address: Address): string {
  assert(address.scheme === 'memory', 'a transport is only given addresses of its scheme')
  return address.name
}

function pair(from: string, to: string): string {
  return `${from}\n${to}`
}
