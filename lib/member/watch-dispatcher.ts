import { type Firing, type RebaseView, type TreeEvent, type WatchEvent, type WatchKind, WatchTable } from '../tree/index.js'

/** Called with what a watcher is to hear. */
export type WatchHandler = (event: WatchEvent) => void

/**
 * Brings what the watch table says to the listeners: synchronously, in zxid order, before the promise of any caller resolves. A listener that
 * throws stops nothing; what it throws surfaces as an uncaught exception, as with any event emitter that is called from a callback.
 */
export class WatchDispatcher {
  readonly #report: (error: unknown) => void
  readonly #table = new WatchTable()
  readonly #handlers = new Map<number, { readonly handler: WatchHandler; readonly oneShot: boolean }>()
  #watchers = 0

  /** `report` lets what a listener threw surface. */
  constructor(report: (error: unknown) => void) {
    this.#report = report
  }

  get count(): number {
    return this.#table.count
  }

  /** Returns a function that ends the watch. */
  add(path: string, kind: WatchKind, handler: WatchHandler): () => void {
    const watcher = ++this.#watchers
    this.#table.add(watcher, path, kind)
    this.#handlers.set(watcher, { handler, oneShot: kind === 'data' || kind === 'child' })
    return () => {
      this.#table.remove(watcher)
      this.#handlers.delete(watcher)
    }
  }

  fire(events: readonly TreeEvent[]): void {
    if (events.length > 0 && this.#table.count > 0) this.#deliver(this.#table.fire(events))
  }

  /** The tree has been replaced: nobody was told what happened in between. */
  rebase(before: RebaseView, after: RebaseView): void {
    this.#deliver(this.#table.rebase(before, after))
  }

  #deliver(firings: readonly Firing[]): void {
    for (const { watcher, event } of firings) {
      const entry = this.#handlers.get(watcher)
      // An earlier listener has disposed of it.
      if (entry === undefined) continue
      if (entry.oneShot) this.#handlers.delete(watcher)
      try {
        entry.handler(event)
      } catch (error) {
        this.#report(error)
      }
    }
  }
}
