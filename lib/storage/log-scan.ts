import { counterOf, epochOf, formatZxid, type Zxid, zxidFollows } from '../base/index.js'
import { type LogSummary, summaryFrom, summaryWith } from '../zab/index.js'
import { type Drawer, levelCode } from './drawer.js'
import { generationRange, parseKey } from './key-space.js'
import type { Meta } from './meta.js'
import { decodeLogRecord, type RecordLink, type WholeRecord } from './record.js'

/** A stretch of log in which every record is whole and names the one before it. */
export interface Stretch {
  /** Where its first record begins. */
  readonly zxidFirst: Zxid
  /** `zxidBase` is what its first record stands directly behind. */
  readonly log: LogSummary
  /** Its last record, as a successor names it. */
  readonly end: RecordLink
  readonly zxidCommitted: Zxid
}

/** What lies in the log's key range. */
export interface LogScan {
  /** In the order of the keys. */
  readonly stretches: readonly Stretch[]
  /** Keys whose value is not whole or not their own, and keys that are none of ours. */
  readonly broken: readonly string[]
  /** LevelDB itself found its tables broken before the end: what lies behind is unknown. */
  readonly unreadable: boolean
  /** The highest revision that a whole record names. */
  readonly revision: number
}

/** Reads and verifies every record of the log: version, CRC, key, chain and contiguity. PERF: reads the whole log. */
export async function scanLog(drawer: Drawer, meta: Meta): Promise<LogScan> {
  const { generation } = meta
  const stretches: Stretch[] = []
  const broken: string[] = []
  let revision = 0
  let last: Stretch | null = null
  try {
    for await (const [key, value] of drawer.entries(generationRange('txnlog', generation))) {
      const place = parseKey(key)
      const record: WholeRecord | null = place === null ? null : decodeLogRecord(value, generation, place.zxid)
      if (record === null || !zxidFollows(record.batch.zxidFirst, record.before.zxidLast) || isOfThePast(record, meta)) {
        broken.push(key)
        last = null
        continue
      }
      revision = Math.max(revision, record.revision)
      const continues: boolean = last !== null && sameLink(record.before, last.end)
      if (continues) stretches.pop()
      last = extended(continues ? last : null, record)
      stretches.push(last)
    }
  } catch (error) {
    if (levelCode(error) !== 'LEVEL_CORRUPTION') throw error
    return { stretches, broken, unreadable: true, revision }
  }
  return { stretches, broken, unreadable: false, revision }
}

/**
 * Whether a record has been cut off since, and a disk has brought it back. At every change of meta the log ends with a record, so none lies
 * across that end, and what lies behind it was written later.
 */
function isOfThePast({ batch, link, revision }: WholeRecord, meta: Meta): boolean {
  return link.zxidLast > meta.zxidEnd && (batch.zxidFirst <= meta.zxidEnd || revision < meta.revision)
}

/** Whether a state at `zxid` can be carried on by this stretch: it is its base, or a txn of it. */
export function holds(stretch: Stretch, zxid: Zxid): boolean {
  if (zxid === stretch.log.zxidBase) return true
  const end = stretch.log.epochEnds.find(({ epoch }) => epoch === epochOf(zxid))
  if (end === undefined || zxid < stretch.log.zxidBase) return false
  return counterOf(zxid) >= 1 && counterOf(zxid) <= end.counter
}

/** What a stretch says of the log behind `zxidBase`, which it holds. */
export function logBehind(stretch: Stretch, zxidBase: Zxid): LogSummary {
  return summaryFrom(stretch.log, zxidBase)
}

/** For people: where whole stretches begin and end. */
export function describeStretches(stretches: readonly Stretch[]): string {
  const places = stretches.map(({ log, end }) => `behind ${formatZxid(log.zxidBase)} to ${formatZxid(end.zxidLast)}`)
  return places.length === 0 ? 'no whole record' : `whole records ${places.slice(0, 5).join(', ')}`
}

export function sameLink(one: RecordLink, other: RecordLink): boolean {
  return one.zxidFirst === other.zxidFirst && one.zxidLast === other.zxidLast && one.crc === other.crc
}

function extended(stretch: Stretch | null, record: WholeRecord): Stretch {
  const before = stretch?.log ?? { zxidBase: record.before.zxidLast, epochEnds: [] }
  const zxidCommitted = Math.max(stretch?.zxidCommitted ?? 0, record.zxidCommitted) as Zxid
  const zxidFirst = stretch?.zxidFirst ?? record.batch.zxidFirst
  return { zxidFirst, log: summaryWith(before, record.batch), end: record.link, zxidCommitted }
}
