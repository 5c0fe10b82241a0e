import type { Epoch, MemberId, Zxid } from '../base/index.js'
import type { Batch } from './batch.js'
import type { SnapshotManifest, VoteState } from './durable.js'
import type { LogSummary } from './log-summary.js'
import type { History, Standing, Vote } from './vote.js'

/** Election: what a member thinks at present. Sent at every change, when a link comes up, to whoever is looking, and each tick while looking. */
export interface Notification {
  readonly kind: 'notification'
  /** The election round (logical clock) that the vote belongs to. */
  readonly round: number
  readonly state: 'looking' | 'following' | 'leading'
  /** Null while the sender has nobody to propose: it has no vote and has heard of none. */
  readonly vote: Vote | null
  /** The sender's own durable history, whoever it votes for. */
  readonly history: History
  readonly standing: Standing
  readonly acceptedEpoch: Epoch
  /** The epoch that the sender leads or follows in, 0 while it has none. */
  readonly epoch: Epoch
  /** The sender's operator has said `onLostQuorum: 'salvage'`. */
  readonly salvage: boolean
}

/** Everything that members say to each other. The names are ZooKeeper's; the table in README.md says who may say what when. */
export type ZabMessage =
  | Notification
  // Discovery (Zab paper, phase 1).
  | { readonly kind: 'followerInfo'; readonly acceptedEpoch: Epoch; readonly standing: Standing }
  | { readonly kind: 'leaderInfo'; readonly epoch: Epoch; readonly ensembleId: string; readonly founding: boolean }
  | {
      readonly kind: 'ackEpoch'
      readonly epoch: Epoch
      /** False when this epoch had been promised before: then it does not count as a second promise. */
      readonly promised: boolean
      readonly currentEpoch: Epoch
      readonly standing: Standing
      readonly log: LogSummary
      /** The sender's history must be replaced as a whole: it cannot prove what it has. */
      readonly replace: boolean
    }
  // Synchronization (phase 2), leader to learner, in this order.
  | { readonly kind: 'truncate'; readonly epoch: Epoch; readonly zxid: Zxid }
  | { readonly kind: 'replace'; readonly epoch: Epoch; readonly snapshot: SnapshotManifest | null }
  | { readonly kind: 'snapshotChunk'; readonly epoch: Epoch; readonly index: number; readonly bytes: Uint8Array }
  | { readonly kind: 'history'; readonly epoch: Epoch; readonly batch: Batch }
  | {
      readonly kind: 'newLeader'
      readonly epoch: Epoch
      readonly zxid: Zxid
      readonly ensembleId: string
      readonly vote: VoteState
    }
  | { readonly kind: 'ackNewLeader'; readonly epoch: Epoch; readonly zxid: Zxid }
  | { readonly kind: 'upToDate'; readonly epoch: Epoch; readonly zxidCommitted: Zxid }
  | { readonly kind: 'admit'; readonly epoch: Epoch }
  | { readonly kind: 'admitted'; readonly epoch: Epoch }
  // Broadcast (phase 3).
  | { readonly kind: 'proposal'; readonly epoch: Epoch; readonly batch: Batch; readonly zxidCommitted: Zxid }
  | { readonly kind: 'ack'; readonly epoch: Epoch; readonly zxid: Zxid }
  | { readonly kind: 'commit'; readonly epoch: Epoch; readonly zxid: Zxid }
  | { readonly kind: 'ping'; readonly epoch: Epoch; readonly sequence: number; readonly zxidCommitted: Zxid }
  /** `payload` is the member's own (which sessions are alive); the protocol only carries it. */
  | {
      readonly kind: 'pong'
      readonly epoch: Epoch
      readonly sequence: number
      readonly zxidDurable: Zxid
      readonly payload: Uint8Array
    }
  | { readonly kind: 'abdicate'; readonly epoch: Epoch }

export type ZabMessageOf<Kind extends ZabMessage['kind']> = Extract<ZabMessage, { kind: Kind }>

/** What only a leader says to its learners, and only in its epoch. */
export type LeaderMessage = ZabMessageOf<
  | 'truncate'
  | 'replace'
  | 'snapshotChunk'
  | 'history'
  | 'newLeader'
  | 'upToDate'
  | 'admit'
  | 'proposal'
  | 'commit'
  | 'ping'
  | 'abdicate'
>

/** What only a learner says to its leader, and only in the leader's epoch. */
export type LearnerMessage = ZabMessageOf<'ackEpoch' | 'ackNewLeader' | 'admitted' | 'ack' | 'pong'>

export interface Outgoing {
  readonly to: MemberId
  readonly message: ZabMessage
}
