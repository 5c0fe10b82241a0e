import {
  isZooKeeperError,
  type Random,
  randomInt,
  type Scheduler,
  type SessionId,
  seededRandom,
  unreachable
} from '../../base/index.js'
import type { CallOptions, MultiOp, WatchedReadOptions, WatcherKind, WatchListener } from '../../member/index.js'
import type { ClientTools } from './client-tools.js'
import type { RecordedSession } from './recorded-session.js'
import type { RecordedWatch } from './recorded-watch.js'
import { GuardedWork } from './workload-acls.js'
import { pick, SEQUENTIAL_PARENTS, WORKLOAD_PARENTS, type WorkloadKeys } from './workload-keys.js'
import { LifetimeWork } from './workload-lifetimes.js'
import { workloadMulti } from './workload-multi.js'
import { integerWithin, soonWithin, type WorkloadKind, type WorkloadOptions } from './workload-options.js'
import { QuotaWork } from './workload-quotas.js'
import { SessionWork } from './workload-sessions.js'
import { SubtreeWork } from './workload-subtrees.js'

/** The reason that calls are aborted with. */
export class AbortedByCaller extends Error {
  override readonly name = 'AbortedByCaller'
}

/** What a client needs of the actor that it belongs to. */
export interface ClientHost {
  readonly name: string
  readonly scheduler: Scheduler
  readonly options: WorkloadOptions
  /** How many more calls may be made now. */
  readonly room: number
  /** Follows a call to its end. */
  track<T>(kind: string, promise: Promise<T>, onAnswer: (value: T) => void, onRefused: (code: string) => void): void
  count(kind: string, outcome: string): void
  /** Ends a session wherever it lives: asked of the process, not of a session. */
  terminate(session: SessionId): Promise<void>
}

/** The watches of one session. */
interface Watching {
  readonly session: number
  readonly persistent: RecordedWatch[]
  oneShot: number
  /** Where watches were set lately; there may be none any more. */
  paths: readonly string[]
}

/** Paths that are remembered of one session's watches. */
const PATHS_MAX = 6

/** One session at work: turns a kind of operation and chance into calls, and learns from the answers what to ask for next. */
export class WorkloadClient implements ClientTools {
  readonly session: RecordedSession
  readonly #host: ClientHost
  readonly #keys: WorkloadKeys
  readonly #lifetimes: LifetimeWork
  readonly #acls: GuardedWork
  readonly #quotas: QuotaWork
  readonly #subtrees: SubtreeWork
  readonly #sessions: SessionWork
  #watching: Watching
  #operation = 0
  #values = 0

  constructor(session: RecordedSession, keys: WorkloadKeys, host: ClientHost) {
    this.session = session
    this.#host = host
    this.#keys = keys
    this.#lifetimes = new LifetimeWork(this)
    this.#acls = new GuardedWork(this)
    this.#quotas = new QuotaWork(this)
    this.#subtrees = new SubtreeWork(this, keys)
    this.#sessions = new SessionWork(this, target => host.terminate(target))
    this.#watching = { session: session.sessionId, persistent: [], oneShot: 0, paths: [] }
  }

  get scheduler(): Scheduler {
    return this.#host.scheduler
  }

  get options(): WorkloadOptions {
    return this.#host.options
  }

  get room(): number {
    return this.#host.room
  }

  /** Its session will not come back. A member's own is followed by another. */
  get over(): boolean {
    const { state } = this.session
    return state === 'expired' || state === 'closed'
  }

