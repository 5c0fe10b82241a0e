import { formatZxid, type MemberId, NO_SESSION, type SessionId, type Zxid } from '../../base/index.js'
import type { SingleChange } from '../../tree/index.js'
import type { EndSessionChange, Txn } from '../../wire/index.js'
import { Violation } from '../checker.js'
import type { CommittedTxn } from '../history.js'

/** Where a session lives: in which process of which member, from its creation or from when it was taken over. */
export interface SessionHome {
  /** The txn that brought it there. */
  readonly from: Zxid
  /** The txn that took it away: to its next home, or to its end. Null while it lives there. */
  readonly to: Zxid | null
  readonly member: MemberId
  readonly run: string
  /** Milliseconds. */
  readonly timeout: number
}

/** One session as the log tells it. */
export interface SessionLife {
  readonly session: SessionId
  /** In order. The first is where it was created. */
  readonly homes: readonly [SessionHome, ...SessionHome[]]
  /** The txn with which its end began, behind which it does nothing; null while it has not. */
  readonly over: Zxid | null
  /** The txn that completed its end; the same, unless it had more ephemerals than one txn deletes. */
  readonly end: Zxid | null
  /**
   * Whether its own request ended it, or that of another process, or the leader did: because its process was dead, or it was silent for too long.
   * An end in several txns shows its own request in the last of them only, if it ever gets there.
   */
  readonly endedBy: 'itself' | 'another' | 'next process' | 'leader' | null
}

interface TrackedHome extends SessionHome {
  to: Zxid | null
}

interface Tracked extends SessionLife {
  readonly homes: [TrackedHome, ...TrackedHome[]]
  home: TrackedHome
  over: Zxid | null
  end: Zxid | null
  endedBy: SessionLife['endedBy']
  cxid: number
  readonly ephemerals: Set<string>
}

/**
 * The lives of all sessions, read off the log, which is checked on the way: that requests are numbered without a gap, also from one home to the
 * next; that a session does nothing elsewhere than at home, and nothing but being refused behind the beginning of its end; and that an
 * ephemeral lives exactly as long as its owner lets it. Throws a {@link Violation}.
 */
export function sessionLivesIn(log: readonly CommittedTxn[]): ReadonlyMap<SessionId, SessionLife> {
  const reader = new SessionLogReader()
  for (const committed of log) reader.read(committed)
  return reader.lives
}

class SessionLogReader {
  readonly lives = new Map<SessionId, Tracked>()
  /** The process that each member is in, and the number of its last request. */
  readonly #members = new Map<MemberId, { readonly run: string; cxid: number }>()
  readonly #owners = new Map<string, Tracked>()
  #last = 0 as Zxid

  read({ zxid, txn }: CommittedTxn): void {
    if (zxid <= this.#last) throw violation(`the log goes back from ${formatZxid(this.#last)} to ${formatZxid(zxid)}`)
    this.#last = zxid
    const { change } = txn
    if (change.kind === 'enlist') this.#members.set(change.member, { run: change.run, cxid: 0 })
    this.#number(zxid, txn)
    switch (change.kind) {
      case 'createSession': {
        const session = zxid as number as SessionId
        const home = this.#homeOf(session, zxid, txn, change)
        const beginning = { over: null, end: null, endedBy: null, cxid: 0, ephemerals: new Set<string>() }
        this.lives.set(session, { session, homes: [home], home, ...beginning })
        return
      }
      case 'moveSession': {
        const { session } = change
        const life = this.#living(zxid, session, 'moves')
        const home = this.#homeOf(session, zxid, txn, change)
        life.home.to = zxid
        life.homes.push(home)
        life.home = home
        return
      }
      case 'closingSession':
      case 'closeSession':
        return this.#end(zxid, txn, change)
      case 'multi':
        for (const each of change.changes) this.#change(zxid, txn, each)
        return
      case 'deleteContainer':
        return this.#change(zxid, txn, { kind: 'delete', path: change.path })
      case 'enlist':
      case 'refused':
        return
      default:
        this.#change(zxid, txn, change)
    }
  }

  #homeOf(
    session: SessionId,
    zxid: Zxid,
    txn: Txn,
    { member, run, timeout }: { readonly member: MemberId; readonly run: string; readonly timeout: number }
  ): TrackedHome {
    const { run: current } = this.#memberOf(zxid, txn)
    if (txn.session !== NO_SESSION) throw violation(`${at(zxid)} of ${name(txn.session)} says where ${name(session)} lives`)
    if (member !== txn.member || run !== current) {
      throw violation(
        `${name(session)} is of member ${member}, run ${run}, and was asked for by member ${txn.member}, run ${current}`
      )
    }
    return { from: zxid, to: null, member, run, timeout }
  }

