import type { Chance } from './chance.js'
import type { PartitionShape } from './faults.js'

/** What a partition does to what one member sends to another. */
export interface Blocked {
  readonly from: number
  readonly to: number
}

/**
 * Which directions a partition blocks. `one` is whom it is about: alone, or the bridge. A shape that makes no sense for so few members is
 * the nearest one that does.
 */
export function blockedBy(shape: PartitionShape, ids: readonly number[], one: number, chance: Chance): readonly Blocked[] {
  const others = chance.shuffled(ids.filter(id => id !== one))
  switch (shape) {
    case 'isolateOne':
    case 'isolateLeader':
      return between([one], others)
    case 'halves': {
      const minority = others.slice(0, Math.floor((ids.length - 1) / 2))
      return between(
        minority,
        ids.filter(id => !minority.includes(id))
      )
    }
    case 'isolateQuorum': {
      const singles = others.slice(0, Math.ceil(ids.length / 2))
      return singles.flatMap(single =>
        between(
          [single],
          ids.filter(id => id !== single)
        )
      )
    }
    case 'bridge': {
      const half = Math.ceil(others.length / 2)
      return between(others.slice(0, half), others.slice(half))
    }
    case 'ring': {
      // Each hears those next to it on a ring, as far as it takes to a majority.
      const ring = [one, ...others]
      const reach = Math.ceil((Math.floor(ids.length / 2) + 1 - 1) / 2)
      return ring.flatMap((a, i) =>
        ring.flatMap((b, j) => {
          const distance = Math.min((i - j + ring.length) % ring.length, (j - i + ring.length) % ring.length)
          return distance > reach ? [{ from: a, to: b }] : []
        })
      )
    }
    case 'oneWay':
      return others.slice(0, chance.integer(1, Math.max(1, others.length))).map(other => ({ from: one, to: other }))
  }
}

function between(a: readonly number[], b: readonly number[]): readonly Blocked[] {
  return a.flatMap(from =>
    b.flatMap(to => [
      { from, to },
      { from: to, to: from }
    ])
  )
}
