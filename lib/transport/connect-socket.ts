import { connect, type NetConnectOpts, type Socket } from 'node:net'
import { ZooKeeperError } from '../base/index.js'

/**
 * One attempt to connect, which ends with the signal.
 * @throws ZooKeeperError `CONNECTION_LOSS`, cause kept; or the signal's reason
 */
export function connectSocket(where: NetConnectOpts, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason)
      return
    }
    const socket = connect(where)
    const abort = () => {
      socket.destroy()
      reject(signal.reason)
    }
    signal.addEventListener('abort', abort, { once: true })
    const fail = (cause: Error) => {
      signal.removeEventListener('abort', abort)
      reject(new ZooKeeperError('CONNECTION_LOSS', { message: 'cannot connect', cause }))
    }
    socket.once('error', fail)
    socket.once('connect', () => {
      signal.removeEventListener('abort', abort)
      socket.removeListener('error', fail)
      resolve(socket)
    })
  })
}
