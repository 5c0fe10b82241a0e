import type { Zxid } from '../../base/index.js'
import type { Acl, SingleChange } from '../../tree/index.js'
import type { TxnChange } from '../../wire/index.js'
import type { CommittedTxn } from '../history.js'

export type EventType = 'created' | 'deleted' | 'dataChanged' | 'childrenChanged'

/** What a txn did to one path, as a watch on it is told. */
export interface TxnEvent {
  readonly zxid: Zxid
  /** Its place among the events of its txn. */
  readonly part: number
  readonly type: EventType
  readonly path: string
  /** Who may hear of it, by the ACL that the path had then, or had at last. Null: everybody. */
  readonly acl: Acl | null
}

/** What happened, in order: read off the changes that the log records, without a tree. */
export class TxnEvents {
  /** Of znodes that are there; what is open to all has none. */
  readonly #acls = new Map<string, Acl>()
  readonly #guarded = new Set<string>()

  /** Of the next txn of the log. */
  of({ zxid, txn }: CommittedTxn): readonly TxnEvent[] {
    const events: TxnEvent[] = []
    const tell = (type: EventType, path: string) =>
      events.push({ zxid, part: events.length, type, path, acl: this.#acls.get(path) ?? null })
    for (const change of changesIn(txn.change)) {
      const { path } = change
      if (change.kind === 'create' || change.kind === 'setACL') this.#guard(path, change.acl)
      if (change.kind === 'create') tell('created', path)
      else if (change.kind === 'delete') tell('deleted', path)
      else if (change.kind === 'setData') tell('dataChanged', path)
      if (change.kind === 'create' || change.kind === 'delete') tell('childrenChanged', parentOf(path))
      if (change.kind === 'delete') this.#acls.delete(path)
    }
    return events
  }

  /** Whether a znode at that path was ever not open to all. */
  wasGuarded(path: string): boolean {
    return this.#guarded.has(path)
  }

  #guard(path: string, acl: Acl | null): void {
    if (acl === null) this.#acls.delete(path)
    else {
      this.#acls.set(path, acl)
      this.#guarded.add(path)
    }
  }
}

function changesIn(change: TxnChange): readonly SingleChange[] {
  switch (change.kind) {
    case 'multi':
      return change.changes
    case 'closingSession':
    case 'closeSession':
      return change.paths.map(path => ({ kind: 'delete', path }))
    case 'deleteContainer':
      return [{ kind: 'delete', path: change.path }]
    case 'create':
    case 'delete':
    case 'setData':
    case 'setACL':
      return [change]
    default:
      return []
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/'
}
