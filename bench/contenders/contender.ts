import type { Latencies } from '../load/latencies.js'

/** What an ensemble is started with. */
export interface EnsembleShape {
  /** Servers, each in a process of its own; loopback TCP between them, a data directory for each, every write synced. */
  readonly members: number
  /** Znodes (or keys) that are there before anything is measured. */
  readonly znodes: number
  /** Size of a value, written and read. */
  readonly valueBytes: number
}

/** What is asked of an ensemble while it is measured. */
export interface Load {
  /**
   * `write` sets the value of a random znode. `read` reads one in the system's default way. `linearizable` reads one so that every write
   * acknowledged before is seen.
   */
  readonly operation: 'write' | 'read' | 'linearizable'
  /** Operations under way at any moment, in the whole ensemble together. Each that ends is followed by the next one at once. */
  readonly outstanding: number
  /** Who they are issued at: all at the leader, or the same number at every member; what is left over goes to followers first. */
  readonly issuedAt: 'leader' | 'every member'
  readonly warmUpMilliseconds: number
  readonly measuredMilliseconds: number
}

export interface Measurement {
  readonly operations: number
  readonly milliseconds: number
  /** Of every measured operation, from the call to its promise's or callback's turn. */
  readonly latencies: Latencies
}

/** A running ensemble of one contender. */
export interface BenchEnsemble {
  measure(load: Load): Promise<Measurement>
  /** Ends all its processes and removes what they have stored. */
  stop(): Promise<void>
}

/** A system that is measured. */
export interface Contender {
  readonly name: string
  /** What it offers. Another one is refused by `measure`. */
  readonly operations: readonly Load['operation'][]
  /** Name and version of what runs, or null with what is missing on this machine. */
  found(): { readonly version: string } | { readonly missing: string }
  start(shape: EnsembleShape): Promise<BenchEnsemble>
}

/** How many of `outstanding` operations are each member's part, followers first. `leader` is an index. */
export function shares({ outstanding, issuedAt }: Load, members: number, leader: number): readonly number[] {
  const each = issuedAt === 'leader' ? 0 : Math.floor(outstanding / members)
  const followers = Array.from({ length: members }, (_, index) => index).filter(index => index !== leader)
  const first = issuedAt === 'leader' ? [leader] : [...followers, leader]
  const parts = new Array<number>(members).fill(each)
  let left = outstanding - each * members
  for (const index of first) {
    const part = issuedAt === 'leader' ? left : Math.min(left, 1)
    parts[index] = each + part
    left -= part
  }
  return parts
}
