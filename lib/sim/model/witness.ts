import { NO_SESSION } from '../../base/index.js'
import { Violation } from '../checker.js'
import type { History, HistoryEventOf } from '../history.js'
import { answerDifference, failureProblem } from './answer-check.js'
import { checkProcessRefusal } from './process-refusal.js'
import { earliest, type Judged, readDifference, type StateRead } from './read-check.js'
import {
  describeCall,
  describeResult,
  hex,
  isNumbered,
  isOfTheProcess,
  type NumberedCall,
  type ProcessCall,
  type RecordedCall
} from './recorded-call.js'
import type { RequestMatching } from './request-matching.js'
import { checkSequentialNames } from './sequential-names.js'
import type { Timeline } from './timeline.js'

/**
 * Holds everything that clients saw against the one history that there was. Every answer shows or allows to find the zxid that it was given
 * at, so that no order has to be searched for:
 *
 * - every write has, at its place in the log, the result that it was answered with (`witness`);
 * - every read was true at a zxid between what its session had seen or written before and what its member showed when it returned, and before
 *   what the session wrote later, or left that process for another (`session order`); it is taken to be the smallest such zxid, which leaves
 *   most room to what follows;
 * - a write stands behind everything that anybody had been shown before it was issued; a linearizable read or `sync` sees every write that
 *   had been answered, and what such a read had returned (`linearizable`);
 * - names that were told are unique and numbers grow (`sequential names`).
 *
 * That a write is neither lost nor done twice has been found out by {@link matchRequests}. Time is the order of the history and nothing else.
 * @throws Violation
 */
export function checkWitness(timeline: Timeline, matching: RequestMatching, history: History): void {
  checkSequentialNames(timeline.entries, matching.calls.values())
  new Witness(timeline, matching).check(history)
}

class Witness {
  readonly #timeline: Timeline
  readonly #matching: RequestMatching
  /** By call, the next write of its session of which it is certain where it is in the log, or the txn by which the session has moved on. */
  readonly #zxidNextOwn: ReadonlyMap<number, number>
  /** By session and the process that has it: what it has seen, by what it has issued there so far. */
  readonly #floors = new Map<string, number>()
  /** By process: what it has shown. */
  readonly #shownBy = new Map<string, number>()
  /** By session and the process that has it: the last write that was answered. */
  readonly #answeredLast = new Map<string, { readonly call: RecordedCall; readonly zxid: number }>()
  /** By call: the zxid at which a read was true, or a write was judged. */
  readonly #zxids = new Map<number, number>()
  /** By zxid: what a process asked in its own name and was refused there. */
  readonly #refusals = new Map<number, ProcessCall>()
  /** Processes, and the zxids of their catch-ups by snapshot. */
  readonly #caughtUp = new Set<string>()
  /** Shown by anybody. */
  #shown = 0
  /** What must be seen by whoever asks for the newest, and the call that makes it so. */
  #required: { readonly zxid: number; readonly call: RecordedCall | null } = { zxid: 0, call: null }

  constructor(timeline: Timeline, matching: RequestMatching) {
    this.#timeline = timeline
    this.#matching = matching
    this.#zxidNextOwn = nextOwnWrites(matching)
  }

  check(history: History): void {
    for (const event of history)
      if (event.kind === 'told' && event.event.type === 'reset')
        this.#caughtUp.add(`${processOf(event)} ${event.event.zxid ?? 0}`)
    for (const [index, event] of history.entries()) {
      switch (event.kind) {
        case 'call':
          this.#onCall(this.#call(event.call))
          break
        case 'return':
          this.#onReturn(event)
          break
        case 'watch':
          this.#show(event, event.zxidApplied)
          break
        case 'told':
          if (event.event.zxid !== null) this.#onTold(event, event.event.zxid, index)
          break
        default:
      }
    }
  }

