import type { Peers } from '../../lib/index.js'

/** What a process of a tortured ensemble is told at its start, as its first argument, in JSON. */
export interface TortureOrder {
  /** Names this process among all of the run, from 1. */
  readonly process: number
  /** From listed ports to real ones: its own to where it listens, the others' to the proxies that it reaches them by. */
  readonly routes: readonly (readonly [listed: number, real: number])[]
  readonly historyFile: string
  /** Of the load. */
  readonly seed: number
}

/** Nobody listens on the ports that members are listed with. */
export function listedPeers(ids: readonly number[]): Peers {
  return Object.fromEntries(ids.map(id => [id, `tcp://127.0.0.1:${id}`]))
}

/** Milliseconds on the machine's monotonic clock, the same in all its processes. */
export function machineClock(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** Calls and watches are numbered so that no two processes use the same number. */
export const NUMBERS_PER_PROCESS = 10_000_000

/** How long a container may stay without ever having had a child: members are told so, and whoever judges them must know. */
export const CONTAINER_UNUSED_MILLISECONDS = 3_000

/** Sessions expire within the run, and a register is written often enough that members must agree on an order. */
export const TORTURE_WORKLOAD = {
  registers: 6,
  thinkMilliseconds: [2, 30],
  timeoutMilliseconds: [1, 500],
  sessionTimeoutMilliseconds: [1_000, 8_000]
} as const
