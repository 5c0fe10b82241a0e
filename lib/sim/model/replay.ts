import { LIMITS, NO_SESSION, type SessionId, type Zxid } from '../../base/index.js'
import type { Txn, TxnChange } from '../../wire/index.js'
import { Violation } from '../checker.js'
import { ANYBODY, differenceOf, type OperationChange, operationBehind, operationOf } from './judgement.js'
import { type DigestLanes, PlainDigest, type PlainMember, type PlainSession } from './plain-digest.js'
import type { PlainNode } from './plain-node.js'
import { type PlainOutcome, type PlainRules, PlainTree } from './plain-tree.js'
import { describeAsked, hex, type NumberedCall } from './recorded-call.js'
import type { TimelineEntry } from './timeline.js'

const CHECKER = 'model'
const NONE = { kind: 'none' } as const

/** What the model makes of a txn, as far as the tree is concerned. */
type Outcome = Pick<PlainOutcome, 'result' | 'events'>
const NOTHING: Outcome = { result: NONE, events: [] }

type OperationOrRefusal = OperationChange | Extract<TxnChange, { kind: 'refused' }>
type SessionEnd = Extract<TxnChange, { kind: 'closingSession' | 'closeSession' }>
type Move = Extract<TxnChange, { kind: 'moveSession' }>
type Removal = Extract<TxnChange, { kind: 'deleteContainer' }>

/** The log, gone through by the plain model txn by txn: what each must have been, and what the digest is behind it. */
export class Replay {
  readonly #digest = new PlainDigest()
  readonly #tree: PlainTree
  readonly #sessions = new Map<number, PlainSession>()
  readonly #members = new Map<number, PlainMember>()
  #zxid = 0