  act(operation: number, kind: WorkloadKind, random: Random): void {
    this.#operation = operation
    this.#values = 0
    // Watches end with their session.
    if (this.session.sessionId !== this.#watching.session)
      this.#watching = { session: this.session.sessionId, persistent: [], oneShot: 0, paths: [] }
    // Nobody must be able to fill the tree, whatever is drawn most.
    if (this.#keys.crowded && random.float() < 0.5) this.#clear(random)
    // What is missing comes back before long, or there would be little but refusals.
    if (this.#keys.misses && random.float() < 0.25) return this.#create(random, this.#keys.toCreate(random), false)
    switch (kind) {
      case 'create':
        return this.#create(random, this.#keys.toCreate(random), false)
      case 'createEphemeral':
        return this.#create(random, this.#ephemeralPath(random), true)
      case 'createSequential':
        return this.#createSequential(random)
      case 'delete':
        return this.#delete(random)
      case 'setData':
        return this.#setData(random, this.#keys.toWrite(random), null)
      case 'setDataVersioned':
        return this.#setDataVersioned(random)
      case 'multi':
        return this.#multi(
          random,
          workloadMulti(random, this.#keys, () => this.value(random))
        )
      case 'exists':
        return this.#exists(random, this.#keys.toRead(random))
      case 'getData':
        return this.#getData(random, this.#keys.toRead(random))
      case 'getChildren':
        return this.#getChildren(random, this.#keys.toList(random))
      case 'getEphemerals':
        return this.track('getEphemerals', this.session.getEphemerals())
      case 'sync':
        return this.track('sync', this.session.sync(this.callOptions(random)))
      case 'watch':
        return this.#watch(random)
      case 'unwatch':
        return this.#watching.persistent.splice(randomInt(random, this.#watching.persistent.length), 1)[0]?.dispose()
      case 'burst':
        return this.#burst(random)
      case 'pipeline':
        return this.#pipeline(random)
      case 'container':
        return this.#lifetimes.container(random)
      case 'ttl':
        return this.#lifetimes.ttl(random)
      case 'touch':
        return this.#lifetimes.touch(random)
      case 'manyEphemerals':
        return this.#lifetimes.manyEphemerals(random)
      case 'addAuth':
        return this.#acls.addAuth(random)
      case 'guarded':
        return this.#acls.guarded(random)
      case 'setACL':
        return this.#acls.setAcl(random)
      case 'getACL':
        return this.#acls.getAcl(random)
      case 'setQuota':
        return this.#quotas.setQuota(random)
      case 'fill':
        return this.#quotas.fill(random)
      case 'createParents':
        return this.#subtrees.createParents(random)
      case 'createIfAbsent':
        return this.#subtrees.createIfAbsent(random)
      case 'deleteSubtree':
        return this.#subtrees.deleteSubtree(random)
      case 'countBelow':
        return this.#subtrees.countBelow(random)
      case 'getPage':
        return this.#subtrees.getPage(random)
      case 'multiRead':
        return this.#subtrees.multiRead(random)
      case 'transaction':
        return this.#subtrees.transaction(random)
      case 'chroot':
        return this.#subtrees.chroot(random)
      case 'removeWatches':
        return this.#removeWatches(random)
      case 'shareSession':
        return this.#sessions.share(random)
      case 'terminate':
        return this.#sessions.terminate(random)
      default:
        return unreachable(kind)
    }
  }

  // Writes.

  #create(random: Random, path: string, ephemeral: boolean): void {
    const data = WORKLOAD_PARENTS.some(parent => parent === path) ? null : this.value(random)
    this.#host.track(
      ephemeral ? 'create ephemeral' : 'create',
      this.session.create(path, data, { ...this.callOptions(random), ephemeral }),
      created => this.#keys.created(created.path),
      code => code === 'NO_NODE' && this.#keys.sawNoParent(path)
    )
  }

  #createSequential(random: Random): void {
    const path = this.#keys.sequentialPrefix(random)
    const ephemeral = random.float() < 0.4
    this.#host.track(
      ephemeral ? 'create ephemeral sequential' : 'create sequential',
      this.session.create(path, this.value(random), { ...this.callOptions(random), ephemeral, sequential: true }),
      created => this.#keys.created(created.path),
      code => code === 'NO_NODE' && this.#keys.sawNoParent(path.endsWith('/') ? `${path}n-` : path)
    )
  }

  /** Deletes several sequential znodes, and looks whether there are still too many. */
  #clear(random: Random): void {
    const paths = this.#keys.takeSequentials(2 + randomInt(random, 8))
    if (random.float() < 0.3)
      this.#multi(
        random,
        paths.map(path => ({ type: 'delete', path }))
      )
    else for (const path of paths) this.track('delete', this.session.delete(path))
    this.#getChildren(random, pick(random, SEQUENTIAL_PARENTS))
  }

  #delete(random: Random): void {
    const path = this.#keys.toDelete(random)
    const version = random.float() < 0.3 ? { version: this.#keys.version(random, path) } : {}
    const gone = () => this.#keys.sawMissing(path)
    const refused = (code: string) => code === 'NO_NODE' && gone()
    this.#host.track('delete', this.session.delete(path, { ...this.callOptions(random), ...version }), gone, refused)
  }

  #setData(random: Random, path: string, version: number | null): void {
    this.#host.track(
      version === null ? 'setData' : 'setData versioned',
      this.session.setData(path, this.value(random), { ...this.callOptions(random), ...(version === null ? {} : { version }) }),
      stat => this.#keys.saw(path, stat.version),
      code => code === 'NO_NODE' && this.#keys.sawMissing(path)
    )
  }

  #setDataVersioned(random: Random): void {
    const path = this.#keys.toWrite(random)
    this.#setData(random, path, this.#keys.version(random, path))
  }

  #multi(random: Random, operations: readonly MultiOp[]): void {
    const learn = (results: readonly { readonly type: string; readonly path?: string }[]) => {
      for (const { type, path } of results) if (type === 'create' && path !== undefined) this.#keys.created(path)
    }
    this.#host.track('multi', this.session.multi(operations, this.callOptions(random)), learn, () => {})
  }

  // Reads.

  #exists(random: Random, path: string): void {
    const options = this.readOptions(random)
    this.#trackRead('exists', path, options, this.session.exists(path, options), stat => stat?.version ?? null)
  }

  #getData(random: Random, path: string): void {
    const options = this.readOptions(random)
    this.#trackRead('getData', path, options, this.session.getData(path, options), ({ stat }) => stat.version)
  }

  #getChildren(random: Random, path: string): void {
    const options = this.readOptions(random)
    this.#trackRead('getChildren', path, options, this.session.getChildren(path, options), ({ children, stat }) => {
      this.#keys.sawChildren(path, children)
      return stat.version
    })
  }

  #trackRead<T>(
    kind: string,
    path: string,
    options: WatchedReadOptions,
    promise: Promise<T>,
    versionOf: (value: T) => number | null
  ): void {
    const watching = this.#watching
    const name = `${kind}${options.linearizable === true ? ' linearizable' : ''}${options.watch === undefined ? '' : ' watched'}`
    if (options.watch !== undefined) {
      watching.oneShot++
      this.#remember(path)
    }
    if (this.session.state === 'disconnected') this.#host.count(kind, 'while disconnected')
    this.#host.track(
      name,
      promise,
      value => {
        const version = versionOf(value)
        if (version === null) this.#keys.sawMissing(path)
        else this.#keys.saw(path, version)
      },
      code => {
        if (options.watch !== undefined) watching.oneShot--
        if (code === 'NO_NODE') this.#keys.sawMissing(path)
      }
    )
  }

  // Watches.

  #watch(random: Random): void {
    const { persistent } = this.#watching
    if (persistent.length >= this.#host.options.watchesMax) persistent.shift()?.dispose()
    const path = random.float() < 0.4 ? pick(random, ['/', ...WORKLOAD_PARENTS]) : this.#keys.toRead(random)
    const recursive = random.float() < 0.5
    this.#remember(path)
    const kind = recursive ? 'watch recursive' : 'watch persistent'
    try {
      persistent.push(this.session.watch(path, { recursive }, this.listener(random)))
      this.#host.count(kind, 'ok')
    } catch (error) {
      if (!isZooKeeperError(error)) throw error
      this.#host.count(kind, error.code)
    }
  }

  #removeWatches(random: Random): void {
    const [first = '/', ...others] = this.#watching.paths
    const path = random.float() < 0.8 ? pick(random, [first, ...others]) : this.#keys.toRead(random)
    const kind = pick<WatcherKind>(random, ['any', 'any', 'data', 'child', 'persistent', 'recursive'])
    if (random.float() < 0.2) this.track('checkWatches', this.session.checkWatches(path, kind))
    else this.track('removeWatches', this.session.removeWatches(path, kind))
  }

  #remember(path: string): void {
    this.#watching.paths = [...this.#watching.paths.filter(known => known !== path), path].slice(-PATHS_MAX)
  }

  /** What is told may be answered by a read from within the listener: what it sees must be what it was told of, or later. */
  listener(random: Random): WatchListener {
    const chance = seededRandom(randomInt(random, 2 ** 32))
    return event => {
      this.#host.count('told', event.type)
      if (chance.float() >= this.#host.options.reactionShare || this.#host.room === 0) return
      if (event.type === 'childrenChanged') this.track('getChildren from listener', this.session.getChildren(event.path))
      else if (chance.float() < 0.5) this.track('getData from listener', this.session.getData(event.path))
      else this.track('exists from listener', this.session.exists(event.path))
    }
  }

  // Several at once.

  #burst(random: Random): void {
    const path = this.#keys.register(random)
    const version = this.#keys.version(random, path)
    const style = random.float()
    const count = Math.min(integerWithin(random, this.#host.options.burst), this.#host.room)
    this.#host.count('burst', 'begun')
    for (let index = 0; index < count; index++) {
      if (style < 0.4) this.#setData(random, path, version + index)
      else if (style < 0.7) this.#setData(random, path, null)
      else if (random.float() < 0.6) this.#setDataVersioned(random)
      else if (random.float() < 0.5) this.#delete(random)
      else this.#create(random, this.#keys.toCreate(random), false)
    }
  }

  /** Each read sees the writes before it and not the one behind it. */
  #pipeline(random: Random): void {
    const path = this.#keys.register(random)
    this.#host.count('pipeline', 'begun')
    for (let step = 2 + randomInt(random, 3); step > 0 && this.#host.room > 1; step--) {
      const dice = random.float()
      if (dice < 0.7) this.#setData(random, path, null)
      else if (dice < 0.85) this.#create(random, path, false)
      else this.track('delete', this.session.delete(path))
      if (random.float() < 0.15) this.track('sync', this.session.sync())
      if (random.float() < 0.7) this.#getData(random, path)
      else this.#exists(random, path)
    }
  }

  // What calls are made with.

  #ephemeralPath(random: Random): string {
    const dice = random.float()
    if (dice < 0.82) return this.#keys.own(random)
    return dice < 0.92 ? `${this.#keys.own(random)}/below` : this.#keys.register(random)
  }

  /** No two values of a run are equal: a value names the write that it comes from. */
  value(random: Random): string {
    const value = `${this.#host.name}/${this.#operation}/${this.#values++}`
    return value.padEnd(integerWithin(random, this.#host.options.valueBytes), '.')
  }

  readOptions(random: Random): WatchedReadOptions {
    const { linearizableShare, watchShare, watchesMax } = this.#host.options
    const linearizable = random.float() < linearizableShare
    const watched = random.float() < watchShare && this.#watching.oneShot < watchesMax
    const options = { ...this.callOptions(random), linearizable }
    if (!watched) return options
    const watching = this.#watching
    const listener = this.listener(random)
    const watch: WatchListener = event => {
      watching.oneShot--
      listener(event)
    }
    return { ...options, watch }
  }

  callOptions(random: Random): CallOptions {
    const { abortShare, timeoutShare, timeoutMilliseconds } = this.#host.options
    const aborted = random.float() < abortShare
    const hurried = random.float() < timeoutShare
    return {
      ...(hurried ? { timeout: soonWithin(random, timeoutMilliseconds) } : {}),
      ...(aborted ? { signal: this.#aborting(random) } : {})
    }
  }

  #aborting(random: Random): AbortSignal {
    const controller = new AbortController()
    const abort = () => controller.abort(new AbortedByCaller())
    const dice = random.float()
    if (dice < 0.2) abort()
    else if (dice < 0.4) this.#host.scheduler.post(abort)
    else this.#host.scheduler.after(soonWithin(random, this.#host.options.timeoutMilliseconds), abort)
    return controller.signal
  }

  track<T>(
    kind: string,
    promise: Promise<T>,
    onAnswer: (value: T) => void = () => {},
    onRefused: (code: string) => void = () => {}
  ): void {
    this.#host.track(kind, promise, onAnswer, onRefused)
  }

  count(kind: string, outcome: string): void {
    this.#host.count(kind, outcome)
  }
}
