import {
  type Epoch,
  formatZxid,
  LIMITS,
  type MemberId,
  makeZxid,
  NO_EPOCH,
  ZXID_ZERO,
  type Zxid,
  zxidFollows
} from '../base/index.js'
import { type Batch, isWellFormed, zxidLastOf } from './batch.js'
import type { PeerContext, Transitions } from './context.js'
import type { LogSummary } from './log-summary.js'
import type { LeaderMessage, Notification, ZabMessageOf } from './messages.js'

/**
 * How far a follower has come with its leader. `synchronizing` until NEWLEADER: the log may hold what the leader's does not, so nothing is
 * delivered. `adopted` from the moment the whole sync set and the epoch are durable. `serving` from UPTODATE on.
 */
type FollowingPhase = 'discovery' | 'synchronizing' | 'adopting' | 'adopted' | 'serving'

/** A follower: discovery, synchronization and broadcast from the learner's side (Zab paper, phases 1-3, follower). */
export class Following {
  readonly name = 'following'
  readonly leader: MemberId
  readonly #context: PeerContext
  readonly #transitions: Transitions
  #phase: FollowingPhase = 'discovery'
  #epoch: Epoch = NO_EPOCH
  #heardAtTick: number
  /** Set by NEWLEADER: everything that the epoch, or our part in it, begins with. */
  #zxidHistory: Zxid = ZXID_ZERO
  #chunksExpected = 0
  #chunksStaged = 0

  constructor(context: PeerContext, transitions: Transitions, leader: MemberId) {
    this.#context = context
    this.#transitions = transitions
    this.leader = leader
    this.#heardAtTick = context.tick
  }

  get epoch(): Epoch {
    return this.#epoch
  }

  get serving(): boolean {
    return this.#phase === 'serving'
  }

  begin(): void {
    this.#introduce()
  }

