import type { Acl, ResetEvent, WatchEvent as TreeWatchEvent, WatchKind } from '../tree/index.js'
import type { SessionWatcher } from './session-watcher.js'
import type { SessionState, WatchEvent, WatchListener } from './zookeeper.js'

/** Whose watches they are. */
export interface HearerOwner {
  readonly state: SessionState
  /** Then its hearers hear nothing more, not even of what has just happened. */
  readonly over: boolean
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
  readonly owner: HearerOwner
  /** Null of a handle that is only iterated over. */
  readonly listener: WatchListener | null
  /** By path. PERF: most have one or none, which stands alone. */
  #handles: SessionWatcher | Map<string, Set<SessionWatcher>> | null = null

  constructor(owner: HearerOwner, listener: WatchListener | null) {
    this.owner = owner
    this.listener = listener
  }

  /** All of its handles. */
  get handles(): readonly SessionWatcher[] {
    if (this.#handles instanceof Map) return [...this.#handles.values()].flatMap(handles => [...handles])
    return this.#handles === null ? [] : [this.#handles]
  }

  attach(handle: SessionWatcher): void {
    const known = this.#handles
    if (known === null) this.#handles = handle
    else if (known instanceof Map) addTo(known, handle)
    else this.#handles = addTo(addTo(new Map(), known), handle)
  }

  /** True when the watch has no other handle. */
  detach(handle: SessionWatcher): boolean {
    const known = this.#handles
    if (known === handle) this.#handles = null
    else if (!(known instanceof Map) || !removeFrom(known, handle)) return false
    return this.#sharing(kindOf(handle), handle.path).length === 0
  }

  /** `met`: those of its watches that the event has met. */
  hear(event: TreeWatchEvent, met: readonly MetWatch[]): void {
    const told = this.#told(event)
    for (const { kind, path } of met) {
      // Its listener may have a recursive watch on the same path, and is told of both at once.
      const own = told.type === 'reset' && kind === 'persistent' ? { ...told, paths: pathsAt(path, told.paths) } : told
      for (const handle of this.#sharing(kind, path)) handle.push(own)
    }
    this.listener?.(told)
  }

  /** One of its watches has been removed: the handles of it are over. */
  finish(kind: WatchKind, event: WatchEvent): void {
    for (const handle of this.#sharing(kind, event.path)) handle.finish(event)
  }

  /** Handles of one watch: those that have kind and path in common share it. */
  #sharing(kind: WatchKind, path: string): readonly SessionWatcher[] {
    const known = this.#handles
    if (known === null) return []
    const there = known instanceof Map ? [...(known.get(path) ?? [])] : [known]
    return there.filter(handle => kindOf(handle) === kind && handle.path === path)
  }

  /** As its session may see it: with the session's state, without any ACL, and without the paths that one hides. */
  #told(event: TreeWatchEvent): Parameters<WatchListener>[0] {
    const { path, zxid } = event
    const { state } = this.owner
    if (event.type !== 'reset') return { type: event.type, path, zxid, state }
    return { type: event.type, path, zxid, paths: this.owner.pathsToldOf(event), state }
  }
}

function addTo(handles: Map<string, Set<SessionWatcher>>, handle: SessionWatcher): Map<string, Set<SessionWatcher>> {
  const there = handles.get(handle.path)
  if (there === undefined) handles.set(handle.path, new Set([handle]))
  else there.add(handle)
  return handles
}

/** Whether it was there. */
function removeFrom(handles: Map<string, Set<SessionWatcher>>, handle: SessionWatcher): boolean {
  const there = handles.get(handle.path)
  if (!there?.delete(handle)) return false
  if (there.size === 0) handles.delete(handle.path)
  return true
}

function kindOf({ recursive }: SessionWatcher): WatchKind {
  return recursive ? 'recursive' : 'persistent'
}

function pathsAt(path: string, paths: readonly string[] | null): readonly string[] | null {
  return paths?.filter(each => each === path) ?? null
}
