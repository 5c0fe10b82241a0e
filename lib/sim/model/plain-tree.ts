import { LIMITS } from '../../base/index.js'
import type { Acl, Caller, Operation, OperationResult, RefusedResult, Stat, TreeChange, TreeEvent } from '../../tree/index.js'
import { PlainDraft, Refusal } from './plain-draft.js'
import type { PlainNode } from './plain-node.js'
import { type OnChanged, PlainNodes } from './plain-nodes.js'
import type { PlainUsage } from './plain-quota.js'

/** What a leader is told to judge by. */
export interface PlainRules {
  /** Children of one znode. */
  readonly childrenMax: number
  /** Ephemerals of one session. */
  readonly ephemeralsMax: number
  /** Milliseconds that a container may stay without ever having had a child. */
  readonly containerUnusedMilliseconds: number
}

/** Everything a client could find out about one znode, and what it cannot. */
export interface PlainDump {
  readonly path: string
  /** As it is shown. */
  readonly data: readonly number[] | null
  readonly stat: Stat
  readonly children: readonly string[]
  readonly acl: Acl | null
  readonly lifetime: number
  /** Of itself and what lies below it. */
  readonly usage: PlainUsage
}

/** What became of an operation. */
export interface PlainOutcome {
  readonly result: OperationResult
  /** What the leader must make of it. */
  readonly change: TreeChange
  readonly events: readonly TreeEvent[]
}

/** Bounds that are far away. */
export const FAR_RULES: PlainRules = { childrenMax: 1e9, ephemeralsMax: 1e9, containerUnusedMilliseconds: 1e12 }

/**
 * ZooKeeper's semantics written down as plainly as possible: znodes in maps, judged and changed in one step; what is refused on the way puts
 * back what it has touched. Shares types with the library and no code.
 *
 * Versions are never so many here that 32 bits would not be enough for them.
 */
export class PlainTree {
  readonly #nodes: PlainNodes
  readonly #rules: PlainRules

  constructor(onChanged: OnChanged = () => {}, rules: PlainRules = FAR_RULES) {
    this.#nodes = new PlainNodes(onChanged)
    this.#rules = rules
  }

  /** What comes of an operation. It is taken back when it is not `accepted`. */
  execute(
    operation: Operation,
    caller: Caller,
    zxid: number,
    time: number,
    accepted: (outcome: PlainOutcome) => boolean = () => true
  ): PlainOutcome {
    const draft = new PlainDraft(this.#nodes, this.#rules, { caller, zxid, time })
    try {
      const isMulti = draft.perform(operation)
      return this.#end(outcomeOf(draft, isMulti), accepted)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      this.#nodes.takeBack()
      const refused = refusedOf(operation, draft.results.length, error)
      return { result: refused, change: refused, events: [] }
    }
  }

  /** What the leader may do of its own accord; a multi of nothing where it may not. */
  deleteContainer(path: string, zxid: number, time: number): PlainOutcome {
    if (!this.isRemovable(path, time)) {
      return { result: { kind: 'multi', results: [] }, change: { kind: 'multi', changes: [] }, events: [] }
    }
    const events = this.#nodes.remove(path, zxid)
    this.#nodes.keep()
    return { result: { kind: 'none' }, change: { kind: 'deleteContainer', path }, events }
  }

  /** Without children, and either a container that had some or has had none for too long, or a znode whose time is over. */
  isRemovable(path: string, time: number): boolean {
    const node = this.#nodes.get(path)
    if (node === null || node.numChildren > 0) return false
    if (node.lifetime > 0) return time > node.mtime + node.lifetime
    const isUsed = node.creates > 0
    return node.lifetime === -1 && (isUsed || time > node.ctime + this.#rules.containerUnusedMilliseconds)
  }

  /** A session takes these with it, which must be its own: all that it has unless its end takes several txns. */
  endSession(session: number, zxid: number, paths: readonly string[] = this.ephemeralsOf(session)): readonly TreeEvent[] {
    const events = paths.flatMap(path => this.#nodes.remove(path, zxid))
    this.#nodes.keep()
    return events
  }

  ephemeralsOf(session: number): readonly string[] {
    return this.#nodes.ephemeralsOf(session)
  }

  /** In order. */
  paths(): readonly string[] {
    return this.#nodes.all().map(([path]) => path)
  }

  /** Subtrees with limits, and the text of these, in the order of the subtrees. */
  quotas(): readonly { readonly subtree: string; readonly limits: Uint8Array | null }[] {
    return this.#nodes.limits().map(({ subtree, node }) => ({ subtree, limits: node.data }))
  }

  /** What a subtree holds, its root included. */
  usageOf(subtree: string): PlainUsage {
    return this.#nodes.usageOf(subtree)
  }

  dump(): readonly PlainDump[] {
    return this.#nodes.all().map(([path, { acl, lifetime }]) => {
      const { data, stat } = this.#nodes.shown(path)
      const usage = this.#nodes.usageOf(path)
      const children = this.#nodes.childrenOf(path)
      return { path, data: data === null ? null : [...data], stat, children, acl, lifetime, usage }
    })
  }

  node(path: string): PlainNode | null {
    return this.#nodes.get(path)
  }

  #end(outcome: PlainOutcome, accepted: (outcome: PlainOutcome) => boolean): PlainOutcome {
    if (accepted(outcome)) this.#nodes.keep()
    else this.#nodes.takeBack()
    return outcome
  }
}

function outcomeOf({ results, changes, events }: PlainDraft, isMulti: boolean): PlainOutcome {
  const [result] = results
  const [change] = changes
  if (isMulti || result === undefined || change === undefined) {
    return { result: { kind: 'multi', results }, change: { kind: 'multi', changes }, events }
  }
  return { result, change, events }
}

/** Of a multi that is refused at one of its operations: the ones before went well, the ones behind were not looked at. */
function refusedOf(operation: Operation, done: number, { code, path }: Refusal): RefusedResult {
  const refused = { kind: 'refused', code, ...(path === undefined ? {} : { path }) } as const
  if (operation.kind !== 'multi' || operation.operations.length > LIMITS.multiOpsMax) return refused
  const results = operation.operations.map((_, index) => {
    if (index < done) return 'OK'
    return index === done ? code : 'RUNTIME_INCONSISTENCY'
  })
  return { ...refused, results }
}
