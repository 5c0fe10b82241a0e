import { NO_SESSION } from '../../base/index.js'
import { Violation } from '../checker.js'
import type { Result } from '../history.js'
import { describeCall, describeResult, hex, type ProcessCall } from './recorded-call.js'
import type { Timeline } from './timeline.js'

/**
 * A session cannot be taken over or ended when it is over, or its end has begun: that is refused in the log, in the name of the process that
 * asked, and for no other reason as long as it has the session's password.
 * @returns where it was refused
 * @throws Violation
 */
export function checkProcessRefusal(
  call: ProcessCall,
  { code, zxid }: Extract<Result, { kind: 'refused' }>,
  timeline: Timeline
): number {
  const wrong = (checker: string, what: string) =>
    new Violation(checker, `${describeCall(call)} returned ${describeResult(call.result)}, ${what}`)
  const { target } = call.what
  const txn = zxid === null ? null : (timeline.entryAt(zxid)?.txn ?? null)
  const isRefusal = txn?.change.kind === 'refused' && txn.session === NO_SESSION && txn.member === call.member && txn.cxid > 0
  if (zxid === null || txn?.change.kind !== 'refused' || !isRefusal) throw wrong('exactly once', 'and is not in the log')
  if (txn.change.code !== code) throw wrong('witness', `the log refuses it with ${txn.change.code}`)
  if (timeline.sessionAt(target, zxid) === 'alive') throw wrong('witness', `and session ${hex(target)} was alive`)
  return zxid
}
