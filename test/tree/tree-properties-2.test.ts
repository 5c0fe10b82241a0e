import t from 'tap'
import { compareSequence } from '../fixtures/tree-comparison.js'

/** Those of `tree-properties.test.ts` are others. */
const SEED_FIRST = 5_001
const SEQUENCES = 5_000

t.test('five thousand more sequences are those of the plain model', async t => {
  const seen = new Set<string>()
  for (let seed = SEED_FIRST; seed < SEED_FIRST + SEQUENCES; seed++) compareSequence(seed, seen)
  t.ok(seen.has('a restart') && seen.has('a part of an end') && seen.has('what is removed'))
})
