import { assert, ZooKeeperError } from '../base/index.js'
import type { OperationResult, SingleResult, Stat } from '../tree/index.js'
import type { AppliedTxn } from './replica.js'
import type { MultiResult } from './zookeeper.js'

/** What the log says of a request, as its caller is told. */

/** The result that a txn has for its request. A refusal is thrown. */
export function acceptedOf(answer: AppliedTxn): OperationResult {
  const { result, zxid } = answer
  if (result.kind !== 'refused') return result
  const { code, path, results } = result
  throw new ZooKeeperError(code, { zxid, ...(path === undefined ? {} : { path }), ...(results === undefined ? {} : { results }) })
}

/** Of a create: behind its parents where these had to be created too. */
export function createdOf(result: OperationResult): { readonly path: string; readonly stat: Stat } {
  const own = lastOf(result)
  assert(own?.kind === 'create', 'a create is answered by a create')
  return { path: own.path, stat: own.stat }
}

/** Of a create that lets be what is there: `path`, as it is there. */
export function createdOrFoundOf(
  result: OperationResult,
  path: string
): { readonly path: string; readonly stat: Stat; readonly created: boolean } {
  if (result.kind === 'check') return { path, stat: result.stat, created: false }
  return { ...createdOf(result), created: true }
}

/** Of a write that leaves its znode with a new Stat. */
export function statOf(result: OperationResult): Stat {
  assert(
    result.kind === 'setData' || result.kind === 'setACL' || result.kind === 'touch',
    'what sets something is answered by what is there then'
  )
  return result.stat
}

/** Of a multi, one for each of its operations. */
export function multiResultsOf(result: OperationResult): readonly MultiResult[] {
  assert(result.kind === 'multi', 'a multi is answered by a multi')
  return result.results.map(multiResultOf)
}

/** A caller is told no more than that it was done. */
export function nothingOf(): void {}

function lastOf(result: OperationResult): OperationResult | undefined {
  return result.kind === 'multi' ? result.results.at(-1) : result
}

function multiResultOf(result: SingleResult): MultiResult {
  assert(result.kind !== 'setACL' && result.kind !== 'touch', 'a multi has no part of that kind')
  switch (result.kind) {
    case 'create':
      return { type: 'create', path: result.path, stat: result.stat }
    case 'setData':
      return { type: 'setData', stat: result.stat }
    case 'delete':
    case 'check':
      return { type: result.kind }
  }
}
