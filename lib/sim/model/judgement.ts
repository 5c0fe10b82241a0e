import type { Operation, OperationResult, SingleOperation, SingleResult, Stat } from '../../tree/index.js'
import type { TxnChange } from '../../wire/index.js'
import type { SingleCall, WriteCall } from '../history.js'
import type { PlainOutcome } from './plain-tree.js'
import { hex } from './recorded-call.js'
import { bytesOf, sameBytes } from './request-fit.js'

/** A change that one operation on the tree was turned into. */
export type OperationChange = Exclude<TxnChange, { kind: 'enlist' | 'createSession' | 'closeSession' | 'refused' }>
type SingleOperationChange = Exclude<OperationChange, { kind: 'multi' }>

/** What a call asks of the tree. */
export function operationOf(call: WriteCall): Operation {
  return call.kind === 'multi' ? { kind: 'multi', operations: call.operations.map(singleOf) } : singleOf(call)
}

function singleOf(call: SingleCall): SingleOperation {
  if (call.kind !== 'create' && call.kind !== 'setData') return call
  return { ...call, data: call.data === null ? null : bytesOf(call.data) }
}

/** What must have been asked, as far as its outcome shows it: for a txn whose call nobody has recorded. */
export function operationBehind(change: OperationChange): Operation {
  return change.kind === 'multi' ? { kind: 'multi', operations: change.changes.map(singleBehind) } : singleBehind(change)
}

function singleBehind(change: SingleOperationChange): SingleOperation {
  const { kind, path } = change
  switch (kind) {
    case 'create':
      return { kind, path, data: change.data, ephemeral: change.owner !== 0, sequential: false }
    case 'setData':
      return { kind, path, data: change.data, version: -1 }
    default:
      return { kind, path, version: -1 }
  }
}

/** In what the leader's judgement differs from the model's; null if it does not. */
export function differenceOf(outcome: PlainOutcome, session: number, change: TxnChange): string | null {
  const { result, parentCreates } = outcome
  if (result.kind === 'refused' || change.kind === 'refused') {
    const [model, leader] = [describeJudgement(result), describeJudgement(change)]
    return model === leader ? null : `the leader judged ${leader}, the model ${model}`
  }
  const results = result.kind === 'multi' ? result.results : [result as SingleResult]
  const changes = change.kind === 'multi' ? change.changes : [change]
  if ((change.kind === 'multi') !== (result.kind === 'multi') || results.length !== changes.length) {
    return `the leader made a ${change.kind} of ${changes.length}, the model a ${result.kind} of ${results.length}`
  }
  for (const [index, each] of results.entries()) {
    const problem = singleDifference(each, parentCreates[index] ?? 0, session, changes[index] as TxnChange)
    if (problem !== null) return result.kind === 'multi' ? `operation ${index}: ${problem}` : problem
  }
  return null
}

function singleDifference(result: SingleResult, parentCreates: number, session: number, change: TxnChange): string | null {
  if (result.kind !== change.kind) return `the leader made a ${change.kind}, the model a ${result.kind}`
  if (result.kind === 'create' && change.kind === 'create') {
    const { stat } = result
    if (change.path !== result.path) return `the leader named it ${change.path}, the model ${result.path}`
    if (change.owner !== stat.ephemeralOwner) return `the leader gave it to ${hex(change.owner)}, the model to ${hex(session)}`
    if (change.parentCversion !== parentCreates) {
      return `the leader counted ${change.parentCversion} creates below its parent, the model ${parentCreates}`
    }
  }
  if (result.kind === 'setData' && change.kind === 'setData' && change.version !== result.stat.version) {
    return `the leader made it version ${change.version}, the model ${result.stat.version}`
  }
  return null
}

function describeJudgement(judged: OperationResult | TxnChange): string {
  if (judged.kind !== 'refused') return `that it be done (${judged.kind})`
  const each = judged.results === undefined ? '' : ` [${judged.results.join(', ')}]`
  return `${judged.code}${judged.path === undefined ? '' : ` ${judged.path}`}${each}`
}

const STAT_FIELDS = [
  'czxid',
  'mzxid',
  'pzxid',
  'ctime',
  'mtime',
  'version',
  'cversion',
  'aversion',
  'ephemeralOwner',
  'dataLength',
  'numChildren'
] as const satisfies readonly (keyof Stat)[]

/** The first field in which two Stats differ, as `what was told / what the model has`; null if there is none. */
export function statDifference(told: Stat | null, model: Stat | null): string | null {
  if (told === null || model === null) {
    if (told === model) return null
    return told === null ? 'told that it is not there, the model has it' : 'told a Stat, the model has none'
  }
  for (const field of STAT_FIELDS) {
    if (told[field] !== model[field]) return `told ${field} ${shown(field, told)}, the model has ${shown(field, model)}`
  }
  return null
}

function shown(field: keyof Stat, stat: Stat): string {
  return field.endsWith('zxid') || field === 'ephemeralOwner' ? hex(stat[field]) : String(stat[field])
}

/** Whether text that was told is what the model has. */
export function isData(told: string | null, data: Uint8Array | null): boolean {
  return sameBytes(told === null ? null : bytesOf(told), data)
}
