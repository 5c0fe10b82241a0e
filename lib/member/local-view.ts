import type { Stat } from '../tree/index.js'
import { checkedPath } from './arguments.js'
import type { Replica } from './replica.js'
import { asBuffer } from './session.js'
import type { LocalTree } from './zookeeper.js'

/** The applied tree, read without waiting. */
export class LocalView implements LocalTree {
  readonly #replica: () => Replica

  constructor(replica: () => Replica) {
    this.#replica = replica
  }

  get zxid(): number {
    return this.#replica().zxidApplied
  }

  get digest(): string {
    return this.#replica().digest
  }

  exists(path: string): Stat | null {
    return this.#replica().tree.exists(checkedPath(path))
  }

  getData(path: string): { readonly data: Buffer | null; readonly stat: Stat } | null {
    const found = this.#replica().tree.getData(checkedPath(path))
    return found === null ? null : { data: asBuffer(found.data), stat: found.stat }
  }

  getChildren(path: string): { readonly children: readonly string[]; readonly stat: Stat } | null {
    return this.#replica().tree.getChildren(checkedPath(path))
  }
}
