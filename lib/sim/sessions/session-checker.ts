import { formatZxid, type MemberId, NO_SESSION, type SessionId, type Zxid } from '../../base/index.js'
import { Violation } from '../checker.js'
import type { Call, CommittedTxn, History, HistoryEvent, HistoryEventOf } from '../history.js'
import { name, type SessionLife, sessionLivesIn } from './session-log.js'
import { checkSessionTimes, type SessionTimes } from './session-times.js'

const FINAL_STATES = new Set(['expired', 'closed'])

/** A process that serves when the history ends. */
export interface ServingProcess {
  readonly member: MemberId
  readonly process: number
  readonly zxidApplied: Zxid
}

/** What a history does not say of its run. */
export interface SessionRun {
  /** Those that serve in the end: their clients must know by then what the log says of their sessions. */
  readonly serving?: readonly ServingProcess[]
  /**
   * Milliseconds that one turn of the event loop may seem to last on the history's clock: a call that was answered before its session ended may
   * return that much after its client was told so. In virtual time none pass. Default: 0.
   */
  readonly turnMilliseconds?: number
  /** What is known of time; without it nothing is said about when sessions end. */
  readonly times?: SessionTimes
}

/** What is known of a session from its client's side. */
interface Client {
  /** The process that it lives in. */
  readonly process: string
  /** What its process had shown when the client heard of it for the first time. */
  readonly zxidFirst: number
  state: string | null
  overAt: number
}

interface Asked {
  readonly what: Call
  readonly session: SessionId
  /** The final state that the client knew when it called. */
  readonly over: string | null
  /** Its process had shown that the log has ended the session. */
  readonly ended: boolean
}

/**
 * That sessions live as the log says, that their clients are told so, and that they end neither too early nor too late. `log` is the whole of
 * the ensemble's history from its first txn. Throws a {@link Violation}.
 */
export function checkSessions(log: readonly CommittedTxn[], history: History, run: SessionRun = {}): void {
  const lives = sessionLivesIn(log)
  const checker = new SessionChecker(lives, run)
  for (const event of history) checker.observe(event)
  checker.finish()
  if (run.times !== undefined) checkSessionTimes(lives, history, run.times)
}

class SessionChecker {
  readonly #lives: ReadonlyMap<SessionId, SessionLife>
  readonly #run: SessionRun
  readonly #clients = new Map<SessionId, Client>()
  readonly #opened = new Map<SessionId, number>()
  readonly #calls = new Map<number, Asked>()
  readonly #ended = new Set<string>()
  readonly #returned = new Set<number>()
  /** What each process is known to have applied, with everything that follows from it done. */
  readonly #shown = new Map<string, number>()

  constructor(lives: ReadonlyMap<SessionId, SessionLife>, run: SessionRun) {
    this.#lives = lives
    this.#run = run
  }

