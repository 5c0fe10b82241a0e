const SLAB_BYTES = 16 * 1024
/** Larger ones get a buffer of their own. */
const SHARED_BYTES_MAX = SLAB_BYTES / 8

/**
 * Room for copies of data that live about as long as each other. PERF: a small buffer of its own costs several times the copying and is work for
 * the garbage collector; half a million copies of 100 bytes, encoded for a snapshot, take 300 ms this way and 500 ms that way.
 */
export class DataSlab {
  #bytes = new Uint8Array(0)
  #used = 0

  /** Bytes that nobody else has, all 0. What is kept of them keeps its neighbours in memory. */
  allocate(length: number): Uint8Array {
    if (length > SHARED_BYTES_MAX) return new Uint8Array(length)
    if (this.#used + length > this.#bytes.length) {
      this.#bytes = new Uint8Array(SLAB_BYTES)
      this.#used = 0
    }
    this.#used += length
    return this.#bytes.subarray(this.#used - length, this.#used)
  }
}
