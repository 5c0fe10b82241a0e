import { createServer, type Server, type Socket } from 'node:net'
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { type Scheduler, ZooKeeperError } from '../base/index.js'
import { connectSocket } from './connect-socket.js'
import { listenOn } from './listen-on.js'
import { tlsKey } from './secret-keys.js'
import { isTlsRefusal, SocketChannel } from './socket-channel.js'
import type { Address, Channel, Listener, Transport } from './transport.js'

export interface TcpTransportOptions {
  readonly scheduler: Scheduler
  /** With it every connection is TLS with a key made of it and the ensemble's name. Null: plain TCP. */
  readonly secret: string | null
  readonly ensembleName: string
}

/**
 * The only kind of TLS where a key that both sides already have stands in for certificates and there still is forward secrecy: Node offers
 * such keys in TLS 1.2 alone, and this suite with a fresh key exchange for every connection.
 */
const TLS = {
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.2',
  ciphers: 'ECDHE-PSK-CHACHA20-POLY1305'
} as const

const PSK_IDENTITY = 'embedded-zookeeper'

/** Members on a network. A wrong secret ends the channel, or the dial, with `AUTHENTICATION_FAILED` on both sides. */
export class TcpTransport implements Transport {
  readonly provesSecret: boolean
  readonly #scheduler: Scheduler
  readonly #key: Buffer | null

  constructor(options: TcpTransportOptions) {
    this.#scheduler = options.scheduler
    this.#key = options.secret === null ? null : tlsKey(options.secret, options.ensembleName)
    this.provesSecret = this.#key !== null
  }

  async listen(address: Address, onChannel: (channel: Channel) => void): Promise<Listener> {
    const { host, port } = tcp(address)
    const server = this.#key === null ? this.#plainServer(onChannel) : this.#tlsServer(this.#key, onChannel)
    const close = await listenOn(server, { host, port }, address)
    const bound = server.address()
    return { address: { scheme: 'tcp', host, port: typeof bound === 'object' && bound !== null ? bound.port : port }, close }
  }

  async dial(address: Address, signal: AbortSignal): Promise<Channel> {
    const { host, port } = tcp(address)
    const socket = await connectSocket({ host, port }, signal)
    const remote = `tcp://${socket.remoteAddress ?? host}:${port}`
    if (this.#key === null) return new SocketChannel(socket, socket, remote, this.#scheduler)
    const encrypted = await encrypt(socket, this.#key, signal)
    return new SocketChannel(socket, encrypted, remote, this.#scheduler)
  }

  #plainServer(onChannel: (channel: Channel) => void): Server {
    return createServer(socket => onChannel(new SocketChannel(socket, socket, remoteOf(socket), this.#scheduler)))
  }

  /**
   * Channels are handed over as soon as they are connected and encrypt themselves under their owner's eyes: so the bounds on the number of
   * handshakes and on their time cover this part of them as well.
   */
  #tlsServer(key: Buffer, onChannel: (channel: Channel) => void): Server {
    const unsecured = new Map<string, SocketChannel>()
    const server = createTlsServer({ ...TLS, pskCallback: (_socket, identity) => (identity === PSK_IDENTITY ? key : null) })
    server.on('connection', (socket: Socket) => {
      const remote = remoteOf(socket)
      const channel = new SocketChannel(socket, null, remote, this.#scheduler)
      unsecured.set(remote, channel)
      socket.once('close', () => {
        if (unsecured.get(remote) === channel) unsecured.delete(remote)
      })
      onChannel(channel)
    })
    server.on('secureConnection', (stream: TLSSocket) => {
      unsecured.get(remoteOf(stream))?.useStream(stream)
      unsecured.delete(remoteOf(stream))
    })
    server.on('tlsClientError', (error: Error, stream: TLSSocket) => unsecured.get(remoteOf(stream))?.fail(error))
    return server
  }
}

function encrypt(socket: Socket, key: Buffer, signal: AbortSignal): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const stream = connectTls({
      ...TLS,
      socket,
      pskCallback: () => ({ psk: key, identity: PSK_IDENTITY }),
      // There are no certificates whose names could be checked: that the other side has the key is what is asked.
      checkServerIdentity: () => undefined
    })
    const abort = () => {
      stream.destroy()
      socket.destroy()
      reject(signal.reason)
    }
    signal.addEventListener('abort', abort, { once: true })
    const fail = (cause: NodeJS.ErrnoException) => {
      signal.removeEventListener('abort', abort)
      stream.destroy()
      socket.destroy()
      reject(
        isTlsRefusal(cause)
          ? new ZooKeeperError('AUTHENTICATION_FAILED', { message: 'the secret or the name of the ensemble differs', cause })
          : new ZooKeeperError('CONNECTION_LOSS', { cause })
      )
    }
    stream.once('error', fail)
    stream.once('secureConnect', () => {
      signal.removeEventListener('abort', abort)
      stream.removeListener('error', fail)
      resolve(stream)
    })
  })
}

function tcp(address: Address): { readonly host: string; readonly port: number } {
  if (address.scheme === 'tcp') return address
  throw new ZooKeeperError('BAD_ARGUMENTS', { message: `TCP does not know the scheme ${address.scheme}` })
}

function remoteOf(socket: Socket): string {
  return `tcp://${socket.remoteAddress}:${socket.remotePort}`
}
