import { NO_SESSION, type SessionId } from '../../base/index.js'
import { Violation } from '../checker.js'
import type { CommittedTxn, History } from '../history.js'
import { type Bounds, matchProcessRequests } from './process-requests.js'
import {
  describeCall,
  describeResult,
  hex,
  isNumbered,
  type NumberedCall,
  type RecordedCall,
  recordedCalls
} from './recorded-call.js'
import { misfit } from './request-fit.js'
import { SessionSpans } from './session-spans.js'
import { SessionTenures, type TakenOver, type Tenure } from './session-tenures.js'

export interface MatchingOptions {
  /**
   * Whether the history holds every call that was ever made. A recorder that is killed with its process may have lost the last ones: txns
   * behind the recorded calls of a session are then nobody's instead of a violation. Default: true.
   */
  readonly everyCallRecorded?: boolean
}

/** Which recorded call became which txn of the log. */
export interface RequestMatching {
  readonly calls: ReadonlyMap<number, RecordedCall>
  /** Null for the txn of a call that was not recorded, and for one that answers none. */
  callOf(zxid: number): NumberedCall | null
  /** Null for a call that never got into the log. Also of calls by which a process took a session over or ended it. */
  txnOf(call: number): CommittedTxn | null
  /** All calls that may have become the txn: several only where they were broken off and look the same. `callOf` is among them. */
  callsOf(zxid: number): readonly NumberedCall[]
  /** Whether the call can have become no other txn, and must have become that one. */
  isCertain(call: number): boolean
  /** Which process had which session when. */
  readonly tenures: SessionTenures
}

const CHECKER = 'exactly once'

/**
 * Finds for every numbered txn the call that it answers. A session numbers its calls in the order of issue, so that calls and txns of one
 * session are in the same order, and only calls that were broken off may be left out. A session that moves from process to process goes on
 * counting: what each of them asked stands in the log before the session has moved on.
 * @throws Violation when there is no such assignment: a write was lost, or done twice, or nobody asked for it, or its answer was another
 */
export function matchRequests(log: readonly CommittedTxn[], history: History, options: MatchingOptions = {}): RequestMatching {
  const { everyCallRecorded = true } = options
  const calls = recordedCalls(history)
  const above = shownBefore(history)
  const boundsOfOne = (call: RecordedCall): Bounds => ({
    above: above.get(call.call) ?? 0,
    through: (call.result?.kind === 'answered' ? call.zxidShown : null) ?? Number.POSITIVE_INFINITY
  })
  const txnByCall = new Map(matchProcessRequests(log, calls.values(), boundsOfOne, everyCallRecorded))
  const takenOver: TakenOver[] = []
  for (const [number, { zxid, txn }] of txnByCall) {
    const call = calls.get(number)
    if (call?.result?.kind === 'answered' && txn.change.kind === 'moveSession') takenOver.push({ call, zxid })
  }
  const tenures = new SessionTenures(log, takenOver)
  const bounds = boundsOf(calls, above, tenures)
  const spans = new SessionSpans(log)
  const callByZxid = new Map<number, NumberedCall>()
  const callsByZxid = new Map<number, readonly NumberedCall[]>()
  const certain = new Set<number>()
  for (const { calls: asked, txns } of partsOf(log, calls, tenures)) {
    const alignment = new Alignment(asked, txns, bounds, spans, everyCallRecorded)
    for (const { call, entry, isCertain, others } of alignment.pairs()) {
      callByZxid.set(entry.zxid, call)
      callsByZxid.set(entry.zxid, others.length === 0 ? [call] : [call, ...others])
      txnByCall.set(call.call, entry)
      if (isCertain) certain.add(call.call)
    }
  }
  return {
    calls,
    tenures,
    callOf: zxid => callByZxid.get(zxid) ?? null,
    txnOf: call => txnByCall.get(call) ?? null,
    callsOf: zxid => callsByZxid.get(zxid) ?? [],
    isCertain: call => certain.has(call)
  }
}

/** What one process asked for as the owner of one session, and what of that is in the log, both in order. */
interface Part {
  readonly calls: NumberedCall[]
  readonly txns: CommittedTxn[]
}

function partsOf(
  log: readonly CommittedTxn[],
  calls: ReadonlyMap<number, RecordedCall>,
  tenures: SessionTenures
): readonly Part[] {
  const parts = new Map<string, Part>()
  const partOf = (session: SessionId, tenure: Tenure | null): Part => {
    const key = tenure?.key ?? String(session)
    const part = parts.get(key) ?? { calls: [], txns: [] }
    parts.set(key, part)
    return part
  }
  for (const call of calls.values()) {
    if (isNumbered(call) && call.session !== NO_SESSION) partOf(call.session, tenures.ofCall(call)).calls.push(call)
  }
  for (const [session, txns] of numberedTxns(log, tenures)) {
    checkNumbers(session, txns)
    for (const entry of txns) partOf(session, tenures.at(session, entry.zxid)).txns.push(entry)
  }
  return [...parts.values()]
}

