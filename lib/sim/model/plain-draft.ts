import { type ErrorCode, LIMITS, type SessionId } from '../../base/index.js'
import type { Acl, Caller, Operation, SingleChange, SingleOperation, SingleResult, Stat, TreeEvent } from '../../tree/index.js'
import { ADMIN, allows, CREATE, DELETE, READ, WRITE } from './plain-acl.js'
import { newNode, type PlainNode } from './plain-node.js'
import { eventOf, type PlainNodes } from './plain-nodes.js'
import { above, bytesOfPath, isCallers, isPath, isPrefix } from './plain-path.js'
import { isOverHard, limitedBy, limitsIn } from './plain-quota.js'
import type { PlainRules } from './plain-tree.js'

type CreateOperation = Extract<SingleOperation, { kind: 'create' }>
type DeleteOperation = Extract<SingleOperation, { kind: 'delete' }>

/** Thrown, and caught where the operation began. PERF: no Error, whose stack would cost more than all the rest. */
export class Refusal {
  constructor(
    readonly code: ErrorCode,
    readonly path?: string
  ) {}
}

/** When and in whose name something is asked. */
export interface PlainMoment {
  readonly caller: Caller
  readonly zxid: number
  readonly time: number
}

/**
 * The txn that an operation is being turned into, judged and done in one step. Throws a {@link Refusal}; what it has done until then is for
 * others to take back.
 */
export class PlainDraft {
  readonly changes: SingleChange[] = []
  readonly results: SingleResult[] = []
  readonly events: TreeEvent[] = []
  readonly #nodes: PlainNodes
  readonly #rules: PlainRules
  readonly #moment: PlainMoment

  constructor(nodes: PlainNodes, rules: PlainRules, moment: PlainMoment) {
    this.#nodes = nodes
    this.#rules = rules
    this.#moment = moment
  }

  /** True when it has become a multi, however many changes that holds. */
  perform(operation: Operation): boolean {
    switch (operation.kind) {
      case 'multi':
        if (operation.operations.length > LIMITS.multiOpsMax) throw new Refusal('BAD_ARGUMENTS')
        for (const each of operation.operations) this.#partOfMulti(each)
        return true
      case 'create':
        if (operation.parents) this.#createParents(operation)
        this.#create(operation)
        return this.changes.length > 1
      case 'delete':
        return this.#deleteAsAsked(operation)
      case 'setData':
        this.#setData(operation.path, operation.data, operation.version)
        return false
      case 'check':
        this.#check(operation.path, operation.version)
        return false
      case 'setACL':
        this.#setAcl(operation.path, operation.acl, operation.version)
        return false
      case 'touch': {
        const { path } = operation
        const node = this.#writable(path)
        this.#nodes.put(path, { ...node, mtime: this.#moment.time })
        this.#done({ kind: 'touch', path }, { kind: 'touch', stat: this.#statOf(path) })
        return false
      }
    }
  }

