import { type Epoch, epochOf, formatZxid, type MemberId, makeZxid, ZXID_ZERO, type Zxid } from '../../base/index.js'
import type { PeerMessage } from '../../wire/index.js'
import type { Checker } from '../checker.js'
import type { Observation, ObservationOf } from '../observation.js'
import type { DiskView } from './disk-view.js'
import type { Mirrors } from './mirrors.js'
import { violated } from './violated.js'

/** Null when the message is true. */
type Finding = string | null

/**
 * Nobody vouches for what is not on its disk: not in an acknowledgement, a promise, a vote or a sign of life. And a leader calls committed only
 * what a majority has on disk.
 */
export class DurableBeforeSaid implements Checker {
  readonly name = 'durable before said'
  readonly #mirrors: Mirrors
  /** The highest zxid that each member was found to be right in calling committed. */
  readonly #committed = new Map<MemberId, Zxid>()

  constructor(mirrors: Mirrors) {
    this.#mirrors = mirrors
  }

  observe(observation: Observation): void {
    if (observation.kind === 'sent') this.#onSent(observation)
    else if (observation.kind === 'opened') this.#committed.delete(observation.member)
  }

  forgive(): void {
    this.#committed.clear()
  }

  #onSent(observation: ObservationOf<'sent'>): void {
    const { message, member, to } = observation
    const found = this.#judge(member, message)
    if (found !== null) violated(this.name, observation, `sends ${message.kind} to member ${to}: ${found}`)
  }

  #judge(member: MemberId, message: PeerMessage): Finding {
    const { durable } = this.#mirrors.of(member)
    switch (message.kind) {
      case 'ack':
        return (
          inEpoch(durable, message.epoch) ??
          (epochOf(message.zxid) === message.epoch
            ? onDisk(durable, message.zxid)
            : `${formatZxid(message.zxid)} is of another epoch`)
        )
      case 'ackNewLeader':
        return inEpoch(durable, message.epoch) ?? onDisk(durable, message.zxid)
      case 'ackEpoch':
        return (
          promised(durable, message.epoch) ??
          historyOf(durable, message.currentEpoch, endOf(message.log)) ??
          endsOf(durable, message)
        )
      case 'leaderInfo':
      case 'newLeader':
        return promised(durable, message.epoch)
      case 'followerInfo':
        return promised(durable, message.acceptedEpoch)
      case 'admitted':
        return durable.vote === 'held' ? null : 'its vote is withheld on its disk'
      case 'notification':
        // A member without a vote may still be writing, and tells so by having none.
        if (message.state !== 'looking' || message.vote === null) return null
        return promised(durable, message.acceptedEpoch) ?? historyOf(durable, message.history.epoch, message.history.zxid)
      case 'pong':
        if (durable.currentEpoch !== message.epoch) return promised(durable, message.epoch)
        return message.zxidDurable <= durable.log.end ? null : onDisk(durable, message.zxidDurable)
      case 'commit':
        return this.#committedBy(member, message.zxid)
      case 'upToDate':
      case 'proposal':
      case 'ping':
        return this.#committedBy(member, message.zxidCommitted)
      default:
        return null
    }
  }

  #committedBy(member: MemberId, zxid: Zxid): Finding {
    if (zxid <= (this.#committed.get(member) ?? ZXID_ZERO)) return null
    const { log } = this.#mirrors.of(member).handed
    const txn = log.find(zxid)
    if (txn === undefined && zxid > log.floor) return `calls ${formatZxid(zxid)} committed, which is not in its log`
    if (txn !== undefined && !this.#mirrors.isOnMajority(zxid, txn)) {
      return `calls ${formatZxid(zxid)} committed, which is not on the disks of a majority`
    }
    this.#committed.set(member, zxid)
    return null
  }
}

function promised({ acceptedEpoch }: DiskView, epoch: Epoch): Finding {
  return acceptedEpoch === epoch ? null : `its disk holds accepted epoch ${acceptedEpoch}, expected ${epoch}`
}

function inEpoch(disk: DiskView, epoch: Epoch): Finding {
  return disk.currentEpoch === epoch
    ? promised(disk, epoch)
    : `its disk holds current epoch ${disk.currentEpoch}, expected ${epoch}`
}

function onDisk({ log }: DiskView, zxid: Zxid): Finding {
  if (log.find(zxid) !== undefined || zxid <= log.floor) return null
  return `${formatZxid(zxid)} is not on its disk, which ends at ${formatZxid(log.end)}`
}

/** A history that is spoken of is the one on disk: what is left of a damaged one speaks only for the epoch that it ends in. */
function historyOf({ log, currentEpoch, damaged }: DiskView, epoch: Epoch, zxid: Zxid): Finding {
  if (zxid !== log.end) return `says that its log ends at ${formatZxid(zxid)}, and its disk holds ${formatZxid(log.end)}`
  const expected = damaged ? epochOf(zxid) : currentEpoch
  return epoch === expected ? null : `says that its history is of epoch ${epoch}, and its disk holds ${expected}`
}

function endsOf({ log }: DiskView, message: Extract<PeerMessage, { kind: 'ackEpoch' }>): Finding {
  for (const { epoch, counter } of message.log.epochEnds) {
    const end = makeZxid(epoch, counter)
    if (end > log.floor && (log.find(end) === undefined || log.find((end + 1) as Zxid) !== undefined)) {
      return `says that epoch ${epoch} ends at ${formatZxid(end)} in its log, which is not so on its disk`
    }
  }
  return null
}

function endOf({ zxidBase, epochEnds }: Extract<PeerMessage, { kind: 'ackEpoch' }>['log']): Zxid {
  const last = epochEnds.at(-1)
  return last === undefined ? zxidBase : makeZxid(last.epoch, last.counter)
}
