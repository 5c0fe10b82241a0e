import type { Zxid } from '../../../lib/base/index.js'
import { SessionWatches } from '../../../lib/member/session-watches.js'
import { type Caller, type DataTree, type Operation, PendingTree, SUPER_SCHEME } from '../../../lib/tree/index.js'
import { PendingQuotas } from '../../../lib/tree/pending-quotas.js'
import { PendingRecords } from '../../../lib/tree/pending-records.js'
import { type Broken, committedBehind, type Mutant, patch, together } from './mutant.js'

const ABOVE_ALL = [{ scheme: SUPER_SCHEME, id: '' }]

/** Some operations are judged as if whoever asks stood above all ACLs. */
function unguarded(isMeant: (operation: Operation) => boolean): Broken {
  return patch(
    PendingTree.prototype,
    'prepare',
    original =>
      function (this: PendingTree, operation: Operation, caller: Caller, zxid: Zxid, time: number) {
        return original.call(this, operation, isMeant(operation) ? { ...caller, auth: ABOVE_ALL } : caller, zxid, time)
      }
  )
}

/** Who may do what, and how much. */
export const PERMISSIONS: readonly Mutant[] = [
  {
    name: 'ACLs are not looked at within a multi',
    breakIt: () => unguarded(({ kind }) => kind === 'multi')
  },
  {
    name: 'the ACL of the parent is not looked at for a delete',
    breakIt: () => unguarded(({ kind }) => kind === 'delete')
  },
  {
    name: 'anybody may set an ACL',
    breakIt: () => unguarded(({ kind }) => kind === 'setACL')
  },
  {
    name: 'a watch tells of what its session may not read',
    breakIt: () => patch(SessionWatches.prototype, 'mayRead', () => () => true)
  },
  {
    name: 'a quota is held against what is applied, and not against what is on its way (as in ZooKeeper)',
    breakIt: () => {
      const committed = new WeakMap<PendingRecords, DataTree>()
      return together(
        committedBehind(committed),
        patch(
          PendingRecords.prototype,
          'quotaExceededBy',
          () =>
            function (this: PendingRecords, path: string, count: number, bytes: number) {
              const tree = committed.get(this)
              // The nearest first, as it would be told.
              const quotas = [...(tree?.quotas() ?? [])].sort(([a], [b]) => b.length - a.length)
              for (const [subtree, { countHard, bytesHard }] of quotas) {
                if (tree === undefined || !(path === subtree || path.startsWith(`${subtree}/`))) continue
                const usage = tree.usageOf(subtree)
                if (count > 0 && countHard >= 0 && usage.count + count > countHard) return subtree
                if (bytes > 0 && bytesHard >= 0 && usage.bytes + bytes > bytesHard) return subtree
              }
              return null
            }
        )
      )
    }
  },
  {
    name: 'what a refused multi would have used of a quota stays used',
    breakIt: () => {
      let isTakenBack = false
      return together(
        patch(
          PendingRecords.prototype,
          'takeBack',
          original =>
            function (this: PendingRecords) {
              isTakenBack = true
              original.call(this)
              isTakenBack = false
            }
        ),
        patch(
          PendingQuotas.prototype,
          'count',
          original =>
            function (this: PendingQuotas, path: string, count: number, bytes: number) {
              if (!isTakenBack) original.call(this, path, count, bytes)
            }
        )
      )
    }
  },
  {
    name: 'data that are set are not counted by a quota',
    breakIt: () =>
      patch(
        PendingQuotas.prototype,
        'exceededBy',
        original =>
          function (this: PendingQuotas, path: string, count: number, bytes: number) {
            return count === 0 ? null : original.call(this, path, count, bytes)
          }
      )
  }
]
