import type { ErrorCode } from '../../base/index.js'
import type { TxnChange } from '../../wire/index.js'
import type { Answer, CommittedTxn, SingleCall } from '../history.js'
import { hex, type NumberedCall } from './recorded-call.js'

/**
 * Whether a txn is a call's: null if it may be, otherwise what speaks against it, in words. With `placed`, also what the call was told of its
 * place in the log must fit.
 */
export function misfit(call: NumberedCall, { zxid, txn }: CommittedTxn, placed: boolean): string | null {
  const { what, result } = call
  const { change } = txn
  if (change.kind === 'refused') return refusalMisfit(call, zxid, change, placed)
  if (result?.kind === 'refused') return `the log did not refuse it at ${hex(zxid)}`
  if (result?.kind === 'failed' && result.outcome === 'not-applied') return `it was applied at ${hex(zxid)}`
  const answer = placed && result?.kind === 'answered' ? result.answer : null
  if (what.kind === 'closeSession') return change.kind === what.kind ? null : `a ${change.kind} is in its place`
  if (what.kind !== 'multi') return changeMisfit(what, change, txn.session) ?? answerMisfit(answer, zxid, change)
  if (change.kind !== 'multi') return `a ${change.kind} is in its place`
  if (change.changes.length !== what.operations.length) return `a multi of ${change.changes.length} is in its place`
  const answers = answer?.kind === 'multi' ? answer.results : []
  for (const [index, each] of change.changes.entries()) {
    const asked = what.operations[index]
    const problem =
      asked === undefined
        ? 'there is none'
        : (changeMisfit(asked, each, txn.session) ?? answerMisfit(answers[index] ?? null, zxid, each))
    if (problem !== null) return `operation ${index}: ${problem}`
  }
  return null
}

type Refused = Extract<TxnChange, { kind: 'refused' }>

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
  const asked = what.operations[results?.findIndex(each => each !== 'OK') ?? -1]
  return results?.length === what.operations.length && asked !== undefined && couldBeRefusedOne(asked, code, path)
}

function couldBeRefusedOne(asked: SingleCall, code: ErrorCode, path: string | undefined): boolean {
  const isNamed = asked.kind === 'create' && asked.sequential ? path?.startsWith(asked.path) : path === asked.path
  if (path !== undefined && !isNamed) return false
  switch (code) {
    case 'BAD_VERSION':
      return asked.kind !== 'create' && asked.version !== -1
    case 'NODE_EXISTS':
    case 'NO_CHILDREN_FOR_EPHEMERALS':
      return asked.kind === 'create'
    case 'NOT_EMPTY':
      return asked.kind === 'delete'
    default:
      return true
  }
}

/** Kind, path and data: what cannot differ. Versions and counters are judged by the model. */
function changeMisfit(asked: SingleCall, change: TxnChange, session: number): string | null {
  if (asked.kind === 'create' && change.kind === 'create') {
    const named = asked.sequential ? isNamedAfter(change.path, asked.path) : change.path === asked.path
    if (!named) return `${change.path} was created`
    if (change.owner !== (asked.ephemeral ? session : 0)) return `its owner is ${hex(change.owner)}`
    return sameText(asked.data, change.data) ? null : `other data were written to ${change.path}`
  }
  if (asked.kind === 'setData' && change.kind === 'setData') {
    if (asked.path !== change.path) return `${change.path} was written`
    return sameText(asked.data, change.data) ? null : `other data were written to ${change.path}`
  }
  if ((asked.kind === 'delete' && change.kind === 'delete') || (asked.kind === 'check' && change.kind === 'check')) {
    return asked.path === change.path ? null : `it was ${change.path}`
  }
  return `a ${change.kind} is in its place`
}

/** What an answer shows of its place in the log. */
function answerMisfit(answer: Answer | null, zxid: number, change: TxnChange): string | null {
  if (answer === null) return null
  if (answer.kind === 'create') {
    if (answer.stat.czxid !== zxid) return `the answer says it was created at ${hex(answer.stat.czxid)}, not at ${hex(zxid)}`
    if (change.kind === 'create' && change.path !== answer.path) return `the answer says ${answer.path}, not ${change.path}`
  }
  if (answer.kind === 'setData' && answer.stat.mzxid !== zxid) {
    return `the answer says it was written at ${hex(answer.stat.mzxid)}, not at ${hex(zxid)}`
  }
  return null
}

function isNamedAfter(path: string, prefix: string): boolean {
  return path.startsWith(prefix) && /^\d{10,}$/.test(path.slice(prefix.length))
}

function sameText(asked: string | null, written: Uint8Array | null): boolean {
  if (asked === null || written === null) return asked === written
  return sameBytes(bytesOf(asked), written)
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
