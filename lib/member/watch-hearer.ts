import type { Acl, ResetEvent, WatchEvent as TreeWatchEvent, WatchKind } from '../tree/index.js'
import type { SessionWatcher } from './session-watcher.js'
import type { SessionState, WatchEvent, WatchListener } from './zookeeper.js'

/** Whose watches they are. */
export interface HearerOwner {
  readonly state: SessionState
  /** Whether the session, as who it has shown to be by now, may read what has such an ACL. */
  mayRead(acl: Acl): boolean
  /** The paths of a reset without those that the session may not read. */
  pathsToldOf(reset: ResetEvent): readonly string[] | null
  /** The last watch of a hearer has gone: nothing may be kept of it. It may have new ones later. */
  onIdle(hearer: WatchHearer): void
}

/** One watch that an event has met. */
export interface MetWatch {
  readonly kind: WatchKind
  readonly path: string
}

/**
 * Who hears of events: one listener of one session, with all that it is registered for and the handles that were made with it; or one handle
 * without a listener. An event that meets several of its watches is told to the listener once, and to the iterations of each handle whose own
 * watch it meets.
 */
export class WatchHearer {
  /** Its number in the watch table. */
  readonly watcher: number
  readonly owner: HearerOwner
  /** Null of a handle that is only iterated over. */
  readonly listener: WatchListener | null
  /** Handles by path: those that share kind and path share one watch. Null while there are none, as with most listeners. */
  #watchers: Map<string, Set<SessionWatcher>> | null = null

  constructor(watcher: number, owner: HearerOwner, listener: WatchListener | null) {
    this.watcher = watcher
    this.owner = owner
    this.listener = listener
  }

  /** All of its handles. */
  get watchers(): readonly SessionWatcher[] {
    return [...(this.#watchers?.values() ?? [])].flatMap(watchers => [...watchers])
  }

  attach(watcher: SessionWatcher): void {
    this.#watchers ??= new Map()
    const there = this.#watchers.get(watcher.path)
    if (there === undefined) this.#watchers.set(watcher.path, new Set([watcher]))
    else there.add(watcher)
  }

  /** True when the watch has no other handle. */
  detach(watcher: SessionWatcher): boolean {
    const { path } = watcher
    const there = this.#watchers?.get(path)
    if (!there?.delete(watcher)) return false
    if (there.size === 0) this.#watchers?.delete(path)
    if (this.#watchers?.size === 0) this.#watchers = null
    return this.#sharing(kindOf(watcher), path).length === 0
  }

  /** `met`: those of its watches that the event has met. */
  hear(event: TreeWatchEvent, met: readonly MetWatch[]): void {
    const told = this.#told(event)
    for (const { kind, path } of met) {
      // Its listener may have a recursive watch on the same path, and is told of both at once.
      const own = told.type === 'reset' && kind === 'persistent' ? { ...told, paths: pathsAt(path, told.paths) } : told
      for (const watcher of this.#watchers?.get(path) ?? []) if (kindOf(watcher) === kind) watcher.push(own)
    }
    this.listener?.(told)
  }

  /** One of its watches has been removed: the handles of it are over. */
  finish(kind: WatchKind, event: WatchEvent): void {
    for (const watcher of this.#sharing(kind, event.path)) watcher.finish(event)
  }

  /** Handles of one watch. */
  #sharing(kind: WatchKind, path: string): readonly SessionWatcher[] {
    return [...(this.#watchers?.get(path) ?? [])].filter(watcher => kindOf(watcher) === kind)
  }

  /** As its session may see it: with the session's state, without any ACL, and without the paths that one hides. */
  #told(event: TreeWatchEvent): Parameters<WatchListener>[0] {
    const { path, zxid } = event
    const { state } = this.owner
    if (event.type !== 'reset') return { type: event.type, path, zxid, state }
    return { type: event.type, path, zxid, paths: this.owner.pathsToldOf(event), state }
  }
}

function kindOf({ recursive }: SessionWatcher): WatchKind {
  return recursive ? 'recursive' : 'persistent'
}

function pathsAt(path: string, paths: readonly string[] | null): readonly string[] | null {
  return paths?.filter(each => each === path) ?? null
}
