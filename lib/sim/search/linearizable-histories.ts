import type { SessionId } from '../../base/index.js'
import type { Answer, Call, History, HistoryEventOf, Result, SingleCall } from '../history.js'
import type { Operation } from './linearizability.js'
import { isChildOf, type ZnodeInput, type ZnodeOutput } from './linearizable-models.js'

export type ZnodeOperation = Operation<ZnodeInput, ZnodeOutput>

export interface LinearizableHistories {
  /** For each znode that was written: what concerned it alone. */
  readonly registers: ReadonlyMap<string, readonly ZnodeOperation[]>
  /** For each znode under which something was written or listed: what concerned it and its children. Without the root. */
  readonly families: ReadonlyMap<string, readonly ZnodeOperation[]>
}

export interface LinearizableOptions {
  /** What is known of a call that nothing was heard of. What can be told makes the search shorter. Default: nothing is. */
  readonly tookEffect?: (call: number) => boolean | null
  /** Whether a session has ended, in whatever way, before the history did. What has not ended took nothing away. Default: nobody knows. */
  readonly hasEnded?: (session: SessionId) => boolean | null
}

/** Refusals that are about the state of a znode; others say nothing of what the model knows. */
const TELLING = new Set<string>(['NO_NODE', 'NODE_EXISTS', 'BAD_VERSION', 'NOT_EMPTY'])
const SEQUENTIAL = /^\d{10,}$/

interface Moment {
  readonly event: HistoryEventOf<'call'>
  /** Place of the call in the history; of what may stand for an earlier moment, that one's. */
  readonly calledAt: number
  readonly returnedAt: number | null
  /** Null: nothing was heard of it. */
  readonly result: Result | null
}

/**
 * What of a history must be linearizable, path by path: writes, linearizable reads, and plain reads behind a sync of their session, which see
 * at least what was committed when the sync was asked for. No zxid is looked at: only who said what before whom.
 *
 * A multi is taken apart: what it does to one znode, or to one family, happens at one moment there too. A refused multi is left out, and so are
 * calls that certainly had no effect. A session may end at any time once it has created an ephemeral: its client need not have heard of it.
 */
export function linearizableHistories(history: History, options: LinearizableOptions = {}): LinearizableHistories {
  const moments = momentsOf(history, options.tookEffect ?? (() => null))
  const written = new Set<string>()
  const parents = new Set<string>()
  for (const { result, event } of moments) {
    if (event.what.kind === 'getChildren' && event.what.path !== '/') parents.add(event.what.path)
    for (const [index, call] of singleCallsOf(event.what).entries()) {
      if (call.kind === 'check') continue
      const path = call.kind === 'create' && call.sequential ? placeOf(result, index) : call.path
      if (path !== null) written.add(path)
      if (call.kind !== 'setData') parents.add(parentOf(call.path))
    }
  }
  parents.delete('')
  const build = (path: string, family: boolean) =>
    [path, new Extractor(path, family, options.hasEnded ?? (() => null)).extract(moments)] as const
  return {
    registers: new Map([...written].map(path => build(path, false))),
    families: new Map([...parents].map(path => build(path, true)))
  }
}

/** Calls that may have had an effect or have told of one, in order. */
function momentsOf(history: History, tookEffect: (call: number) => boolean | null): readonly Moment[] {
  const returns = new Map<number, { readonly at: number; readonly result: Result }>()
  for (const [at, event] of history.entries()) if (event.kind === 'return') returns.set(event.call, { at, result: event.result })
  const moments: Moment[] = []
  /** The last sync of each session that was answered. */
  const syncs = new Map<string, number>()
  for (const [at, event] of history.entries()) {
    if (event.kind !== 'call') continue
    const { what } = event
    const returned = returns.get(event.call)
    const result = returned?.result ?? null
    const session = `${event.member}/${event.process}/${event.session}`
    const isRead = what.kind === 'exists' || what.kind === 'getData' || what.kind === 'getChildren'
    if (what.kind === 'sync') {
      if (result?.kind === 'answered') syncs.set(session, at)
      continue
    }
    if (returned !== undefined && result !== null && result.kind !== 'failed') {
      const since = isRead && !what.linearizable ? syncs.get(session) : at
      if (since !== undefined) moments.push({ event, calledAt: since, returnedAt: returned.at, result })
      continue
    }
    if (isRead || (result?.kind === 'failed' && result.outcome === 'not-applied')) continue
    const happened = tookEffect(event.call)
    if (happened !== false) moments.push({ event, calledAt: at, returnedAt: happened ? history.length : null, result: null })
  }
  return moments
}

type Extracted = Pick<ZnodeOperation, 'input' | 'output'>

/** Picks what concerns one znode, or one family. */
class Extractor {
  readonly #path: string
  readonly #family: boolean
  readonly #hasEnded: (session: SessionId) => boolean | null
  readonly #owners = new Set<SessionId>()
  readonly #operations: ZnodeOperation[] = []

