import type { MemberId } from '../../base/index.js'
import type { EnsembleMember } from '../../member/index.js'
import type { HistoryEvent } from '../history.js'
import { RecordedMember } from './recorded-member.js'
import { Recording } from './recording.js'

export interface RecorderOptions {
  /** Milliseconds on the clock that all events of a history share: virtual time, or the machine's monotonic clock. */
  readonly clock: () => number
  /**
   * Calls and watches are numbered from here on. Recorders whose histories are to be merged are given ranges that do not meet. Default: 1.
   */
  readonly firstNumber?: number
  /** Told of every event when it is recorded. */
  readonly onEvent?: (event: HistoryEvent) => void
  /** Told of what a call must never end with: anything but a `ZooKeeperError` and the reason of an abort. */
  readonly onUnexpected?: (error: unknown, event: HistoryEvent) => void
}

/**
 * Writes down what clients do and see, in the order in which they do and see it. Takes no part in it: a call is recorded before it is made
 * and its return by the first who hears of it, and nothing is delayed or reordered for that.
 */
export class Recorder {
  readonly history: HistoryEvent[] = []
  readonly #options: RecorderOptions
  readonly #recordings = new Map<MemberId, Recording>()
  #number: number

  constructor(options: RecorderOptions) {
    this.#options = options
    this.#number = options.firstNumber ?? 1
  }

  /** The member as the clients in its process are to use it. `process` names the process: a member has another one after every crash. */
  client(member: EnsembleMember, process: number): RecordedMember {
    const { clock, onUnexpected } = this.#options
    const recording = new Recording({
      member,
      process,
      clock,
      nextNumber: () => this.#number++,
      onEvent: event => this.#record(event),
      onUnexpected: (error, event) => onUnexpected?.(error, event)
    })
    this.#recordings.set(member.id, recording)
    return new RecordedMember(member, recording, () => this.ended(member.id, process))
  }

  /** The process is gone, killed or closed in order: whatever its clients wait for, they will not hear of it. */
  ended(member: MemberId, process: number): void {
    const recording = this.#recordings.get(member)
    if (recording?.process !== process) return
    this.#recordings.delete(member)
    recording.end()
  }

  #record(event: HistoryEvent): void {
    this.history.push(event)
    this.#options.onEvent?.(event)
  }
}
