/** First in, first out, at a cost that does not grow with what waits. */
export class SimFifo<T> {
  #items: T[] = []
  #first = 0

  get length(): number {
    return this.#items.length - this.#first
  }

  get head(): T | undefined {
    return this.#items[this.#first]
  }

  push(item: T): void {
    this.#items.push(item)
  }

  shift(): T | undefined {
    const item = this.#items[this.#first]
    if (item === undefined) return undefined
    this.#first++
    if (this.#first === this.#items.length) this.clear()
    else if (this.#first > 1_024 && this.#first * 2 > this.#items.length) this.replace(this.all())
    return item
  }

  /** Oldest first. */
  all(): T[] {
    return this.#items.slice(this.#first)
  }

  replace(items: T[]): void {
    this.#items = items
    this.#first = 0
  }

  clear(): void {
    this.replace([])
  }
}
