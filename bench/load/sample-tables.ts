import { spreadPercent } from '../report/statistics.js'
import { type Cell, rounded, table } from '../report/table.js'
import type { Ratio } from './ratios.js'
import { type SampledFigure, type Step, stepKey } from './samples.js'

/** Medians of all rounds, sorted so that the contenders of one step stand below each other. */
export function figuresTable(figures: readonly SampledFigure[]): string {
  const steps = [...new Set(figures.map(stepKey))]
  const rows = steps.flatMap(key => figures.filter(figure => stepKey(figure) === key))
  return table(
    ['operation', 'issued at', 'outstanding', 'contender', 'ops/s', '+-%', 'p50 ms', 'p99 ms', 'max ms'],
    rows.map(({ operation, issuedAt, outstanding, contender, operationsPerSecond, p50, p99, max }) => [
      operation,
      issuedAt,
      outstanding.toLocaleString('en'),
      contender,
      operationsPerSecond.median,
      `${Math.round(spreadPercent(operationsPerSecond))}`,
      p50.median,
      p99.median,
      max.median
    ])
  )
}

/** A row for each step, a column for each other contender: the ratio, and in brackets the least and the most of the rounds. */
export function ratiosTable(ratios: readonly Ratio[]): string {
  const others = [...new Set(ratios.map(({ to }) => to))]
  const steps = new Map<string, Step>(ratios.map(ratio => [stepKey(ratio), ratio]))
  const rows = [...steps].map(([key, { operation, issuedAt, outstanding }]): readonly Cell[] => [
    operation,
    issuedAt,
    outstanding.toLocaleString('en'),
    ...others.map(other => {
      const found = ratios.find(ratio => ratio.to === other && stepKey(ratio) === key)
      if (found === undefined) return ''
      const { median, min, max } = found.ratio
      return min === max ? rounded(median) : `${rounded(median)} (${rounded(min)}-${rounded(max)})`
    })
  ])
  return table(['operation', 'issued at', 'outstanding', ...others.map(other => `to ${other}`)], rows)
}
