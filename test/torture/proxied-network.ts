import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { type Random, seededRandom } from '../../lib/base/index.js'
import { ProxiedDirection } from './proxied-direction.js'

/** What lies between two members, in the order of their ids. */
interface Cable {
  refused: boolean
  /** Both ends of every connection there is. */
  readonly connections: Set<readonly [Socket, Socket | null]>
}

/**
 * The network between real members: one small TCP proxy for each member and each other that it dials. A connection belongs to a pair, and
 * its two directions are those of the pair, whoever has dialled.
 */
export class ProxiedNetwork {
  /** Connections that were ended by `reset` or `refuse`. */
  resets = 0
  readonly #ports: ReadonlyMap<number, number>
  readonly #random: Random
  readonly #servers = new Map<string, Server>()
  readonly #directions = new Map<string, ProxiedDirection>()
  readonly #cables = new Map<string, Cable>()

  private constructor(ports: ReadonlyMap<number, number>, seed: number) {
    this.#ports = ports
    this.#random = seededRandom(seed)
  }

  /** @param ports where each member listens, on the loopback interface */
  static async between(ports: ReadonlyMap<number, number>, seed: number): Promise<ProxiedNetwork> {
    const network = new ProxiedNetwork(ports, seed)
    for (const from of ports.keys()) for (const to of ports.keys()) if (from !== to) await network.#open(from, to)
    return network
  }

  get ids(): readonly number[] {
    return [...this.#ports.keys()]
  }

  /** Where one member reaches another. */
  port(from: number, to: number): number {
    return (found(this.#servers.get(`${from} ${to}`)).address() as AddressInfo).port
  }

  direction(from: number, to: number): ProxiedDirection {
    return found(this.#directions.get(`${from} ${to}`))
  }

  /** Ends the connections of a pair; both sides are told. */
  reset(a: number, b: number): void {
    for (const sockets of this.#cable(a, b).connections) {
      this.resets++
      for (const socket of sockets) socket?.resetAndDestroy()
    }
  }

  /** Ends the connections of a pair, and every new one at once. */
  refuse(a: number, b: number): void {
    this.#cable(a, b).refused = true
    this.reset(a, b)
  }

  /** From now on what one sends does not arrive at the other, and nobody is told. */
  hold(from: number, to: number): void {
    this.direction(from, to).held = true
  }

  heal(a: number, b: number): void {
    this.#cable(a, b).refused = false
    this.direction(a, b).heal()
    this.direction(b, a).heal()
  }

  healAll(): void {
    for (const a of this.ids) for (const b of this.ids) if (a < b) this.heal(a, b)
  }

  /** What has really happened, over all directions. */
  get done(): { readonly bytes: number; readonly cuts: number; readonly flips: number; readonly resets: number } {
    const sum = { bytes: 0, cuts: 0, flips: 0, resets: this.resets }
    for (const { done } of this.#directions.values()) {
      sum.bytes += done.bytes
      sum.cuts += done.cuts
      sum.flips += done.flips
    }
    return sum
  }

  async close(): Promise<void> {
    for (const { connections } of this.#cables.values()) {
      for (const sockets of connections) for (const socket of sockets) socket?.destroy()
    }
    await Promise.all([...this.#servers.values()].map(server => new Promise(resolve => server.close(resolve))))
  }

  async #open(from: number, to: number): Promise<void> {
    this.#directions.set(`${from} ${to}`, new ProxiedDirection(this.#random))
    if (from < to) this.#cables.set(`${from} ${to}`, { refused: false, connections: new Set() })
    const server = createServer({ allowHalfOpen: false }, socket => this.#onConnection(from, to, socket))
    this.#servers.set(`${from} ${to}`, server)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ port: 0, host: '127.0.0.1' }, resolve)
    })
  }

  #onConnection(from: number, to: number, dialled: Socket): void {
    const cable = this.#cable(from, to)
    // What goes wrong with a socket is followed by its close, and that is what is forwarded.
    dialled.on('error', () => undefined)
    if (cable.refused) return void dialled.resetAndDestroy()
    const accepted = connect({ port: found(this.#ports.get(to)), host: '127.0.0.1', noDelay: true })
    accepted.on('error', () => undefined)
    dialled.setNoDelay()
    const connection = [dialled, accepted] as const
    cable.connections.add(connection)
    for (const socket of connection) {
      socket.once('close', () => {
        if (connection.every(({ destroyed }) => destroyed)) cable.connections.delete(connection)
      })
    }
    this.direction(from, to).pipe(dialled, accepted)
    this.direction(to, from).pipe(accepted, dialled)
  }

  #cable(a: number, b: number): Cable {
    return found(this.#cables.get(a < b ? `${a} ${b}` : `${b} ${a}`))
  }
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('there is no such member')
  return value
}
