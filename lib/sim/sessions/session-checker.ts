import { formatZxid, type MemberId, NO_SESSION, type SessionId, type Zxid } from '../../base/index.js'
import { Violation } from '../checker.js'
import type { Answer, Call, CommittedTxn, History, HistoryEvent, HistoryEventOf } from '../history.js'
import { name, type SessionHome, type SessionLife, sessionLivesIn } from './session-log.js'
import { checkSessionTimes, type SessionTimes, type Stay } from './session-times.js'

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

/** What is known of a session from the side of its client in one process, for as long as it lives there. */
interface Client extends Stay {
  /** What its process had shown when the client heard of it for the first time. */
  readonly zxidFirst: number
  state: string | null
  overAt: number
  expiredAt: number | null
  askedForEnd: boolean
}

interface Asked {
  readonly what: Call
  readonly session: SessionId
  /** Null where there is no session. */
  readonly client: Client | null
  /** The final state that the client knew when it called. */
  readonly over: string | null
  /** Its process had shown that the log has ended the session, or taken it away. */
  readonly left: boolean
}

/**
 * That sessions live as the log says and where it says, that their clients are told so, and that they end neither too early nor too late. `log`
 * is the whole of the ensemble's history from its first txn. Throws a {@link Violation}.
 */
export function checkSessions(log: readonly CommittedTxn[], history: History, run: SessionRun = {}): void {
  const lives = sessionLivesIn(log)
  const checker = new SessionChecker(lives, run)
  for (const event of history) checker.observe(event)
  checker.finish()
  if (run.times !== undefined) checkSessionTimes(lives, checker.stays, history, run.times)
}

class SessionChecker {
  /** Every client that there was. */
  readonly stays: Client[] = []
  readonly #lives: ReadonlyMap<SessionId, SessionLife>
  readonly #run: SessionRun
  /** By session, then by process: the client that there is or was last. */
  readonly #clients = new Map<SessionId, Map<string, Client>>()
  readonly #opened = new Map<Zxid, number>()
  readonly #calls = new Map<number, Asked>()
  readonly #ended = new Set<string>()
  readonly #returned = new Set<number>()
  /** What each process is known to have applied, with everything that follows from it done. */
  readonly #shown = new Map<string, number>()
  /** How the log calls each process: known from the first session that is met in it. */
  readonly #runs = new Map<string, string>()

  constructor(lives: ReadonlyMap<SessionId, SessionLife>, run: SessionRun) {
    this.#lives = lives
    this.#run = run
  }

  observe(event: HistoryEvent): void {
    const process = keyOf(event)
    if (this.#ended.has(process)) throw violation(`${describe(event)} has ended, and still there is a '${event.kind}'`)
    const client = event.session === NO_SESSION ? null : this.#meet(event.session, process, event)
    switch (event.kind) {
      case 'call':
        return this.#onCall(event, client)
      case 'return':
        return this.#onReturn(event)
      case 'state':
        return client === null ? undefined : this.#onState(event, client)
      case 'ended':
        this.#ended.add(process)
        return
      default:
    }
  }

  finish(): void {
    for (const { member, process, zxidApplied } of this.#run.serving ?? []) {
      const key = `${member}.${process}`
      for (const client of this.stays) {
        if (client.process !== key || client.overAt < Number.POSITIVE_INFINITY) continue
        const left = leftAt(client)
        // One that was over before its client knew it has shown so by its state from the first.
        if (left === null || left > zxidApplied || left <= client.zxidFirst) continue
        const what = client.home.to === client.life.over ? 'was ended' : 'was taken away'
        throw violation(
          `${name(client.life.session)} ${what} at ${formatZxid(left)}, and its client was not told by the time that ${at(member, process)} showed ${formatZxid(zxidApplied)}`
        )
      }
    }
  }

  #onCall({ call, session, what, member, process }: HistoryEventOf<'call'>, client: Client | null): void {
    const left = client === null ? null : client.home.to
    const over = client?.state ?? null
    const isLeft = left !== null && left <= (this.#shown.get(`${member}.${process}`) ?? 0)
    if (client !== null && what.kind === 'closeSession') client.askedForEnd = true
    this.#calls.set(call, { what, session, client, over: over !== null && FINAL_STATES.has(over) ? over : null, left: isLeft })
  }

  #onReturn(event: HistoryEventOf<'return'>): void {
    const { call, result, zxidApplied } = event
    const asked = this.#calls.get(call)
    if (asked === undefined)
      throw violation(`call ${call} returned ${this.#returned.has(call) ? 'twice' : 'without having been made'}`)
    this.#calls.delete(call)
    this.#returned.add(call)
    if (result.kind === 'answered') this.#onAnswered(event, asked, result.answer)
    const process = keyOf(event)
    this.#shown.set(process, Math.max(this.#shown.get(process) ?? 0, zxidApplied))
  }

