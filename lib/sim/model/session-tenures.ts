import type { MemberId, SessionId } from '../../base/index.js'
import type { CommittedTxn } from '../history.js'
import type { RecordedCall } from './recorded-call.js'

/** A session from when it comes to a process until it goes to another one. */
export interface Tenure {
  /** Names it. */
  readonly key: string
  readonly session: SessionId
  readonly member: MemberId
  /** The txn that has brought the session there. */
  readonly since: number
  /** The txn that has taken it away; infinity while none has. */
  readonly until: number
}

/** A call that took a session over, and the txn that it became. */
export interface TakenOver {
  readonly call: RecordedCall
  readonly zxid: number
}

/**
 * Which process had a session when. The log says which member; which process that was, and which of its calls it made as the owner, follows from
 * the calls by which it has got the session.
 */
export class SessionTenures {
  readonly #tenures = new Map<SessionId, readonly Tenure[]>()
  /** By session and process: what has brought it there, in the order in which that returned. */
  readonly #takenOver = new Map<string, TakenOver[]>()

  constructor(log: readonly CommittedTxn[], takenOver: readonly TakenOver[]) {
    const moves = new Map<SessionId, { readonly member: MemberId; readonly since: number }[]>()
    for (const { zxid, txn } of log) {
      const { change } = txn
      if (change.kind === 'createSession') moves.set(zxid as number as SessionId, [{ member: change.member, since: zxid }])
      else if (change.kind === 'moveSession') moves.get(change.session)?.push({ member: change.member, since: zxid })
    }
    for (const [session, list] of moves) {
      const tenures = list.map(({ member, since }, index) => {
        const until = list[index + 1]?.since ?? Number.POSITIVE_INFINITY
        return { key: `${session}/${index}`, session, member, since, until }
      })
      this.#tenures.set(session, tenures)
    }
    for (const each of [...takenOver].sort((a, b) => (a.call.returnedAt ?? 0) - (b.call.returnedAt ?? 0))) {
      const { call } = each
      if (call.what.kind !== 'takeOverSession') continue
      const key = keyOf({ session: call.what.target, member: call.member, process: call.process })
      this.#takenOver.set(key, [...(this.#takenOver.get(key) ?? []), each])
    }
  }

  /** In order. */
  of(session: SessionId): readonly Tenure[] {
    return this.#tenures.get(session) ?? []
  }

  /** The one that a call of a session was made in; null for a session that the log does not know. */
  ofCall(call: RecordedCall): Tenure | null {
    return this.ofEvent(call, call.issuedAt)
  }

  /** The same of anything that is in a history at `index`. */
  ofEvent(of: Where, index: number): Tenure | null {
    const tenures = this.of(of.session)
    const taken = (this.#takenOver.get(keyOf(of)) ?? []).findLast(({ call }) => (call.returnedAt ?? index) < index)
    return tenures.find(({ since }) => since === taken?.zxid) ?? tenures[0] ?? null
  }

  /** The one that a txn of a session falls into. */
  at(session: SessionId, zxid: number): Tenure | null {
    return this.of(session).find(({ since, until }) => since <= zxid && zxid < until) ?? null
  }
}

interface Where {
  readonly session: SessionId
  readonly member: MemberId
  readonly process: number
}

function keyOf({ session, member, process }: Where): string {
  return `${session} ${member} ${process}`
}
