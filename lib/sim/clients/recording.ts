import { type ErrorCode, isZooKeeperError, type MemberId, type SessionId, type Zxid } from '../../base/index.js'
import type { EnsembleMember, WatchEvent } from '../../member/index.js'
import type { OperationCode } from '../../tree/index.js'
import type { HistoryEvent, Result, ToldEvent } from '../history.js'

/** What happened, without where and when. */
export type Happened = HistoryEvent extends infer Each
  ? Each extends HistoryEvent
    ? Omit<Each, 'at' | 'member' | 'process' | 'session'>
    : never
  : never

/** The code of a call that its caller has aborted. */
export const ABORTED = 'ABORTED'

export interface RecordingParts {
  readonly member: EnsembleMember
  readonly process: number
  readonly clock: () => number
  readonly nextNumber: () => number
  readonly onEvent: (event: HistoryEvent) => void
  readonly onUnexpected: (error: unknown, event: HistoryEvent) => void
}

/** What the clients in one process do and see, from its start to its end. */
export class Recording {
  readonly process: number
  readonly id: MemberId
  readonly #parts: RecordingParts
  #ended = false

  constructor(parts: RecordingParts) {
    this.#parts = parts
    this.process = parts.process
    this.id = parts.member.id
  }

  get zxidApplied(): Zxid {
    return this.#parts.member.local.zxid as Zxid
  }

  /** Names a call or a watch. */
  nextNumber(): number {
    return this.#parts.nextNumber()
  }

  /** What a dead process might still be thought to see, nobody sees. */
  add(session: SessionId, happened: Happened): HistoryEvent | null {
    if (this.#ended) return null
    const { clock, onEvent } = this.#parts
    const event = { at: clock(), member: this.id, process: this.process, session, ...happened } as HistoryEvent
    onEvent(event)
    return event
  }

  answered(session: SessionId, call: number, answer: Extract<Result, { kind: 'answered' }>['answer']): void {
    const { zxidApplied } = this
    this.add(session, { kind: 'return', call, result: { kind: 'answered', answer }, zxidApplied })
  }

  rejected(session: SessionId, call: number, error: unknown, signal: AbortSignal | undefined): void {
    const { zxidApplied } = this
    const result = resultOf(error, signal)
    const event = this.add(session, { kind: 'return', call, result: result ?? unexpected(error), zxidApplied })
    if (result === null && event !== null) this.#parts.onUnexpected(error, event)
  }

  told(session: SessionId, watch: number, event: WatchEvent): void {
    this.add(session, { kind: 'told', watch, event: toldOf(event) })
  }

  end(): void {
    this.add(0 as SessionId, { kind: 'ended' })
    this.#ended = true
  }
}

/** Null for what no call may end with. */
function resultOf(error: unknown, signal: AbortSignal | undefined): Result | null {
  if (signal?.aborted === true && error === signal.reason) return { kind: 'failed', code: ABORTED, outcome: 'unknown' }
  if (!isZooKeeperError(error)) return null
  const { code, outcome, path = null, zxid, results = null } = error
  if (zxid === undefined) return { kind: 'failed', code, outcome }
  return { kind: 'refused', code: code as ErrorCode, path, zxid, results: results as readonly OperationCode[] | null }
}

function unexpected(error: unknown): Result {
  return { kind: 'failed', code: error instanceof Error ? error.name : typeof error, outcome: 'unknown' }
}

function toldOf(event: WatchEvent): ToldEvent {
  const { type, path, zxid } = event
  return { type, path, zxid, paths: event.type === 'reset' ? event.paths : null }
}
