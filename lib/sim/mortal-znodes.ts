import { CONTAINER, PERSISTENT, type SingleChange } from '../tree/index.js'
import type { TxnChange } from '../wire/index.js'
import type { CommittedTxn } from './history.js'

interface Mortal {
  readonly lifetime: number
  readonly ctime: number
  /** When its data were set or it was touched, at last. */
  mtime: number
  /** Its `mtime` before it was touched the last time; null while it has not been. */
  mtimeUntouched: number | null
  /** Creates that it has seen. */
  creates: number
  children: number
}

/** What is told of a znode that has been removed because it had served its purpose, or because its time was over. */
export interface Removed {
  readonly what: 'container' | 'ttl'
  /** A touch had kept it from being removed before. */
  readonly wasTouchedInTime: boolean
}

/** Containers and TTL znodes, as the log tells of them: which there are, and which of them should be removed before long. */
export class MortalZnodes {
  readonly #containerMaxNeverUsed: number
  readonly #mortals = new Map<string, Mortal>()

  /** Milliseconds that a container may stay without ever having had a child. */
  constructor(containerMaxNeverUsed: number) {
    this.#containerMaxNeverUsed = containerMaxNeverUsed
  }

  get count(): number {
    return this.#mortals.size
  }

  /** Those that are to be removed by what somebody's clock says: for a leader's they need not wait for more than its next rounds. */
  dueAt(time: number): readonly string[] {
    return [...this.#mortals].filter(([, mortal]) => mortal.children === 0 && this.#isDue(mortal, time)).map(([path]) => path)
  }

  /** The next txn; tells what it has removed for want of life. */
  add({ txn: { change, time } }: CommittedTxn): Removed | null {
    const removed = change.kind === 'deleteContainer' ? this.#mortals.get(change.path) : undefined
    for (const each of changesIn(change)) this.#change(each, time)
    if (removed === undefined) return null
    const { lifetime, mtimeUntouched } = removed
    return {
      what: lifetime === CONTAINER ? 'container' : 'ttl',
      wasTouchedInTime: mtimeUntouched !== null && time > mtimeUntouched + lifetime
    }
  }

  #isDue({ lifetime, ctime, mtime, creates }: Mortal, time: number): boolean {
    if (lifetime !== CONTAINER) return time - mtime > lifetime
    return creates > 0 || time - ctime > this.#containerMaxNeverUsed
  }

  #change(change: SingleChange, time: number): void {
    const { path } = change
    const known = this.#mortals.get(path)
    switch (change.kind) {
      case 'create':
        this.#countChild(path, 1)
        if (change.lifetime === PERSISTENT) return
        this.#mortals.set(path, {
          lifetime: change.lifetime,
          ctime: time,
          mtime: time,
          mtimeUntouched: null,
          creates: 0,
          children: 0
        })
        return
      case 'delete':
        this.#countChild(path, -1)
        this.#mortals.delete(path)
        return
      case 'setData':
        if (known !== undefined) known.mtime = time
        return
      case 'touch':
        if (known === undefined) return
        if (known.lifetime !== CONTAINER) known.mtimeUntouched = known.mtime
        known.mtime = time
        return
      default:
    }
  }

  #countChild(path: string, by: 1 | -1): void {
    const parent = this.#mortals.get(path.slice(0, path.lastIndexOf('/')))
    if (parent === undefined) return
    parent.children += by
    if (by === 1) parent.creates++
  }
}

function changesIn(change: TxnChange): readonly SingleChange[] {
  switch (change.kind) {
    case 'multi':
      return change.changes
    case 'deleteContainer':
      return [{ kind: 'delete', path: change.path }]
    case 'closingSession':
    case 'closeSession':
      return change.paths.map(path => ({ kind: 'delete', path }))
    case 'create':
    case 'delete':
    case 'setData':
    case 'touch':
      return [change]
    default:
      return []
  }
}
