import { createEnsembleMember } from '../../lib/index.js'
import { obey } from '../processes/orders.js'
import { HostedMember, type HostOrders } from './hosted-member.js'

// One process of the bench of starts.

export interface StartOrders extends HostOrders {
  /** Milliseconds until three new members in this process, in memory and founding their ensemble, all serve. Then they are closed. */
  fixture(): Promise<number>
}

const host = new HostedMember()
let fixtures = 0

const orders: StartOrders = {
  ...host.orders,

  async fixture() {
    const name = `bench-${++fixtures}`
    const peers = [1, 2, 3].map(id => `memory:${name}-${id}`)
    const start = performance.now()
    const members = await Promise.all(peers.map((_, index) => createEnsembleMember(peers, { id: index + 1 })))
    const milliseconds = performance.now() - start
    await Promise.all(members.map(member => member.close()))
    return milliseconds
  }
}

obey(orders)