  observe(event: HistoryEvent): void {
    const process = keyOf(event)
    if (this.#ended.has(process)) throw violation(`${describe(event)} has ended, and still there is a '${event.kind}'`)
    if (event.session !== NO_SESSION) this.#meet(event.session, process, event)
    switch (event.kind) {
      case 'call':
        return this.#onCall(event)
      case 'return':
        return this.#onReturn(event)
      case 'state':
        return this.#onState(event)
      case 'ended':
        this.#ended.add(process)
        return
      default:
    }
  }

  finish(): void {
    for (const { member, process, zxidApplied } of this.#run.serving ?? []) {
      const key = `${member}.${process}`
      for (const [session, client] of this.#clients) {
        const end = this.#lives.get(session)?.end ?? null
        if (client.process !== key || client.overAt < Number.POSITIVE_INFINITY || end === null) continue
        // One that was over before its client knew it has shown so by its state from the first.
        if (end > zxidApplied || end <= client.zxidFirst) continue
        throw violation(
          `${name(session)} was ended at ${formatZxid(end)}, and its client was not told by the time that ${at(member, process)} showed ${formatZxid(zxidApplied)}`
        )
      }
    }
  }

  #onCall({ call, session, what, member, process }: HistoryEventOf<'call'>): void {
    const end = this.#lives.get(session)?.end ?? null
    const over = this.#clients.get(session)?.state ?? null
    const ended = end !== null && end <= (this.#shown.get(`${member}.${process}`) ?? 0)
    this.#calls.set(call, { what, session, over: over !== null && FINAL_STATES.has(over) ? over : null, ended })
  }

  #onReturn(event: HistoryEventOf<'return'>): void {
    const { call, result, zxidApplied, at: when } = event
    const asked = this.#calls.get(call)
    if (asked === undefined)
      throw violation(`call ${call} returned ${this.#returned.has(call) ? 'twice' : 'without having been made'}`)
    this.#calls.delete(call)
    this.#returned.add(call)
    const { what, session } = asked
    if (result.kind === 'answered') {
      const { answer } = result
      if (answer.kind === 'openSession') this.#onOpened(event, answer.session, answer.timeout)
      else if (what.kind === 'closeSession') this.#onClosed(event, asked)
      else if (asked.over !== null)
        throw violation(
          `call ${call} (${what.kind}) of ${name(session)} was answered: it was made after its client was told that it is ${asked.over}`
        )
      else if (asked.ended)
        throw violation(
          `call ${call} (${what.kind}) of ${name(session)} was answered: it was made after its process had applied the end of the session`
        )
      else if (when > (this.#clients.get(session)?.overAt ?? Number.POSITIVE_INFINITY) + (this.#run.turnMilliseconds ?? 0)) {
        throw violation(`call ${call} (${what.kind}) of ${name(session)} was answered after its client was told that it is over`)
      }
    }
    const process = keyOf(event)
    this.#shown.set(process, Math.max(this.#shown.get(process) ?? 0, zxidApplied))
  }

  #onOpened(event: HistoryEventOf<'return'>, session: SessionId, timeout: number): void {
    const life = this.#lives.get(session)
    if (life === undefined)
      throw violation(`call ${event.call} was answered with ${name(session)}, which the log has never created`)
    const other = this.#opened.get(session)
    if (other !== undefined) throw violation(`calls ${other} and ${event.call} were both answered with ${name(session)}`)
    this.#opened.set(session, event.call)
    if (life.timeout !== timeout)
      throw violation(`${name(session)} has a timeout of ${life.timeout} ms in the log, and its client was told ${timeout} ms`)
    if (life.member !== event.member)
      throw violation(`${name(session)} lives in member ${life.member} in the log, and was opened in member ${event.member}`)
    this.#meet(session, keyOf(event), event, event.zxidApplied)
  }

  #onClosed({ call, zxidApplied }: HistoryEventOf<'return'>, { session, over }: Asked): void {
    // Closing what is over anyway is answered at once, whatever the log says.
    if (over !== null) return
    const end = this.#lives.get(session)?.end ?? null
    if (end === null) throw violation(`call ${call} closed ${name(session)}, and it is not ended in the log`)
    if (end > zxidApplied)
      throw violation(
        `call ${call} closed ${name(session)} at ${formatZxid(zxidApplied)}, and the log ends it at ${formatZxid(end)}`
      )
  }

  #onState(event: HistoryEventOf<'state'>): void {
    const { session, state } = event
    const client = this.#clients.get(session)
    if (client === undefined) return
    if (client.state !== null && FINAL_STATES.has(client.state)) {
      throw violation(`the client of ${name(session)} was told that it is ${state}, having been told that it is ${client.state}`)
    }
    if (state === 'expired' && client.state === 'connected' && (this.#lives.get(session)?.end ?? null) === null) {
      throw violation(
        `the client of ${name(session)} was told that it is expired while its member served, and the log has not ended it`
      )
    }
    client.state = state
    if (FINAL_STATES.has(state)) client.overAt = event.at
  }

  #meet(session: SessionId, process: string, event: HistoryEvent, zxidFirst = this.#shown.get(process) ?? 0): void {
    const client = this.#clients.get(session)
    if (client === undefined) {
      if (!this.#lives.has(session))
        throw violation(`${describe(event)} knows of ${name(session)}, which the log has never created`)
      this.#clients.set(session, { process, zxidFirst, state: null, overAt: Number.POSITIVE_INFINITY })
    } else if (client.process !== process)
      throw violation(`${name(session)} has a '${event.kind}' in ${describe(event)} as well: it lives elsewhere`)
  }
}

function keyOf({ member, process }: HistoryEvent): string {
  return `${member}.${process}`
}

function describe({ member, process }: HistoryEvent): string {
  return at(member, process)
}

function at(member: number, process: number): string {
  return `member ${member}, process ${process}`
}

function violation(message: string): Violation {
  return new Violation('sessions', message)
}
