import { type Epoch, formatZxid, ZooKeeperError, ZXID_ZERO, type Zxid } from '../base/index.js'
import { EMPTY_LOG, type LogSummary, zxidLastIn } from '../zab/index.js'
import { type Drawer, levelCode } from './drawer.js'
import { type KeyRange, logKey, META_KEY, parseKey, type Table, tableRange } from './key-space.js'
import { describeStretches, holds, type LogScan, logBehind, type Stretch, sameLink, scanLog } from './log-scan.js'
import { decodeMeta, type Meta, type StoredManifest } from './meta.js'
import { committedIn } from './plan.js'
import { linkAtBase, type RecordLink } from './record.js'
import { scanSnapshot } from './snapshot-scan.js'
import type { Damage, StorageOptions, StoreIdentity } from './storage.js'
import type { Noted, Opened } from './surroundings.js'

/** What a store holds, as proven by reading all of it. Nothing has been changed yet. */
export interface Recovery {
  /** As found, or as it must be assumed where it was lost. */
  readonly meta: Meta
  readonly log: LogSummary
  /** The end of the log, as the next record names it. */
  readonly link: RecordLink
  /** Where the records of the log lie, null when there are none. */
  readonly records: KeyRange | null
  readonly snapshots: readonly StoredManifest[]
  readonly zxidCommitted: Zxid
  readonly damage: Damage | null
  /** Keys of the log whose records are not whole. Where there is no damage, a crash has left them there, and nobody misses them. */
  readonly broken: readonly string[]
  /** The highest generation that any key names. */
  readonly generationLast: number
}

/** The part of a store that can be proven. */
interface Proof {
  readonly log: LogSummary
  readonly link: RecordLink
  readonly records: KeyRange | null
  readonly snapshots: readonly StoredManifest[]
  readonly zxidCommitted: Zxid
}

const TABLES: readonly Table[] = ['txnlog', 'manifest', 'chunk']

/**
 * Verifies a store. `mint` makes the identity of one that is new.
 *
 * Throws `ENSEMBLE_MISMATCH` for a store of another ensemble or member, `FORMAT_VERSION` for a newer one, `LOG_CORRUPTED` for one whose parts
 * belong to different stores. Everything else that is wrong is damage, and is described and kept.
 */
export async function recover(opened: Opened, options: StorageOptions, mint: () => StoreIdentity): Promise<Recovery> {
  const { drawer, noted } = opened
  if (opened.identity !== null) checkIdentity(opened.identity, options)
  const { last: generationLast, empty } = await scanKeys(drawer)
  const value = await readable(() => drawer.get(META_KEY))
  const meta = value == null ? null : decodeMeta(value)
  if (meta === null) {
    const isNew = value === undefined && empty && opened.identity === null && noted === null && opened.loss === null
    return unproven(isNew, opened, opened.identity ?? mint(), generationLast)
  }
  checkIdentity(meta.identity, options)
  checkSameStore(opened.identity, meta.identity)
  if (meta.acceptedEpoch < meta.currentEpoch) {
    throw corrupted(`epoch ${meta.currentEpoch} was adopted, but only ${meta.acceptedEpoch} accepted`)
  }
  const scan = await scanLog(drawer, meta)
  const snapshots = await wholeSnapshots(drawer, meta)
  const proof = prove(meta, scan.stretches, snapshots)
  const proven = zxidLastIn(proof.log)
  const damage = meta.damage?.description ?? opened.loss ?? findDamage(meta, scan, proof, noted)
  const revisionSeen = Math.max(meta.revision, scan.revision, isNoted(noted) ? noted.revision : 0)
  return {
    meta: {
      ...meta,
      run: runBefore(meta, revisionSeen),
      revision: revisionSeen,
      acceptedEpoch: higher(meta.acceptedEpoch, noted, 'acceptedEpoch')
    },
    ...proof,
    damage: damage === null ? null : { description: damage, zxidProven: proven },
    broken: scan.broken,
    generationLast: Math.max(generationLast, meta.generation)
  }
}

