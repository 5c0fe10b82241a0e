import { LIMITS, NO_SESSION, type SessionId, type Zxid } from '../../base/index.js'
import type { OperationResult, Stat, TreeEvent } from '../../tree/index.js'
import type { Txn, TxnChange } from '../../wire/index.js'
import { Violation } from '../checker.js'
import type { CommittedTxn } from '../history.js'
import { differenceOf, operationBehind, operationOf, statDifference } from './judgement.js'
import { type DigestLanes, PlainDigest, type PlainMember, type PlainSession, wholeOf } from './plain-digest.js'
import { type PlainNode, type PlainOutcome, PlainTree, plainStatOf } from './plain-tree.js'
import { describeAsked, hex, type NumberedCall } from './recorded-call.js'
import type { RequestMatching } from './request-matching.js'
import { lastThrough, ZnodeHistory } from './znode-history.js'

/** One txn, and what the model made of what was asked. */
export interface TimelineEntry {
  readonly zxid: Zxid
  readonly txn: Txn
  /** The call that it answers; null where none was recorded. */
  readonly call: NumberedCall | null
  readonly result: OperationResult
  readonly events: readonly TreeEvent[]
  /** Of the whole state behind it, as every member must show it: see {@link Timeline.digestAt}. */
  readonly digest: DigestLanes
}

/** A znode as a client is shown it. */
export interface TimelineNode {
  readonly data: Uint8Array | null
  readonly stat: Stat
}

const CHECKER = 'model'
const NOTHING: PlainOutcome = { result: { kind: 'none' }, events: [], parentCreates: [] }

/**
 * The canonical log, judged once more by the plain model from what was asked, so that a wrong judgement of a leader is found, and the state
 * after every txn of it. Made anew from the beginning: the log must be whole.
 * @throws Violation when a txn is not what the model would have made of its request
 */
export class Timeline {
  readonly entries: readonly TimelineEntry[]
  /** Of the last txn. */
  readonly zxidLast: Zxid
  readonly #digestEmpty: DigestLanes
  readonly #znodes = new ZnodeHistory()
  readonly #owned = new Map<number, Owned>()

