import { randomBytes } from 'node:crypto'
import createDebug from 'debug'
import { ZooKeeperError } from '../base/index.js'
import { zxidLastIn } from '../zab/index.js'
import { rangesBehind, rangesReplaced, rangesUnlisted, sweepRange } from './debris.js'
import type { Drawer, Operation } from './drawer.js'
import { type KeyRange, META_KEY } from './key-space.js'
import { encodeMeta, type Meta } from './meta.js'
import type { Plan } from './plan.js'
import type { RecordLink } from './record.js'
import { recover } from './recovery.js'
import { ChunksCrc } from './snapshot-scan.js'
import type { StorageOptions, StoredState, StoreIdentity } from './storage.js'
import type { Noted, Surroundings } from './surroundings.js'

const debug = createDebug('embedded-zookeeper:storage')

const INCARNATION_BYTES = 16

/** What is known of an open store. */
export interface LoadedStore {
  readonly drawer: Drawer
  /** The meta record as it is on disk. */
  meta: Meta
  /** What is on disk. */
  written: Plan
  /** The ends of the logs that are written to, by generation. */
  readonly links: Map<number, RecordLink>
  /** Where the records lay that were proven at the opening, null when there were none: with damage, others lie beside them. */
  readonly proven: KeyRange | null
  /** Of the snapshot that is being staged. */
  stagedCrc: ChunksCrc
  noted: Noted
}

/**
 * Opens a store, verifies it, and writes down that it has been opened. Nothing is removed that could still be needed.
 *
 * `former` is what was known of it when it is opened again, and `failure` what ended that; both null at first.
 */
export async function loadStore(
  surroundings: Surroundings,
  options: StorageOptions,
  former: LoadedStore | null,
  failure: unknown
): Promise<LoadedStore> {
  const opened = await surroundings.open(failure)
  const { drawer } = opened
  const recovery = await recover(opened, options, () => newIdentity(options))
  const { identity } = recovery.meta
  if (former !== null && identity.incarnation !== former.meta.identity.incarnation) {
    throw new ZooKeeperError('STORAGE_FAILED', {
      message: `store ${former.meta.identity.incarnation} is gone from where it was opened`
    })
  }
  const { generation, ensembleId, acceptedEpoch, currentEpoch, vote } = recovery.meta
  const { log, zxidCommitted, damage, generationLast } = recovery
  const snapshots = recovery.snapshots.map(({ zxid, chunkCount, bytes, digest }) => ({ zxid, chunkCount, bytes, digest }))
  const history = { log, snapshots, zxidCommitted, damage, replacement: null }
  const written: Plan = { generation, generationLast, ensembleId, acceptedEpoch, currentEpoch, vote, ...history }
  const damageFound = damage === null ? null : { description: damage.description, generationLast }
  const found = { ...recovery.meta, run: recovery.meta.run + 1, damage: recovery.meta.damage ?? damageFound }
  const meta = nextMeta(found, written)
  const removals: Operation[] = (damage === null ? recovery.broken : []).map(key => ({ type: 'del', key }))
  await drawer.batch([...removals, { type: 'put', key: META_KEY, value: encodeMeta(meta) }])
  const noted = notedOf(meta, written)
  await surroundings.settle(identity, noted)
  const debris =
    meta.damage === null
      ? [...rangesReplaced(generation), ...rangesBehind(generation), ...(await rangesUnlisted(drawer, written))]
      : rangesBehind(meta.damage.generationLast)
  for (const range of debris) await sweepRange(drawer, range, operations => drawer.batch(operations))
  if (damage === null) await surroundings.discardRemains()
  else debug('damaged: %s', damage.description)
  const links = new Map([[generation, recovery.link]])
  const { records: proven } = recovery
  return { drawer, meta, written, links, proven, stagedCrc: new ChunksCrc(), noted }
}

function newIdentity({ ensembleName, memberId, random }: StorageOptions): StoreIdentity {
  const bytes = random?.bytes(INCARNATION_BYTES) ?? randomBytes(INCARNATION_BYTES)
  return { ensembleName, memberId, incarnation: Buffer.from(bytes).toString('hex') }
}

/** The meta record that a plan asks for. A replacement that is complete has repaired every damage. */
export function nextMeta(meta: Meta, plan: Plan): Meta {
  const { generation, ensembleId, acceptedEpoch, currentEpoch, vote, log, snapshots, damage } = plan
  return {
    identity: meta.identity,
    run: meta.run,
    revision: meta.revision + 1,
    generation,
    ensembleId,
    acceptedEpoch,
    currentEpoch,
    vote,
    zxidBase: log.zxidBase,
    zxidEnd: zxidLastIn(log),
    snapshots: snapshots.map(({ zxid }) => zxid),
    damage: damage === null ? null : meta.damage
  }
}

/** What the contract shows of it. */
export function stateOf({ identity, run }: Meta, plan: Plan): StoredState {
  const { ensembleId, acceptedEpoch, currentEpoch, vote, log, snapshots, zxidCommitted, damage } = plan
  return { identity, run, ensembleId, acceptedEpoch, currentEpoch, vote, log, snapshots, zxidCommitted, damage }
}

/** What is noted beside the database once it is written. */
export function notedOf({ revision }: Meta, { log, acceptedEpoch, currentEpoch }: Plan): Noted {
  return { revision, zxidEnd: zxidLastIn(log), acceptedEpoch, currentEpoch }
}
