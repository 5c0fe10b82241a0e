import { assert, type Random, type Runtime, randomInt, type Scheduler, ZooKeeperError } from '../../base/index.js'
import type { Channel, CloseReason, Listener } from '../../transport/index.js'
import { SimConnection } from './sim-connection.js'
import type { SimWeather } from './sim-stream.js'
import { SimTransport } from './sim-transport.js'
import { SimWay, type WayState } from './sim-way.js'

/** Of one direction, or the same for all. Functions are asked anew each time. */
export type PerWay = number | ((from: string, to: string) => number)

/** What may be changed while the network is in use: it holds for what is sent from then on. */
export interface SimNetworkConditions {
  /** Milliseconds that a segment is on its way. Default: 0, it arrives in the receiver's next turn. */
  readonly latency?: PerWay
  /** How likely a segment is lost. It is sent again, so it and all behind it come late; lost too often in a row, it ends the connection. */
  readonly loss?: PerWay
  /** How many bytes a direction of a connection carries in a millisecond. Default: any number. */
  readonly bytesPerMillisecond?: PerWay
  /**
   * Milliseconds beyond the latency until an end hears that its connection was reset: at most so many when it is a number. Bytes that
   * were under way keep arriving until then, also when a newer connection has long been opened.
   */
  readonly resetDelay?: PerWay
}

export interface SimNetworkOptions extends SimNetworkConditions {
  /** Null hands frames over whole. A number sends them as bytes, framed as on a socket, in segments of 1 to that many. Default: null. */
  readonly segmentBytes?: number | null
  /** Bytes of a direction that may have left the sender and not been read: what the buffers of both systems hold. Default: 256 KiB. */
  readonly windowBytes?: number
  /** Milliseconds until what was lost is sent again, twice as many each time after. Default: 200, as Linux has it at least. */
  readonly retransmitMilliseconds?: number
  /** How often in a row the same bytes are sent again. Default: 5. */
  readonly retransmitsMax?: number
  /** As on a connection with a secret: bytes that were changed on the way are noticed, and end it. Off by default, as on plain TCP. */
  readonly sealed?: boolean
}

interface Listening {
  readonly owner: SimTransport
  readonly onChannel: (channel: Channel) => void
}

interface Dial {
  readonly from: SimTransport
  /** How often the dialer had crashed when it dialled: one that has crashed since does not dial any more. */
  readonly crashes: number
  readonly name: string
  readonly signal: AbortSignal
  readonly resolve: (channel: Channel) => void
  readonly reject: (reason: unknown) => void
}

/**
 * The network between members that live in one thread, modelled as TCP: within one direction of one connection everything arrives whole and
 * in order or not at all, and between connections anything goes. What it is told by its options happens by chance, what its methods say
 * happens at once; members are named as in `transport`.
 *
 * All chance comes from the runtime handed in, whose time is the true one. Members hear in turns of their own schedulers, and what is sent
 * to one that stands still waits, up to the window, in its system.
 */
export class SimNetwork {
  readonly #runtime: Runtime
  readonly #options: SimNetworkOptions
  #conditions: SimNetworkConditions
  readonly #weather: SimWeather
  readonly #ways = new Map<string, Map<string, SimWay>>()
  readonly #connections = new Set<SimConnection>()
  readonly #listening = new Map<string, Listening>()
  readonly #crashes = new Map<string, number>()
  #heldDials: Dial[] = []

