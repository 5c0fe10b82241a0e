import type { ErrorCode, MemberId, SessionId, Zxid } from '../base/index.js'
import type { Acl, AuthId, OperationCode, Stat } from '../tree/index.js'
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
      /** As the library keeps it: 0 for neither, -1 for a container, otherwise milliseconds. */
      readonly lifetime: number
      /** As it is kept, with `auth` resolved; null: open to all. */
      readonly acl: Acl | null
      readonly parents: boolean
      readonly ifAbsent: boolean
    }
  | {
      readonly kind: 'delete'
      readonly path: string
      readonly version: number
      readonly recursive: boolean
      readonly ifExists: boolean
    }
  | { readonly kind: 'setData'; readonly path: string; readonly data: string | null; readonly version: number }
  | { readonly kind: 'check'; readonly path: string; readonly version: number }

export type WriteCall =
  | Exclude<SingleCall, { kind: 'check' }>
  | { readonly kind: 'multi'; readonly operations: readonly SingleCall[] }
  | { readonly kind: 'setACL'; readonly path: string; readonly acl: Acl | null; readonly version: number }
  | { readonly kind: 'touch'; readonly path: string }

/** One of several reads of the same state. */
export type SingleRead =
  | { readonly kind: 'exists' | 'getData'; readonly path: string }
  | { readonly kind: 'getChildren'; readonly path: string; readonly after: string | null; readonly limit: number | null }

export type ReadCall = (SingleRead | { readonly kind: 'getACL' | 'getAllChildrenNumber'; readonly path: string }) & {
  readonly linearizable: boolean
  /** The one-shot watch that the read sets if it succeeds, by its number; null without one. */
  readonly watch: number | null
}

/** What a client asks for. */
export type Call =
  | WriteCall
  | ReadCall
  | { readonly kind: 'multiRead'; readonly reads: readonly SingleRead[]; readonly linearizable: boolean }
  | { readonly kind: 'getEphemerals'; readonly prefix: string }
  | { readonly kind: 'sync' }
  /** The caller has no session yet: `session` of its event is 0. */
  | { readonly kind: 'openSession'; readonly timeout: number }
  /** Nor has this one: it asks for somebody else's, with its password. */
  | { readonly kind: 'takeOverSession'; readonly target: SessionId; readonly timeout: number }
  /** Asked of a member, outside any session. */
  | { readonly kind: 'terminateSession'; readonly target: SessionId }
  | { readonly kind: 'closeSession' }

/** What a call of that kind was answered with. */
export type Answer =
  /** `created` is false where it was there already, and that was no refusal. */
  | { readonly kind: 'create'; readonly path: string; readonly stat: Stat; readonly created: boolean }
  | { readonly kind: 'delete' }
  | { readonly kind: 'check' }
  | { readonly kind: 'setData' | 'setACL' | 'touch'; readonly stat: Stat }
  | { readonly kind: 'multi'; readonly results: readonly Exclude<Answer, { kind: 'multi' }>[] }
  | { readonly kind: 'exists'; readonly stat: Stat | null }
  | { readonly kind: 'getData'; readonly data: string | null; readonly stat: Stat }
  | { readonly kind: 'getChildren'; readonly children: readonly string[]; readonly stat: Stat }
  /** As it was shown: masked for those who may not see it whole. */
  | { readonly kind: 'getACL'; readonly acl: Acl; readonly stat: Stat }
  | { readonly kind: 'getAllChildrenNumber'; readonly count: number }
  | { readonly kind: 'multiRead'; readonly results: readonly SingleReadAnswer[] }
  | { readonly kind: 'getEphemerals'; readonly paths: readonly string[] }
  | { readonly kind: 'sync'; readonly zxid: number }
  | { readonly kind: 'openSession' | 'takeOverSession'; readonly session: SessionId; readonly timeout: number }
  | { readonly kind: 'terminateSession' }
  | { readonly kind: 'closeSession' }

export type SingleReadAnswer =
  | Extract<Answer, { kind: 'exists' | 'getData' | 'getChildren' }>
  | { readonly kind: 'error'; readonly code: ErrorCode }

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
  /** Of a `reset`: the watched paths that have changed, sorted; null where that was too much to find out, and of everything else. */
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
  /** `auth`: who the session had shown to be; left out where that is nobody. */
  (
    | { readonly kind: 'call'; readonly call: number; readonly what: Call; readonly auth?: readonly AuthId[] }
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
    /** The session has shown who it is: it is `auth` from here on, with everything up to `zxidApplied` behind it. */
    | { readonly kind: 'auth'; readonly auth: readonly AuthId[]; readonly zxidApplied: Zxid }
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