  constructor(log: readonly CommittedTxn[], matching: Pick<RequestMatching, 'callsOf'> | null = null) {
    const replay = new Replay(this.#znodes, this.#owned)
    this.#digestEmpty = replay.digest
    this.entries = log.map(({ zxid, txn }) => replay.take(zxid, txn, matching?.callsOf(zxid) ?? []))
    this.zxidLast = log.at(-1)?.zxid ?? (0 as Zxid)
  }

  /** The txn at exactly this zxid. */
  entryAt(zxid: number): TimelineEntry | null {
    const entry = this.#lastEntry(zxid)
    return entry?.zxid === zxid ? entry : null
  }

  /** What `local.digest` shows at `zxid`. */
  digestAt(zxid: number): string {
    return wholeOf(this.#lastEntry(zxid)?.digest ?? this.#digestEmpty)
  }

  nodeAt(path: string, zxid: number): TimelineNode | null {
    const node = this.#znodes.nodeAt(path, zxid)
    return node === null ? null : { data: node.data, stat: plainStatOf(path, node) }
  }

  /** Names, sorted; null when the znode is not there. PERF: grows with the children that it ever had. */
  childrenAt(path: string, zxid: number): readonly string[] | null {
    if (this.#znodes.nodeAt(path, zxid) === null) return null
    return this.#znodes
      .childrenAt(path, zxid)
      .map(child => child.slice(child.lastIndexOf('/') + 1))
      .sort()
  }

  /** Every path that there is, sorted. */
  pathsAt(zxid: number): readonly string[] {
    return [...this.#znodes.pathsAt(zxid)].sort()
  }

  /** Sorted paths of a session's ephemerals. */
  ephemeralsAt(session: SessionId, zxid: number): readonly string[] {
    const paths = this.#owned.get(session)?.paths ?? []
    return [...paths].filter(path => this.#znodes.nodeAt(path, zxid)?.owner === session).sort()
  }

  /** The smallest zxid at or behind `from` at which these are the session's ephemerals; null if they never are. */
  ephemeralsSince(session: SessionId, paths: readonly string[], from: number): number | null {
    const isSame = (zxid: number): boolean => {
      const model = this.ephemeralsAt(session, zxid)
      return model.length === paths.length && model.every((path, index) => path === paths[index])
    }
    const changed = this.#owned.get(session)?.changed ?? []
    const behind = changed.slice(lastThrough(changed, zxid => zxid, from) + 1)
    return [from, ...behind].find(isSame) ?? null
  }

  /** The smallest zxid at or behind `from` at which the znode is not there. */
  absentSince(path: string, from: number): number | null {
    return this.#znodes.absentSince(path, from)
  }

  /** The smallest zxid at or behind `from` at which the znode has this Stat, which it has but once; null if it has not. */
  statSince(path: string, stat: Stat, from: number): number | null {
    const span = this.#znodes.spanSince(path, Math.max(stat.mzxid, stat.pzxid))
    if (span === null || span.to <= from || statDifference(stat, plainStatOf(path, span.node)) !== null) return null
    return Math.max(span.from, from)
  }

  #lastEntry(zxid: number): TimelineEntry | undefined {
    return this.entries[lastThrough(this.entries, entry => entry.zxid, zxid)]
  }
}

/** What a session ever owned, and when that has changed. */
interface Owned {
  readonly paths: Set<string>
  readonly changed: number[]
}

/** The model, txn by txn. */
class Replay {
  readonly #znodes: ZnodeHistory
  readonly #owned: Map<number, Owned>
  readonly #digest = new PlainDigest()
  readonly #tree: PlainTree
  readonly #sessions = new Map<number, PlainSession>()
  readonly #members = new Map<number, PlainMember>()
  #zxid = 0

  constructor(znodes: ZnodeHistory, owned: Map<number, Owned>) {
    this.#znodes = znodes
    this.#owned = owned
    this.#tree = new PlainTree((path, node) => this.#onChanged(path, node), LIMITS.sessionEphemeralBytesMax)
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

  #judge(txn: Txn, calls: readonly NumberedCall[]): [PlainOutcome, NumberedCall | null] {
    const { change, session } = txn
    switch (change.kind) {
      case 'enlist':
        if (this.#members.get(change.member)?.run !== change.run) this.#setMember({ ...change, cxid: 0 })
        this.#count(txn)
        return [NOTHING, null]
      case 'createSession':
        this.#count(txn)
        this.#setSession({ ...change, id: this.#zxid, cxid: 0 })
        return [NOTHING, null]
      case 'closeSession':
        this.#count(txn)
        return [this.#close(txn, change.session, change.paths), calls[0] ?? null]
      default: {
        const known = this.#sessions.has(session)
        this.#count(txn)
        return this.#operate(txn, change, calls, known)
      }
    }
  }

  #close(txn: Txn, session: SessionId, paths: readonly string[]): PlainOutcome {
    if (session !== txn.session || !this.#sessions.has(session))
      throw this.#wrong(`session ${hex(session)} is not there to be closed`)
    const expected = this.#tree.ephemeralsOf(session)
    if (expected.length !== paths.length || expected.some((path, index) => path !== paths[index])) {
      const lists = `the leader lists [${paths.join(', ')}], the model has [${expected.join(', ')}]`
      throw this.#wrong(`session ${hex(session)} ends, of its ephemerals ${lists}`)
    }
    this.#sessions.delete(session)
    this.#digest.session(session, null)
    return { ...NOTHING, events: this.#tree.endSession(session, this.#zxid) }
  }

  #operate(
    txn: Txn,
    change: OperationOrRefusal,
    calls: readonly NumberedCall[],
    known: boolean
  ): [PlainOutcome, NumberedCall | null] {
    const { session } = txn
    let problem: string | null = null
    for (const call of calls.length === 0 ? [null] : calls) {
      const outcome = this.#outcomeOf(txn, change, call, known)
      const difference = differenceOf(outcome, session, change)
      if (difference === null) return [outcome, call]
      const what = call === null ? `a ${change.kind} that nobody recorded` : `call ${call.call}, ${describeAsked(call.what)}`
      problem ??= `${what}, of session ${hex(session)}: ${difference}`
    }
    throw this.#wrong(problem ?? 'there is no call')
  }

  /** What the model makes of it. It stays as it was where the leader has made something else of it. */
  #outcomeOf(txn: Txn, change: OperationOrRefusal, call: NumberedCall | null, known: boolean): PlainOutcome {
    if (!known) return { ...NOTHING, result: { kind: 'refused', code: 'SESSION_EXPIRED' } }
    const { session, time } = txn
    const asked = call?.what ?? null
    const accepted = (outcome: PlainOutcome) => differenceOf(outcome, session, change) === null
    if (asked !== null && asked.kind !== 'closeSession') {
      return this.#tree.execute(operationOf(asked), session, this.#zxid, time, accepted)
    }
    // Nothing but its being over can keep a session from being closed; without a call the log is taken at its word.
    if (change.kind === 'refused') return { ...NOTHING, result: asked === null ? change : { kind: 'none' } }
    return this.#tree.execute(operationBehind(change), session, this.#zxid, time, accepted)
  }

  #onChanged(path: string, node: PlainNode | null): void {
    const ownerBefore = this.#znodes.nodeAt(path, this.#zxid)?.owner ?? 0
    const owner = node?.owner ?? 0
    this.#znodes.record(path, this.#zxid, node)
    this.#digest.znode(path, node)
    for (const session of owner === ownerBefore ? [] : [owner, ownerBefore]) {
      if (session === 0) continue
      const owned = this.#owned.get(session) ?? { paths: new Set(), changed: [] }
      owned.paths.add(path)
      if (owned.changed.at(-1) !== this.#zxid) owned.changed.push(this.#zxid)
      this.#owned.set(session, owned)
    }
  }

  /** Numbers are contiguous, whoever's they are; the refusal of a session that is gone counts nowhere. */
  #count({ session, member, cxid }: Txn): void {
    if (cxid === 0) return
    const ofSession = this.#sessions.get(session)
    const ofMember = this.#members.get(member)
    if (session !== NO_SESSION) {
      if (ofSession === undefined) return
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

type OperationOrRefusal = Exclude<TxnChange, { kind: 'enlist' | 'createSession' | 'closeSession' }>
