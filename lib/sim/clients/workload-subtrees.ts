import { type Random, randomInt } from '../../base/index.js'
import type { ChildrenOptions, ReadOp } from '../../member/index.js'
import type { ClientTools } from './client-tools.js'
import { pick, SEQUENTIAL_PARENTS, WORKLOAD_PARENTS, type WorkloadKeys } from './workload-keys.js'
import { soonWithin } from './workload-options.js'

const DEEP_NAMES = ['a', 'b'] as const
const DEEP_ROOTS = ['/deep', '/deep', '/deep', '/con', '/ttl', '/guarded', '/fill', '/tree', '/own'] as const
const READS_MAX = 5
/** How long a view of a part of the tree may keep its watches, in milliseconds. */
const VIEW_MILLISECONDS = [5, 500] as const

/** What creates, deletes or looks at several znodes at once. */
export class SubtreeWork {
  readonly #tools: ClientTools
  readonly #keys: WorkloadKeys

  constructor(tools: ClientTools, keys: WorkloadKeys) {
    this.#tools = tools
    this.#keys = keys
  }

  createParents(random: Random): void {
    const path = this.#deep(random)
    const options = { ...this.#tools.callOptions(random), parents: true }
    const dice = random.float()
    const value = this.#tools.value(random)
    const flags = dice < 0.15 ? { ephemeral: true } : dice < 0.3 ? { container: true } : {}
    if (dice > 0.8)
      this.#tools.track('create parents', this.#tools.session.create(`${path}/n-`, value, { ...options, sequential: true }))
    else this.#tools.track('create parents', this.#tools.session.create(path, value, { ...options, ...flags }))
  }

  createIfAbsent(random: Random): void {
    const dice = random.float()
    const path = dice < 0.4 ? this.#deep(random) : dice < 0.7 ? this.#keys.register(random) : this.#keys.own(random)
    const options = { ...this.#tools.callOptions(random), parents: random.float() < 0.5, ephemeral: dice > 0.8 }
    this.#tools.track('createIfAbsent', this.#tools.session.createIfAbsent(path, this.#tools.value(random), options))
  }

  deleteSubtree(random: Random): void {
    const dice = random.float()
    const path = dice < 0.6 ? pick(random, DEEP_ROOTS) : this.#deep(random)
    const recursive = random.float() < 0.7
    const version = random.float() < 0.15 ? { version: randomInt(random, 3) } : {}
    const options = { ...this.#tools.callOptions(random), ...version, recursive, ifExists: !recursive || random.float() < 0.5 }
    this.#tools.track('delete subtree', this.#tools.session.delete(path, options))
  }

  countBelow(random: Random): void {
    const options = { ...this.#tools.callOptions(random), linearizable: random.float() < 0.3 }
    const path = pick(random, ['/', '/seq', '/tree', '/own', '/deep', '/fill', '/guarded'])
    this.#tools.track('getAllChildrenNumber', this.#tools.session.getAllChildrenNumber(path, options))
  }

  /** Page by page, each from what the one before ended with. */
  getPage(random: Random): void {
    const path = pick(random, ['/', '/seq', '/own', '/own', '/ttl'])
    const after = random.float() < 0.3 ? { after: 'n-0000000003' } : {}
    this.#page(path, { ...this.#tools.readOptions(random), ...after, limit: 1 + randomInt(random, 4) }, 3)
  }

  multiRead(random: Random): void {
    const reads = Array.from({ length: randomInt(random, READS_MAX + 1) }, () => this.#singleRead(random))
    const options = { ...this.#tools.callOptions(random), linearizable: random.float() < this.#tools.options.linearizableShare }
    this.#tools.track('multiRead', this.#tools.session.multiRead(reads, options))
  }

  transaction(random: Random): void {
    const { session } = this.#tools
    const path = this.#keys.register(random)
    const transaction = session
      .transaction()
      .check(path, this.#keys.version(random, path))
      .setData(path, this.#tools.value(random))
    if (random.float() < 0.5)
      transaction.create(`${pick(random, SEQUENTIAL_PARENTS)}/n-`, this.#tools.value(random), { sequential: true })
    if (random.float() < 0.3) transaction.delete(this.#keys.toDelete(random))
    this.#tools.track('transaction', transaction.commit(this.#tools.callOptions(random)), results => {
      for (const result of results) if (result.type === 'create') this.#keys.created(result.path)
    })
  }

  /** The same session, seen from a part of the tree. */
  chroot(random: Random): void {
    const view = this.#tools.session.chroot(pick(random, WORKLOAD_PARENTS))
    const path = random.float() < 0.1 ? '/' : `/${pick(random, DEEP_NAMES)}`
    const dice = random.float()
    const options = this.#tools.callOptions(random)
    const value = this.#tools.value(random)
    if (dice < 0.25) this.#tools.track('chroot create', view.create(path, value, options))
    else if (dice < 0.4) this.#tools.track('chroot setData', view.setData(path, value, options))
    else if (dice < 0.5) this.#tools.track('chroot delete', view.delete(path, options))
    else if (dice < 0.65) this.#tools.track('chroot getData', view.getData(path, this.#tools.readOptions(random)))
    else if (dice < 0.75) this.#tools.track('chroot getChildren', view.getChildren('/', this.#tools.readOptions(random)))
    else if (dice < 0.8) this.#tools.track('chroot getEphemerals', view.getEphemerals('/'))
    else if (dice < 0.9)
      this.#tools.track(
        'chroot multi',
        view.multi([
          { type: 'check', path: '/' },
          { type: 'setData', path, data: value }
        ])
      )
    else this.#watchFrom(random, view, path)
  }

  #page(path: string, options: ChildrenOptions & { readonly limit: number }, pages: number): void {
    this.#tools.track('getChildren page', this.#tools.session.getChildren(path, options), ({ children }) => {
      const after = children.at(-1)
      if (after !== undefined && pages > 1 && this.#tools.room > 0) this.#page(path, { after, limit: options.limit }, pages - 1)
    })
  }

  #singleRead(random: Random): ReadOp {
    const dice = random.float()
    const path = dice < 0.15 ? '/guarded/g0' : this.#keys.toRead(random)
    if (dice < 0.4) return { type: 'getData', path }
    if (dice < 0.7) return { type: 'exists', path }
    if (dice < 0.85) return { type: 'getChildren', path: this.#keys.toList(random) }
    return { type: 'getChildren', path: pick(random, SEQUENTIAL_PARENTS), after: 'n-', limit: 1 + randomInt(random, 3) }
  }

  /** Its watches are ended with the view, and the session goes on. */
  #watchFrom(random: Random, view: ReturnType<ClientTools['session']['chroot']>, path: string): void {
    try {
      view.watch(path, { recursive: random.float() < 0.5 }, this.#tools.listener(random))
      this.#tools.count('chroot watch', 'ok')
    } catch {
      this.#tools.count('chroot watch', 'refused')
    }
    this.#tools.scheduler.after(soonWithin(random, VIEW_MILLISECONDS), () => this.#tools.track('chroot close', view.close()))
  }

  #deep(random: Random): string {
    let path = '/deep'
    for (let depth = 1 + randomInt(random, 4); depth > 0; depth--) path += `/${pick(random, DEEP_NAMES)}`
    return path
  }
}
