import fc from 'fast-check'
import t from 'tap'
import type { SessionId } from '../../lib/base/index.js'
import { type PlainDump, PlainTree } from '../../lib/sim/model/plain-tree.js'
import type { Operation, SnapshotCut, TreeEvent, ZnodeRecord } from '../../lib/tree/index.js'
import { arbitraryOperation, arbitrarySession, dumpOf, Leader, restored, timeAt, zxidAt } from '../fixtures/tree.js'

type Step =
  | { readonly kind: 'operation'; readonly operation: Operation; readonly owner: SessionId }
  | { readonly kind: 'close'; readonly owner: SessionId }
  | { readonly kind: 'apply'; readonly count: number }
  | { readonly kind: 'forget' }
  | { readonly kind: 'walk'; readonly budget: number }

const arbitraryStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({ kind: fc.constant('operation' as const), operation: arbitraryOperation, owner: arbitrarySession })
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('close' as const), owner: arbitrarySession }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('apply' as const), count: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('forget' as const) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('walk' as const), budget: fc.integer({ min: 1, max: 6 }) }) }
)

const arbitrarySteps = fc.array(arbitraryStep, { minLength: 1, maxLength: 120, size: 'max' })

function same(actual: unknown, expected: unknown, what: string): void {
  const [left, right] = [JSON.stringify(actual, inKeyOrder), JSON.stringify(expected, inKeyOrder)]
  if (left !== right) throw new Error(`${what}\n  is     ${left}\n  not as ${right}`)
}

function inKeyOrder(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** A leader that runs ahead of its tree, against the model that judges and changes in one step. */
class Comparison {
  readonly leader = new Leader()
  readonly #model = new PlainTree()
  readonly #expected = new Map<number, { readonly result: unknown; readonly events: readonly TreeEvent[] }>()
  readonly #dumps = new Map<number, readonly PlainDump[]>([[0, this.#model.dump()]])
  #cut: { readonly cut: SnapshotCut; readonly digest: string; readonly counter: number; readonly records: ZnodeRecord[] } | null =
    null
  #applied = 0
  cutsCompared = 0
  /** Kinds of results and codes of refusals that have been compared. */
  readonly seen = new Set<string>()

  take(step: Step): void {
    switch (step.kind) {
      case 'operation': {
        this.leader.prepare(step.operation, step.owner)
        const { counter } = this.leader
        const { result, events } = this.#model.execute(step.operation, step.owner, zxidAt(counter), timeAt(counter))
        this.#expected.set(counter, { result, events })
        this.#dumps.set(counter, this.#model.dump())
        break
      }
      case 'close': {
        const expected = this.#model.ephemeralsOf(step.owner)
        same(this.leader.close(step.owner), expected, 'the ephemerals of a session that ends')
        const { counter } = this.leader
        this.#expected.set(counter, { result: { kind: 'none' }, events: this.#model.endSession(step.owner, zxidAt(counter)) })
        this.#dumps.set(counter, this.#model.dump())
        // The session's id is used again here, which the session table rules out: everything of the old one is to be over.
        this.applyAll()
        break
      }
      case 'apply':
        for (let count = 0; count < step.count; count++) this.#applyOne()
        break
      case 'forget':
        this.leader.pending.forget(this.leader.tree.zxidApplied)
        break
      case 'walk':
        this.#walk(step.budget)
        break
    }
  }

  applyAll(): void {
    while (this.#applyOne());
    this.leader.pending.forget(this.leader.tree.zxidApplied)
    same(this.leader.pending.recordCount, 0, 'records when nothing is outstanding')
  }

  /** Everything that reads tell, and what the digest of a tree restored from the state is. */
  finish(): void {
    this.applyAll()
    same(dumpOf(this.leader.tree), this.#dumps.get(this.#applied), 'the tree at the end')
    while (this.#walk(100));
  }

  #applyOne(): boolean {
    const [next] = this.leader.outstanding
    const applied = this.leader.applyNext()
    if (next === undefined || applied === null) return false
    const { digest } = this.leader.tree
    same(applied, this.#expected.get(next.counter), `what txn ${next.counter} did`)
    this.seen.add(applied.result.kind === 'refused' ? applied.result.code : applied.result.kind)
    this.#applied = next.counter
    const again = this.leader.tree.apply(next.change, zxidAt(next.counter), timeAt(next.counter))
    same([again.events, this.leader.tree.digest], [[], digest], 'a txn that is applied again')
    return true
  }

  /** Walks the open cut a slice further, or opens one; at its end the image must be the tree at the zxid of the cut. */
  #walk(budget: number): boolean {
    const { tree } = this.leader
    this.#cut ??= { cut: tree.cut(), digest: tree.digest, counter: this.#applied, records: [] }
    const { cut, digest, counter, records } = this.#cut
    const slice = cut.next(budget)
    records.push(...slice)
    if (slice.length > 0) return true
    this.#cut = null
    same(records.length, cut.nodeCount, 'records in the image')
    const image = restored(records, cut.zxid)
    same([image.digest, image.zxidApplied], [digest, cut.zxid], 'the image of a cut')
    same(dumpOf(image), this.#dumps.get(counter), 'what reads of the image tell')
    this.cutsCompared++
    return false
  }
}

t.test(
  'any sequence of operations has the results, events, Stats and trees of the plain model, also while it is cut',
  async t => {
    let cutsCompared = 0
    const seen = new Set<string>()
    const property = fc.property(arbitrarySteps, steps => {
      const comparison = new Comparison()
      for (const step of steps) comparison.take(step)
      comparison.finish()
      cutsCompared += comparison.cutsCompared
      for (const each of comparison.seen) seen.add(each)
    })
    t.doesNotThrow(() => fc.assert(property, { numRuns: 600 }))
    t.ok(cutsCompared >= 600, 'cuts were compared')
    const kinds = ['create', 'delete', 'setData', 'check', 'multi', 'none']
    const codes = ['BAD_ARGUMENTS', 'NO_NODE', 'BAD_VERSION', 'NODE_EXISTS', 'NOT_EMPTY', 'NO_CHILDREN_FOR_EPHEMERALS']
    for (const each of [...kinds, ...codes]) t.ok(seen.has(each), each)
  }
)

t.test('a member that restarts from any cut and applies the rest of the log is equal to one that never stopped', async t => {
  const property = fc.property(
    fc.array(fc.tuple(arbitraryOperation, arbitrarySession), { maxLength: 80, size: 'max' }),
    fc.nat(80),
    (operations, at) => {
      const leader = new Leader()
      const log = operations.map(([operation, owner]) => ({ change: leader.prepare(operation, owner), counter: leader.counter }))
      for (let count = 0; count < Math.min(at, log.length); count++) leader.applyNext()
      const cut = leader.tree.cut()
      const records: ZnodeRecord[] = []
      for (let slice = cut.next(3); slice.length > 0; slice = cut.next(3)) {
        records.push(...slice)
        leader.applyNext()
      }
      leader.catchUp()
      const member = restored(records, cut.zxid)
      // From the very beginning: what the snapshot holds already must have no effect.
      for (const { change, counter } of log) member.apply(change, zxidAt(counter), timeAt(counter))
      same(dumpOf(member), dumpOf(leader.tree), 'the tree of the member that restarted')
      same(member.digest, leader.tree.digest, 'its digest')
    }
  )
  t.doesNotThrow(() => fc.assert(property, { numRuns: 200 }))
})
