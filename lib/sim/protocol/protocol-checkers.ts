import type { MemberId } from '../../base/index.js'
import type { Checker } from '../checker.js'
import type { CommittedTxn } from '../history.js'
import { CanonicalLog } from './canonical-log.js'
import { Digests } from './digests.js'
import { DurableBeforeSaid } from './durable-before-said.js'
import { EpochOrder } from './epoch-order.js'
import { LogOrder } from './log-order.js'
import { Mirrors } from './mirrors.js'
import { QuorumDurability } from './quorum-durability.js'
import { Reigns } from './reigns.js'

export interface ProtocolCheckers {
  /**
   * All of them, each to be told of every observation in this order: they look at the same picture of the disks, which the first one draws.
   * From before the first member of an ensemble with empty disks begins.
   */
  readonly checkers: readonly Checker[]
  /** The one history: what anybody has shown, in order. */
  readonly canonical: CanonicalLog
  /** The same as txns, for the checkers of what clients saw. */
  committed(): readonly CommittedTxn[]
  /**
   * More disks are lost than the ensemble can do without, and what goes on may be another history: a salvaged one, or a new ensemble. To be
   * called before the first member begins again.
   */
  forgive(): void
}

/** The checkers of the protocol, for an ensemble of these voters. */
export function protocolCheckers(voters: readonly MemberId[]): ProtocolCheckers {
  const mirrors = new Mirrors(voters)
  const reigns = new Reigns(mirrors)
  const canonical = new CanonicalLog(mirrors)
  const checkers: readonly (Checker & { forgive?(): void })[] = [
    mirrors,
    reigns,
    new EpochOrder(mirrors),
    new LogOrder(mirrors, canonical, reigns),
    new DurableBeforeSaid(mirrors),
    new Digests(),
    canonical,
    new QuorumDurability(mirrors, canonical)
  ]
  return {
    checkers,
    canonical,
    committed: () => canonical.decoded,
    forgive: () => {
      for (const checker of checkers) checker.forgive?.()
    }
  }
}
