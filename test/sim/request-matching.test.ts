import t from 'tap'
import type { Call, CommittedTxn, SingleCall } from '../../lib/sim/history.js'
import { matchRequests } from '../../lib/sim/model/request-matching.js'
import type { TxnChange } from '../../lib/wire/index.js'
import { Pipeline, type PipelineClient, zxidOf } from '../fixtures/pipeline-history.js'
import {
  createCall,
  deleteCall,
  failed,
  readCall,
  setCall,
  verdictOf,
  withoutReturn,
  withResult
} from '../fixtures/witness-verdict.js'

/** Two clients, and `/a` with what the first wrote to it: a create, three setData and a refusal. */
function scene() {
  const pipeline = new Pipeline(2)
  const [first, second] = pipeline.clients
  if (first === undefined || second === undefined) throw new Error('there are two')
  const calls = [createCall('/a'), setCall('/a', 'one'), setCall('/a', 'two'), deleteCall('/b'), setCall('/a', 'three')]
  const numbers = calls.map(call => pipeline.run(first, call))
  return { pipeline, first, second, last: numbers.at(-1) ?? 0, refused: numbers[3] ?? 0, numbers }
}

/** A further txn of the last one's session. */
function following(log: readonly CommittedTxn[], change: TxnChange, cxid = (log.at(-1)?.txn.cxid ?? 0) + 1): CommittedTxn[] {
  const last = log.at(-1)
  if (last === undefined) throw new Error('a log has a last txn')
  return [...log, { zxid: zxidOf(log.length + 1), txn: { ...last.txn, cxid, change } }]
}

t.test('calls and txns of a session are matched in order', async t => {
  const { pipeline, numbers } = scene()
  const { log, history } = pipeline
  const matching = matchRequests(log, history)
  const zxids = numbers.map(call => matching.txnOf(call)?.zxid)
  t.strictSame(
    zxids,
    log.slice(-5).map(({ zxid }) => zxid)
  )
  for (const [index, zxid] of zxids.entries()) t.equal(matching.callOf(zxid ?? 0)?.call, numbers[index])
  t.equal(matching.callOf(zxidOf(1)), null, 'a member has enlisted, no client asked for it')
})

t.test('a write that was acknowledged and is not in the log is found', async t => {
  const { pipeline, last } = scene()
  const { log, history } = pipeline
  t.match(verdictOf(log.slice(0, -1), history), new RegExp(`^exactly once: call ${last} .* and is not in the log`))
  t.match(
    verdictOf(log.slice(0, -1), withResult(history, last, failed('OPERATION_TIMEOUT'))),
    /^witness: .* the log ends/,
    'unknown'
  )
})

t.test('a refusal that is not in the log is found', async t => {
  const { pipeline, first } = scene()
  const call = pipeline.run(first, deleteCall('/c'))
  t.match(verdictOf(pipeline.log.slice(0, -1), pipeline.history), new RegExp(`^exactly once: call ${call} .* is not in the log`))
})

t.test('a write that was applied twice is found, whatever its caller knows', async t => {
  const { pipeline, last } = scene()
  const { log, history } = pipeline
  const again: TxnChange = { kind: 'setData', path: '/a', data: new TextEncoder().encode('three'), version: 4 }
  const twice = following(log, again)
  t.match(verdictOf(twice, history), /^exactly once: request 6 .*nobody asked for it/)
  t.match(
    verdictOf(twice, withResult(history, last, failed('CONNECTION_LOSS'))),
    /^exactly once: request 6 .*nobody asked for it/
  )
  t.match(verdictOf(following(log, again, 5), history), /^exactly once: request 5 .* a second time/)
  t.match(verdictOf(following(log, again, 7), history), /^exactly once: request 7 .* behind request 5/)
})

t.test('a write whose outcome is unknown is in the log or is not', async t => {
  const { pipeline, first, last } = scene()
  const { log, history } = pipeline
  for (const code of ['OPERATION_TIMEOUT', 'CONNECTION_LOSS', 'ABORTED', 'CLOSED', 'SESSION_EXPIRED']) {
    t.equal(verdictOf(log, withResult(history, last, failed(code))), 'holds', `${code}, in the log`)
  }
  t.equal(verdictOf(log, withoutReturn(history, last)), 'holds', 'it never returned')
  const dropped = pipeline.run(first, setCall('/a', 'dropped'))
  const without = withResult(history.slice(0, -1), dropped, failed('OPERATION_TIMEOUT'))
  t.equal(verdictOf(log.slice(0, -1), without), 'holds', 'not in the log')
})

