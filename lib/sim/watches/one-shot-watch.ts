import { formatZxid, type Zxid } from '../../base/index.js'
import type { Answer, HistoryEventOf, ReadCall, ToldEvent } from '../history.js'
import { type EventLog, firstFrom, type ZnodeZxids } from './event-log.js'
import type { EventType, TxnEvent } from './txn-events.js'
import { describe, type WatchedProcess } from './watched-process.js'
import type { WatchingSession } from './watching-session.js'

type Read = ReadCall & { readonly watch: number }

/**
 * A watch that a read sets, and that is told once: of the first change behind the state that the read saw. When that was is not in the history,
 * but what it was is: a Stat names the last change of what is watched, so the next one is the one to be told. A znode that is not there has
 * no Stat; then it may have been any of its absences between what the process had applied at the call and what it showed at the return.
 *
 * After a catch-up by snapshot it is told of the difference instead, at the zxid of the snapshot. With no persistent watch in its process
 * nobody tells us of the catch-up itself, and it is believed.
 */
export class OneShotWatch {
  readonly kind: 'data' | 'child'
  readonly owner: WatchingSession
  readonly name: string
  readonly #read: Read
  readonly #process: WatchedProcess
  readonly #log: EventLog
  readonly #concerning: readonly TxnEvent[]
  /** Its place in the history, and what its process was known to have applied there. */
  readonly #since: number
  readonly #floor: number
  #status: 'asked' | 'set' | 'told' | 'unset' = 'asked'
  #next = 0
  /** What its read saw. */
  #seen: ZnodeZxids | null = null
  /** It was told before its read returned: the promise of a read is continued after what else the turn of the event loop brings. */
  #early: ToldEvent | null = null

  constructor(
    call: HistoryEventOf<'call'>,
    read: Read,
    since: number,
    owner: WatchingSession,
    process: WatchedProcess,
    log: EventLog
  ) {
    this.kind = read.kind === 'getChildren' ? 'child' : 'data'
    this.owner = owner
    this.name = `watch ${read.watch} (one-shot by ${read.kind} ${read.path}, call ${call.call}, session ${formatZxid(call.session as number as Zxid)}, ${process.name})`
    this.#read = read
    this.#process = process
    this.#log = log
    this.#concerning = log.concerning(this.kind, read.path)
    this.#since = since
    this.#floor = process.shown
  }

