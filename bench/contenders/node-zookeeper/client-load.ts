import { runClosedLoop } from '../../load/closed-loop.js'
import { Latencies } from '../../load/latencies.js'
import { type Orders, obey } from '../../processes/orders.js'
import type { EnsembleShape, Load } from '../contender.js'

/** A client of one server, as a load needs it. */
export interface LoadClient {
  /** Brings about what all the keys are in, if the system needs something like that. */
  prepare(): Promise<unknown>
  create(key: string, value: Buffer): Promise<unknown>
  readonly operations: { readonly [operation in Load['operation']]?: (key: string, value: Buffer) => Promise<unknown> }
}

/** What the process of a load answers that has one client at each server. Servers are named by their index. */
export interface ClientOrders extends Orders {
  connect(addresses: readonly string[]): Promise<void>
  fill(shape: EnsembleShape, server: number): Promise<void>
  /** `parts` is what is outstanding at each server. Resolves to encoded latencies. */
  measure(load: Load, parts: readonly number[]): Promise<string>
}

const CREATES_UNDER_WAY = 1_000

/** Has this process be the load of a system whose clients `connect` makes. */
export function obeyAsLoad(connect: (address: string) => Promise<LoadClient>): void {
  let clients: readonly LoadClient[] = []
  let keys: readonly string[] = []
  let value = Buffer.alloc(0)

  const orders: ClientOrders = {
    async connect(addresses) {
      clients = await Promise.all(addresses.map(connect))
    },

    async fill({ znodes, valueBytes }, server) {
      const client = clients[server]
      if (client === undefined) throw new Error(`no client of server ${server}`)
      keys = Array.from({ length: znodes }, (_, number) => `/bench/${number}`)
      value = Buffer.alloc(valueBytes, '.')
      await client.prepare()
      for (let from = 0; from < znodes; from += CREATES_UNDER_WAY) {
        await Promise.all(keys.slice(from, from + CREATES_UNDER_WAY).map(key => client.create(key, value)))
      }
      // A write through every client: the servers that were not part of the quorum have all the keys by then.
      await Promise.all(clients.map(({ operations }) => operations.write?.(keys[0] ?? '', value)))
    },

    async measure(load, parts) {
      const loops = clients.map(({ operations }, index) => {
        const operation = operations[load.operation]
        if (operation === undefined) throw new Error(`'${load.operation}' is not offered by this client`)
        const operate = () => operation(keys[Math.floor(Math.random() * keys.length)] ?? '', value)
        return runClosedLoop({ ...load, outstanding: parts[index] ?? 0 }, operate)
      })
      const latencies = Latencies.empty()
      for (const part of await Promise.all(loops)) latencies.add(part)
      return latencies.encoded()
    }
  }

  obey(orders)
}