t.test('a write that was said not to have happened and is in the log is found', async t => {
  const { pipeline, last } = scene()
  const { log, history } = pipeline
  for (const code of ['THROTTLED', 'CLOSED', 'SESSION_EXPIRED']) {
    const told = withResult(history, last, failed(code, 'not-applied'))
    t.match(verdictOf(log, told), new RegExp(`^exactly once: request 5 .*call ${last} .*failed: ${code}, not-applied`))
  }
})

t.test('of a session that has ended the log may refuse what its caller was told did not happen', async t => {
  const { pipeline, first } = scene()
  pipeline.run(first, { kind: 'closeSession' })
  const { log, history } = pipeline
  const closing = log.length
  // A call was on its way when the session ended: the log refuses it, and the session is told by its end.
  const late = pipeline.run(first, setCall('/a', 'late'))
  const told = withResult(history, late, failed('SESSION_EXPIRED', 'not-applied'))
  t.equal(verdictOf(log, told), 'holds')
  const other = log.with(closing, { ...(log[closing] as CommittedTxn) })
  const change: TxnChange = { kind: 'refused', code: 'NO_NODE', path: '/a' }
  other[closing] = { zxid: zxidOf(closing + 1), txn: { ...(log[closing] as CommittedTxn).txn, change } }
  t.match(verdictOf(other, told), /^exactly once: /, 'no other refusal is kept from its caller')
})

t.test('an answer that the log contradicts is found', async t => {
  const { pipeline, refused, last } = scene()
  const { log, history } = pipeline
  const done = withResult(history, refused, () => ({ kind: 'answered', answer: { kind: 'delete' } }))
  t.match(verdictOf(log, done), new RegExp(`^exactly once: call ${refused} .*the log refused it with NO_NODE`))
  const zxid = zxidOf(log.length)
  const denied = withResult(history, last, () => ({ kind: 'refused', code: 'BAD_VERSION', path: '/a', zxid, results: null }))
  t.match(verdictOf(log, denied), new RegExp(`^exactly once: call ${last} .*the log did not refuse it`))
})

t.test('a txn that is not what was asked for is found', async t => {
  const { pipeline, last } = scene()
  const { log, history } = pipeline
  const changed = (change: TxnChange) => {
    const entry = log.at(-1) as CommittedTxn
    return log.with(-1, { ...entry, txn: { ...entry.txn, change } })
  }
  const other = new TextEncoder().encode('other')
  const three = new TextEncoder().encode('three')
  const call = new RegExp(`^exactly once: call ${last} .*(other data were written|was written|is in its place)`)
  t.match(verdictOf(changed({ kind: 'setData', path: '/a', data: other, version: 3 }), history), call)
  t.match(verdictOf(changed({ kind: 'setData', path: '/', data: three, version: 1 }), history), call)
  t.match(verdictOf(changed({ kind: 'delete', path: '/a' }), history), call)
})

t.test('calls that never got a number are left out, also among others that look the same', async t => {
  const { pipeline, first } = scene()
  const { history } = pipeline
  const call = 100
  brokenOff(pipeline, first, call, deleteCall('/a'))
  pipeline.run(first, readCall('/a'))
  const done = pipeline.run(first, deleteCall('/a'))
  const { log } = pipeline
  t.equal(verdictOf(log, history), 'holds')
  const matching = matchRequests(log, history)
  t.equal(matching.txnOf(call), null)
  t.equal(matching.txnOf(done)?.zxid, log.at(-1)?.zxid)
  // Both unknown: the read in between has seen what neither had deleted.
  const unknown = withResult(history, done, failed('OPERATION_TIMEOUT'))
  t.equal(verdictOf(log, unknown), 'holds')
  t.equal(matchRequests(log, unknown).txnOf(done)?.zxid, log.at(-1)?.zxid)
})

/** A call that was broken off while it waited behind a `sync`: it never had a number, and nobody can tell. */
function brokenOff(pipeline: Pipeline, client: PipelineClient, call: number, what: Call): void {
  const { member, session } = client
  const where = { at: 0, member: member.id, process: 1, session }
  pipeline.history.push({ ...where, kind: 'call', call, what })
  const result = { kind: 'failed', code: 'ABORTED', outcome: 'unknown' } as const
  pipeline.history.push({ ...where, kind: 'return', call, result, zxidApplied: member.tree.zxidApplied })
}

