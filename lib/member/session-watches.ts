import { LIMITS, ZooKeeperError, type Zxid } from '../base/index.js'
import { type Acl, type AclMatch, type AuthId, PERMISSIONS, permits, type ResetEvent, type WatchKind } from '../tree/index.js'
import { badArguments } from './arguments.js'
import { SessionWatcher } from './session-watcher.js'
import type { HeldWatch, WatchDispatcher } from './watch-dispatcher.js'
import { type HearerOwner, WatchHearer } from './watch-hearer.js'
import type { SessionState, WatchEvent, WatcherKind, WatchListener, WatchOptions } from './zookeeper.js'

/** What watches need of the member. */
export interface WatchHost {
  readonly watches: WatchDispatcher
  readonly replica: { readonly zxidApplied: Zxid }
  readonly authSchemes: { readonly match: AclMatch }
  /** Lets what a listener threw surface as an uncaught exception. */
  report(error: unknown): void
}

/** And of their session, each time anew. */
export interface WatchingSession {
  readonly state: SessionState
  readonly auth: readonly AuthId[]
}

type RemovedType = Extract<WatchEvent['type'], `${string}Removed`>
type RemovedEvent = Extract<WatchEvent, { readonly type: RemovedType }>

/** What a removed watch is told, in ZooKeeper's words. */
const REMOVED: { readonly [kind in WatchKind]: RemovedType } = {
  data: 'dataWatchRemoved',
  child: 'childWatchRemoved',
  persistent: 'persistentWatchRemoved',
  recursive: 'persistentWatchRemoved'
}

const KINDS: readonly unknown[] = ['data', 'child', 'persistent', 'recursive', 'any'] satisfies WatcherKind[]

/** The watches of one session: set by its reads and by `watch`, removed by what it asks or by its end. */
export class SessionWatches implements HearerOwner {
  readonly #host: WatchHost
  readonly #session: WatchingSession
  /** Those that have a watch: by their listener, or by themselves where they have none. */
  readonly #hearers = new Map<WatchListener | WatchHearer, WatchHearer>()
  /** PERF: thousands of watches on one path are told of the same reset, each of whose paths would be judged for each of them. */
  readonly #readable = new WeakMap<ResetEvent, readonly string[]>()
  #over = false

  constructor(host: WatchHost, session: WatchingSession) {
    this.#host = host
    this.#session = session
  }

  get state(): SessionState {
    return this.#session.state
  }

  get over(): boolean {
    return this.#over
  }

  /** Listeners, and handles without one, that something is kept of. */
  get hearerCount(): number {
    return this.#hearers.size
  }

