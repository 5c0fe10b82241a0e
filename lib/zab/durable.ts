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

/** One change to the disk, atomic and synced. Changes become durable in the order in which they are asked for. */
export type DurableChange =
  /** Appends proposals. The batch follows the last zxid of the log (of the replacement, while one is staged). */
  | { readonly kind: 'append'; readonly batch: Batch; readonly zxidCommitted: Zxid }
  /** Removes every record, part of a record and snapshot behind `zxid`. */
  | { readonly kind: 'truncate'; readonly zxid: Zxid }
  /** The promise of discovery: never to take part in a lower epoch. `ensembleId` only when an ensemble is being founded. */
  | { readonly kind: 'acceptEpoch'; readonly epoch: Epoch; readonly ensembleId: string | null }
  /** The end of synchronization. A staged replacement takes the place of log and snapshots in the same atomic batch. */
  | { readonly kind: 'adoptEpoch'; readonly epoch: Epoch; readonly ensembleId: string; readonly vote: VoteState }
  /** The vote is held again. */
  | { readonly kind: 'admit' }
  /**
   * From here on appends and chunks build a replacement beside the present log and snapshots, until `adoptEpoch` puts it in their place or
   * `abandonReplacement` (or a new start) drops it. The replacement begins behind the snapshot's zxid, or behind zero without one.
   */
  | { readonly kind: 'beginReplacement'; readonly snapshot: SnapshotManifest | null }
  /** The next chunk of the replacement's snapshot, in order. */
  | { readonly kind: 'stageChunk'; readonly index: number; readonly bytes: Uint8Array }
  | { readonly kind: 'abandonReplacement' }
  /** Goes on from what can be proven of a damaged history, and removes the rest. Only when the operator accepts the loss. */
  | { readonly kind: 'acceptDamage' }
