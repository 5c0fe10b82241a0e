import { assert, type Epoch, present, unreachable, ZooKeeperError, ZXID_ZERO, type Zxid, zxidFollows } from '../base/index.js'
import { EMPTY_LOG, type LogSummary, summaryFrom, summaryThrough, summaryWith, zxidLastIn } from '../zab/index.js'
import type { Damage, SnapshotManifest, StorageChange, VoteState } from './storage.js'

/** A history that is being built beside the present one. */
export interface Replacement {
  readonly generation: number
  readonly snapshot: SnapshotManifest | null
  readonly chunks: number
  readonly bytes: number
  readonly log: LogSummary
  readonly zxidCommitted: Zxid
}

/** What a store holds, or will hold once everything that waits has been written. */
export interface Plan {
  readonly generation: number
  /** The highest generation that has ever been begun. */
  readonly generationLast: number
  readonly ensembleId: string | null
  readonly acceptedEpoch: Epoch
  readonly currentEpoch: Epoch
  readonly vote: VoteState
  readonly log: LogSummary
  readonly snapshots: readonly SnapshotManifest[]
  readonly zxidCommitted: Zxid
  readonly damage: Damage | null
  readonly replacement: Replacement | null
}

export type PlannedChange =
  | StorageChange
  /** A finished snapshot takes its place. Issued by the snapshot's writer, in the order of the changes. */
  | { readonly kind: 'keepSnapshot'; readonly manifest: SnapshotManifest; readonly chunksCrc: number }

/**
 * The plan after one more change; throws where the change breaks a rule. Pure, and asked when the change is issued: what has been accepted
 * here can only fail for the disk's reasons.
 */
export function planned(plan: Plan, change: PlannedChange, snapRetainCount: number): Plan {
  switch (change.kind) {
    case 'append':
      return withBatch(plan, change)
    case 'truncate': {
      assert(plan.damage === null && plan.replacement === null, 'only a whole log is cut')
      const log = summaryThrough(plan.log, change.zxid)
      const snapshots = plan.snapshots.filter(snapshot => snapshot.zxid <= change.zxid)
      return { ...plan, log, snapshots, zxidCommitted: committedIn(log, plan.zxidCommitted) }
    }
    case 'acceptEpoch':
      assert(change.epoch >= plan.acceptedEpoch, 'accepted epochs never go back')
      return { ...plan, acceptedEpoch: change.epoch, ensembleId: change.ensembleId ?? plan.ensembleId }
    case 'adoptEpoch': {
      assert(change.epoch >= plan.currentEpoch, 'adopted epochs never go back')
      assert(change.epoch <= plan.acceptedEpoch, 'an epoch is adopted only after it was accepted')
      const adopted = { ...plan, currentEpoch: change.epoch, ensembleId: change.ensembleId, vote: change.vote }
      return plan.replacement === null ? unreplaced(adopted) : replaced(adopted, plan.replacement)
    }
    case 'admit':
      assert(plan.damage === null, 'a damaged store has no vote')
      return { ...plan, vote: 'held' }
    case 'beginReplacement':
      return begun(plan, change.snapshot)
    case 'stageChunk': {
      const replacement = present(plan.replacement, 'chunks belong to a replacement')
      assert(change.index === replacement.chunks, 'chunks are staged in order')
      assert(change.index < (replacement.snapshot?.chunkCount ?? 0), 'no more chunks than the manifest counts')
      const bytes = replacement.bytes + change.bytes.length
      return { ...plan, replacement: { ...replacement, chunks: replacement.chunks + 1, bytes } }
    }
    case 'abandonReplacement':
      return { ...plan, replacement: null }
    case 'acceptDamage':
      assert(plan.damage !== null && plan.replacement === null, 'there is a damage to accept, and nothing better on its way')
      return { ...plan, damage: null }
    case 'keepSnapshot':
      return withSnapshot(plan, change.manifest, snapRetainCount)
    default:
      return unreachable(change)
  }
}

