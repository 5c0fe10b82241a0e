import { formatZxid, type Zxid } from '../../base/index.js'
import type { ToldEvent } from '../history.js'
import { type EventLog, firstFrom } from './event-log.js'
import type { TxnEvent } from './txn-events.js'
import { describe, type WatchedProcess } from './watched-process.js'
import type { WatchingSession } from './watching-session.js'

export interface PersistentWatchParts {
  readonly number: number
  readonly path: string
  readonly recursive: boolean
  readonly owner: WatchingSession
  /** What its process showed when it was set: it hears of what comes behind. */
  readonly zxidSet: Zxid
}

/** A watch that stays: it is owed every event that concerns it, or a reset in the place of those that its member has skipped. */
export class PersistentWatch {
  readonly kind: 'persistent' | 'recursive'
  readonly owner: WatchingSession
  readonly name: string
  readonly #parts: PersistentWatchParts
  readonly #process: WatchedProcess
  readonly #log: EventLog
  readonly #concerning: readonly TxnEvent[]
  #next: number
  #resetAt = 0
  /** It was told of a reset that does not say how far it reaches: not beyond what comes next. */
  #floating = false
  #removed = false

  constructor(parts: PersistentWatchParts, process: WatchedProcess, log: EventLog) {
    const { number, path, recursive, owner, zxidSet } = parts
    this.kind = recursive ? 'recursive' : 'persistent'
    this.owner = owner
    this.name = `watch ${number} (${this.kind} on ${path}, session ${formatZxid(owner.session as number as Zxid)}, ${process.name})`
    this.#parts = parts
    this.#process = process
    this.#log = log
    this.#concerning = log.concerning(this.kind, path)
    this.#next = firstFrom(this.#concerning, zxidSet + 1)
  }

  /** What it is to be told next; null while nothing is known to come. */
  get due(): TxnEvent | null {
    if (this.#floating) return null
    const due = this.#heardNext
    return due === undefined || due.zxid > this.owner.owedUntil ? null : due
  }

  /** What its session may not read is told to others only. */
  get #heardNext(): TxnEvent | undefined {
    for (let next = this.#next; ; next++) {
      const event = this.#concerning[next]
      if (event === undefined || this.owner.hears(event)) return event
    }
  }

  onTold(told: ToldEvent): void {
    const { type, zxid } = told
    const process = this.#process
    if (this.#removed) throw process.violation(`${this.name} was told of ${type} ${told.path} after it was removed`)
    if (type === 'reset') return this.#onReset(told)
    if (zxid === null) throw process.violation(`${this.name} was told of ${type} ${told.path} without a zxid`)
    if (type === 'persistentWatchRemoved' && told.path === this.#parts.path) return this.#onRemoved(zxid)
    if (this.#floating) this.land(zxid)
    const due = this.#heardNext
    if (due === undefined || !isSame(due, told) || zxid > this.owner.toldUntil)
      throw process.violation(`${this.name} ${this.#wrong(told, zxid, due)}`)
    this.#next = this.#concerning.indexOf(due, this.#next) + 1
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

  /** `removeWatches` has ended it: what its process had applied by then has been told. */
  #onRemoved(zxid: Zxid): void {
    const process = this.#process
    const { due } = this
    if (due !== null && due.zxid <= zxid)
      throw process.violation(`${this.name} was removed at ${formatZxid(zxid)} without having been told of ${describe(due)}`)
    process.onRemoved(this, zxid)
    this.#removed = true
  }

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
      const problem = this.#pathsProblem(paths, zxid)
      if (problem !== null) throw wrong(problem)
      this.#next = Math.max(this.#next, firstFrom(this.#concerning, zxid + 1))
    }
    process.onReset(this, zxid)
    this.#floating = zxid === null
  }

  /**
   * Where its process was before a reset at `zxid` nobody has seen. But whatever concerned the watch up to there it has been told of, so what
   * it watches was then as it was directly before the first thing that it has not been told of.
   */
  #pathsProblem(paths: readonly string[] | null, zxid: Zxid): string | null {
    if (this.#floating) return null
    const skipped = this.#concerning.slice(this.#next, firstFrom(this.#concerning, zxid + 1))
    const concerned = [...new Set(skipped.map(({ path }) => path))]
    // Of what was not open to all, some may have been applied and hidden; and which ACL it had, and whose, is not known. It is believed.
    const isOpen = (path: string) => !this.#log.wasGuarded(path)
    const before = (path: string) => (skipped.find(event => event.path === path)?.zxid ?? 0) - 1
    const changed = concerned.filter(path => isOpen(path) && this.#hasChanged(path, before(path), zxid)).sort()
    if (paths === null) {
      if (this.kind === 'recursive' && this.#process.mayHaveSkippedTooMuch(this.#log, zxid)) return null
      return ' that does not say what has changed, which was little enough'
    }
    const named = paths.filter(path => isOpen(path) || !concerned.includes(path))
    if (named.length === changed.length && named.every((path, index) => path === changed[index])) return null
    return ` that names [${paths.join(', ')}], where [${changed.join(', ')}] had changed`
  }

  #hasChanged(path: string, before: number, after: number): boolean {
    const was = this.#log.znodeAt(path, before)
    const is = this.#log.znodeAt(path, after)
    return was?.mzxid !== is?.mzxid || (this.kind === 'persistent' && was?.pzxid !== is?.pzxid)
  }

  #wrong(told: ToldEvent, zxid: Zxid, due: TxnEvent | undefined): string {
    const what = describe({ ...told, zxid })
    const place = this.#concerning.findIndex(event => isSame(event, told))
    if (place < 0) return `was told of ${what}: no such thing happened, or it does not concern it`
    if (zxid <= this.#parts.zxidSet) return `was told of ${what}, but was set at ${formatZxid(this.#parts.zxidSet)}`
    const { toldUntil } = this.owner
    if (zxid > toldUntil) return `was told of ${what}, but its session was ended at ${formatZxid(toldUntil as Zxid)}`
    const event = this.#concerning[place]
    if (event !== undefined && !this.owner.hears(event)) return `was told of ${what}, which its session may not read`
    if (due === undefined || place < this.#next) return `was told of ${what} a second time, or behind what came later`
    return `was told of ${what} before ${describe(due)}`
  }
}

function isSame(event: TxnEvent, told: ToldEvent): boolean {
  return event.zxid === told.zxid && event.type === told.type && event.path === told.path
}
