import type { MemberId, SessionId } from '../../base/index.js'
import type { CommittedTxn } from '../history.js'
import { type SessionHome, type SessionLife, sessionLivesIn } from '../sessions/session-log.js'
import { type TxnEvent, TxnEvents } from './txn-events.js'

/** The zxids that a Stat would show of a znode. */
export interface ZnodeZxids {
  readonly mzxid: number
  readonly pzxid: number
}

/** A znode is not there from the txn `from` until the txn `to` creates it. */
export interface Absence {
  readonly from: number
  readonly to: number
}

export type WatchKind = 'data' | 'child' | 'persistent' | 'recursive'

/** Znodes that are there before the first txn. */
const FOUNDED = new Set(['/', '/zookeeper', '/zookeeper/quota'])

/** The whole of a history's log as watches see it: what happened where, and what was there. */
export class EventLog {
  readonly #events: TxnEvent[] = []
  readonly #byPath = new Map<string, TxnEvent[]>()
  readonly #concerning = new Map<string, readonly TxnEvent[]>()
  readonly #absences = new Map<string, readonly Absence[]>()
  readonly #lives: ReadonlyMap<SessionId, SessionLife>
  readonly #read = new TxnEvents()

  constructor(log: readonly CommittedTxn[]) {
    this.#lives = sessionLivesIn(log)
    for (const committed of log) {
      for (const event of this.#read.of(committed)) {
        this.#events.push(event)
        const known = this.#byPath.get(event.path)
        if (known === undefined) this.#byPath.set(event.path, [event])
        else known.push(event)
      }
    }
  }

  /** A session, and where it lives by what a process of that member has applied; null for one that never was. */
  lifeOf(session: SessionId, member: MemberId, applied: number): readonly [SessionLife, SessionHome] | null {
    const life = this.#lives.get(session)
    if (life === undefined) return null
    return [life, life.homes.findLast(home => home.member === member && home.from <= applied) ?? life.homes[0]]
  }

  /** Whether a znode at that path was ever not open to all. */
  wasGuarded(path: string): boolean {
    return this.#read.wasGuarded(path)
  }

  /** Everything that a watch of a kind on a path hears of, in order. */
  concerning(kind: WatchKind, path: string): readonly TxnEvent[] {
    const key = `${kind} ${path}`
    let events = this.#concerning.get(key)
    if (events === undefined) {
      const all = kind === 'recursive' ? this.#events : (this.#byPath.get(path) ?? [])
      events = all.filter(event => concerns(kind, path, event))
      this.#concerning.set(key, events)
    }
    return events
  }

  /** What a Stat of `path` shows once `zxid` is applied; null where no znode is. */
  znodeAt(path: string, zxid: number): ZnodeZxids | null {
    let znode: ZnodeZxids | null = FOUNDED.has(path) ? { mzxid: 0, pzxid: 0 } : null
    for (const event of this.#byPath.get(path) ?? []) {
      if (event.zxid > zxid) break
      if (event.type === 'created') znode = { mzxid: event.zxid, pzxid: event.zxid }
      else if (event.type === 'deleted') znode = null
      else if (znode === null) continue
      else if (event.type === 'dataChanged') znode = { ...znode, mzxid: event.zxid }
      else znode = { ...znode, pzxid: event.zxid }
    }
    return znode
  }

  /** How many paths had something happen to them behind `from`, up to `to`. */
  pathsTouched(from: number, to: number): number {
    const paths = new Set<string>()
    for (const { path, zxid } of this.#events.slice(firstFrom(this.#events, from + 1))) {
      if (zxid > to) break
      paths.add(path)
    }
    return paths.size
  }

  /** When there is no znode at `path`, in order. */
  absencesOf(path: string): readonly Absence[] {
    let absences = this.#absences.get(path)
    if (absences === undefined) {
      absences = this.#findAbsences(path)
      this.#absences.set(path, absences)
    }
    return absences
  }

  #findAbsences(path: string): readonly Absence[] {
    const absences: Absence[] = []
    let from: number | null = FOUNDED.has(path) ? null : 0
    for (const { type, zxid } of this.#byPath.get(path) ?? []) {
      if (type === 'deleted') from = zxid
      if (type !== 'created' || from === null) continue
      // Gone and back in one txn: nobody ever saw it missing.
      if (from < zxid) absences.push({ from, to: zxid })
      from = null
    }
    if (from !== null) absences.push({ from, to: Number.POSITIVE_INFINITY })
    return absences
  }
}

function concerns(kind: WatchKind, path: string, { type, path: where }: TxnEvent): boolean {
  switch (kind) {
    case 'data':
      return type !== 'childrenChanged'
    case 'child':
      return type === 'childrenChanged' || type === 'deleted'
    case 'persistent':
      return true
    case 'recursive':
      return type !== 'childrenChanged' && (where === path || path === '/' || where.startsWith(`${path}/`))
  }
}

/** The place of the first event at or above `zxid`. */
export function firstFrom(events: readonly TxnEvent[], zxid: number): number {
  let low = 0
  let high = events.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((events[middle]?.zxid ?? 0) < zxid) low = middle + 1
    else high = middle
  }
  return low
}
