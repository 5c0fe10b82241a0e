import type { Stat } from '../tree/index.js'
import { checkedPath } from './arguments.js'
import { checkedRange } from './read-arguments.js'
import type { Replica } from './replica.js'
import type { TreeView } from './tree-view.js'
import type { LocalTree } from './zookeeper.js'

/** The applied tree, read without waiting, as the member's own session may see it. */
export class LocalView implements LocalTree {
  readonly #replica: () => Replica
  readonly #view: () => TreeView

  /** `view`: what the member's own session may see by now; while there is none, what anybody may. */
  constructor(replica: () => Replica, view: () => TreeView) {
    this.#replica = replica
    this.#view = view
  }

  get zxid(): number {
    return this.#replica().zxidApplied
  }

  get digest(): string {
    return this.#replica().digest
  }

  exists(path: string): Stat | null {
    return this.#view().exists(checkedPath(path))
  }

  getData(path: string): { readonly data: Buffer | null; readonly stat: Stat } | null {
    return this.#view().getData(checkedPath(path))
  }

  getChildren(
    path: string,
    range: { readonly after?: string; readonly limit?: number } = {}
  ): { readonly children: readonly string[]; readonly stat: Stat } | null {
    return this.#view().getChildren(checkedPath(path), checkedRange(range))
  }
}
