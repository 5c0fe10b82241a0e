import { type Difference, differencesOf, Normaliser } from './comparison.js'
import type { Excuses } from './excuses.js'
import type { Outcome, Side } from './outcome.js'
import { placed, type Sequence, type Step } from './step.js'

/** A session that is no part of any sequence: it makes the places that they live below. */
const KEEPER = 99

/** A real ZooKeeper and ours, which are told the same from their very beginning on. */
export class Pair {
  readonly #zookeeper: Side
  readonly #ours: Side
  readonly #plainZookeeper = new Normaliser()
  readonly #plainOurs = new Normaliser()
  /** By operation: what ZooKeeper has said to it, and how often. */
  readonly #codes = new Map<string, Map<number, number>>()
  #sequences = 0

  private constructor(zookeeper: Side, ours: Side) {
    this.#zookeeper = zookeeper
    this.#ours = ours
  }

  /** Both as they are when nothing has been done yet. */
  static async of(zookeeper: Side, ours: Side): Promise<Pair> {
    const pair = new Pair(zookeeper, ours)
    await pair.#perform({ kind: 'open', session: KEEPER }, [], 'the beginning', '/')
    return pair
  }

  /**
   * Does the steps on both, one after the other, below a path that is new, and tells what differs without an excuse. Steps of sessions that are
   * not open are left out. What comes behind a difference after which the two are no more in the same state is done, and not compared.
   */
  async run({ steps }: Sequence, excuses: Excuses): Promise<readonly Difference[]> {
    const number = ++this.#sequences
    const here = `/sequence${String(number).padStart(6, '0')}`
    const acl = [{ perms: 31, scheme: 'world', id: 'anyone' }]
    const open = new Set<number>()
    const found: Difference[] = []
    const before: Step[] = []
    let isOver = false
    const perform = async (step: Step, name: string): Promise<void> => {
      if (step.kind === 'open' ? open.has(step.session) : !open.has(step.session)) return
      if (step.kind === 'open') open.add(step.session)
      const ended = step.kind === 'awaitGone' ? step.first : step
      if (ended?.kind === 'close') open.delete(ended.session)
      const differences = await this.#perform(step, before, name, here)
      before.push(step)
      if (isOver) return
      const { unknown, isParted } = excuses.sift(differences)
      found.push(...unknown)
      isOver = isParted
    }
    await this.#perform(
      { kind: 'create', path: here, data: null, mode: 0, ttl: -1, acl, session: KEEPER },
      [],
      `${number}.create`,
      here
    )
    await perform({ kind: 'open', session: 0 }, `${number}.open`)
    let index = 0
    for (const step of steps) await perform(placed(step, here), `${number}.${index++}`)
    for (const session of [...open]) await perform({ kind: 'close', session }, `${number}.close${session}`)
    return found
  }

  /** What ZooKeeper has said so far: by operation its codes, and how often each. */
  codes(): ReadonlyMap<string, ReadonlyMap<number, number>> {
    return this.#codes
  }

  async close(): Promise<void> {
    await Promise.all([this.#zookeeper.close(), this.#ours.close()])
  }

  async #perform(step: Step, before: readonly Step[], name: string, here: string): Promise<readonly Difference[]> {
    const outcomes: readonly [Outcome, Outcome] = await Promise.all([this.#zookeeper.perform(step), this.#ours.perform(step)])
    const codes = this.#codes.get(step.kind) ?? new Map<number, number>()
    this.#codes.set(step.kind, codes.set(outcomes[0].code, (codes.get(outcomes[0].code) ?? 0) + 1))
    return differencesOf(
      step,
      [...before],
      this.#plainZookeeper.plain(outcomes[0], name, here),
      this.#plainOurs.plain(outcomes[1], name, here)
    )
  }
}
