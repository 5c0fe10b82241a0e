import type { ErrorCode, SessionId, Zxid } from '../../base/index.js'
import type { Operation, OperationResult, SingleOperation, SingleResult, Stat, TreeEvent } from '../../tree/index.js'

/** One znode, as it is from one txn to the next. Never changed: a txn puts another in its place. */
export interface PlainNode {
  readonly data: Uint8Array | null
  readonly czxid: number
  readonly mzxid: number
  readonly pzxid: number
  readonly ctime: number
  readonly mtime: number
  readonly version: number
  /** Children ever created below it, and ever deleted. `/zookeeper` is a child that nobody created. */
  readonly creates: number
  readonly deletes: number
  readonly numChildren: number
  readonly owner: number
}

/** Everything a client could find out about one znode. */
export interface PlainDump {
  readonly path: string
  readonly data: readonly number[] | null
  readonly stat: Stat
  readonly children: readonly string[]
}

/** Told what one txn has changed, when it has: a path and what is there now. A refused operation changes nothing. */
export type OnChanged = (path: string, node: PlainNode | null) => void

/** What became of an operation. */
export interface PlainOutcome {
  readonly result: OperationResult
  readonly events: readonly TreeEvent[]
  /** For each operation: how many children its parent has seen created with this one if it is a create, else 0. Empty for a refusal. */
  readonly parentCreates: readonly number[]
}

/** Thrown, and caught where the operation began. PERF: no Error, whose stack would cost more than all the rest. */
class Refusal {
  constructor(
    readonly code: ErrorCode,
    readonly path: string
  ) {}
}

/**
 * ZooKeeper's semantics written down as plainly as possible: maps of znodes, of children and of ephemerals, judged and changed in one step; a refused
 * multi puts back what it has touched. Shares types with the library and no code.
 *
 * It takes valid paths only, and 32 bits are always enough for its counters.
 */
export class PlainTree {
  readonly #nodes = new Map<string, PlainNode>()
  readonly #children = new Map<string, Set<string>>()
  readonly #ephemerals = new Map<number, Set<string>>()
  readonly #onChanged: OnChanged
  readonly #ephemeralBytesMax: number
  /** What the txn under way has touched, and what was there before. */
  #journal: { readonly path: string; readonly before: PlainNode | null }[] = []

  /** `ephemeralBytesMax`: bytes of all ephemeral paths that one session may own. */
  constructor(onChanged: OnChanged = () => {}, ephemeralBytesMax = Number.POSITIVE_INFINITY) {
    this.#onChanged = onChanged
    this.#ephemeralBytesMax = ephemeralBytesMax
    this.#put('/', { ...newNode(0, 0, null, 0), numChildren: 1 })
    this.#put('/zookeeper', newNode(0, 0, null, 0))
    this.#tell()
  }

