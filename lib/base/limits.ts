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
  /** Names in a path. Each create and delete goes up all of them. Deeper: BAD_ARGUMENTS. */
  pathDepthMax: 128,
  /** Entries of one ACL, and the bytes of their schemes and ids: an ACL stands in every txn that sets one. More: INVALID_ACL. */
  aclEntriesMax: 64,
  aclBytesMax: 4 * KIB,
  /** Identities of one session, and the bytes of their schemes and ids: they go with each of its requests. More: AUTH_FAILED. */
  authIdsMax: 16,
  authBytesMax: 4 * KIB,
  /** Children of one znode: listing them is one turn of the event loop. More: LIMIT_EXCEEDED. Option `limits.children`. */
  childrenMax: 100_000,
  /** Ephemerals of one session: what its end deletes. More: LIMIT_EXCEEDED. Option `limits.ephemerals`. */
  sessionEphemeralsMax: 200_000,
  /** Ephemerals that one txn of a session's end deletes, applied in one turn. A session that owns more is ended in several. */
  closePathsMax: 2_000,
  /** Bytes of the paths that one txn lists, of ephemerals that end or of a subtree that is deleted: it must stay readable (ZOOKEEPER-4306). */
  listedPathBytesMax: 1 * MIB,
  /** Znodes of one recursive delete, which is one txn applied in one turn; also bounded by the bytes above. More: LIMIT_EXCEEDED. */
  deletedMax: 5_000,
  /** Sessions that live in one member. More: LIMIT_EXCEEDED. Option `limits.sessions`. */
  sessionsMax: 10_000,
  /** Watches set in one member. More: LIMIT_EXCEEDED. Option `limits.watches`. */
  watchesMax: 1_000_000,
  /** Events that an iteration over a watch may fall behind by: unless `buffer` says otherwise, and at most. More: counted and left out. */
  watchBuffer: 10_000,
  watchBufferMax: 1_000_000,
  /** Changed paths that the `reset` event of a watch names, and znodes looked at to find them. More: `paths` is null. */
  resetPathsMax: 1_000,
  resetZnodesMax: 10_000,
  /** Containers and TTL znodes that a leader looks at, and removes, in one tick. The rest waits for the next ones. */
  reapLookedAtMax: 2_000,
  reapedMax: 200,
  /** How long apply, replay, load and snapshot may work before they let the application's event loop turn. */
  sliceMilliseconds: 4
} as const
