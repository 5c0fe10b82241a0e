import { EPOCH_MAX, type Epoch, isZxid, type MemberId, type SessionId, ZooKeeperError, type Zxid } from '../base/index.js'

/**
 * Readers for the fields of a decoded message. A message is a positional array, and 77 % of random mutations of a small frame are still
 * valid msgpack, so every field is read through one of these, whether it was decoded with all the others or comes from a `MsgpackReader` that
 * has just read it. All throw `BAD_FRAME` and nothing else.
 */

/** The error for bytes from outside that are not what they must be. `detail` says what was wrong, without quoting the bytes. */
export function badFrame(detail: string): ZooKeeperError {
  return new ZooKeeperError('BAD_FRAME', { message: detail })
}

/** An array of exactly `length` fields. */
export function asArray(value: unknown, length: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length !== length) throw expected(`an array of ${length}`, value)
  return value
}

/** The length of an array that was begun, which must be this one. */
export function exactly(found: number, length: number): void {
  if (found !== length) throw badFrame(`expected an array of ${length}, got an array of ${found}`)
}

/** An array of any number of entries up to `countMax`. */
export function asList(value: unknown, countMax: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length > countMax) throw expected(`a list of at most ${countMax}`, value)
  return value
}

/** A message led by its kind: the array, checked to hold at least the tag that {@link asInteger} then reads from its first place. */
export function asTagged(value: unknown): readonly unknown[] {
  if (!Array.isArray(value) || value.length === 0) throw expected('a tagged array', value)
  return value
}

/** A whole number from `min` to `max`, both included. A float that happens to be whole passes, one beyond exactness never does. */
export function asInteger(value: unknown, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) {
    throw expected(`an integer from ${min} to ${max}`, value)
  }
  return value
}

/** A whole number from 0 to the largest exact one. */
export function asCount(value: unknown): number {
  return asInteger(value, 0, Number.MAX_SAFE_INTEGER)
}

export function asBoolean(value: unknown): boolean {
  if (typeof value !== 'boolean') throw expected('a boolean', value)
  return value
}

/** A string of at most `lengthMax` UTF-16 units. */
export function asString(value: unknown, lengthMax: number): string {
  if (typeof value !== 'string' || value.length > lengthMax) throw expected(`a string of at most ${lengthMax}`, value)
  return value
}

/** At most `bytesMax` bytes: a view into the frame that was decoded. */
export function asBytes(value: unknown, bytesMax: number): Uint8Array {
  if (!(value instanceof Uint8Array) || value.length > bytesMax) throw expected(`at most ${bytesMax} bytes`, value)
  return value
}

/** One of a few values. */
export function asOneOf<const T extends string | number>(value: unknown, allowed: readonly T[]): T {
  const found = allowed.find(candidate => candidate === value)
  if (found === undefined) throw expected(`one of ${allowed.join(', ')}`, value)
  return found
}

/** Null, or what `read` makes of it. */
export function asNullable<T>(value: unknown, read: (value: unknown) => T): T | null {
  return value === null ? null : read(value)
}

export function asZxid(value: unknown): Zxid {
  if (!isZxid(value)) throw expected('a zxid', value)
  return value
}

export function asEpoch(value: unknown): Epoch {
  return asInteger(value, 0, EPOCH_MAX) as Epoch
}

/** 1 to 255. */
export function asMemberId(value: unknown): MemberId {
  return asInteger(value, 1, 255) as MemberId
}

/** A session id, which is a zxid; 0 stands for no session. */
export function asSessionId(value: unknown): SessionId {
  if (!isZxid(value)) throw expected('a session id', value)
  return value as number as SessionId
}

function expected(what: string, value: unknown): ZooKeeperError {
  return badFrame(`expected ${what}, got ${describe(value)}`)
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (value instanceof Uint8Array) return `${value.length} bytes`
  if (typeof value === 'string') return `a string of ${value.length}`
  if (typeof value === 'number') return `the number ${value}`
  return value === null ? 'null' : typeof value
}