  mayRead(acl: Acl): boolean {
    return permits(acl, PERMISSIONS.READ, this.#session.auth, this.#host.authSchemes.match)
  }

  pathsToldOf(reset: ResetEvent): readonly string[] | null {
    const { paths, acls } = reset
    if (paths === null || acls === undefined) return paths
    let readable = this.#readable.get(reset)
    if (readable === undefined) {
      readable = Object.freeze(
        paths.filter(path => {
          const acl = acls.get(path)
          return acl === undefined || this.mayRead(acl)
        })
      )
      this.#readable.set(reset, readable)
    }
    return readable
  }

  onIdle(hearer: WatchHearer): void {
    this.#hearers.delete(hearer.listener ?? hearer)
  }

  /** Sets what a read has asked for. */
  addOnce(path: string, kind: 'data' | 'child', listener: WatchListener | undefined): void {
    if (listener !== undefined) this.#add(this.#hearerOf(listener), path, kind)
  }

  /** Sets one that stays. */
  add(path: string, options: WatchOptions, listener: WatchListener | null): SessionWatcher {
    const { signal, recursive = false, buffer = LIMITS.watchBuffer } = options
    const kind = recursive ? 'recursive' : 'persistent'
    const hearer = this.#hearerOf(listener)
    this.#add(hearer, path, kind)
    const watcher = new SessionWatcher({
      path,
      recursive,
      buffer,
      zxidSet: this.#host.replica.zxidApplied,
      onDisposed: () => {
        signal?.removeEventListener('abort', dispose)
        if (hearer.detach(watcher)) this.#host.watches.remove(hearer, path, kind)
      }
    })
    const dispose = () => watcher.dispose()
    hearer.attach(watcher)
    if (signal?.aborted === true) dispose()
    else signal?.addEventListener('abort', dispose, { once: true })
    return watcher
  }

  /** @throws ZooKeeperError `NO_WATCHER` */
  check(path: string, kind: WatcherKind): void {
    found(
      this.#host.watches.watchesAt(path, tableKind(kind), hearer => hearer.owner === this),
      path
    )
  }

  /**
   * Removes them at once, and tells those whose they were: each listener once of each event, because it may have had both kinds that stay.
   * @throws ZooKeeperError `NO_WATCHER`
   */
  remove(path: string, kind: WatcherKind, listener: WatchListener | undefined): void {
    const { watches, replica } = this.#host
    const isMeant = (hearer: WatchHearer) => hearer.owner === this && (listener === undefined || hearer.listener === listener)
    const meant = found(watches.watchesAt(path, tableKind(kind), isMeant), path)
    watches.hurry(new Set(meant.map(({ hearer }) => hearer)))
    const told = new Map<RemovedType, Map<WatchHearer, RemovedEvent>>()
    for (const { hearer, kind: removed } of found(watches.removeAt(path, tableKind(kind), isMeant), path)) {
      const type = REMOVED[removed]
      const event = { type, path, zxid: replica.zxidApplied, state: this.state }
      hearer.finish(removed, event)
      const ofType = told.get(type) ?? new Map<WatchHearer, RemovedEvent>()
      told.set(type, ofType.set(hearer, event))
    }
    for (const [hearer, event] of [...told.values()].flatMap(ofType => [...ofType])) {
      try {
        hearer.listener?.(event)
      } catch (error) {
        this.#host.report(error)
      }
    }
  }

  /** The session is over: nothing is told of that here. */
  end(): void {
    this.#over = true
    for (const hearer of [...this.#hearers.values()]) {
      this.#host.watches.removeAll(hearer)
      for (const handle of hearer.handles) handle.dispose()
    }
  }

  #hearerOf(listener: WatchListener | null): WatchHearer {
    const known = listener === null ? undefined : this.#hearers.get(listener)
    return known ?? new WatchHearer(this, listener)
  }

  #add(hearer: WatchHearer, path: string, kind: WatchKind): void {
    this.#host.watches.add(hearer, path, kind)
    this.#hearers.set(hearer.listener ?? hearer, hearer)
  }
}

function tableKind(kind: WatcherKind): WatchKind | undefined {
  return kind === 'any' ? undefined : kind
}

function found(watches: readonly HeldWatch[], path: string): readonly HeldWatch[] {
  if (watches.length === 0) throw new ZooKeeperError('NO_WATCHER', { path })
  return watches
}

/** @throws ZooKeeperError `BAD_ARGUMENTS` */
export function checkWatchOptions({ recursive, signal, buffer = LIMITS.watchBuffer }: WatchOptions): void {
  if (recursive !== undefined && typeof recursive !== 'boolean') throw badArguments('recursive is a boolean')
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw badArguments('signal is an AbortSignal')
  if (!Number.isInteger(buffer) || buffer < 1 || buffer > LIMITS.watchBufferMax) {
    throw badArguments(`buffer is a number of events, 1 to ${LIMITS.watchBufferMax}`)
  }
}

/** @throws ZooKeeperError `BAD_ARGUMENTS` */
export function checkWatcherKind(kind: unknown): void {
  if (!KINDS.includes(kind)) throw badArguments(`the kind of a watch is one of ${KINDS.join(', ')}`)
}
