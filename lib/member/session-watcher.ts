import type { Zxid } from '../base/index.js'
import { EventBuffer } from './event-buffer.js'
import type { WatchEvent, Watcher } from './zookeeper.js'

export interface SessionWatcherParts {
  readonly path: string
  readonly recursive: boolean
  /** Events that each of its iterations may fall behind by. */
  readonly buffer: number
  /** What had been applied when it was set: it hears of what comes behind. */
  readonly zxidSet: Zxid
  /** Called once. */
  onDisposed(): void
}

/** A persistent watch of a session, as the session hands it out. */
export class SessionWatcher implements Watcher {
  readonly #parts: SessionWatcherParts
  readonly #iterations = new Set<Iteration>()
  #disposed = false

  constructor(parts: SessionWatcherParts) {
    this.#parts = parts
  }

  get path(): string {
    return this.#parts.path
  }

  get recursive(): boolean {
    return this.#parts.recursive
  }

  get disposed(): boolean {
    return this.#disposed
  }

  dispose(): void {
    if (this.#disposed) return
    this.#disposed = true
    this.#parts.onDisposed()
    for (const iteration of this.#iterations) iteration.end()
    this.#iterations.clear()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  [Symbol.asyncIterator](): AsyncIterator<WatchEvent> {
    const { path, buffer } = this.#parts
    const iteration = new Iteration(new EventBuffer(path, buffer), () => this.#iterations.delete(iteration))
    if (this.#disposed) iteration.end()
    else this.#iterations.add(iteration)
    return iteration
  }

  /** The member's side: hands an event to the iterations. */
  push(event: WatchEvent): void {
    // It shares the watch of another handle, and was set by somebody who had just been told of this very event.
    if (event.zxid <= this.#parts.zxidSet) return
    for (const iteration of this.#iterations) iteration.push(event)
  }

  /** The member's side: the watch has been removed. That is the last thing its iterations yield, however full they are. */
  finish(event: WatchEvent): void {
    for (const iteration of this.#iterations) iteration.end(event)
    this.dispose()
  }
}

class Iteration implements AsyncIterator<WatchEvent> {
  readonly #buffer: EventBuffer
  /** Calls of `next` that came before their event. While there are any, nothing is buffered. */
  readonly #waiters: ((result: IteratorResult<WatchEvent>) => void)[] = []
  readonly #onEnd: () => void
  #last: WatchEvent | null = null
  #ended = false

  constructor(buffer: EventBuffer, onEnd: () => void) {
    this.#buffer = buffer
    this.#onEnd = onEnd
  }

  push(event: WatchEvent): void {
    const waiter = this.#waiters.shift()
    if (waiter === undefined) this.#buffer.add(event)
    else waiter({ done: false, value: event })
  }

  /** What has been buffered is still yielded, and `last` behind it. */
  end(last: WatchEvent | null = null): void {
    if (this.#ended) return
    this.#ended = true
    this.#last = last
    this.#onEnd()
    for (const waiter of this.#waiters.splice(0)) waiter(this.#take())
  }

  next(): Promise<IteratorResult<WatchEvent>> {
    const result = this.#take()
    if (result.done !== true || this.#ended) return Promise.resolve(result)
    return new Promise(resolve => this.#waiters.push(resolve))
  }

  return(): Promise<IteratorResult<WatchEvent>> {
    this.#buffer.clear()
    this.end()
    this.#last = null
    return Promise.resolve({ done: true, value: undefined })
  }

  #take(): IteratorResult<WatchEvent> {
    let value = this.#buffer.take()
    if (value === null) {
      value = this.#last
      this.#last = null
    }
    return value === null ? { done: true, value: undefined } : { done: false, value }
  }
}
