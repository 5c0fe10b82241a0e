import { assert, counterOf, type Epoch, epochOf, makeZxid, present, ZXID_ZERO, type Zxid } from '../base/index.js'
import { type Batch, zxidLastOf } from './batch.js'

/** The last counter that a log holds of one epoch. */
export interface EpochEnd {
  readonly epoch: Epoch
  readonly counter: number
}

/**
 * What the protocol needs to know of a log: where it begins and the last txn of each epoch in it.
 *
 * A zxid names one txn for ever, and a log that holds a txn of an epoch agrees with that epoch's leader on everything before it
 * (Zab paper, claim 5: local and global primary order). So two summaries are enough to find how far two logs agree.
 */
export interface LogSummary {
  /** The state before the first record: the oldest kept snapshot, or zero. Everything up to here is committed history. */
  readonly zxidBase: Zxid
  /** Ascending by epoch; only epochs with at least one txn behind the base. */
  readonly epochEnds: readonly EpochEnd[]
}

export const EMPTY_LOG: LogSummary = { zxidBase: ZXID_ZERO, epochEnds: [] }

export function zxidLastIn(log: LogSummary): Zxid {
  const end = log.epochEnds.at(-1)
  return end === undefined ? log.zxidBase : makeZxid(end.epoch, end.counter)
}

/** The summary after a batch has been appended. */
export function summaryWith(log: LogSummary, batch: Batch): LogSummary {
  const zxidLast = zxidLastOf(batch)
  assert(batch.zxidFirst > zxidLastIn(log), 'a log only grows at its end')
  const end = { epoch: epochOf(zxidLast), counter: counterOf(zxidLast) }
  const last = log.epochEnds.at(-1)
  const before = last !== undefined && last.epoch === end.epoch ? log.epochEnds.slice(0, -1) : log.epochEnds
  return { zxidBase: log.zxidBase, epochEnds: [...before, end] }
}

/** The summary after everything behind `zxid` has been cut off. */
export function summaryThrough(log: LogSummary, zxid: Zxid): LogSummary {
  assert(zxid >= log.zxidBase, 'a log is never cut below its base: that is committed history')
  const epochEnds: EpochEnd[] = []
  for (const end of log.epochEnds) {
    if (makeZxid(end.epoch, end.counter) <= zxid) epochEnds.push(end)
    else if (end.epoch === epochOf(zxid) && counterOf(zxid) > 0 && zxid > log.zxidBase) {
      epochEnds.push({ epoch: end.epoch, counter: counterOf(zxid) })
    }
  }
  return { zxidBase: log.zxidBase, epochEnds }
}

/** The summary after retention has moved the base up to a kept snapshot. */
export function summaryFrom(log: LogSummary, zxidBase: Zxid): LogSummary {
  return { zxidBase, epochEnds: log.epochEnds.filter(end => makeZxid(end.epoch, end.counter) > zxidBase) }
}

/**
 * The last zxid up to which two logs agree, null when the summaries do not tell.
 *
 * In the latest epoch that both hold txns of, both have a prefix of what its leader proposed; the shorter one is the common part.
 * What follows it in one log does not follow it in the other.
 */
export function commonZxid(ours: LogSummary, theirs: LogSummary): Zxid | null {
  const mine = withBase(ours)
  const other = withBase(theirs)
  for (let index = mine.length - 1; index >= 0; index--) {
    const end = present(mine[index], 'an index within bounds')
    const match = other.find(candidate => candidate.epoch === end.epoch)
    if (match === undefined) continue
    const zxid = makeZxid(end.epoch, Math.min(end.counter, match.counter))
    return zxid >= ours.zxidBase && zxid >= theirs.zxidBase ? zxid : null
  }
  return ours.zxidBase === ZXID_ZERO && theirs.zxidBase === ZXID_ZERO ? ZXID_ZERO : null
}

function withBase(log: LogSummary): readonly EpochEnd[] {
  if (log.zxidBase === ZXID_ZERO) return log.epochEnds
  const base = { epoch: epochOf(log.zxidBase), counter: counterOf(log.zxidBase) }
  return log.epochEnds.some(end => end.epoch === base.epoch) ? log.epochEnds : [base, ...log.epochEnds]
}