  /** `onChanged` is told what each txn has changed. */
  constructor(onChanged: (path: string, zxid: number, node: PlainNode | null) => void, rules: PlainRules) {
    this.#tree = new PlainTree((path, node) => {
      this.#digest.znode(path, node)
      onChanged(path, this.#zxid, node)
    }, rules)
  }

  get digest(): DigestLanes {
    return this.#digest.lanes
  }

  /** `calls`: those of which it may be, any of which must explain it. */
  take(zxid: Zxid, txn: Txn, calls: readonly NumberedCall[]): TimelineEntry {
    const isLaterEpoch = Math.floor(zxid / 2 ** 32) > Math.floor(this.#zxid / 2 ** 32)
    if (zxid !== this.#zxid + 1 && !isLaterEpoch) {
      throw new Violation(CHECKER, `the log has a gap: ${hex(zxid)} stands behind ${hex(this.#zxid)}`)
    }
    this.#zxid = zxid
    const [{ result, events }, call] = this.#judge(txn, calls)
    return { zxid, txn, call, result, events, digest: this.digest }
  }

  #judge(txn: Txn, calls: readonly NumberedCall[]): [Outcome, NumberedCall | null] {
    const { change } = txn
    switch (change.kind) {
      case 'enlist':
        if (this.#members.get(change.member)?.run !== change.run) this.#setMember({ ...change, cxid: 0 })
        this.#count(txn)
        return [NOTHING, null]
      case 'createSession':
        this.#checkProcess(txn, change)
        this.#count(txn)
        this.#setSession({ ...change, id: this.#zxid, cxid: 0, closing: false })
        return [NOTHING, null]
      case 'moveSession':
        this.#checkProcess(txn, change)
        this.#count(txn)
        this.#move(change)
        return [NOTHING, null]
      case 'closingSession':
      case 'closeSession':
        this.#count(txn)
        return [this.#end(txn, change), calls[0] ?? null]
      case 'deleteContainer':
        return [this.#remove(txn, change), null]
      default: {
        const isAlive = this.#sessions.get(txn.session)?.closing === false
        this.#count(txn)
        return this.#operate(txn, change, calls, isAlive)
      }
    }
  }

  /** It goes on in another process as it was: what it owns, its password and its number stay. */
  #move({ session, timeout, member, run }: Move): void {
    const before = this.#sessions.get(session)
    if (before === undefined || before.closing) throw this.#wrong(`session ${hex(session)} is not there to be moved`)
    this.#setSession({ ...before, timeout, member, run })
  }

  /** A process opens sessions for itself, and takes them over for itself, in the name that it is known by. */
  #checkProcess(txn: Txn, { member, run }: Pick<PlainMember, 'member' | 'run'>): void {
    if (txn.session === NO_SESSION && txn.member === member && this.#members.get(member)?.run === run) return
    throw this.#wrong(`a session comes to member ${member}, run ${run}, and that is not who asks`)
  }

  /** Its ephemerals go, in one txn or in several: all of them with the last, and no others. By request, of its own or of a process, or without. */
  #end(txn: Txn, { kind, session, paths }: SessionEnd): Outcome {
    const isAsked = txn.session === NO_SESSION && txn.cxid > 0
    const before = this.#sessions.get(session)
    if ((session !== txn.session && !isAsked) || before === undefined) {
      throw this.#wrong(`session ${hex(session)} is not there to be closed`)
    }
    if (isAsked && before.closing) throw this.#wrong(`session ${hex(session)} is closing already, and nobody is answered by that`)
    if (kind === 'closingSession' && txn.session === session && txn.cxid > 0) {
      throw this.#wrong(`session ${hex(session)} is answered before it is closed`)
    }
    this.#checkEnded(session, kind, paths)
    const isLast = kind === 'closeSession'
    if (isLast) {
      this.#sessions.delete(session)
      this.#digest.session(session, null)
    } else this.#setSession({ ...before, closing: true })
    return { result: NONE, events: this.#tree.endSession(session, this.#zxid, paths) }
  }

  #checkEnded(session: SessionId, kind: SessionEnd['kind'], paths: readonly string[]): void {
    const owned = this.#tree.ephemeralsOf(session)
    const isSorted = paths.every((path, index) => index === 0 || (paths[index - 1] ?? '') < path)
    const isOwned = paths.every(path => owned.includes(path))
    const isWhole = paths.length === owned.length
    if (!isSorted || !isOwned || (kind === 'closeSession' && !isWhole)) {
      const lists = `the leader lists [${paths.join(', ')}], the model has [${owned.join(', ')}]`
      throw this.#wrong(`session ${hex(session)} ends, of its ephemerals ${lists}`)
    }
    const isBounded = paths.length <= LIMITS.closePathsMax && (paths.length > 0 || kind === 'closeSession')
    if (!isBounded) throw this.#wrong(`session ${hex(session)} ends, and ${paths.length} of its ephemerals in one txn`)
  }

  /** The leader does this of its own accord, and only where the model would. */
  #remove({ time, session, cxid }: Txn, change: Removal): Outcome {
    const { path } = change
    if (session !== NO_SESSION || cxid !== 0) throw this.#wrong(`${path} is removed, and somebody is answered by that`)
    const outcome = this.#tree.deleteContainer(path, this.#zxid, time)
    if (outcome.change.kind !== change.kind) throw this.#wrong(`the leader removes ${path}, which the model would keep`)
    return outcome
  }

  #operate(
    txn: Txn,
    change: OperationOrRefusal,
    calls: readonly NumberedCall[],
    isAlive: boolean
  ): [Outcome, NumberedCall | null] {
    const { session, cxid } = txn
    // What was to be removed when the leader looked, and was not any more when it came to it.
    const isNothing = change.kind === 'multi' && change.changes.length === 0
    if (session === NO_SESSION && cxid === 0 && isNothing) return [{ result: { kind: 'multi', results: [] }, events: [] }, null]
    let problem: string | null = null
    for (const call of calls.length === 0 ? [null] : calls) {
      const outcome = this.#outcomeOf(txn, change, call, isAlive)
      const difference = differenceOf(outcome, change)
      if (difference === null) return [outcome, call]
      const what = call === null ? `a ${change.kind} that nobody recorded` : `call ${call.call}, ${describeAsked(call.what)}`
      problem ??= `${what}, of session ${hex(session)}: ${difference}`
    }
    throw this.#wrong(problem ?? 'there is no call')
  }

  /** What the model makes of it. It stays as it was where the leader has made something else of it. */
  #outcomeOf(txn: Txn, change: OperationOrRefusal, call: NumberedCall | null, isAlive: boolean): PlainOutcome {
    if (!isAlive) return refusedWith({ kind: 'refused', code: 'SESSION_EXPIRED' })
    const { session, time } = txn
    const asked = call?.what ?? null
    const accepted = (outcome: PlainOutcome) => differenceOf(outcome, change) === null
    if (asked !== null && asked.kind !== 'closeSession') {
      return this.#tree.execute(operationOf(asked), { session, auth: call?.auth ?? [] }, this.#zxid, time, accepted)
    }
    if (change.kind === 'refused') {
      // Nothing but its being over can keep a session from being closed; without a call the log is taken at its word.
      if (asked === null) return refusedWith(change)
      return { result: NONE, change: { kind: 'multi', changes: [] }, events: [] }
    }
    return this.#tree.execute(operationBehind(change), { session, auth: ANYBODY }, this.#zxid, time, accepted)
  }

  /** Numbers are contiguous, whoever's they are; the refusal of a session that is gone counts nowhere. */
  #count({ session, member, cxid }: Txn): void {
    if (cxid === 0) return
    const ofSession = this.#sessions.get(session)
    const ofMember = this.#members.get(member)
    if (session !== NO_SESSION) {
      if (ofSession === undefined) return
      if (ofSession.member !== member) {
        throw this.#wrong(`session ${hex(session)} lives in member ${ofSession.member}, and member ${member} asks in its name`)
      }
      this.#checkNumber(cxid, ofSession.cxid, `session ${hex(session)}`)
      this.#setSession({ ...ofSession, cxid })
      return
    }
    if (ofMember === undefined) throw this.#wrong(`member ${member} asks for something and has not enlisted`)
    this.#checkNumber(cxid, ofMember.cxid, `member ${member}`)
    this.#setMember({ ...ofMember, cxid })
  }

  #checkNumber(cxid: number, before: number, whose: string): void {
    if (cxid !== before + 1) throw this.#wrong(`request ${cxid} of ${whose} stands behind request ${before}`)
  }

  #setSession(session: PlainSession): void {
    this.#sessions.set(session.id, session)
    this.#digest.session(session.id, session)
  }

  #setMember(member: PlainMember): void {
    this.#members.set(member.member, member)
    this.#digest.member(member)
  }

  #wrong(what: string): Violation {
    return new Violation(CHECKER, `at ${hex(this.#zxid)}: ${what}`)
  }
}

function refusedWith(change: Extract<TxnChange, { kind: 'refused' }>): PlainOutcome {
  return { result: change, change, events: [] }
}
