import { assert, formatZxid, ZXID_ZERO, type Zxid } from '../base/index.js'
import { batchThrough } from '../zab/index.js'
import type { Drawer, Operation } from './drawer.js'
import { logKey, logRange } from './key-space.js'
import { broken, recordThrough } from './log-reader.js'
import { sameLink } from './log-scan.js'
import { encodeLogRecord, linkAtBase, type RecordLink } from './record.js'

/** What removing the end of a log takes. */
export interface LogCut {
  readonly operations: readonly Operation[]
  /** The end of the log behind it. */
  readonly link: RecordLink
}

/** Which log, and where it begins. */
export interface LogPlace {
  readonly generation: number
  readonly zxidBase: Zxid
}

/** Plans the removal of everything behind `zxid`. A record that goes on behind it is replaced by its first part. */
export async function cutLog(drawer: Drawer, place: LogPlace, revision: number, zxid: Zxid): Promise<LogCut> {
  const { generation, zxidBase } = place
  const removed = await drawer.keys(logRange(generation, (zxid + 1) as Zxid, null), Number.POSITIVE_INFINITY)
  const operations: Operation[] = removed.map(key => ({ type: 'del', key }))
  const last = await recordThrough(drawer, generation, zxid)
  if (last === null || last.link.zxidLast < zxidBase) return { operations, link: linkAtBase(zxidBase) }
  if (last.link.zxidLast <= zxid) return { operations, link: last.link }
  const batch = batchThrough(last.batch, zxid)
  assert(batch !== null, 'a record that reaches over the cut begins before it')
  const zxidCommitted = Math.min(last.zxidCommitted, zxid) as Zxid
  const { value, link } = encodeLogRecord({ generation, revision, zxidCommitted, before: last.before }, [batch])
  operations.push({ type: 'put', key: logKey(generation, batch.zxidFirst), value })
  return { operations, link }
}

/** Makes sure that a cut has had its effect: nothing behind the new end, and the end whole. */
export async function verifyCut(drawer: Drawer, generation: number, end: RecordLink): Promise<void> {
  const behind = await drawer.keys(logRange(generation, (end.zxidLast + 1) as Zxid, null), 1)
  const last = await recordThrough(drawer, generation, end.zxidLast)
  const isBase = end.zxidFirst === ZXID_ZERO
  const isEnd = isBase || (last !== null && sameLink(last.link, end))
  if (behind.length > 0 || !isEnd) throw broken(`the log at ${formatZxid(end.zxidLast)}, which was cut there`)
}
