import type { MemberId, SessionId } from '../base/index.js'

/** A process of a member has begun its work. From here on the member's own requests count from 1 again. */
export interface EnlistChange {
  readonly kind: 'enlist'
  readonly member: MemberId
  /** Names the process: no two processes of a member ever have the same. */
  readonly run: string
}

/** The id of the session is the zxid of the txn. */
export interface CreateSessionChange {
  readonly kind: 'createSession'
  /** Milliseconds, as negotiated. */
  readonly timeout: number
  /** The process that the session lives in. */
  readonly member: MemberId
  readonly run: string
  readonly password: Uint8Array
}

/** The session has been taken over by another process, which had its password. */
export interface MoveSessionChange {
  readonly kind: 'moveSession'
  readonly session: SessionId
  /** Milliseconds, as negotiated anew. */
  readonly timeout: number
  readonly member: MemberId
  readonly run: string
}

/** The session's end has begun: it owns more ephemerals than one txn deletes. Whoever leads brings it to its end. */
export interface ClosingSessionChange {
  readonly kind: 'closingSession'
  readonly session: SessionId
}

export interface CloseSessionChange {
  readonly kind: 'closeSession'
  readonly session: SessionId
}

/** What a txn does to the session table. */
export type SessionChange = EnlistChange | CreateSessionChange | MoveSessionChange | ClosingSessionChange | CloseSessionChange
