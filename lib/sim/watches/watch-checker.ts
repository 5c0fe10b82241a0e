import { formatZxid, NO_SESSION, type SessionId, type Zxid } from '../../base/index.js'
import type { Stat } from '../../tree/index.js'
import { Violation } from '../checker.js'
import type { Answer, Call, CommittedTxn, History, HistoryEvent, HistoryEventOf } from '../history.js'
import { EventLog } from './event-log.js'
import { OneShotWatch } from './one-shot-watch.js'
import { PersistentWatch } from './persistent-watch.js'
import { describe, type Watch, WatchedProcess } from './watched-process.js'
import { WatchingSession } from './watching-session.js'

const FINAL_STATES = new Set(['expired', 'closed'])

/**
 * That every watch was told of what concerned it: all of it, once, in order, before anything that shows it, and nothing else. `log` is the whole
 * of the ensemble's history from its first txn. Throws a {@link Violation}.
 *
 * What cannot be told, and is believed: how far a member got that shows nothing any more; what a catch-up by snapshot was that only one-shot
 * watches heard of; whether the one watch of a process that a reset would have told was spared one that skipped nothing of its own.
 */
export function checkWatches(log: readonly CommittedTxn[], history: History): void {
  const checker = new WatchChecker(new EventLog(log), history)
  for (const [index, event] of history.entries()) checker.observe(event, index)
  checker.finish()
}

class WatchChecker {
  readonly #log: EventLog
  readonly #processes = new Map<string, WatchedProcess>()
  readonly #watches = new Map<number, { readonly watch: Watch; readonly process: WatchedProcess }>()
  readonly #calls = new Map<number, Call>()
  /** One-shot watches by the call that sets them. */
  readonly #asked = new Map<number, OneShotWatch>()
  /** Sessions where they live, by the process and the session. One that comes back to a process is another. */
  readonly #sessions = new Map<string, WatchingSession>()
  /** What a session that is over was still waiting for. */
  readonly #parted = new Map<WatchingSession, readonly Watch[]>()
  /** Calls that close a session which was not over. */
  readonly #closing = new Map<number, WatchingSession>()

  constructor(log: EventLog, history: History) {
    this.#log = log
    for (const event of history) {
      if (event.kind !== 'told' || event.event.type !== 'reset') continue
      const process = this.#processOf(event)
      if (event.event.zxid === null) process.resetsUnknown = true
      else process.resets.add(event.event.zxid)
    }
  }

  observe(event: HistoryEvent, index: number): void {
    const process = this.#processOf(event)
    if (process.ended && event.kind !== 'ended')
      throw violation(`${process.name} has ended, and still there is a '${event.kind}'`)
    switch (event.kind) {
      case 'call':
        return this.#onCall(event, index, process)
      case 'return':
        return this.#onReturn(event, index, process)
      case 'watch':
        return this.#onWatch(event, index, process)
      case 'unwatch': {
        const { watch } = this.#find(event.watch, process)
        return process.remove(watch)
      }
      case 'told': {
        const { watch } = this.#find(event.watch, process)
        const { over } = watch.owner
        if (over !== null) {
          throw violation(`${watch.name} was told of ${event.event.type} ${event.event.path} after its session was ${over}`)
        }
        return watch.onTold(event.event)
      }
      case 'state':
        // A member that has no session at present says so as well.
        return event.session === NO_SESSION ? undefined : this.#onState(event, process)
      case 'auth': {
        this.#sessionOf(event, process).show(event.auth, event.zxidApplied)
        return process.onAuth()
      }
      case 'ended':
        return process.end()
    }
  }

