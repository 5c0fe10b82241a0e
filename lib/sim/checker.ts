import type { Observation } from './observation.js'

/** A property that does not hold. */
export class Violation extends Error {
  override readonly name = 'Violation'
  /** Who found it. */
  readonly checker: string

  constructor(checker: string, message: string) {
    super(`${checker}: ${message}`)
    this.checker = checker
  }
}

/**
 * Watches a run as it goes. A checker shares no code with what it checks: it knows what was said and written, and what must hold of it.
 * Throws a {@link Violation} as soon as its property does not hold.
 */
export interface Checker {
  readonly name: string
  observe(observation: Observation): void
  /** The run is over: faults have stopped, and every member serves at the same zxid. */
  finish?(): void
}
