import { runClosedLoop } from '../../load/closed-loop.js'
import type { LoadOrders } from '../../load/load-orders.js'
import { obey } from '../../processes/orders.js'
import { BareMember } from './bare-member.js'

// One process of the bare pipeline.

export interface BareOrders extends LoadOrders {
  start(id: number, port: number, members: number, dataDir: string): Promise<void>
}

let member: BareMember
let keys: readonly string[] = []
let value = new Uint8Array(0)

const orders: BareOrders = {
  async start(id, port, members, dataDir) {
    member = await BareMember.start(id, port, members, dataDir)
  },

  async fill({ znodes, valueBytes }) {
    const data = Buffer.alloc(valueBytes, '.')
    await Promise.all(Array.from({ length: znodes }, (_, number) => member.set(`/bench/${number}`, data)))
  },

  async measure(load, outstanding) {
    if (load.operation !== 'write') throw new Error('the bare pipeline is there for writes')
    if (keys.length === 0) {
      keys = [...member.map.keys()]
      value = Buffer.alloc(member.map.get(keys[0] ?? '')?.length ?? 0, '.')
    }
    const operate = () => member.set(keys[Math.floor(Math.random() * keys.length)] ?? '', value)
    return (await runClosedLoop({ ...load, outstanding }, operate)).encoded()
  }
}

obey(orders)
