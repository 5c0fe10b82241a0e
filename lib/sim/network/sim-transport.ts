import { assert, type Scheduler } from '../../base/index.js'
import type { Address, Channel, Listener, Transport } from '../../transport/index.js'
import type { SimNetwork } from './sim-network.js'

/** A {@link SimNetwork} as one member sees it. There is nothing to prove: who is in the simulation has the secret. */
export class SimTransport implements Transport {
  readonly provesSecret = true
  readonly name: string
  readonly scheduler: Scheduler
  readonly #network: SimNetwork

  constructor(network: SimNetwork, name: string, scheduler: Scheduler) {
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

function nameOf(address: Address): string {
  assert(address.scheme === 'memory', 'a transport is only given addresses of its scheme')
  return address.name
}
