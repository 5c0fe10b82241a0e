import { LIMITS } from '../base/index.js'
import { pathProblem } from '../tree/index.js'
import { asBytes, asInteger, asNullable, asString, badFrame } from './fields.js'

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
