/** A number that its column shows with thousands set apart, or text as it is. */
export type Cell = string | number

/** Columns in plain text: the first one and other text to the left, numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const shown = rows.map(row => row.map(cell => (typeof cell === 'number' ? rounded(cell) : cell)))
  const widths = head.map((title, column) => Math.max(title.length, ...shown.map(row => row[column]?.length ?? 0)))
  const isNumeric = head.map((_, column) => rows.some(row => typeof row[column] === 'number'))
  const line = (cells: readonly string[]): string => {
    return cells
      .map((cell, column) => padded(cell, widths[column] ?? 0, isNumeric[column] ?? false))
      .join('  ')
      .trimEnd()
  }
  return [line(head), line(widths.map(width => '-'.repeat(width))), ...shown.map(line)].join('\n')
}

/** Three digits at least, and no more behind the point than help. */
export function rounded(value: number): string {
  const size = Math.abs(value)
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

function padded(cell: string, width: number, toTheRight: boolean): string {
  return toTheRight ? cell.padStart(width) : cell.padEnd(width)
}
