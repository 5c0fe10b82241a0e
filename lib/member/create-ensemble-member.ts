import { createEnsembleMemberIn } from './compose.js'
import type { EnsembleMember } from './ensemble-member.js'
import type { MemberOptions, Peers } from './options.js'

/**
 * Makes this process a member of the ensemble: it votes, logs, holds the whole tree in its own memory, and has a session.
 *
 * Resolves when the member serves: it has a quorum, is synchronized, and has its session. Rejects, with nothing left running and no file
 * locked, with a `ZooKeeperError`:
 * - `BAD_ARGUMENTS`: peers or options are wrong; the message names the field
 * - `ADDRESS_UNAVAILABLE`: the member's address cannot be listened on
 * - `DATA_DIR_IN_USE`, `DATA_DIR_UNSAFE`, `FORMAT_VERSION`: the data directory is held by another process, open to others, or of a newer format
 * - `ENSEMBLE_MISMATCH`: the data directory, or a peer, is of another ensemble or another id
 * - `LOG_CORRUPTED`: a lone member's log cannot be proven whole (in an ensemble it is repaired from the peers instead)
 * - `PEER_LIST_MISMATCH`, `DUPLICATE_ID`, `AUTHENTICATION_FAILED`: so many peers refuse this member that there can be no quorum
 * - `START_TIMEOUT`: no quorum within `startTimeout`; the message says what was missing
 * - or the reason of `options.signal`.
 *
 * @param peers every member's address, in order (ids 1 to n) or by id: `tcp://host:port`, `host:port`, `ipc:///path/to.sock`, `ipc:name`,
 * `memory:name`. Every member is given the same; one address alone is an ensemble of one.
 */
export function createEnsembleMember(peers: Peers, options: MemberOptions = {}): Promise<EnsembleMember> {
  return createEnsembleMemberIn(peers, options)
}
