import { formatZxid, type MemberId, type SessionId, type Zxid } from '../../base/index.js'
import { Violation } from '../checker.js'
import type { History } from '../history.js'
import { name, type SessionHome, type SessionLife } from './session-log.js'

/** Milliseconds on the history's clock, both ends included. */
export interface Interval {
  readonly from: number
  readonly to: number
}

/** A process ran without standing still, and was connected to the leader that served then, in both directions. */
export interface Contact extends Interval {
  readonly member: MemberId
  readonly process: number
}

/** When things were, on the history's clock. */
export interface SessionTimes {
  readonly contact: readonly Contact[]
  /** Reigns: one leader served with a quorum all the time, and did not stand still. A session's time begins anew with each. */
  readonly served: readonly Interval[]
  /** When the leader made a txn; null when that is not known: then nothing is said about the session that it creates or ends. */
  madeAt(zxid: Zxid): number | null
  /** By how much a sign of life may be older than the contact that it was a part of: what lies between two of them, and the way to the leader. */
  readonly signMilliseconds: number
  /** By how much the end of a dead session may come after its timeout. */
  readonly lateMilliseconds: number
}

/** A session in one of its homes, as the client in that process knew it. */
export interface Stay {
  readonly life: SessionLife
  readonly home: SessionHome
  readonly process: string
  /** When the client first heard of it: until then its process says nothing of it to anybody. */
  readonly knownAt: number
  /** When the client took it for over, whoever decided that: its process does not keep it alive from then on. */
  readonly overAt: number
  /** When the client was told that it is expired; null when it was not. */
  readonly expiredAt: number | null
  /** The client has asked for its end. */
  readonly askedForEnd: boolean
}

/**
 * That no leader ends a session before it was silent for its timeout, that no client gives one up before that, that a session whose process is
 * gone does not outlive its timeout for long unless it is taken over, and that an end that has begun is brought to its end. A session that was
 * taken over has what its last home gives it. Homes whose process is not known from the history are left out.
 */
export function checkSessionTimes(
  lives: ReadonlyMap<SessionId, SessionLife>,
  stays: readonly Stay[],
  history: History,
  times: SessionTimes
): void {
  const endedAt = new Map<string, number>()
  for (const { kind, member, process, at } of history) if (kind === 'ended') endedAt.set(`${member}.${process}`, at)
  for (const stay of stays) {
    if (stay.expiredAt !== null) checkGivenUp(stay, stay.expiredAt, times)
    checkNotTooEarly(stay, endedAt.has(stay.process), times)
    checkNotTooLate(stay, endedAt.get(stay.process), times)
  }
  for (const life of lives.values()) checkBroughtToEnd(life, times)
}

function checkNotTooEarly(stay: Stay, processEnds: boolean, times: SessionTimes): void {
  const { life, home, process, knownAt, overAt, askedForEnd } = stay
  const { session, over, endedBy } = life
  if (over === null || home.to !== over || endedBy !== 'leader') return
  // Whether it was asked for is said by the last of its txns only, which nobody has waited for then.
  if (life.end !== over && (askedForEnd || processEnds)) return
  const endedAt = times.madeAt(over)
  const cameAt = times.madeAt(home.from)
  if (endedAt === null) return
  const contact = lastContact(process, Math.min(endedAt, overAt), times)
  const silent = endedAt - Math.max(contact < knownAt ? 0 : contact, cameAt ?? 0)
  if (silent + times.signMilliseconds >= home.timeout) return
  throw violation(
    `${name(session)} was expired at ${formatZxid(over)} after ${round(silent)} ms of silence; its timeout is ${home.timeout} ms`
  )
}

/** Unless the log has ended it by then, a client takes its session for dead only when its member has had no leader for the timeout. */
function checkGivenUp({ life, home, process }: Stay, at: number, times: SessionTimes): void {
  if (home.to !== null) {
    const leftAt = times.madeAt(home.to)
    if (leftAt === null || leftAt <= at) return
  }
  const silent = at - lastContact(process, at, times)
  if (silent + times.signMilliseconds >= home.timeout) return
  throw violation(
    `the client of ${name(life.session)} was told that it is expired, which nobody had decided, after ${round(silent)} ms without a leader; its timeout is ${home.timeout} ms`
  )
}

function checkNotTooLate({ life, home }: Stay, processEndedAt: number | undefined, times: SessionTimes): void {
  if (processEndedAt === undefined) return
  const leftAt = home.to === null ? Number.POSITIVE_INFINITY : times.madeAt(home.to)
  if (leftAt === null) return
  const silentFrom = Math.max(processEndedAt, times.madeAt(home.from) ?? 0)
  for (const { from, to } of times.served) {
    const deadline = Math.max(silentFrom, from) + home.timeout + times.lateMilliseconds
    if (deadline > to || leftAt <= deadline) continue
    const what =
      home.to === null ? 'was never ended' : `was ended at ${formatZxid(home.to)}, ${round(leftAt - silentFrom)} ms later`
    throw violation(
      `${name(life.session)} ${what}: its process ended at ${round(processEndedAt)} ms and its timeout is ${home.timeout} ms`
    )
  }
}

/** Whoever leads goes on with what was begun, whoever has begun it. */
function checkBroughtToEnd({ session, over, end }: SessionLife, times: SessionTimes): void {
  if (over === null || over === end) return
  const begunAt = times.madeAt(over)
  const endedAt = end === null ? Number.POSITIVE_INFINITY : times.madeAt(end)
  if (begunAt === null || endedAt === null) return
  for (const { from, to } of times.served) {
    const deadline = Math.max(begunAt, from) + times.lateMilliseconds
    if (deadline > to || endedAt <= deadline) continue
    const what = end === null ? 'never' : `${round(endedAt - begunAt)} ms later, at ${formatZxid(end)}`
    throw violation(`the end of ${name(session)} was begun at ${formatZxid(over)} and brought to its end ${what}`)
  }
}

/** When a process was last in contact by `at`. */
function lastContact(process: string, at: number, { contact }: SessionTimes): number {
  let last = Number.NEGATIVE_INFINITY
  for (const { member, process: number, from, to } of contact) {
    if (`${member}.${number}` === process && from <= at) last = Math.max(last, Math.min(to, at))
  }
  return last
}

function round(milliseconds: number): string {
  return String(Math.round(milliseconds))
}

function violation(message: string): Violation {
  return new Violation('sessions', message)
}
