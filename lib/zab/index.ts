export type { Batch } from './batch.js'
export { batchAfter, batchOf, batchThrough, isWellFormed, joinBatches, txnsOf, zxidLastOf } from './batch.js'
export type { EpochEnd, LogSummary } from './log-summary.js'
export { commonZxid, EMPTY_LOG, summaryFrom, summaryThrough, summaryWith, zxidLastIn } from './log-summary.js'
