import type { SessionId } from '../../base/index.js'
import type { Answer, Call, History, HistoryEventOf, Result, SingleCall } from '../history.js'
import type { Operation } from './linearizability.js'
import { isBelow, isChildOf, type ZnodeInput, type ZnodeOutput, type ZnodeRead } from './linearizable-models.js'

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
  /** Whether a session's end has taken several txns, so that its ephemerals have not gone at one moment. Default: nobody knows. */
  readonly hasEndedInParts?: (session: SessionId) => boolean | null
  /** Whether the leader has ever removed a znode at a path of its own accord. Default: nobody knows. */
  readonly wasRemoved?: (path: string) => boolean | null
}

type Knowledge = Required<Omit<LinearizableOptions, 'tookEffect'>>

/** What is ZooKeeper's own shows what no call has written, such as how much of a quota is used: that is left to others. */
const OWN = '/zookeeper'

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
 * A multi is taken apart: what it does to one znode, or to one family, happens at one moment there too. So does what a create makes on its way,
 * and what a delete takes with it. A refused multi is left out, and so are calls that certainly had no effect. A session may end at any time
 * once it has created an ephemeral, and what does not last by itself may go at any time: nobody need have heard of it. Who may see what is not
 * looked at: a refusal for that tells nothing.
 */
export function linearizableHistories(history: History, options: LinearizableOptions = {}): LinearizableHistories {
  const nobodyKnows = () => null
  const { hasEnded = nobodyKnows, hasEndedInParts = nobodyKnows, wasRemoved = nobodyKnows } = options
  const moments = momentsOf(history, options.tookEffect ?? nobodyKnows)
  const written = new Set<string>()
  const parents = new Set<string>()
  for (const { result, event } of moments) {
    if (event.what.kind === 'getChildren') parents.add(event.what.path)
    for (const [index, call] of singleCallsOf(event.what).entries()) {
      if (call.kind === 'check') continue
      const path = call.kind === 'create' && call.sequential ? placeOf(result, index) : call.path
      if (path !== null) written.add(path)
      if (call.kind === 'setData') continue
      parents.add(parentOf(call.path))
      if (call.kind !== 'create' || !call.parents) continue
      for (let above = parentOf(call.path); above !== ''; above = parentOf(above)) {
        written.add(above)
        parents.add(parentOf(above))
      }
    }
  }
  const knowledge = { hasEnded, hasEndedInParts, wasRemoved }
  const build = (path: string, family: boolean) => [path, new Extractor(path, family, knowledge).extract(moments)] as const
  const isSearched = (path: string) => path !== OWN && !isBelow(path, OWN)
  return {
    registers: new Map([...written].filter(isSearched).map(path => build(path, false))),
    families: new Map([...parents].filter(path => path.length > 1 && isSearched(path)).map(path => build(path, true)))
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
    const isRead = 'linearizable' in what
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
  readonly #known: Knowledge
  readonly #owners = new Set<SessionId>()
  readonly #extracted: ZnodeOperation[] = []

  constructor(path: string, family: boolean, known: Knowledge) {
    this.#path = path
    this.#family = family
    this.#known = known
  }

  extract(moments: readonly Moment[]): readonly ZnodeOperation[] {
    for (const moment of moments) {
      for (const operation of this.#operations(moment)) this.#add(moment, moment.returnedAt, operation)
      if (moment.result === null) this.#addUnnamed(moment)
    }
    return this.#extracted
  }

  #add({ event, calledAt }: Moment, returnedAt: number | null, operation: Extracted): void {
    const { process, session } = event
    const add = (at: number | null, extracted: Extracted) =>
      this.#extracted.push({ process, calledAt, returnedAt: at, ...extracted })
    add(returnedAt, operation)
    const { input } = operation
    const created = (input.kind === 'write' ? input.calls : [])
      .filter(call => call.kind === 'create')
      .filter(call => this.#concerns(call.path) || this.#isOfFamily(call))
    // Behind the create that gave it something to take away: by itself, unheard of.
    for (const { path, lifetime, sequential } of created) {
      if (lifetime === 0 || (!sequential && this.#known.wasRemoved(path) === false)) continue
      add(null, { input: { kind: 'lose', session: null }, output: null })
    }
    const ephemerals = created.filter(({ ephemeral }) => ephemeral)
    if (ephemerals.length === 0 || this.#known.hasEnded(session) === false) return
    if (this.#known.hasEndedInParts(session) !== false) {
      for (const _ of ephemerals) add(null, { input: { kind: 'lose', session }, output: null })
    }
    if (!this.#owners.has(session)) add(null, { input: { kind: 'endSession', session }, output: null })
    this.#owners.add(session)
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

  #operations({ event, result }: Moment): readonly Extracted[] {
    const { what, session } = event
    switch (what.kind) {
      case 'exists':
      case 'getData':
      case 'getChildren':
      case 'getACL':
      case 'getAllChildrenNumber': {
        const range = what.kind === 'getChildren' ? what : { after: null, limit: null }
        return this.#read(
          { kind: 'read', what: what.kind, path: what.path, after: range.after, limit: range.limit },
          outputOf(result, null)
        )
      }
      case 'multiRead':
        // Each by itself: they were true at one moment, and so each was.
        return what.reads.flatMap((read, index) => {
          const { after, limit } = read.kind === 'getChildren' ? read : { after: null, limit: null }
          return this.#read({ kind: 'read', what: read.kind, path: read.path, after, limit }, outputOfRead(result, index))
        })
      case 'create':
      case 'delete':
      case 'setData':
      case 'setACL':
      case 'touch':
      case 'multi':
        return this.#write(what, session, result)
      case 'closeSession':
        if (!this.#owners.has(session) || result?.kind !== 'answered') return []
        return [{ input: { kind: 'endSession', session }, output: null }]
      case 'getEphemerals':
      case 'sync':
      case 'openSession':
      case 'takeOverSession':
      case 'terminateSession':
        return []
    }
  }

  #read(input: ZnodeRead, output: ZnodeOutput | null): readonly Extracted[] {
    if (output === null || !this.#concerns(input.path) || (output.kind === 'refused' && !TELLING.has(output.code))) return []
    return [{ input, output }]
  }

  #write(what: Call, session: SessionId, result: Result | null): readonly Extracted[] {
    if (result?.kind === 'refused' && (what.kind === 'multi' || !isTelling(what, result.code))) return []
    const calls: SingleCall[] = []
    const places: number[] = []
    for (const [index, call] of singleCallsOf(what).entries()) {
      const placed = this.#placed(call, placeOf(result, index))
      if (placed === null) continue
      // What it would have done on the way, or to what lies below, a refusal tells nothing of.
      if (result?.kind === 'refused' && !this.#concerns(placed.path) && !this.#isOfFamily(placed)) continue
      calls.push(placed)
      places.push(index)
    }
    if (calls.length === 0) return []
    return [{ input: { kind: 'write', session, calls }, output: outputOf(result, places) }]
  }

  /** The call as it concerns this znode; null when it does not. */
  #placed(call: SingleCall, place: string | null): SingleCall | null {
    if (call.kind === 'create' && call.sequential) {
      if (place === this.#path) return { ...call, path: place, sequential: false }
      if (this.#isOfFamily(call)) return call
    } else if (this.#concerns(call.path)) return call
    if (call.kind === 'create' && call.parents && isAtOrBelow(parentOf(call.path), this.#path)) return call
    return call.kind === 'delete' && call.recursive && isBelow(this.#path, call.path) ? call : null
  }

  #isOfFamily(call: SingleCall): boolean {
    return this.#family && parentOf(call.path) === this.#path
  }

  #concerns(path: string): boolean {
    return path === this.#path || (this.#family && isChildOf(path, this.#path))
  }
}

/** Of what changes nothing that is looked at here no more is asked than whether the znode was there. */
function singleCallsOf(what: Call): readonly SingleCall[] {
  switch (what.kind) {
    case 'create':
    case 'delete':
    case 'setData':
      return [what]
    case 'setACL':
    case 'touch':
      return [{ kind: 'check', path: what.path, version: -1 }]
    case 'multi':
      return what.operations
    default:
      return []
  }
}

function answersOf(result: Result | null): readonly Answer[] {
  if (result?.kind !== 'answered') return []
  const { answer } = result
  if (answer.kind === 'setACL' || answer.kind === 'touch') return [{ kind: 'check' }]
  return answer.kind === 'multi' ? answer.results : [answer]
}

/** Where the create among the calls of an answered write was placed. */
function placeOf(result: Result | null, index: number): string | null {
  const answer = answersOf(result)[index]
  return answer?.kind === 'create' ? answer.path : null
}

/** The version that a `setACL` asks for is none that is looked at here. */
function isTelling(what: Call, code: string): boolean {
  return TELLING.has(code) && (what.kind !== 'setACL' || code !== 'BAD_VERSION')
}

function outputOf(result: Result | null, places: readonly number[] | null): ZnodeOutput | null {
  if (result === null || result.kind === 'failed') return null
  if (result.kind === 'refused') return { kind: 'refused', code: result.code }
  const answers = answersOf(result)
  return { kind: 'answered', answers: places === null ? answers : answers.filter((_, index) => places.includes(index)) }
}

function outputOfRead(result: Result | null, index: number): ZnodeOutput | null {
  const answer = result?.kind === 'answered' && result.answer.kind === 'multiRead' ? result.answer.results[index] : undefined
  if (answer === undefined) return null
  return answer.kind === 'error' ? { kind: 'refused', code: answer.code } : { kind: 'answered', answers: [answer] }
}

function isAtOrBelow(path: string, ancestor: string): boolean {
  return path === ancestor || isBelow(path, ancestor)
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}
