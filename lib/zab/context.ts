import type { MemberId, Random, Zxid } from '../base/index.js'
import type { DurableChange, DurableState } from './durable.js'
import type { ZabEffect } from './events.js'
import { Journal } from './journal.js'
import type { Notification, Outgoing, ZabMessage } from './messages.js'
import type { QuorumVerifier } from './quorum.js'
import type { Vote } from './vote.js'

export interface PeerOptions {
  readonly id: MemberId
  readonly quorum: QuorumVerifier
  /** Ticks without progress that joining may take. */
  readonly initLimit: number
  /** Ticks of silence between a leader and a learner in service. */
  readonly syncLimit: number
  /** `onLostQuorum: 'salvage'`. */
  readonly salvage: boolean
  readonly random: Random
}

/** What the roles of a peer share, and the effects of the step under way. */
export class PeerContext {
  readonly options: PeerOptions
  readonly journal: Journal
  /** Members that a link is up to. */
  readonly connected = new Set<MemberId>()
  /** The last notification of every connected member. */
  readonly notified = new Map<MemberId, Notification>()
  tick = 0
  /** The election round, ZooKeeper's logical clock. */
  round = 0
  /** The vote that the last election was decided by; null while looking, and where an established leader was found instead. */
  elected: Vote | null = null
  /** Grows with every change of role; what was begun in an earlier one is void. */
  tenure = 0
  /** Highest zxid known to be committed; our own disk may lag. Invariant: `zxidDelivered <= zxidCommitted`. */
  zxidCommitted: Zxid
  zxidDelivered: Zxid
  #effects: ZabEffect[] = []

  constructor(options: PeerOptions, state: DurableState) {
    this.options = options
    this.journal = new Journal(state)
    const { zxidBase } = state.log
    this.zxidCommitted = Math.max(state.zxidCommitted, zxidBase) as Zxid
    this.zxidDelivered = zxidBase
  }

  get others(): readonly MemberId[] {
    return this.options.quorum.voters.filter(voter => voter !== this.options.id)
  }

  emit(effect: ZabEffect): void {
    this.#effects.push(effect)
  }

  takeEffects(): readonly ZabEffect[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  send(to: MemberId, message: ZabMessage): void {
    if (this.connected.has(to)) this.emit({ kind: 'send', to, message })
  }

  /** `onDurable` runs with the `written` event, if the tenure is still the same then. */
  write(change: DurableChange, thenSend: readonly Outgoing[], onDurable: (() => void) | null = null): void {
    const tenure = this.tenure
    const guarded = onDurable === null ? null : () => this.tenure === tenure && onDurable()
    const write = this.journal.issue(change, this.tick, guarded)
    this.emit({ kind: 'write', write, tenure, change, thenSend })
  }

  /** What is committed and on our disk is delivered. Called only where the log is known to be a prefix of the leader's. */
  deliver(): void {
    const through = Math.min(this.zxidCommitted, this.journal.zxidDurable) as Zxid
    if (through <= this.zxidDelivered) return
    this.zxidDelivered = through
    this.emit({ kind: 'deliver', through })
  }
}

/** The only ways from one role to another. The caller's role is over when it returns from one of them. */
export interface Transitions {
  becomeLooking(reason: string): void
  becomeFollowing(leader: MemberId): void
  becomeLeading(assembly: Assembly): void
}

/**
 * Who must take part. `majority`: a quorum of those with a vote. Otherwise every single voter, because too few of them have one: `founding`
 * when there has never been an ensemble, `salvage` when the operator accepts that a quorum of disks is lost.
 */
export type Assembly = 'majority' | 'founding' | 'salvage'
