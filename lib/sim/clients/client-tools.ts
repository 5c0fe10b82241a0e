import type { Random, Scheduler } from '../../base/index.js'
import type { CallOptions, WatchedReadOptions, WatchListener } from '../../member/index.js'
import type { RecordedSession } from './recorded-session.js'
import type { WorkloadOptions } from './workload-options.js'

/** What the parts of a client's work share: its session, and how calls are made and followed. */
export interface ClientTools {
  readonly session: RecordedSession
  readonly scheduler: Scheduler
  readonly options: WorkloadOptions
  /** How many more calls may be made now. */
  readonly room: number
  /** Follows a call to its end. */
  track<T>(kind: string, promise: Promise<T>, onAnswer?: (value: T) => void, onRefused?: (code: string) => void): void
  count(kind: string, outcome: string): void
  /** No two values of a run are equal: a value names the write that it comes from. */
  value(random: Random): string
  callOptions(random: Random): CallOptions
  readOptions(random: Random): WatchedReadOptions
  /** What is told may be answered by a read from within the listener. */
  listener(random: Random): WatchListener
}
