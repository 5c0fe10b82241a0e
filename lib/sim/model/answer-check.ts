import type { OperationResult, SingleResult } from '../../tree/index.js'
import type { Answer, Result } from '../history.js'
import { statDifference } from './judgement.js'
import { hex, type NumberedCall } from './recorded-call.js'

type Told = Extract<Result, { kind: 'answered' | 'refused' }>

/** In what a write's answer differs from what the model makes of it at its place in the log; null if it does not. */
export function answerDifference({ what }: NumberedCall, told: Told, zxid: number, model: OperationResult): string | null {
  if (told.kind === 'refused') {
    if (model.kind !== 'refused') return `the model does it at ${hex(zxid)}`
    const path = model.path ?? null
    if (told.code !== model.code) return `the model refuses it with ${model.code}`
    if (told.path !== path) return `the model's refusal names ${path}`
    if (told.zxid !== zxid) return `it was refused at ${hex(zxid)}`
    const [toldCodes, codes] = [told.results?.join(', ') ?? null, model.results?.join(', ') ?? null]
    return toldCodes === codes ? null : `the model judges its operations [${codes}]`
  }
  const { answer } = told
  if (model.kind === 'refused') return `the model refuses it with ${model.code}`
  if (answer.kind === 'closeSession') return model.kind === 'none' ? null : `the model makes a ${model.kind} of it`
  if (model.kind === 'none') return 'the model makes nothing of it'
  if (what.kind === 'multi') return multiDifference(answer, model)
  if (what.kind === 'delete') return deleteDifference(answer, model)
  // Of a create with parents the last is its own.
  const last = model.kind === 'multi' ? model.results.at(-1) : model
  if (last === undefined) return 'the model makes nothing of it'
  return what.kind === 'create' ? createDifference(answer, last, what.path) : singleDifference(answer, last)
}

function multiDifference(answer: Answer, model: SingleResult | Extract<OperationResult, { kind: 'multi' }>): string | null {
  if (answer.kind !== 'multi' || model.kind !== 'multi') return `the model makes a ${model.kind} of it`
  if (answer.results.length !== model.results.length) return `the model has ${model.results.length} results`
  for (const [index, result] of model.results.entries()) {
    const problem = singleDifference(answer.results[index] as Answer, result)
    if (problem !== null) return `operation ${index}: ${problem}`
  }
  return null
}

/** One znode, or none, or a whole subtree: it is told no more than that it was done. */
function deleteDifference(answer: Answer, model: SingleResult | Extract<OperationResult, { kind: 'multi' }>): string | null {
  const results = model.kind === 'multi' ? model.results : [model]
  const isDone = answer.kind === 'delete' && results.every(({ kind }) => kind === 'delete')
  return isDone ? null : `the model makes a ${model.kind} of it`
}

/** One that was there already is told as it was found. */
function createDifference(answer: Answer, model: SingleResult, path: string): string | null {
  if (model.kind !== 'check' || answer.kind !== 'create') return singleDifference(answer, model)
  if (answer.created) return 'the model finds it there already'
  if (answer.path !== path) return `the model finds ${path}`
  return statDifference(answer.stat, model.stat)
}

function singleDifference(answer: Answer, model: SingleResult): string | null {
  if (answer.kind === 'create' && model.kind === 'create') {
    if (!answer.created) return 'the model creates it'
    if (answer.path !== model.path) return `the model names it ${model.path}`
    return statDifference(answer.stat, model.stat)
  }
  // Of a check nobody is shown more than that it held.
  if (answer.kind !== model.kind) return `the model makes a ${model.kind} of it`
  return 'stat' in answer && 'stat' in model ? statDifference(answer.stat, model.stat) : null
}

/** What is known of a write that ended with each code; other codes are a caller's own, who has broken the call off. */
const OUTCOMES: Readonly<Record<string, readonly string[]>> = {
  BAD_ARGUMENTS: ['not-applied'],
  INVALID_ACL: ['not-applied'],
  LIMIT_EXCEEDED: ['not-applied'],
  THROTTLED: ['not-applied'],
  OPERATION_TIMEOUT: ['not-applied', 'unknown'],
  CONNECTION_LOSS: ['unknown'],
  SYSTEM_ERROR: ['unknown'],
  STORAGE_FAILED: ['unknown'],
  SESSION_EXPIRED: ['not-applied', 'unknown'],
  SESSION_MOVED: ['not-applied', 'unknown'],
  CLOSED: ['not-applied', 'unknown'],
  ABORTED: ['unknown']
}

/** What is wrong with how a write was broken off; null if nothing is. */
export function failureProblem(code: string, outcome: string): string | null {
  const allowed = OUTCOMES[code]
  if (allowed === undefined) return `a write is not broken off with ${code}`
  return allowed.includes(outcome) ? null : `a write that is broken off with ${code} is ${allowed.join(' or ')}, not ${outcome}`
}
