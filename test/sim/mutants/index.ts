import { DURABILITY } from './durability.js'
import { ELECTION } from './election.js'
import type { Mutant } from './mutant.js'
import { REQUESTS } from './requests.js'
import { SESSIONS } from './sessions.js'
import { TREE } from './tree.js'

export type { Mutant } from './mutant.js'

export const MUTANTS: readonly Mutant[] = [...DURABILITY, ...ELECTION, ...REQUESTS, ...TREE, ...SESSIONS]
