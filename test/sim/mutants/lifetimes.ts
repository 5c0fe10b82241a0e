import type { Zxid } from '../../../lib/base/index.js'
import { ContainerReaper } from '../../../lib/member/container-reaper.js'
import { Replica } from '../../../lib/member/replica.js'
import { DataTree, PendingTree, type TreeChange, TreeRestorer, type ZnodeRecord } from '../../../lib/tree/index.js'
import { PendingRecords } from '../../../lib/tree/pending-records.js'
import { type Broken, committedBehind, type Mutant, onStore, patch, patchGetter, together } from './mutant.js'

/** What goes by itself, and what is kept of it. */
export const LIFETIMES: readonly Mutant[] = [
  {
    name: 'a container is removed although a child is on its way',
    breakIt: () => {
      const records = new WeakMap<PendingTree, DataTree>()
      return together(
        committedBehind(records),
        patch(
          PendingTree.prototype,
          'isRemovable',
          original =>
            function (this: PendingTree, path: string, time: number) {
              const stat = records.get(this)?.exists(path)
              return original.call(this, path, time) || (stat?.numChildren === 0 && stat.cversion > 0)
            }
        )
      )
    }
  },
  {
    // The reaper looks and the leader removes in one turn; so what it has found waits here for some ticks.
    name: 'the age of a TTL znode is not looked at again when it is removed',
    breakIt: () =>
      together(
        removedLate(5),
        patch(
          PendingTree.prototype,
          'prepareDeleteContainer',
          original =>
            function (this: PendingTree, path: string, zxid: Zxid) {
              return original.call(this, path, zxid, Number.MAX_SAFE_INTEGER)
            }
        )
      )
  },
  {
    name: 'the age of a TTL znode is counted from its creation',
    breakIt: () =>
      patch(
        DataTree.prototype,
        'countersOf',
        original =>
          function (this: DataTree, path: string) {
            const counters = original.call(this, path)
            return counters === null ? null : { ...counters, mtime: counters.ctime }
          }
      )
  },
  {
    name: 'a touch raises the version',
    breakIt: () =>
      applying((change, tree) => {
        if (change.kind !== 'touch') return change
        const { data, stat } = tree.getData(change.path) ?? { data: null, stat: { version: 0 } }
        return { kind: 'setData', path: change.path, data, version: stat.version + 1 }
      })
  },
  {
    name: 'a touch changes nothing',
    breakIt: () =>
      patch(
        DataTree.prototype,
        'apply',
        original =>
          function (this: DataTree, change: TreeChange, zxid: Zxid, time: number) {
            const untouched = change.kind === 'touch' ? this.exists(change.path)?.mtime : undefined
            return original.call(this, change, zxid, untouched ?? time)
          }
      )
  },
  {
    name: 'containers and TTL znodes are forgotten by whoever leads',
    breakIt: () => patch(ContainerReaper.prototype, 'onTick', () => () => [])
  },
  {
    name: 'a snapshot loses ACLs',
    plan: { snapCount: 10, kinds: ['crash', 'wipe', 'partition'] },
    breakIt: () => restoring(record => ({ ...record, acl: null }))
  },
  {
    name: 'a snapshot loses lifetimes',
    plan: { snapCount: 10, kinds: ['crash', 'wipe', 'partition'] },
    breakIt: () => restoring(record => ({ ...record, lifetime: 0 }))
  },
  {
    name: 'a subtree is deleted without what is on its way into it',
    breakIt: () =>
      patch(
        PendingRecords.prototype,
        'subtree',
        original =>
          function (this: PendingRecords, path: string, countMax: number) {
            const paths = original.call(this, path, countMax)
            return paths === null || paths.length < 3 ? paths : paths.slice(1)
          }
      )
  }
]

/** All members alike carry out something else than was logged. */
function applying(change: (change: TreeChange, tree: DataTree) => TreeChange): Broken {
  return patch(
    DataTree.prototype,
    'apply',
    original =>
      function (this: DataTree, asked: TreeChange, zxid: Zxid, time: number) {
        return original.call(this, change(asked, this), zxid, time)
      }
  )
}

/** What the reaper finds is removed so many ticks later. */
function removedLate(ticks: number): Broken {
  const found = new WeakMap<ContainerReaper, (readonly string[])[]>()
  return patch(
    ContainerReaper.prototype,
    'onTick',
    original =>
      function (this: ContainerReaper, time: number) {
        const waiting = [...(found.get(this) ?? []), original.call(this, time)]
        found.set(this, waiting.slice(-ticks))
        return waiting.length > ticks ? (waiting[0] ?? []) : []
      }
  )
}

/** What a snapshot holds is something else when it is loaded, and nobody compares it with its manifest. */
function restoring(change: (record: ZnodeRecord) => ZnodeRecord): Broken {
  const unseen = new WeakSet<DataTree>()
  let written = ''
  return together(
    onStore(storage => ({
      state: () => {
        written = storage.state.snapshots.at(-1)?.digest ?? written
        return storage.state
      }
    })),
    patch(
      TreeRestorer.prototype,
      'add',
      original =>
        function (this: TreeRestorer, records: readonly ZnodeRecord[]) {
          original.call(this, records.map(change))
        }
    ),
    patch(
      TreeRestorer.prototype,
      'finish',
      original =>
        function (this: TreeRestorer, zxid: Zxid) {
          const tree = original.call(this, zxid)
          unseen.add(tree)
          return tree
        }
    ),
    patchGetter(Replica.prototype, 'digest', (original, replica) => (unseen.delete(replica.tree) ? written : original()))
  )
}
