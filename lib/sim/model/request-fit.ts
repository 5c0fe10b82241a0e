import type { ErrorCode } from '../../base/index.js'
import type { Acl } from '../../tree/index.js'
import type { TxnChange } from '../../wire/index.js'
import type { Answer, CommittedTxn, SingleCall, WriteCall } from '../history.js'
import { above, isWithin } from './plain-path.js'
import { hex, type NumberedCall } from './recorded-call.js'

type Create = Extract<SingleCall, { kind: 'create' }>
type Delete = Extract<SingleCall, { kind: 'delete' }>
type Multi = Extract<TxnChange, { kind: 'multi' }>
type Refused = Extract<TxnChange, { kind: 'refused' }>

/**
 * Whether a txn is a call's: null if it may be, otherwise what speaks against it, in words. With `placed`, also what the call was told of its
 * place in the log must fit.
 */
export function misfit(call: NumberedCall, entry: CommittedTxn, placed: boolean): string | null {
  const { what, result, member } = call
  const { zxid, txn } = entry
  const { change } = txn
  if (txn.member !== member) return `it is of member ${txn.member} at ${hex(zxid)}`
  if (change.kind === 'refused') return refusalMisfit(call, zxid, change, placed)
  if (result?.kind === 'refused') return `the log did not refuse it at ${hex(zxid)}`
  if (result?.kind === 'failed' && result.outcome === 'not-applied') return `it was applied at ${hex(zxid)}`
  const answer = placed && result?.kind === 'answered' ? result.answer : null
  if (what.kind === 'closeSession') return change.kind === what.kind ? null : inItsPlace(change)
  return writeMisfit(what, change, txn.session) ?? answerMisfit(answer, entry, change)
}

function refusalMisfit(call: NumberedCall, zxid: number, change: Refused, placed: boolean): string | null {
  const { result } = call
  if (placed && !couldBeRefused(call, change)) return `the log refused something else with ${change.code} at ${hex(zxid)}`
  if (result === null) return null
  if (result.kind === 'answered') return `the log refused it with ${change.code} at ${hex(zxid)}`
  if (result.kind === 'failed') {
    // Of a session that has ended the log refuses everything, and nobody is told of that any more.
    if (result.outcome === 'unknown' || change.code === 'SESSION_EXPIRED') return null
    return `the log refused it with ${change.code} at ${hex(zxid)}, and it was not told so`
  }
  if (placed && result.zxid !== null && result.zxid !== zxid) return `it was refused at ${hex(result.zxid)}, not at ${hex(zxid)}`
  return null
}

/** Whether a call can be refused in that way at all. Whether it had to be is the model's to say. */
function couldBeRefused({ what }: NumberedCall, { code, path, results }: Refused): boolean {
  if (code === 'SESSION_EXPIRED') return true
  if (what.kind === 'closeSession') return false
  if (what.kind !== 'multi') return results === undefined && couldBeRefusedOne(what, code, path)
  // One that has too many operations is refused without a look at any.
  if (results === undefined) return code === 'BAD_ARGUMENTS'
  const asked = what.operations[results.findIndex(each => each !== 'OK')]
  return results.length === what.operations.length && asked !== undefined && couldBeRefusedOne(asked, code, path)
}

function couldBeRefusedOne(
  asked: Exclude<WriteCall, { kind: 'multi' }> | SingleCall,
  code: ErrorCode,
  path: string | undefined
): boolean {
  if (path !== undefined && !mayBeNamed(asked, code, path)) return false
  const isForgiving = (asked.kind === 'delete' && asked.ifExists) || (asked.kind === 'create' && asked.parents)
  switch (code) {
    case 'BAD_VERSION':
      return 'version' in asked && asked.version !== -1
    case 'NODE_EXISTS':
      return asked.kind === 'create' && !asked.ifAbsent
    case 'NO_CHILDREN_FOR_EPHEMERALS':
      return asked.kind === 'create'
    case 'NOT_EMPTY':
      return asked.kind === 'delete' && !asked.recursive
    case 'NO_NODE':
      return !isForgiving
    case 'QUOTA_EXCEEDED':
      return asked.kind === 'create' || asked.kind === 'setData'
    case 'LIMIT_EXCEEDED':
      return asked.kind === 'create' || (asked.kind === 'delete' && asked.recursive)
    default:
      return true
  }
}

