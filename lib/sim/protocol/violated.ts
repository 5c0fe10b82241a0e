import { Violation } from '../checker.js'
import type { Observation } from '../observation.js'

/** Ends a run: `who` is the member, in which of its processes, that was seen to break the checker's rule. */
export function violated(checker: string, who: Pick<Observation, 'member' | 'process' | 'at'>, found: string): never {
  throw new Violation(checker, `member ${who.member}, process ${who.process}, at ${who.at.toFixed(3)} ms: ${found}`)
}
