import { LIMITS, type Zxid } from '../base/index.js'
import type { Acl } from './acl.js'
import type { ResetEvent } from './reset-event.js'
import type { Stat } from './stat.js'
import type { TreeEvent } from './tree-event.js'

/** What {@link WatchTable.rebase} asks of a tree. */
export interface RebaseView {
  readonly zxidApplied: Zxid
  exists(path: string): Stat | null
  /** Names in any order; null where there is no znode. */
  getChildren(path: string): { readonly children: readonly string[] } | null
  /** Null where everybody may do everything, undefined where there is no znode. */
  aclOf?(path: string): Acl | null | undefined
}

/** What has become of one path, as those that watch it are told. */
export interface PathDifference {
  /** For data watches: the latest event that explains the difference; null where there is none. */
  readonly data: TreeEvent | null
  /** For child watches. The very same event where both are told of one. */
  readonly child: TreeEvent | null
  /** Something about the znode itself is not as it was, its children included. */
  readonly changed: boolean
}

/**
 * Two trees of one history, of which the later has taken the place of the earlier. Everything that it says bears the zxid of the later one.
 *
 * What has changed below a path can only be found by looking at all of it, in both trees. That is done once for every znode, however many of
 * the watched paths lie above it, and is bounded by `LIMITS.resetPathsMax` and `LIMITS.resetZnodesMax` for all of them together, because
 * nothing else happens in the process meanwhile.
 */
export class TreeComparison {
  readonly #before: RebaseView
  readonly #after: RebaseView
  /** By recursively watched path. */
  readonly #changedBelow = new Map<string, readonly string[] | null>()
  #pathsLeft: number = LIMITS.resetPathsMax
  #znodesLeft: number = LIMITS.resetZnodesMax

  /** `recursive`: the paths that {@link changedBelow} is going to be asked for. */
  constructor(before: RebaseView, after: RebaseView, recursive: Iterable<string>) {
    this.#before = before
    this.#after = after
    const roots: string[] = []
    for (const path of recursive) if (roots.push(path) === LIMITS.resetZnodesMax) break
    // The deepest first: what was found below them is taken over by those above.
    for (const root of roots.sort().reverse()) {
      const found: string[] = []
      const isWhole = --this.#znodesLeft >= 0 && this.#walk(root, found)
      this.#changedBelow.set(root, isWhole ? found.sort() : null)
    }
  }

  at(path: string): PathDifference {
    const before = this.#before.exists(path)
    const after = this.#after.exists(path)
    const data = dataEvent(before, after)
    const child = childEvent(before, after)
    const changed = data !== null || child !== null
    const event = data === null ? null : this.#event(data, path, after)
    return { data: event, child: child === data ? event : child === null ? null : this.#event(child, path, after), changed }
  }

  /** Paths at or below one that came, went, were made anew or had their data set, sorted; null where the bounds do not let us say. */
  changedBelow(path: string): readonly string[] | null {
    return this.#changedBelow.get(path) ?? null
  }

  /** `paths` as {@link ResetEvent} has them. */
  reset(path: string, paths: readonly string[] | null): ResetEvent {
    const acls = new Map<string, Acl>()
    if (this.#before.aclOf !== undefined || this.#after.aclOf !== undefined) {
      for (const each of paths ?? []) {
        const acl = this.#aclOf(each, this.#after.exists(each))
        if (acl !== null) acls.set(each, acl)
      }
    }
    const event = { type: 'reset', path, zxid: this.#after.zxidApplied, paths: paths && Object.freeze(paths) } as const
    return acls.size === 0 ? event : { ...event, acls }
  }

  /** Adds what has changed at or below a path. False: there is more than the bounds allow. */
  #walk(path: string, found: string[]): boolean {
    const known = this.#changedBelow.get(path)
    if (known !== undefined) {
      if (known !== null) found.push(...known)
      return known !== null
    }
    const before = this.#before.exists(path)
    const after = this.#after.exists(path)
    // One that was made anew has had its data set by that.
    if (before?.mzxid !== after?.mzxid) {
      if (--this.#pathsLeft < 0) return false
      found.push(path)
    }
    const names = this.#childrenOf(path, Math.max(before?.numChildren ?? 0, after?.numChildren ?? 0))
    return names?.every(name => this.#walk(childPath(path, name), found)) ?? false
  }

  /** In either tree. Null: more than may be looked at. What is known already need not be looked at again. */
  #childrenOf(path: string, atLeast: number): readonly string[] | null {
    if (atLeast === 0) return []
    // PERF: a list of a hundred thousand would take as long as what it is to prevent.
    if (atLeast - this.#changedBelow.size > this.#znodesLeft) return null
    const before = this.#before.getChildren(path)?.children ?? []
    const after = this.#after.getChildren(path)?.children ?? []
    const names = [...new Set([...before, ...after])]
    const unknown = names.filter(name => !this.#changedBelow.has(childPath(path, name)))
    this.#znodesLeft -= unknown.length
    return this.#znodesLeft < 0 ? null : names
  }

  #event(type: TreeEvent['type'], path: string, after: Stat | null): TreeEvent {
    const acl = this.#aclOf(path, after)
    const event = { type, path, zxid: this.#after.zxidApplied }
    return acl === null ? event : { ...event, acl }
  }

  /** The ACL of a znode as it is now, of one that is gone the last that we know of. */
  #aclOf(path: string, after: Stat | null): Acl | null {
    return (after === null ? this.#before : this.#after).aclOf?.(path) ?? null
  }
}

function childPath(path: string, name: string): string {
  return path === '/' ? `/${name}` : `${path}/${name}`
}

function dataEvent(before: Stat | null, after: Stat | null): TreeEvent['type'] | null {
  if (before === null) return after === null ? null : 'created'
  if (after === null) return 'deleted'
  return before.mzxid === after.mzxid ? null : 'dataChanged'
}

/** A child watch is set on a znode that is there; one that has appeared meanwhile is no news to it. */
function childEvent(before: Stat | null, after: Stat | null): TreeEvent['type'] | null {
  if (before === null) return null
  if (after === null) return 'deleted'
  return before.pzxid === after.pzxid ? null : 'childrenChanged'
}
