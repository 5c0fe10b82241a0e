import { axisFor, tickText } from './axis.js'
import type { Spread } from './statistics.js'
import { at, COLOURS, label, stroke, svg } from './svg.js'
import { rounded } from './table.js'

export interface BarPlot {
  readonly title: string
  /** What the lengths mean, with the unit. */
  readonly x: string
  readonly bars: readonly Bar[]
}

export interface Bar {
  readonly name: string
  /** The bar is as long as the median; a whisker goes from the least to the most. */
  readonly value: Spread
}

const WIDTH = 800
const LEFT = 200
const RIGHT = WIDTH - 90
const TOP = 44
const BAR = 26

/** Lying bars from zero, as SVG. */
export function barPlot({ title, x, bars }: BarPlot): string {
  const bottom = TOP + bars.length * BAR
  const across = axisFor(
    'linear',
    bars.map(({ value }) => value.max),
    LEFT,
    RIGHT
  )
  return svg(WIDTH, bottom + 48, title, [
    ...across.ticks.flatMap(tick => {
      const place = across.position(tick)
      return [stroke('grid', place, TOP, place, bottom), label(tickText(tick), place, bottom + 16, 'middle')]
    }),
    label(x, (LEFT + RIGHT) / 2, bottom + 38, 'middle'),
    ...bars.flatMap(({ name, value }, index) => {
      const top = TOP + index * BAR
      const middle = top + BAR / 2
      const end = across.position(value.median)
      return [
        label(name, LEFT - 10, middle + 4, 'end'),
        `<rect class="area${index % COLOURS}" x="${LEFT}" y="${at(top + 4)}" width="${at(end - LEFT)}" height="${BAR - 8}"/>`,
        stroke('whisker', across.position(value.min), middle, across.position(value.max), middle),
        label(rounded(value.median), Math.max(end, across.position(value.max)) + 6, middle + 4)
      ]
    })
  ])
}