  finish(): void {
    for (const process of this.#processes.values()) process.completeRound()
    for (const watch of this.#asked.values()) watch.onNeverReturned()
  }

  #onCall(event: HistoryEventOf<'call'>, index: number, process: WatchedProcess): void {
    const { what, call } = event
    this.#calls.set(call, what)
    if (event.session === NO_SESSION) return
    const owner = this.#sessionOf(event, process)
    if (what.kind === 'closeSession' && owner.over === null) this.#closing.set(call, owner)
    if (!isRead(what) || what.watch === null) return
    const watch = new OneShotWatch(event, { ...what, watch: what.watch }, index, owner, process, this.#log)
    this.#asked.set(call, watch)
    this.#register(what.watch, watch, process)
  }

  #onReturn(event: HistoryEventOf<'return'>, index: number, process: WatchedProcess): void {
    const { call, result, zxidApplied } = event
    const what = this.#calls.get(call)
    this.#calls.delete(call)
    const how = () => `when call ${call} (${what === undefined ? 'unknown' : describeCall(what)}) returned`
    const watch = this.#asked.get(call)
    this.#asked.delete(call)
    if (result.kind !== 'answered') watch?.onFailed()
    else {
      const needed = zxidNeeded(result.answer)
      if (needed > zxidApplied) {
        throw violation(`${process.name} showed ${formatZxid(zxidApplied)} ${how()}, with an answer of ${formatZxid(needed)}`)
      }
      const waits = watch?.onAnswered(result.answer, zxidApplied) ?? false
      if (watch !== undefined && waits && watch.owner.over === null)
        process.add(watch, index, () => how().replace('when', 'before'))
    }
    process.onShown(zxidApplied, how)
    if (result.kind === 'answered' && result.answer.kind === 'takeOverSession')
      this.#sessions.delete(keyOf(result.answer.session, process))
    const closed = this.#closing.get(call)
    this.#closing.delete(call)
    // Answered by the txn that ended it, so it lived until then.
    if (closed !== undefined && result.kind === 'answered') this.#checkParted(closed, closed.owedUntil)
  }

  #onState(event: HistoryEventOf<'state'>, process: WatchedProcess): void {
    const { state } = event
    const owner = this.#sessionOf(event, process)
    process.firing = false
    process.completeRound()
    const before = owner.state
    owner.state = state
    if (!FINAL_STATES.has(state)) return
    owner.over = state
    const watches = process.watchesOf(owner)
    for (const watch of watches) process.remove(watch)
    this.#parted.set(owner, watches)
    // No client gives its session up while its member serves: it was ended by the log, and lived until then.
    if (state === 'expired' && before === 'connected') this.#checkParted(owner, owner.owedUntil)
  }

  /** The session has lived until the log ended it at `end`: what it was owed by then has been told. */
  #checkParted(owner: WatchingSession, end: number): void {
    for (const watch of Number.isFinite(end) ? (this.#parted.get(owner) ?? []) : []) {
      watch.skip(end + 1)
      if (watch.due !== null) throw violation(`${watch.name} was not told of ${describe(watch.due)} before its session ended`)
    }
    this.#parted.delete(owner)
  }

  #onWatch(event: HistoryEventOf<'watch'>, index: number, process: WatchedProcess): void {
    const { watch: number, path, recursive, zxidApplied } = event
    const owner = this.#sessionOf(event, process, zxidApplied)
    const watch = new PersistentWatch({ number, path, recursive, owner, zxidSet: zxidApplied }, process, this.#log)
    this.#register(number, watch, process)
    const how = () => `when watch ${number} was set`
    // A listener may have set it: then others are still to hear of what it has just heard of.
    if (process.firing) process.shown = Math.max(process.shown, zxidApplied)
    else process.onShown(zxidApplied, how)
    process.add(watch, index, how)
  }

  #register(number: number, watch: Watch, process: WatchedProcess): void {
    if (this.#watches.has(number)) throw violation(`the history has two watches ${number}`)
    this.#watches.set(number, { watch, process })
  }

  #find(number: number, process: WatchedProcess): { readonly watch: Watch } {
    const found = this.#watches.get(number)
    if (found === undefined) throw violation(`${process.name} was told on a watch ${number} that was never set`)
    if (found.process !== process) throw violation(`${found.watch.name} was told in ${process.name}`)
    return found
  }

  #sessionOf({ session, member }: HistoryEvent, process: WatchedProcess, applied = process.shown): WatchingSession {
    const key = keyOf(session, process)
    const known = this.#sessions.get(key)
    if (known !== undefined) return known
    const [life, home] = this.#log.lifeOf(session, member, applied) ?? []
    if (life === undefined || home === undefined)
      throw violation(
        `${process.name} knows of session ${formatZxid(session as number as Zxid)}, which the log has never created`
      )
    const owner = new WatchingSession(life, home)
    this.#sessions.set(key, owner)
    return owner
  }

  #processOf({ member, process: number }: HistoryEvent): WatchedProcess {
    const key = `${member}.${number}`
    let process = this.#processes.get(key)
    if (process === undefined) {
      process = new WatchedProcess(member, number)
      this.#processes.set(key, process)
    }
    return process
  }
}

function keyOf(session: SessionId, { name }: WatchedProcess): string {
  return `${session} in ${name}`
}

/** The last txn that an answer lets one see. */
function zxidNeeded(answer: Answer): Zxid {
  if (answer.kind === 'multi') return Math.max(0, ...answer.results.map(zxidNeeded)) as Zxid
  const stat: Stat | null = 'stat' in answer ? answer.stat : null
  return (stat === null ? 0 : Math.max(stat.czxid, stat.mzxid, stat.pzxid)) as Zxid
}

function isRead(call: Call): call is Extract<Call, { kind: 'exists' | 'getData' | 'getChildren' }> {
  return call.kind === 'exists' || call.kind === 'getData' || call.kind === 'getChildren'
}

function describeCall(call: Call): string {
  return 'path' in call ? `${call.kind} ${call.path}` : call.kind
}

function violation(message: string): Violation {
  return new Violation('watches', message)
}
