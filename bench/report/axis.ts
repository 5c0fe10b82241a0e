export type Scale = 'linear' | 'log'

/** Maps values to a stretch of a plot, and knows where its ticks are. */
export interface Axis {
  position(value: number): number
  readonly ticks: readonly number[]
}

/** From `start` to `end` in pixels, wide enough for all `values`. Of a logarithmic axis only positive ones are looked at. */
export function axisFor(scale: Scale, values: readonly number[], start: number, end: number): Axis {
  return scale === 'log' ? logarithmic(values, start, end) : linear(values, start, end)
}

/** A number as it stands at a tick. */
export function tickText(value: number): string {
  const units: readonly [number, string][] = [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k']
  ]
  const [size, unit] = units.find(([size]) => Math.abs(value) >= size) ?? [1, '']
  return `${Number((value / size).toPrecision(3))}${unit}`
}

/** From zero: bars and lines of a linear plot are compared by their lengths. */
function linear(values: readonly number[], start: number, end: number): Axis {
  const most = Math.max(...values, 0) || 1
  const rough = most / 5
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = ([1, 2, 5, 10].find(factor => factor * power >= rough) ?? 10) * power
  const count = Math.ceil(most / step)
  const top = count * step
  return {
    position: value => start + (value / top) * (end - start),
    ticks: Array.from({ length: count + 1 }, (_, index) => index * step)
  }
}

function logarithmic(values: readonly number[], start: number, end: number): Axis {
  const positive = values.filter(value => value > 0)
  const lows = Math.log10(Math.min(...positive, Number.MAX_VALUE))
  const highs = Math.log10(Math.max(...positive, Number.MIN_VALUE))
  const margin = Math.max((highs - lows) * 0.04, 0.02)
  const low = lows - margin
  const high = highs + margin
  const candidates = (factors: readonly number[]): readonly number[] => {
    const ticks: number[] = []
    for (let power = Math.floor(low); power <= Math.ceil(high); power++) {
      for (const factor of factors) ticks.push(factor * 10 ** power)
    }
    return ticks.filter(tick => Math.log10(tick) >= low && Math.log10(tick) <= high)
  }
  const tens = candidates([1])
  return {
    position: value => start + ((Math.log10(value) - low) / (high - low)) * (end - start),
    ticks: tens.length >= 4 ? tens : candidates([1, 2, 5])
  }
}
