const KIB = 1024
const MIB = 1024 * KIB

/**
 * Every bound in one place: what it limits, why it is that large, and what happens at it.
 * Bounds that a user may set are options of `createEnsembleMember`; these are the fixed ones.
 */
export const LIMITS = {
  /** Largest frame on a peer link: a full batch plus its envelope. Larger: the link is closed before anything is allocated. */
  frameBytesMax: 8 * MIB,
  /** Largest frame before a peer has proven who it is. Larger: the link is closed. */
  handshakeBytesMax: 4 * KIB,
  /** A connection that has not finished its handshake by then is closed. */
  handshakeMilliseconds: 5_000,
  /** Connections in handshake at one time. More: the newest is refused. */
  handshakesMax: 64,
  /** Unsent bytes to one peer. More: the link is cut and the peer synchronizes again from the log. */
  linkQueueBytesMax: 64 * MIB,
  /** Unsent bytes above which a synchronization stream pauses. */
  linkQueueBytesHigh: 1 * MIB,
  /** Bytes of txns in one batch: what one frame carries and one log write may merge. More: a further batch is opened. */
  batchBytesMax: 1 * MIB,
  /** Txns in one batch: bounds the time to prepare or apply one. */
  batchTxnsMax: 4_096,
  /** Bytes of one log record (several batches in one synced write). More: a further record is written. */
  recordBytesMax: 4 * MIB,
  /** Bytes of one request and so of the txn it becomes. A larger multi is refused with BAD_ARGUMENTS before it is sent. */
  requestBytesMax: 4 * MIB,
  /** Bytes of one snapshot chunk; a znode that is larger by itself has a chunk of its own. */
  snapshotChunkBytesMax: 256 * KIB,
  /** Recent batches that the leader keeps in memory so that a learner that blinked needs no disk read. */
  tailBytesMax: 4 * MIB,
  /** Epoch ends that a learner reports, newest first; a learner whose history meets the leader's before those takes a snapshot. */
  epochEndsMax: 128,
  /** Proposals of one epoch: as many as 32 bits can number. More: the leader hands over, and the next epoch counts from 1 again. */
  epochTxnsMax: 2 ** 32 - 1,
  /** How far beyond our own accepted epoch a peer's may be. Further: the peer is refused, it could exhaust the epochs. */
  epochJumpMax: 2 ** 16,
  /** Length of a path in bytes of UTF-8. Longer: BAD_ARGUMENTS. */
  pathBytesMax: 1_024,
  /** Nesting of a decoded message. Deeper: BAD_FRAME. */
  messageDepthMax: 8,
  /** Array elements of one decoded message, all depths together: 8 MiB of empty arrays would become 200 MB of heap. More: BAD_FRAME. */
  messageElementsMax: 2 ** 20,
  /** Operations in one multi. More: BAD_ARGUMENTS. */
  multiOpsMax: 1_000,
  /**
   * Bytes of the paths of all ephemerals that one session owns. The txn that closes it lists them, and must stay readable under the bounds
   * above (ZOOKEEPER-4306). More: the create is refused with BAD_ARGUMENTS.
   */
  sessionEphemeralBytesMax: 2 * MIB,
  /** How long apply, replay, load and snapshot may work before they let the application's event loop turn. */
  sliceMilliseconds: 4
} as const
