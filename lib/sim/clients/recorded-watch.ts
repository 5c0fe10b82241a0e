import type { SessionId } from '../../base/index.js'
import type { WatchEvent, Watcher, WatchListener, WatchOptions, ZooKeeper } from '../../member/index.js'
import type { Recording } from './recording.js'

/** What a recorded watch is made of. */
export interface RecordedWatchParts {
  readonly zk: ZooKeeper
  readonly recording: Recording
  readonly path: string
  readonly options: WatchOptions
  readonly listener: WatchListener | null
}

/** A persistent watch that is recorded: when it is set, what it is told, and when its owner disposes of it. */
export class RecordedWatch implements Watcher {
  readonly path: string
  readonly recursive: boolean
  readonly watch: number
  readonly #watcher: Watcher
  readonly #session: SessionId
  readonly #recording: Recording

  constructor({ zk, recording, path, options, listener }: RecordedWatchParts) {
    const { signal } = options
    this.path = path
    this.recursive = options.recursive ?? false
    this.#recording = recording
    this.#session = zk.sessionId
    this.watch = recording.nextNumber()
    // Its end by the signal is recorded as any other.
    const { signal: _, ...unsignalled } = options
    this.#watcher = zk.watch(path, unsignalled, recordedListener(recording, this.#session, this.watch, listener))
    const { watch, recursive } = this
    recording.add(this.#session, { kind: 'watch', watch, path, recursive, zxidApplied: recording.zxidApplied })
    if (signal?.aborted === true) this.dispose()
    else signal?.addEventListener('abort', () => this.dispose(), { once: true })
  }

  get disposed(): boolean {
    return this.#watcher.disposed
  }

  dispose(): void {
    // One that was removed, or has ended with its session, is not its owner's any more.
    if (this.#watcher.disposed) return
    this.#watcher.dispose()
    this.#recording.add(this.#session, { kind: 'unwatch', watch: this.watch })
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  [Symbol.asyncIterator](): AsyncIterator<WatchEvent> {
    return this.#watcher[Symbol.asyncIterator]()
  }
}

/** Writes down what a watch is told, before its listener hears of it. A function of its own for each watch: told once for each. */
export function recordedListener(
  recording: Recording,
  session: SessionId,
  watch: number,
  listener: WatchListener | null
): WatchListener {
  return event => {
    recording.told(session, watch, event)
    listener?.(event)
  }
}