  #partOfMulti(operation: SingleOperation): void {
    switch (operation.kind) {
      case 'create':
        if (operation.parents || operation.ifAbsent) throw new Refusal('BAD_ARGUMENTS')
        return this.#create(operation)
      case 'delete':
        if (operation.recursive || operation.ifExists) throw new Refusal('BAD_ARGUMENTS')
        return this.#delete(operation.path, operation.version)
      case 'setData':
        return this.#setData(operation.path, operation.data, operation.version)
      case 'check':
        return this.#check(operation.path, operation.version)
    }
  }

  #createParents({ path, sequential, acl }: CreateOperation): void {
    if (!(sequential ? isPrefix(path) : isPath(path))) throw new Refusal('BAD_ARGUMENTS')
    const missing: string[] = []
    for (let at = path; at !== '/'; ) {
      at = above(at)
      if (this.#nodes.get(at) === null) missing.push(at)
    }
    const plain = { kind: 'create', data: null, ephemeral: false, sequential: false, lifetime: 0, acl } as const
    for (const each of missing.reverse()) this.#create({ ...plain, path: each, parents: false, ifAbsent: false })
  }

  #create(operation: CreateOperation): void {
    const { path: asked, data, ephemeral, sequential, lifetime, acl, ifAbsent } = operation
    const { caller, zxid, time } = this.#moment
    if (!(sequential ? isPrefix(asked) : isPath(asked))) throw new Refusal('BAD_ARGUMENTS')
    if (!isCallers(sequential ? `${asked}0` : asked)) throw new Refusal('BAD_ARGUMENTS', asked)
    if (sequential && ifAbsent) throw new Refusal('BAD_ARGUMENTS', asked)
    if (ephemeral && (caller.session === 0 || lifetime !== 0)) throw new Refusal('BAD_ARGUMENTS', asked)
    const parentPath = above(asked)
    const isRoot = asked === '/' && !sequential
    const parent = this.#nodes.get(parentPath)
    if (parent === null) throw new Refusal('NO_NODE', asked)
    if (!isRoot && !this.#allows(parent, CREATE)) throw new Refusal('NO_AUTH', asked)
    const path = sequential ? asked + String(parent.creates).padStart(10, '0') : asked
    const there = this.#nodes.get(path)
    if (there !== null) {
      if (!ifAbsent) throw new Refusal('NODE_EXISTS', path)
      return this.#check(path, -1)
    }
    if (parent.owner !== 0) throw new Refusal('NO_CHILDREN_FOR_EPHEMERALS', path)
    if (parent.creates >= 2 ** 31 - 1) throw new Refusal('LIMIT_EXCEEDED', path)
    this.#checkQuotas(path, 1, data?.length ?? 0)
    const owner = ephemeral ? caller.session : 0
    const isTooMany = parent.numChildren >= this.#rules.childrenMax
    const isTooManyOwned = ephemeral && this.#nodes.ephemeralsOf(owner).length >= this.#rules.ephemeralsMax
    if (isTooMany || isTooManyOwned) throw new Refusal('LIMIT_EXCEEDED', path)
    this.#checkLimits(path, data)
    const { creates, numChildren } = parent
    this.#nodes.put(parentPath, { ...parent, creates: creates + 1, numChildren: numChildren + 1, pzxid: zxid })
    this.#nodes.put(path, newNode(zxid, time, { data, owner, acl, lifetime }))
    this.events.push(eventOf('created', path, acl, zxid), eventOf('childrenChanged', parentPath, parent.acl, zxid))
    this.#done(
      { kind: 'create', path, data, owner: owner as SessionId, lifetime, acl, parentCversion: creates + 1 },
      { kind: 'create', path, stat: this.#statOf(path) }
    )
  }

  /** True when it has become a multi: what may be none, one or many. */
  #deleteAsAsked({ path, version, recursive, ifExists }: DeleteOperation): boolean {
    try {
      this.#checkDelete(path, version)
    } catch (error) {
      if (ifExists && error instanceof Refusal && error.code === 'NO_NODE') return true
      throw error
    }
    if (!recursive) {
      this.#delete(path, version)
      return ifExists
    }
    const paths = this.#nodes.subtree(path)
    const bytes = paths.reduce((sum, each) => sum + bytesOfPath(each), 0)
    if (paths.length > LIMITS.deletedMax || bytes > LIMITS.listedPathBytesMax) throw new Refusal('LIMIT_EXCEEDED', path)
    for (const each of paths) this.#delete(each, -1)
    return true
  }

  #delete(path: string, version: number): void {
    const node = this.#checkDelete(path, version)
    if (node.numChildren > 0) throw new Refusal('NOT_EMPTY', path)
    this.events.push(...this.#nodes.remove(path, this.#moment.zxid))
    this.#done({ kind: 'delete', path }, { kind: 'delete' })
  }

  #checkDelete(path: string, version: number): PlainNode {
    if (!isPath(path)) throw new Refusal('BAD_ARGUMENTS')
    if (path === '/' || !isCallers(path)) throw new Refusal('BAD_ARGUMENTS', path)
    const parent = this.#nodes.get(above(path))
    if (parent !== null && !this.#allows(parent, DELETE)) throw new Refusal('NO_AUTH', path)
    const node = this.#nodes.get(path)
    if (node === null) throw new Refusal('NO_NODE', path)
    if (version !== -1 && version !== node.version) throw new Refusal('BAD_VERSION', path)
    return node
  }

  #setData(path: string, data: Uint8Array | null, version: number): void {
    const node = this.#writable(path)
    this.#checkQuotas(path, 0, (data?.length ?? 0) - (node.data?.length ?? 0))
    if (version !== -1 && version !== node.version) throw new Refusal('BAD_VERSION', path)
    this.#checkLimits(path, data)
    const { zxid, time } = this.#moment
    const copy = data === null ? null : new Uint8Array(data)
    this.#nodes.put(path, { ...node, data: copy, version: node.version + 1, mzxid: zxid, mtime: time })
    this.events.push(eventOf('dataChanged', path, node.acl, zxid))
    const stat = this.#statOf(path)
    this.#done({ kind: 'setData', path, data, version: node.version + 1 }, { kind: 'setData', stat })
  }

  #check(path: string, version: number): void {
    if (!isPath(path)) throw new Refusal('BAD_ARGUMENTS')
    const node = this.#nodes.get(path)
    if (node === null) throw new Refusal('NO_NODE', path)
    if (!this.#allows(node, READ)) throw new Refusal('NO_AUTH', path)
    if (version !== -1 && version !== node.version) throw new Refusal('BAD_VERSION', path)
    this.#done({ kind: 'check', path }, { kind: 'check', stat: this.#statOf(path) })
  }

  #setAcl(path: string, acl: Acl | null, version: number): void {
    if (!isPath(path)) throw new Refusal('BAD_ARGUMENTS')
    const node = this.#nodes.get(path)
    if (node === null) throw new Refusal('NO_NODE', path)
    if (!this.#allows(node, ADMIN)) throw new Refusal('NO_AUTH', path)
    if (version !== -1 && version !== node.aversion) throw new Refusal('BAD_VERSION', path)
    const aversion = node.aversion + 1
    this.#nodes.put(path, { ...node, acl, aversion })
    this.#done({ kind: 'setACL', path, acl, aversion }, { kind: 'setACL', stat: this.#statOf(path) })
  }

  /** A znode that the caller may write to. */
  #writable(path: string): PlainNode {
    if (!isPath(path)) throw new Refusal('BAD_ARGUMENTS')
    if (!isCallers(path)) throw new Refusal('BAD_ARGUMENTS', path)
    const node = this.#nodes.get(path)
    if (node === null) throw new Refusal('NO_NODE', path)
    if (!this.#allows(node, WRITE)) throw new Refusal('NO_AUTH', path)
    return node
  }

  #checkQuotas(path: string, count: number, bytes: number): void {
    for (const { subtree, node } of this.#nodes.limitsAbove(path)) {
      const limits = limitsIn(node.data)
      if (limits !== null && isOverHard(limits, this.#nodes.usageOf(subtree), count, bytes)) {
        throw new Refusal('QUOTA_EXCEEDED', subtree)
      }
    }
  }

  /** What is written where limits are kept must be some. */
  #checkLimits(path: string, data: Uint8Array | null): void {
    if (limitedBy(path) !== null && limitsIn(data) === null) throw new Refusal('BAD_ARGUMENTS', path)
  }

  #allows(node: PlainNode, permission: number): boolean {
    return allows(node.acl, [permission], this.#moment.caller.auth)
  }

  #statOf(path: string): Stat {
    return this.#nodes.shown(path).stat
  }

  #done(change: SingleChange, result: SingleResult): void {
    this.changes.push(change)
    this.results.push(result)
  }
}
