import {
  assert,
  formatHash64,
  Hash64,
  type MemberId,
  NO_SESSION,
  present,
  RecentMap,
  type SessionId,
  unreachable,
  ZooKeeperError,
  type Zxid
} from '../base/index.js'
import type { SessionChange } from './session-change.js'

export interface SessionRecord {
  readonly id: SessionId
  /** Milliseconds. */
  readonly timeout: number
  readonly member: MemberId
  readonly run: string
  readonly password: Uint8Array
  /** The number of its last request that is in the log; 0 before the first. */
  readonly cxid: number
  /** Its end has begun: it does nothing more, and lasts until the last of its ephemerals is gone. */
  readonly closing: boolean
}

/** A member as the log knows it: the process that it runs in, and the number of that process's last request of its own. */
export interface MemberRecord {
  readonly member: MemberId
  readonly run: string
  readonly cxid: number
}

/** The whole table, ascending by id. */
export interface SessionSnapshot {
  readonly sessions: readonly SessionRecord[]
  readonly members: readonly MemberRecord[]
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/**
 * The part of the sessions that is replicated: who there is, in which process, and how far its requests have come. Changed by committed txns
 * only, so it is equal on all members at the same zxid.
 *
 * Request numbers (cxid) of one session, and of one process outside any session, are contiguous in the log. That is what makes a request
 * that was sent again after a leader change recognizable, and it is checked with every txn.
 */
export class SessionTable {
  readonly #sessions = new RecentMap<SessionId, Mutable<SessionRecord>>()
  readonly #members = new Map<MemberId, Mutable<MemberRecord>>()

  get size(): number {
    return this.#sessions.size
  }

  /** Applies one committed txn, each once and in order. Enlisting the same process again and closing an unknown session change nothing. */
  apply(change: SessionChange, zxid: Zxid): void {
    switch (change.kind) {
      case 'enlist':
        if (this.#members.get(change.member)?.run === change.run) return
        this.#members.set(change.member, { member: change.member, run: change.run, cxid: 0 })
        return
      case 'createSession': {
        const id = zxid as number as SessionId
        assert(!this.#sessions.has(id), 'a session is created once')
        const { timeout, member, run } = change
        this.#sessions.set(id, { id, timeout, member, run, password: new Uint8Array(change.password), cxid: 0, closing: false })
        return
      }
      case 'moveSession': {
        const session = present(this.#sessions.get(change.session), 'a session that moves is there')
        assert(!session.closing, 'a session that ends does not move')
        session.timeout = change.timeout
        session.member = change.member
        session.run = change.run
        return
      }
      case 'closingSession':
        present(this.#sessions.get(change.session), 'a session whose end begins is there').closing = true
        return
      case 'closeSession':
        this.#sessions.delete(change.session)
        return
      default:
        unreachable(change)
    }
  }

  /** A txn is the answer to request `cxid` of a session, or of the member itself when there is no session. */
  recordRequest(session: SessionId, member: MemberId, cxid: number): void {
    const sender = session === NO_SESSION ? this.#members.get(member) : this.#sessions.get(session)
    assert(sender !== undefined, 'a request in the log is of a session or member that is in the table')
    assert(cxid === sender.cxid + 1, 'request numbers in the log are contiguous')
    sender.cxid = cxid
  }

  /** The number of the last request in the log, of a session or of the member itself; null when it is not in the table. */
  lastRequest(session: SessionId, member: MemberId): number | null {
    return (session === NO_SESSION ? this.#members.get(member) : this.#sessions.get(session))?.cxid ?? null
  }

  /** As it is now: the record goes on changing. */
  session(id: SessionId): SessionRecord | null {
    return this.#sessions.get(id) ?? null
  }

  member(id: MemberId): MemberRecord | null {
    return this.#members.get(id) ?? null
  }

  /** Ascending by id. */
  sessions(): readonly SessionRecord[] {
    return [...this.#sessions.values()].sort((a, b) => a.id - b.id)
  }

  /** Ascending by id. */
  members(): readonly MemberRecord[] {
    return [...this.#members.values()].sort((a, b) => a.member - b.member)
  }

  /** Sessions that live in a member's processes other than `exceptRun`: with the process known to be dead they can be closed at once. */
  sessionsOf(member: MemberId, exceptRun: string | null = null): readonly SessionRecord[] {
    return this.sessions().filter(session => session.member === member && session.run !== exceptRun)
  }

  /** A copy that does not change any more. */
  snapshot(): SessionSnapshot {
    return {
      sessions: this.sessions().map(session => ({ ...session })),
      members: this.members().map(member => ({ ...member }))
    }
  }

  /** Two tables with the same content have the same: 16 hexadecimal digits. PERF: computed when asked for, grows with the sessions. */
  get digest(): string {
    const hash = new Hash64()
    let low = 0
    let high = 0
    for (const { id, timeout, member, run, password, cxid, closing } of this.#sessions.values()) {
      hash.start().int(1).number(id).number(timeout).int(member).text(run).bytes(password).number(cxid)
      hash.int(closing ? 1 : 0).finish()
      low = (low + hash.low) | 0
      high = (high + hash.high) | 0
    }
    for (const { member, run, cxid } of this.#members.values()) {
      hash.start().int(2).int(member).text(run).number(cxid).finish()
      low = (low + hash.low) | 0
      high = (high + hash.high) | 0
    }
    return formatHash64(low, high)
  }

  /** The table that {@link snapshot} was taken of. What is there twice is refused with `LOG_CORRUPTED`. */
  static restore(snapshot: SessionSnapshot): SessionTable {
    const table = new SessionTable()
    for (const session of snapshot.sessions) {
      if (table.#sessions.has(session.id)) throw damaged(`session ${session.id}`)
      table.#sessions.set(session.id, { ...session, password: new Uint8Array(session.password) })
    }
    for (const member of snapshot.members) {
      if (table.#members.has(member.member)) throw damaged(`member ${member.member}`)
      table.#members.set(member.member, { ...member })
    }
    return table
  }
}

function damaged(what: string): ZooKeeperError {
  return new ZooKeeperError('LOG_CORRUPTED', { message: `the snapshot does not hold together: ${what} is there twice` })
}
