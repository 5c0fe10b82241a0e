/** Chance, handed in: the process's generator in production, a seeded one in tests and in the simulator. */
export interface Random {
  /** A float in [0, 1). */
  float(): number
  /** `count` unpredictable bytes (predictable under a seed). */
  bytes(count: number): Uint8Array
}

/** An integer in [0, bound). */
export function randomInt(random: Random, bound: number): number {
  return Math.floor(random.float() * bound)
}

/** `count` random bytes in hexadecimal. */
export function randomHex(random: Random, count: number): string {
  return Array.from(random.bytes(count), byte => byte.toString(16).padStart(2, '0')).join('')
}

/** A small, well-distributed generator (sfc32): the same seed gives the same sequence in every process. Not for secrets. */
export function seededRandom(seed: number): Random {
  let a = 0x9e3779b9 ^ seed
  let b = 0x243f6a88
  let c = 0xb7e15162
  let counter = 1
  const next = (): number => {
    const result = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + result) | 0
    return result >>> 0
  }
  for (let round = 0; round < 12; round++) next()
  return {
    float: () => next() / 2 ** 32,
    bytes: count => Uint8Array.from({ length: count }, () => next() & 0xff)
  }
}
