import type { AclEntry, AuthId, Stat } from '../../lib/tree/index.js'
import type { Step } from './step.js'

/** An event that a watcher was told. ZooKeeper's names of types. */
export interface Heard {
  readonly session: number
  readonly watcher: number
  readonly type: string
  readonly path: string
}

/** What became of one operation of a multi or multiRead; `code` 0 for those that went well. */
export interface OpOutcome {
  readonly kind: string
  readonly code?: number
  readonly path?: string
  readonly data?: string | null
  readonly children?: readonly string[]
  readonly stat?: Stat
}

/** What a step gave, beside its code. What an operation does not give is left out. */
export interface Given {
  readonly path?: string
  /** Null: there is no such znode. */
  readonly stat?: Stat | null
  readonly data?: string | null
  readonly children?: readonly string[]
  readonly acl?: readonly AclEntry[]
  readonly auth?: readonly AuthId[]
  readonly paths?: readonly string[]
  readonly count?: number
  readonly results?: readonly OpOutcome[]
}

/** What a step did on one side. */
export interface Outcome {
  /** ZooKeeper's code; 0 when it went well. */
  readonly code: number
  /** The last zxid there is. */
  readonly zxid: number
  readonly given: Given
  /** In the order in which each watcher was told. */
  readonly events: readonly Heard[]
}

/** A ZooKeeper: the real one or ours. */
export interface Side {
  /** `step` with its paths in place. */
  perform(step: Step): Promise<Outcome>
  close(): Promise<void>
}

/** What stands for a session as the owner of an ephemeral, in place of its id: 0 is nobody. Null: a session that nobody has opened. */
export function ownerOf(session: number | null): number {
  return session === null ? -1 : session + 1
}
