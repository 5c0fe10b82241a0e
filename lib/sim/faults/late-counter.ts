import { type Epoch, type MemberId, makeZxid, type Random, randomHex } from '../../base/index.js'
import { SessionTable } from '../../session/index.js'
import type { Storage } from '../../storage/index.js'
import { DataTree } from '../../tree/index.js'
import { encodeSessionChunks, encodeZnodeChunks } from '../../wire/index.js'
import type { VirtualEnsemble } from '../world/virtual-ensemble.js'

/**
 * Puts an ensemble that has been through most of its first epoch on the disks of members that have never run: nothing is in it, but the next
 * txn has the number `counter + 1`, so that the epoch runs out of numbers soon.
 */
export async function furnishLateCounter(ensemble: VirtualEnsemble, counter: number, random: Random): Promise<void> {
  const ensembleId = randomHex(random, 16)
  for (const id of ensemble.ids) await ensemble.furnish(id as MemberId, storage => furnish(storage, ensembleId, counter))
}

async function furnish(storage: Storage, ensembleId: string, counter: number): Promise<void> {
  const epoch = 1 as Epoch
  const zxid = makeZxid(epoch, counter)
  const tree = new DataTree()
  const sessions = new SessionTable()
  tree.advance(zxid)
  const cut = tree.cut()
  const chunks = [...encodeSessionChunks(sessions.snapshot())]
  for (let records = cut.next(100); records.length > 0; records = cut.next(100)) chunks.push(...encodeZnodeChunks(records))
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  const digest = `${tree.digest}${sessions.digest}`
  await storage.write({ kind: 'acceptEpoch', epoch, ensembleId })
  await storage.write({ kind: 'beginReplacement', snapshot: { zxid, chunkCount: chunks.length, bytes, digest } })
  for (const [index, chunk] of chunks.entries()) await storage.write({ kind: 'stageChunk', index, bytes: chunk })
  await storage.write({ kind: 'adoptEpoch', epoch, ensembleId, vote: 'held' })
}