  /** Whose request a txn answers, and that it is the next of theirs. */
  #number(zxid: Zxid, txn: Txn): void {
    const { session, member, cxid, change } = txn
    if (session === NO_SESSION) {
      // A leader asks for nothing when it removes what has served its purpose, or does not after all.
      if (cxid === 0 && (change.kind === 'deleteContainer' || (change.kind === 'multi' && change.changes.length === 0))) return
      const requester = this.#memberOf(zxid, txn)
      if (cxid !== requester.cxid + 1) throw violation(outOfOrder(`member ${member}`, zxid, cxid, requester.cxid))
      requester.cxid = cxid
      return
    }
    const life = this.lives.get(session)
    if (life === undefined) throw violation(`${at(zxid)} is of ${name(session)}, which the log has never created`)
    const isOfItsEnd = change.kind === 'closeSession' || change.kind === 'closingSession'
    if (life.over !== null) {
      const isRefusal = change.kind === 'refused' && change.code === 'SESSION_EXPIRED'
      if (!isRefusal && !isOfItsEnd) {
        const what = change.kind === 'refused' ? `refused with ${change.code}` : `a ${change.kind}`
        throw violation(`${at(zxid)}, ${what}, is of ${name(session)}, which was ended at ${formatZxid(life.over)}`)
      }
      // Nobody keeps the numbers of what is gone.
      if (life.end !== null) return
    }
    if (cxid === 0) {
      if (isOfItsEnd) return
      throw violation(
        `${at(zxid)}, a ${change.kind} of ${name(session)}, answers no request: a leader does not do that of its own accord`
      )
    }
    if (member !== life.home.member) {
      throw violation(
        `${at(zxid)} is a request of ${name(session)} by member ${member}, but it lives in member ${life.home.member}`
      )
    }
    if (cxid !== life.cxid + 1) throw violation(outOfOrder(name(session), zxid, cxid, life.cxid))
    life.cxid = cxid
  }

  #end(zxid: Zxid, txn: Txn, { kind, session, paths }: EndSessionChange): void {
    const life = this.lives.get(session)
    if (life === undefined) throw violation(`${at(zxid)} ends ${name(session)}, which the log has never created`)
    if (life.end !== null) throw violation(`${at(zxid)} ends ${name(session)}, which was ended at ${formatZxid(life.end)}`)
    if (txn.session !== session && txn.session !== NO_SESSION)
      throw violation(`${at(zxid)} of ${name(txn.session)} ends ${name(session)}`)
    if (txn.session === NO_SESSION && life.over !== null)
      throw violation(`${at(zxid)} ends ${name(session)} for member ${txn.member}: that has begun at ${formatZxid(life.over)}`)
    if (life.over === null) {
      life.over = zxid
      life.home.to = zxid
      const isCurrent = this.#members.get(life.home.member)?.run === life.home.run
      life.endedBy = txn.session === NO_SESSION ? 'another' : isCurrent ? 'leader' : 'next process'
    }
    if (txn.cxid > 0 && life.endedBy !== 'another') life.endedBy = 'itself'
    if (kind === 'closeSession') life.end = zxid
    for (const path of paths) {
      if (!life.ephemerals.delete(path)) {
        throw violation(`${at(zxid)} ends ${name(session)} and deletes ${path}, which is not an ephemeral of it`)
      }
      this.#owners.delete(path)
    }
    if (kind === 'closingSession') return
    for (const path of life.ephemerals) {
      throw violation(`${at(zxid)} ends ${name(session)}, and its ephemeral ${path} stays behind`)
    }
  }

  #change(zxid: Zxid, txn: Txn, change: SingleChange): void {
    if (change.kind === 'delete') {
      this.#owners.get(change.path)?.ephemerals.delete(change.path)
      this.#owners.delete(change.path)
    }
    if (change.kind !== 'create' || change.owner === NO_SESSION) return
    const life = this.lives.get(change.owner)
    if (life === undefined || life.over !== null || change.owner !== txn.session) {
      throw violation(`${at(zxid)} of ${name(txn.session)} creates ${change.path} as an ephemeral of ${name(change.owner)}`)
    }
    life.ephemerals.add(change.path)
    this.#owners.set(change.path, life)
  }

  #living(zxid: Zxid, session: SessionId, does: string): Tracked {
    const life = this.lives.get(session)
    if (life === undefined) throw violation(`${at(zxid)} ${does} ${name(session)}, which the log has never created`)
    if (life.over !== null) throw violation(`${at(zxid)} ${does} ${name(session)}, which was ended at ${formatZxid(life.over)}`)
    return life
  }

  #memberOf(zxid: Zxid, { member }: Txn): { readonly run: string; cxid: number } {
    const found = this.#members.get(member)
    if (found === undefined) throw violation(`${at(zxid)} is of member ${member}, which has not enlisted`)
    return found
  }
}

function outOfOrder(who: string, zxid: Zxid, cxid: number, last: number): string {
  return `${at(zxid)} is request ${cxid} of ${who}, behind request ${last}: numbers are contiguous`
}

export function name(session: SessionId): string {
  return `session ${formatZxid(session as number as Zxid)}`
}

function at(zxid: Zxid): string {
  return `the txn ${formatZxid(zxid)}`
}

function violation(message: string): Violation {
  return new Violation('sessions', message)
}
