import { formatHash64, Hash64, type Zxid } from '../../../lib/base/index.js'
import { Applier } from '../../../lib/member/applier.js'
import type { Replica } from '../../../lib/member/replica.js'
import { Snapshotter } from '../../../lib/member/snapshotter.js'
import { type Caller, DataTree, type Operation, PendingTree, type TreeChange } from '../../../lib/tree/index.js'
import { decodeTxn } from '../../../lib/wire/index.js'
import { type Batch, batchOf, txnsOf } from '../../../lib/zab/index.js'
import { type Mutant, onStore, patch, patchGetter, together } from './mutant.js'

/** All members alike carry out something else than was logged. */
function applying(change: (change: TreeChange, tree: DataTree) => TreeChange) {
  return patch(
    DataTree.prototype,
    'apply',
    original =>
      function (this: DataTree, asked: TreeChange, zxid: Zxid, time: number) {
        return original.call(this, change(asked, this), zxid, time)
      }
  )
}

/** What the log says and what the state becomes. */
export const TREE: readonly Mutant[] = [
  {
    name: 'an ephemeral survives its session',
    breakIt: () =>
      applying(change => (change.kind === 'deleteEphemerals' ? { ...change, paths: change.paths.slice(0, -1) } : change))
  },
  {
    name: 'a sequential number is used again after a delete',
    breakIt: () => {
      let tree: DataTree | null = null
      return together(
        patch(
          DataTree.prototype,
          'countersOf',
          original =>
            function (this: DataTree, path: string) {
              tree = this
              return original.call(this, path)
            }
        ),
        patch(
          PendingTree.prototype,
          'prepare',
          original =>
            function (this: PendingTree, operation: Operation, caller: Caller, zxid: Zxid, time: number) {
              if (operation.kind !== 'create' || !operation.sequential || tree === null)
                return original.call(this, operation, caller, zxid, time)
              const last = operation.path.lastIndexOf('/')
              const count = tree.exists(last === 0 ? '/' : operation.path.slice(0, last))?.numChildren ?? 0
              const path = operation.path + String(count).padStart(10, '0')
              const change = original.call(this, { ...operation, path, sequential: false }, caller, zxid, time)
              return change.kind === 'refused' ? original.call(this, operation, caller, zxid, time) : change
            }
        )
      )
    }
  },
  {
    name: 'half of a multi is applied',
    breakIt: () =>
      applying(change =>
        change.kind === 'multi' &&
        change.changes.length > 1 &&
        change.changes.every(({ kind }) => kind === 'setData' || kind === 'check')
          ? { ...change, changes: change.changes.slice(0, Math.ceil(change.changes.length / 2)) }
          : change
      )
  },
  {
    // A snapshot that mixes two states does not have the digest in its manifest, and is refused when it is loaded. One that is called by the
    // wrong name has.
    name: 'a snapshot is not a cut: it is called by what was applied when its writing ended',
    plan: { snapCount: 20 },
    breakIt: () => {
      let inHand: Replica | null = null
      return together(
        patch(
          Snapshotter.prototype,
          'onApplied',
          original =>
            function (this: Snapshotter, replica: Replica) {
              inHand = replica
              original.call(this, replica)
            }
        ),
        onStore(storage => ({
          beginSnapshot: zxid => {
            const replica = inHand
            const chunks: Uint8Array[] = []
            return {
              chunk: async bytes => {
                chunks.push(bytes)
              },
              finish: async digest => {
                const writer = storage.beginSnapshot(replica?.zxidApplied ?? zxid)
                for (const chunk of chunks) await writer.chunk(chunk)
                return writer.finish(digest)
              },
              abandon: async () => {}
            }
          }
        }))
      )
    }
  },
  {
    name: 'replay is not idempotent: what is gone through again is stamped anew',
    breakIt: () =>
      patch(
        DataTree.prototype,
        'apply',
        original =>
          function (this: DataTree, change: TreeChange, zxid: Zxid, time: number) {
            const since = (applied.get(this) ?? 0) + 1
            applied.set(this, since)
            return original.call(this, change, zxid, this.zxidApplied > 0 && since <= 5 ? time + 1 : time)
          }
      )
  },
  {
    name: 'the digest ignores the Stat',
    breakIt: () => patchGetter(DataTree.prototype, 'digest', (_, tree) => plainDigest(tree))
  },
  {
    name: 'proposals are applied out of order',
    breakIt: () =>
      patch(
        Applier.prototype,
        'offer',
        original =>
          function (this: Applier, batch: Batch) {
            original.call(this, swapped(batch))
          }
      )
  }
]

const applied = new WeakMap<DataTree, number>()

/** Of paths and data alone. */
function plainDigest(tree: DataTree): string {
  let low = 0
  let high = 0
  const hash = new Hash64()
  const walk = (path: string) => {
    hash
      .start()
      .text(path)
      .text(String(tree.getData(path)?.data))
      .finish()
    low = (low + hash.low) | 0
    high = (high + hash.high) | 0
    for (const child of tree.getChildren(path)?.children ?? []) walk(path === '/' ? `/${child}` : `${path}/${child}`)
  }
  walk('/')
  return formatHash64(low, high)
}

/** Two changes of data change places, if they are of different znodes and sessions: otherwise it would be noticed when they are applied. */
function swapped(batch: Batch): Batch {
  const txns = txnsOf(batch)
  const decoded = txns.map(bytes => decodeTxn(bytes))
  const place = decoded.findIndex(({ change, session }, index) => {
    const next = decoded[index + 1]
    if (change.kind !== 'setData' || next?.change.kind !== 'setData') return false
    return change.path !== next.change.path && session !== next.session
  })
  const [one, other] = [txns[place], txns[place + 1]]
  if (place < 0 || one === undefined || other === undefined) return batch
  return batchOf(batch.zxidFirst, txns.with(place, other).with(place + 1, one))
}
