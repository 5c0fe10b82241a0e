import { createEnsembleMember, type EnsembleMember, type MemberStatus } from '../../../lib/index.js'
import { runClosedLoop } from '../../load/closed-loop.js'
import type { LoadOrders } from '../../load/load-orders.js'
import { obey } from '../../processes/orders.js'
import type { Load } from '../contender.js'
import { type OwnReads, ownReadsPerSecond } from './own-reads.js'

// One process of an ensemble of ours: an application that embeds a member and carries a part of the load itself.

export interface MemberOrders extends LoadOrders {
  /** Resolves when the member serves. */
  start(peers: readonly string[], id: number, dataDir: string): Promise<void>
  /** Reads a second of this process alone. */
  ownReads(how: OwnReads, milliseconds: number): Promise<number>
  status(): Promise<MemberStatus>
  memory(): Promise<NodeJS.MemoryUsage>
}

/** Reads have their answers at once, so that nothing else makes the event loop turn. */
const READS_PER_TURN = 1_024

let zk: EnsembleMember
let paths: readonly string[] = []
let value = Buffer.alloc(0)

const OPERATIONS: { readonly [operation in Load['operation']]: (path: string) => Promise<unknown> } = {
  write: path => zk.setData(path, value),
  read: path => zk.getData(path),
  linearizable: path => zk.getData(path, { linearizable: true })
}

/** Which znodes there are, and how large they are. */
async function lookAround(): Promise<void> {
  if (paths.length > 0) return
  await zk.sync()
  paths = zk.local.getChildren('/bench')?.children.map(name => `/bench/${name}`) ?? []
  value = Buffer.alloc(zk.local.getData(paths[0] ?? '/bench')?.data?.length ?? 0, '.')
}

const orders: MemberOrders = {
  async start(peers, id, dataDir) {
    zk = await createEnsembleMember(peers, { id, dataDir, ensemble: 'bench' })
  },

  async fill({ znodes, valueBytes }) {
    await zk.create('/bench')
    const data = Buffer.alloc(valueBytes, '.')
    for (let number = 0; number < znodes; ) {
      const some = Math.min(znodes - number, 1_000)
      await Promise.all(Array.from({ length: some }, () => zk.create(`/bench/${number++}`, data)))
    }
  },

  async measure(load, outstanding) {
    await lookAround()
    const operation = OPERATIONS[load.operation]
    const operate = () => operation(paths[Math.floor(Math.random() * paths.length)] ?? '/bench')
    const turns = load.operation === 'read' ? { operationsPerTurn: READS_PER_TURN } : {}
    return (await runClosedLoop({ ...load, ...turns, outstanding }, operate)).encoded()
  },

  async ownReads(how, milliseconds) {
    await lookAround()
    return ownReadsPerSecond(zk, paths, how, milliseconds)
  },

  async status() {
    return zk.status()
  },

  async memory() {
    return process.memoryUsage()
  }
}

obey(orders)
