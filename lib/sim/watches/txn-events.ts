import type { Zxid } from '../../base/index.js'
import type { CommittedTxn } from '../history.js'

export type EventType = 'created' | 'deleted' | 'dataChanged' | 'childrenChanged'

/** What a txn did to one path, as a watch on it is told. */
export interface TxnEvent {
  readonly zxid: Zxid
  /** Its place among the events of its txn. */
  readonly part: number
  readonly type: EventType
  readonly path: string
}

/** What happened, in order: read off the changes that the log records, without a tree. */
export function eventsOf({ zxid, txn }: CommittedTxn): readonly TxnEvent[] {
  const events: TxnEvent[] = []
  const tell = (type: EventType, path: string) => events.push({ zxid, part: events.length, type, path })
  const tellWithParent = (type: EventType, path: string) => {
    tell(type, path)
    tell('childrenChanged', parentOf(path))
  }
  const { change } = txn
  for (const each of change.kind === 'multi' ? change.changes : [change]) {
    if (each.kind === 'create') tellWithParent('created', each.path)
    else if (each.kind === 'delete') tellWithParent('deleted', each.path)
    else if (each.kind === 'setData') tell('dataChanged', each.path)
    else if (each.kind === 'closeSession') for (const path of each.paths) tellWithParent('deleted', path)
  }
  return events
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/'
}
