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

export interface CloseSessionChange {
  readonly kind: 'closeSession'
  readonly session: SessionId
}

/** What a txn does to the session table. */
export type SessionChange = EnlistChange | CreateSessionChange | CloseSessionChange
