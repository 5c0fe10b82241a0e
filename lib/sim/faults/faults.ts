import type { Rot } from '../disk/sim-disk.js'

/** Who a fault strikes: a member by id, or whoever leads (or does not) when it strikes. */
export type Target = number | 'leader' | 'follower'

/** Which frames or writes of a member a crash is tied to. */
export type CrashPoint =
  | { readonly on: 'sent' | 'received'; readonly message: string }
  | { readonly on: 'write' | 'written'; readonly change: string }
  /** A batch with such a txn is written or sent. */
  | { readonly on: 'txn'; readonly change: string }
  /** So many milliseconds after a batch was handed over, while it is in the hands of the disk: it may have got there or not. */
  | { readonly on: 'disk'; readonly within: number }

/** How a network falls apart. */
export type PartitionShape =
  /** One member alone. */
  | 'isolateOne'
  | 'isolateLeader'
  /** A minority (with the leader or without it) on one side. */
  | 'halves'
  /** No quorum anywhere. */
  | 'isolateQuorum'
  /** Two sides that share one member. */
  | 'bridge'
  /** Everyone sees a majority, each another one. */
  | 'ring'
  /** Frames go in one direction only. */
  | 'oneWay'

/** One thing that goes wrong. Times are virtual milliseconds since the start; what lasts is undone after `lasts`. */
export type Fault = { readonly at: number } & (
  | {
      readonly kind: 'crash'
      readonly target: Target
      /** The machine loses its power: what was not synced is gone. */
      readonly power: boolean
      /** Its peers are not told by its system. */
      readonly silent: boolean
      readonly lasts: number
    }
  /** Crashes at the `skip`-th such moment behind `at`, between two effects. */
  | {
      readonly kind: 'crashAt'
      readonly target: Target
      readonly point: CrashPoint
      readonly skip: number
      readonly power: boolean
      readonly lasts: number
    }
  | { readonly kind: 'crashAll'; readonly power: boolean; readonly lasts: number; readonly stagger: number }
  | { readonly kind: 'rollingRestart'; readonly gap: number; readonly orderly: boolean }
  | { readonly kind: 'close'; readonly target: Target; readonly lasts: number }
  | { readonly kind: 'pause'; readonly target: Target; readonly lasts: number }
  | { readonly kind: 'drift'; readonly target: Target; readonly rate: number; readonly lasts: number }
  | { readonly kind: 'wallClock'; readonly target: Target; readonly offset: number }
  | {
      readonly kind: 'partition'
      readonly shape: PartitionShape
      readonly target: Target
      /** Whether frames vanish unnoticed, or the links break. */
      readonly silent: boolean
      readonly lasts: number
    }
  | { readonly kind: 'strand' | 'reset'; readonly a: number; readonly b: number }
  | { readonly kind: 'clog'; readonly from: number; readonly to: number; readonly lasts: number }
  | { readonly kind: 'flipOnWire'; readonly from: number; readonly to: number }
  | { readonly kind: 'slowPeer'; readonly target: Target; readonly bytesPerMs: number; readonly lasts: number }
  | { readonly kind: 'slowNetwork'; readonly factor: number; readonly lasts: number }
  | { readonly kind: 'slowDisk'; readonly target: Target; readonly ms: number; readonly lasts: number }
  | { readonly kind: 'failWrite'; readonly target: Target; readonly how: 'clean' | 'landed' | 'poison' | 'hang' }
  | { readonly kind: 'fullDisk'; readonly target: Target; readonly lasts: number }
  | { readonly kind: 'failReads'; readonly target: Target; readonly lasts: number }
  | { readonly kind: 'failOpening'; readonly target: Target; readonly how: 'io' | 'locked' }
  /** What follows destroys what a disk has vouched for: never at more members at a time than can be done without. */
  | { readonly kind: 'wipe'; readonly target: Target; readonly lasts: number }
  | { readonly kind: 'backup'; readonly target: Target; readonly lasts: number }
  | { readonly kind: 'rot'; readonly target: Target; readonly how: Rot; readonly lasts: number }
)

export type FaultKind = Fault['kind']

export const DESTRUCTIVE: readonly FaultKind[] = ['wipe', 'backup', 'rot']