  constructor(runtime: Runtime, options: SimNetworkOptions = {}) {
    const { windowBytes = 256 * 1024, segmentBytes = null, sealed = false } = options
    assert(windowBytes > 0 && (segmentBytes === null || segmentBytes > 0), 'a window and a segment hold a byte at least')
    this.#runtime = runtime
    this.#options = options
    this.#conditions = options
    this.#weather = {
      random: runtime.random,
      windowBytes,
      sealed,
      now: () => runtime.clock.monotonic(),
      latency: way => valueFor(this.#conditions.latency ?? 0, way),
      bytesPerMillisecond: way =>
        way.bytesPerMillisecond ?? valueFor(this.#conditions.bytesPerMillisecond ?? Number.POSITIVE_INFINITY, way),
      lateness: way => this.#lateness(way)
    }
  }

  /** The network as the member called `name` sees it. */
  transport(name: string, scheduler: Scheduler): SimTransport {
    return new SimTransport(this, name, scheduler)
  }

  change(conditions: SimNetworkConditions): void {
    this.#conditions = { ...this.#conditions, ...conditions }
  }

  /** Closes the channels between two members and lets them open no more. */
  cut(a: string, b: string): void {
    this.setWay(a, b, 'cut')
    this.setWay(b, a, 'cut')
  }

  /** From now on nothing that `from` sends reaches `to`, also what is on its way, and nobody is told. Channels stay open. */
  swallow(from: string, to: string): void {
    this.setWay(from, to, 'swallowed')
  }

  /** Undoes cuts, swallowing and clogs, both ways. What was swallowed is sent again. */
  heal(a: string, b: string): void {
    this.unclog(a, b)
    this.unclog(b, a)
    this.setWay(a, b, 'open')
    this.setWay(b, a, 'open')
  }

  /** One direction by itself. It takes both to be open for connections to be opened. */
  setWay(from: string, to: string, state: WayState): void {
    const way = this.#way(from, to)
    const before = way.state
    if (before === state) return
    way.state = state
    const loss: CloseReason = { code: 'CONNECTION_LOSS', detail: 'the network was cut' }
    if (state === 'cut') for (const connection of this.#between(from, to)) connection.lose(loss)
    if (before === 'swallowed') {
      for (const connection of this.#between(from, to)) connection.retransmit(way, this.#retransmitMilliseconds)
    }
    this.#resume(from, to)
  }

  /** That direction stands still: nothing is lost, and nothing arrives. */
  clog(from: string, to: string): void {
    this.#way(from, to).clogged = true
  }

  unclog(from: string, to: string): void {
    this.#way(from, to).clogged = false
    this.#resume(from, to)
  }

  /** How many bytes a millisecond that direction of each connection carries; null for what the options say. */
  throttle(from: string, to: string, bytesPerMillisecond: number | null): void {
    assert(bytesPerMillisecond === null || bytesPerMillisecond > 0, 'what carries nothing is clogged, not slow')
    this.#way(from, to).bytesPerMillisecond = bytesPerMillisecond
  }

  /** The channels that there are between two members go half-open for good, as when a firewall forgets them. New ones work. */
  strand(a: string, b: string): void {
    for (const connection of this.#between(a, b)) connection.darken()
  }

  /** The channels between two are lost at the end of one, who is told, and the other is not. New ones work. */
  forget(teller: string, other: string): void {
    const loss: CloseReason = { code: 'CONNECTION_LOSS', detail: 'ECONNABORTED' }
    for (const connection of this.#between(teller, other)) {
      for (const end of connection.ends) if (end.owner === teller) end.lose(loss)
    }
  }

  /** Resets one of the connections between two members; each end hears of it when it does. False when there is none. */
  reset(a: string, b: string): boolean {
    const open = this.#between(a, b).filter(connection => connection.open)
    const connection = open[open.length > 1 ? randomInt(this.#random, open.length) : 0]
    connection?.reset('ECONNRESET', way => this.#resetDelay(way))
    return connection !== undefined
  }

  /** The next segment in that direction, of whichever connection, has a bit changed. */
  flipNext(from: string, to: string): void {
    this.#way(from, to).flips++
  }

  /** Nothing is wrong any more, and what was under way for long arrives soon. Only the latency stays, and what has been stranded. */
  calm(): void {
    const { latency } = this.#conditions
    this.#conditions = latency === undefined ? {} : { latency }
    for (const ways of this.#ways.values()) {
      for (const way of ways.values()) {
        if (way.state === 'swallowed') {
          for (const connection of this.#between(way.from, way.to)) connection.retransmit(way, this.#retransmitMilliseconds)
        }
        way.calm()
      }
    }
    for (const connection of [...this.#connections]) {
      connection.hurry()
      connection.resume()
    }
    this.#dialHeld()
  }

  /**
   * A member's process dies: it is told nothing any more, its name is free. The others' channels to it close, as when a system cleans up
   * behind a process; with `silent` they do not, as when the machine has lost its power.
   */
  crash(name: string, options: { readonly silent?: boolean } = {}): void {
    for (const [address, { owner }] of [...this.#listening]) if (owner.name === name) this.#listening.delete(address)
    for (const { ends } of [...this.#connections]) {
      for (const end of ends) if (end.owner === name) end.vanish(options.silent === true)
    }
    this.#crashes.set(name, this.#crashesOf(name) + 1)
  }

  /** How many channels there are between two members, the ones included that only one of them knows to be closed. */
  channelsBetween(a: string, b: string): number {
    return this.#between(a, b).length
  }

  /** For {@link SimTransport}. */
  listen(owner: SimTransport, name: string, onChannel: (channel: Channel) => void): Listener {
    if (this.#listening.has(name)) throw new ZooKeeperError('ADDRESS_UNAVAILABLE', { message: `memory:${name} is taken` })
    const listening: Listening = { owner, onChannel }
    this.#listening.set(name, listening)
    return {
      address: { scheme: 'memory', name },
      close: async () => {
        if (this.#listening.get(name) === listening) this.#listening.delete(name)
      }
    }
  }

  /** For {@link SimTransport}. */
  dial(from: SimTransport, name: string, signal: AbortSignal): Promise<Channel> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason)
        return
      }
      const onAbort = () => reject(signal.reason)
      signal.addEventListener('abort', onAbort, { once: true })
      const settle = <T>(settled: (value: T) => void) => {
        return (value: T) => {
          signal.removeEventListener('abort', onAbort)
          settled(value)
        }
      }
      this.#attempt({ from, crashes: this.#crashesOf(from.name), name, signal, resolve: settle(resolve), reject: settle(reject) })
    })
  }

  #attempt(dial: Dial): void {
    const owner = this.#listening.get(dial.name)?.owner.name ?? dial.name
    const way = this.#way(dial.from.name, owner)
    const milliseconds = this.#weather.latency(way) + this.#lateness(way)
    // One that is lost too often hangs until its signal ends it, as a system's own limit is far beyond any of ours.
    if (milliseconds < Number.POSITIVE_INFINITY) after(this.#runtime.scheduler, milliseconds, () => this.#arrive(dial))
  }

  /** At the system of who listens: it answers whether or not the process can be bothered. */
  #arrive(dial: Dial): void {
    const { from, name, signal } = dial
    if (signal.aborted || dial.crashes !== this.#crashesOf(from.name)) return
    const listening = this.#listening.get(name)
    const owner = listening?.owner.name ?? name
    const there = this.#way(from.name, owner)
    const back = this.#way(owner, from.name)
    const cut = there.state === 'cut' || back.state === 'cut'
    if (!cut && !(there.passes && back.passes)) {
      this.#heldDials.push(dial)
      return
    }
    const { scheduler } = from
    const delay = this.#weather.latency(back)
    if (listening === undefined || cut) {
      const loss = new ZooKeeperError('CONNECTION_LOSS', { message: `nobody answers at memory:${name}` })
      after(scheduler, delay, () => dial.reject(loss))
      return
    }
    const { near, far } = this.#connect(there, back, scheduler, listening.owner.scheduler)
    listening.owner.scheduler.post(() => {
      if (this.#listening.get(name) === listening) listening.onChannel(far)
      else far.close({ code: 'CLOSED', detail: 'nobody listens any more' })
    })
    after(scheduler, delay, () => {
      if (signal.aborted) near.close({ code: 'CLOSED', detail: 'the dial was aborted' })
      else if (dial.crashes === this.#crashesOf(from.name)) dial.resolve(near)
    })
  }

  #connect(there: SimWay, back: SimWay, near: Scheduler, far: Scheduler): SimConnection {
    const { segmentBytes = null } = this.#options
    const connection: SimConnection = new SimConnection({
      weather: this.#weather,
      segmentBytes,
      there,
      back,
      near,
      far,
      onOver: () => this.#connections.delete(connection),
      onLost: () => this.#giveUp(connection)
    })
    this.#connections.add(connection)
    return connection
  }

  /** Who has sent the same too often gives up once the last time has passed. */
  #giveUp(connection: SimConnection): void {
    const { retransmitsMax = 5 } = this.#options
    const milliseconds = this.#retransmitMilliseconds * (2 ** (retransmitsMax + 1) - 1)
    after(this.#runtime.scheduler, milliseconds, () => {
      if (connection.lost) connection.reset('ETIMEDOUT', way => this.#resetDelay(way))
    })
  }

  #lateness(way: SimWay): number {
    const { loss = 0 } = this.#conditions
    if (loss === 0) return 0
    const probability = valueFor(loss, way)
    const { retransmitsMax = 5 } = this.#options
    let times = 0
    while (probability > 0 && this.#random.float() < probability) if (times++ === retransmitsMax) return Number.POSITIVE_INFINITY
    return this.#retransmitMilliseconds * (2 ** times - 1)
  }

  #resetDelay(way: SimWay): number {
    const { resetDelay = 0 } = this.#conditions
    const beyond = typeof resetDelay === 'number' ? this.#random.float() * resetDelay : resetDelay(way.from, way.to)
    return this.#weather.latency(way) + beyond
  }

  #resume(from: string, to: string): void {
    for (const connection of this.#between(from, to)) connection.resume()
    this.#dialHeld()
  }

  #dialHeld(): void {
    const dials = this.#heldDials
    this.#heldDials = []
    for (const dial of dials) this.#attempt(dial)
  }

  #between(a: string, b: string): SimConnection[] {
    return [...this.#connections].filter(connection => connection.lies(a, b))
  }

  #way(from: string, to: string): SimWay {
    let ways = this.#ways.get(from)
    if (ways === undefined) {
      ways = new Map()
      this.#ways.set(from, ways)
    }
    let way = ways.get(to)
    if (way === undefined) {
      way = new SimWay(from, to)
      ways.set(to, way)
    }
    return way
  }

  get #random(): Random {
    return this.#runtime.random
  }

  get #retransmitMilliseconds(): number {
    return this.#options.retransmitMilliseconds ?? 200
  }

  #crashesOf(name: string): number {
    return this.#crashes.get(name) ?? 0
  }
}

function valueFor(value: PerWay, way: SimWay): number {
  return typeof value === 'number' ? value : value(way.from, way.to)
}

function after(scheduler: Scheduler, milliseconds: number, callback: () => void): void {
  if (milliseconds > 0) scheduler.after(milliseconds, callback)
  else scheduler.post(callback)
}
