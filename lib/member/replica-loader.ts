import { isZooKeeperError, LIMITS, type Runtime, ZooKeeperError } from '../base/index.js'
import { type MemberRecord, type SessionRecord, SessionTable } from '../session/index.js'
import type { SnapshotManifest, Storage } from '../storage/index.js'
import { TreeRestorer } from '../tree/index.js'
import { decodeSnapshotChunk } from '../wire/index.js'
import { Replica } from './replica.js'

/** Znodes restored between two looks at the clock. A chunk of them at once takes 20 ms in a process that has just begun. */
const ZNODES_PER_LOOK = 32

/**
 * The state of the newest stored snapshot, or the empty one. Works in slices.
 *
 * @throws ZooKeeperError `LOG_CORRUPTED` when the snapshot is not whole, or is not what its manifest says
 */
export async function loadReplica(storage: Storage, runtime: Runtime): Promise<Replica> {
  const snapshot = storage.state.snapshots.at(-1)
  if (snapshot === undefined) return new Replica()
  try {
    return await restore(storage, runtime, snapshot)
  } catch (error) {
    if (!isZooKeeperError(error, 'BAD_FRAME')) throw error
    throw new ZooKeeperError('LOG_CORRUPTED', { message: 'a snapshot cannot be read', zxid: snapshot.zxid, cause: error })
  }
}

async function restore(storage: Storage, runtime: Runtime, snapshot: SnapshotManifest): Promise<Replica> {
  const tree = new TreeRestorer()
  const sessions: SessionRecord[] = []
  const members: MemberRecord[] = []
  let sliceEnd = runtime.clock.monotonic() + LIMITS.sliceMilliseconds
  const turnWhenDue = async (): Promise<void> => {
    if (runtime.clock.monotonic() < sliceEnd) return
    await new Promise<void>(resolve => runtime.scheduler.post(resolve))
    sliceEnd = runtime.clock.monotonic() + LIMITS.sliceMilliseconds
  }
  for (let index = 0; index < snapshot.chunkCount; index++) {
    const chunk = decodeSnapshotChunk(await storage.readSnapshotChunk(snapshot.zxid, index))
    await turnWhenDue()
    if (chunk.kind === 'sessions') sessions.push(...chunk.records)
    else if (chunk.kind === 'members') members.push(...chunk.records)
    else {
      for (let first = 0; first < chunk.records.length; first += ZNODES_PER_LOOK) {
        tree.add(chunk.records.slice(first, first + ZNODES_PER_LOOK))
        await turnWhenDue()
      }
    }
  }
  const replica = new Replica(tree.finish(snapshot.zxid), SessionTable.restore({ sessions, members }))
  if (replica.digest !== snapshot.digest) {
    throw new ZooKeeperError('LOG_CORRUPTED', {
      message: 'a snapshot does not have the digest it was written with',
      zxid: snapshot.zxid
    })
  }
  return replica
}
