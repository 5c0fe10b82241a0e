import { type MemberId, NO_EPOCH } from '../base/index.js'
import { assemblyOf } from './assembly.js'
import type { Assembly, PeerContext, Transitions } from './context.js'
import type { Notification } from './messages.js'
import { isBetterVote, isSameVote, type Vote } from './vote.js'

/** Ticks (one begun, one whole) that a quorum's agreement waits for a better vote of a connected voter that has not spoken yet. */
const FINALIZE_TICKS = 2

/** Ticks for which a leader that could not be followed is not tried again. */
const SPURN_TICKS = 2

/** A leader that this peer has just failed to follow, and how it presented itself then. */
export interface Spurned {
  readonly leader: MemberId
  readonly untilTick: number
}

/**
 * Fast Leader Election over the peer links.
 *
 * Differs from ZooKeeper's FastLeaderElection in what the links already tell: a notification is never lost while a link is up, so none is
 * repeated with growing delays, and the finalize wait ends at once when every connected voter has voted the same way. It is also how an
 * established leader is found: its own claim over a live link suffices, because discovery checks everything again.
 *
 * An election begins only when the disk is idle, so that votes speak of what is durable (ZOOKEEPER-2845, 4541).
 */
export class Looking {
  readonly name = 'looking'
  readonly #context: PeerContext
  readonly #transitions: Transitions
  readonly #spurned: Spurned | null
  /** Votes of this round, by voter. */
  readonly #votes = new Map<MemberId, Vote>()
  #proposal: Vote | null = null
  #assembly: Assembly = 'majority'
  #begun = false
  #finalizeAtTick: number | null = null

  constructor(context: PeerContext, transitions: Transitions, spurned: MemberId | null) {
    this.#context = context
    this.#transitions = transitions
    this.#spurned = spurned === null ? null : { leader: spurned, untilTick: context.tick + SPURN_TICKS }
  }

  /** Begins as soon as nothing is being written. */
  begin(): void {
    if (this.#begun || !this.#context.journal.idle) return
    this.#begun = true
    this.#newRound(this.#context.round + 1)
    this.#announce()
    this.#settle()
  }

  onTick(): void {
    if (!this.#begun) return
    this.#announce()
    this.#settle()
  }

  onNotification(from: MemberId, notification: Notification): void {
    if (!this.#begun) return
    if (notification.state === 'looking') this.#onVote(from, notification)
    else this.#countDecided(from, notification)
    this.#settle()
  }

  onLinkDown(peer: MemberId): void {
    if (!this.#begun) return
    this.#votes.delete(peer)
    // A vote for somebody who is gone would circulate for ever; a new round forgets it.
    if (this.#reassemble() || this.#proposal?.leader === peer) {
      this.#newRound(this.#context.round + 1)
      this.#announce()
    }
    this.#settle()
  }

  notification(): Notification {
    const { journal, options, round } = this.#context
    return {
      kind: 'notification',
      round,
      state: 'looking',
      vote: this.#proposal,
      history: journal.history,
      standing: journal.standing,
      acceptedEpoch: journal.acceptedEpoch,
      epoch: NO_EPOCH,
      salvage: options.salvage
    }
  }

  #onVote(from: MemberId, notification: Notification): void {
    const { round } = this.#context
    if (notification.round < round) {
      // It has not heard of this round yet; it will join it when it has.
      this.#context.send(from, this.notification())
      return
    }
    if (notification.round > round) this.#newRound(notification.round)
    if (notification.vote !== null) this.#votes.set(from, notification.vote)
    else this.#votes.delete(from)
    const better = isBetterVote(notification.vote, this.#proposal)
    if (better) {
      this.#proposal = notification.vote
      this.#finalizeAtTick = null
    }
    if (better || notification.round > round) this.#announce()
  }

  /**
   * Whoever has decided, and is in no epoch yet, stands by the vote it has decided by, in whatever round: it waits for its leader and will not
   * vote again. Without this, a round that begins behind its back would wait for it in turn.
   */
  #countDecided(from: MemberId, notification: Notification): void {
    const { state, epoch, vote } = notification
    if (state !== 'looking' && epoch === NO_EPOCH && vote !== null) this.#votes.set(from, vote)
  }

  #newRound(round: number): void {
    this.#context.round = round
    this.#assembly = assemblyOf(this.#context)
    this.#votes.clear()
    for (const [peer, notification] of this.#context.notified) this.#countDecided(peer, notification)
    this.#proposal = this.#ownVote()
    this.#finalizeAtTick = null
  }

  /** Somebody has come or gone: whether that changes who must agree, and with it who may be proposed. */
  #reassemble(): boolean {
    const assembly = assemblyOf(this.#context)
    if (assembly === this.#assembly) return false
    this.#newRound(this.#context.round + 1)
    return true
  }

  #ownVote(): Vote | null {
    const { journal, options } = this.#context
    if (this.#assembly === 'majority' && journal.standing !== 'member') return null
    return { leader: options.id, ...journal.history }
  }

  #announce(): void {
    for (const peer of this.#context.connected) this.#context.send(peer, this.notification())
  }

  #settle(): void {
    if (this.#reassemble()) this.#announce()
    const claimant = this.#claimant()
    if (claimant !== null) {
      this.#transitions.becomeFollowing(claimant)
      return
    }
    const proposal = this.#proposal
    if (proposal === null || !this.#agreed(proposal)) {
      this.#finalizeAtTick = null
      return
    }
    const { leader } = proposal
    const { id } = this.#context.options
    if (leader !== id && (!this.#context.connected.has(leader) || this.#isSpurned(leader))) return
    if (!this.#unanimous(proposal)) {
      this.#finalizeAtTick ??= this.#context.tick + FINALIZE_TICKS
      if (this.#context.tick < this.#finalizeAtTick) return
    }
    this.#context.elected = proposal
    if (leader === id) this.#transitions.becomeLeading(this.#assembly)
    else this.#transitions.becomeFollowing(leader)
  }

  /** A connected member that leads, in an epoch that we have not promised to outlive. */
  #claimant(): MemberId | null {
    const { notified, journal } = this.#context
    let best: { leader: MemberId; epoch: number } | null = null
    for (const [peer, notification] of notified) {
      if (notification.state !== 'leading' || this.#isSpurned(peer)) continue
      const { epoch } = notification
      if (epoch !== NO_EPOCH && epoch < journal.acceptedEpoch) continue
      if (best === null || epoch > best.epoch) best = { leader: peer, epoch }
    }
    return best?.leader ?? null
  }

  #isSpurned(leader: MemberId): boolean {
    return this.#spurned !== null && this.#spurned.leader === leader && this.#context.tick < this.#spurned.untilTick
  }

  #agreed(proposal: Vote): boolean {
    const { options, journal, notified } = this.#context
    const supporters = new Set<MemberId>()
    const counts = (standing: string | undefined) => this.#assembly !== 'majority' || standing === 'member'
    if (counts(journal.standing)) supporters.add(options.id)
    for (const [voter, vote] of this.#votes) {
      if (isSameVote(vote, proposal) && counts(notified.get(voter)?.standing)) supporters.add(voter)
    }
    if (this.#assembly !== 'majority') return supporters.size === options.quorum.voters.length
    return options.quorum.isQuorum(supporters)
  }

  #unanimous(proposal: Vote): boolean {
    for (const peer of this.#context.connected) {
      if (!isSameVote(this.#votes.get(peer) ?? null, proposal)) return false
    }
    return true
  }
}
