import { LIMITS, ZooKeeperError } from '../base/index.js'
import { isReservedPath, type Operation, pathProblem, prefixProblem, type SingleOperation, VERSION_ANY } from '../tree/index.js'
import type { CallOptions, Data, MultiOp } from './zookeeper.js'

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

/** A path that is about to be changed: what lies below `/zookeeper` is the server's own. */
export function checkedWritePath(path: unknown): string {
  const checked = checkedPath(path)
  if (isReservedPath(checked)) throw badArguments(`${checked} is reserved`)
  return checked
}

export function checkedCreatePath(path: unknown, sequential: boolean): string {
  if (!sequential) return checkedWritePath(path)
  const problem = prefixProblem(path)
  if (problem !== null || typeof path !== 'string') throw badArguments(problem ?? 'a path is a string')
  if (isReservedPath(path)) throw badArguments(`${path} is reserved`)
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
  return typeof data === 'string' ? bytes : new Uint8Array(bytes)
}

export function checkedVersion(version: unknown): number {
  if (version === undefined) return VERSION_ANY
  if (typeof version !== 'number' || !Number.isInteger(version) || version < VERSION_ANY || version > VERSION_MAX) {
    throw badArguments(`a version is an integer from 0 to ${VERSION_MAX}, or ${VERSION_ANY} for any`)
  }
  return version
}

export function checkCallOptions(options: CallOptions): void {
  const { timeout, signal } = options
  if (timeout !== undefined && (typeof timeout !== 'number' || !(timeout > 0) || timeout > 2 ** 31 - 1)) {
    throw badArguments('timeout is a number of milliseconds above 0')
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw badArguments('signal is an AbortSignal')
}

export function createOperation(path: unknown, data: unknown, options: CreateFlags, maxDataLength: number): SingleOperation {
  const { ephemeral = false, sequential = false } = options
  if (typeof ephemeral !== 'boolean') throw badArguments('ephemeral is a boolean')
  if (typeof sequential !== 'boolean') throw badArguments('sequential is a boolean')
  return {
    kind: 'create',
    path: checkedCreatePath(path, sequential),
    data: checkedData(data, maxDataLength),
    ephemeral,
    sequential
  }
}

interface CreateFlags {
  readonly ephemeral?: unknown
  readonly sequential?: unknown
}

export function multiOperation(ops: readonly MultiOp[], maxDataLength: number): Operation {
  if (!Array.isArray(ops)) throw badArguments('multi takes an array of operations')
  if (ops.length > LIMITS.multiOpsMax) throw badArguments(`a multi of ${ops.length} operations, more than ${LIMITS.multiOpsMax}`)
  return { kind: 'multi', operations: ops.map(op => singleOperation(op, maxDataLength)) }
}

function singleOperation(op: MultiOp, maxDataLength: number): SingleOperation {
  switch (op?.type) {
    case 'create':
      return createOperation(op.path, op.data ?? null, op, maxDataLength)
    case 'delete':
      return { kind: 'delete', path: checkedWritePath(op.path), version: checkedVersion(op.version) }
    case 'setData':
      return setDataOperation(op.path, op.data, op.version, maxDataLength)
    case 'check':
      return { kind: 'check', path: checkedPath(op.path), version: checkedVersion(op.version) }
    default:
      throw badArguments('the operations of a multi are create, delete, setData and check')
  }
}

export function setDataOperation(path: unknown, data: Data, version: unknown, maxDataLength: number): SingleOperation {
  return {
    kind: 'setData',
    path: checkedWritePath(path),
    data: checkedData(data, maxDataLength),
    version: checkedVersion(version)
  }
}
