import { assert, type Epoch, type MemberId, NO_EPOCH, unreachable, type Zxid } from '../base/index.js'
import { assemblyOf, type Waiting, waitingOf } from './assembly.js'
import { type Assembly, PeerContext, type PeerOptions, type Transitions } from './context.js'
import type { DurableState } from './durable.js'
import type { RoleName, ZabEffect, ZabEvent } from './events.js'
import { Following } from './following.js'
import { Leading } from './leading.js'
import { zxidLastIn } from './log-summary.js'
import { Looking } from './looking.js'
import type { Notification, ZabMessage } from './messages.js'
import type { Standing } from './vote.js'

/**
 * One member's part in ZAB: events in, effects out, nothing awaited. It knows no clock, disk or network.
 *
 * The role is a union of three objects that hold their own data; only the `become*` transitions assign it. A message that the present role
 * has no use for is ignored here, where the table in README.md says so; what a role is sent is of its leader or learner, and of its epoch.
 */
export class Peer {
  readonly #context: PeerContext
  readonly #transitions: Transitions
  #role: Looking | Following | Leading
  #started = false

  constructor(options: PeerOptions, state: DurableState) {
    assert(options.quorum.voters.includes(options.id), 'a peer is one of the voters')
    this.#context = new PeerContext(options, state)
    this.#transitions = {
      becomeLooking: reason => this.#becomeLooking(reason),
      becomeFollowing: leader => this.#becomeFollowing(leader),
      becomeLeading: assembly => this.#becomeLeading(assembly)
    }
    this.#role = new Looking(this.#context, this.#transitions, null)
  }

  get role(): RoleName {
    return this.#role.name
  }

  /** The leader that this peer follows or is, null while looking. */
  get leader(): MemberId | null {
    if (this.#role.name === 'looking') return null
    return this.#role.name === 'leading' ? this.#context.options.id : this.#role.leader
  }

  /** The epoch that the role acts in, 0 while it has none. */
  get epoch(): Epoch {
    return this.#role.name === 'looking' ? NO_EPOCH : this.#role.epoch
  }

  /** The role takes part in an established epoch. */
  get serving(): boolean {
    return this.#role.name !== 'looking' && this.#role.serving
  }

  /** Grows with every change of role. */
  get tenure(): number {
    return this.#context.tenure
  }

  get standing(): Standing {
    return this.#context.journal.standing
  }

  get currentEpoch(): Epoch {
    return this.#context.journal.currentEpoch
  }

  get zxidLogged(): Zxid {
    return zxidLastIn(this.#context.journal.log)
  }

  get zxidDurable(): Zxid {
    return this.#context.journal.zxidDurable
  }

  get zxidCommitted(): Zxid {
    return this.#context.zxidCommitted
  }

  /** Leader only: the number that the next proposal must carry. */
  get zxidNext(): Zxid {
    assert(this.#role.name === 'leading', 'only a leader numbers proposals')
    return this.#role.zxidNext
  }

  /** Leader only: how many more txns the epoch has numbers for; 0 for everybody else. */
  get proposalsLeft(): number {
    return this.#role.name === 'leading' ? this.#role.proposalsLeft : 0
  }

  /** Leader only: its learners; empty for everybody else. */
  get learners(): ReturnType<Leading['learners']> {
    return this.#role.name === 'leading' ? this.#role.learners() : []
  }

  /** Why there is no leader; null when there is one. */
  get waiting(): Waiting | null {
    return this.#role.name === 'looking' ? waitingOf(this.#context) : null
  }

  step(event: ZabEvent): readonly ZabEffect[] {
    this.#handle(event)
    const { journal, zxidDelivered, zxidCommitted } = this.#context
    assert(zxidDelivered <= zxidCommitted, 'nothing is delivered before it is committed')
    assert(journal.currentEpoch <= journal.acceptedEpoch, 'no epoch is adopted before it is accepted')
    return this.#context.takeEffects()
  }

  #handle(event: ZabEvent): void {
    switch (event.kind) {
      case 'start':
        assert(!this.#started, 'a peer is started once')
        this.#started = true
        if (!this.#context.journal.damaged) this.#context.deliver()
        return this.#becomeLooking('start')
      case 'tick':
        this.#context.tick++
        return this.#role.onTick()
      case 'linkUp':
        this.#context.connected.add(event.peer)
        this.#context.notified.delete(event.peer)
        return this.#context.send(event.peer, this.#notification())
      case 'linkDown':
        this.#context.connected.delete(event.peer)
        this.#context.notified.delete(event.peer)
        return this.#role.onLinkDown(event.peer)
      case 'received':
        // What was still under way when the link went down.
        if (!this.#context.connected.has(event.from)) return
        return this.#receive(event.from, event.message)
      case 'written':
        return this.#onWritten(event.write)
      case 'propose':
        assert(this.#role.name === 'leading', 'only a leader proposes')
        return this.#role.propose(event.batch)
      case 'purged':
        return this.#context.journal.purge(event.zxidBase)
      case 'streamed':
        if (this.#role.name === 'leading') this.#role.onStreamed(event.to, event.stream, event.through)
        return
      case 'confirm':
        if (this.#role.name === 'leading') this.#role.confirm(event.confirmation)
        return
      case 'abdicate':
        if (this.#role.name === 'leading') this.#role.abdicate(event.reason)
        return
      default:
        return unreachable(event)
    }
  }

  #receive(from: MemberId, message: ZabMessage): void {
    const role = this.#role
    switch (message.kind) {
      case 'notification':
        return this.#onNotification(from, message)
      case 'followerInfo':
        // A peer that is not leading yet tells everybody when it does; the follower introduces itself again then.
        if (role.name === 'leading') role.onFollowerInfo(from, message)
        return
      case 'ackEpoch':
      case 'ackNewLeader':
      case 'admitted':
      case 'ack':
      case 'pong':
        // To a leader that we no longer are.
        if (role.name === 'leading') role.onMessage(from, message)
        return
      case 'leaderInfo':
        if (role.name === 'following' && from === role.leader) role.onLeaderInfo(message)
        return
      case 'truncate':
      case 'replace':
      case 'snapshotChunk':
      case 'history':
      case 'newLeader':
      case 'upToDate':
      case 'admit':
      case 'proposal':
      case 'commit':
      case 'ping':
      case 'abdicate':
        // From a leader that we have left, or never followed.
        if (role.name === 'following' && from === role.leader) role.onMessage(message)
        return
      default:
        return unreachable(message)
    }
  }

  #onNotification(from: MemberId, notification: Notification): void {
    this.#context.notified.set(from, notification)
    const role = this.#role
    // Whoever is looking wants to know where we stand.
    if (role.name !== 'looking' && notification.state === 'looking') this.#context.send(from, this.#notification())
    role.onNotification(from, notification)
  }

  #onWritten(write: number): void {
    const { callbacks, replacedFrom } = this.#context.journal.complete(write)
    if (replacedFrom !== null) {
      this.#context.zxidDelivered = replacedFrom
      if (this.#context.zxidCommitted < replacedFrom) this.#context.zxidCommitted = replacedFrom
      this.#context.emit({ kind: 'replaced', zxidBase: replacedFrom })
    }
    for (const callback of callbacks) callback()
    if (this.#role.name === 'looking') this.#role.begin()
  }

  #notification(): Notification {
    const role = this.#role
    if (role.name === 'looking') return role.notification()
    const { journal, options, round } = this.#context
    const { standing, history, acceptedEpoch } = journal
    const leader = role.name === 'leading' ? options.id : role.leader
    return {
      kind: 'notification',
      round,
      state: role.name,
      vote: this.#context.elected ?? { leader, ...history },
      history,
      standing,
      acceptedEpoch,
      epoch: role.epoch,
      salvage: options.salvage
    }
  }

  #becomeLooking(reason: string): void {
    const before = this.#role
    // A leader that could not be followed, or that has let us go, is given a moment before it is believed again.
    const spurned = before.name === 'following' && !before.serving ? before.leader : null
    if (before.name !== 'looking') before.end()
    this.#context.tenure++
    this.#context.elected = null
    const looking = new Looking(this.#context, this.#transitions, spurned)
    this.#role = looking
    this.#context.emit({ kind: 'role', role: 'looking', leader: null, reason })
    looking.begin()
  }

  #becomeFollowing(leader: MemberId): void {
    assert(this.#role.name === 'looking', 'a follower comes out of an election')
    this.#context.tenure++
    const following = new Following(this.#context, this.#transitions, leader)
    this.#role = following
    this.#context.emit({ kind: 'role', role: 'following', leader, reason: 'elected' })
    this.#tellAll()
    following.begin()
  }

  #becomeLeading(assembly: Assembly): void {
    assert(this.#role.name === 'looking', 'a leader comes out of an election')
    assert(assembly === assemblyOf(this.#context), 'the assembly has not changed since it voted')
    this.#context.tenure++
    const leading = new Leading(this.#context, this.#transitions, assembly)
    this.#role = leading
    this.#context.emit({ kind: 'role', role: 'leading', leader: this.#context.options.id, reason: 'elected' })
    this.#tellAll()
    leading.begin()
  }

  #tellAll(): void {
    for (const peer of this.#context.connected) this.#context.send(peer, this.#notification())
  }
}