/** A bound on what is committed that holds for a log: nothing before its base is not, nothing behind its end can be applied. */
export function committedIn(log: LogSummary, zxidCommitted: Zxid): Zxid {
  return Math.max(log.zxidBase, Math.min(zxidCommitted, zxidLastIn(log))) as Zxid
}

function withBatch(plan: Plan, { batch, zxidCommitted }: Extract<StorageChange, { kind: 'append' }>): Plan {
  const target = plan.replacement ?? plan
  assert(plan.replacement !== null || plan.damage === null, 'a damaged log is never extended')
  assert(zxidFollows(batch.zxidFirst, zxidLastIn(target.log)), 'no gap within the log')
  const log = summaryWith(target.log, batch)
  const committed = committedIn(log, Math.max(zxidCommitted, target.zxidCommitted) as Zxid)
  if (plan.replacement === null) return extended(plan, log, committed)
  return { ...plan, replacement: { ...plan.replacement, log, zxidCommitted: committed } }
}

/** PERF: field by field, for it is done for every batch: to spread an object of this size takes longer than all else that is planned of one. */
function extended(plan: Plan, log: LogSummary, zxidCommitted: Zxid): Plan {
  return {
    generation: plan.generation,
    generationLast: plan.generationLast,
    ensembleId: plan.ensembleId,
    acceptedEpoch: plan.acceptedEpoch,
    currentEpoch: plan.currentEpoch,
    vote: plan.vote,
    log,
    snapshots: plan.snapshots,
    zxidCommitted,
    damage: plan.damage,
    replacement: plan.replacement
  }
}

function begun(plan: Plan, snapshot: SnapshotManifest | null): Plan {
  const zxidBase = snapshot?.zxid ?? ZXID_ZERO
  const generation = plan.generationLast + 1
  const log = { ...EMPTY_LOG, zxidBase }
  return {
    ...plan,
    generationLast: generation,
    replacement: { generation, snapshot, chunks: 0, bytes: 0, log, zxidCommitted: zxidBase }
  }
}

function unreplaced(plan: Plan): Plan {
  assert(plan.damage === null, 'damage is repaired by a replacement')
  return plan
}

function replaced(plan: Plan, { generation, snapshot, chunks, bytes, log, zxidCommitted }: Replacement): Plan {
  assert(snapshot === null || chunks === snapshot.chunkCount, 'a replacement is complete before it counts')
  const snapshots = snapshot === null ? [] : [{ ...snapshot, bytes }]
  return { ...plan, generation, log, snapshots, zxidCommitted, damage: null, replacement: null }
}

/**
 * The state at zero counts as a kept snapshot: it is as whole as one can be. So with `snapRetainCount` 3 the log is first shortened when
 * the third snapshot is there, and there are always as many ways to the present state.
 */
function withSnapshot(plan: Plan, manifest: SnapshotManifest, snapRetainCount: number): Plan {
  assert(plan.damage === null, 'a damaged log is not shortened')
  if (manifest.zxid <= (plan.snapshots.at(-1)?.zxid ?? plan.log.zxidBase) || manifest.zxid > zxidLastIn(plan.log)) {
    throw new ZooKeeperError('CLOSED', { message: 'the snapshot was overtaken by a change of the log below it' })
  }
  const snapshots = [...plan.snapshots, manifest]
  const states: readonly { readonly zxid: Zxid }[] =
    plan.log.zxidBase === ZXID_ZERO ? [{ zxid: ZXID_ZERO }, ...snapshots] : snapshots
  const zxidBase = present(states[Math.max(0, states.length - snapRetainCount)], 'at least one state is kept').zxid
  const log = summaryFrom(plan.log, zxidBase)
  return { ...plan, log, snapshots: snapshots.filter(snapshot => snapshot.zxid >= zxidBase) }
}
