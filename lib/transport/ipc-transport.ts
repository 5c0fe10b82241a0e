import { randomBytes } from 'node:crypto'
import { chmod, link, lstat, rename, unlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname } from 'node:path'
import { isZooKeeperError, type Scheduler, ZooKeeperError } from '../base/index.js'
import { formatAddress } from './address.js'
import { connectSocket } from './connect-socket.js'
import { listenOn } from './listen-on.js'
import { ensureRuntimeDirectory, runtimeDirectory } from './runtime-directory.js'
import { SocketChannel } from './socket-channel.js'
import type { Address, Channel, Listener, Transport } from './transport.js'

/** How long a socket file that is in the way gets to show that somebody still listens on it. */
const PROBE_MILLISECONDS = 1_000

const NOT_A_SOCKET = 'not a socket'

/**
 * Members on one machine: unix sockets, and named pipes on Windows.
 *
 * A socket that a dead process has left is taken over, one that somebody listens on never. Its file is the user's alone (0600), also where
 * its directory is not. That says who may connect, not who does: with a secret, the handshake of the links asks for the proof.
 */
export class IpcTransport implements Transport {
  readonly provesSecret = false
  readonly #scheduler: Scheduler

  constructor(options: { readonly scheduler: Scheduler }) {
    this.#scheduler = options.scheduler
  }

  async listen(address: Address, onChannel: (channel: Channel) => void): Promise<Listener> {
    const path = pathOf(address)
    await guardDirectory(path)
    try {
      return await this.#listenAt(address, path, onChannel)
    } catch (error) {
      if (!isAddressInUse(error) || !isFile(path) || !(await wayCleared(path))) throw error
      return await this.#listenAt(address, path, onChannel)
    }
  }

  async dial(address: Address, signal: AbortSignal): Promise<Channel> {
    const path = pathOf(address)
    try {
      await guardDirectory(path)
    } catch (cause) {
      throw new ZooKeeperError('CONNECTION_LOSS', { message: `${path} is not to be trusted`, cause })
    }
    const socket = await connectSocket({ path }, signal)
    return new SocketChannel(socket, socket, formatAddress(address), this.#scheduler)
  }

  async #listenAt(address: Address, path: string, onChannel: (channel: Channel) => void): Promise<Listener> {
    const server = createServer(socket => onChannel(new SocketChannel(socket, socket, formatAddress(address), this.#scheduler)))
    const close = await listenOn(server, { path }, address)
    try {
      if (isFile(path)) await chmod(path, 0o600)
    } catch (cause) {
      await close()
      throw new ZooKeeperError('ADDRESS_UNAVAILABLE', { message: `cannot protect ${path}`, cause })
    }
    return { address, close }
  }
}

async function wayCleared(path: string): Promise<boolean> {
  try {
    return await removeStale(path)
  } catch (cause) {
    throw new ZooKeeperError('ADDRESS_UNAVAILABLE', { message: `cannot remove what a former process has left at ${path}`, cause })
  }
}

/**
 * Removes a socket file that nobody listens on. True when the way is free.
 *
 * Two processes may find the same leftover at once; the slower one must not remove the socket that the faster one has made meanwhile. So
 * the file is moved aside first, which only one of them can do, and put back if it turns out not to be the one that was probed.
 */
async function removeStale(path: string): Promise<boolean> {
  const found = await identityOf(path)
  if (found === null) return true
  if (found === NOT_A_SOCKET || (await isAlive(path))) return false
  const aside = `${path}.${randomBytes(3).toString('hex')}`
  try {
    await rename(path, aside)
  } catch (error) {
    return isMissing(error)
  }
  if ((await identityOf(aside)) === found) {
    await unlink(aside)
    return true
  }
  await link(aside, path)
  await unlink(aside)
  return false
}

/** Anything but a refusal counts as life: what we may not connect to is not ours to remove. */
async function isAlive(path: string): Promise<boolean> {
  try {
    const socket = await connectSocket({ path }, AbortSignal.timeout(PROBE_MILLISECONDS))
    socket.destroy()
    return true
  } catch (error) {
    return !isZooKeeperError(error, 'CONNECTION_LOSS') || !hasCode(error.cause, 'ECONNREFUSED')
  }
}

/** What stays the same when a file is moved, and differs from a file made later in its place. Null when there is no socket. */
async function identityOf(path: string): Promise<string | null> {
  try {
    const found = await lstat(path, { bigint: true })
    return found.isSocket() ? `${found.dev}:${found.ino}:${found.mtimeNs}` : NOT_A_SOCKET
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

/** Sockets in the runtime directory are looked for and made only while it is the user's own. */
async function guardDirectory(path: string): Promise<void> {
  if (isFile(path) && dirname(path) === runtimeDirectory()) await ensureRuntimeDirectory(dirname(path))
}

function pathOf(address: Address): string {
  if (address.scheme === 'ipc') return address.path
  throw new ZooKeeperError('BAD_ARGUMENTS', { message: `local sockets do not know the scheme ${address.scheme}` })
}

/** Windows' pipes are no files. */
function isFile(path: string): boolean {
  return !path.startsWith('\\\\')
}

function isAddressInUse(error: unknown): boolean {
  return isZooKeeperError(error, 'ADDRESS_UNAVAILABLE') && hasCode(error.cause, 'EADDRINUSE')
}

function isMissing(error: unknown): boolean {
  return hasCode(error, 'ENOENT')
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
