import type { Epoch, MemberId, Random, Zxid } from '../base/index.js'
import type { Batch, DurableChange, LogSummary, SnapshotManifest, VoteState } from '../zab/index.js'

export type { SnapshotManifest, VoteState } from '../zab/index.js'

/** Who the data belongs to. Written when the store is made, checked at every open and in every handshake. */
export interface StoreIdentity {
  readonly ensembleName: string
  readonly memberId: MemberId
  /** Names this very store: 32 hexadecimal digits made with it. A wiped member comes back with another one. */
  readonly incarnation: string
}

/** What cannot be proven whole. Nothing of it is deleted before a peer has replaced it. */
export interface Damage {
  /** For people: what was found where. */
  readonly description: string
  /** Everything up to here, counted from a whole snapshot or from zero, is proven. */
  readonly zxidProven: Zxid
}

/** What the store holds, as found (and verified record by record) at the last open, kept up to date by every completed write. */
export interface StoredState {
  readonly identity: StoreIdentity
  /** How often this store has been opened, this time included; tells two runs of one member apart. */
  readonly run: number
  /** Minted when the ensemble was founded; null in a store that has never belonged to one. */
  readonly ensembleId: string | null
  readonly acceptedEpoch: Epoch
  readonly currentEpoch: Epoch
  readonly vote: VoteState
  readonly log: LogSummary
  /** Whole snapshots, ascending by zxid. */
  readonly snapshots: readonly SnapshotManifest[]
  /** The highest zxid that was known to be committed when the last record was written. A lower bound, safe to apply at once. */
  readonly zxidCommitted: Zxid
  readonly damage: Damage | null
}

/**
 * One change; the protocol's own type, its kinds are described there. Each is atomic and synced before its promise resolves, changes become
 * durable in the order of the calls, and changes that wait while another is being written go to disk together with it in one atomic synced
 * batch, adjoining appends as one record.
 */
export type StorageChange = DurableChange

/** Writes one snapshot of the member's own state beside its log. One at a time. */
export interface SnapshotWriter {
  /** Adds the next chunk; resolves once it is written (not yet synced). At most one call at a time. */
  chunk(bytes: Uint8Array): Promise<void>
  /** Syncs, writes the manifest, then removes what retention no longer keeps; resolves to the new base of the log. */
  finish(digest: string): Promise<Zxid>
  /** Removes what has been written of it. */
  abandon(): Promise<void>
}

/**
 * Where a member keeps what must survive it: log, epochs, snapshots.
 *
 * After the first failed write every call rejects with `STORAGE_FAILED` until {@link reopen} has verified the store again; a failed sync is
 * never tried again. At most one write is in the hands of the operating system at any time.
 */
export interface Storage {
  readonly state: StoredState
  /** Whether a crash of the process leaves the data: false for the memory store. */
  readonly durable: boolean
  /** Log records that this process has written, each with one sync, and the txns in them: their ratio is what group commit saves. */
  readonly appended: { readonly records: number; readonly txns: number }
  write(change: StorageChange): Promise<void>
  /**
   * Contiguous batches behind `after`, each verified, at least one and about `bytesMax` bytes; empty at the end of the log. Only durable
   * records. Rejects with `LOG_CORRUPTED` where the log does not reach back to `after` or a record is not whole.
   */
  readLog(after: Zxid, bytesMax: number): Promise<readonly Batch[]>
  /** One verified chunk of a snapshot that `state.snapshots` lists. Rejects with `LOG_CORRUPTED` when it is not whole. */
  readSnapshotChunk(zxid: Zxid, index: number): Promise<Uint8Array>
  /** Begins a snapshot of the state at `zxid`. */
  beginSnapshot(zxid: Zxid): SnapshotWriter
  /** Closes, opens and verifies again after a failure; resolves to what was found. */
  reopen(): Promise<StoredState>
  /** Waits for what is being written, refuses what is not, releases everything. Idempotent. */
  close(): Promise<void>
}

/** What a store is opened with. */
export interface StorageOptions {
  readonly ensembleName: string
  readonly memberId: MemberId
  /** Snapshots kept; at least 1. The empty state that a history begins with counts as one. */
  readonly snapRetainCount: number
  /** Where a new store's incarnation comes from; the process's own generator unless the simulator hands in a seeded one. */
  readonly random?: Random
}
