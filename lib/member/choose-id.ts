import { isZooKeeperError, type MemberId, present, ZooKeeperError } from '../base/index.js'
import { type Address, assertListenable, formatAddress, type Transports } from '../transport/index.js'

/**
 * The first member whose address belongs to this machine and is free to listen on: how processes that are started alike divide the peer list
 * among themselves.
 *
 * @throws ZooKeeperError `ADDRESS_UNAVAILABLE` when there is none
 */
export async function chooseId(
  addresses: ReadonlyMap<MemberId, Address>,
  transports: Transports,
  security: { readonly secret: string | null; readonly insecure: boolean }
): Promise<MemberId> {
  let cause: unknown
  for (const [id, address] of addresses) {
    assertListenable(address, security)
    try {
      const refuse = { code: 'CLOSED', detail: 'only probing the address' } as const
      const transport = present(transports[address.scheme], 'there is a transport for every scheme')
      const listener = await transport.listen(address, channel => channel.close(refuse))
      await listener.close()
      return id
    } catch (error) {
      if (!isZooKeeperError(error, 'ADDRESS_UNAVAILABLE')) throw error
      cause = error
    }
  }
  const all = [...addresses.values()].map(formatAddress).join(', ')
  throw new ZooKeeperError('ADDRESS_UNAVAILABLE', {
    message: `none of the peers' addresses can be listened on here: ${all}`,
    cause
  })
}
