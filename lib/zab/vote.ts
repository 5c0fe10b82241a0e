import type { Epoch, MemberId, Zxid } from '../base/index.js'

/** How far a member's durable history reaches. Compared by epoch first: a longer log of an older epoch may hold what was never committed. */
export interface History {
  readonly epoch: Epoch
  readonly zxid: Zxid
}

/** A proposal for leader and the history it is proposed for. */
export interface Vote extends History {
  readonly leader: MemberId
}

/** Positive when `a` reaches further than `b`. */
export function compareHistories(a: History, b: History): number {
  return a.epoch - b.epoch || a.zxid - b.zxid
}

/** Fast Leader Election's total order: epoch, then zxid, then member id. No vote is worse than any. */
export function isBetterVote(a: Vote | null, b: Vote | null): boolean {
  if (a === null) return false
  if (b === null) return true
  return (compareHistories(a, b) || a.leader - b.leader) > 0
}

export function isSameVote(a: Vote | null, b: Vote | null): boolean {
  return a !== null && b !== null && a.leader === b.leader && a.epoch === b.epoch && a.zxid === b.zxid
}

/**
 * What a member's disk entitles it to.
 *
 * - `member`: holds the ensemble's history; is counted.
 * - `founder`: has promised itself to a new ensemble that has never been established (its current epoch is still 0).
 * - `blank`: has never held anything, as far as it can tell. It may also have been wiped.
 * - `withheld`: holds a history that may lack what it once acknowledged; is counted only after it has been re-admitted.
 */
export type Standing = 'member' | 'founder' | 'blank' | 'withheld'
