import { isZooKeeperError, ZooKeeperError } from '../base/index.js'
import { isReservedPath, pathProblem, prefixProblem } from '../tree/index.js'
import { badArguments, checkedPath } from './arguments.js'
import type { WatchEvent } from './zookeeper.js'

/**
 * Paths as they are seen from a znode down, and as they are. What is at or below `/zookeeper` is the same for all; a path that is none is left
 * to be refused as it was given.
 */
export class RootPath {
  /** Empty for the root of the tree itself. */
  readonly #root: string

  /** @throws ZooKeeperError `BAD_ARGUMENTS`: not a path, or at or below `/zookeeper`, of which everybody sees the whole */
  constructor(root: string) {
    const checked = checkedPath(root)
    if (isReservedPath(checked)) throw badArguments(`${checked} is reserved`)
    this.#root = checked === '/' ? '' : checked
  }

  /** The path of the root itself, as it is. */
  get path(): string {
    return this.#root === '' ? '/' : this.#root
  }

  /** As it is, of a path as it is seen. */
  actual(path: string): string {
    if (pathProblem(path) !== null || isReservedPath(path)) return path
    return path === '/' ? this.path : this.#root + path
  }

  /** The same of what a sequential create is given. */
  actualPrefix(path: string): string {
    return prefixProblem(path) !== null || isReservedPath(`${path}0`) ? path : this.#root + path
  }

  /** Whether what is at an actual path is at or below the root. */
  holds(path: string): boolean {
    return path === this.path || path.startsWith(`${this.#root}/`)
  }

  /** As it is seen, of a path as it is; null when it cannot be seen from here. */
  seen(path: string): string | null {
    if (isReservedPath(path)) return path
    if (!this.holds(path)) return null
    return path === this.path ? '/' : path.slice(this.#root.length)
  }

  /** Of a path that is at or below the root, because it was asked for there. */
  seenOf(path: string): string {
    return this.seen(path) ?? path
  }

  /** The same event with its paths as they are seen. */
  seenEvent<E extends WatchEvent>(event: E): E {
    const seen = { ...event, path: this.seenOf(event.path) }
    return event.type === 'reset' && event.paths !== null ? { ...seen, paths: event.paths.map(path => this.seenOf(path)) } : seen
  }

  /** The same error about the path as it is seen, and about none where it cannot be seen from here, such as a quota above. */
  seenError(error: unknown): unknown {
    if (!isZooKeeperError(error) || error.path === undefined) return error
    const { code, outcome, zxid, results, cause } = error
    const path = this.seen(error.path)
    const end = `: ${error.path}`
    return new ZooKeeperError(code, {
      message: error.message.endsWith(end) ? error.message.slice(0, -end.length) : error.message,
      outcome,
      ...(path === null ? {} : { path }),
      ...(zxid === undefined ? {} : { zxid }),
      ...(results === undefined ? {} : { results }),
      ...(cause === undefined ? {} : { cause })
    })
  }
}
