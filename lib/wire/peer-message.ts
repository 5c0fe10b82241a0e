import type { Epoch, Zxid } from '../base/index.js'
import type { ZabMessage } from '../zab/index.js'

/** What members say to each other above the protocol. Every message names the epoch that it was meant for, and is dropped in any other. */
export type MemberMessage =
  /** A learner's requests for its leader, in the order their sessions issued them: a group as the request codec writes it. */
  | { readonly kind: 'requests'; readonly epoch: Epoch; readonly group: Uint8Array }
  /** Asks the leader to prove that it leads, for a linearizable read or a sync. */
  | { readonly kind: 'readIndex'; readonly epoch: Epoch; readonly query: number }
  /** Everything that was committed when the question was asked lies at or below `zxid`. */
  | { readonly kind: 'readIndexReply'; readonly epoch: Epoch; readonly query: number; readonly zxid: Zxid }

/** One frame of a peer link. */
export type PeerMessage = ZabMessage | MemberMessage
