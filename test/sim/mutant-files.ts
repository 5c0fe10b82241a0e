import t from 'tap'
import { hunt, isCaught } from './mutants/hunt.js'
import { MUTANTS } from './mutants/index.js'

/** `npm run sim:mutants` begins at the first seed, and has more of them. */
const SEEDS_MAX = 60
const FILES = 4

/** One file's share of the mutants: as many files as make use of two cores, each well within the time of one. */
export function testMutants(file: number): void {
  t.setTimeout(290_000)
  const mutants = MUTANTS.filter((_, index) => index % FILES === file)
  t.test(`each of ${mutants.length} deliberate bugs is caught, and what catches it finds nothing without it`, async t => {
    t.ok(MUTANTS.length >= 55, 'there are enough of them')
    t.equal(new Set(MUTANTS.map(({ name }) => name)).size, MUTANTS.length, 'each has a name of its own')
    const catches = await hunt({ mutants, from: ({ from = 1 }) => from, seeds: SEEDS_MAX, jobs: 1 })
    for (const found of catches) t.ok(isCaught(found), found.name, found)
  })
}
