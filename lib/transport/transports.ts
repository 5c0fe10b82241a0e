import type { Scheduler } from '../base/index.js'
import { IpcTransport } from './ipc-transport.js'
import { processNetwork } from './memory-network.js'
import { TcpTransport } from './tcp-transport.js'
import type { Address, Transport } from './transport.js'

/** What reaches the addresses of each scheme. */
export type Transports = { readonly [Scheme in Address['scheme']]?: Transport }

export interface TransportsOptions {
  readonly scheduler: Scheduler
  readonly secret: string | null
  readonly ensembleName: string
  /** What this member is called in the process's network in memory. */
  readonly name: string
}

/** The ways to reach members that a real process has. */
export function createTransports(options: TransportsOptions): Transports {
  return {
    tcp: new TcpTransport(options),
    ipc: new IpcTransport(options),
    memory: processNetwork.transport(options.name, options.scheduler)
  }
}
