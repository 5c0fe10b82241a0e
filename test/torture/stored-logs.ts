import { assert, formatZxid, type MemberId, ZXID_ZERO, type Zxid, zxidFollows, zxidPlus } from '../../lib/base/index.js'
import type { CommittedTxn } from '../../lib/sim/history.js'
import { openDirectoryStorage } from '../../lib/storage/index.js'
import { decodeTxn } from '../../lib/wire/index.js'
import { txnsOf, zxidLastIn, zxidLastOf } from '../../lib/zab/index.js'

export interface StoreOfMember {
  readonly member: number
  readonly directory: string
  /** Taken away from its member while the run went on: what it holds beyond what it knew to be committed may be nobody's. */
  readonly wiped: boolean
}

/** The log in one store. */
export interface StoredLog {
  readonly store: StoreOfMember
  /** The log holds what is behind this. */
  readonly zxidBase: Zxid
  readonly txns: ReadonlyMap<Zxid, Uint8Array>
}

const READ_BYTES = 1024 * 1024

/** Reads the logs of stores that nobody holds. */
export async function readStoredLogs(stores: readonly StoreOfMember[], ensembleName: string): Promise<readonly StoredLog[]> {
  const logs: StoredLog[] = []
  for (const store of stores) logs.push(await readStoredLog(store, ensembleName))
  return logs
}

async function readStoredLog(store: StoreOfMember, ensembleName: string): Promise<StoredLog> {
  const memberId = store.member as MemberId
  const storage = await openDirectoryStorage(store.directory, { ensembleName, memberId, snapRetainCount: 1_000 })
  try {
    const { log, zxidCommitted, damage } = storage.state
    assert(damage === null, `the store ${store.directory} is damaged: ${damage?.description}`)
    const zxidEnd = store.wiped ? Math.min(zxidCommitted, zxidLastIn(log)) : zxidLastIn(log)
    const txns = new Map<Zxid, Uint8Array>()
    let after = log.zxidBase
    for (;;) {
      const batches = await storage.readLog(after, READ_BYTES)
      const last = batches.at(-1)
      if (last === undefined) return { store, zxidBase: log.zxidBase, txns }
      for (const batch of batches) {
        txnsOf(batch).forEach((txn, index) => {
          const zxid = zxidPlus(batch.zxidFirst, index)
          if (zxid <= zxidEnd) txns.set(zxid, txn)
        })
      }
      after = zxidLastOf(last)
    }
  } finally {
    await storage.close()
  }
}

/**
 * The one history that all logs are parts of, as far as a quorum of the stores holds it: so far it is committed, whoever has heard of that.
 * @param zxidApplied what every member had applied before the first of them was closed
 * @throws Error where two logs differ, one lacks what another has, or none reaches back to the beginning
 */
export function commonLog(logs: readonly StoredLog[], zxidApplied: Zxid): readonly CommittedTxn[] {
  const merged = new Map<Zxid, { readonly txn: Uint8Array; readonly log: StoredLog }>()
  for (const log of logs) {
    for (const [zxid, txn] of log.txns) {
      const known = merged.get(zxid)
      if (known === undefined) merged.set(zxid, { txn, log })
      else if (Buffer.compare(known.txn, txn) !== 0) {
        throw new Error(`${nameOf(log)} and ${nameOf(known.log)} differ at ${formatZxid(zxid)}`)
      }
    }
  }
  if (!logs.some(({ zxidBase }) => zxidBase === 0)) throw new Error('no log reaches back to the beginning')
  const zxids = [...merged.keys()].sort((one, other) => one - other)
  for (const [index, zxid] of zxids.entries()) {
    const before = zxids[index - 1] ?? ZXID_ZERO
    if (!zxidFollows(zxid, before)) throw new Error(`no log holds what is between ${formatZxid(before)} and ${formatZxid(zxid)}`)
  }
  const ends = logs.filter(({ store }) => !store.wiped).map(endOf)
  // What a wiped store knew to be committed is, even where no quorum has it now.
  const known = Math.max(zxidApplied, ...logs.filter(({ store }) => store.wiped).map(endOf))
  const zxidCommitted = Math.max(known, ends.sort((one, other) => other - one)[Math.floor(ends.length / 2)] ?? 0)
  for (const log of logs) {
    const end = log.store.wiped ? endOf(log) : Math.max(known, Math.min(endOf(log), zxidCommitted))
    const missing = zxids.find(zxid => zxid > log.zxidBase && zxid <= end && !log.txns.has(zxid))
    if (missing !== undefined) throw new Error(`${nameOf(log)} lacks ${formatZxid(missing)}`)
  }
  const committed = zxids.filter(zxid => zxid <= zxidCommitted)
  return committed.map(zxid => ({ zxid, txn: decodeTxn(merged.get(zxid)?.txn ?? new Uint8Array(0)) }))
}

function endOf({ zxidBase, txns }: StoredLog): Zxid {
  return ([...txns.keys()].at(-1) ?? zxidBase) as Zxid
}

function nameOf({ store }: StoredLog): string {
  return `the ${store.wiped ? 'wiped ' : ''}log of member ${store.member}`
}
