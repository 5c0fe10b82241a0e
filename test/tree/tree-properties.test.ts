import t from 'tap'
import { compareSequence } from '../fixtures/tree-comparison.js'

/** Of ten thousand: the others are in `tree-properties-2.test.ts`, so that both can go on at the same time. */
const SEQUENCES = 5_000

t.test('any sequence has the results, events, Stats and trees of the plain model, also while cut and after restarts', async t => {
  const seen = new Set<string>()
  for (let seed = 1; seed <= SEQUENCES; seed++) compareSequence(seed, seen)
  t.strictSame(
    [...seen].sort(),
    [
      'BAD_ARGUMENTS',
      'BAD_VERSION',
      'LIMIT_EXCEEDED',
      'NODE_EXISTS',
      'NOT_EMPTY',
      'NO_AUTH',
      'NO_CHILDREN_FOR_EPHEMERALS',
      'NO_NODE',
      'QUOTA_EXCEEDED',
      'SESSION_EXPIRED',
      'a part of an end',
      'a restart',
      'an end',
      'an excess',
      'an image',
      'check',
      'create',
      'create as check',
      'create as multi',
      'delete',
      'delete as multi',
      'multi',
      'none',
      'setACL',
      'setData',
      'touch',
      'what is removed',
      'what stays'
    ],
    'everything that there is has been compared'
  )
})
