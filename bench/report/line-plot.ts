import { type Axis, axisFor, type Scale, tickText } from './axis.js'
import { at, COLOURS, label, stroke, svg } from './svg.js'

export interface LinePlot {
  readonly title: string
  /** What lies along an axis, with its unit. */
  readonly x: { readonly name: string; readonly scale: Scale }
  readonly y: { readonly name: string; readonly scale: Scale }
  readonly series: readonly Series[]
}

export interface Series {
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
}

const WIDTH = 840
const HEIGHT = 420
const LEFT = 64
const RIGHT = WIDTH - 220
const TOP = 58
const BOTTOM = HEIGHT - 52
/** So many different x are each a tick; more get the ticks of a scale. */
const X_TICKS_MAX = 10

/** Lines over a common pair of axes, as SVG. */
export function linePlot({ title, x, y, series }: LinePlot): string {
  const points = series.flatMap(({ points }) => points)
  const xs = [...new Set(points.map(([x]) => x))].toSorted((a, b) => a - b)
  const across = axisFor(x.scale, xs, LEFT, RIGHT)
  const up = axisFor(
    y.scale,
    points.map(([, y]) => y),
    BOTTOM,
    TOP
  )
  const xTicks = xs.length <= X_TICKS_MAX ? xs : across.ticks
  return svg(WIDTH, HEIGHT, title, [
    ...up.ticks.flatMap(tick => {
      const height = up.position(tick)
      return [stroke('grid', LEFT, height, RIGHT, height), label(tickText(tick), LEFT - 8, height + 4, 'end')]
    }),
    ...xTicks.flatMap(tick => {
      const place = across.position(tick)
      return [stroke('grid', place, TOP, place, BOTTOM), label(tickText(tick), place, BOTTOM + 18, 'middle')]
    }),
    label(y.name, 16, TOP - 12),
    label(x.name, (LEFT + RIGHT) / 2, HEIGHT - 12, 'middle'),
    ...series.flatMap((line, index) => drawn(line, index, across, up))
  ])
}

/** A line, its points, and its entry in the legend. From the seventh on colours come again, and lines are dashed. */
function drawn({ name, points }: Series, index: number, across: Axis, up: Axis): readonly string[] {
  const colour = index % COLOURS
  const dashes = index < COLOURS ? '' : ' stroke-dasharray="6 4"'
  const places = points.map(([x, y]) => [at(across.position(x)), at(up.position(y))] as const)
  const line = (path: string): string => `<path class="line${colour}" fill="none" stroke-width="2"${dashes} d="${path}"/>`
  const height = TOP + 8 + index * 22
  return [
    line(places.map(([x, y], point) => `${point === 0 ? 'M' : 'L'}${x} ${y}`).join('')),
    ...places.map(([x, y]) => `<circle class="area${colour}" cx="${x}" cy="${y}" r="3"/>`),
    line(`M${RIGHT + 16} ${height}H${RIGHT + 40}`),
    label(name, RIGHT + 46, height + 4)
  ]
}
