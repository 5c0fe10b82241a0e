import { present } from './assert.js'

/** A queue. PERF: an array's `shift` moves, or has the garbage collector move, what stands behind it. */
export class Queue<T> {
  #items: (T | undefined)[] = []
  #first = 0

  get length(): number {
    return this.#items.length - this.#first
  }

  get first(): T | undefined {
    return this.#items[this.#first]
  }

  get last(): T | undefined {
    return this.length === 0 ? undefined : this.#items.at(-1)
  }

  push(item: T): void {
    this.#items.push(item)
  }

  /** Undefined when nothing is left. */
  shift(): T | undefined {
    const item = this.#items[this.#first]
    if (item === undefined) return undefined
    this.#items[this.#first++] = undefined
    if (this.#first === this.#items.length) {
      this.#items.length = 0
      this.#first = 0
    } else if (this.#first >= 64 && 2 * this.#first > this.#items.length) {
      this.#items = this.#items.slice(this.#first)
      this.#first = 0
    }
    return item
  }

  /** Takes out all there is. */
  drain(): T[] {
    const items = this.toArray()
    this.#items = []
    this.#first = 0
    return items
  }

  toArray(): T[] {
    return this.#items.slice(this.#first).map(item => present(item, 'what has not been taken out is there'))
  }
}
