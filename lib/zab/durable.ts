import type { Epoch, Zxid } from '../base/index.js'
import type { Batch } from './batch.js'
import type { LogSummary } from './log-summary.js'

/**
 * Whether a member may be counted. `withheld` from the moment that a blank or damaged store has been brought up to date until the leader has
 * confirmed itself with a quorum that does not count this member: until then it may have acknowledged, or promised, what it no longer knows.
 */
export type VoteState = 'held' | 'withheld'

/** What a snapshot consists of. */
export interface SnapshotManifest {
  /** The snapshot is the state after exactly this txn. */
  readonly zxid: Zxid
  readonly chunkCount: number
  /** Bytes of all chunks together. */
  readonly bytes: number
  /** The state's digest at `zxid`; opaque here. */
  readonly digest: string
}

/** What the protocol finds on its disk when it starts. */
export interface DurableState {
  /** Minted when the ensemble was founded; null in a store that has never belonged to one. */
  readonly ensembleId: string | null
  readonly acceptedEpoch: Epoch
  readonly currentEpoch: Epoch
  readonly vote: VoteState
  readonly log: LogSummary
  /** A lower bound of what is committed. */
  readonly zxidCommitted: Zxid
  /** Part of what was there cannot be proven whole: the member has no vote, and what it has is only replaced as a whole. */
  readonly damaged: boolean
}

/** One change to the disk, atomic and synced. What each means for the store is written at the storage contract. */
export type DurableChange =
  | { readonly kind: 'append'; readonly batch: Batch; readonly zxidCommitted: Zxid }
  | { readonly kind: 'truncate'; readonly zxid: Zxid }
  | { readonly kind: 'acceptEpoch'; readonly epoch: Epoch; readonly ensembleId: string | null }
  | { readonly kind: 'adoptEpoch'; readonly epoch: Epoch; readonly ensembleId: string; readonly vote: VoteState }
  | { readonly kind: 'admit' }
  | { readonly kind: 'beginReplacement'; readonly snapshot: SnapshotManifest | null }
  | { readonly kind: 'stageChunk'; readonly index: number; readonly bytes: Uint8Array }
  | { readonly kind: 'abandonReplacement' }
  /** Goes on from what can be proven of a damaged history. Only when the operator accepts the loss. */
  | { readonly kind: 'acceptDamage' }