  constructor(path: string, family: boolean, hasEnded: (session: SessionId) => boolean | null) {
    this.#path = path
    this.#family = family
    this.#hasEnded = hasEnded
  }

  extract(moments: readonly Moment[]): readonly ZnodeOperation[] {
    for (const moment of moments) {
      const operation = this.#operation(moment)
      if (operation !== null) this.#add(moment, moment.returnedAt, operation)
      if (moment.result === null) this.#addUnnamed(moment)
    }
    return this.#operations
  }

  #add({ event, calledAt }: Moment, returnedAt: number | null, operation: Extracted): void {
    const { process, session } = event
    this.#operations.push({ process, calledAt, returnedAt, ...operation })
    if (!isOfEphemeral(operation.input) || this.#owners.has(session)) return
    this.#owners.add(session)
    if (this.#hasEnded(session) === false) return
    // Behind the create that gave it something to take away: by itself, unheard of.
    this.#operations.push({ process, calledAt, returnedAt: null, input: { kind: 'endSession', session }, output: null })
  }

  /**
   * Sequential creates that nothing was heard of: each may have been given this znode's name, or another one, even where it is known to have
   * taken effect. Of a multi it may have been done by itself here: no client names a znode that is named in the same multi.
   */
  #addUnnamed(moment: Moment): void {
    const { what, session } = moment.event
    for (const call of singleCallsOf(what)) {
      if (call.kind !== 'create' || !call.sequential || this.#isOfFamily(call)) continue
      if (!this.#path.startsWith(call.path) || !SEQUENTIAL.test(this.#path.slice(call.path.length))) continue
      const named = { ...call, path: this.#path, sequential: false }
      this.#add(moment, null, { input: { kind: 'write', session, calls: [named] }, output: null })
    }
  }

  #operation(moment: Moment): Extracted | null {
    const { event, result } = moment
    const { what, session } = event
    switch (what.kind) {
      case 'exists':
      case 'getData':
      case 'getChildren':
        if (!this.#concerns(what.path) || !isTelling(result)) return null
        return { input: { kind: 'read', what: what.kind, path: what.path }, output: outputOf(result, null) }
      case 'create':
      case 'delete':
      case 'setData':
      case 'multi':
        return this.#write(what, session, result)
      case 'closeSession':
        if (!this.#owners.has(session) || result?.kind !== 'answered') return null
        return { input: { kind: 'endSession', session }, output: null }
      case 'getEphemerals':
      case 'sync':
      case 'openSession':
        return null
    }
  }

  #write(what: Call, session: SessionId, result: Result | null): Extracted | null {
    if (result?.kind === 'refused' && (what.kind === 'multi' || !isTelling(result))) return null
    const calls: SingleCall[] = []
    const places: number[] = []
    for (const [index, call] of singleCallsOf(what).entries()) {
      const placed = this.#placed(call, placeOf(result, index))
      if (placed === null) continue
      calls.push(placed)
      places.push(index)
    }
    if (calls.length === 0) return null
    return { input: { kind: 'write', session, calls }, output: outputOf(result, places) }
  }

  /** The call as it concerns this znode; null when it does not. */
  #placed(call: SingleCall, place: string | null): SingleCall | null {
    if (call.kind !== 'create' || !call.sequential) return this.#concerns(call.path) ? call : null
    if (place === this.#path) return { ...call, path: place, sequential: false }
    return this.#isOfFamily(call) ? call : null
  }

  #isOfFamily(call: SingleCall): boolean {
    return this.#family && parentOf(call.path) === this.#path
  }

  #concerns(path: string): boolean {
    return path === this.#path || (this.#family && isChildOf(path, this.#path))
  }
}

function isOfEphemeral(input: ZnodeInput): boolean {
  return input.kind === 'write' && input.calls.some(call => call.kind === 'create' && call.ephemeral)
}

function singleCallsOf(what: Call): readonly SingleCall[] {
  switch (what.kind) {
    case 'create':
    case 'delete':
    case 'setData':
      return [what]
    case 'multi':
      return what.operations
    default:
      return []
  }
}

function answersOf(result: Result | null): readonly Answer[] {
  if (result?.kind !== 'answered') return []
  return result.answer.kind === 'multi' ? result.answer.results : [result.answer]
}

/** Where the create among the calls of an answered write was placed. */
function placeOf(result: Result | null, index: number): string | null {
  const answer = answersOf(result)[index]
  return answer?.kind === 'create' ? answer.path : null
}

function isTelling(result: Result | null): boolean {
  return result?.kind !== 'refused' || TELLING.has(result.code)
}

function outputOf(result: Result | null, places: readonly number[] | null): ZnodeOutput | null {
  if (result === null || result.kind === 'failed') return null
  if (result.kind === 'refused') return { kind: 'refused', code: result.code }
  const answers = answersOf(result)
  return { kind: 'answered', answers: places === null ? answers : answers.filter((_, index) => places.includes(index)) }
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}
