import { type Random, seededRandom } from '../../base/index.js'

/** One call of one client, on a clock that all share. */
export interface Operation<Input, Output> {
  readonly process: number
  readonly calledAt: number
  /** Null: nothing was heard of it. It may have happened at any time since the call, or may not. */
  readonly returnedAt: number | null
  readonly input: Input
  /** Null: it has happened, and what it would have said is not known. */
  readonly output: Output | null
}

/** What operations should do, one after the other. States are values: a step makes another one. A state is neither an array nor null. */
export interface Model<State, Input, Output> {
  init(): State
  /** The state behind an operation that said `output`, or several that are possible; null when it cannot have said that here. */
  step(state: State, input: Input, output: Output | null): State | readonly State[] | null
  /**
   * Whether an operation that was answered so may change some states and leave others as they are. Where it does not change the state at hand,
   * it must still be tried later. Left out: there are no such operations.
   */
  mayChange?(input: Input, output: Output | null): boolean
  /** Equal for equal states, and for no others. */
  key(state: State): string
}

export interface LinearizabilityOptions {
  /** Steps of the model that the search may take. */
  readonly stepsMax?: number
}

export type Verdict<Input, Output> =
  | { readonly kind: 'linearizable'; readonly steps: number; readonly order: readonly Operation<Input, Output>[] }
  | {
      readonly kind: 'not linearizable'
      readonly steps: number
      /** As far as it goes. Nothing that was called when `stuck` returned can come next in the state that this leads to. */
      readonly longest: readonly Operation<Input, Output>[]
      readonly stuck: Operation<Input, Output>
      /** The keys of the states that are possible behind `longest`. */
      readonly state: string
    }
  /** The budget is spent. Callers count that as a failed check, not as a passed one. */
  | { readonly kind: 'unknown'; readonly steps: number }

const STEPS_MAX = 5_000_000

/**
 * Whether operations that overlap in time can have happened one after the other, each between its call and its return: the search of Wing and
 * Gong with Lowe's cache of what has been tried.
 *
 * Two things keep it short. An operation that changes nothing and can come next may as well come next, so nothing else is tried in its place;
 * and one of which nothing was heard is only placed where it changes something.
 */
export function checkLinearizable<State, Input, Output>(
  operations: readonly Operation<Input, Output>[],
  model: Model<State, Input, Output>,
  options: LinearizabilityOptions = {}
): Verdict<Input, Output> {
  return new Search(operations, model, options.stepsMax ?? STEPS_MAX).run()
}

/** A call or a return, in a list that operations are lifted out of when they are placed, and put back into. */
interface Entry {
  readonly operation: number
  readonly isCall: boolean
  readonly other: Entry | null
  before: Entry | null
  next: Entry | null
}

interface Placed<State> {
  readonly entry: Entry
  readonly states: readonly State[]
  readonly key: string
  /** The highest operation that was placed before. */
  readonly highest: number
  /** It changed nothing: there is nothing to be tried in its place. */
  readonly free: boolean
}

class Search<State, Input, Output> {
  readonly #operations: readonly Operation<Input, Output>[]
  readonly #model: Model<State, Input, Output>
  readonly #stepsMax: number
  readonly #head: Entry = { operation: -1, isCall: true, other: null, before: null, next: null }
  readonly #placed: Placed<State>[] = []
  readonly #tried: Tried
  #states: readonly State[]
  #key: string
  #highest = -1
  /** Operations with a return that are not placed yet. */
  #open: number
  #steps = 0
  #longest: readonly number[] = []
  #longestKey: string
  #stuck = -1

  constructor(operations: readonly Operation<Input, Output>[], model: Model<State, Input, Output>, stepsMax: number) {
    this.#operations = [...operations].sort((a, b) => a.calledAt - b.calledAt)
    this.#model = model
    this.#stepsMax = stepsMax
    this.#states = [model.init()]
    this.#key = this.#longestKey = this.#keyOf(this.#states)
    this.#open = operations.filter(({ returnedAt }) => returnedAt !== null).length
    this.#tried = new Tried(operations.length)
    this.#link()
  }

