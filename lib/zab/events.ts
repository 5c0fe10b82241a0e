import type { Epoch, MemberId, Zxid } from '../base/index.js'
import type { Batch } from './batch.js'
import type { DurableChange } from './durable.js'
import type { Outgoing, ZabMessage } from './messages.js'

/** What happens to a peer. It is stepped with one event at a time and answers with effects; it never waits. */
export type ZabEvent =
  | { readonly kind: 'start' }
  | { readonly kind: 'tick' }
  /** A link to another member is up; whatever was said on an earlier one will not arrive any more. */
  | { readonly kind: 'linkUp'; readonly peer: MemberId }
  | { readonly kind: 'linkDown'; readonly peer: MemberId }
  | { readonly kind: 'received'; readonly from: MemberId; readonly message: ZabMessage }
  /** The write of that effect, and with it every earlier one, is on disk. */
  | { readonly kind: 'written'; readonly write: number }
  /** Leader only, while serving: the next proposals, numbered from `zxidNext`. */
  | { readonly kind: 'propose'; readonly batch: Batch }
  /** The log reaches this far back now. */
  | { readonly kind: 'purged'; readonly zxidBase: Zxid }
  /** A stream effect has sent everything up to `through`. */
  | { readonly kind: 'streamed'; readonly to: MemberId; readonly stream: number; readonly through: Zxid }
  /** Leader only: prove with a quorum, from now on, that it still leads; answered by a `confirmed` effect. */
  | { readonly kind: 'confirm'; readonly confirmation: number }
  /** Leader only: let the ensemble elect anew at once (a new epoch is needed, or this member is about to close). */
  | { readonly kind: 'abdicate'; readonly reason: string }

/** What a stream to a learner begins with. */
export type StreamFrom =
  /** A replacement: the newest snapshot if there is one, then the log behind it. */
  | { readonly kind: 'replacement' }
  /** The log behind a zxid. */
  | { readonly kind: 'log'; readonly after: Zxid }

/** What a peer wants done. To be carried out in order. */
export type ZabEffect =
  | ({ readonly kind: 'send' } & Outgoing)
  /**
   * Put a change on disk, in the order of the effects. `thenSend` vouches for it and leaves only once it is durable, and only while
   * `tenure` is still the peer's: what is late from a former role says nothing any more. Then the peer is stepped with `written`.
   */
  | {
      readonly kind: 'write'
      readonly write: number
      readonly tenure: number
      readonly change: DurableChange
      readonly thenSend: readonly Outgoing[]
    }
  /** Everything up to `through` is committed and durable here: apply it. Only ever grows. */
  | { readonly kind: 'deliver'; readonly through: Zxid }
  /** A replacement has taken the place of log and snapshots: load the state anew before anything further is delivered. */
  | { readonly kind: 'replaced'; readonly zxidBase: Zxid }
  /** Answer a ping with the member's own payload. */
  | { readonly kind: 'pong'; readonly to: MemberId; readonly epoch: Epoch; readonly sequence: number; readonly zxidDurable: Zxid }
  /** A learner's pong brought this. */
  | { readonly kind: 'learnerAlive'; readonly learner: MemberId; readonly payload: Uint8Array }
  /** Send stored history to a learner (messages `replace`, `snapshotChunk`, `history` of that epoch), then say `streamed`. */
  | {
      readonly kind: 'stream'
      readonly to: MemberId
      readonly epoch: Epoch
      readonly stream: number
      readonly from: StreamFrom
    }
  | { readonly kind: 'cancelStream'; readonly to: MemberId; readonly stream: number }
  /** The role has changed. While looking, and until `serving`, nothing may be proposed or answered. */
  | { readonly kind: 'role'; readonly role: RoleName; readonly leader: MemberId | null; readonly reason: string }
  /**
   * The member may serve in this epoch once it has applied everything up to `zxidHistory`: the whole history that the epoch begins with
   * (or that a learner has joined with). What is not in it never will be, unless it is sent again.
   */
  | { readonly kind: 'serving'; readonly leader: MemberId; readonly epoch: Epoch; readonly zxidHistory: Zxid }
  /** The leader has led at some moment after the `confirm` event, and everything committed before it is at or below `zxid`. */
  | { readonly kind: 'confirmed'; readonly confirmation: number; readonly zxid: Zxid }
  | { readonly kind: 'ensemble'; readonly ensembleId: string }
  | { readonly kind: 'disconnect'; readonly peer: MemberId; readonly reason: string }
  /** The member can never go on. */
  | { readonly kind: 'fatal'; readonly code: 'EPOCH_EXHAUSTED'; readonly reason: string }

export type RoleName = 'looking' | 'following' | 'leading'
