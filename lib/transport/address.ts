import { createHash } from 'node:crypto'
import { isIPv6 } from 'node:net'
import { join } from 'node:path'
import { type MemberId, unreachable, ZooKeeperError } from '../base/index.js'
import { runtimeDirectory } from './runtime-directory.js'
import type { Address } from './transport.js'

/** Bytes of a socket's path that the system keeps, its end included: Node cuts a longer one without a word. */
const SOCKET_PATH_BYTES_MAX = process.platform === 'linux' ? 107 : 103

const PIPE_PREFIX = '\\\\.\\pipe\\'
const NAME = /^[A-Za-z0-9._-]{1,64}$/
const HOST = /^[A-Za-z0-9_]([A-Za-z0-9._-]{0,252})$/
const PORT = /^[0-9]{1,5}$/

/**
 * Takes an address of a peer list apart: `tcp://host:port`, `host:port`, `tcp://[::1]:port`, `ipc:///path/of.sock`, `ipc:name` (a named
 * pipe on Windows, elsewhere a socket in a runtime directory that is the user's own), `memory:name`.
 * @throws ZooKeeperError `BAD_ARGUMENTS`
 */
export function parseAddress(text: string): Address {
  if (text.startsWith('tcp://')) return parseTcp(text, text.slice('tcp://'.length))
  if (text.startsWith('ipc:')) return parseIpc(text, text.slice('ipc:'.length))
  if (text.startsWith('memory:')) {
    const name = text.slice('memory:'.length)
    if (!NAME.test(name)) throw bad(text, 'a name in memory is 1 to 64 letters, digits, dots, dashes and underscores')
    return { scheme: 'memory', name }
  }
  if (text.startsWith('tls://'))
    throw bad(text, 'tls:// is not supported yet; tcp:// with the option secret is encrypted as well')
  if (text.includes('://')) throw bad(text, 'known schemes are tcp://, ipc: and memory:')
  return parseTcp(text, text)
}

/** The one way of writing an address: {@link parseAddress} of it is the same address again. */
export function formatAddress(address: Address): string {
  switch (address.scheme) {
    case 'tcp':
      return `tcp://${isIPv6(address.host) ? `[${address.host}]` : address.host}:${address.port}`
    case 'ipc':
      return address.path.startsWith(PIPE_PREFIX) ? `ipc:${address.path}` : `ipc://${address.path}`
    case 'memory':
      return `memory:${address.name}`
    default:
      return unreachable(address)
  }
}

/**
 * Refuses to listen where strangers can connect unless they have to prove themselves: a TCP address beyond loopback needs a secret, or
 * `insecure: true` said on purpose.
 * @throws ZooKeeperError `BAD_ARGUMENTS`
 */
export function assertListenable(
  address: Address,
  security: { readonly secret: string | null; readonly insecure: boolean }
): void {
  if (address.scheme !== 'tcp' || security.secret !== null || security.insecure || isLoopback(address.host)) return
  throw bad(formatAddress(address), 'listening beyond loopback needs the option secret, or insecure: true')
}

/** Equal for equal peer lists and, for all that matters, for no others. Members compare it in their handshake. */
export function fingerprintOf(peers: ReadonlyMap<MemberId, Address>): string {
  const lines = [...peers].sort(([a], [b]) => a - b).map(([id, address]) => `${id} ${formatAddress(address)}\n`)
  return createHash('sha256').update(lines.join('')).digest('hex')
}

function parseTcp(text: string, rest: string): Address {
  const split = rest.lastIndexOf(':')
  if (split === -1) throw bad(text, 'the port is missing')
  const portText = rest.slice(split + 1)
  const port = Number(portText)
  if (!PORT.test(portText) || port < 1 || port > 65_535) throw bad(text, 'a port is 1 to 65535')
  const hostText = rest.slice(0, split)
  if (hostText.startsWith('[') && hostText.endsWith(']')) {
    const host = hostText.slice(1, -1)
    if (!isIPv6(host)) throw bad(text, 'what stands in brackets is an IPv6 address')
    return { scheme: 'tcp', host: new URL(`http://[${host}]`).hostname.slice(1, -1), port }
  }
  if (!HOST.test(hostText)) throw bad(text, hostText.includes(':') ? 'an IPv6 address stands in brackets' : 'that is not a host')
  return { scheme: 'tcp', host: hostText.toLowerCase(), port }
}

function parseIpc(text: string, rest: string): Address {
  const path = ipcPath(text, rest)
  if (path.includes('\0')) throw bad(text, 'a path holds no NUL')
  if (!path.startsWith(PIPE_PREFIX) && Buffer.byteLength(path) > SOCKET_PATH_BYTES_MAX) {
    throw bad(text, `the path of a socket is at most ${SOCKET_PATH_BYTES_MAX} bytes`)
  }
  return { scheme: 'ipc', path }
}

function ipcPath(text: string, rest: string): string {
  const windows = process.platform === 'win32'
  if (windows && rest.startsWith(PIPE_PREFIX)) return rest
  if (rest.startsWith('///') && !windows) return rest.slice(2)
  if (rest.startsWith('/') || rest.startsWith('\\')) throw bad(text, windows ? 'use ipc:name' : 'a path begins with ipc:///')
  if (!NAME.test(rest)) throw bad(text, 'a local name is 1 to 64 letters, digits, dots, dashes and underscores')
  return windows ? `${PIPE_PREFIX}embedded-zookeeper-${rest}` : join(runtimeDirectory(), `${rest}.sock`)
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.[0-9]{1,3}){3}$/.test(host)
}

function bad(text: string, why: string): ZooKeeperError {
  return new ZooKeeperError('BAD_ARGUMENTS', { message: `the address ${JSON.stringify(text)}: ${why}` })
}
