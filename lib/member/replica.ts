import { type MemberId, NO_SESSION, type SessionId, type Zxid } from '../base/index.js'
import { SessionTable } from '../session/index.js'
import { type Applied, DataTree, type OperationResult, type QuotaExcess, type TreeEvent } from '../tree/index.js'
import { decodeTxn, ephemeralsEndedBy, type Txn } from '../wire/index.js'

/** What one committed txn did. */
export interface AppliedTxn {
  readonly zxid: Zxid
  readonly txn: Txn
  readonly result: OperationResult
  readonly events: readonly TreeEvent[]
  /** The subtrees that it took over a soft limit of their quota. */
  readonly excesses: readonly QuotaExcess[]
}

const NOTHING: Applied = { result: { kind: 'none' }, events: [], excesses: [] }

/** The replicated state: znodes and sessions after a zxid. Holds committed state only, and is equal on all members at the same zxid. */
export class Replica {
  readonly tree: DataTree
  readonly sessions: SessionTable

  constructor(tree: DataTree = new DataTree(), sessions: SessionTable = new SessionTable()) {
    this.tree = tree
    this.sessions = sessions
  }

  get zxidApplied(): Zxid {
    return this.tree.zxidApplied
  }

  /** Of everything in it; equal digests at the same zxid mean equal state. */
  get digest(): string {
    return `${this.tree.digest}${this.sessions.digest}`
  }

  /**
   * Applies the next committed txn, which lies between `start` and `end`. PERF: only the requests of `asker` are answered by a result; those of
   * all members when it is null.
   */
  apply(bytes: Uint8Array, zxid: Zxid, asker: MemberId | null = null, start = 0, end = bytes.length): AppliedTxn {
    const txn = decodeTxn(bytes, start, end)
    const { change } = txn
    switch (change.kind) {
      case 'enlist':
        this.sessions.apply(change, zxid)
        this.#record(txn)
        this.tree.advance(zxid)
        return appliedTxn(zxid, txn, NOTHING)
      case 'createSession':
      case 'moveSession':
        this.#record(txn)
        this.sessions.apply(change, zxid)
        this.tree.advance(zxid)
        return appliedTxn(zxid, txn, NOTHING)
      case 'closingSession':
      case 'closeSession': {
        this.#record(txn)
        const applied = this.tree.apply(ephemeralsEndedBy(change), zxid, txn.time)
        this.sessions.apply({ kind: change.kind, session: change.session }, zxid)
        return appliedTxn(zxid, txn, applied)
      }
      default: {
        this.#record(txn)
        return appliedTxn(zxid, txn, this.tree.apply(change, zxid, txn.time, asker === null || txn.member === asker))
      }
    }
  }

  /** Txns that the leader made of its own accord answer nothing, and neither does the refusal of a session that is gone. */
  #record(txn: Txn): void {
    if (txn.cxid === 0) return
    if (txn.session !== NO_SESSION && this.sessions.session(txn.session) === null) return
    this.sessions.recordRequest(txn.session, txn.member, txn.cxid)
  }

  /** The zxid of the txn that created it: a session is named by it for ever. */
  static sessionIdOf(applied: AppliedTxn): SessionId {
    return applied.zxid as number as SessionId
  }
}

/** PERF: one shape, made field by field, for what every txn passes through the whole member in. */
function appliedTxn(zxid: Zxid, txn: Txn, { result, events, excesses }: Applied): AppliedTxn {
  return { zxid, txn, result, events, excesses }
}