  #onCall(call: RecordedCall): void {
    const { result } = call
    if (isNumbered(call)) return this.#onWrite(call)
    if (isOfTheProcess(call)) return this.#onProcessCall(call)
    if (call.what.kind === 'openSession') return this.#onOpen(call)
    if (result !== null && result.kind !== 'failed') this.#onRead(call as StateRead, result)
  }

  #onWrite(call: NumberedCall): void {
    const { result, zxidShown } = call
    checkFailure(call)
    const txn = this.#matching.txnOf(call.call)
    if (txn === null) return
    const { zxid } = txn
    if (result !== null && result.kind !== 'failed') {
      const model = this.#timeline.entryAt(zxid)?.result ?? { kind: 'none' }
      const difference = answerDifference(call, result, zxid, model)
      if (difference !== null) throw new Violation('witness', `${returned(call)}, at ${hex(zxid)} of the log: ${difference}`)
      if (zxidShown !== null && zxidShown < zxid) {
        throw new Violation('witness', `${returned(call)} while its member showed ${hex(zxidShown)}: its txn is at ${hex(zxid)}`)
      }
      if (this.#matching.isCertain(call.call)) {
        this.#zxids.set(call.call, zxid)
        this.#raise(this.#keyOf(call), zxid)
      }
    }
    if (this.#matching.isCertain(call.call)) this.#checkBehind(call, zxid)
  }

  #onOpen(call: RecordedCall): void {
    const { result, member } = call
    if (result?.kind !== 'answered' || result.answer.kind !== 'openSession') return
    const { session, timeout } = result.answer
    const change = this.#timeline.entryAt(session)?.txn.change
    if (change?.kind !== 'createSession') {
      throw new Violation('exactly once', `${returned(call)}, and no session is created at ${hex(session)}`)
    }
    if (change.member !== member || change.timeout !== timeout) {
      const log = `the log has member ${change.member} and ${change.timeout} ms`
      throw new Violation('witness', `${returned(call)}: ${log}`)
    }
    const key = this.#matching.tenures.of(session)[0]?.key ?? String(session)
    if (this.#floors.has(key)) throw new Violation('exactly once', `${returned(call)}: session ${hex(session)} was known before`)
    this.#floors.set(key, session)
    this.#zxids.set(call.call, session)
    this.#checkBehind(call, session)
  }

  /** A session was taken over, or ended, or was not there for that. */
  #onProcessCall(call: ProcessCall): void {
    const { result, zxidShown } = call
    checkFailure(call)
    if (result?.kind === 'refused') {
      const zxid = checkProcessRefusal(call, result, this.#timeline)
      const other = this.#refusals.get(zxid)
      if (other !== undefined) throw new Violation('exactly once', `${returned(call)}, as did ${describeCall(other)}`)
      this.#refusals.set(zxid, call)
      this.#zxids.set(call.call, zxid)
      return this.#checkBehind(call, zxid)
    }
    const txn = this.#matching.txnOf(call.call)
    if (result?.kind !== 'answered' || txn === null) return
    const { zxid } = txn
    if (zxidShown !== null && zxidShown < zxid) {
      throw new Violation('witness', `${returned(call)} while its member showed ${hex(zxidShown)}: its txn is at ${hex(zxid)}`)
    }
    this.#zxids.set(call.call, zxid)
    this.#checkBehind(call, zxid)
  }

  /** What has been shown is committed: whatever is asked for afterwards is proposed behind it. */
  #checkBehind(call: RecordedCall, zxid: number): void {
    // A session may be closing already because its member closes: then this call asks for nothing new.
    if (call.what.kind === 'closeSession') return
    const { zxid: required, call: by } = this.#required
    if (zxid <= required && by !== null) {
      const before = `${describeCall(by)} had returned with ${hex(required)}`
      throw new Violation('linearizable', `${describeCall(call)} took effect at ${hex(zxid)}, but when it was issued, ${before}`)
    }
    if (zxid <= this.#shown) {
      const before = `${hex(this.#shown)} had been shown when it was issued`
      throw new Violation('linearizable', `${describeCall(call)} took effect at ${hex(zxid)}, but ${before}`)
    }
  }

  #onRead(call: StateRead, result: Judged): void {
    const { session, what } = call
    const key = this.#keyOf(call)
    if (session === NO_SESSION) throw new Violation('history', `${describeCall(call)} was answered without a session`)
    const since = this.#matching.tenures.ofCall(call)?.since ?? session
    const floor = Math.max(this.#floors.get(key) ?? since, this.#shownBy.get(processOf(call)) ?? 0)
    const isLinearizable = what.kind === 'sync' || ('linearizable' in what && what.linearizable)
    const from = isLinearizable ? Math.max(floor, this.#required.zxid) : floor
    const through = Math.min(
      call.zxidShown ?? Number.POSITIVE_INFINITY,
      (this.#zxidNextOwn.get(call.call) ?? Number.POSITIVE_INFINITY) - 1
    )
    const zxid = earliest(this.#timeline, call, result, from)
    if (zxid === null || zxid > through) throw this.#wrongRead(call, result, { floor, from, through })
    this.#floors.set(key, zxid)
    this.#zxids.set(call.call, zxid)
  }

  #wrongRead(call: StateRead, result: Judged, { floor, from, through }: Record<'floor' | 'from' | 'through', number>): Violation {
    const told = returned(call)
    const anywhere = earliest(this.#timeline, call, result, 0)
    if (anywhere === null || anywhere > this.#timeline.zxidLast) {
      return new Violation('witness', `${told}, which never was so: ${readDifference(this.#timeline, call, result, through)}`)
    }
    const inOrder = earliest(this.#timeline, call, result, floor)
    if (inOrder !== null && inOrder <= through && from > floor) {
      const { zxid, call: by } = this.#required
      const before = `${by === null ? 'a call' : describeCall(by)} had returned with ${hex(zxid)} before it was issued`
      return new Violation('linearizable', `${told}, which was so at ${hex(inOrder)}, but ${before}`)
    }
    const later = inOrder ?? anywhere
    if (later > through) {
      const own = this.#zxidNextOwn.get(call.call)
      const bound =
        own !== undefined && own - 1 === through
          ? `its session's next write, or its move, took effect at ${hex(own)}`
          : `its member showed ${hex(through)} when it returned`
      return new Violation('session order', `${told}, which was not so before ${hex(later)}, but ${bound}`)
    }
    const seen = `its session had seen ${hex(floor)} when it was issued: ${readDifference(this.#timeline, call, result, floor)}`
    return new Violation('session order', `${told}, which was so at ${hex(anywhere)}, but ${seen}`)
  }

  #onReturn(event: HistoryEventOf<'return'>): void {
    const call = this.#call(event.call)
    this.#show(event, event.zxidApplied)
    const zxid = this.#zxids.get(call.call)
    if (zxid === undefined) return
    const { what } = call
    const isWrite = isNumbered(call) || isOfTheProcess(call) || what.kind === 'openSession'
    const isLinearizable = what.kind === 'sync' || ('linearizable' in what && what.linearizable)
    if ((isWrite || isLinearizable) && zxid > this.#required.zxid) this.#required = { zxid, call }
    if (!isNumbered(call)) return
    const key = this.#keyOf(call)
    const last = this.#answeredLast.get(key)
    if (last !== undefined && last.zxid > zxid) {
      const first = `${describeCall(call)} at ${hex(zxid)}`
      throw new Violation('session order', `${first} returned behind ${describeCall(last.call)} at ${hex(last.zxid)}`)
    }
    this.#answeredLast.set(key, { call, zxid })
  }

  #onTold(event: HistoryEventOf<'told'>, zxid: number, index: number): void {
    const tenure = this.#matching.tenures.ofEvent(event, index)
    // A catch-up by snapshot is told first, and then that the session has moved on in what it has skipped: that is for those who judge watches.
    const isCaughtUp = this.#caughtUp.has(`${processOf(event)} ${zxid}`)
    if (tenure !== null && zxid >= tenure.until && !isCaughtUp) {
      const moved = `moved on at ${hex(tenure.until)}`
      throw new Violation(
        'session order',
        `session ${hex(event.session)} was told of ${hex(zxid)} in member ${event.member}, and ${moved}`
      )
    }
    this.#raise(tenure?.key ?? String(event.session), zxid)
    const process = processOf(event)
    this.#shownBy.set(process, Math.max(this.#shownBy.get(process) ?? 0, zxid))
    this.#shown = Math.max(this.#shown, zxid)
  }

  #show(event: HistoryEventOf<'return' | 'watch'>, zxid: number): void {
    const process = processOf(event)
    const before = this.#shownBy.get(process) ?? 0
    const who = `member ${event.member} (process ${event.process})`
    if (zxid < before) throw new Violation('session order', `${who} showed ${hex(zxid)} behind ${hex(before)}`)
    if (zxid > this.#timeline.zxidLast) {
      throw new Violation('witness', `${who} showed ${hex(zxid)}, and the log ends at ${hex(this.#timeline.zxidLast)}`)
    }
    this.#shownBy.set(process, zxid)
    this.#shown = Math.max(this.#shown, zxid)
  }

  #raise(key: string, zxid: number): void {
    this.#floors.set(key, Math.max(this.#floors.get(key) ?? 0, zxid))
  }

  #keyOf(call: RecordedCall): string {
    return this.#matching.tenures.ofCall(call)?.key ?? String(call.session)
  }

  #call(number: number): RecordedCall {
    const call = this.#matching.calls.get(number)
    if (call === undefined) throw new Violation('history', `call ${number} is not of the history that was matched`)
    return call
  }
}

function nextOwnWrites({ calls, tenures, txnOf, isCertain }: RequestMatching): ReadonlyMap<number, number> {
  const next = new Map<string, number>()
  const byCall = new Map<number, number>()
  for (const call of [...calls.values()].reverse()) {
    const tenure = tenures.ofCall(call)
    if (tenure === null) continue
    byCall.set(call.call, next.get(tenure.key) ?? tenure.until)
    const zxid = txnOf(call.call)?.zxid
    if (zxid !== undefined && isCertain(call.call)) next.set(tenure.key, zxid)
  }
  return byCall
}

function checkFailure(call: RecordedCall): void {
  const { result } = call
  const problem = result?.kind === 'failed' ? failureProblem(result.code, result.outcome) : null
  if (problem !== null) throw new Violation('witness', `${returned(call)}: ${problem}`)
}

function processOf({ member, process }: { readonly member: number; readonly process: number }): string {
  return `${member}/${process}`
}

function returned(call: RecordedCall): string {
  return `${describeCall(call)} returned ${describeResult(call.result)}`
}
