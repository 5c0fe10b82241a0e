import { type Epoch, type MemberId, NO_SESSION, type Zxid } from '../lib/base/index.js'
import type { Storage } from '../lib/storage/index.js'
import { PERSISTENT } from '../lib/tree/index.js'
import { encodeTxn, type TxnChange } from '../lib/wire/index.js'
import { type Batch, batchOf } from '../lib/zab/index.js'

const MEMBER = 1 as MemberId
const EPOCH = 1 as Epoch
const ENSEMBLE_ID = 'be'.repeat(16)
const CHILDREN = 1_000
const DATA_BYTES = 100
const TXNS_PER_BATCH = 1_000
const TIME = 1_700_000_000_000

/**
 * The log of a tree of so many znodes: parents of 1,000 children each, 100 bytes of data in every znode. Nothing of it is kept in memory, where it
 * would be work for the garbage collector.
 */
export class TreeHistory {
  readonly #znodes: number

  constructor(znodes: number) {
    this.#znodes = znodes
  }

  get zxidLast(): Zxid {
    return zxidAt(this.#znodes)
  }

  /** The path of the znode that the txn with this number creates, from 1. */
  path(number: number): string {
    return createAt(number)[0]
  }

  /** Writes the whole history into a new store. */
  async write(storage: Storage): Promise<void> {
    await storage.write({ kind: 'acceptEpoch', epoch: EPOCH, ensembleId: ENSEMBLE_ID })
    await storage.write({ kind: 'adoptEpoch', epoch: EPOCH, ensembleId: ENSEMBLE_ID, vote: 'held' })
    for (let first = 0; first < this.#znodes; first += TXNS_PER_BATCH) {
      await storage.write({ kind: 'append', batch: this.#batch(first), zxidCommitted: zxidAt(first) })
    }
  }

  #batch(first: number): Batch {
    const txns: Uint8Array[] = []
    for (let number = first + 1; number <= Math.min(first + TXNS_PER_BATCH, this.#znodes); number++) {
      const [path, parentCversion] = createAt(number)
      txns.push(
        txnOf({ kind: 'create', path, data: dataOf(number), owner: NO_SESSION, lifetime: PERSISTENT, acl: null, parentCversion })
      )
    }
    return batchOf(zxidAt(first + 1), txns)
  }
}

/** Path and parent's count of the znode that the txn with this number creates: one above all, then each parent with its children. */
function createAt(number: number): readonly [path: string, parentCversion: number] {
  if (number === 1) return ['/services', 1]
  const group = Math.floor((number - 2) / (CHILDREN + 1))
  const child = (number - 2) % (CHILDREN + 1)
  const parent = `/services/g${String(group).padStart(4, '0')}`
  return child === 0 ? [parent, group + 1] : [`${parent}/node-${String(child).padStart(5, '0')}`, child]
}

/** The zxid of the txn with this number, from 1. */
export function zxidAt(counter: number): Zxid {
  return (EPOCH * 2 ** 32 + counter) as Zxid
}

/** A txn that sets the data of a znode for the `version`th time. */
export function settingTxn(path: string, version: number): Uint8Array {
  return txnOf({ kind: 'setData', path, data: dataOf(version), version })
}

function txnOf(change: TxnChange): Uint8Array {
  return encodeTxn({ session: NO_SESSION, member: MEMBER, cxid: 0, time: TIME, change })
}

/** No two alike. */
function dataOf(number: number): Uint8Array {
  const data = Buffer.alloc(DATA_BYTES, number & 0xff)
  data.writeUInt32LE(number)
  return data
}
