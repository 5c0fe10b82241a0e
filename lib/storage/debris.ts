import { ZXID_ZERO, type Zxid } from '../base/index.js'
import type { Drawer, Operation } from './drawer.js'
import {
  chunkRange,
  generationRange,
  generationsBefore,
  type KeyRange,
  logKey,
  manifestKey,
  type Table,
  tableRange
} from './key-space.js'
import type { Plan } from './plan.js'

const TABLES: readonly Table[] = ['txnlog', 'manifest', 'chunk']

/** Keys that one write removes: bounds how long a sweep holds up the log. */
const KEYS_MAX = 512

/** Removes everything in a range, in bounded writes. */
export async function sweepRange(
  drawer: Drawer,
  range: KeyRange,
  write: (operations: Operation[]) => Promise<void>
): Promise<void> {
  for (;;) {
    const keys = await drawer.keys(range, KEYS_MAX)
    if (keys.length > 0) await write(keys.map(key => ({ type: 'del', key })))
    if (keys.length < KEYS_MAX) return
  }
}

/** Everything of the generations before this one. */
export function rangesReplaced(generation: number): readonly KeyRange[] {
  return TABLES.map(table => generationsBefore(table, generation))
}

/** Everything of one generation: of a replacement that was given up. */
export function rangesOfGeneration(generation: number): readonly KeyRange[] {
  return TABLES.map(table => generationRange(table, generation))
}

/** What lies in the log of a generation before and behind the records that were proven: broken ones, and such as lead nowhere. */
export function rangesBeside(generation: number, proven: KeyRange | null): readonly KeyRange[] {
  const { gte, lt } = generationRange('txnlog', generation)
  if (proven === null) return [{ gte, lt }]
  return [
    { gte, lt: proven.gte },
    { gte: proven.lt, lt }
  ]
}

/** Everything of the generations behind this one. */
export function rangesBehind(generation: number): readonly KeyRange[] {
  return TABLES.map(table => ({ gte: generationRange(table, generation).lt, lt: tableRange(table).lt }))
}

/**
 * What a generation holds that its plan does not list: records that end before the log's base, and snapshots that were dropped or never
 * finished. The record that the base lies in, or ends, stays.
 */
export async function rangesUnlisted(drawer: Drawer, plan: Plan): Promise<readonly KeyRange[]> {
  const { generation } = plan
  return [
    ...(await rangesBeforeBase(drawer, plan)),
    ...gaps(generationRange('manifest', generation), plan, zxid => {
      const gte = manifestKey(generation, zxid)
      return { gte, lt: `${gte}\0` }
    }),
    ...gaps(generationRange('chunk', generation), plan, zxid => chunkRange(generation, zxid))
  ]
}

/** The records that end before the base of the log. */
async function rangesBeforeBase(drawer: Drawer, { generation, log }: Plan): Promise<readonly KeyRange[]> {
  const behindBase = logKey(generation, (log.zxidBase + 1) as Zxid)
  const range = { gte: logKey(generation, ZXID_ZERO), lt: behindBase }
  const kept = await drawer.last(range)
  return kept === null ? [] : [{ gte: range.gte, lt: kept[0] }]
}

/** What lies between, before and behind the parts of a range that belong to listed snapshots. */
function gaps(range: KeyRange, plan: Plan, part: (zxid: Zxid) => KeyRange): readonly KeyRange[] {
  const ranges: KeyRange[] = []
  let { gte } = range
  for (const { zxid } of plan.snapshots) {
    const listed = part(zxid)
    ranges.push({ gte, lt: listed.gte })
    gte = listed.lt
  }
  return [...ranges, { gte, lt: range.lt }]
}
