import { ZooKeeperError } from '../base/index.js'
import type { WatchEvent, WatchListener } from './zookeeper.js'

/** Events that an async iteration may fall behind by. */
const BUFFERED_EVENTS_MAX = 10_000

/**
 * A persistent watch: dispose of it with `dispose()` or `using`, iterate over it with `for await`.
 *
 * An iteration that falls {@link BUFFERED_EVENTS_MAX} events behind ends with `THROTTLED`, never by leaving events out; a listener has no
 * such bound, because it is called at once. An iteration ends normally when the watch is disposed of or its session is over.
 */
export class Watcher implements Disposable, AsyncIterable<WatchEvent> {
  readonly path: string
  readonly recursive: boolean
  readonly #listener: WatchListener | null
  readonly #onDispose: () => void
  #disposed = false
  #iterations = new Set<Iteration>()

  /** Made by {@link ZooKeeper.watch}. */
  constructor(path: string, recursive: boolean, listener: WatchListener | null, onDispose: () => void) {
    this.path = path
    this.recursive = recursive
    this.#listener = listener
    this.#onDispose = onDispose
  }

  get disposed(): boolean {
    return this.#disposed
  }

  /** Ends the watch. Idempotent. */
  dispose(): void {
    if (this.#disposed) return
    this.#disposed = true
    this.#onDispose()
    for (const iteration of this.#iterations) iteration.end(null)
    this.#iterations.clear()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  /** Begins with the first event after this call. */
  [Symbol.asyncIterator](): AsyncIterator<WatchEvent> {
    const iteration = new Iteration(() => this.#iterations.delete(iteration))
    if (this.#disposed) iteration.end(null)
    else this.#iterations.add(iteration)
    return iteration
  }

  /** The member's side: hands an event over. */
  deliver(event: WatchEvent): void {
    for (const iteration of this.#iterations) iteration.push(event)
    this.#listener?.(event)
  }
}

interface Waiter {
  readonly resolve: (result: IteratorResult<WatchEvent>) => void
  readonly reject: (error: ZooKeeperError) => void
}

class Iteration implements AsyncIterator<WatchEvent> {
  readonly #events: WatchEvent[] = []
  readonly #waiters: Waiter[] = []
  readonly #onEnd: () => void
  #ended = false
  #error: ZooKeeperError | null = null

  constructor(onEnd: () => void) {
    this.#onEnd = onEnd
  }

  push(event: WatchEvent): void {
    const waiter = this.#waiters.shift()
    if (waiter !== undefined) return waiter.resolve({ done: false, value: event })
    if (this.#events.length < BUFFERED_EVENTS_MAX) {
      this.#events.push(event)
      return
    }
    this.end(new ZooKeeperError('THROTTLED', { message: `a watch's iteration fell ${BUFFERED_EVENTS_MAX} events behind` }))
  }

  end(error: ZooKeeperError | null): void {
    if (this.#ended) return
    this.#ended = true
    this.#error = error
    this.#onEnd()
    for (const waiter of this.#waiters.splice(0)) {
      if (error === null) waiter.resolve({ done: true, value: undefined })
      else waiter.reject(error)
    }
  }

  next(): Promise<IteratorResult<WatchEvent>> {
    const event = this.#events.shift()
    if (event !== undefined) return Promise.resolve({ done: false, value: event })
    if (this.#error !== null) {
      const error = this.#error
      this.#error = null
      return Promise.reject(error)
    }
    if (this.#ended) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }))
  }

  return(): Promise<IteratorResult<WatchEvent>> {
    this.#events.length = 0
    this.end(null)
    return Promise.resolve({ done: true, value: undefined })
  }
}
