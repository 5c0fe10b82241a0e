import { subscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { obey } from '../processes/orders.js'
import { HostedMember, type HostOrders } from './hosted-member.js'

// One process of the bench of idle ensembles: a member with whom nobody does anything.

export interface IdleOrders extends HostOrders {
  /** Bytes that all connections of this process have sent since it began. */
  sentBytes(): Promise<number>
}

const host = new HostedMember()
const sockets: Socket[] = []
const adopt = (message: unknown): void => {
  sockets.push((message as { readonly socket: Socket }).socket)
}
subscribe('net.client.socket', adopt)
subscribe('net.server.socket', adopt)

const orders: IdleOrders = {
  ...host.orders,
  sentBytes: async () => sockets.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0)
}

obey(orders)
