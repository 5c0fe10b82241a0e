/** A set of rows, one bit each: a million rows take 128 kB, and growing is copying as much. */
export class RowSet {
  #words = new Uint32Array(32)

  add(row: number): void {
    const word = row >>> 5
    if (word >= this.#words.length) {
      const grown = new Uint32Array(Math.max(word + 1, 2 * this.#words.length))
      grown.set(this.#words)
      this.#words = grown
    }
    this.#words[word] = (this.#words[word] as number) | (1 << (row & 31))
  }

  delete(row: number): void {
    const word = row >>> 5
    if (word < this.#words.length) this.#words[word] = (this.#words[word] as number) & ~(1 << (row & 31))
  }

  /** Ascending. Rows may be added and deleted meanwhile: one that is there all the time is met, once; any other at most once. */
  *[Symbol.iterator](): Iterator<number> {
    for (let word = 0; word < this.#words.length; word++) {
      for (let bit = 0; bit < 32 && (this.#words[word] as number) >>> bit !== 0; bit++) {
        if ((((this.#words[word] as number) >>> bit) & 1) === 1) yield word * 32 + bit
      }
    }
  }
}
