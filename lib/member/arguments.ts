import { Buffer } from 'node:buffer'
import { ZooKeeperError } from '../base/index.js'
import { type Acl, isBelowQuota, isReservedPath, pathProblem, prefixProblem, VERSION_ANY } from '../tree/index.js'

/** Checks what a caller hands in, before anything is sent. Everything here throws `BAD_ARGUMENTS` and nothing else. */

const VERSION_MAX = 2 ** 31 - 1

export function badArguments(message: string): ZooKeeperError {
  return new ZooKeeperError('BAD_ARGUMENTS', { message })
}

export function checkedPath(path: unknown): string {
  const problem = pathProblem(path)
  if (problem !== null || typeof path !== 'string') throw badArguments(problem ?? 'a path is a string')
  return path
}

/** A path that is about to be changed: what lies below `/zookeeper` is the server's own, but for the quotas. */
export function checkedWritePath(path: unknown): string {
  const checked = checkedPath(path)
  if (isReservedPath(checked) && !isBelowQuota(checked)) throw badArguments(`${checked} is reserved`)
  return checked
}

export function checkedCreatePath(path: unknown, sequential: boolean): string {
  if (!sequential) return checkedWritePath(path)
  const problem = prefixProblem(path)
  if (problem !== null || typeof path !== 'string') throw badArguments(problem ?? 'a path is a string')
  // Where it will stand: any suffix makes a name of what follows the last slash.
  checkedWritePath(`${path}0`)
  return path
}

/** A listener that may be left out. */
export function checkListener(listener: unknown, name: string): void {
  if (listener !== undefined && typeof listener !== 'function') throw badArguments(`${name} is a function`)
}

/** The bytes to write, in memory of our own: the caller may go on using his. */
export function checkedData(data: unknown, maxDataLength: number): Uint8Array | null {
  if (data === null || data === undefined) return null
  const bytes = typeof data === 'string' ? Buffer.from(data, 'utf8') : data
  if (!(bytes instanceof Uint8Array)) throw badArguments('data are a Uint8Array, a string or null')
  if (bytes.length > maxDataLength) throw badArguments(`data of ${bytes.length} bytes, more than ${maxDataLength}`)
  if (typeof data === 'string') return bytes
  // PERF: a Buffer, because many small ones share memory; a Uint8Array of its own costs five times as much.
  const copy = Buffer.allocUnsafe(bytes.length)
  copy.set(bytes)
  return copy
}

export function checkedVersion(version: unknown): number {
  if (version === undefined) return VERSION_ANY
  if (typeof version !== 'number' || !Number.isInteger(version) || version < VERSION_ANY || version > VERSION_MAX) {
    throw badArguments(`a version is an integer from 0 to ${VERSION_MAX}, or ${VERSION_ANY} for any`)
  }
  return version
}

/** A switch that is off when it is left out. */
export function checkedFlag(value: unknown, name: string): boolean {
  if (value === undefined) return false
  if (typeof value !== 'boolean') throw badArguments(`${name} is a boolean`)
  return value
}

/** An ACL by its shape, copied. What its entries mean is for `AuthSchemes.resolve` to judge. */
export function checkedAcl(acl: unknown): Acl {
  if (!Array.isArray(acl)) throw badArguments('an ACL is an array of entries')
  return Array.from(acl, (entry: unknown) => {
    const { perms, scheme, id } = Object(entry) as Record<string, unknown>
    if (typeof perms !== 'number' || typeof scheme !== 'string' || typeof id !== 'string') {
      throw badArguments('an entry of an ACL has perms (a number), scheme and id (strings)')
    }
    return { perms, scheme, id }
  })
}

/** What `addAuth` is given, as bytes of our own. */
export function checkedCredential(credential: unknown): Uint8Array {
  if (typeof credential === 'string') return Buffer.from(credential, 'utf8')
  if (credential instanceof Uint8Array) return new Uint8Array(credential)
  throw badArguments('a credential is a string or a Uint8Array')
}

export function checkedText(text: unknown, name: string): string {
  if (typeof text !== 'string') throw badArguments(`${name} is a string`)
  return text
}

export function checkOptionsObject(options: unknown): void {
  if (typeof options !== 'object' || options === null) throw badArguments('options are an object')
}

export function checkCallOptions(options: { readonly timeout?: unknown; readonly signal?: unknown }): void {
  checkOptionsObject(options)
  const { timeout, signal } = options
  if (timeout !== undefined && (typeof timeout !== 'number' || !(timeout > 0) || timeout > 2 ** 31 - 1)) {
    throw badArguments('timeout is a number of milliseconds above 0')
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw badArguments('signal is an AbortSignal')
}