  onTick(): void {
    const { options, tick } = this.#context
    const limit = this.#phase === 'serving' ? options.syncLimit : options.initLimit
    if (tick - this.#heardAtTick > limit) this.#leave('leader is silent')
  }

  onLinkDown(peer: MemberId): void {
    if (peer === this.leader) this.#leave('link to the leader is down')
  }

  onNotification(from: MemberId, notification: Notification): void {
    if (from !== this.leader) return
    if (notification.state === 'following') this.#leave('the leader follows another')
    else if (notification.state === 'looking') {
      // Still deciding for itself is fine while we wait for it; anything else means that it does not lead.
      const stillElecting = this.#phase === 'discovery' && this.#epoch === NO_EPOCH && notification.vote?.leader === this.leader
      if (!stillElecting) this.#leave('the leader is looking')
    } else if (this.#phase === 'discovery' && this.#epoch === NO_EPOCH) this.#introduce()
  }

  /** Gives up what was begun; the caller has already decided to leave this role. */
  end(): void {
    if (this.#context.journal.staged !== null) this.#context.write({ kind: 'abandonReplacement' }, [])
  }

  onLeaderInfo(message: ZabMessageOf<'leaderInfo'>): void {
    const { journal } = this.#context
    this.#heardAtTick = this.#context.tick
    // A second one after a link that blinked would be answered by a second history; the first is still being used.
    if (this.#phase !== 'discovery' || this.#epoch !== NO_EPOCH) return
    const { epoch } = message
    if (epoch < journal.acceptedEpoch) {
      this.#leave('the leader is of an older epoch')
      return
    }
    if (epoch - journal.acceptedEpoch > LIMITS.epochJumpMax && journal.standing !== 'blank') {
      this.#context.emit({ kind: 'disconnect', peer: this.leader, reason: `epoch ${epoch} is too far ahead` })
      this.#leave('the leader proposes an absurd epoch')
      return
    }
    this.#epoch = epoch
    this.#phase = 'synchronizing'
    const ackEpoch = (promised: boolean) => ({ to: this.leader, message: this.#ackEpoch(epoch, promised) })
    if (epoch === journal.acceptedEpoch) {
      const { to, message: acknowledgement } = ackEpoch(false)
      this.#context.send(to, acknowledgement)
      return
    }
    const ensembleId = message.founding && journal.currentEpoch === NO_EPOCH ? message.ensembleId : null
    this.#context.write({ kind: 'acceptEpoch', epoch, ensembleId }, [ackEpoch(true)])
  }

  onMessage(message: LeaderMessage): void {
    this.#heardAtTick = this.#context.tick
    // Before LEADERINFO, whatever comes was meant for an earlier stay with this leader.
    if (this.#epoch === NO_EPOCH || message.epoch !== this.#epoch) return
    switch (message.kind) {
      case 'truncate':
        return this.#onTruncate(message.zxid)
      case 'replace':
        return this.#onReplace(message)
      case 'snapshotChunk':
        return this.#onSnapshotChunk(message)
      case 'history':
        return this.#onHistory(message.batch)
      case 'newLeader':
        return this.#onNewLeader(message)
      case 'upToDate':
        return this.#onUpToDate(message.zxidCommitted)
      case 'admit':
        return this.#onAdmit()
      case 'proposal':
        return this.#onProposal(message.batch, message.zxidCommitted)
      case 'commit':
        return this.#onCommitted(message.zxid)
      case 'ping':
        return this.#onPing(message)
      case 'abdicate':
        // What it last said of itself is over; without this it would be followed again at once.
        this.#context.notified.delete(this.leader)
        return this.#leave('the leader hands over')
    }
  }

  #introduce(): void {
    const { acceptedEpoch, standing } = this.#context.journal
    this.#context.send(this.leader, { kind: 'followerInfo', acceptedEpoch, standing })
  }

  #ackEpoch(epoch: Epoch, promised: boolean): ZabMessageOf<'ackEpoch'> {
    const { journal } = this.#context
    const { history, standing, damaged } = journal
    const log = summaryToSend(journal.log)
    return { kind: 'ackEpoch', epoch, promised, currentEpoch: history.epoch, standing, log, replace: damaged }
  }

  #onTruncate(zxid: Zxid): void {
    const { journal } = this.#context
    if (this.#phase !== 'synchronizing' || journal.staged !== null || journal.damaged)
      return this.#violation('TRUNC out of place')
    if (zxid < journal.log.zxidBase || zxid < this.#context.zxidDelivered || zxid > journal.zxidLogged) {
      return this.#violation(`TRUNC to ${formatZxid(zxid)} would cut committed history`)
    }
    this.#context.write({ kind: 'truncate', zxid }, [])
  }

  #onReplace(message: ZabMessageOf<'replace'>): void {
    const { journal } = this.#context
    if (this.#phase !== 'synchronizing' || journal.staged !== null) return this.#violation('a replacement out of place')
    this.#chunksExpected = message.snapshot?.chunkCount ?? 0
    this.#chunksStaged = 0
    this.#context.write({ kind: 'beginReplacement', snapshot: message.snapshot }, [])
  }

  #onSnapshotChunk(message: ZabMessageOf<'snapshotChunk'>): void {
    const expected = this.#context.journal.staged !== null && message.index === this.#chunksStaged
    if (this.#phase !== 'synchronizing' || !expected || message.index >= this.#chunksExpected) {
      return this.#violation('a snapshot chunk out of order')
    }
    this.#chunksStaged++
    this.#context.write({ kind: 'stageChunk', index: message.index, bytes: message.bytes }, [])
  }

  #onHistory(batch: Batch): void {
    if (this.#phase !== 'synchronizing') return this.#violation('history out of place')
    this.#append(batch)
  }

  /** Appends what follows our log and says why not otherwise; `acknowledge` once it is durable. */
  #append(batch: Batch, acknowledge = false): void {
    const { journal } = this.#context
    if (journal.damaged && journal.staged === null) return this.#violation('history for a log that must be replaced')
    if (!isWellFormed(batch)) return this.#violation('a batch whose frames do not fill it')
    if (!zxidFollows(batch.zxidFirst, journal.zxidLogged)) {
      const places = `${formatZxid(batch.zxidFirst)} behind ${formatZxid(journal.zxidLogged)}`
      return this.#violation(`a gap in the history: ${places}`)
    }
    const message = { kind: 'ack', epoch: this.#epoch, zxid: zxidLastOf(batch) } as const
    const thenSend = acknowledge ? [{ to: this.leader, message }] : []
    this.#context.write({ kind: 'append', batch, zxidCommitted: this.#committedHere() }, thenSend, () => this.#deliver())
  }

  /** What a log record may call committed: nothing before the log is known to be the leader's. */
  #committedHere(): Zxid {
    const { zxidCommitted, zxidDelivered } = this.#context
    return this.#adopted ? zxidCommitted : zxidDelivered
  }

  #onNewLeader(message: ZabMessageOf<'newLeader'>): void {
    const { journal } = this.#context
    if (this.#phase !== 'synchronizing') return this.#violation('NEWLEADER out of place')
    if (journal.damaged && journal.staged === null) return this.#violation('NEWLEADER without the replacement')
    if (journal.staged !== null && this.#chunksStaged < this.#chunksExpected)
      return this.#violation('NEWLEADER before the last chunk')
    if (message.zxid !== journal.zxidLogged) {
      return this.#violation(`history ends at ${formatZxid(journal.zxidLogged)}, NEWLEADER says ${formatZxid(message.zxid)}`)
    }
    if (journal.ensembleId !== null && journal.currentEpoch !== NO_EPOCH && journal.ensembleId !== message.ensembleId) {
      return this.#violation('NEWLEADER of another ensemble')
    }
    const { epoch, ensembleId, vote, zxid } = message
    this.#phase = 'adopting'
    this.#zxidHistory = zxid
    this.#context.write(
      { kind: 'adoptEpoch', epoch, ensembleId, vote },
      [{ to: this.leader, message: { kind: 'ackNewLeader', epoch, zxid } }],
      () => {
        if (this.#phase === 'adopting') this.#phase = 'adopted'
        this.#context.emit({ kind: 'ensemble', ensembleId })
        this.#deliver()
      }
    )
  }

  #onUpToDate(zxidCommitted: Zxid): void {
    if (this.#phase !== 'adopted') return this.#violation('UPTODATE before NEWLEADER was acknowledged')
    this.#phase = 'serving'
    this.#onCommitted(zxidCommitted)
    const { leader } = this
    this.#context.emit({ kind: 'serving', leader, epoch: this.#epoch, zxidHistory: this.#zxidHistory })
  }

  #onAdmit(): void {
    if (!this.#adopted) return this.#violation('ADMIT before NEWLEADER was acknowledged')
    const message = { kind: 'admitted', epoch: this.#epoch } as const
    this.#context.write({ kind: 'admit' }, [{ to: this.leader, message }])
  }

  #onProposal(batch: Batch, zxidCommitted: Zxid): void {
    if (this.#phase === 'discovery' || this.#phase === 'synchronizing') return this.#violation('a proposal before NEWLEADER')
    this.#onCommitted(zxidCommitted)
    this.#append(batch, true)
  }

  #onCommitted(zxid: Zxid): void {
    if (zxid > this.#context.zxidCommitted) this.#context.zxidCommitted = zxid
    this.#deliver()
  }

  #onPing(message: ZabMessageOf<'ping'>): void {
    this.#onCommitted(message.zxidCommitted)
    const { zxidDurable } = this.#context.journal
    this.#context.emit({ kind: 'pong', to: this.leader, epoch: this.#epoch, sequence: message.sequence, zxidDurable })
  }

  get #adopted(): boolean {
    return this.#phase === 'adopted' || this.#phase === 'serving'
  }

  #deliver(): void {
    if (this.#adopted) this.#context.deliver()
  }

  #violation(reason: string): void {
    this.#context.emit({ kind: 'disconnect', peer: this.leader, reason })
    this.#leave(reason)
  }

  #leave(reason: string): void {
    this.#transitions.becomeLooking(reason)
  }
}

/** What fits a message: the newest epochs. The older ones count as base then, so that the leader chooses a replacement rather than guess. */
function summaryToSend(log: LogSummary): LogSummary {
  const kept = log.epochEnds.slice(-LIMITS.epochEndsMax)
  const dropped = log.epochEnds.at(-LIMITS.epochEndsMax - 1)
  return dropped === undefined ? log : { zxidBase: makeZxid(dropped.epoch, dropped.counter), epochEnds: kept }
}
