import { type Random, randomInt } from '../../base/index.js'
import { parentOf } from '../../tree/index.js'

/** The znodes above those that are worked on. They are deleted and created like all others. */
export const WORKLOAD_PARENTS = ['/seq', '/tree', '/own'] as const

/** Below which sequential znodes are created. */
export const SEQUENTIAL_PARENTS = ['/seq', '/own'] as const

const TREE_NAMES = ['a', 'b'] as const
const OWN_NAMES = 6

/** Sequential znodes that an actor remembers. */
const SEQUENTIALS_MAX = 16

/** More children than that under one parent are reduced. */
const CHILDREN_MAX = 12

/** The few paths that all actors work on, and what one actor knows of them. What it knows may be out of date: then it is refused. */
export class WorkloadKeys {
  readonly #registers: number
  readonly #depth: number
  readonly #versions = new Map<string, number>()
  #sequentials: string[] = []
  #missing: string | null = null

  constructor(registers: number, depth: number) {
    this.#registers = registers
    this.#depth = depth
  }

  register(random: Random): string {
    return `/r${randomInt(random, this.#registers)}`
  }

  /** Somewhere in the tree, near the root more often than the number of places would have it. */
  inTree(random: Random): string {
    let path = '/tree'
    for (let depth = 1 + randomInt(random, this.#depth); depth > 0; depth--) path += `/${pick(random, TREE_NAMES)}`
    return path
  }

  /** A znode that is created as an ephemeral one, mostly. */
  own(random: Random): string {
    return `/own/x${randomInt(random, OWN_NAMES)}`
  }

  parent(random: Random): string {
    return pick(random, WORKLOAD_PARENTS)
  }

  sequentialPrefix(random: Random): string {
    const parent = pick(random, SEQUENTIAL_PARENTS)
    return random.float() < 0.2 ? `${parent}/` : `${parent}/n-`
  }

  /** A znode that was created as sequential one; another one when none is known. */
  sequential(random: Random): string {
    return this.#sequentials[randomInt(random, this.#sequentials.length)] ?? this.register(random)
  }

  /** Whether something that was wanted lately is not there. */
  get misses(): boolean {
    return this.#missing !== null
  }

  /** Where plain znodes are created. What was missed last comes first. */
  toCreate(random: Random): string {
    if (this.#missing !== null && random.float() < 0.7) return this.#takeMissing()
    const dice = random.float()
    if (dice < 0.82) return this.inTree(random)
    return dice < 0.94 ? this.register(random) : this.parent(random)
  }

  toDelete(random: Random): string {
    const dice = random.float()
    if (dice < 0.1) return this.register(random)
    if (dice < 0.45) return this.sequential(random)
    if (dice < 0.8) return this.inTree(random)
    return dice < 0.94 ? this.own(random) : this.parent(random)
  }

  toWrite(random: Random): string {
    const dice = random.float()
    if (dice < 0.8) return this.register(random)
    return dice < 0.9 ? this.inTree(random) : this.sequential(random)
  }

  toRead(random: Random): string {
    const dice = random.float()
    if (dice < 0.6) return this.register(random)
    if (dice < 0.75) return this.inTree(random)
    return dice < 0.88 ? this.own(random) : this.sequential(random)
  }

  toList(random: Random): string {
    const dice = random.float()
    if (dice < 0.6) return this.parent(random)
    if (dice < 0.75) return this.inTree(random)
    return dice < 0.9 ? '/' : this.register(random)
  }

  /** The version that it was last seen with, or one beside it. */
  version(random: Random, path: string): number {
    const known = this.#versions.get(path) ?? 0
    return random.float() < 0.8 ? known : Math.max(0, known - 1 + randomInt(random, 3))
  }

  /** So many sequential znodes are known that some should go. */
  get crowded(): boolean {
    return this.#sequentials.length > CHILDREN_MAX
  }

  /** Known sequential znodes, to be deleted together. */
  takeSequentials(count: number): readonly string[] {
    return this.#sequentials.splice(0, count)
  }

  saw(path: string, version: number): void {
    if (!this.#isSequential(path)) this.#versions.set(path, version)
  }

  sawMissing(path: string): void {
    if (this.#isSequential(path)) this.#sequentials = this.#sequentials.filter(known => known !== path)
    else this.#versions.delete(path)
    this.#missing = path
  }

  /** It was not created for want of what stands above it. */
  sawNoParent(path: string): void {
    const parent = parentOf(path)
    if (parent !== '/') this.#missing = parent
  }

  created(path: string): void {
    this.saw(path, 0)
    if (this.#isSequential(path)) this.#sequentials = [...this.#sequentials, path].slice(-SEQUENTIALS_MAX)
  }

  sawChildren(parent: string, children: readonly string[]): void {
    const paths = children.map(name => `${parent}/${name}`).filter(path => this.#isSequential(path))
    if (paths.length > CHILDREN_MAX) this.#sequentials = paths.slice(0, SEQUENTIALS_MAX)
  }

  #takeMissing(): string {
    const missing = this.#missing ?? '/tree'
    this.#missing = null
    return this.#isSequential(missing) ? parentOf(missing) : missing
  }

  #isSequential(path: string): boolean {
    return SEQUENTIAL_PARENTS.some(parent => path.startsWith(`${parent}/`)) && /\d{10}$/.test(path)
  }
}

export function pick<T>(random: Random, choices: readonly [T, ...T[]]): T {
  return choices[randomInt(random, choices.length)] ?? choices[0]
}