/** A store without a meta record: a new one, or one that has lost everything that could prove anything. */
function unproven(isNew: boolean, opened: Opened, identity: StoreIdentity, generationLast: number): Recovery {
  const { noted, loss } = opened
  const revision = isNoted(noted) ? noted.revision : 0
  const description = isNew ? null : (loss ?? 'the record that says what the store holds is missing or broken')
  const meta: Meta = {
    identity,
    // No run had a higher number; see runBefore.
    run: revision,
    revision,
    generation: generationLast + 1,
    ensembleId: null,
    acceptedEpoch: higher(0 as Epoch, noted, 'acceptedEpoch'),
    currentEpoch: higher(0 as Epoch, noted, 'currentEpoch'),
    vote: isNew ? 'held' : 'withheld',
    zxidBase: ZXID_ZERO,
    zxidEnd: ZXID_ZERO,
    snapshots: [],
    damage: null
  }
  return {
    meta,
    log: EMPTY_LOG,
    link: linkAtBase(ZXID_ZERO),
    records: null,
    snapshots: [],
    zxidCommitted: ZXID_ZERO,
    damage: description === null ? null : { description, zxidProven: ZXID_ZERO },
    broken: [],
    generationLast: generationLast + 1
  }
}

/**
 * The furthest state that can be reached from a whole snapshot, or from the empty state at zero, by whole records that follow each other;
 * and, among the ways that lead there, the one that begins earliest.
 */
function prove(meta: Meta, stretches: readonly Stretch[], snapshots: readonly StoredManifest[]): Proof {
  const states = [...(meta.zxidBase === ZXID_ZERO ? [ZXID_ZERO] : []), ...snapshots.map(({ zxid }) => zxid)]
  let best: Proof = {
    log: EMPTY_LOG,
    link: linkAtBase(ZXID_ZERO),
    records: null,
    snapshots: [],
    zxidCommitted: ZXID_ZERO
  }
  let reached = -1
  for (const zxidBase of states) {
    const stretch = stretches.findLast(candidate => holds(candidate, zxidBase))
    const log = stretch === undefined ? { zxidBase, epochEnds: [] } : logBehind(stretch, zxidBase)
    if (zxidLastIn(log) <= reached) continue
    reached = zxidLastIn(log)
    const kept = snapshots.filter(({ zxid }) => zxid >= zxidBase && zxid <= reached)
    const link = stretch?.end ?? linkAtBase(zxidBase)
    const records = stretch === undefined ? null : recordsOf(stretch, meta.generation)
    best = { log, link, records, snapshots: kept, zxidCommitted: committedIn(log, stretch?.zxidCommitted ?? zxidBase) }
  }
  return best
}

function recordsOf({ zxidFirst, end }: Stretch, generation: number): KeyRange {
  return { gte: logKey(generation, zxidFirst), lt: `${logKey(generation, end.zxidFirst)}\0` }
}

/**
 * Why more than what is proven may have been acknowledged, null when that is certainly not so.
 *
 * One write is in flight at a time, and a record is one atomic write. So a whole record behind the end of what is proven shows that what is
 * missing before it had been acknowledged; and a broken one with nothing whole behind it was being written when the process died, provided
 * that the note says that nothing so late was acknowledged. Without a note that cannot be told from a broken record that was.
 */
