import { NO_SESSION, type SessionId } from '../../base/index.js'
import { Violation } from '../checker.js'
import type { History, HistoryEventOf } from '../history.js'
import { answerDifference, failureProblem } from './answer-check.js'
import { earliest, type Judged, modelAnswer, type StateRead } from './read-check.js'
import { describeCall, describeResult, hex, isNumbered, type NumberedCall, type RecordedCall } from './recorded-call.js'
import type { RequestMatching } from './request-matching.js'
import { checkSequentialNames } from './sequential-names.js'
import type { Timeline } from './timeline.js'

/**
 * Holds everything that clients saw against the one history that there was. Every answer shows or allows to find the zxid that it was given
 * at, so that no order has to be searched for:
 *
 * - every write has, at its place in the log, the result that it was answered with (`witness`);
 * - every read was true at a zxid between what its session had seen or written before and what its member showed when it returned, and before
 *   what the session wrote later (`session order`); it is taken to be the smallest such zxid, which leaves most room to what follows;
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
  /** By call, the next write of its session of which it is certain where it is in the log. */
  readonly #zxidNextOwn: ReadonlyMap<number, number>
  /** By session: what it has seen, by what it has issued so far. */
  readonly #floors = new Map<SessionId, number>()
  /** By process: what it has shown. */
  readonly #shownBy = new Map<string, number>()
  /** By session: the last write that was answered. */
  readonly #answeredLast = new Map<SessionId, { readonly call: RecordedCall; readonly zxid: number }>()
  /** By call: the zxid at which a read was true, or a write was judged. */
  readonly #zxids = new Map<number, number>()
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
    for (const event of history) {
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
          if (event.event.zxid !== null) this.#onTold(event, event.event.zxid)
          break
        default:
      }
    }
  }

  #onCall(call: RecordedCall): void {
    const { result } = call
    if (isNumbered(call)) return this.#onWrite(call)
    if (call.what.kind === 'openSession') return this.#onOpen(call)
    if (result !== null && result.kind !== 'failed') this.#onRead(call as StateRead, result)
  }

  #onWrite(call: NumberedCall): void {
    const { result, session, zxidShown } = call
    if (result?.kind === 'failed') {
      const problem = failureProblem(result.code, result.outcome)
      if (problem !== null) throw new Violation('witness', `${returned(call)}: ${problem}`)
    }
    const txn = this.#matching.txnOf(call.call)
    if (txn === null) return
    const { zxid } = txn
    if (result !== null && result.kind !== 'failed') {
      const model = this.#timeline.entryAt(zxid)?.result ?? { kind: 'none' }
      const difference = answerDifference(result, zxid, model)
      if (difference !== null) throw new Violation('witness', `${returned(call)}, at ${hex(zxid)} of the log: ${difference}`)
      if (zxidShown !== null && zxidShown < zxid) {
        throw new Violation('witness', `${returned(call)} while its member showed ${hex(zxidShown)}: its txn is at ${hex(zxid)}`)
      }
      if (this.#matching.isCertain(call.call)) {
        this.#zxids.set(call.call, zxid)
        this.#floors.set(session, Math.max(this.#floors.get(session) ?? 0, zxid))
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
    if (this.#floors.has(session))
      throw new Violation('exactly once', `${returned(call)}: session ${hex(session)} was known before`)
    this.#floors.set(session, session)
    this.#zxids.set(call.call, session)
    this.#checkBehind(call, session)
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
    if (session === NO_SESSION) throw new Violation('history', `${describeCall(call)} was answered without a session`)
    const floor = Math.max(this.#floors.get(session) ?? session, this.#shownBy.get(processOf(call)) ?? 0)
    const isLinearizable = what.kind === 'sync' || ('linearizable' in what && what.linearizable)
    const from = isLinearizable ? Math.max(floor, this.#required.zxid) : floor
    const through = Math.min(
      call.zxidShown ?? Number.POSITIVE_INFINITY,
      (this.#zxidNextOwn.get(call.call) ?? Number.POSITIVE_INFINITY) - 1
    )
    const zxid = earliest(this.#timeline, call, result, from)
    if (zxid === null || zxid > through) throw this.#wrongRead(call, result, { floor, from, through })
    this.#floors.set(session, zxid)
    this.#zxids.set(call.call, zxid)
  }

  #wrongRead(call: StateRead, result: Judged, { floor, from, through }: Record<'floor' | 'from' | 'through', number>): Violation {
    const told = returned(call)
    const anywhere = earliest(this.#timeline, call, result, 0)
    if (anywhere === null || anywhere > this.#timeline.zxidLast) {
      return new Violation('witness', `${told}, which never was so: ${modelAnswer(this.#timeline, call, result, through)}`)
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
          ? `its session's next write took effect at ${hex(own)}`
          : `its member showed ${hex(through)} when it returned`
      return new Violation('session order', `${told}, which was not so before ${hex(later)}, but ${bound}`)
    }
    const seen = `its session had seen ${hex(floor)} when it was issued: ${modelAnswer(this.#timeline, call, result, floor)}`
    return new Violation('session order', `${told}, which was so at ${hex(anywhere)}, but ${seen}`)
  }

  #onReturn(event: HistoryEventOf<'return'>): void {
    const call = this.#call(event.call)
    this.#show(event, event.zxidApplied)
    const zxid = this.#zxids.get(call.call)
    if (zxid === undefined) return
    const { what } = call
    const isWrite = isNumbered(call) || what.kind === 'openSession'
    const isLinearizable = what.kind === 'sync' || ('linearizable' in what && what.linearizable)
    if ((isWrite || isLinearizable) && zxid > this.#required.zxid) this.#required = { zxid, call }
    if (!isNumbered(call)) return
    const last = this.#answeredLast.get(call.session)
    if (last !== undefined && last.zxid > zxid) {
      const first = `${describeCall(call)} at ${hex(zxid)}`
      throw new Violation('session order', `${first} returned behind ${describeCall(last.call)} at ${hex(last.zxid)}`)
    }
    this.#answeredLast.set(call.session, { call, zxid })
  }

  #onTold(event: HistoryEventOf<'told'>, zxid: number): void {
    const { session } = event
    this.#floors.set(session, Math.max(this.#floors.get(session) ?? 0, zxid))
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

  #call(number: number): RecordedCall {
    const call = this.#matching.calls.get(number)
    if (call === undefined) throw new Violation('history', `call ${number} is not of the history that was matched`)
    return call
  }
}

function nextOwnWrites(matching: RequestMatching): ReadonlyMap<number, number> {
  const bySession = new Map<SessionId, number>()
  const byCall = new Map<number, number>()
  for (const { call, session } of [...matching.calls.values()].reverse()) {
    const next = bySession.get(session)
    if (next !== undefined) byCall.set(call, next)
    const zxid = matching.txnOf(call)?.zxid
    if (zxid !== undefined && matching.isCertain(call)) bySession.set(session, zxid)
  }
  return byCall
}

function processOf({ member, process }: { readonly member: number; readonly process: number }): string {
  return `${member}/${process}`
}

function returned(call: RecordedCall): string {
  return `${describeCall(call)} returned ${describeResult(call.result)}`
}
