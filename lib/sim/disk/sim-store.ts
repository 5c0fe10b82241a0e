/** An entry of a simulated database. Entries and the arrays of them that are handed out never change. */
export interface SimEntry {
  /** The text of the key's bytes, a character for each, so that texts compare as bytes do. */
  readonly key: string
  readonly value: Uint8Array
  /** What stood here before, for a disk that answers with an old block; null where nothing did. */
  readonly former: Uint8Array | null
}

export type SimOperation =
  | { readonly type: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: string }

/** Bounds of a range of keys; without any, all keys. */
export interface SimRange {
  readonly gt?: string
  readonly gte?: string
  readonly lt?: string
  readonly lte?: string
}

/**
 * Entries in the order of their keys' bytes. A snapshot costs nothing; the first change behind one copies the array, not what is in it.
 */
export class SimStore {
  #entries: SimEntry[]
  #isShared = true

  constructor(entries: readonly SimEntry[] = []) {
    // Never written to while it is shared.
    this.#entries = entries as SimEntry[]
  }

  get(key: string): Uint8Array | undefined {
    return valueIn(this.#entries, key)
  }

  /** What is in it now, whatever becomes of it. */
  snapshot(): readonly SimEntry[] {
    this.#isShared = true
    return this.#entries
  }

  apply(operations: readonly SimOperation[]): void {
    if (this.#isShared) this.#entries = this.#entries.slice()
    this.#isShared = false
    const entries = this.#entries
    for (const operation of operations) {
      const { key } = operation
      const place = placeOf(entries, key)
      const found = entries[place]
      const isThere = found?.key === key
      if (operation.type === 'del') {
        if (isThere) entries.splice(place, 1)
      } else if (isThere) {
        entries[place] = { key, value: operation.value, former: found.value }
      } else if (place === entries.length) {
        entries.push({ key, value: operation.value, former: null })
      } else {
        entries.splice(place, 0, { key, value: operation.value, former: null })
      }
    }
  }
}

/** Where a key is, or would be. */
export function placeOf(entries: readonly SimEntry[], key: string): number {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const entry = entries[middle]
    if (entry !== undefined && entry.key < key) low = middle + 1
    else high = middle
  }
  return low
}

export function valueIn(entries: readonly SimEntry[], key: string): Uint8Array | undefined {
  const entry = entries[placeOf(entries, key)]
  return entry?.key === key ? entry.value : undefined
}

/** Where a range begins, and where it has ended. */
export function boundsOf(entries: readonly SimEntry[], { gt, gte, lt, lte }: SimRange): readonly [number, number] {
  // Where two lower or two upper bounds are given, abstract-level and LevelDB go by the inclusive one.
  const begin = gte !== undefined ? placeOf(entries, gte) : gt !== undefined ? placeBehind(entries, gt) : 0
  const end = lte !== undefined ? placeBehind(entries, lte) : lt !== undefined ? placeOf(entries, lt) : entries.length
  return [begin, Math.max(begin, end)]
}

export function isOutside({ gt, gte, lt, lte }: SimRange, key: string): boolean {
  const isBefore = gte !== undefined ? key < gte : gt !== undefined && key <= gt
  const isBehind = lte !== undefined ? key > lte : lt !== undefined && key >= lt
  return isBefore || isBehind
}

/** Where the first key greater than this one is, or would be. */
export function placeBehind(entries: readonly SimEntry[], key: string): number {
  const place = placeOf(entries, key)
  return entries[place]?.key === key ? place + 1 : place
}
