import type { EventEmitter } from 'node:events'
import type { Epoch, MemberId } from '../base/index.js'
import type { QuotaLimits, QuotaUsage } from '../tree/index.js'
import type { RoleName } from '../zab/index.js'
import type { MemberStatus } from './status.js'
import type { LocalTree, ZooKeeper } from './zookeeper.js'

/** What keeps a member from serving, or what it is doing about it. */
export type MemberProgress =
  /** `status().waiting` in words, whenever it changes. */
  | { readonly kind: 'waiting'; readonly reason: string; readonly missing: readonly MemberId[] }
  | { readonly kind: 'serving'; readonly leader: MemberId; readonly epoch: Epoch }
  | { readonly kind: 'refused'; readonly code: string; readonly peer: MemberId | null; readonly reason: string }
  | { readonly kind: 'storageFailed'; readonly reason: string }
  | { readonly kind: 'storageRecovered' }
  /** A subtree has come to hold more than a soft limit of its quota allows: told once, until it holds less again. */
  | { readonly kind: 'quotaExceeded'; readonly path: string; readonly limits: QuotaLimits; readonly usage: QuotaUsage }

/** Options of `EnsembleMember.openSession`. */
export interface SessionOptions {
  /** Milliseconds, brought within the leader's bounds; the member's `sessionTimeout` by default. */
  readonly timeout?: number
  /**
   * Takes over this session instead of opening a new one, with its ephemerals, from whatever process it lives in; given together with its
   * `sessionPassword`. What its former handle asks for from then on is refused with `SESSION_MOVED`. Watches and identities do not move.
   * `SESSION_EXPIRED` when there is no such session or the password is not its.
   */
  readonly sessionId?: number
  readonly sessionPassword?: Uint8Array
}

/** The events of a member and what their listeners are called with. Throwing listeners are reported as uncaught exceptions. */
export interface MemberEvents {
  role: [role: RoleName | 'closed', leader: MemberId | null]
  leader: [leader: MemberId | null]
  /** The member has a (new) session of its own; handles of the former one stay expired. */
  session: [session: ZooKeeper]
  progress: [progress: MemberProgress]
  /** The event loop stood still for so many milliseconds, at least a tick. */
  stall: [milliseconds: number]
  /** Fatal: the member has stopped. Without a listener it is only told by `status()` and by every call's error. */
  error: [error: Error]
}

/**
 * A member of the ensemble, and the session that every member has. The {@link ZooKeeper} part speaks for the current session: when that
 * expires, a new one takes its place as soon as the member serves again.
 */
export interface EnsembleMember extends ZooKeeper, AsyncDisposable {
  readonly id: MemberId
  readonly role: RoleName | 'closed'
  /** Null while there is none that this member knows of. */
  readonly leader: MemberId | null
  readonly epoch: Epoch
  /** Synchronous reads of what this member has applied. */
  readonly local: LocalTree
  readonly events: EventEmitter<{ [Name in keyof MemberEvents]: MemberEvents[Name] }>
  status(): MemberStatus
  /** A further session in this process. Rejects with `OPERATION_TIMEOUT` when there is no leader within `requestTimeout`. */
  openSession(options?: SessionOptions): Promise<ZooKeeper>
  /**
   * Ends a session wherever it lives, also one whose process does not answer: an administrative call. Resolves once the session can do nothing
   * more; its ephemerals go with it (of more than 2 000, the rest directly afterwards). `SESSION_EXPIRED` when there is no such session.
   */
  closeSession(sessionId: number): Promise<void>
  on<Name extends keyof MemberEvents>(event: Name, listener: (...args: MemberEvents[Name]) => void): this
  off<Name extends keyof MemberEvents>(event: Name, listener: (...args: MemberEvents[Name]) => void): this
  once<Name extends keyof MemberEvents>(event: Name, listener: (...args: MemberEvents[Name]) => void): this
  /**
   * Closes its sessions, hands leadership over if it leads, and releases everything: no timer, socket or lock is left. Idempotent; what is
   * still outstanding after a few seconds is given up.
   */
  close(): Promise<void>
}
