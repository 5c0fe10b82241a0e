export { assert, InvariantViolation, present, unreachable } from './assert.js'
export type { ErrorCode, ErrorDetails, Outcome } from './errors.js'
export { ERROR_CODES, isZooKeeperError, ZooKeeperError } from './errors.js'
export { formatHash64, Hash64 } from './hash64.js'
export type { Branded, Epoch, MemberId, SessionId, Ticks } from './ids.js'
export { NO_EPOCH, NO_SESSION } from './ids.js'
export { LIMITS } from './limits.js'
export { Queue } from './queue.js'
export type { Random } from './random.js'
export { randomHex, randomInt, seededRandom } from './random.js'
export { RecentMap } from './recent-map.js'
export type { CancelTimer, Clock, Runtime, Scheduler } from './runtime.js'
export type { Zxid } from './zxid.js'
export {
  COUNTER_MAX,
  counterOf,
  EPOCH_MAX,
  epochOf,
  formatZxid,
  isZxid,
  makeZxid,
  ZXID_ZERO,
  zxidFollows,
  zxidPlus
} from './zxid.js'
