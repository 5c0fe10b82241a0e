import { lstat, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { ZooKeeperError } from '../base/index.js'

/** Where `ipc:name` has its sockets: below `XDG_RUNTIME_DIR`, or a directory per user below the system's temporary one. */
export function runtimeDirectory(): string {
  const base = process.env.XDG_RUNTIME_DIR
  return base !== undefined && isAbsolute(base)
    ? join(base, 'embedded-zookeeper')
    : join(tmpdir(), `embedded-zookeeper-${userId()}`)
}

/**
 * Makes the runtime directory, or makes sure that the one that is there is the user's own and closed to everyone else: below a temporary
 * directory anybody could have made it first, and would then own the sockets' names.
 * @throws ZooKeeperError `ADDRESS_UNAVAILABLE`
 */
export async function ensureRuntimeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
    const found = await lstat(path)
    if (found.isDirectory() && found.uid === userId() && (found.mode & 0o077) === 0) return
  } catch (cause) {
    throw new ZooKeeperError('ADDRESS_UNAVAILABLE', { message: `the runtime directory ${path} cannot be used`, cause })
  }
  throw new ZooKeeperError('ADDRESS_UNAVAILABLE', {
    message: `the runtime directory ${path} is not this user's own, or open to others`
  })
}

/** Only asked where sockets are files: Windows, which has no such ids, has pipes instead. */
function userId(): number {
  return process.getuid?.() ?? 0
}