/** Whether a refusal of a call may name a path: mostly the one that was asked for. */
function mayBeNamed(asked: Exclude<WriteCall, { kind: 'multi' }> | SingleCall, code: ErrorCode, path: string): boolean {
  const isAbove = isWithin(asked.path, path)
  if (asked.kind === 'create') {
    const isItself = asked.sequential ? path.startsWith(asked.path) : path === asked.path
    return isItself || (isAbove && (asked.parents || code === 'QUOTA_EXCEEDED'))
  }
  if (asked.kind === 'delete' && asked.recursive && isWithin(path, asked.path)) return true
  return path === asked.path || (isAbove && code === 'QUOTA_EXCEEDED')
}

/** Kinds, paths, data and ACLs: what cannot differ. Versions and counters are judged by the model. */
function writeMisfit(asked: WriteCall, change: TxnChange, session: number): string | null {
  switch (asked.kind) {
    case 'multi': {
      if (change.kind !== 'multi') return inItsPlace(change)
      const { operations } = asked
      if (change.changes.length !== operations.length) return `a multi of ${change.changes.length} is in its place`
      const problems = operations.map((each, index) => singleMisfit(each, change.changes[index] as TxnChange, session))
      const first = problems.findIndex(problem => problem !== null)
      return first < 0 ? null : `operation ${first}: ${problems[first]}`
    }
    case 'create':
      if (change.kind === 'check' && asked.ifAbsent) return sameAs(asked.path, change.path)
      return change.kind === 'multi' && asked.parents
        ? parentsMisfit(asked, change, session)
        : singleMisfit(asked, change, session)
    case 'delete':
      return asked.recursive || asked.ifExists ? deletesMisfit(asked, change) : singleMisfit(asked, change, session)
    case 'setACL':
      if (change.kind !== asked.kind) return inItsPlace(change)
      return sameAs(asked.path, change.path) ?? (sameAcl(asked.acl, change.acl) ? null : `it was given another ACL`)
    case 'touch':
      return change.kind === asked.kind ? sameAs(asked.path, change.path) : inItsPlace(change)
    default:
      return singleMisfit(asked, change, session)
  }
}

function singleMisfit(asked: SingleCall, change: TxnChange, session: number): string | null {
  if (asked.kind === 'create' && change.kind === 'create') {
    const named = asked.sequential ? isNamedAfter(change.path, asked.path) : change.path === asked.path
    if (!named) return `${change.path} was created`
    if (change.owner !== (asked.ephemeral ? session : 0)) return `its owner is ${hex(change.owner)}`
    if (change.lifetime !== asked.lifetime) return `its lifetime is ${change.lifetime}`
    if (!sameAcl(asked.acl, change.acl)) return `${change.path} was created with another ACL`
    return sameText(asked.data, change.data) ? null : `other data were written to ${change.path}`
  }
  if (asked.kind === 'setData' && change.kind === 'setData') {
    if (asked.path !== change.path) return `${change.path} was written`
    return sameText(asked.data, change.data) ? null : `other data were written to ${change.path}`
  }
  if ((asked.kind === 'delete' && change.kind === 'delete') || (asked.kind === 'check' && change.kind === 'check')) {
    return sameAs(asked.path, change.path)
  }
  return inItsPlace(change)
}

