import type { Call, History } from '../../lib/sim/history.js'

/** What clients did, as figures. */
export interface Operations {
  /** By kind, then by outcome. */
  readonly counts: ReadonlyMap<Call['kind'], ReadonlyMap<string, number>>
  readonly total: number
  /** Milliseconds in which no client's write was acknowledged, at most. */
  readonly silence: number
  /** Members at which a write was acknowledged that was issued after everything had been healed. */
  readonly writers: ReadonlySet<number>
  readonly events: number
}

const WRITES: ReadonlySet<string> = new Set(['create', 'delete', 'setData', 'multi', 'setACL', 'touch'])

export function operationsIn(history: History, healed: number): Operations {
  const counts = new Map<Call['kind'], Map<string, number>>()
  const calls = new Map<number, { readonly kind: Call['kind']; readonly at: number }>()
  const writers = new Set<number>()
  let lastWrite: number | null = null
  let silence = 0
  let events = 0
  const count = (kind: Call['kind'], outcome: string): void => {
    const outcomes = counts.get(kind) ?? new Map<string, number>()
    counts.set(kind, outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1))
  }
  for (const event of history) {
    if (event.kind === 'told') events++
    if (event.kind === 'call') calls.set(event.call, { kind: event.what.kind, at: event.at })
    if (event.kind !== 'return') continue
    const call = calls.get(event.call)
    if (call === undefined) continue
    calls.delete(event.call)
    const { result } = event
    count(call.kind, result.kind === 'failed' ? `failed ${result.code}` : result.kind)
    if (result.kind !== 'answered' || !WRITES.has(call.kind)) continue
    if (lastWrite !== null) silence = Math.max(silence, event.at - lastWrite)
    lastWrite = event.at
    if (call.at > healed) writers.add(event.member)
  }
  for (const { kind } of calls.values()) count(kind, 'unknown')
  const total = [...counts.values()].reduce((sum, outcomes) => sum + [...outcomes.values()].reduce((a, b) => a + b, 0), 0)
  return { counts, total, silence, writers, events }
}
