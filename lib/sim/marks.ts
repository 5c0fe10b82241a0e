import type { ErrorCode, MemberId, SessionId, Zxid } from '../base/index.js'
import { counterOf, epochOf, LIMITS, NO_SESSION, ZXID_ZERO } from '../base/index.js'
import { zxidLastIn, zxidLastOf } from '../zab/index.js'
import type { ClientFindings } from './client-checks.js'
import type { Call, CommittedTxn, HistoryEvent } from './history.js'
import type { MortalZnodes } from './mortal-znodes.js'
import type { Observation } from './observation.js'
import type { SessionLife } from './sessions/session-log.js'

/**
 * Situations that many runs together must have been in, or the simulator does not reach what it claims to test. Each is met in some runs
 * only; a sweep over many seeds lists those that none has met.
 */
export const MARKS = [
  'an ensemble is founded',
  'an epoch is established behind another',
  'two members believe that they lead',
  'a leader dies between proposing and committing',
  'a leader dies between a quorum of acks and its commit',
  'a learner dies between ACKNEWLEADER and UPTODATE',
  'a learner dies within a replacement of its history',
  'a process dies with writes under way',
  'a process dies with several writes in one group',
  'a commit comes between NEWLEADER and UPTODATE',
  'a proposal comes between NEWLEADER and UPTODATE',
  'a learner is brought up to date by DIFF',
  'a learner is brought up to date by TRUNC',
  'a learner is brought up to date by SNAP',
  'a history is replaced from its very beginning',
  'a replacement is abandoned',
  'what was logged is cut off before it is applied',
  'a member is admitted again',
  'a leader hands over',
  'an epoch runs out of numbers',
  'a member writes a snapshot of its own',
  'a log is shortened',
  'a store fails and is opened again',
  'damage is found',
  'a disk is lost',
  'an uncommitted txn of a former epoch is committed by a later leader',
  'a member starts with a log beyond what it knows to be committed',
  'a session expires',
  'a session is closed by the next process of its member',
  'a linearizable read is confirmed by a quorum',
  'a write is answered by another leader than it was issued under',
  'a write is broken off and took effect',
  'a write is broken off and took no effect',
  'a write is refused by the log',
  'a multi is refused half way',
  'a call is throttled',
  'a watch is told that much has changed',
  'an ephemeral vanishes with its session',
  'a container is removed',
  'a TTL znode is removed',
  'a TTL znode is touched in time',
  'a write is refused by an ACL',
  'a read is refused by an ACL',
  'a quota refuses a write',
  'a soft quota is passed',
  'a write is refused because there is too much already',
  'a session is taken over',
  'a session is taken over from a process that is gone',
  'a write through a session that has moved is refused',
  'a session is ended by another',
  'a session is ended in several txns',
  'an end of a session that a former leader began is brought to its end',
  'a subtree is deleted in one txn',
  'missing parents are created',
  'a catch-up by snapshot is told with what has changed',
  'a catch-up by snapshot is told without what has changed'
] as const

export type Mark = (typeof MARKS)[number]

interface Watched {
  role: string
  proposed: Zxid
  committed: Zxid
  acked: Map<MemberId, Zxid>
  writes: Map<number, string>
  ackedNewLeader: boolean
  newLeader: boolean
  replacing: boolean
  logged: Zxid
}

/** Counts the marks of one run, from what is observed of members and what clients saw. */
export class MarkCounter {
  readonly counts = new Map<Mark, number>()
  readonly #size: number
  readonly #members = new Map<MemberId, Watched>()
  readonly #issued = new Map<number, { readonly write: boolean; readonly epoch: number }>()
  /** The process that each session was last met in, and those that are gone. */
  readonly #homes = new Map<SessionId, string>()
  readonly #gone = new Set<string>()
  #epoch = 0
  /** The last zxid that anybody has shown. */
  #shown = ZXID_ZERO

  constructor(size: number) {
    this.#size = size
  }

  hit(mark: Mark): void {
    this.counts.set(mark, (this.counts.get(mark) ?? 0) + 1)
  }

