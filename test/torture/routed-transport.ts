import type { Address, Channel, Listener, Transport } from '../../lib/transport/index.js'

/**
 * Reaches listed addresses elsewhere: listens for a listed port on a private one, and dials a listed port at its proxy. All members have the
 * same peer list, as they must, and yet nothing that they send each other goes past the proxies.
 */
export class RoutedTransport implements Transport {
  readonly #transport: Transport
  readonly #ports: ReadonlyMap<number, number>

  /** @param ports from listed ports to real ones */
  constructor(transport: Transport, ports: ReadonlyMap<number, number>) {
    this.#transport = transport
    this.#ports = ports
  }

  get provesSecret(): boolean {
    return this.#transport.provesSecret
  }

  async listen(address: Address, onChannel: (channel: Channel) => void): Promise<Listener> {
    const listener = await this.#transport.listen(this.#routed(address), onChannel)
    return { address, close: () => listener.close() }
  }

  dial(address: Address, signal: AbortSignal): Promise<Channel> {
    return this.#transport.dial(this.#routed(address), signal)
  }

  #routed(address: Address): Address {
    const port = address.scheme === 'tcp' ? this.#ports.get(address.port) : undefined
    if (address.scheme !== 'tcp' || port === undefined) throw new Error('an address without a route')
    return { ...address, port }
  }
}
