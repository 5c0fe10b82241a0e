import type { CreateFlags, Data, MultiOp, MultiResult, ReadOp, ReadResult } from '../../member/index.js'
import { type AuthId, CONTAINER, PERSISTENT, VERSION_ANY } from '../../tree/index.js'
import type { Answer, SingleCall, SingleRead, SingleReadAnswer } from '../history.js'
import { keptAcl } from './identities.js'

/** From what the library is asked and answers to the words that a history is written in. */

export function textOf(data: Data): string | null {
  if (data === null || typeof data === 'string') return data
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString()
}

/** A create, from what it was asked with. `auth`: who asks. */
export function createCallOf(
  path: string,
  data: Data,
  flags: CreateFlags & { readonly parents?: boolean },
  auth: readonly AuthId[],
  ifAbsent = false
): Extract<SingleCall, { kind: 'create' }> {
  const { ephemeral = false, sequential = false, container = false, ttl = PERSISTENT, acl, parents = false } = flags
  return {
    kind: 'create',
    path,
    data: textOf(data),
    ephemeral,
    sequential,
    lifetime: container ? CONTAINER : ttl,
    acl: keptAcl(acl, auth),
    parents,
    ifAbsent
  }
}

export function singleCallOf(op: MultiOp, auth: readonly AuthId[]): SingleCall {
  switch (op.type) {
    case 'create':
      return createCallOf(op.path, op.data ?? null, op, auth)
    case 'delete':
      return { kind: 'delete', path: op.path, version: op.version ?? VERSION_ANY, recursive: false, ifExists: false }
    case 'setData':
      return { kind: 'setData', path: op.path, data: textOf(op.data), version: op.version ?? VERSION_ANY }
    case 'check':
      return { kind: 'check', path: op.path, version: op.version ?? VERSION_ANY }
  }
}

export function singleAnswerOf(result: MultiResult): Exclude<Answer, { kind: 'multi' }> {
  switch (result.type) {
    case 'create':
      return { kind: 'create', path: result.path, stat: result.stat, created: true }
    case 'setData':
      return { kind: 'setData', stat: result.stat }
    case 'delete':
      return { kind: 'delete' }
    case 'check':
      return { kind: 'check' }
  }
}

export function singleReadOf(op: ReadOp): SingleRead {
  if (op.type !== 'getChildren') return { kind: op.type, path: op.path }
  return { kind: 'getChildren', path: op.path, after: op.after ?? null, limit: op.limit ?? null }
}

export function singleReadAnswerOf(result: ReadResult): SingleReadAnswer {
  switch (result.type) {
    case 'getData':
      return { kind: 'getData', data: textOf(result.data), stat: result.stat }
    case 'getChildren':
      return { kind: 'getChildren', children: result.children, stat: result.stat }
    case 'exists':
      return { kind: 'exists', stat: result.stat }
    case 'error':
      return { kind: 'error', code: result.code }
  }
}
