import type { RootPath } from './root-path.js'
import type { WatchEvent, WatchListener } from './zookeeper.js'

/** One-shot watches by what has set them. */
export type OneShotKind = 'data' | 'child'

/** What the events of a path end: each fires once. */
const ENDS: { readonly [type in WatchEvent['type']]?: readonly OneShotKind[] } = {
  created: ['data'],
  dataChanged: ['data'],
  childrenChanged: ['child'],
  deleted: ['data', 'child'],
  dataWatchRemoved: ['data'],
  childWatchRemoved: ['child']
}

/** A one-shot watch that may still be set. */
export interface OneShot {
  readonly path: string
  readonly kind: OneShotKind
  readonly listener: WatchListener
}

/**
 * The listeners of a view: what stands for each of them at the session, always the same for the same one, so that a session still calls it once
 * for an event. Keeps the one-shot watches that were set through the view, so that they can be ended with it.
 */
export class ChrootListeners {
  readonly #root: RootPath
  readonly #standIns = new WeakMap<WatchListener, WatchListener>()
  /** By what stands in, by kind and path. */
  readonly #oneShots = new Map<WatchListener, Map<string, OneShot>>()
  #closed = false

  constructor(root: RootPath) {
    this.#root = root
  }

  /** What stands for a listener: tells it what is to be seen from the root, and nothing once the view is closed. */
  standInFor(listener: WatchListener): WatchListener {
    const known = this.#standIns.get(listener)
    if (known !== undefined) return known
    const standIn: WatchListener = event => {
      for (const kind of ENDS[event.type] ?? []) this.forget(event.path, kind, standIn)
      if (!this.#closed) listener(this.#root.seenEvent(event))
    }
    this.#standIns.set(listener, standIn)
    return standIn
  }

  /** A read that sets a one-shot watch has been asked for. `path` is as it is. */
  keep(path: string, kind: OneShotKind, listener: WatchListener): void {
    const kept = this.#oneShots.get(listener)
    const oneShot = { path, kind, listener }
    if (kept === undefined) this.#oneShots.set(listener, new Map([[`${kind} ${path}`, oneShot]]))
    else kept.set(`${kind} ${path}`, oneShot)
  }

  /** It has fired, or was not set. */
  forget(path: string, kind: OneShotKind, listener: WatchListener): void {
    const kept = this.#oneShots.get(listener)
    kept?.delete(`${kind} ${path}`)
    if (kept?.size === 0) this.#oneShots.delete(listener)
  }

  /** Nobody is told anything from here on. What may still be set. */
  close(): readonly OneShot[] {
    this.#closed = true
    return [...this.#oneShots.values()].flatMap(kept => [...kept.values()])
  }
}