/** By session. Without what comes late from a process that the session had left, and is refused because there is no such session any more. */
function numberedTxns(log: readonly CommittedTxn[], tenures: SessionTenures): ReadonlyMap<SessionId, readonly CommittedTxn[]> {
  const txnsOf = new Map<SessionId, CommittedTxn[]>()
  const ended = new Set<SessionId>()
  for (const entry of log) {
    const { session, cxid, member, change } = entry.txn
    const isLate = ended.has(session) && change.kind === 'refused' && tenures.at(session, entry.zxid)?.member !== member
    if (session !== NO_SESSION && cxid > 0 && !isLate) into(txnsOf, session, entry)
    if (change.kind === 'closeSession') ended.add(change.session)
  }
  return txnsOf
}

/** By call, what anybody had been shown before it was issued. */
function shownBefore(history: History): ReadonlyMap<number, number> {
  const above = new Map<number, number>()
  let shown = 0
  for (const event of history) {
    if (event.kind === 'call') above.set(event.call, shown)
    else if (event.kind === 'return' || event.kind === 'watch') shown = Math.max(shown, event.zxidApplied)
    else if (event.kind === 'told') shown = Math.max(shown, event.event.zxid ?? 0)
  }
  return above
}

/** `through`: shown when it, or the next call of its session in the same process that was judged, returned: nothing overtakes a write there. */
function boundsOf(
  calls: ReadonlyMap<number, RecordedCall>,
  above: ReadonlyMap<number, number>,
  tenures: SessionTenures
): ReadonlyMap<number, Bounds> {
  const bounds = new Map<number, Bounds>()
  const next = new Map<string, number>()
  for (const call of [...calls.values()].reverse()) {
    const key = tenures.ofCall(call)?.key ?? String(call.session)
    const judged = call.result !== null && call.result.kind !== 'failed'
    const through = (judged ? call.zxidShown : next.get(key)) ?? Number.POSITIVE_INFINITY
    if (judged) next.set(key, Math.min(through, next.get(key) ?? through))
    bounds.set(call.call, { above: above.get(call.call) ?? 0, through })
  }
  return bounds
}

function checkNumbers(session: SessionId, txns: readonly CommittedTxn[]): void {
  for (const [index, { zxid, txn }] of txns.entries()) {
    if (txn.cxid === index + 1) continue
    const wrong = txn.cxid <= index ? 'a second time' : `behind request ${index}`
    throw new Violation(CHECKER, `request ${txn.cxid} of session ${hex(session)} is in the log ${wrong}, at ${hex(zxid)}`)
  }
}

interface Pair {
  readonly call: NumberedCall
  readonly entry: CommittedTxn
  readonly isCertain: boolean
  /** Which other calls may have become the txn instead. */
  readonly others: readonly NumberedCall[]
}

/** The calls of one session, and its txns, both in order. */
class Alignment {
  readonly #calls: readonly NumberedCall[]
  readonly #txns: readonly CommittedTxn[]
  readonly #bounds: ReadonlyMap<number, Bounds>
  readonly #spans: SessionSpans
  readonly #everyCallRecorded: boolean
  readonly #firstClose: NumberedCall | undefined

  constructor(
    calls: readonly NumberedCall[],
    txns: readonly CommittedTxn[],
    bounds: ReadonlyMap<number, Bounds>,
    spans: SessionSpans,
    everyCallRecorded: boolean
  ) {
    this.#calls = calls
    this.#txns = txns
    this.#bounds = bounds
    this.#spans = spans
    this.#everyCallRecorded = everyCallRecorded
    this.#firstClose = calls.find(({ what }) => what.kind === 'closeSession')
  }

  /** By everything that was told if possible; otherwise without what answers say of their place, which others look at then. */
  pairs(): readonly Pair[] {
    const placed = this.#walk(true)
    const end = this.#endOf(placed)
    if (end !== null) return this.#back(placed, end, true)
    const loose = this.#walk(false)
    const looseEnd = this.#endOf(loose)
    if (looseEnd === null) throw this.#violation(loose)
    return this.#back(loose, looseEnd, false)
  }

