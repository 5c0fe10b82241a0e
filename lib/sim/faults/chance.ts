import { type Random, seededRandom } from '../../base/index.js'

/** Draws of one kind, from a stream of its own: what is left out elsewhere does not shift them. */
export class Chance {
  readonly random: Random

  private constructor(random: Random) {
    this.random = random
  }

  /** The stream called `name` of a run. */
  static of(seed: number, name: string): Chance {
    // FNV-1a over the name, so that streams of one seed have nothing to do with each other.
    let hash = 0x811c9dc5 ^ Math.imul(seed, 0x9e3779b1)
    for (let index = 0; index < name.length; index++) hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193)
    return new Chance(seededRandom((hash ^ Math.floor(seed / 2 ** 32)) >>> 0))
  }

  /** True with probability `share`. */
  is(share: number): boolean {
    return this.random.float() < share
  }

  between(least: number, most: number): number {
    return least + this.random.float() * (most - least)
  }

  /** An integer, both ends included. */
  integer(least: number, most: number): number {
    return least + Math.floor(this.random.float() * (most - least + 1))
  }

  /** As likely to be of the magnitude of `least` as of that of `most`. */
  magnitude(least: number, most: number): number {
    return Math.exp(this.between(Math.log(least), Math.log(most)))
  }

  /** How long until the next of events that come independently of each other, `mean` apart. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.random.float())
  }

  pick<T>(from: readonly T[]): T {
    const picked = from[Math.floor(this.random.float() * from.length)]
    if (picked === undefined) throw new Error('nothing to pick from')
    return picked
  }

  shuffled<T>(from: readonly T[]): T[] {
    const shuffled = [...from]
    for (let index = shuffled.length - 1; index > 0; index--) {
      const other = this.integer(0, index)
      const [a, b] = [shuffled[index], shuffled[other]]
      if (a === undefined || b === undefined) continue
      shuffled[index] = b
      shuffled[other] = a
    }
    return shuffled
  }
}
