import {
  assert,
  counterOf,
  EPOCH_MAX,
  type Epoch,
  epochOf,
  LIMITS,
  type MemberId,
  makeZxid,
  NO_EPOCH,
  present,
  randomHex,
  type Zxid,
  zxidFollows
} from '../base/index.js'
import type { Batch } from './batch.js'
import type { Assembly, PeerContext, Transitions } from './context.js'
import type { Learner } from './learner.js'
import type { LearnerMessage, Notification, ZabMessage, ZabMessageOf } from './messages.js'
import { RecentBatches } from './recent-batches.js'
import { planSync } from './sync-plan.js'
import { compareHistories, type History } from './vote.js'

/**
 * How far ahead of its own a leader lets itself be taken by somebody's accepted epoch: half of what a follower would go along with, so that
 * no follower is shut out that is a little behind its leader.
 */
const EPOCH_LEAD_MAX = LIMITS.epochJumpMax / 2

/**
 * `discovery` until a quorum has promised the epoch, `synchronizing` until a quorum holds the initial history, then `broadcasting`.
 */
type LeadingPhase = 'discovery' | 'synchronizing' | 'broadcasting'

interface Confirmation {
  readonly confirmation: number
  readonly sequence: number
  readonly zxid: Zxid
}

/** A leader: discovery, synchronization and broadcast (Zab paper, phases 1-3, leader). */
export class Leading {
  readonly name = 'leading'
  readonly #context: PeerContext
  readonly #transitions: Transitions
  readonly #learners = new Map<MemberId, Learner>()
  readonly #recent: RecentBatches
  readonly #begunAtTick: number
  #assembly: Assembly
  #phase: LeadingPhase = 'discovery'
  #epoch: Epoch = NO_EPOCH
  /** Our own promise is durable: the epoch may be spoken of. */
  #epochAccepted = false
  /** Our own current epoch is durable: the leader may count itself. */
  #epochAdopted = false
  #ensembleId = ''
  /** Our history when the epoch was adopted: adopting it does not lengthen what we know. */
  #historyAtStart: History | null = null
  #streams = 0
  #pingSequence = 0
  /** The ping behind the last promise: a quorum of promisers must answer it before their promises count. */
  #promiseSequence = 0
  #confirmations: Confirmation[] = []

  constructor(context: PeerContext, transitions: Transitions, assembly: Assembly) {
    this.#context = context
    this.#transitions = transitions
    this.#assembly = assembly
    this.#begunAtTick = context.tick
    this.#recent = new RecentBatches(context.journal.zxidLogged)
  }

  get epoch(): Epoch {
    return this.#epoch
  }

  /** Established: the epoch's whole initial history is committed, and proposals are taken. */
  get serving(): boolean {
    return this.#phase === 'broadcasting'
  }

  get zxidNext(): Zxid {
    const last = this.#context.journal.zxidLogged
    return epochOf(last) === this.#epoch ? ((last + 1) as Zxid) : makeZxid(this.#epoch, 1)
  }

