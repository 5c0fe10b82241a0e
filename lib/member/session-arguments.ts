import { isZxid, NO_SESSION, type SessionId } from '../base/index.js'
import { badArguments, checkOptionsObject } from './arguments.js'
import type { SessionOptions } from './ensemble-member.js'

/** Checks what sessions are opened and ended with. Everything here throws `BAD_ARGUMENTS` and nothing else. */

const PASSWORD_BYTES = 16

/** What is asked of the leader. */
export interface SessionWish {
  /** Milliseconds. */
  readonly timeout: number
  /** The session to take over; null for a new one. */
  readonly takeOver: { readonly id: SessionId; readonly password: Uint8Array } | null
}

export function checkedSessionOptions(options: SessionOptions, sessionTimeout: number): SessionWish {
  checkOptionsObject(options)
  const { timeout = sessionTimeout, sessionId, sessionPassword } = options
  if (!Number.isInteger(timeout) || timeout < 1 || timeout > 2 ** 31 - 1) {
    throw badArguments('timeout is a whole number of milliseconds')
  }
  if ((sessionId === undefined) !== (sessionPassword === undefined)) {
    throw badArguments('sessionId and sessionPassword are given together')
  }
  if (sessionId === undefined || sessionPassword === undefined) return { timeout, takeOver: null }
  if (!(sessionPassword instanceof Uint8Array) || sessionPassword.length !== PASSWORD_BYTES) {
    throw badArguments(`sessionPassword is ${PASSWORD_BYTES} bytes`)
  }
  return { timeout, takeOver: { id: checkedSessionId(sessionId), password: new Uint8Array(sessionPassword) } }
}

export function checkedSessionId(id: unknown): SessionId {
  if (!isZxid(id) || id === (NO_SESSION as number)) throw badArguments('a session id is what `sessionId` of a session tells')
  return id as number as SessionId
}