function findDamage(meta: Meta, scan: LogScan, proof: Proof, noted: Opened['noted']): string | null {
  const proven = zxidLastIn(proof.log)
  const places = describeStretches(scan.stretches)
  if (scan.unreadable) return `the database cannot read its log: ${places}`
  if (noted === 'missing') return 'the note of what was acknowledged is missing or broken'
  const revisionSeen = Math.max(scan.revision, noted?.revision ?? 0)
  if (revisionSeen > meta.revision) return `revision ${revisionSeen} was acknowledged, but revision ${meta.revision} was found`
  if (proven < meta.zxidEnd) return `the log reached ${formatZxid(meta.zxidEnd)}; proven is ${formatZxid(proven)}: ${places}`
  if (noted !== null && noted.revision === meta.revision && proven < noted.zxidEnd) {
    return `${formatZxid(noted.zxidEnd)} was acknowledged; proven is ${formatZxid(proven)}: ${places}`
  }
  const stray = scan.stretches.some(({ end }) => end.zxidLast > proof.log.zxidBase && !sameLink(end, proof.link))
  if (stray) return `proven is ${formatZxid(proven)}, and more lies beside it or behind a hole: ${places}`
  const broken = scan.broken.filter(key => !liesBefore(key, proof.log.zxidBase))
  if (broken.length > 0 && noted?.revision !== meta.revision) return `not whole: ${broken.slice(0, 5).join(', ')}`
  return null
}

/**
 * No number of a run may be given twice: peers, and the sessions in the log, would take two processes for one. Every run writes at least one
 * revision, so none has a higher number than the highest revision that anything names. A meta record that is older may not know the last runs.
 */
function runBefore(meta: Meta, revisionSeen: number): number {
  return revisionSeen > meta.revision ? revisionSeen : meta.run
}

/** Snapshots that are listed, there and whole, ascending. */
async function wholeSnapshots(drawer: Drawer, meta: Meta): Promise<readonly StoredManifest[]> {
  const whole: StoredManifest[] = []
  for (const zxid of meta.snapshots) {
    const manifest = await readable(() => scanSnapshot(drawer, meta.generation, zxid))
    if (manifest !== null) whole.push(manifest)
  }
  return whole
}

/** Which generations there are. */
async function scanKeys(drawer: Drawer): Promise<{ readonly last: number; readonly empty: boolean }> {
  let last = 0
  let empty = true
  for (const table of TABLES) {
    const range = tableRange(table)
    let entry = await readable(() => drawer.last(range))
    if (entry !== null) empty = false
    // A key that a disk has garbled may come last.
    while (entry !== null && parseKey(entry[0]) === null) {
      const lt = entry[0]
      entry = await readable(() => drawer.last({ ...range, lt }))
    }
    if (entry !== null) last = Math.max(last, parseKey(entry[0])?.generation ?? 0)
  }
  return { last, empty }
}

/** What a read finds, null where LevelDB itself finds its tables broken. Any other failure says nothing about what is there. */
async function readable<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read()
  } catch (error) {
    if (levelCode(error) === 'LEVEL_CORRUPTION') return null
    throw error
  }
}

/** Throws `ENSEMBLE_MISMATCH`, naming both, for data of another ensemble or member. */
export function checkIdentity(found: StoreIdentity, options: StorageOptions): void {
  if (found.ensembleName === options.ensembleName && found.memberId === options.memberId) return
  throw new ZooKeeperError('ENSEMBLE_MISMATCH', {
    message:
      `the data belongs to member ${found.memberId} of ensemble '${found.ensembleName}', ` +
      `and was opened as member ${options.memberId} of ensemble '${options.ensembleName}'`
  })
}

function checkSameStore(outside: StoreIdentity | null, inside: StoreIdentity): void {
  if (outside === null || outside.incarnation === inside.incarnation) return
  throw corrupted(`the directory is store ${outside.incarnation}, and the database in it is store ${inside.incarnation}`)
}

function higher<K extends 'acceptedEpoch' | 'currentEpoch'>(epoch: Epoch, noted: Opened['noted'], which: K): Epoch {
  return isNoted(noted) ? (Math.max(epoch, noted[which]) as Epoch) : epoch
}

function isNoted(noted: Opened['noted']): noted is Noted {
  return noted !== null && noted !== 'missing'
}

/** Whether a broken record begins within what a snapshot holds anyway. What it may hold beyond is missed, or not, by the others. */
function liesBefore(key: string, zxidBase: Zxid): boolean {
  const place = parseKey(key)
  return place !== null && place.zxid <= zxidBase
}

function corrupted(message: string): ZooKeeperError {
  return new ZooKeeperError('LOG_CORRUPTED', { message })
}
