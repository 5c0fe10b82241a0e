import { formatZxid, type MemberId, type SessionId, type Zxid } from '../../base/index.js'
import { Violation } from '../checker.js'
import type { History } from '../history.js'
import { name, type SessionLife } from './session-log.js'

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

/**
 * That no leader ends a session before it was silent for its timeout, that no client gives one up before that, and that a session whose process
 * is gone does not outlive its timeout for long. Sessions whose process is not known from the history are left out.
 */
export function checkSessionTimes(lives: ReadonlyMap<SessionId, SessionLife>, history: History, times: SessionTimes): void {
  const processes = new Map<SessionId, string>()
  const endedAt = new Map<string, number>()
  /** When clients took their sessions for over, whoever decided it: their process does not keep them alive from then on. */
  const overAt = new Map<SessionId, number>()
  /** When clients first heard of their sessions: until then their process says nothing of them to anybody. */
  const knownAt = new Map<SessionId, number>()
  for (const event of history) {
    const process = `${event.member}.${event.process}`
    if (event.session !== 0) processes.set(event.session, process)
    if (event.session !== 0 && !knownAt.has(event.session)) knownAt.set(event.session, event.at)
    if (event.kind === 'return' && event.result.kind === 'answered' && event.result.answer.kind === 'openSession') {
      const { session } = event.result.answer
      processes.set(session, process)
      if (!knownAt.has(session)) knownAt.set(session, event.at)
    }
    if (event.kind === 'ended') endedAt.set(process, event.at)
    if (event.kind === 'state' && (event.state === 'expired' || event.state === 'closed')) overAt.set(event.session, event.at)
    if (event.kind === 'state' && event.state === 'expired') checkGivenUp(lives.get(event.session), process, event.at, times)
  }
  for (const life of lives.values()) {
    const process = processes.get(life.session)
    if (process === undefined) continue
    const from = knownAt.get(life.session) ?? Number.POSITIVE_INFINITY
    checkNotTooEarly(life, process, { from, to: overAt.get(life.session) ?? Number.POSITIVE_INFINITY }, times)
    checkNotTooLate(life, endedAt.get(process), times)
  }
}

/** `known`: from when to when the client knew of the session and took it for alive. */
function checkNotTooEarly(
  { session, end, endedBy, timeout }: SessionLife,
  process: string,
  known: Interval,
  times: SessionTimes
): void {
  if (end === null || endedBy !== 'leader') return
  const endedAt = times.madeAt(end)
  const createdAt = times.madeAt(session as number as Zxid)
  if (endedAt === null) return
  const contact = lastContact(process, Math.min(endedAt, known.to), times)
  const silent = endedAt - Math.max(contact < known.from ? 0 : contact, createdAt ?? 0)
  if (silent + times.signMilliseconds >= timeout) return
  throw violation(
    `${name(session)} was expired at ${formatZxid(end)} after ${round(silent)} ms of silence; its timeout is ${timeout} ms`
  )
}

/** Unless the log has ended it by then, a client takes its session for dead only when its member has had no leader for the timeout. */
function checkGivenUp(life: SessionLife | undefined, process: string, at: number, times: SessionTimes): void {
  if (life === undefined) return
  const { session, end, timeout } = life
  if (end !== null) {
    const endedAt = times.madeAt(end)
    if (endedAt === null || endedAt <= at) return
  }
  const silent = at - lastContact(process, at, times)
  if (silent + times.signMilliseconds >= timeout) return
  throw violation(
    `the client of ${name(session)} was told that it is expired, which nobody had decided, after ${round(silent)} ms without a leader; its timeout is ${timeout} ms`
  )
}

function checkNotTooLate({ session, end, timeout }: SessionLife, processEndedAt: number | undefined, times: SessionTimes): void {
  if (processEndedAt === undefined) return
  const endedAt = end === null ? Number.POSITIVE_INFINITY : times.madeAt(end)
  if (endedAt === null) return
  const silentFrom = Math.max(processEndedAt, times.madeAt(session as number as Zxid) ?? 0)
  for (const { from, to } of times.served) {
    const deadline = Math.max(silentFrom, from) + timeout + times.lateMilliseconds
    if (deadline > to || endedAt <= deadline) continue
    const what = end === null ? 'was never ended' : `was ended at ${formatZxid(end)}, ${round(endedAt - silentFrom)} ms later`
    throw violation(`${name(session)} ${what}: its process ended at ${round(processEndedAt)} ms and its timeout is ${timeout} ms`)
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
