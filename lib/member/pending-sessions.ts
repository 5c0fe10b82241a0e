import { type MemberId, NO_SESSION, type SessionId, type Zxid } from '../base/index.js'
import type { SessionTable } from '../session/index.js'
import type { AppliedTxn } from './replica.js'

/** Where a session lives, and what it takes to take it over. */
export interface SessionHome {
  readonly member: MemberId
  readonly run: string
  readonly password: Uint8Array
}

/**
 * The sessions as the leader must see them to judge the next request: the committed table plus what is on its way into the log. Made anew with
 * each reign.
 */
export class PendingSessions {
  readonly #committed: SessionTable
  /** Sessions whose creation or latest move is outstanding, with the zxid of that. */
  readonly #homes = new Map<SessionId, SessionHome & { readonly zxid: Zxid }>()
  /** Processes whose enlisting may be outstanding. */
  readonly #runs = new Map<MemberId, string>()
  /** The number of the last request that is on its way into the log, by session, or by member as a negative number. */
  readonly #numbers = new Map<number, number>()

  constructor(committed: SessionTable) {
    this.#committed = committed
  }

  /** Null for a session that is over, or never was. */
  homeOf(session: SessionId): SessionHome | null {
    return this.#homes.get(session) ?? this.#committed.session(session)
  }

  /** The sessions that live in processes of a member other than `exceptRun`, ascending. */
  livingIn(member: MemberId, exceptRun: string): readonly SessionId[] {
    const ids = new Set([...this.#committed.sessionsOf(member, exceptRun).map(({ id }) => id), ...this.#homes.keys()])
    const isMeant = (id: SessionId): boolean => {
      const home = this.homeOf(id)
      return home !== null && home.member === member && home.run !== exceptRun
    }
    return [...ids].filter(isMeant).sort((a, b) => a - b)
  }

  /** The number of the last request of a session, or of a member's process; null when it is not known. */
  lastNumber(session: SessionId, member: MemberId): number | null {
    return this.#numbers.get(keyOf(session, member)) ?? this.#committed.lastRequest(session, member)
  }

  setNumber(session: SessionId, member: MemberId, cxid: number): void {
    this.#numbers.set(keyOf(session, member), cxid)
  }

  /** False when this process is known already. */
  enlist(member: MemberId, cxid: number, run: string): boolean {
    if (this.#runOf(member) === run) return false
    this.#runs.set(member, run)
    this.setNumber(NO_SESSION, member, cxid)
    return true
  }

  /** The session that the txn `zxid` creates in a member's process. */
  create(zxid: Zxid, member: MemberId, password: Uint8Array): SessionHome {
    const home = { member, run: this.#runOf(member) ?? '', password, zxid }
    this.#homes.set(zxid as number as SessionId, home)
    this.#numbers.set(zxid, 0)
    return home
  }

  /** The session lives in that member's process from the txn `zxid` on; null when there is no such session, or the password is not its. */
  move(zxid: Zxid, member: MemberId, session: SessionId, password: Uint8Array): SessionHome | null {
    const from = this.homeOf(session)
    if (from === null || !isEqual(from.password, password)) return null
    const home = { member, run: this.#runOf(member) ?? '', password: from.password, zxid }
    this.#homes.set(session, home)
    return home
  }

  /** What is in the committed table need not be kept here. */
  onApplied({ zxid, txn: { change } }: AppliedTxn): void {
    if (change.kind === 'createSession') this.#settle(zxid as number as SessionId, zxid)
    else if (change.kind === 'moveSession') this.#settle(change.session, zxid)
    else if (change.kind === 'closeSession') {
      this.#homes.delete(change.session)
      this.#numbers.delete(change.session)
    }
  }

  /** Unless it has moved on since. */
  #settle(session: SessionId, zxid: Zxid): void {
    if (this.#homes.get(session)?.zxid === zxid) this.#homes.delete(session)
  }

  #runOf(member: MemberId): string | null {
    return this.#runs.get(member) ?? this.#committed.member(member)?.run ?? null
  }
}

function keyOf(session: SessionId, member: MemberId): number {
  return session === NO_SESSION ? -member : session
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index])
}
