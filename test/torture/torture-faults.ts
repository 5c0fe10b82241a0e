import { Chance } from '../../lib/sim/faults/chance.js'
import type { PartitionShape } from '../../lib/sim/faults/faults.js'

/** Whom a fault strikes: a member by id, or whoever leads when it strikes. */
export type Victim = number | 'leader'

/** One thing that is done to real processes. `at` and `lasts` are milliseconds, `at` since the faults began. */
export type TortureFault = {
  readonly at: number
  readonly lasts: number
} /** kill -9 of `victims` at once; each is started again after `lasts`. */ & (
  | { readonly kind: 'kill'; readonly group: 'one' | 'leader' | 'majority' | 'all'; readonly victims: readonly Victim[] }
  | { readonly kind: 'close'; readonly victim: Victim }
  /** kill -9, and its directory is gone when it is started again. */
  | { readonly kind: 'wipe'; readonly victim: Victim }
  /** SIGSTOP and SIGCONT. */
  | { readonly kind: 'stop'; readonly victim: Victim }
  | {
      readonly kind: 'partition'
      readonly shape: PartitionShape
      readonly victim: number
      readonly silent: boolean
      readonly seed: number
    }
  /** Both sides' connections are reset, and new ones as well while it lasts. */
  | { readonly kind: 'drop'; readonly a: number; readonly b: number }
  /** What `from` sends to `to` arrives when it is over. */
  | { readonly kind: 'blackhole'; readonly from: number; readonly to: number }
  | { readonly kind: 'delay'; readonly from: number; readonly to: number; readonly milliseconds: number }
  | { readonly kind: 'drip'; readonly from: number; readonly to: number; readonly bytesPerSecond: number }
  | { readonly kind: 'cut'; readonly from: number; readonly to: number; readonly afterBytes: number }
  | { readonly kind: 'flip'; readonly from: number; readonly to: number }
)

export type TortureFaultKind = TortureFault['kind']

/** How often each kind comes, relative to the others. */
const SHARE: Readonly<Record<TortureFaultKind, number>> = {
  kill: 8,
  close: 1,
  wipe: 1,
  stop: 3,
  partition: 3,
  drop: 2,
  blackhole: 2,
  delay: 1,
  drip: 1,
  cut: 2,
  flip: 2
}

const GROUPS = ['one', 'one', 'leader', 'leader', 'leader', 'majority', 'all'] as const

const SHAPES: readonly PartitionShape[] = ['isolateLeader', 'isolateLeader', 'isolateOne', 'halves', 'bridge', 'ring', 'oneWay']

/** Milliseconds between two faults, on average. */
const GAP_MEAN = 900

/** After so many faults there is a pause, so that an ensemble that was struck all over gets to work before the next blows. */
const FAULTS_IN_A_ROW = 8
const PAUSE = 4_000

export interface TorturePlan {
  readonly seed: number
  readonly members: number
  /** Whether the links are encrypted. Flipped bytes, which TCP's own checksum would not have seen, must be noticed either way. */
  readonly encrypted: boolean
  readonly faults: readonly TortureFault[]
}

/** What a seed does to an ensemble. The plan is the same every time; when its blows fall within the members' doings is not. */
export function torturePlanOf(seed: number, members: number, milliseconds: number): TorturePlan {
  const encrypted = Chance.of(seed, 'encrypted').is(0.5)
  const chance = Chance.of(seed, 'faults')
  const kinds = Object.keys(SHARE) as TortureFaultKind[]
  const drawn = kinds.flatMap(kind => Array.from({ length: SHARE[kind] }, () => kind))
  const faults: TortureFault[] = []
  let at = 500
  while (at < milliseconds) {
    const kind = faults.length === 0 ? 'kill' : chance.pick(drawn)
    faults.push(faultOf(kind, Math.round(at), chance, members))
    at += chance.exponential(GAP_MEAN) + (faults.length % FAULTS_IN_A_ROW === 0 ? PAUSE : 0)
  }
  return { seed, members, encrypted, faults }
}

function faultOf(kind: TortureFaultKind, at: number, chance: Chance, members: number): TortureFault {
  const ids = chance.shuffled(Array.from({ length: members }, (_, index) => index + 1))
  const [one = 1, other = 1] = ids
  const victim: Victim = chance.is(0.4) ? 'leader' : one
  const lasts = Math.round(chance.magnitude(100, 4_000))
  switch (kind) {
    case 'kill': {
      const group = chance.pick(GROUPS)
      const majority = ids.slice(0, Math.floor(members / 2) + 1)
      const victims = group === 'leader' ? (['leader'] as const) : group === 'one' ? [one] : group === 'majority' ? majority : ids
      return { at, lasts: Math.round(chance.magnitude(20, 3_000)), kind, group, victims }
    }
    case 'close':
    case 'wipe':
      return { at, lasts, kind, victim }
    case 'stop':
      return { at, lasts: Math.round(chance.magnitude(100, 10_000)), kind, victim }
    case 'partition':
      return { at, lasts, kind, shape: chance.pick(SHAPES), victim: one, silent: chance.is(0.6), seed: chance.integer(1, 1e9) }
    case 'drop':
      return { at, lasts: chance.is(0.5) ? 0 : lasts, kind, a: one, b: other }
    case 'blackhole':
      return { at, lasts, kind, from: one, to: other }
    case 'delay':
      return { at, lasts, kind, from: one, to: other, milliseconds: Math.round(chance.magnitude(1, 500)) }
    case 'drip':
      return { at, lasts, kind, from: one, to: other, bytesPerSecond: Math.round(chance.magnitude(500, 50_000)) }
    case 'cut':
      return { at, lasts: 0, kind, from: one, to: other, afterBytes: chance.integer(1, 2_000) }
    case 'flip':
      return { at, lasts: 0, kind, from: one, to: other }
  }
}

/** For people. */
export function describeFault(fault: TortureFault): string {
  const { at: _at, lasts, kind, ...rest } = fault
  const what = Object.entries(rest)
    .filter(([name]) => name !== 'seed')
    .map(([name, value]) => (typeof value === 'boolean' ? (value ? name : `not ${name}`) : `${name} ${value}`))
  return `${kind}: ${what.join(', ')}${lasts === 0 ? '' : `, ${lasts} ms`}`
}
