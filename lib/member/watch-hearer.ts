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
  /** Handles by kind and path: those that share both share one watch. Null while there are none, as with most listeners. */
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
    const key = keyOf(kindOf(watcher), watcher.path)
    const sharing = this.#watchers.get(key)
    if (sharing === undefined) this.#watchers.set(key, new Set([watcher]))
    else sharing.add(watcher)
  }

  /** True when the watch has no other handle. */
  detach(watcher: SessionWatcher): boolean {
    const key = keyOf(kindOf(watcher), watcher.path)
    const sharing = this.#watchers?.get(key)
    if (!sharing?.delete(watcher) || sharing.size > 0) return false
    this.#watchers?.delete(key)
    if (this.#watchers?.size === 0) this.#watchers = null
    return true
  }

  /** `met`: those of its watches that the event has met. */
  hear(event: TreeWatchEvent, met: readonly MetWatch[]): void {
    const told = this.#told(event)
    for (const { kind, path } of met) {
      // Its listener may have a recursive watch on the same path, and is told of both at once.
      const own = told.type === 'reset' && kind === 'persistent' ? { ...told, paths: pathsAt(path, told.paths) } : told
      for (const watcher of this.#watchers?.get(keyOf(kind, path)) ?? []) watcher.push(own)
    }
    this.listener?.(told)
  }

  /** One of its watches has been removed: the handles of it are over. */
  finish(kind: WatchKind, event: WatchEvent): void {
    for (const watcher of [...(this.#watchers?.get(keyOf(kind, event.path)) ?? [])]) watcher.finish(event)
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

function keyOf(kind: WatchKind, path: string): string {
  return `${kind} ${path}`
}

function pathsAt(path: string, paths: readonly string[] | null): readonly string[] | null {
  return paths?.filter(each => each === path) ?? null
}
