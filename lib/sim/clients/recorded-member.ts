import { NO_SESSION } from '../../base/index.js'
import type { EnsembleMember } from '../../member/index.js'
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

  async openSession(options: { readonly timeout?: number } = {}): Promise<RecordedSession> {
    const recording = this.#recording
    const call = recording.nextNumber()
    const timeout = options.timeout ?? this.#member.sessionTimeout
    recording.add(NO_SESSION, { kind: 'call', call, what: { kind: 'openSession', timeout } })
    return this.#member.openSession(options).then(
      session => {
        recording.answered(NO_SESSION, call, {
          kind: 'openSession',
          session: session.sessionId,
          timeout: session.sessionTimeout
        })
        return new RecordedSession(session, recording)
      },
      (error: unknown) => {
        recording.rejected(NO_SESSION, call, error, undefined)
        throw error
      }
    )
  }

  /** Ends the process's part in the ensemble, and with it its history. Its sessions end, or are left to expire: nobody is told which. */
  override async close(): Promise<void> {
    await this.#member.close()
    this.#onClosed()
  }
}
