import { NO_SESSION } from '../../base/index.js'
import { Violation } from '../checker.js'
import type { CommittedTxn } from '../history.js'
import { describeCall, describeResult, hex, isOfTheProcess, type ProcessCall, type RecordedCall } from './recorded-call.js'

const CHECKER = 'exactly once'

/** Between what zxids the txn of a call can lie. */
export interface Bounds {
  /** Shown by any member before it was issued: a zxid that is shown is committed, and what is proposed later lies behind it. */
  readonly above: number
  /** Shown when it returned. */
  readonly through: number
}

/**
 * Which of the calls by which processes took sessions over, or ended them, became which txns: each that was answered became one, and each txn
 * comes from one that was not refused. Members number these together with what nobody records, so that it has to be found out by what each asks
 * and by when.
 * @throws Violation where that is not possible
 */
export function matchProcessRequests(
  log: readonly CommittedTxn[],
  calls: Iterable<RecordedCall>,
  boundsOf: (call: RecordedCall) => Bounds,
  everyCallRecorded: boolean
): ReadonlyMap<number, CommittedTxn> {
  const matching = new Matching(boundsOf)
  const open = [...calls].filter(isOfTheProcess).filter(mayHaveHappened)
  const txns = log.filter(isAsked)
  for (const call of open) matching.add(call, txns)
  for (const call of open.filter(({ result }) => result?.kind === 'answered')) {
    if (!matching.place(call))
      throw new Violation(CHECKER, `${describeCall(call)} returned ${describeResult(call.result)}, and is not in the log`)
  }
  if (everyCallRecorded) for (const entry of txns) if (!matching.explain(entry)) throw unasked(entry)
  return matching.txns()
}

/** A bipartite matching. Where calls that were answered have their txns, a txn that is explained later never leaves one of them without. */
class Matching {
  readonly #boundsOf: (call: RecordedCall) => Bounds
  readonly #txnsOf = new Map<ProcessCall, readonly CommittedTxn[]>()
  readonly #callOf = new Map<CommittedTxn, ProcessCall>()

  constructor(boundsOf: (call: RecordedCall) => Bounds) {
    this.#boundsOf = boundsOf
  }

  add(call: ProcessCall, txns: readonly CommittedTxn[]): void {
    this.#txnsOf.set(
      call,
      txns.filter(entry => this.#fits(call, entry))
    )
  }

  /** Gives a call a txn. */
  place(call: ProcessCall, tried = new Set<CommittedTxn>()): boolean {
    for (const entry of this.#txnsOf.get(call) ?? []) {
      if (tried.has(entry)) continue
      tried.add(entry)
      const other = this.#callOf.get(entry)
      if (other !== undefined && !this.place(other, tried)) continue
      this.#callOf.set(entry, call)
      return true
    }
    return false
  }

  /** Gives a txn a call. */
  explain(entry: CommittedTxn, tried = new Set<ProcessCall>()): boolean {
    if (this.#callOf.has(entry) && tried.size === 0) return true
    for (const [call, txns] of this.#txnsOf) {
      if (tried.has(call) || !txns.includes(entry)) continue
      tried.add(call)
      const other = this.#txnOf(call)
      if (other !== null && !this.explain(other, tried)) continue
      this.#callOf.set(entry, call)
      return true
    }
    return false
  }

  txns(): ReadonlyMap<number, CommittedTxn> {
    return new Map([...this.#callOf].map(([entry, { call }]) => [call, entry]))
  }

  #txnOf(call: ProcessCall): CommittedTxn | null {
    return [...this.#callOf].find(([, each]) => each === call)?.[0] ?? null
  }

  #fits(call: ProcessCall, { zxid, txn }: CommittedTxn): boolean {
    const { change, member } = txn
    const isOfKind = (call.what.kind === 'takeOverSession') === (change.kind === 'moveSession')
    if (!isOfKind || member !== call.member || !('session' in change) || change.session !== call.what.target) return false
    const { above, through } = this.#boundsOf(call)
    if (zxid <= above || zxid > through) return false
    const answer = call.result?.kind === 'answered' ? call.result.answer : null
    if (answer?.kind !== 'takeOverSession' || change.kind !== 'moveSession') return true
    return answer.session === change.session && answer.timeout === change.timeout
  }
}

function mayHaveHappened({ result }: ProcessCall): boolean {
  return result === null || result.kind === 'answered' || (result.kind === 'failed' && result.outcome === 'unknown')
}

/** A txn that a process has asked for in its own name, and that no member asks for by itself. */
function isAsked({ txn: { change, session, cxid } }: CommittedTxn): boolean {
  if (change.kind === 'moveSession') return true
  return (change.kind === 'closingSession' || change.kind === 'closeSession') && session === NO_SESSION && cxid > 0
}

function unasked({ zxid, txn: { member, change } }: CommittedTxn): Violation {
  const what = 'session' in change ? `${change.kind} of ${hex(change.session)}` : change.kind
  return new Violation(CHECKER, `a ${what} at ${hex(zxid)}, of member ${member}: nobody asked for it`)
}
