import type { ErrorCode, MemberId, SessionId, Zxid } from '../base/index.js'
import type { OperationCode, Stat } from '../tree/index.js'
import type { Txn } from '../wire/index.js'

/** One txn of the ensemble's history. */
export interface CommittedTxn {
  readonly zxid: Zxid
  readonly txn: Txn
}

/** Operations on one znode, as the caller gave them. Data are text so that a history can be written down. */
export type SingleCall =
  | {
      readonly kind: 'create'
      readonly path: string
      readonly data: string | null
      readonly ephemeral: boolean
      readonly sequential: boolean
    }
  | { readonly kind: 'delete'; readonly path: string; readonly version: number }
  | { readonly kind: 'setData'; readonly path: string; readonly data: string | null; readonly version: number }
  | { readonly kind: 'check'; readonly path: string; readonly version: number }

export type WriteCall =
  | Exclude<SingleCall, { kind: 'check' }>
  | { readonly kind: 'multi'; readonly operations: readonly SingleCall[] }

export type ReadCall = {
  readonly kind: 'exists' | 'getData' | 'getChildren'
  readonly path: string
  readonly linearizable: boolean
  /** The one-shot watch that the read sets if it succeeds, by its number; null without one. */
  readonly watch: number | null
}

/** What a client asks for. */
export type Call =
  | WriteCall
  | ReadCall
  | { readonly kind: 'getEphemerals' }
  | { readonly kind: 'sync' }
  /** The caller has no session yet: `session` of its event is 0. */
  | { readonly kind: 'openSession'; readonly timeout: number }
  | { readonly kind: 'closeSession' }

/** What a call of that kind was answered with. */
export type Answer =
  | { readonly kind: 'create'; readonly path: string; readonly stat: Stat }
  | { readonly kind: 'delete' }
  | { readonly kind: 'check' }
  | { readonly kind: 'setData'; readonly stat: Stat }
  | { readonly kind: 'multi'; readonly results: readonly Exclude<Answer, { kind: 'multi' }>[] }
  | { readonly kind: 'exists'; readonly stat: Stat | null }
  | { readonly kind: 'getData'; readonly data: string | null; readonly stat: Stat }
  | { readonly kind: 'getChildren'; readonly children: readonly string[]; readonly stat: Stat }
  | { readonly kind: 'getEphemerals'; readonly paths: readonly string[] }
  | { readonly kind: 'sync'; readonly zxid: number }
  | { readonly kind: 'openSession'; readonly session: SessionId; readonly timeout: number }
  | { readonly kind: 'closeSession' }

export type Result =
  | { readonly kind: 'answered'; readonly answer: Answer }
  /** Judged and refused: by the log at `zxid`, or by the tree that was read. */
  | {
      readonly kind: 'refused'
      readonly code: ErrorCode
      readonly path: string | null
      readonly zxid: Zxid | null
      readonly results: readonly OperationCode[] | null
    }
  /** Broken off. `outcome` is what the error says of it. */
  | { readonly kind: 'failed'; readonly code: ErrorCode | string; readonly outcome: 'unknown' | 'not-applied' }

/** What a watch was told. */
export interface ToldEvent {
  readonly type: string
  readonly path: string
  /** Of a `reset`: what the state is then; null where it does not say. */
  readonly zxid: Zxid | null
  /** Of a `reset`: the watched paths that have changed; null otherwise or where it does not say. */
  readonly paths: readonly string[] | null
}

interface At {
  /** Milliseconds on one clock that all events of a history share. */
  readonly at: number
  readonly member: MemberId
  /** Names the process, as in {@link Observation}: sessions do not outlive it. */
  readonly process: number
  /** 0 where there is none. */
  readonly session: SessionId
}

/** Something that a client did or saw. */
export type HistoryEvent = At &
  (
    | { readonly kind: 'call'; readonly call: number; readonly what: Call }
    /** `zxidApplied` is what the member showed when the call returned. Every call returns at most once; one of a process that died does not. */
    | { readonly kind: 'return'; readonly call: number; readonly result: Result; readonly zxidApplied: Zxid }
    /** A persistent (or recursive) watch is set, with everything up to `zxidApplied` behind it. */
    | {
        readonly kind: 'watch'
        readonly watch: number
        readonly path: string
        readonly recursive: boolean
        readonly zxidApplied: Zxid
      }
    /** A persistent watch was disposed of by its owner. */
    | { readonly kind: 'unwatch'; readonly watch: number }
    | { readonly kind: 'told'; readonly watch: number; readonly event: ToldEvent }
    /** The client was told that its session is `state`. */
    | { readonly kind: 'state'; readonly state: string }
    /** The process died or was closed: its sessions live on in the log until they expire, and nothing is returned or told any more. */
    | { readonly kind: 'ended' }
  )

export type HistoryEventOf<Kind extends HistoryEvent['kind']> = Extract<HistoryEvent, { kind: Kind }>

/**
 * What clients did and saw, in an order that respects real time: of two events the earlier happened first, or neither of them could have
 * known of the other. What one process did and saw is in the order in which it did and saw it.
 */
export type History = readonly HistoryEvent[]
