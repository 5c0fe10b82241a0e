/** A rule of our own was broken: a bug here, never an outcome of the caller's input. The member stops and says which rule. */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation'
  readonly code = 'INVARIANT_VIOLATED'
}

/** States what must be true. Kept on in production: a member that is wrong must stop, not go on. */
export function assert(condition: boolean, rule: string): asserts condition {
  if (!condition) throw new InvariantViolation(rule)
}

/** The end of a switch over a union: adding a case without handling it does not compile. */
export function unreachable(value: never): never {
  throw new InvariantViolation(`unreachable: ${JSON.stringify(value)}`)
}

/** A value that the surrounding logic has already made sure of. */
export function present<T>(value: T | undefined | null, rule: string): T {
  assert(value !== undefined && value !== null, rule)
  return value
}
