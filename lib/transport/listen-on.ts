import type { ListenOptions, Server } from 'node:net'
import { ZooKeeperError } from '../base/index.js'
import { formatAddress } from './address.js'
import type { Address } from './transport.js'

/**
 * Starts a server and resolves to what stops it.
 * @throws ZooKeeperError `ADDRESS_UNAVAILABLE`, cause kept; nothing is left behind
 */
export async function listenOn(server: Server, where: ListenOptions, address: Address): Promise<() => Promise<void>> {
  await new Promise<void>((resolve, reject) => {
    const fail = (cause: Error) =>
      reject(new ZooKeeperError('ADDRESS_UNAVAILABLE', { message: `cannot listen on ${formatAddress(address)}`, cause }))
    server.once('error', fail)
    server.listen({ ...where, exclusive: true }, () => {
      server.removeListener('error', fail)
      resolve()
    })
  })
  // A server that listens fails in single accepts only (out of file descriptors): that connection is lost, the dialer tries again.
  server.on('error', () => {})
  return async () => {
    // Not the server's own callback, which waits for the channels as well: those live on. The address is free once the loop has turned.
    server.close()
    await new Promise(resolve => setImmediate(resolve))
  }
}
