import type { AuthId, Operation, OperationResult, SingleChange, SingleOperation, Stat } from '../../tree/index.js'
import type { TxnChange } from '../../wire/index.js'
import type { SingleCall, WriteCall } from '../history.js'
import { isWithin } from './plain-path.js'
import type { PlainOutcome } from './plain-tree.js'
import { hex } from './recorded-call.js'
import { bytesOf, sameAcl, sameBytes } from './request-fit.js'

/** A change that an operation on the tree was turned into. */
export type OperationChange = Exclude<
  TxnChange,
  { kind: 'enlist' | 'createSession' | 'moveSession' | 'closingSession' | 'closeSession' | 'deleteContainer' | 'refused' }
>

/** What a call asks of the tree. */
export function operationOf(call: WriteCall): Operation {
  if (call.kind === 'multi') return { kind: 'multi', operations: call.operations.map(singleOf) }
  return call.kind === 'setACL' || call.kind === 'touch' ? call : singleOf(call)
}

function singleOf(call: SingleCall): SingleOperation {
  if (call.kind !== 'create' && call.kind !== 'setData') return call
  return { ...call, data: call.data === null ? null : bytesOf(call.data) }
}

/** Nothing is forbidden to whoever has asked for what the log has: of a txn whose call nobody has recorded it is not known who that was. */
export const ANYBODY: readonly AuthId[] = [{ scheme: 'super', id: '' }]

/** What must have been asked, as far as its outcome shows it: for a txn whose call nobody has recorded. */
export function operationBehind(change: OperationChange): Operation {
  if (change.kind === 'multi') return multiBehind(change.changes)
  if (change.kind === 'setACL') return { ...change, version: -1 }
  return change.kind === 'touch' ? change : singleBehind(change)
}

/** A subtree that was deleted may be more than a multi can hold. */
function multiBehind(changes: readonly SingleChange[]): Operation {
  const last = changes.at(-1)
  const isSubtree = last !== undefined && changes.every(({ kind, path }) => kind === 'delete' && isWithin(path, last.path))
  if (isSubtree) return { kind: 'delete', path: last.path, version: -1, recursive: true, ifExists: false }
  return { kind: 'multi', operations: changes.map(singleBehind) }
}

function singleBehind(change: SingleChange): SingleOperation {
  const { path } = change
  switch (change.kind) {
    case 'create': {
      const { data, lifetime, acl, owner } = change
      const flags = { ephemeral: owner !== 0, sequential: false, parents: false, ifAbsent: false }
      return { kind: 'create', path, data, lifetime, acl, ...flags }
    }
    case 'setData':
      return { kind: 'setData', path, data: change.data, version: -1 }
    case 'delete':
      return { kind: 'delete', path, version: -1, recursive: false, ifExists: false }
    default:
      return { kind: 'check', path, version: -1 }
  }
}

/** In what the leader's judgement differs from the model's; null if it does not. */
export function differenceOf({ result, change: model }: PlainOutcome, change: TxnChange): string | null {
  if (result.kind === 'refused' || change.kind === 'refused' || model.kind === 'refused') {
    const [told, made] = [describeJudgement(result), describeJudgement(change)]
    return told === made ? null : `the leader judged ${made}, the model ${told}`
  }
  const expected = model.kind === 'multi' ? model.changes : [model]
  const changes = change.kind === 'multi' ? change.changes : [change]
  if ((change.kind === 'multi') !== (model.kind === 'multi') || expected.length !== changes.length) {
    return `the leader made a ${change.kind} of ${changes.length}, the model a ${model.kind} of ${expected.length}`
  }
  for (const [index, each] of expected.entries()) {
    const problem = changeDifference(each as SingleChange, changes[index] as TxnChange)
    if (problem !== null) return model.kind === 'multi' ? `operation ${index}: ${problem}` : problem
  }
  return null
}

function changeDifference(model: SingleChange, change: TxnChange): string | null {
  if (model.kind !== change.kind) return `the leader made a ${change.kind}, the model a ${model.kind}`
  if (!('path' in change) || change.path !== model.path) {
    return `the leader named it ${'path' in change ? change.path : 'nothing'}, the model ${model.path}`
  }
  if ('data' in model && 'data' in change && !sameBytes(change.data, model.data))
    return `the leader wrote other data to ${model.path}`
  if ('acl' in model && 'acl' in change && !sameAcl(change.acl, model.acl)) return `the leader gave ${model.path} another ACL`
  if (model.kind === 'create' && change.kind === 'create') {
    if (change.owner !== model.owner) return `the leader gave it to ${hex(change.owner)}, the model to ${hex(model.owner)}`
    if (change.lifetime !== model.lifetime) return `the leader lets it live ${change.lifetime}, the model ${model.lifetime}`
    if (change.parentCversion !== model.parentCversion) {
      return `the leader counted ${change.parentCversion} creates below its parent, the model ${model.parentCversion}`
    }
  }
  if (model.kind === 'setData' && change.kind === 'setData' && change.version !== model.version) {
    return `the leader made it version ${change.version}, the model ${model.version}`
  }
  if (model.kind === 'setACL' && change.kind === 'setACL' && change.aversion !== model.aversion) {
    return `the leader made it ACL number ${change.aversion}, the model ${model.aversion}`
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