  /** For each number of calls, how many txns they may have become. */
  #walk(placed: boolean): readonly ReadonlySet<number>[] {
    const reached: Set<number>[] = [new Set([0])]
    for (const [index, call] of this.#calls.entries()) {
      const next = new Set<number>()
      for (const count of reached[index] ?? []) {
        if (this.#fits(call, count, placed)) next.add(count + 1)
        if (this.#mayBeAbsent(call)) next.add(count)
      }
      reached.push(next)
    }
    return reached
  }

  #endOf(reached: readonly ReadonlySet<number>[]): number | null {
    const ends = [...(reached.at(-1) ?? [])].sort((a, b) => b - a)
    return ends.find(count => this.#mayRemain(this.#txns.slice(count))) ?? null
  }

  /** Of several assignments the one in which the earliest calls got through. */
  #back(reached: readonly ReadonlySet<number>[], end: number, placed: boolean): Pair[] {
    const chosen: number[] = []
    const ways = this.#ways(reached, placed)
    let count = end
    for (let index = this.#calls.length - 1; index >= 0; index--) {
      const call = this.#calls[index] as NumberedCall
      if (reached[index]?.has(count) === true && this.#mayBeAbsent(call)) continue
      count--
      chosen[count] = index
    }
    return chosen.map((index, place) => {
      const callsOfTxn = ways.byTxn.get(place) ?? []
      return {
        call: this.#calls[index] as NumberedCall,
        entry: this.#txns[place] as CommittedTxn,
        isCertain: ways.byCall.get(index) === 1,
        others: callsOfTxn.filter(other => other !== index).map(other => this.#calls[other] as NumberedCall)
      }
    })
  }

  /** By txn, the calls that become it in some assignment; by call, in how many ways it ends up, being left out among them. */
  #ways(reached: readonly ReadonlySet<number>[], placed: boolean) {
    const byTxn = new Map<number, number[]>()
    const byCall = new Map<number, number>()
    let good = new Set([...(reached.at(-1) ?? [])].filter(count => this.#mayRemain(this.#txns.slice(count))))
    for (let index = this.#calls.length - 1; index >= 0; index--) {
      const call = this.#calls[index] as NumberedCall
      const before = new Set<number>()
      let absent = false
      let ways = 0
      for (const count of reached[index] ?? []) {
        if (good.has(count) && this.#mayBeAbsent(call)) {
          before.add(count)
          absent = true
        }
        if (!good.has(count + 1) || !this.#fits(call, count, placed)) continue
        before.add(count)
        into(byTxn, count, index)
        ways++
      }
      byCall.set(index, ways + (absent ? 1 : 0))
      good = before
    }
    return { byTxn, byCall }
  }

  #fits(call: NumberedCall, count: number, placed: boolean): boolean {
    const entry = this.#txns[count]
    if (entry === undefined || misfit(call, entry, placed) !== null) return false
    const bounds = this.#bounds.get(call.call)
    return !placed || bounds === undefined || (entry.zxid > bounds.above && entry.zxid <= bounds.through)
  }

  #mayBeAbsent(call: NumberedCall): boolean {
    if (call.result === null || call.result.kind === 'failed') return true
    // Refused before it was sent.
    if (call.result.kind === 'refused') return call.result.zxid === null && call.result.code === 'BAD_ARGUMENTS'
    if (call.what.kind !== 'closeSession') return false
    // A session is closed once, however often it is told to; and it may have been ended by others before it could ask for it.
    return call !== this.#firstClose || this.#spans.stageAt(call.session, call.zxidShown ?? 0) === 'over'
  }

  /** Members close their sessions when they are closed, and a session that nobody waits for any more: no client has asked for that. */
  #mayRemain(txns: readonly CommittedTxn[]): boolean {
    const [first] = txns
    if (first === undefined || !this.#everyCallRecorded) return true
    const { change } = first.txn
    const closes = change.kind === 'closeSession' || (change.kind === 'refused' && change.code === 'SESSION_EXPIRED')
    return txns.length === 1 && closes
  }

  #violation(reached: readonly ReadonlySet<number>[]): Violation {
    const last = reached.findLastIndex(counts => counts.size > 0)
    const count = Math.max(...(reached[last] ?? [0]))
    const entry = this.#txns[count]
    const call = this.#calls[last]
    if (call === undefined) {
      if (entry === undefined) throw new Error('where all calls and all txns are used up, nothing is wrong')
      return new Violation(CHECKER, this.#unasked(entry))
    }
    const told = `${describeCall(call)} returned ${describeResult(call.result)}`
    if (entry === undefined) return new Violation(CHECKER, `${told}, and is not in the log`)
    const reason = misfit(call, entry, false)
    return new Violation(CHECKER, `${told}, but of request ${entry.txn.cxid} of its session ${reason ?? 'nothing is known'}`)
  }

  #unasked(entry: CommittedTxn): string {
    const { zxid, txn } = entry
    const what = `request ${txn.cxid} of session ${hex(txn.session)} at ${hex(zxid)}, a ${txn.change.kind}`
    const denied = this.#calls
      .filter(({ result }) => result?.kind === 'failed' && result.outcome === 'not-applied')
      .find(call => misfit({ ...call, result: null }, entry, false) === null)
    if (denied !== undefined) return `${what}: ${describeCall(denied)} returned ${describeResult(denied.result)}`
    return `${what}: nobody asked for it`
  }
}

function into<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}
