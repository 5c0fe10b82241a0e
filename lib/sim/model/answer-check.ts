import type { OperationResult, SingleResult } from '../../tree/index.js'
import type { Answer, Result } from '../history.js'
import { statDifference } from './judgement.js'
import { hex } from './recorded-call.js'

type Told = Extract<Result, { kind: 'answered' | 'refused' }>

/** In what a write's answer differs from what the model makes of it at its place in the log; null if it does not. */
export function answerDifference(told: Told, zxid: number, model: OperationResult): string | null {
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
  if (answer.kind !== 'multi' || model.kind !== 'multi') return singleDifference(answer, model as SingleResult)
  if (answer.results.length !== model.results.length) return `the model has ${model.results.length} results`
  for (const [index, result] of model.results.entries()) {
    const problem = singleDifference(answer.results[index] as Answer, result)
    if (problem !== null) return `operation ${index}: ${problem}`
  }
  return null
}

function singleDifference(answer: Answer, model: SingleResult): string | null {
  if (answer.kind === 'create' && model.kind === 'create') {
    if (answer.path !== model.path) return `the model names it ${model.path}`
    return statDifference(answer.stat, model.stat)
  }
  if (answer.kind === 'setData' && model.kind === 'setData') return statDifference(answer.stat, model.stat)
  return answer.kind === model.kind ? null : `the model makes a ${model.kind} of it`
}

/** What is known of a write that ended with each code; other codes are a caller's own, who has broken the call off. */
const OUTCOMES: Readonly<Record<string, readonly string[]>> = {
  BAD_ARGUMENTS: ['not-applied'],
  THROTTLED: ['not-applied'],
  OPERATION_TIMEOUT: ['not-applied', 'unknown'],
  CONNECTION_LOSS: ['unknown'],
  SYSTEM_ERROR: ['unknown'],
  STORAGE_FAILED: ['unknown'],
  SESSION_EXPIRED: ['not-applied', 'unknown'],
  CLOSED: ['not-applied', 'unknown'],
  ABORTED: ['unknown']
}

/** What is wrong with how a write was broken off; null if nothing is. */
export function failureProblem(code: string, outcome: string): string | null {
  const allowed = OUTCOMES[code]
  if (allowed === undefined) return `a write is not broken off with ${code}`
  return allowed.includes(outcome) ? null : `a write that is broken off with ${code} is ${allowed.join(' or ')}, not ${outcome}`
}