  get due(): TxnEvent | null {
    if (this.#status !== 'set') return null
    const due = this.#concerning[this.#next]
    return due === undefined || due.zxid > this.owner.owedUntil || !this.owner.hears(due) ? null : due
  }

  /** Its read was answered. True when it waits to be told. */
  onAnswered(answer: Answer, zxidApplied: Zxid): boolean {
    const early = this.#early
    const removed = early !== null && this.#isRemoval(early)
    const last = early?.zxid == null ? zxidApplied : removed ? early.zxid : early.zxid - 1
    const stat = 'stat' in answer ? answer.stat : null
    if (stat !== null) {
      this.#seen = stat
      this.#next = firstFrom(this.#concerning, (this.kind === 'data' ? stat.mzxid : stat.pzxid) + 1)
    } else this.#nextAfterAbsence(last, removed ? null : early)
    this.#status = 'set'
    if (early === null) return true
    if (removed) this.#verifyRemoval(early)
    else this.#verify(early)
    this.#status = 'told'
    return false
  }

  /** Its read failed or was refused: it was never set. */
  onFailed(): void {
    this.#status = 'unset'
    if (this.#early !== null) throw this.#wrong(this.#early, 'but its read did not succeed')
  }

  onTold(told: ToldEvent): void {
    const process = this.#process
    const { zxid } = told
    if (told.type === 'reset') throw process.violation(`${this.name} was told of a reset: that is for watches that stay`)
    if (zxid === null) throw process.violation(`${this.name} was told of ${told.type} ${told.path} without a zxid`)
    if (this.#status === 'told' || this.#early !== null) throw this.#wrong(told, 'having been told before')
    if (this.#status === 'unset') throw this.#wrong(told, 'but its read did not succeed')
    if (told.path !== this.#read.path) throw this.#wrong(told, 'which it does not watch')
    if (this.#isRemoval(told)) return this.#onRemoved(told, zxid)
    if (zxid <= this.#floor) throw this.#wrong(told, `but was set behind ${formatZxid(this.#floor as Zxid)}`)
    if (zxid < process.below)
      throw this.#wrong(
        told,
        `which its process had shown before: it is known to have applied up to ${formatZxid(process.shown as Zxid)}`
      )
    process.onTold(this, zxid, null)
    if (this.#status === 'asked') this.#early = told
    else {
      this.skip(zxid)
      this.#status = 'told'
      process.remove(this)
      this.#verify(told)
    }
  }

  /** The history is over. Of a read that never returned nobody knows what it saw: only that something of the kind happened. */
  onNeverReturned(): void {
    const early = this.#early
    if (this.#status !== 'asked' || early === null || this.#isRemoval(early)) return
    const { zxid } = early
    const happened = this.#concerning.some(event => event.zxid === zxid && event.type === early.type)
    if (!happened && !(zxid !== null && this.#process.mayHaveCaughtUp(this.#since, zxid, zxid) && this.#fits(early.type, zxid))) {
      throw this.#wrong(early, 'but nothing like that happened')
    }
  }

  /**
   * A znode that was missing, was created and is missing again is no difference to a catch-up by snapshot: then nothing is told, and the watch
   * waits on.
   */
  skip(below: number): void {
    if (this.#seen !== null || this.#read.kind !== 'exists') return
    for (let due = this.due; due !== null && due.zxid < below; due = this.due) {
      const { zxid } = due
      const missing = this.#log
        .absencesOf(this.#read.path)
        .find(
          ({ from, to }) =>
            from > zxid - 1 && from < below && this.#process.mayHaveCaughtUp(this.#since, from, Math.min(to, below) - 1)
        )
      if (missing === undefined) return
      this.#next = firstFrom(this.#concerning, missing.to)
    }
  }

  /** The read found nothing: the first create behind the last absence that it can have seen is the one to be told, or to have been told. */
  #nextAfterAbsence(last: number, early: ToldEvent | null): void {
    const { path } = this.#read
    const seen = this.#log.absencesOf(path).filter(({ from, to }) => from <= last && to > this.#floor)
    const exact = early === null ? undefined : seen.find(({ to }) => to === early.zxid)
    const absence = exact ?? (early === null ? seen.at(-1) : seen[0])
    if (absence === undefined) {
      throw this.#process.violation(
        `${this.name}: its read found nothing at ${path}, where a znode was all the time between ${formatZxid(this.#floor as Zxid)} and ${formatZxid(last as Zxid)}`
      )
    }
    this.#next = firstFrom(this.#concerning, absence.to)
  }

  #isRemoval({ type }: ToldEvent): boolean {
    return type === `${this.kind}WatchRemoved`
  }

  /** `removeWatches` has ended it: what its process had applied by then is nothing that it was to be told of. */
  #onRemoved(told: ToldEvent, zxid: Zxid): void {
    this.#process.onRemoved(this, zxid)
    if (this.#status === 'asked') this.#early = told
    else {
      this.skip(zxid + 1)
      this.#verifyRemoval(told)
      this.#status = 'told'
    }
  }

  #verifyRemoval(told: ToldEvent): void {
    const { due } = this
    if (due !== null && due.zxid <= (told.zxid ?? 0)) throw this.#wrong(told, `without having been told of ${describe(due)}`)
  }

  #verify(told: ToldEvent): void {
    const due = this.#concerning[this.#next]
    const { type } = told
    const zxid = told.zxid as Zxid
    if (due === undefined || due.zxid > zxid) throw this.#wrong(told, 'but nothing that it watches had changed since its read')
    const exact = due.zxid === zxid && due.type === type
    if (exact && !this.owner.hears(due)) throw this.#wrong(told, 'which its session may not read')
    if (exact && zxid <= this.owner.toldUntil) return
    // A catch-up by snapshot tells of the difference first, and then that the session was ended in what it has skipped, if it was.
    if (this.#process.mayHaveCaughtUp(this.#since, zxid, zxid) && type === this.#difference(zxid)) return
    if (exact) throw this.#wrong(told, `but its session was ended at ${formatZxid(this.owner.toldUntil as Zxid)}`)
    throw this.#wrong(told, `but what it was to be told was ${describe(due)}`)
  }

  /** What a comparison of the state that it was set at with the one at `zxid` shows. */
  #difference(zxid: number): EventType | null {
    const before = this.#seen
    const after = this.#log.znodeAt(this.#read.path, zxid)
    if (before === null) return after === null ? null : 'created'
    if (after === null) return 'deleted'
    if (this.kind === 'data') return before.mzxid === after.mzxid ? null : 'dataChanged'
    return before.pzxid === after.pzxid ? null : 'childrenChanged'
  }

  #fits(type: string, zxid: number): boolean {
    const there = this.#log.znodeAt(this.#read.path, zxid) !== null
    if (type === 'deleted') return !there
    return there && (this.kind === 'data' ? type === 'created' || type === 'dataChanged' : type === 'childrenChanged')
  }

  #wrong({ type, path, zxid }: ToldEvent, why: string) {
    const where = zxid === null ? '' : ` at ${formatZxid(zxid)}`
    return this.#process.violation(`${this.name} was told of ${type} ${path}${where}, ${why}`)
  }
}
