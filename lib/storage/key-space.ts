import { assert, isZxid, ZXID_ZERO, type Zxid } from '../base/index.js'

/**
 * The whole key space of a store, in one place. Keys are text; numbers in them are hexadecimal at full width, so that the order of the
 * bytes is the order of the numbers.
 *
 * | key | value | written |
 * |---|---|---|
 * | `meta` | epochs, identity, which generation and which snapshots count | with every change of one of them |
 * | `txnlog/<generation>/<zxidFirst>` | one log record: the batches of one group commit | by appends |
 * | `manifest/<generation>/<zxid>` | one snapshot's manifest | after its chunks |
 * | `chunk/<generation>/<zxid>/<index>` | one snapshot's chunk | before its manifest |
 *
 * A generation is one history. A replacement is staged in a generation of its own, beside the present one, and takes its place by the one
 * `meta` record that names it; generations only grow, so whatever another one holds is debris and can be told by its key alone.
 *
 * The log's table is the last of all, so that what is appended lies behind everything else there is: LevelDB then moves its files down as they
 * are. With a single key behind the log, it writes everything once more (docs/decisions/0028).
 */
export const META_KEY = 'meta'

export interface KeyRange {
  /** The first key that belongs to it. */
  readonly gte: string
  /** The first key that does not. */
  readonly lt: string
}

export type Table = 'txnlog' | 'manifest' | 'chunk'

/** What a key says. `index` is 0 where the table has none. */
export interface ParsedKey {
  readonly table: Table
  readonly generation: number
  readonly zxid: Zxid
  readonly index: number
}

/** The last generation a key can name: one replacement a second for a century. */
export const GENERATION_MAX = 2 ** 32 - 1

/** '0' is the byte behind '/', so a table's range ends where the separator's successor begins. */
const BEHIND_SEPARATOR = '0'

const PATTERN = /^(?:(txnlog|manifest)\/([0-9a-f]{8})\/([0-9a-f]{16})|(chunk)\/([0-9a-f]{8})\/([0-9a-f]{16})\/([0-9a-f]{8}))$/

export function logKey(generation: number, zxidFirst: Zxid): string {
  return `txnlog/${hex32(generation)}/${hex64(zxidFirst)}`
}

export function manifestKey(generation: number, zxid: Zxid): string {
  return `manifest/${hex32(generation)}/${hex64(zxid)}`
}

export function chunkKey(generation: number, zxid: Zxid, index: number): string {
  return `chunk/${hex32(generation)}/${hex64(zxid)}/${hex32(index)}`
}

/** Everything that one table holds of one generation. */
export function generationRange(table: Table, generation: number): KeyRange {
  return { gte: `${table}/${hex32(generation)}/`, lt: `${table}/${hex32(generation)}${BEHIND_SEPARATOR}` }
}

/** Everything that one table holds of the generations before this one. */
export function generationsBefore(table: Table, generation: number): KeyRange {
  return { gte: `${table}/`, lt: `${table}/${hex32(generation)}/` }
}

/** The log records of a generation whose first txn lies from `first` up to, but not including, `end`. */
export function logRange(generation: number, first: Zxid, end: Zxid | null): KeyRange {
  return { gte: logKey(generation, first), lt: end === null ? generationRange('txnlog', generation).lt : logKey(generation, end) }
}

/** The chunks of one snapshot, in order. */
export function chunkRange(generation: number, zxid: Zxid): KeyRange {
  const prefix = `chunk/${hex32(generation)}/${hex64(zxid)}`
  return { gte: `${prefix}/`, lt: `${prefix}${BEHIND_SEPARATOR}` }
}

/** Every key of a table, also one that a disk has garbled. */
export function tableRange(table: Table): KeyRange {
  return { gte: `${table}/`, lt: `${table}${BEHIND_SEPARATOR}` }
}

/** What a key says, null for one that is not ours to the letter. */
export function parseKey(key: string): ParsedKey | null {
  const match = PATTERN.exec(key)
  if (match === null) return null
  const table = (match[1] ?? match[4]) as Table
  const generation = Number.parseInt(match[2] ?? match[5] ?? '', 16)
  const zxid: number = Number.parseInt(match[3] ?? match[6] ?? '', 16)
  if (!isZxid(zxid)) return null
  return { table, generation, zxid, index: match[7] === undefined ? 0 : Number.parseInt(match[7], 16) }
}

function hex32(value: number): string {
  assert(value >= 0 && value <= GENERATION_MAX, 'a number in a key fits its 32 bits')
  return value.toString(16).padStart(8, '0')
}

function hex64(zxid: Zxid): string {
  assert(zxid >= ZXID_ZERO, 'a zxid in a key is not negative')
  return zxid.toString(16).padStart(16, '0')
}
