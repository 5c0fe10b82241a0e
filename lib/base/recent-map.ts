/**
 * A Map that knows what it was asked for last.
 *
 * PERF: session ids are too large for V8's small integers, so that a Map spends more on hashing one than on all the rest of looking it up; and
 * what comes in comes in runs of one session.
 */
export class RecentMap<K extends number, V> {
  readonly #map = new Map<K, V>()
  #key: K | undefined
  #value: V | undefined

  get size(): number {
    return this.#map.size
  }

  get(key: K): V | undefined {
    if (key === this.#key) return this.#value
    const value = this.#map.get(key)
    if (value === undefined) return undefined
    this.#key = key
    this.#value = value
    return value
  }

  has(key: K): boolean {
    return this.get(key) !== undefined
  }

  set(key: K, value: V): void {
    this.#map.set(key, value)
    this.#key = key
    this.#value = value
  }

  delete(key: K): void {
    this.#map.delete(key)
    if (key !== this.#key) return
    this.#key = undefined
    this.#value = undefined
  }

  keys(): IterableIterator<K> {
    return this.#map.keys()
  }

  values(): IterableIterator<V> {
    return this.#map.values()
  }
}
