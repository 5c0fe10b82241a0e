import { type MemberId, NO_EPOCH } from '../base/index.js'
import type { Assembly, PeerContext } from './context.js'
import type { Notification } from './messages.js'
import type { Standing } from './vote.js'

/** Why a peer that is looking does not find a leader, for people and for `status()`. */
export interface Waiting {
  /**
   * `quorum`: too few members are connected. `founding`: a new ensemble needs every listed voter. `lostQuorum`: too many voters have lost
   * their storage; only `onLostQuorum: 'salvage'` goes on from here. `election`: nothing is missing, votes are being exchanged.
   */
  readonly kind: 'quorum' | 'founding' | 'lostQuorum' | 'election' | 'disk'
  /** Voters that are not connected. */
  readonly missing: readonly MemberId[]
  /** Connected voters, this member included, that have lost what they once held, or have never held anything. */
  readonly withoutHistory: readonly MemberId[]
}

interface Voter {
  readonly id: MemberId
  readonly standing: Standing
  readonly salvage: boolean
}

/**
 * Who has to agree on a leader right now.
 *
 * Normally a quorum of members. A voter without history has no vote, because it may have acknowledged what it has lost; two wiped disks of
 * three are therefore not a new ensemble. Too few members can only go on when every listed voter is here and looking, and then only
 * - as `founding`, when nobody holds an ensemble's history, or somebody is a `founder`: it has promised itself to an ensemble and never
 *   synchronized, so as far as it knows none was established. It can be wrong only where all who did go on without it have lost their disks
 *   since (docs/decisions/0011 says why that corner is left);
 * - as `salvage`, when all who do hold a history allow it.
 */
export function assemblyOf(context: PeerContext): Assembly {
  const voters = votersOf(context)
  const { quorum } = context.options
  if (quorum.isQuorum(idsOf(voters.filter(voter => voter.standing === 'member')))) return 'majority'
  if (voters.length < quorum.voters.length) return 'majority'
  const has = (standing: Standing) => voters.some(voter => voter.standing === standing)
  if (!has('withheld') && (!has('member') || has('founder'))) return 'founding'
  const witnesses = voters.filter(voter => voter.standing === 'member' || voter.standing === 'withheld')
  return witnesses.every(voter => voter.salvage) ? 'salvage' : 'majority'
}

/** Explains why there is no leader. */
export function waitingOf(context: PeerContext): Waiting {
  const voters = votersOf(context)
  const present = idsOf(voters)
  const { quorum } = context.options
  const missing = quorum.voters.filter(voter => !present.has(voter))
  const withoutHistory = [...idsOf(voters.filter(voter => voter.standing !== 'member'))].sort((a, b) => a - b)
  const describe = (kind: Waiting['kind']): Waiting => ({ kind, missing, withoutHistory })
  if (!context.journal.idle) return describe('disk')
  const members = idsOf(voters.filter(voter => voter.standing === 'member'))
  if (quorum.isQuorum(members) || assemblyOf(context) !== 'majority') return describe('election')
  const everHeld = voters.some(voter => voter.standing === 'member' || voter.standing === 'withheld')
  if (!everHeld) return describe('founding')
  const possible = new Set([...members, ...missing])
  return describe(quorum.isQuorum(possible) ? 'quorum' : 'lostQuorum')
}

/**
 * This peer and every connected voter that is in no epoch: looking too, or in the act of following or leading whom this very election has
 * brought forth. Without the latter, the first to decide would leave the assembly of those who are still counting its vote.
 */
function votersOf(context: PeerContext): readonly Voter[] {
  const { options, journal, notified } = context
  const others = [...notified].filter(([, notification]) => notification.epoch === NO_EPOCH)
  return [
    { id: options.id, standing: journal.standing, salvage: options.salvage },
    ...others.map(([id, notification]: [MemberId, Notification]) => ({
      id,
      standing: notification.standing,
      salvage: notification.salvage
    }))
  ]
}

function idsOf(voters: readonly Voter[]): Set<MemberId> {
  return new Set(voters.map(voter => voter.id))
}
