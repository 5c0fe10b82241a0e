/** 2 to the 32nd. PERF: a constant, because V8 computes the power each time. */
const WORD = 2 ** 32

/**
 * A 64-bit hash in two 32-bit lanes (MurmurHash3's steps, crossed at the end), for digests that replicas compare. It finds accidents, not
 * attackers: who can write to a tree can also construct a collision.
 *
 * A hash is one of a sequence of integers; text and bytes end with their length. What the integers mean is the caller's: values of different
 * shape are told apart by a leading integer of their own.
 *
 * One instance is started again for every value, so that hashing allocates nothing: `hash.start().text(path).finish()`, then read the lanes.
 */
export class Hash64 {
  low = 0
  high = 0
  #length = 0

  start(): this {
    this.low = 0x2f6b1d4a
    this.high = 0x6a09e667
    this.#length = 0
    return this
  }

  /** A 32-bit integer. Every step is a bijection, so that two values that differ in one integer differ in both lanes before the end. */
  int(value: number): this {
    const first = Math.imul(value, 0xcc9e2d51)
    const low = this.low ^ Math.imul((first << 15) | (first >>> 17), 0x1b873593)
    this.low = (Math.imul((low << 13) | (low >>> 19), 5) + 0xe6546b64) | 0
    const second = Math.imul(value, 0x38b34ae5)
    const high = this.high ^ Math.imul((second << 16) | (second >>> 16), 0xa1e38b93)
    this.high = (Math.imul((high << 17) | (high >>> 15), 5) + 0x0bcaa747) | 0
    this.#length++
    return this
  }

  /** Any non-negative safe integer: a zxid, a time in milliseconds. */
  number(value: number): this {
    return this.int(value | 0).int((value / WORD) | 0)
  }

  text(value: string): this {
    for (let index = 0; index < value.length; index++) this.int(value.charCodeAt(index))
    return this.int(value.length)
  }

  bytes(value: Uint8Array, start = 0, end = value.length): this {
    const whole = end - ((end - start) & 3)
    for (let index = start; index < whole; index += 4) {
      this.int(
        (value[index] as number) |
          ((value[index + 1] as number) << 8) |
          ((value[index + 2] as number) << 16) |
          ((value[index + 3] as number) << 24)
      )
    }
    for (let index = whole; index < end; index++) this.int(value[index] as number)
    return this.int(end - start)
  }

  finish(): this {
    let low = this.low ^ this.#length
    let high = this.high ^ this.#length
    low = (low + high) | 0
    high = (high + low) | 0
    low = avalanche(low)
    high = avalanche(high)
    this.low = (low + high) | 0
    this.high = (high + this.low) | 0
    return this
  }
}

/** Two lanes as they are printed and compared: 16 hexadecimal digits. */
export function formatHash64(low: number, high: number): string {
  return `${(high >>> 0).toString(16).padStart(8, '0')}${(low >>> 0).toString(16).padStart(8, '0')}`
}

function avalanche(lane: number): number {
  let mixed = lane
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}
