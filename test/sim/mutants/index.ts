import { DURABILITY } from './durability.js'
import { ELECTION } from './election.js'
import { LIFETIMES } from './lifetimes.js'
import { MOVES } from './moves.js'
import type { Mutant } from './mutant.js'
import { PERMISSIONS } from './permissions.js'
import { REQUESTS } from './requests.js'
import { SESSIONS } from './sessions.js'
import { TREE } from './tree.js'

export type { Mutant } from './mutant.js'

export const MUTANTS: readonly Mutant[] = [
  ...DURABILITY,
  ...ELECTION,
  ...REQUESTS,
  ...TREE,
  ...LIFETIMES,
  ...PERMISSIONS,
  ...SESSIONS,
  ...MOVES
]
