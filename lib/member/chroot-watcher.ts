import type { RootPath } from './root-path.js'
import type { WatchEvent, Watcher } from './zookeeper.js'

/** A persistent watch with its paths as they are seen from a root. */
export class ChrootWatcher implements Watcher {
  readonly #watcher: Watcher
  readonly #root: RootPath

  constructor(watcher: Watcher, root: RootPath) {
    this.#watcher = watcher
    this.#root = root
  }

  get path(): string {
    return this.#root.seenOf(this.#watcher.path)
  }

  get recursive(): boolean {
    return this.#watcher.recursive
  }

  get disposed(): boolean {
    return this.#watcher.disposed
  }

  dispose(): void {
    this.#watcher.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  [Symbol.asyncIterator](): AsyncIterator<WatchEvent> {
    const events = this.#watcher[Symbol.asyncIterator]()
    const seen = (result: IteratorResult<WatchEvent>): IteratorResult<WatchEvent> =>
      result.done === true ? result : { done: false, value: this.#root.seenEvent(result.value) }
    return {
      next: () => events.next().then(seen),
      return: async () => (await events.return?.()) ?? { done: true, value: undefined }
    }
  }
}