  observe(seen: Observation): void {
    const its = this.#of(seen.member)
    switch (seen.kind) {
      case 'started':
        this.#members.set(seen.member, fresh())
        return
      case 'opened':
        if (seen.state.damage !== null) this.hit('damage is found')
        if (seen.again) this.hit('a store fails and is opened again')
        its.logged = zxidLastIn(seen.state.log)
        if (!seen.again && its.logged > seen.state.zxidCommitted)
          this.hit('a member starts with a log beyond what it knows to be committed')
        return
      case 'write':
        return this.#onWrite(its, seen.write, seen.change)
      case 'written':
        for (const [write, kind] of its.writes) {
          if (write > seen.write) break
          its.writes.delete(write)
          if (kind === 'adoptEpoch') its.replacing = false
        }
        return
      case 'writeFailed':
        its.writes.clear()
        return
      case 'purged':
        this.hit('a member writes a snapshot of its own')
        if (seen.zxidBase > ZXID_ZERO) this.hit('a log is shortened')
        return
      case 'sent':
        return this.#onSent(its, seen)
      case 'received':
        return this.#onReceived(its, seen)
      case 'role':
        its.role = seen.role
        if (seen.role === 'leading' && [...this.#members.values()].filter(({ role }) => role === 'leading').length > 1)
          this.hit('two members believe that they lead')
        return
      case 'serving':
        if (seen.leader === seen.member && seen.epoch > this.#epoch) {
          this.hit(this.#epoch === 0 ? 'an ensemble is founded' : 'an epoch is established behind another')
          this.#epoch = seen.epoch
          if (its.logged > this.#shown) this.hit('an uncommitted txn of a former epoch is committed by a later leader')
        }
        its.newLeader = false
        its.ackedNewLeader = false
        return
      case 'applied':
        if (seen.zxid > this.#shown) this.#shown = seen.zxid
        return
      case 'ended':
        this.#onEnded(its)
        this.#members.set(seen.member, fresh())
        return
      case 'diskLost':
        return this.hit('a disk is lost')
      case 'quotaExceeded':
        return this.hit('a soft quota is passed')
    }
  }

  /** What clients did and saw. */
  see(event: HistoryEvent): void {
    const process = `${event.member}.${event.process}`
    if (event.session !== NO_SESSION) this.#homes.set(event.session, process)
    if (event.kind === 'ended') this.#gone.add(process)
    if (event.kind === 'call') {
      this.#issued.set(event.call, { write: isWrite(event.what), epoch: this.#epoch })
    } else if (event.kind === 'return') {
      const issued = this.#issued.get(event.call)
      const { result } = event
      if (issued?.write === true && result.kind === 'answered' && issued.epoch !== this.#epoch)
        this.hit('a write is answered by another leader than it was issued under')
      if (issued?.write === true && result.kind === 'refused') this.#onRefused(result.code)
      if (issued?.write === false && result.kind === 'refused' && result.code === 'NO_AUTH')
        this.hit('a read is refused by an ACL')
      if (issued?.write === true && result.kind === 'failed' && result.code === 'SESSION_MOVED')
        this.hit('a write through a session that has moved is refused')
      if (
        result.kind === 'answered' &&
        result.answer.kind === 'takeOverSession' &&
        this.#gone.has(this.#homes.get(result.answer.session) ?? '')
      )
        this.hit('a session is taken over from a process that is gone')
      if (result.kind === 'refused' && result.results?.[0] === 'OK') this.hit('a multi is refused half way')
      if (result.kind === 'failed' && result.code === 'THROTTLED') this.hit('a call is throttled')
    } else if (event.kind === 'told' && event.event.type === 'reset') {
      this.hit('a watch is told that much has changed')
      const { paths } = event.event
      if (paths === null) this.hit('a catch-up by snapshot is told without what has changed')
      else if (paths.length > 0) this.hit('a catch-up by snapshot is told with what has changed')
    }
  }

  /** What only the log can tell. */
  conclude({ matching, lives }: ClientFindings, log: readonly CommittedTxn[], mortals: MortalZnodes): void {
    for (const life of lives.values()) this.#onLife(life)
    for (const committed of log) {
      const { zxid, txn } = committed
      if (counterOf(zxid) === LIMITS.epochTxnsMax) this.hit('an epoch runs out of numbers')
      if (txn.change.kind === 'closeSession' && txn.change.paths.length > 0) this.hit('an ephemeral vanishes with its session')
      const removed = mortals.add(committed)
      if (removed === null) continue
      this.hit(removed.what === 'ttl' ? 'a TTL znode is removed' : 'a container is removed')
      if (removed.wasTouchedInTime) this.hit('a TTL znode is touched in time')
    }
    for (const { call, what, result } of matching.calls.values()) {
      if (!isWrite(what)) continue
      const change = matching.txnOf(call)?.txn.change
      const many = change?.kind === 'multi' && change.changes.length > 1
      if (many && what.kind === 'delete') this.hit('a subtree is deleted in one txn')
      if (many && what.kind === 'create') this.hit('missing parents are created')
      if (result?.kind !== 'failed' || result.outcome !== 'unknown') continue
      const tookEffect = change !== undefined && change.kind !== 'refused'
      this.hit(tookEffect ? 'a write is broken off and took effect' : 'a write is broken off and took no effect')
    }
  }

  #onLife({ homes, over, end, endedBy }: SessionLife): void {
    if (endedBy === 'leader') this.hit('a session expires')
    if (endedBy === 'next process') this.hit('a session is closed by the next process of its member')
    if (endedBy === 'another') this.hit('a session is ended by another')
    if (over !== null && over !== end) this.hit('a session is ended in several txns')
    if (over !== null && end !== null && epochOf(over) !== epochOf(end))
      this.hit('an end of a session that a former leader began is brought to its end')
    if (homes.length > 1) this.hit('a session is taken over')
  }

  #onRefused(code: ErrorCode): void {
    this.hit('a write is refused by the log')
    if (code === 'NO_AUTH') this.hit('a write is refused by an ACL')
    if (code === 'QUOTA_EXCEEDED') this.hit('a quota refuses a write')
    if (code === 'LIMIT_EXCEEDED') this.hit('a write is refused because there is too much already')
  }

  #of(member: MemberId): Watched {
    const its = this.#members.get(member) ?? fresh()
    this.#members.set(member, its)
    return its
  }

  #onWrite(its: Watched, write: number, change: Extract<Observation, { kind: 'write' }>['change']): void {
    its.writes.set(write, change.kind)
    switch (change.kind) {
      case 'append':
        its.logged = zxidLastOf(change.batch)
        return
      case 'beginReplacement':
        its.replacing = true
        if (change.snapshot === null) this.hit('a history is replaced from its very beginning')
        return
      case 'abandonReplacement':
        its.replacing = false
        this.hit('a replacement is abandoned')
        return
      case 'truncate':
        if (its.logged > change.zxid) this.hit('what was logged is cut off before it is applied')
        return
      case 'admit':
        return this.hit('a member is admitted again')
    }
  }

  #onSent(its: Watched, { to, message }: Extract<Observation, { kind: 'sent' }>): void {
    switch (message.kind) {
      case 'proposal':
        its.proposed = zxidLastOf(message.batch)
        return
      case 'commit':
        its.committed = message.zxid
        return
      case 'ackNewLeader':
        its.ackedNewLeader = true
        return
      case 'truncate':
        return this.hit('a learner is brought up to date by TRUNC')
      case 'replace':
        if (message.snapshot !== null) this.hit('a learner is brought up to date by SNAP')
        return
      case 'history':
        return this.hit('a learner is brought up to date by DIFF')
      case 'abdicate':
        return this.hit('a leader hands over')
      case 'readIndexReply':
        return this.hit('a linearizable read is confirmed by a quorum')
      case 'newLeader':
        its.acked.delete(to)
        return
    }
  }

  #onReceived(its: Watched, { from, message }: Extract<Observation, { kind: 'received' }>): void {
    switch (message.kind) {
      case 'ack':
        its.acked.set(from, message.zxid)
        return
      case 'newLeader':
        its.newLeader = true
        return
      case 'upToDate':
        its.newLeader = false
        its.ackedNewLeader = false
        return
      case 'commit':
        if (its.newLeader) this.hit('a commit comes between NEWLEADER and UPTODATE')
        return
      case 'proposal':
        if (its.newLeader) this.hit('a proposal comes between NEWLEADER and UPTODATE')
        return
    }
  }

  #onEnded(its: Watched): void {
    const leads = its.role === 'leading'
    if (leads && its.proposed > its.committed) {
      this.hit('a leader dies between proposing and committing')
      const holding = [...its.acked.values()].filter(zxid => zxid > its.committed).length + 1
      if (holding > this.#size / 2) this.hit('a leader dies between a quorum of acks and its commit')
    }
    if (its.ackedNewLeader) this.hit('a learner dies between ACKNEWLEADER and UPTODATE')
    if (its.replacing) this.hit('a learner dies within a replacement of its history')
    if (its.writes.size > 0) this.hit('a process dies with writes under way')
    if (its.writes.size > 1) this.hit('a process dies with several writes in one group')
  }
}

const WRITES: ReadonlySet<Call['kind']> = new Set(['create', 'delete', 'setData', 'multi', 'setACL', 'touch'])

function isWrite({ kind }: Call): boolean {
  return WRITES.has(kind)
}

function fresh(): Watched {
  return {
    role: 'looking',
    proposed: ZXID_ZERO,
    committed: ZXID_ZERO,
    acked: new Map(),
    writes: new Map(),
    ackedNewLeader: false,
    newLeader: false,
    replacing: false,
    logged: ZXID_ZERO
  }
}
