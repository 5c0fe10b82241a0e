import { BlockList, isIP } from 'node:net'
import type { AuthProvider } from './auth-provider.js'

/**
 * Addresses of clients, of version 4 or 6, alone or as a network such as `10.1.0.0/16`: ZooKeeper's scheme `ip`. Nobody can claim one: it comes
 * with a connection, and a session in a process has none, so that such an entry never means it.
 */
export class IpAuth implements AuthProvider {
  readonly scheme = 'ip'

  authenticate(): null {
    return null
  }

  isValid(id: string): boolean {
    return parse(id) !== null
  }

  matches(id: string, aclId: string): boolean {
    const network = parse(aclId)
    const version = isIP(id)
    // Node takes an address of version 4 for one of version 6 there, and so for a part of `::/0`. ZooKeeper does not.
    if (network === null || version === 0 || (version === 4 && network.family === 'ipv6')) return false
    const list = new BlockList()
    list.addSubnet(network.address, network.bits, network.family)
    return list.check(id, version === 4 ? 'ipv4' : 'ipv6')
  }
}

interface Network {
  readonly address: string
  readonly bits: number
  readonly family: 'ipv4' | 'ipv6'
}

function parse(id: string): Network | null {
  const [address = '', bits, more] = id.split('/')
  const version = isIP(address)
  // An address with a zone means something on one machine only.
  if (version === 0 || more !== undefined || address.includes('%')) return null
  const bitsMax = version === 4 ? 32 : 128
  if (bits !== undefined && !/^\d{1,3}$/.test(bits)) return null
  const count = bits === undefined ? bitsMax : Number(bits)
  return count > bitsMax ? null : { address, bits: count, family: version === 4 ? 'ipv4' : 'ipv6' }
}
