import { assert } from './assert.js'
import type { Branded, Epoch } from './ids.js'

/**
 * ZooKeeper's transaction id: the epoch in the upper 32 bits, a counter in the lower 32.
 *
 * In memory it is an ordinary number, `epoch * 2**32 + counter`: exact while the epoch stays below {@link EPOCH_MAX},
 * ordered by `<`, safe in JSON. A counter of 0 never names a txn; it stands for 'the epoch has begun'.
 */
export type Zxid = Branded<number, 'Zxid'>

const COUNTER_SPAN = 2 ** 32

/** The last counter of an epoch. The leader hands over to a new epoch before it would be passed. */
export const COUNTER_MAX = COUNTER_SPAN - 1

/** The last epoch whose every zxid is an exact JavaScript number: two million elections. */
export const EPOCH_MAX = 2 ** 21 - 1

/** Before every txn. */
export const ZXID_ZERO = 0 as Zxid

export function makeZxid(epoch: Epoch, counter: number): Zxid {
  assert(epoch >= 0 && epoch <= EPOCH_MAX, 'an epoch is within its bound')
  assert(counter >= 0 && counter <= COUNTER_MAX, 'a counter fits its 32 bits')
  return (epoch * COUNTER_SPAN + counter) as Zxid
}

export function epochOf(zxid: Zxid): Epoch {
  return Math.floor(zxid / COUNTER_SPAN) as Epoch
}

export function counterOf(zxid: Zxid): number {
  return zxid % COUNTER_SPAN
}

/** The zxid `count` places further in the same epoch. */
export function zxidPlus(zxid: Zxid, count: number): Zxid {
  assert(counterOf(zxid) + count <= COUNTER_MAX, 'a zxid never carries over into the next epoch')
  return (zxid + count) as Zxid
}

/**
 * Whether `zxid` may stand directly behind `last` in a log: the next counter of the same epoch, or the first txn of a later one.
 * Anything else is a gap or a step back (ZOOKEEPER-4925).
 */
export function zxidFollows(zxid: Zxid, last: Zxid): boolean {
  if (epochOf(zxid) === epochOf(last)) return zxid === last + 1
  return zxid > last && counterOf(zxid) === 1
}

/** As ZooKeeper prints it: `0x500000003`. */
export function formatZxid(zxid: Zxid): string {
  return `0x${zxid.toString(16)}`
}

/** Whether a number from outside can be a zxid at all. */
export function isZxid(value: unknown): value is Zxid {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value < (EPOCH_MAX + 1) * COUNTER_SPAN
}
