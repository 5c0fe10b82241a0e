import { LIMITS, type Ticks } from '../base/index.js'
import type { DataTree, PendingTree } from '../tree/index.js'

/**
 * Finds the containers that have served their purpose, and the znodes whose time to live is over. Goes through them in rounds, a bounded part
 * in each tick, so that a million of them take longer and never hold up the leader.
 */
export class ContainerReaper {
  readonly #tree: DataTree
  readonly #pending: PendingTree
  readonly #roundTicks: Ticks
  #round: Iterator<string> | null = null
  #ticksToRound: number

  /** `roundTicks`: from the beginning of one round to that of the next. */
  constructor(tree: DataTree, pending: PendingTree, roundTicks: Ticks) {
    this.#tree = tree
    this.#pending = pending
    this.#roundTicks = roundTicks
    this.#ticksToRound = roundTicks
  }

  /** A tick has passed. The paths that are to be removed by what is known at `time`; whoever removes them judges again. */
  onTick(time: number): readonly string[] {
    this.#ticksToRound--
    if (this.#round === null && this.#ticksToRound <= 0) {
      this.#ticksToRound = this.#roundTicks
      this.#round = this.#tree.mortals()[Symbol.iterator]()
    }
    const paths: string[] = []
    for (let looked = 0; this.#round !== null && looked < LIMITS.reapLookedAtMax && paths.length < LIMITS.reapedMax; looked++) {
      const next = this.#round.next()
      if (next.done === true) this.#round = null
      else if (this.#pending.isRemovable(next.value, time)) paths.push(next.value)
    }
    return paths
  }
}
