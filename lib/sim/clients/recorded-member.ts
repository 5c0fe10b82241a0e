import { NO_SESSION, type SessionId } from '../../base/index.js'
import type { EnsembleMember, SessionOptions } from '../../member/index.js'
import type { Answer, Call } from '../history.js'
import { RecordedSession } from './recorded-session.js'
import type { Recording } from './recording.js'

/** A member whose clients are recorded. Its own calls are made in whatever session the member has when they are made. */
export class RecordedMember extends RecordedSession {
  readonly #member: EnsembleMember
  readonly #recording: Recording
  readonly #onClosed: () => void

  /** Made by {@link Recorder.client}. */
  constructor(member: EnsembleMember, recording: Recording, onClosed: () => void) {
    super(member, recording)
    this.#member = member
    this.#recording = recording
    this.#onClosed = onClosed
  }

  /** A further session in its process, or one that is taken over. */
  async openSession(options: SessionOptions = {}): Promise<RecordedSession> {
    const timeout = options.timeout ?? this.#member.sessionTimeout
    const { sessionId } = options
    const what: Call =
      sessionId === undefined
        ? { kind: 'openSession', timeout }
        : { kind: 'takeOverSession', target: sessionId as SessionId, timeout }
    const { kind } = what
    return this.#ask(
      what,
      () => this.#member.openSession(options),
      session => ({ kind, session: session.sessionId, timeout: session.sessionTimeout }),
      session => new RecordedSession(session, this.#recording)
    )
  }

  /** Ends a session wherever it lives. */
  closeSession(sessionId: SessionId): Promise<void> {
    return this.#ask(
      { kind: 'terminateSession', target: sessionId },
      () => this.#member.closeSession(sessionId),
      () => ({ kind: 'terminateSession' }),
      () => undefined
    )
  }

  /** Ends the process's part in the ensemble, and with it its history. Its sessions end, or are left to expire: nobody is told which. */
  override async close(): Promise<void> {
    await this.#member.close()
    this.#onClosed()
  }

  /** Asked by the process itself, outside any session. */
  #ask<T, U>(what: Call, act: () => Promise<T>, answer: (value: T) => Answer, become: (value: T) => U): Promise<U> {
    const recording = this.#recording
    const call = recording.nextNumber()
    recording.add(NO_SESSION, { kind: 'call', call, what })
    return act().then(
      value => {
        recording.answered(NO_SESSION, call, answer(value))
        return become(value)
      },
      (error: unknown) => {
        recording.rejected(NO_SESSION, call, error, undefined)
        throw error
      }
    )
  }
}
