import type { Epoch, MemberId, Zxid } from '../base/index.js'
import type { StorageChange, StoredState } from '../storage/index.js'
import type { QuotaLimits, QuotaUsage } from '../tree/index.js'
import type { PeerMessage } from '../wire/index.js'
import type { RoleName } from '../zab/index.js'

/** Names one life of a member: 1 for its first process in this run. */
export type ProcessNumber = number

interface Of {
  /** Virtual milliseconds. */
  readonly at: number
  readonly member: MemberId
  readonly process: ProcessNumber
}

/**
 * What can be seen of a member from outside: what it reads and writes, sends and receives, and shows. Told synchronously, in the order in
 * which it happens, at the seams between the member and its surroundings.
 */
export type Observation = Of &
  (
    | { readonly kind: 'started' }
    /** Its store has been opened, for the first time in this process or again after a failure, and this was found. */
    | { readonly kind: 'opened'; readonly state: StoredState; readonly again: boolean }
    /** Handed to the store. `write` numbers the writes of a process from 1. */
    | { readonly kind: 'write'; readonly write: number; readonly change: StorageChange }
    /** The store has said that this write, and with it every earlier one, is on disk. */
    | { readonly kind: 'written'; readonly write: number }
    /** The store has refused this write; what became of it is unknown until the store is opened again. */
    | { readonly kind: 'writeFailed'; readonly write: number }
    /** The member's own snapshot is complete: its log may begin at `zxidBase` from here on. */
    | { readonly kind: 'purged'; readonly zxidBase: Zxid }
    | { readonly kind: 'sent'; readonly to: MemberId; readonly message: PeerMessage }
    | { readonly kind: 'received'; readonly from: MemberId; readonly message: PeerMessage }
    | { readonly kind: 'role'; readonly role: RoleName | 'closed'; readonly leader: MemberId | null; readonly epoch: Epoch }
    | { readonly kind: 'serving'; readonly leader: MemberId; readonly epoch: Epoch }
    /** What the member shows has moved: everything up to `zxid` is applied, and the state has this digest. */
    | { readonly kind: 'applied'; readonly zxid: Zxid; readonly digest: string }
    /** It has told its application that a subtree has come to hold more than a soft limit of its quota allows. */
    | { readonly kind: 'quotaExceeded'; readonly path: string; readonly limits: QuotaLimits; readonly usage: QuotaUsage }
    /** The process is gone: killed, or closed in order. */
    | { readonly kind: 'ended' }
    /** The disk was replaced by an empty one, or by an older image of itself, or bits of it were changed: what it had vouched for may be gone. */
    | { readonly kind: 'diskLost'; readonly how: 'wiped' | 'backup' | 'damaged' }
  )

export type ObservationOf<Kind extends Observation['kind']> = Extract<Observation, { kind: Kind }>