  /** How many more txns this epoch has numbers for. */
  get proposalsLeft(): number {
    const last = this.#context.journal.zxidLogged
    return LIMITS.epochTxnsMax - (epochOf(last) === this.#epoch ? counterOf(last) : 0)
  }

  /** Every learner and the highest zxid it has acknowledged, for `status()`. */
  learners(): readonly {
    readonly id: MemberId
    readonly synced: boolean
    readonly counted: boolean
    readonly zxidAcked: Zxid
  }[] {
    return [...this.#learners.values()].map(learner => ({
      id: learner.id,
      synced: learner.phase === 'synced',
      counted: learner.counted,
      zxidAcked: learner.zxidAcked
    }))
  }

  begin(): void {
    this.#proposeEpoch()
  }

  end(): void {
    for (const learner of this.#learners.values()) this.#cancelStream(learner)
  }

  onTick(): void {
    const { options, tick, journal } = this.#context
    const slowSince = journal.waitingSinceTick
    if (slowSince !== null && tick - slowSince > options.syncLimit) return this.#stepDown('own disk does not answer')
    for (const learner of [...this.#learners.values()]) {
      const limit = learner.phase === 'synced' ? options.syncLimit : options.initLimit
      if (tick - learner.heardAtTick <= limit) continue
      this.#drop(learner.id)
      this.#context.emit({ kind: 'disconnect', peer: learner.id, reason: 'silent for too long' })
    }
    if (this.#phase !== 'broadcasting') {
      if (tick - this.#begunAtTick > options.initLimit) this.#stepDown('no quorum joined in time')
      return
    }
    const fresh = [...this.#learners.values()].filter(learner => tick - learner.heardAtTick <= options.syncLimit)
    if (!this.#isQuorum(fresh.filter(isSynced))) return this.#stepDown('no quorum is heard')
    this.#ping()
  }

  onLinkDown(peer: MemberId): void {
    this.#drop(peer)
    // In service the next tick judges whether a quorum is left: a link that blinks may be back by then. Before service there is nothing to
    // lose by electing anew at once.
    if (this.#phase !== 'broadcasting' && !this.#isQuorumReachable()) this.#stepDown('too few members are connected')
  }

  onNotification(from: MemberId, notification: Notification): void {
    if (notification.state !== 'looking') return
    // It has left us, or it has come back: it will introduce itself again.
    this.#drop(from)
    if (!this.serving) return
    const { epoch } = this
    const ahead = notification.acceptedEpoch - epoch
    if (ahead <= 0) return
    if (ahead >= EPOCH_LEAD_MAX) {
      this.#context.emit({ kind: 'disconnect', peer: from, reason: `epoch ${notification.acceptedEpoch} is too far ahead` })
      return
    }
    // It has promised a later epoch to a leader that never came to be, and can only be led in one later still. Handing over to ourselves
    // costs the ensemble one quick election; shutting the voter out would cost it a member (differs from ZooKeeper, which shuts it out).
    this.abdicate(`member ${from} has promised epoch ${notification.acceptedEpoch}`)
  }

  onFollowerInfo(from: MemberId, message: ZabMessageOf<'followerInfo'>): void {
    this.#drop(from)
    const { acceptedEpoch, standing } = message
    if (acceptedEpoch - this.#context.journal.acceptedEpoch >= EPOCH_LEAD_MAX) {
      this.#context.emit({ kind: 'disconnect', peer: from, reason: `epoch ${acceptedEpoch} is too far ahead` })
      return
    }
    this.#learners.set(from, {
      id: from,
      acceptedEpoch,
      phase: 'introduced',
      standing,
      counted: this.#assembly !== 'majority' || standing === 'member',
      promised: false,
      log: null,
      replace: false,
      stream: 0,
      zxidAcked: 0 as Zxid,
      heardAtTick: this.#context.tick,
      pongSequence: 0,
      admissionSequence: null
    })
    if (this.#epoch === NO_EPOCH) this.#proposeEpoch()
    else this.#inform()
  }

  onMessage(from: MemberId, message: LearnerMessage): void {
    const learner = this.#learners.get(from)
    // Of an earlier epoch, or of an earlier stay with us.
    if (learner === undefined || message.epoch !== this.#epoch) return
    learner.heardAtTick = this.#context.tick
    switch (message.kind) {
      case 'ackEpoch':
        return this.#onAckEpoch(learner, message)
      case 'ackNewLeader':
        return this.#onAckNewLeader(learner, message.zxid)
      case 'admitted':
        return this.#onAdmitted(learner)
      case 'ack':
        return this.#onAck(learner, message.zxid)
      case 'pong':
        return this.#onPong(learner, message)
    }
  }

  onStreamed(to: MemberId, stream: number, through: Zxid): void {
    const learner = this.#learners.get(to)
    if (learner === undefined || learner.phase !== 'streaming' || learner.stream !== stream) return
    this.#continueSync(learner, through)
  }

  propose(batch: Batch): void {
    assert(this.serving, 'only a serving leader proposes')
    assert(batch.zxidFirst === this.zxidNext, 'proposals are numbered without a gap')
    assert(zxidFollows(batch.zxidFirst, this.#context.journal.zxidLogged), 'no gap within an epoch')
    const { zxidCommitted } = this.#context
    this.#recent.add(batch)
    this.#context.write({ kind: 'append', batch, zxidCommitted }, [], () => this.#onAppended())
    this.#toLearners({ kind: 'proposal', epoch: this.#epoch, batch, zxidCommitted })
  }

  /** Answered once a quorum has answered a ping that leaves from now on. */
  confirm(confirmation: number): void {
    if (!this.serving) return
    const sequence = this.#ping()
    this.#confirmations.push({ confirmation, sequence, zxid: this.#context.zxidCommitted })
    this.#settleConfirmations()
  }

  abdicate(reason: string): void {
    for (const learner of this.#learners.values()) {
      if (learner.phase !== 'introduced') this.#context.send(learner.id, { kind: 'abdicate', epoch: this.#epoch })
    }
    this.#stepDown(reason)
  }

  // Discovery.

  /**
   * With a quorum introduced, proposes an epoch later than any of them has promised, and than anybody else is heard to have promised: who
   * introduces himself too late could not join otherwise, and would cost the ensemble one handover after another.
   */
  #proposeEpoch(): void {
    const learners = [...this.#learners.values()]
    if (!this.#isQuorum(learners)) return
    const { journal, options, notified } = this.#context
    const heard = [...notified.values()].map(({ acceptedEpoch }) => acceptedEpoch)
    const credible = heard.filter(epoch => epoch - journal.acceptedEpoch < EPOCH_LEAD_MAX)
    const accepted = [journal.acceptedEpoch, ...learners.map(learner => learner.acceptedEpoch), ...credible]
    const epoch = Math.max(...accepted) + 1
    if (epoch > EPOCH_MAX) {
      this.#context.emit({ kind: 'fatal', code: 'EPOCH_EXHAUSTED', reason: `epoch ${epoch} is beyond the last one` })
      return
    }
    this.#epoch = epoch as Epoch
    const founding = this.#assembly === 'founding'
    this.#ensembleId = journal.ensembleId ?? randomHex(options.random, 16)
    const ensembleId = founding ? this.#ensembleId : null
    this.#context.write({ kind: 'acceptEpoch', epoch: this.#epoch, ensembleId }, [], () => {
      this.#epochAccepted = true
      this.#inform()
      this.#settlePromises()
    })
  }

  /** Tells the epoch to everybody who has introduced himself. Never before our own promise of it is durable. */
  #inform(): void {
    if (!this.#epochAccepted) return
    for (const learner of this.#learners.values()) {
      if (learner.phase !== 'introduced') continue
      learner.phase = 'informed'
      const founding = this.#assembly === 'founding'
      this.#context.send(learner.id, { kind: 'leaderInfo', epoch: this.#epoch, ensembleId: this.#ensembleId, founding })
    }
  }

  #onAckEpoch(learner: Learner, message: ZabMessageOf<'ackEpoch'>): void {
    if (learner.phase !== 'informed') return this.#violation(learner, 'ACKEPOCH out of place')
    learner.phase = 'promised'
    learner.promised = message.promised
    learner.standing = message.standing
    learner.log = message.log
    learner.replace = message.replace
    const history = { epoch: message.currentEpoch, zxid: lastOf(message) }
    // Asked of late comers too until we are established: whoever will be part of the quorum must not know more than we do.
    if (
      !this.serving &&
      learner.counted &&
      compareHistories(history, this.#historyAtStart ?? this.#context.journal.history) > 0
    ) {
      this.#stepDown(`member ${learner.id} has a longer history`)
      return
    }
    if (this.#phase === 'discovery') this.#promiseSequence = this.#ping()
    else this.#startSync(learner)
  }

  /**
   * A promise counts only while the one that gave it still knows of it: its link may be long dead without our having heard, and the disk
   * behind it wiped and re-admitted elsewhere. So a quorum must answer after its last promise, all of it alive at one moment
   * (docs/decisions/0010; without this, test/zab/readmission.test.ts loses a committed txn).
   */
  #settlePromises(): void {
    if (this.#phase !== 'discovery' || !this.#epochAccepted) return
    const promised = [...this.#learners.values()].filter(learner => learner.phase === 'promised')
    const alive = promised.filter(learner => learner.promised && learner.pongSequence >= this.#promiseSequence)
    if (!this.#isQuorum(alive)) return
    this.#phase = 'synchronizing'
    const ensembleId = this.#ensembleId
    this.#historyAtStart = this.#context.journal.history
    // Only salvage makes a leader of a member that cannot prove all it held: nobody holds more.
    if (this.#context.journal.damaged) this.#context.write({ kind: 'acceptDamage' }, [])
    this.#context.write({ kind: 'adoptEpoch', epoch: this.#epoch, ensembleId, vote: 'held' }, [], () => {
      this.#epochAdopted = true
      this.#context.emit({ kind: 'ensemble', ensembleId })
      this.#settleEstablishment()
    })
    for (const learner of promised) this.#startSync(learner)
  }

  // Synchronization.

  #startSync(learner: Learner): void {
    const { journal } = this.#context
    const log = present(learner.log, 'ACKEPOCH carried a log')
    const plan = planSync(journal.log, log, learner.replace)
    learner.phase = 'streaming'
    if (plan.kind === 'replace') {
      this.#stream(learner, { kind: 'replacement' })
      return
    }
    if (plan.truncate) this.#context.send(learner.id, { kind: 'truncate', epoch: this.#epoch, zxid: plan.after })
    this.#continueSync(learner, plan.after)
  }

  /** From memory if that reaches back far enough, otherwise from the disk; NEWLEADER strictly after the last of it (ZOOKEEPER-3104). */
  #continueSync(learner: Learner, after: Zxid): void {
    const tail = this.#recent.after(after)
    if (tail === null) {
      this.#stream(learner, { kind: 'log', after })
      return
    }
    const epoch = this.#epoch
    for (const batch of tail) this.#context.send(learner.id, { kind: 'history', epoch, batch })
    const zxid = this.#context.journal.zxidLogged
    const vote = learner.counted ? 'held' : 'withheld'
    this.#context.send(learner.id, { kind: 'newLeader', epoch, zxid, ensembleId: this.#ensembleId, vote })
    learner.phase = 'awaitingAck'
  }

  #stream(learner: Learner, from: { readonly kind: 'replacement' } | { readonly kind: 'log'; readonly after: Zxid }): void {
    learner.stream = ++this.#streams
    this.#context.emit({ kind: 'stream', to: learner.id, epoch: this.#epoch, stream: learner.stream, from })
  }

  #onAckNewLeader(learner: Learner, zxid: Zxid): void {
    if (learner.phase !== 'awaitingAck' || zxid > this.#context.journal.zxidLogged)
      return this.#violation(learner, 'ACK out of place')
    learner.phase = 'synced'
    learner.zxidAcked = zxid
    if (!this.serving) return this.#settleEstablishment()
    this.#bringIntoService(learner)
    this.#settleCommit()
  }

  /** Established once a quorum holds the initial history and the epoch on disk: from here on it is committed, all of it. */
  #settleEstablishment(): void {
    if (this.#phase !== 'synchronizing' || !this.#epochAdopted) return
    const synced = [...this.#learners.values()].filter(isSynced)
    if (!this.#isQuorum(synced)) return
    const { journal, options } = this.#context
    this.#phase = 'broadcasting'
    // Everybody who took part holds the epoch and its history now, so a quorum is a quorum again.
    this.#assembly = 'majority'
    this.#context.zxidCommitted = journal.zxidLogged
    this.#context.deliver()
    const { zxidLogged } = journal
    this.#context.emit({ kind: 'serving', leader: options.id, epoch: this.#epoch, zxidHistory: zxidLogged })
    for (const learner of synced) this.#bringIntoService(learner)
  }

  #bringIntoService(learner: Learner): void {
    const { zxidCommitted } = this.#context
    this.#context.send(learner.id, { kind: 'upToDate', epoch: this.#epoch, zxidCommitted })
    if (!learner.counted) learner.admissionSequence = this.#ping()
  }

  /**
   * A learner that had lost its storage is admitted once a quorum that does not count it has confirmed, after its synchronization, that we
   * still lead. What its former self promised or acknowledged to anybody else is then void: that quorum has not gone over to anybody else
   * either. See docs/decisions for the argument.
   */
  #settleAdmissions(): void {
    for (const learner of this.#learners.values()) {
      const { admissionSequence } = learner
      if (admissionSequence === null || !this.#answeredBy(admissionSequence)) continue
      learner.admissionSequence = null
      this.#context.send(learner.id, { kind: 'admit', epoch: this.#epoch })
    }
  }

  #onAdmitted(learner: Learner): void {
    if (learner.phase !== 'synced') return this.#violation(learner, 'ADMITTED out of place')
    learner.counted = true
    learner.standing = 'member'
    this.#settleCommit()
  }

  // Broadcast.

  #onAppended(): void {
    this.#recent.trim(this.#context.journal.zxidDurable)
    this.#context.deliver()
    this.#settleCommit()
  }

  #onAck(learner: Learner, zxid: Zxid): void {
    if (learner.phase !== 'synced') return this.#violation(learner, 'ACK before NEWLEADER was acknowledged')
    if (zxid > this.#context.journal.zxidLogged) return this.#violation(learner, 'ACK of what was never proposed')
    // Acks are cumulative, and those of one link arrive in order.
    if (zxid <= learner.zxidAcked) return
    learner.zxidAcked = zxid
    this.#settleCommit()
  }

  /** Commits the highest zxid that a quorum has on disk; the leader counts for what is on its own. */
  #settleCommit(): void {
    if (!this.serving) return
    const { journal, options, zxidCommitted } = this.#context
    const ahead: { readonly id: MemberId; readonly zxid: Zxid }[] = []
    if (journal.zxidDurable > zxidCommitted) ahead.push({ id: options.id, zxid: journal.zxidDurable })
    for (const learner of this.#learners.values()) {
      const counts = learner.counted && isSynced(learner) && learner.zxidAcked > zxidCommitted
      if (counts) ahead.push({ id: learner.id, zxid: learner.zxidAcked })
    }
    ahead.sort((a, b) => b.zxid - a.zxid)
    const members = new Set<MemberId>()
    for (const { id, zxid } of ahead) {
      members.add(id)
      if (!options.quorum.isQuorum(members)) continue
      this.#context.zxidCommitted = zxid
      this.#toLearners({ kind: 'commit', epoch: this.#epoch, zxid })
      this.#context.deliver()
      return
    }
  }

  #onPong(learner: Learner, message: ZabMessageOf<'pong'>): void {
    if (message.sequence > learner.pongSequence) learner.pongSequence = message.sequence
    this.#context.emit({ kind: 'learnerAlive', learner: learner.id, payload: message.payload })
    this.#settlePromises()
    this.#settleConfirmations()
    this.#settleAdmissions()
  }

  #ping(): number {
    const sequence = ++this.#pingSequence
    const { zxidCommitted } = this.#context
    for (const learner of this.#learners.values()) {
      if (learner.phase === 'introduced' || learner.phase === 'informed') continue
      this.#context.send(learner.id, { kind: 'ping', epoch: this.#epoch, sequence, zxidCommitted })
    }
    return sequence
  }

  /** Whether a quorum has answered that ping or a later one. */
  #answeredBy(sequence: number): boolean {
    return this.#isQuorum([...this.#learners.values()].filter(learner => isSynced(learner) && learner.pongSequence >= sequence))
  }

  #settleConfirmations(): void {
    while (this.#confirmations[0] !== undefined && this.#answeredBy(this.#confirmations[0].sequence)) {
      const { confirmation, zxid } = present(this.#confirmations.shift(), 'the queue has a head')
      this.#context.emit({ kind: 'confirmed', confirmation, zxid })
    }
  }

  /** Whether these learners and the leader itself may act for all. Learners without a vote never help. */
  #isQuorum(learners: readonly Learner[]): boolean {
    const { options } = this.#context
    const members = new Set([options.id, ...learners.filter(learner => learner.counted).map(learner => learner.id)])
    if (this.#assembly !== 'majority') return members.size === options.quorum.voters.length
    return options.quorum.isQuorum(members)
  }

  #isQuorumReachable(): boolean {
    const { options, connected } = this.#context
    const reachable = new Set([options.id, ...connected])
    if (this.#assembly !== 'majority') return reachable.size === options.quorum.voters.length
    return options.quorum.isQuorum(reachable)
  }

  /** To everybody whose history has reached the live end of the log. */
  #toLearners(message: ZabMessage): void {
    for (const learner of this.#learners.values()) {
      if (learner.phase === 'awaitingAck' || learner.phase === 'synced') this.#context.send(learner.id, message)
    }
  }

  #drop(peer: MemberId): void {
    const learner = this.#learners.get(peer)
    if (learner === undefined) return
    this.#cancelStream(learner)
    this.#learners.delete(peer)
  }

  #cancelStream(learner: Learner): void {
    if (learner.phase !== 'streaming' || learner.stream === 0) return
    this.#context.emit({ kind: 'cancelStream', to: learner.id, stream: learner.stream })
  }

  #violation(learner: Learner, reason: string): void {
    this.#drop(learner.id)
    this.#context.emit({ kind: 'disconnect', peer: learner.id, reason })
  }

  #stepDown(reason: string): void {
    this.#transitions.becomeLooking(reason)
  }
}

function isSynced(learner: Learner): boolean {
  return learner.phase === 'synced'
}

function lastOf(message: ZabMessageOf<'ackEpoch'>): Zxid {
  const end = message.log.epochEnds.at(-1)
  return end === undefined ? message.log.zxidBase : makeZxid(end.epoch, end.counter)
}
