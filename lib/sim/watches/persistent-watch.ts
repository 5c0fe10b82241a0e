import { formatZxid, type SessionId, type Zxid } from '../../base/index.js'
import type { ToldEvent } from '../history.js'
import { type EventLog, firstFrom } from './event-log.js'
import type { TxnEvent } from './txn-events.js'
import { describe, type WatchedProcess } from './watched-process.js'

export interface PersistentWatchParts {
  readonly number: number
  readonly path: string
  readonly recursive: boolean
  readonly session: SessionId
  /** What its process showed when it was set: it hears of what comes behind. */
  readonly zxidSet: Zxid
}

/** A watch that stays: it is owed every event that concerns it, or a reset in the place of those that its member has skipped. */
export class PersistentWatch {
  readonly kind: 'persistent' | 'recursive'
  readonly session: SessionId
  readonly name: string
  readonly #parts: PersistentWatchParts
  readonly #process: WatchedProcess
  readonly #concerning: readonly TxnEvent[]
  readonly #end: number
  #next: number
  #resetAt = 0
  /** It was told of a reset that does not say how far it reaches: not beyond what comes next. */
  #floating = false

  constructor(parts: PersistentWatchParts, process: WatchedProcess, log: EventLog) {
    const { number, path, recursive, session, zxidSet } = parts
    this.kind = recursive ? 'recursive' : 'persistent'
    this.session = session
    this.name = `watch ${number} (${this.kind} on ${path}, session ${formatZxid(session as number as Zxid)}, ${process.name})`
    this.#parts = parts
    this.#process = process
    this.#concerning = log.concerning(this.kind, path)
    this.#end = log.endOf(session)
    this.#next = firstFrom(this.#concerning, zxidSet + 1)
  }

  /** What it is to be told next; null while nothing is known to come. */
  get due(): TxnEvent | null {
    if (this.#floating) return null
    const due = this.#concerning[this.#next]
    return due === undefined || due.zxid > this.#end ? null : due
  }

  onTold(told: ToldEvent): void {
    const { type, zxid } = told
    const process = this.#process
    if (type === 'reset') return this.#onReset(told)
    if (zxid === null) throw process.violation(`${this.name} was told of ${type} ${told.path} without a zxid`)
    if (this.#floating) this.land(zxid)
    const due = this.#concerning[this.#next]
    if (due === undefined || !isSame(due, told) || zxid > this.#end)
      throw process.violation(`${this.name} ${this.#wrong(told, zxid, due)}`)
    this.#next++
    process.onTold(this, zxid, due)
  }

  /** Everything below `below` has been told, and what is owed from there on is no part of the last reset. */
  land(below: number): void {
    if (!this.#floating) return
    this.#floating = false
    this.#next = Math.max(this.#next, firstFrom(this.#concerning, below))
  }

  /** A persistent watch skips nothing but by a reset. */
  skip(): void {}

  #onReset({ path, zxid, paths }: ToldEvent): void {
    const process = this.#process
    const where = zxid === null ? '' : ` at ${formatZxid(zxid)}`
    const wrong = (why: string) => process.violation(`${this.name} was told of a reset${where}${why}`)
    if (path !== this.#parts.path) throw wrong(` of ${path}`)
    for (const each of paths ?? []) {
      const below = each.startsWith(path === '/' ? '/' : `${path}/`)
      if (each !== path && !(this.kind === 'recursive' && below)) throw wrong(` that names ${each}, which it does not watch`)
    }
    if (zxid !== null) {
      if (zxid === this.#resetAt) throw wrong(' a second time')
      if (zxid <= this.#parts.zxidSet) throw wrong(`, but was set at ${formatZxid(this.#parts.zxidSet)}`)
      if (zxid < process.below) throw wrong(', which its process had applied and told one by one')
      this.#resetAt = zxid
      this.#next = Math.max(this.#next, firstFrom(this.#concerning, zxid + 1))
    }
    process.onReset(this, zxid)
    this.#floating = zxid === null
  }

  #wrong(told: ToldEvent, zxid: Zxid, due: TxnEvent | undefined): string {
    const what = describe({ ...told, zxid })
    const place = this.#concerning.findIndex(event => isSame(event, told))
    if (place < 0) return `was told of ${what}: no such thing happened, or it does not concern it`
    if (zxid <= this.#parts.zxidSet) return `was told of ${what}, but was set at ${formatZxid(this.#parts.zxidSet)}`
    if (zxid > this.#end) return `was told of ${what}, but its session was ended at ${formatZxid(this.#end as Zxid)}`
    if (due === undefined || place < this.#next) return `was told of ${what} a second time, or behind what came later`
    return `was told of ${what} before ${describe(due)}`
  }
}

function isSame(event: TxnEvent, told: ToldEvent): boolean {
  return event.zxid === told.zxid && event.type === told.type && event.path === told.path
}