  /** What comes of an operation. It is taken back when it is not `accepted`. */
  execute(
    operation: Operation,
    session: number,
    zxid: number,
    time: number,
    accepted: (outcome: PlainOutcome) => boolean = () => true
  ): PlainOutcome {
    const events: TreeEvent[] = []
    const list = operation.kind === 'multi' ? operation.operations : [operation]
    const results: SingleResult[] = []
    const parentCreates: number[] = []
    try {
      for (const each of list) {
        results.push(this.#one(each, session, zxid, time, events))
        parentCreates.push(each.kind === 'create' ? (this.#nodes.get(above(each.path))?.creates ?? 0) : 0)
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      this.#undo()
      const { code, path } = error
      if (operation.kind !== 'multi') return { result: { kind: 'refused', code, path }, events: [], parentCreates: [] }
      const codes = list.map((_, index) => {
        if (index < results.length) return 'OK' as const
        return index === results.length ? code : ('RUNTIME_INCONSISTENCY' as const)
      })
      return { result: { kind: 'refused', code, path, results: codes }, events: [], parentCreates: [] }
    }
    const [first] = results
    const result = operation.kind === 'multi' || first === undefined ? ({ kind: 'multi', results } as const) : first
    const outcome: PlainOutcome = { result, events, parentCreates }
    if (accepted(outcome)) this.#tell()
    else this.#undo()
    return outcome
  }

  endSession(session: number, zxid: number): readonly TreeEvent[] {
    const events: TreeEvent[] = []
    for (const path of this.ephemeralsOf(session)) this.#remove(path, zxid, events)
    this.#tell()
    return events
  }

  ephemeralsOf(session: number): readonly string[] {
    return [...(this.#ephemerals.get(session) ?? [])].sort()
  }

  dump(): readonly PlainDump[] {
    return [...this.#nodes]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([path, node]) => ({
        path,
        data: node.data === null ? null : [...node.data],
        stat: plainStatOf(path, node),
        children: [...(this.#children.get(path) ?? [])].sort()
      }))
  }

  node(path: string): PlainNode | null {
    return this.#nodes.get(path) ?? null
  }

  #one(operation: SingleOperation, session: number, zxid: number, time: number, events: TreeEvent[]): SingleResult {
    const reserved = (path: string): boolean => path === '/zookeeper' || path.startsWith('/zookeeper/')
    switch (operation.kind) {
      case 'create': {
        const prefix = operation.path
        const parentPath = above(prefix)
        if (reserved(operation.sequential ? `${prefix}x` : prefix)) throw new Refusal('BAD_ARGUMENTS', prefix)
        if (prefix === '/' && !operation.sequential) throw new Refusal('NODE_EXISTS', prefix)
        const parent = this.#nodes.get(parentPath)
        if (parent === undefined) throw new Refusal('NO_NODE', prefix)
        const path = operation.sequential ? prefix + `0000000000${parent.creates}`.slice(-10) : prefix
        if (this.#nodes.has(path)) throw new Refusal('NODE_EXISTS', path)
        if (parent.owner !== 0) throw new Refusal('NO_CHILDREN_FOR_EPHEMERALS', path)
        if (operation.ephemeral && this.#ephemeralBytesOf(session) + utf8Bytes(path) > this.#ephemeralBytesMax) {
          throw new Refusal('BAD_ARGUMENTS', path)
        }
        const { creates, numChildren } = parent
        this.#put(parentPath, { ...parent, creates: creates + 1, numChildren: numChildren + 1, pzxid: zxid })
        this.#put(path, newNode(zxid, time, operation.data, operation.ephemeral ? session : 0))
        events.push({ type: 'created', path, zxid: zxid as Zxid })
        events.push({ type: 'childrenChanged', path: parentPath, zxid: zxid as Zxid })
        return { kind: 'create', path, stat: this.#stat(path) }
      }
      case 'delete':
        if (operation.path === '/' || reserved(operation.path)) throw new Refusal('BAD_ARGUMENTS', operation.path)
        if (this.#at(operation.path, operation.version).numChildren > 0) throw new Refusal('NOT_EMPTY', operation.path)
        this.#remove(operation.path, zxid, events)
        return { kind: 'delete' }
      case 'setData': {
        if (reserved(operation.path)) throw new Refusal('BAD_ARGUMENTS', operation.path)
        const node = this.#at(operation.path, operation.version)
        const data = operation.data === null ? null : new Uint8Array(operation.data)
        this.#put(operation.path, { ...node, data, version: node.version + 1, mzxid: zxid, mtime: time })
        events.push({ type: 'dataChanged', path: operation.path, zxid: zxid as Zxid })
        return { kind: 'setData', stat: this.#stat(operation.path) }
      }
      case 'check':
        this.#at(operation.path, operation.version)
        return { kind: 'check' }
    }
  }

  #at(path: string, version: number): PlainNode {
    const node = this.#nodes.get(path)
    if (node === undefined) throw new Refusal('NO_NODE', path)
    if (version !== -1 && version !== node.version) throw new Refusal('BAD_VERSION', path)
    return node
  }

  #remove(path: string, zxid: number, events: TreeEvent[]): void {
    const parentPath = above(path)
    const parent = this.#nodes.get(parentPath)
    if (parent === undefined) throw new Error('a znode has a parent')
    this.#put(path, null)
    this.#put(parentPath, { ...parent, deletes: parent.deletes + 1, numChildren: parent.numChildren - 1, pzxid: zxid })
    events.push({ type: 'deleted', path, zxid: zxid as Zxid })
    events.push({ type: 'childrenChanged', path: parentPath, zxid: zxid as Zxid })
  }

  #stat(path: string): Stat {
    const node = this.#nodes.get(path)
    if (node === undefined) throw new Error('the znode is there')
    return plainStatOf(path, node)
  }

  #ephemeralBytesOf(session: number): number {
    if (this.#ephemeralBytesMax === Number.POSITIVE_INFINITY) return 0
    return this.ephemeralsOf(session).reduce((sum, path) => sum + utf8Bytes(path), 0)
  }

  #put(path: string, node: PlainNode | null): void {
    this.#journal.push({ path, before: this.#nodes.get(path) ?? null })
    this.#replace(path, node)
  }

  #replace(path: string, node: PlainNode | null): void {
    const before = this.#nodes.get(path)
    if (before !== undefined && before.owner !== 0) this.#ephemerals.get(before.owner)?.delete(path)
    if (node !== null && node.owner !== 0) {
      const owned = this.#ephemerals.get(node.owner) ?? new Set()
      this.#ephemerals.set(node.owner, owned.add(path))
    }
    if (node === null) this.#nodes.delete(path)
    else this.#nodes.set(path, node)
    if (path === '/') return
    const parentPath = above(path)
    const name = path.slice(path.lastIndexOf('/') + 1)
    const siblings = this.#children.get(parentPath) ?? new Set()
    if (node === null) siblings.delete(name)
    else siblings.add(name)
    this.#children.set(parentPath, siblings)
  }

  /** Newest first: a path that was touched twice must come back as it was in the beginning. */
  #undo(): void {
    for (const { path, before } of this.#journal.reverse()) this.#replace(path, before)
    this.#journal = []
  }

  #tell(): void {
    const paths = new Set(this.#journal.map(({ path }) => path))
    this.#journal = []
    for (const path of paths) this.#onChanged(path, this.#nodes.get(path) ?? null)
  }
}

/** What a client is shown of a znode. The root counts from -1, because nobody created `/zookeeper`. */
export function plainStatOf(path: string, node: PlainNode): Stat {
  return {
    czxid: node.czxid as Zxid,
    mzxid: node.mzxid as Zxid,
    pzxid: node.pzxid as Zxid,
    ctime: node.ctime,
    mtime: node.mtime,
    version: node.version,
    cversion: node.creates + node.deletes + (path === '/' ? -1 : 0),
    aversion: 0,
    ephemeralOwner: node.owner as SessionId,
    dataLength: node.data?.length ?? 0,
    numChildren: node.numChildren
  }
}

const encoder = new TextEncoder()

function utf8Bytes(text: string): number {
  return encoder.encode(text).length
}

function above(path: string): string {
  const last = path.lastIndexOf('/')
  return last === 0 ? '/' : path.slice(0, last)
}

function newNode(zxid: number, time: number, data: Uint8Array | null, owner: number): PlainNode {
  return {
    data: data === null ? null : new Uint8Array(data),
    czxid: zxid,
    mzxid: zxid,
    pzxid: zxid,
    ctime: time,
    mtime: time,
    version: 0,
    creates: 0,
    deletes: 0,
    numChildren: 0,
    owner
  }
}
