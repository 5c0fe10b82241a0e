import { LIMITS } from '../base/index.js'
import { type Acl, type AuthId, CONTAINER, type Lifetime, PERMISSIONS, pathProblem, TTL_MAX } from '../tree/index.js'
import { asArray, asBytes, asInteger, asList, asNullable, asString, badFrame } from './fields.js'
import type { MsgpackReader } from './msgpack-reader.js'
import type { MsgpackWriter } from './msgpack-writer.js'

/** Readers for fields of the tree's and the sessions' vocabulary, beside the general ones. All throw `BAD_FRAME` and nothing else. */

const INT32_MAX = 2 ** 31 - 1
const PASSWORD_BYTES = 16
const RUN_LENGTH_MAX = 64

/** A path that a znode can have. */
export function asPath(value: unknown): string {
  const path = asString(value, LIMITS.pathBytesMax)
  const problem = pathProblem(path)
  if (problem !== null) throw badFrame(problem)
  return path
}

/** A path as a caller gave it: bounded, and judged by the leader, whose refusal its caller hears of. */
export function asAskedPath(value: unknown): string {
  return asString(value, LIMITS.pathBytesMax)
}

/** Data of a znode, a view into the frame. */
export function asData(value: unknown): Uint8Array | null {
  return asNullable(value, bytes => asBytes(bytes, LIMITS.requestBytesMax))
}

/** The same as the next value. */
export function dataFrom(reader: MsgpackReader): Uint8Array | null {
  return reader.takeNil() ? null : asBytes(reader.binary(), LIMITS.requestBytesMax)
}

export function writeData(writer: MsgpackWriter, data: Uint8Array | null): void {
  if (data === null) writer.nil()
  else writer.binary(data)
}

/** A version, or 'any'. */
export function asInt32(value: unknown): number {
  return asInteger(value, -INT32_MAX - 1, INT32_MAX)
}

/** A version that a znode can have. */
export function asVersion(value: unknown): number {
  const version = asInt32(value)
  if (version === -1) throw badFrame('no znode has the version -1')
  return version
}

/** A timeout in milliseconds. */
export function asTimeout(value: unknown): number {
  return asInteger(value, 1, INT32_MAX)
}

export function asPassword(value: unknown): Uint8Array {
  const bytes = asBytes(value, PASSWORD_BYTES)
  if (bytes.length !== PASSWORD_BYTES) throw badFrame(`a password has ${PASSWORD_BYTES} bytes`)
  return bytes
}

/** The name of a process of a member. */
export function asRun(value: unknown): string {
  const run = asString(value, RUN_LENGTH_MAX)
  if (run.length === 0) throw badFrame('a run has a name')
  return run
}

/** 0, a container's, or a time to live. */
export function asLifetime(value: unknown): Lifetime {
  return asInteger(value, CONTAINER, TTL_MAX)
}

/** An ACL as {@link aclFields} writes it. */
export function asAcl(value: unknown): Acl | null {
  if (value === null) return null
  let bytes = 0
  const acl = asList(value, LIMITS.aclEntriesMax).map(entry => {
    const fields = asArray(entry, 3)
    const scheme = asString(fields[1], LIMITS.aclBytesMax)
    const id = asString(fields[2], LIMITS.aclBytesMax)
    bytes += scheme.length + id.length
    return { perms: asInteger(fields[0], 0, PERMISSIONS.ALL), scheme, id }
  })
  if (acl.length === 0) throw badFrame('an ACL has an entry')
  if (bytes > LIMITS.aclBytesMax) throw badFrame('an ACL is within its bound')
  return acl
}

/** `[perms, scheme, id]` for each entry; null for the ACL that is open to all. */
export function aclFields(acl: Acl | null): readonly unknown[] | null {
  return acl === null ? null : acl.map(({ perms, scheme, id }) => [perms, scheme, id])
}

/** The identities of a session as {@link authFields} writes them. */
export function asAuth(value: unknown): readonly AuthId[] {
  let bytes = 0
  const auth = asList(value, LIMITS.authIdsMax).map(each => {
    const fields = asArray(each, 2)
    const scheme = asString(fields[0], LIMITS.authBytesMax)
    const id = asString(fields[1], LIMITS.authBytesMax)
    bytes += scheme.length + id.length
    return { scheme, id }
  })
  if (bytes > LIMITS.authBytesMax) throw badFrame('the identities of a session are within their bound')
  return auth
}

/** `[scheme, id]` for each identity. */
export function authFields(auth: readonly AuthId[]): readonly unknown[] {
  return auth.map(({ scheme, id }) => [scheme, id])
}

/** A sum of some of the bits of `all`. */
export function asFlags(value: unknown, all: number): number {
  return asInteger(value, 0, all)
}
