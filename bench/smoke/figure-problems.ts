/** What is wrong with the figures of a result that was read from JSON, where a number that is not finite is null. */
export function figureProblems(figures: unknown, mayBeZero: readonly string[]): string[] {
  const problems: string[] = []
  let numbers = 0
  const look = (value: unknown, place: string, key: string): void => {
    if (typeof value === 'number') {
      numbers++
      if (value < 0 || (value === 0 && !mayBeZero.includes(key))) problems.push(`${place} is ${value}`)
    } else if (value === null) problems.push(`${place} is no finite number`)
    else if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) look(item, `${place}[${index}]`, key)
    } else if (typeof value === 'object') {
      for (const [name, item] of Object.entries(value)) look(item, `${place}.${name}`, name)
    }
  }
  look(figures, 'figures', 'figures')
  if (numbers === 0) problems.push('no figures')
  return problems
}
