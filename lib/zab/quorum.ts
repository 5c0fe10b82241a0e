import type { MemberId } from '../base/index.js'

/** Decides which sets of voters may act for all of them. Any two sets it accepts must share a voter. */
export interface QuorumVerifier {
  /** Everybody who may vote, ascending. */
  readonly voters: readonly MemberId[]
  isQuorum(members: ReadonlySet<MemberId>): boolean
}

/** More than half of the voters. */
export function majorityOf(members: readonly MemberId[]): QuorumVerifier {
  const voters = [...members].sort((a, b) => a - b)
  return {
    voters,
    isQuorum: set => voters.filter(voter => set.has(voter)).length > voters.length / 2
  }
}
