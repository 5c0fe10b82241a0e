import { type MemberId, NO_SESSION, type SessionId, type Zxid } from '../../base/index.js'
import type { Acl, AuthId } from '../../tree/index.js'
import { Violation } from '../checker.js'
import type { Call, History, Result, SingleCall, SingleRead, WriteCall } from '../history.js'

/** A call of a client, with what became of it. */
export interface RecordedCall<What extends Call = Call> {
  readonly call: number
  readonly what: What
  readonly session: SessionId
  readonly member: MemberId
  readonly process: number
  /** Who its session had shown to be. */
  readonly auth: readonly AuthId[]
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
      const { call, what, session, member, process, auth = [] } = event
      const pending = { issuedAt: index, returnedAt: null, result: null, zxidShown: null }
      calls.set(call, { call, what, session, member, process, auth, ...pending })
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
    case 'setACL':
    case 'touch':
    case 'closeSession':
      return true
    default:
      return false
  }
}

/** What a process asks in its own name of a session that somebody else may have: the log decides, and numbers it among what its member asks. */
export type ProcessCall = RecordedCall<Extract<Call, { kind: 'takeOverSession' | 'terminateSession' }>>

export function isOfTheProcess(call: RecordedCall): call is ProcessCall {
  return call.what.kind === 'takeOverSession' || call.what.kind === 'terminateSession'
}

/** For people: which call, of whom, and what it asked. */
export function describeCall({ call, session, member, what }: RecordedCall): string {
  const who = session === NO_SESSION ? '' : `session ${hex(session)} at `
  return `call ${call} (${who}member ${member}): ${describeAsked(what)}`
}

export function describeAsked(what: Call | SingleCall | SingleRead): string {
  switch (what.kind) {
    case 'create': {
      const { ephemeral, sequential, parents, ifAbsent, lifetime } = what
      const flags = flagged({ ephemeral, sequential, container: lifetime === -1, parents, 'if absent': ifAbsent })
      const ttl = lifetime > 0 ? ` for ${lifetime} ms` : ''
      return `create${flags} ${what.path} ${text(what.data)}${ttl}${aclText(what.acl)}`
    }
    case 'setData':
      return `setData ${what.path} ${text(what.data)} version ${what.version}`
    case 'delete':
      return `delete${flagged({ recursive: what.recursive, 'if it exists': what.ifExists })} ${what.path} version ${what.version}`
    case 'check':
      return `check ${what.path} version ${what.version}`
    case 'setACL':
      return `setACL ${what.path} version ${what.version}${aclText(what.acl)}`
    case 'touch':
      return `touch ${what.path}`
    case 'multi':
      return `multi [${what.operations.map(describeAsked).join('; ')}]`
    case 'exists':
    case 'getData':
    case 'getChildren':
    case 'getACL':
    case 'getAllChildrenNumber': {
      const range = what.kind === 'getChildren' ? rangeText(what) : ''
      return `${'linearizable' in what && what.linearizable ? 'linearizable ' : ''}${what.kind} ${what.path}${range}`
    }
    case 'multiRead':
      return `${what.linearizable ? 'linearizable ' : ''}multiRead [${what.reads.map(describeAsked).join('; ')}]`
    case 'getEphemerals':
      return what.prefix === '' ? 'getEphemerals' : `getEphemerals ${what.prefix}`
    case 'takeOverSession':
    case 'terminateSession':
      return `${what.kind} ${hex(what.target)}`
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

function flagged(flags: Readonly<Record<string, boolean>>): string {
  return Object.entries(flags)
    .map(([flag, isSet]) => (isSet ? ` ${flag}` : ''))
    .join('')
}

function aclText(acl: Acl | null): string {
  return acl === null ? '' : ` for [${acl.map(({ perms, scheme, id }) => `${perms} ${scheme} ${id}`).join(', ')}]`
}

function rangeText({ after, limit }: { readonly after: string | null; readonly limit: number | null }): string {
  return `${after === null ? '' : ` behind ${after}`}${limit === null ? '' : `, ${limit} at most`}`
}