/** Its parents, from above, and then itself. */
function parentsMisfit(asked: Create, { changes }: Multi, session: number): string | null {
  const last = changes.at(-1)
  if (changes.length < 2 || last === undefined) return `a multi of ${changes.length} is in its place`
  const plain = { ...asked, data: null, ephemeral: false, sequential: false, lifetime: 0 }
  for (const [index, each] of changes.slice(0, -1).entries()) {
    const below = changes[index + 1]
    if (below === undefined || !('path' in below) || above(below.path) !== each.path) return `${each.path} was created on the way`
    const problem = singleMisfit({ ...plain, path: each.path }, each, session)
    if (problem !== null) return problem
  }
  return singleMisfit(asked, last, session)
}

/** A multi of what there was, from below. */
function deletesMisfit(asked: Delete, change: TxnChange): string | null {
  if (change.kind !== 'multi') return inItsPlace(change)
  const { changes } = change
  const last = changes.at(-1)
  if (last === undefined) return asked.ifExists ? null : 'nothing was done in its place'
  if (last.path !== asked.path) return `it was ${last.path}`
  const isAsked = ({ kind, path }: Multi['changes'][number]) => kind === 'delete' && isWithin(path, asked.path)
  const other = changes.find(each => !isAsked(each))
  if (other !== undefined) return `a ${other.kind} of ${other.path} is in its place`
  return asked.recursive || changes.length === 1 ? null : `${changes.length} znodes were deleted in its place`
}

/** What an answer shows of its place in the log. */
function answerMisfit(answer: Answer | null, entry: CommittedTxn, change: TxnChange): string | null {
  const { zxid, txn } = entry
  if (answer === null) return null
  if (answer.kind === 'multi') {
    for (const [index, each] of answer.results.entries()) {
      const part = change.kind === 'multi' ? change.changes[index] : undefined
      const problem = part === undefined ? 'there is none' : answerMisfit(each, entry, part)
      if (problem !== null) return `operation ${index}: ${problem}`
    }
    return null
  }
  if (answer.kind === 'create') {
    const made = change.kind === 'multi' ? change.changes.at(-1) : change
    if (answer.created !== (made?.kind === 'create'))
      return `it was ${answer.created ? 'there already' : 'created'} at ${hex(zxid)}`
    if (made?.kind !== 'create') return null
    if (answer.stat.czxid !== zxid) return `the answer says it was created at ${hex(answer.stat.czxid)}, not at ${hex(zxid)}`
    return made.path === answer.path ? null : `the answer says ${answer.path}, not ${made.path}`
  }
  if (answer.kind === 'setData' && answer.stat.mzxid !== zxid) {
    return `the answer says it was written at ${hex(answer.stat.mzxid)}, not at ${hex(zxid)}`
  }
  if (answer.kind === 'touch' && answer.stat.mtime !== txn.time)
    return `the answer says that it was touched at ${answer.stat.mtime}`
  if (answer.kind === 'setACL' && change.kind === 'setACL' && answer.stat.aversion !== change.aversion) {
    return `the answer says that it was given its ACL number ${answer.stat.aversion}, not ${change.aversion}`
  }
  return null
}

function inItsPlace({ kind }: TxnChange): string {
  return `a ${kind} is in its place`
}

function sameAs(asked: string, path: string): string | null {
  return asked === path ? null : `it was ${path}`
}

function isNamedAfter(path: string, prefix: string): boolean {
  return path.startsWith(prefix) && /^\d{10,}$/.test(path.slice(prefix.length))
}

function sameText(asked: string | null, written: Uint8Array | null): boolean {
  if (asked === null || written === null) return asked === written
  return sameBytes(bytesOf(asked), written)
}

export function sameAcl(a: Acl | null, b: Acl | null): boolean {
  if (a === null || b === null) return a === b
  if (a.length !== b.length) return false
  return a.every(({ perms, scheme, id }, index) => {
    const other = b[index]
    return other !== undefined && other.perms === perms && other.scheme === scheme && other.id === id
  })
}

export function sameBytes(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === null || b === null) return a === b
  return a.length === b.length && a.every((byte, index) => byte === b[index])
}

const encoder = new TextEncoder()

/** Text as it is written: UTF-8. */
export function bytesOf(text: string): Uint8Array {
  return encoder.encode(text)
}
