/** What an option says, as a number above zero. */
export function positive(text: string): number {
  const value = Number(text)
  if (!(value > 0 && value < Number.POSITIVE_INFINITY)) throw new Error(`'${text}' is not a number above zero`)
  return value
}

/** Several of them, with commas between them. */
export function positives(text: string): readonly number[] {
  return text.split(',').map(positive)
}
