import t from 'tap'
import { hunt, isCaught } from './mutants/hunt.js'
import { MUTANTS } from './mutants/index.js'

t.setTimeout(290_000)

/** `npm run sim:mutants` begins at the first seed, and has more of them. */
const SEEDS_MAX = 60

t.test('every deliberate bug is caught, and what catches it finds nothing without it', async t => {
  t.ok(MUTANTS.length >= 27, 'there are enough of them')
  t.equal(new Set(MUTANTS.map(({ name }) => name)).size, MUTANTS.length, 'each has a name of its own')
  const catches = await hunt({ mutants: MUTANTS, from: ({ from = 1 }) => from, seeds: SEEDS_MAX, jobs: 2 })
  for (const found of catches) t.ok(isCaught(found), found.name, found)
})
