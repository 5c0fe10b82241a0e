import { formatZxid, type MemberId, NO_SESSION, type SessionId, type Zxid } from '../../base/index.js'
import type { SingleChange } from '../../tree/index.js'
import type { EndSessionChange, Txn } from '../../wire/index.js'
import { Violation } from '../checker.js'
import type { CommittedTxn } from '../history.js'

/** One session as the log tells it. */
export interface SessionLife {
  readonly session: SessionId
  readonly member: MemberId
  readonly run: string
  /** Milliseconds. */
  readonly timeout: number
  /** The txn that ended it; null while none has. */
  readonly end: Zxid | null
  /** Whether its own request ended it, or the leader did: because its process was dead, or it was silent for too long. */
  readonly endedBy: 'itself' | 'next process' | 'leader' | null
}

interface Tracked extends SessionLife {
  end: Zxid | null
  endedBy: SessionLife['endedBy']
  cxid: number
  readonly ephemerals: Set<string>
}

/**
 * The lives of all sessions, read off the log, which is checked on the way: that requests are numbered without a gap, that nothing of a session
 * stands behind its end but refusals, and that an ephemeral lives exactly as long as its owner lets it. Throws a {@link Violation}.
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
        const { member, run, timeout } = change
        const session = zxid as number as SessionId
        const { run: current } = this.#memberOf(zxid, txn)
        if (member !== txn.member || run !== current) {
          throw violation(
            `${name(session)} is of member ${member}, run ${run}, and was asked for by member ${txn.member}, run ${current}`
          )
        }
        this.lives.set(session, { session, member, run, timeout, end: null, endedBy: null, cxid: 0, ephemerals: new Set() })
        return
      }
      case 'closeSession':
        return this.#end(zxid, txn, change)
      case 'multi':
        for (const each of change.changes) this.#change(zxid, txn, each)
        return
      case 'enlist':
      case 'refused':
        return
      default:
        this.#change(zxid, txn, change)
    }
  }

  /** Whose request a txn answers, and that it is the next of theirs. */
  #number(zxid: Zxid, txn: Txn): void {
    const { session, member, cxid, change } = txn
    if (session === NO_SESSION) {
      const requester = this.#memberOf(zxid, txn)
      if (cxid !== requester.cxid + 1) throw violation(outOfOrder(`member ${member}`, zxid, cxid, requester.cxid))
      requester.cxid = cxid
      return
    }
    const life = this.lives.get(session)
    if (life === undefined) throw violation(`${at(zxid)} is of ${name(session)}, which the log has never created`)
    if (life.end !== null) {
      const isRefusal = change.kind === 'refused' && change.code === 'SESSION_EXPIRED'
      if (isRefusal || change.kind === 'closeSession') return
      const what = change.kind === 'refused' ? `refused with ${change.code}` : `a ${change.kind}`
      throw violation(`${at(zxid)}, ${what}, is of ${name(session)}, which was ended at ${formatZxid(life.end)}`)
    }
    if (cxid === 0) {
      if (change.kind === 'closeSession') return
      throw violation(
        `${at(zxid)}, a ${change.kind} of ${name(session)}, answers no request: a leader does not do that of its own accord`
      )
    }
    if (member !== life.member) {
      throw violation(`${at(zxid)} is a request of ${name(session)} by member ${member}, but it lives in member ${life.member}`)
    }
    if (cxid !== life.cxid + 1) throw violation(outOfOrder(name(session), zxid, cxid, life.cxid))
    life.cxid = cxid
  }

  #end(zxid: Zxid, txn: Txn, { session, paths }: EndSessionChange): void {
    const life = this.lives.get(session)
    if (life === undefined) throw violation(`${at(zxid)} ends ${name(session)}, which the log has never created`)
    if (life.end !== null) throw violation(`${at(zxid)} ends ${name(session)}, which was ended at ${formatZxid(life.end)}`)
    if (txn.session !== session) throw violation(`${at(zxid)} of ${name(txn.session)} ends ${name(session)}`)
    life.end = zxid
    life.endedBy = txn.cxid > 0 ? 'itself' : this.#members.get(life.member)?.run === life.run ? 'leader' : 'next process'
    for (const path of paths) {
      if (!life.ephemerals.delete(path)) {
        throw violation(`${at(zxid)} ends ${name(session)} and deletes ${path}, which is not an ephemeral of it`)
      }
      this.#owners.delete(path)
    }
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
    if (life === undefined || life.end !== null || change.owner !== txn.session) {
      throw violation(`${at(zxid)} of ${name(txn.session)} creates ${change.path} as an ephemeral of ${name(change.owner)}`)
    }
    life.ephemerals.add(change.path)
    this.#owners.set(change.path, life)
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
