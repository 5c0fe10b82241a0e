/** What several rounds found. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** Of at least one value. The median stands for the rounds: one that something else disturbed does not move it. */
export function spreadOf(values: readonly number[]): Spread {
  if (values.length === 0) throw new Error('no rounds, no spread')
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) }
}

/** How far the rounds lie apart, in percent of their median. */
export function spreadPercent({ median, min, max }: Spread): number {
  return median === 0 ? 0 : ((max - min) / median) * 100
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const high = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? Number.NaN) + high) / 2
}
