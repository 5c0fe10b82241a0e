import type { MemberId, SessionId, Zxid } from '../../base/index.js'
import { Violation } from '../checker.js'
import type { Call, History, ReadCall, Result, SingleCall, WriteCall } from '../history.js'

/** A call of a client, with what became of it. */
export interface RecordedCall<What extends Call = Call> {
  readonly call: number
  readonly what: What
  readonly session: SessionId
  readonly member: MemberId
  readonly process: number
  /** Where in the history it was issued; where it returned, or null if it never did. */
  readonly issuedAt: number
  readonly returnedAt: number | null
  readonly result: Result | null
  /** What the member showed when the call returned. */
  readonly zxidShown: Zxid | null
}

/** What its session numbers, and the log decides. */
export type NumberedCall = RecordedCall<WriteCall | { readonly kind: 'closeSession' }>

/** The calls of a history by number, in the order of issue. */
export function recordedCalls(history: History): ReadonlyMap<number, RecordedCall> {
  const calls = new Map<number, RecordedCall>()
  for (const [index, event] of history.entries()) {
    if (event.kind === 'call') {
      if (calls.has(event.call)) throw new Violation('history', `call ${event.call} was issued twice`)
      const { call, what, session, member, process } = event
      calls.set(call, { call, what, session, member, process, issuedAt: index, returnedAt: null, result: null, zxidShown: null })
    } else if (event.kind === 'return') {
      const issued = calls.get(event.call)
      if (issued === undefined) throw new Violation('history', `call ${event.call} returned without having been issued`)
      if (issued.result !== null) throw new Violation('history', `${describeCall(issued)} returned twice`)
      calls.set(event.call, { ...issued, returnedAt: index, result: event.result, zxidShown: event.zxidApplied })
    }
  }
  return calls
}

export function isNumbered(call: RecordedCall): call is NumberedCall {
  switch (call.what.kind) {
    case 'create':
    case 'delete':
    case 'setData':
    case 'multi':
    case 'closeSession':
      return true
    default:
      return false
  }
}

export function isRead(call: RecordedCall): call is RecordedCall<ReadCall> {
  return call.what.kind === 'exists' || call.what.kind === 'getData' || call.what.kind === 'getChildren'
}

/** For people: which call, of whom, and what it asked. */
export function describeCall({ call, session, member, what }: RecordedCall): string {
  return `call ${call} (session ${hex(session)} at member ${member}): ${describeAsked(what)}`
}

export function describeAsked(what: Call | SingleCall): string {
  switch (what.kind) {
    case 'create': {
      const flags = [what.ephemeral ? ' ephemeral' : '', what.sequential ? ' sequential' : ''].join('')
      return `create${flags} ${what.path} ${text(what.data)}`
    }
    case 'setData':
      return `setData ${what.path} ${text(what.data)} version ${what.version}`
    case 'delete':
    case 'check':
      return `${what.kind} ${what.path} version ${what.version}`
    case 'multi':
      return `multi [${what.operations.map(describeAsked).join('; ')}]`
    case 'exists':
    case 'getData':
    case 'getChildren':
      return `${what.linearizable ? 'linearizable ' : ''}${what.kind} ${what.path}`
    default:
      return what.kind
  }
}

export function describeResult(result: Result | null): string {
  if (result === null) return 'nothing yet'
  switch (result.kind) {
    case 'answered':
      return JSON.stringify(result.answer)
    case 'refused': {
      const where = result.zxid === null ? '' : ` at ${hex(result.zxid)}`
      const each = result.results === null ? '' : ` [${result.results.join(', ')}]`
      return `refused: ${result.code}${result.path === null ? '' : ` ${result.path}`}${each}${where}`
    }
    case 'failed':
      return `failed: ${result.code}, ${result.outcome}`
  }
}

export function hex(zxid: number): string {
  return `0x${zxid.toString(16)}`
}

const TEXT_MAX = 40

function text(data: string | null): string {
  if (data === null) return 'null'
  return JSON.stringify(data.length > TEXT_MAX ? `${data.slice(0, TEXT_MAX)}…` : data)
}