  #onAnswered(event: HistoryEventOf<'return'>, asked: Asked, answer: Answer): void {
    const { call, at: when } = event
    const { what, session, client } = asked
    if (answer.kind === 'openSession' || answer.kind === 'takeOverSession') return this.#onOpened(event, answer)
    if (what.kind === 'terminateSession') return this.#onTerminated(event, what.target)
    if (what.kind === 'closeSession') return this.#onClosed(event, asked)
    const which = `call ${call} (${what.kind}) of ${name(session)} was answered`
    if (asked.over !== null) throw violation(`${which}: it was made after its client was told that it is ${asked.over}`)
    if (asked.left) throw violation(`${which}: it was made after its process had applied the end of the session`)
    if (when > (client?.overAt ?? Number.POSITIVE_INFINITY) + (this.#run.turnMilliseconds ?? 0))
      throw violation(`${which} after its client was told that it is over`)
  }

  #onOpened(event: HistoryEventOf<'return'>, answer: Extract<Answer, { kind: 'openSession' | 'takeOverSession' }>): void {
    const { session, timeout } = answer
    const process = keyOf(event)
    const life = this.#lives.get(session)
    if (life === undefined)
      throw violation(`call ${event.call} was answered with ${name(session)}, which the log has never created`)
    const home = answer.kind === 'openSession' ? life.homes[0] : this.#movedTo(process, life, event)
    const other = this.#opened.get(home.from)
    if (other !== undefined) throw violation(`calls ${other} and ${event.call} were both answered with ${name(session)}`)
    this.#opened.set(home.from, event.call)
    if (home.timeout !== timeout)
      throw violation(`${name(session)} has a timeout of ${home.timeout} ms in the log, and its client was told ${timeout} ms`)
    if (home.member !== event.member)
      throw violation(`${name(session)} lives in member ${home.member} in the log, and was opened in member ${event.member}`)
    this.#begin(life, home, process, event, event.zxidApplied)
  }

  /** The last home of the session in that process by the time of the answer: before it has left that, nobody there takes it over again. */
  #movedTo(process: string, { session, homes }: SessionLife, event: HistoryEventOf<'return'>): SessionHome {
    const run = this.#runs.get(process) ?? null
    const home = homes
      .slice(1)
      .findLast(
        ({ member, run: of, from }) => member === event.member && from <= event.zxidApplied && (run === null || run === of)
      )
    if (home === undefined)
      throw violation(`call ${event.call} has taken ${name(session)} over, which the log has not moved to ${describe(event)}`)
    return home
  }

  #onTerminated({ call, zxidApplied }: HistoryEventOf<'return'>, target: SessionId): void {
    const over = this.#lives.get(target)?.over ?? null
    if (over === null || over > zxidApplied)
      throw violation(`call ${call} has ended ${name(target)}, which the log has not by ${formatZxid(zxidApplied)}`)
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

  #onState(event: HistoryEventOf<'state'>, client: Client): void {
    const { session, state } = event
    if (client.state !== null && FINAL_STATES.has(client.state)) {
      throw violation(`the client of ${name(session)} was told that it is ${state}, having been told that it is ${client.state}`)
    }
    if (state === 'expired' && client.state === 'connected' && client.home.to === null) {
      throw violation(
        `the client of ${name(session)} was told that it is expired while its member served, and the log has not ended it`
      )
    }
    client.state = state
    if (FINAL_STATES.has(state)) client.overAt = event.at
    if (state === 'expired') client.expiredAt = event.at
  }

  /** The client that an event is of. One that nobody has opened, as far as is known, is the first: a member opens sessions of its own. */
  #meet(session: SessionId, process: string, event: HistoryEvent): Client {
    const known = this.#clients.get(session)?.get(process)
    if (known !== undefined) return known
    const life = this.#lives.get(session)
    if (life === undefined) throw violation(`${describe(event)} knows of ${name(session)}, which the log has never created`)
    if (this.#clients.has(session))
      throw violation(`${name(session)} has a '${event.kind}' in ${describe(event)} as well: it lives elsewhere`)
    return this.#begin(life, life.homes[0], process, event, this.#shown.get(process) ?? 0)
  }

  #begin(life: SessionLife, home: SessionHome, process: string, event: HistoryEvent, zxidFirst: number): Client {
    const { session } = life
    const run = this.#runs.get(process)
    if (home.member !== event.member || (run !== undefined && run !== home.run))
      throw violation(`${name(session)} is met in ${describe(event)}, and lives in member ${home.member}, run ${home.run}`)
    this.#runs.set(process, home.run)
    const knownAt = event.at
    const beginning = { state: null, overAt: Number.POSITIVE_INFINITY, expiredAt: null, askedForEnd: false }
    const client: Client = { life, home, process, knownAt, zxidFirst, ...beginning }
    this.stays.push(client)
    const clients = this.#clients.get(session)
    if (clients === undefined) this.#clients.set(session, new Map([[process, client]]))
    else clients.set(process, client)
    return client
  }
}

/** With which txn a client has no session any more. Who has asked for the end waits until it is whole. */
function leftAt({ life, home, askedForEnd }: Client): Zxid | null {
  return askedForEnd && home.to === life.over ? life.end : home.to
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