  run(): Verdict<Input, Output> {
    let entry = this.#head.next
    while (this.#open > 0) {
      if (entry?.isCall === true) {
        if (this.#steps >= this.#stepsMax) return { kind: 'unknown', steps: this.#steps }
        entry = this.#place(entry) ? this.#head.next : entry.next
        continue
      }
      // Whatever comes next had to come before this return.
      this.#note(entry)
      const back = this.#takeBack()
      if (back === null) return this.#refuted()
      entry = back.next
    }
    const order = this.#placed.map(({ entry: { operation } }) => this.#operation(operation))
    return { kind: 'linearizable', steps: this.#steps, order }
  }

  /** Lets an operation come next; false when it cannot, or when what follows has been tried already. */
  #place(entry: Entry): boolean {
    const { operation } = entry
    const { input, output, returnedAt } = this.#operation(operation)
    const states = new Map<string, State>()
    let free = returnedAt !== null && this.#model.mayChange?.(input, output) !== true
    for (const state of this.#states) {
      const key = this.#model.key(state)
      const behind = this.#stepped(state, input, output)
      if (behind.length === 0) free = false
      for (const each of behind) {
        const keyBehind = this.#model.key(each)
        if (keyBehind !== key) free = false
        states.set(keyBehind, each)
      }
    }
    if (states.size === 0) return false
    const next = [...states.values()]
    const key = this.#keyOf(next)
    if (returnedAt === null && key === this.#key) return false
    const highest = Math.max(this.#highest, operation)
    this.#tried.flip(operation)
    const lowest = this.#lowestWithout(entry)
    if (!this.#tried.add(key, lowest, highest)) {
      this.#tried.flip(operation)
      return false
    }
    this.#placed.push({ entry, states: this.#states, key: this.#key, highest: this.#highest, free })
    this.#states = next
    this.#key = key
    this.#highest = highest
    if (returnedAt !== null) this.#open--
    unlink(entry)
    return true
  }

  /** Takes back operations up to the last one that something else could stand in for; null when there is none. */
  #takeBack(): Entry | null {
    for (let placed = this.#placed.pop(); placed !== undefined; placed = this.#placed.pop()) {
      const { entry, states, key, highest, free } = placed
      this.#states = states
      this.#key = key
      this.#highest = highest
      this.#tried.flip(entry.operation)
      if (this.#operation(entry.operation).returnedAt !== null) this.#open++
      relink(entry)
      if (!free) return entry
    }
    return null
  }

  #note(entry: Entry | null): void {
    if (this.#placed.length < this.#longest.length || (this.#stuck >= 0 && this.#placed.length === this.#longest.length)) return
    this.#longest = this.#placed.map(({ entry: { operation } }) => operation)
    this.#longestKey = this.#key
    this.#stuck = entry?.operation ?? -1
  }

  #refuted(): Verdict<Input, Output> {
    return {
      kind: 'not linearizable',
      steps: this.#steps,
      longest: this.#longest.map(operation => this.#operation(operation)),
      stuck: this.#operation(this.#stuck),
      state: this.#longestKey
    }
  }

  #stepped(state: State, input: Input, output: Output | null): readonly State[] {
    this.#steps++
    const behind = this.#model.step(state, input, output)
    if (behind === null) return []
    return Array.isArray(behind) ? behind : [behind as State]
  }

  #keyOf(states: readonly State[]): string {
    return states
      .map(state => this.#model.key(state))
      .sort()
      .join('\n')
  }

  /** The first operation that is not placed once `entry` is. */
  #lowestWithout(entry: Entry): number {
    const first = this.#head.next
    return (first === entry ? nextCall(entry.next) : first)?.operation ?? this.#operations.length
  }

  #operation(index: number): Operation<Input, Output> {
    const operation = this.#operations[index]
    if (operation === undefined) throw new RangeError(`there is no operation ${index}`)
    return operation
  }

  /** At the same moment calls come before returns: what may have overlapped did. */
  #link(): void {
    const entries: { readonly at: number; readonly entry: Entry }[] = []
    for (const [operation, { calledAt, returnedAt }] of this.#operations.entries()) {
      const end: Entry | null = returnedAt === null ? null : { operation, isCall: false, other: null, before: null, next: null }
      entries.push({ at: calledAt, entry: { operation, isCall: true, other: end, before: null, next: null } })
      if (end !== null && returnedAt !== null) entries.push({ at: returnedAt, entry: end })
    }
    entries.sort(
      (a, b) => a.at - b.at || Number(b.entry.isCall) - Number(a.entry.isCall) || a.entry.operation - b.entry.operation
    )
    let last = this.#head
    for (const { entry } of entries) {
      last.next = entry
      entry.before = last
      last = entry
    }
  }
}

/** Which operations were placed, and in what states the search has been with just those placed. */
class Tried {
  readonly #bits: Uint32Array
  /** Two numbers for each operation: the hash of a set is all of its numbers, taken together. */
  readonly #numbers: Uint32Array
  readonly #sets = new Map<number, { readonly key: string; readonly first: number; readonly words: Uint32Array }[]>()
  #hashHigh = 0
  #hashLow = 0

  constructor(operations: number) {
    this.#bits = new Uint32Array((operations + 31) >>> 5)
    const random: Random = seededRandom(operations)
    this.#numbers = Uint32Array.from({ length: 2 * operations }, () => random.float() * 2 ** 32)
  }

  flip(operation: number): void {
    const word = operation >>> 5
    this.#bits[word] = (this.#bits[word] ?? 0) ^ (1 << (operation & 31))
    this.#hashHigh ^= this.#numbers[2 * operation] ?? 0
    this.#hashLow ^= this.#numbers[2 * operation + 1] ?? 0
  }

  /** Remembers the present set with this state; false when that was there before. Everything below `lowest` is placed, and nothing above `highest`. */
  add(key: string, lowest: number, highest: number): boolean {
    const first = lowest >>> 5
    const words = this.#bits.slice(first, Math.max(first, (highest >>> 5) + 1))
    const hash = (this.#hashHigh >>> 0) * 2 ** 21 + (this.#hashLow >>> 11)
    const sets = this.#sets.get(hash)
    if (sets === undefined) {
      this.#sets.set(hash, [{ key, first, words }])
      return true
    }
    if (sets.some(set => set.key === key && set.first === first && isSame(set.words, words))) return false
    sets.push({ key, first, words })
    return true
  }
}

function isSame(a: Uint32Array, b: Uint32Array): boolean {
  return a.length === b.length && a.every((word, index) => word === b[index])
}

function nextCall(entry: Entry | null): Entry | null {
  let next = entry
  while (next !== null && !next.isCall) next = next.next
  return next
}

function unlink(entry: Entry): void {
  for (const each of [entry, entry.other]) {
    if (each === null) continue
    if (each.before !== null) each.before.next = each.next
    if (each.next !== null) each.next.before = each.before
  }
}

/** The other way round: what was taken out last is where its neighbours still point. */
function relink(entry: Entry): void {
  for (const each of [entry.other, entry]) {
    if (each === null) continue
    if (each.before !== null) each.before.next = each
    if (each.next !== null) each.next.before = each
  }
}
