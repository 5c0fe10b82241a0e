import { type MemberId, NO_SESSION, RecentMap, type SessionId, type Zxid } from '../base/index.js'
import type { SessionTable } from '../session/index.js'
import type { AppliedTxn } from './replica.js'

/** Where a session lives, and what it takes to take it over. */
export interface SessionHome {
  readonly member: MemberId
  readonly run: string
  readonly password: Uint8Array
}

/** A session as it will be once everything that is on its way has been applied. */
interface PendingSession {
  home: SessionHome
  /** The number of its last request. */
  cxid: number
}

/** A member's process, likewise. */
interface PendingProcess {
  readonly run: string
  cxid: number
}

/**
 * The sessions as the leader must see them to judge the next request: the committed table plus what is on its way into the log. Made anew with
 * each reign.
 *
 * What it has looked up once it keeps until the session is over: whatever becomes of the committed table comes through here first.
 */
export class PendingSessions {
  readonly #committed: SessionTable
  readonly #sessions = new RecentMap<SessionId, PendingSession>()
  readonly #processes = new Map<MemberId, PendingProcess>()

  constructor(committed: SessionTable) {
    this.#committed = committed
  }

  /** Null for a session that is over, or never was. */
  homeOf(session: SessionId): SessionHome | null {
    return this.#find(session)?.home ?? null
  }

  /** The sessions that live in processes of a member other than `exceptRun`, ascending. */
  livingIn(member: MemberId, exceptRun: string): readonly SessionId[] {
    const ids = new Set([...this.#committed.sessionsOf(member, exceptRun).map(({ id }) => id), ...this.#sessions.keys()])
    const isMeant = (id: SessionId): boolean => {
      const home = this.homeOf(id)
      return home !== null && home.member === member && home.run !== exceptRun
    }
    return [...ids].filter(isMeant).sort((a, b) => a - b)
  }

  /** The number of the last request of a session, or of a member's process; null when it is not known. */
  lastNumber(session: SessionId, member: MemberId): number | null {
    return (session === NO_SESSION ? this.#process(member) : this.#find(session))?.cxid ?? null
  }

  /** Of one whose {@link lastNumber} is known. */
  setNumber(session: SessionId, member: MemberId, cxid: number): void {
    const sender = session === NO_SESSION ? this.#process(member) : this.#find(session)
    if (sender !== null) sender.cxid = cxid
  }

  /** False when this process is known already. */
  enlist(member: MemberId, cxid: number, run: string): boolean {
    if (this.#process(member)?.run === run) return false
    this.#processes.set(member, { run, cxid })
    return true
  }

  /** The session that the txn `zxid` creates in a member's process. */
  create(zxid: Zxid, member: MemberId, password: Uint8Array): SessionHome {
    const home = { member, run: this.#process(member)?.run ?? '', password }
    this.#sessions.set(zxid as number as SessionId, { home, cxid: 0 })
    return home
  }

  /** The session lives in that member's process from here on; null when there is no such session, or the password is not its. */
  move(member: MemberId, session: SessionId, password: Uint8Array): SessionHome | null {
    const moving = this.#find(session)
    if (moving === null || !isEqual(moving.home.password, password)) return null
    moving.home = { member, run: this.#process(member)?.run ?? '', password: moving.home.password }
    return moving.home
  }

  /** Nothing is kept of a session that is over. */
  onApplied({ txn: { change } }: AppliedTxn): void {
    if (change.kind === 'closeSession') this.#sessions.delete(change.session)
  }

  #find(id: SessionId): PendingSession | null {
    const known = this.#sessions.get(id)
    if (known !== undefined) return known
    const record = this.#committed.session(id)
    if (record === null) return null
    const { member, run, password, cxid } = record
    const found = { home: { member, run, password }, cxid }
    this.#sessions.set(id, found)
    return found
  }

  #process(member: MemberId): PendingProcess | null {
    const known = this.#processes.get(member)
    if (known !== undefined) return known
    const record = this.#committed.member(member)
    if (record === null) return null
    const found = { run: record.run, cxid: record.cxid }
    this.#processes.set(member, found)
    return found
  }
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index])
}
