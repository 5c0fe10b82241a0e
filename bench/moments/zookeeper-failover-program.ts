import { promisify } from 'node:util'
import zooKeeper from 'node-zookeeper-client'
import { type Orders, obey } from '../processes/orders.js'
import { type Recovery, SteadyWrites } from './steady-writes.js'

// The clients of the bench of failovers: one at each ZooKeeper, which goes on writing there when its connection is back.

export interface ClientFailoverOrders extends Orders {
  connect(addresses: readonly string[]): Promise<void>
  fill(path: string, valueBytes: number): Promise<void>
  beginWrites(servers: readonly number[], path: string, valueBytes: number): Promise<void>
  /** Of each server that is written at. */
  recovered(since: number): Promise<readonly Recovery[]>
}

const ANY_VERSION = -1
const SESSION_MILLISECONDS = 30_000
/** The client waits at most so long before it connects again, 1,000 by default. This is not about what a client waits for. */
const SPIN_MILLISECONDS = 10

type Client = ReturnType<typeof zooKeeper.createClient>

let clients: readonly Client[] = []
let path = '/'
let data = Buffer.alloc(0)
let writes: readonly SteadyWrites[] = []
let writing: readonly SteadyWrites[] = []

const orders: ClientFailoverOrders = {
  async connect(addresses) {
    clients = await Promise.all(addresses.map(connect))
    writes = clients.map(client => {
      const setData = promisify<string, Buffer, number>(client.setData).bind(client)
      return new SteadyWrites(() => setData(path, data, ANY_VERSION))
    })
  },

  async fill(path, valueBytes) {
    const [client] = clients
    if (client === undefined) throw new Error('nobody is connected')
    await promisify<string, Buffer>(client.create).bind(client)(path, Buffer.alloc(valueBytes, '.'))
  },

  async beginWrites(servers, toPath, valueBytes) {
    path = toPath
    data = Buffer.alloc(valueBytes, '.')
    writing = writes.filter((_, index) => servers.includes(index))
    for (const each of writing) each.begin()
  },

  async recovered(since) {
    return Promise.all(writing.map(each => each.recovered(since)))
  }
}

function connect(address: string): Promise<Client> {
  const options = { sessionTimeout: SESSION_MILLISECONDS, spinDelay: SPIN_MILLISECONDS }
  const client = zooKeeper.createClient(address, options)
  return new Promise(resolve => {
    client.once('connected', () => resolve(client)).connect()
  })
}

obey(orders)