t.test('a refusal is not given to a broken-off call that cannot have been refused like this', async t => {
  const { pipeline, first } = scene()
  brokenOff(pipeline, first, 100, setCall('/a', 'any'))
  brokenOff(pipeline, first, 101, { kind: 'multi', operations: [setCall('/a', 'any') as SingleCall] })
  brokenOff(pipeline, first, 102, createCall('/a'))
  brokenOff(pipeline, first, 103, setCall('/b', 'other', 7))
  const refused = pipeline.run(first, setCall('/a', 'versioned', 7))
  const history = withResult(pipeline.history, refused, failed('OPERATION_TIMEOUT'))
  t.equal(verdictOf(pipeline.log, history), 'holds')
  const matching = matchRequests(pipeline.log, history)
  t.strictSame(
    matching.callsOf(pipeline.log.at(-1)?.zxid ?? 0).map(({ call }) => call),
    [refused]
  )
  t.ok(matching.isCertain(refused), 'no other can have become it')
})

t.test('of broken-off calls that look the same any may be it: the model takes the one that explains the txn', async t => {
  const { pipeline, first } = scene()
  // Version 3 is the one that /a has; the leader has seen the call with version 7 only.
  brokenOff(pipeline, first, 100, setCall('/a', 'one', 3))
  const refused = pipeline.run(first, setCall('/a', 'other', 7))
  const history = withResult(pipeline.history, refused, failed('OPERATION_TIMEOUT'))
  const { log } = pipeline
  const matching = matchRequests(log, history)
  t.strictSame(
    matching.callsOf(log.at(-1)?.zxid ?? 0).map(({ call }) => call),
    [100, refused]
  )
  t.equal(verdictOf(log, history), 'holds')
  t.notOk(matching.isCertain(refused), 'it may have been left out')
  // If both are versions that /a has, nothing explains the refusal.
  const { pipeline: other, first: client } = scene()
  brokenOff(other, client, 100, setCall('/a', 'one', 3))
  const done = other.run(client, setCall('/a', 'other', 3))
  const last = other.log.at(-1) as CommittedTxn
  const change: TxnChange = { kind: 'refused', code: 'BAD_VERSION', path: '/a' }
  const wrong = other.log.with(-1, { ...last, txn: { ...last.txn, change } })
  t.match(
    verdictOf(wrong, withResult(other.history, done, failed('OPERATION_TIMEOUT'))),
    /^model: .* the leader judged BAD_VERSION/
  )
})

t.test('a session that nobody recorded is a violation only where everything was recorded', async t => {
  const { pipeline, first } = scene()
  const { log } = pipeline
  const history = pipeline.history.filter(({ session }) => session !== first.session)
  t.match(verdictOf(log, history), /^exactly once: request 1 .*nobody asked for it/)
  t.equal(verdictOf(log, history, { everyCallRecorded: false }), 'holds')
})

t.test('a session may be closed without a call, by a member that closes, and told to close more than once', async t => {
  const { pipeline, first, second } = scene()
  pipeline.run(first, createCall('/e', { ephemeral: true }))
  const close = pipeline.run(first, { kind: 'closeSession' })
  const { log, history } = pipeline
  t.equal(verdictOf(log, history), 'holds')
  t.equal(
    verdictOf(
      log,
      history.filter(event => !('call' in event) || event.call !== close)
    ),
    'holds'
  )
  const again = history.flatMap(event => ('call' in event && event.call === close ? [event, { ...event, call: 200 }] : [event]))
  t.equal(verdictOf(log, again), 'holds')
  pipeline.run(second, { kind: 'closeSession' })
  t.match(verdictOf(log.slice(0, -1), history), /^exactly once: call .* closeSession returned .*not in the log/)
})

t.test('a history that contradicts itself is refused', async t => {
  const { pipeline, last } = scene()
  const { log, history } = pipeline
  const event = history.find(each => each.kind === 'return' && each.call === last)
  const issue = history.find(each => each.kind === 'call' && each.call === last)
  if (event === undefined || issue === undefined) throw new Error('it is there')
  t.match(verdictOf(log, [...history, event]), /^history: .* returned twice/)
  t.match(verdictOf(log, [...history, issue]), /^history: .* issued twice/)
  t.match(
    verdictOf(
      log,
      history.filter(each => each !== issue)
    ),
    /^history: .* without having been issued/
  )
})
