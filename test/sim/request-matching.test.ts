import t from 'tap'
import { type ErrorCode, type MemberId, NO_SESSION, type Zxid } from '../../lib/base/index.js'
import { Violation } from '../../lib/sim/checker.js'
import type { Call, CommittedTxn, HistoryEvent } from '../../lib/sim/history.js'
import { matchRequests } from '../../lib/sim/model/request-matching.js'
import type { SingleChange } from '../../lib/tree/index.js'
import type { TxnChange } from '../../lib/wire/index.js'
import { Pipeline, type PipelineClient, zxidOf } from '../fixtures/pipeline-history.js'
import { aclFor } from '../fixtures/tree.js'
import { withLimits } from '../fixtures/tree-steps.js'
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
  brokenOff(pipeline, first, 101, { kind: 'multi', operations: [setCall('/a', 'any')] })
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

t.test('a session that others have ended before it could ask is closed without a request of its own', async t => {
  const { pipeline, first } = scene()
  pipeline.expire(first.session)
  pipeline.catchUp()
  const { log, history } = pipeline
  const where = { at: 0, member: first.member.id, process: 1, session: first.session, call: 300 }
  const close = (zxidApplied: Zxid): HistoryEvent[] => [
    ...history,
    { ...where, kind: 'call', what: { kind: 'closeSession' } },
    { ...where, kind: 'return', result: { kind: 'answered', answer: { kind: 'closeSession' } }, zxidApplied }
  ]
  t.equal(verdictOf(log, close(zxidOf(log.length))), 'holds')
  const early = log.toSpliced(-1, 1)
  t.match(verdictOf(early, close(zxidOf(early.length))), /^exactly once: call 300 .* closeSession .* is not in the log/)
})

/** The last txn with another change, as the last call asked for it. */
function fitsAs(what: Call, ...changes: TxnChange[]): readonly boolean[] {
  return changes.map(change => {
    const pipeline = new Pipeline(1)
    const [client] = pipeline.clients
    if (client === undefined) throw new Error('there is one')
    const call = pipeline.run(client, what)
    const last = pipeline.log.at(-1) as CommittedTxn
    const log = pipeline.log.with(-1, { ...last, txn: { ...last.txn, change } })
    try {
      matchRequests(log, withResult(pipeline.history, call, failed('CONNECTION_LOSS')))
      return true
    } catch (error) {
      if (error instanceof Violation) return false
      throw error
    }
  })
}

const made = (path: string, more: object = {}): SingleChange => ({
  kind: 'create',
  path,
  data: null,
  owner: NO_SESSION,
  lifetime: 0,
  acl: null,
  parentCversion: 1,
  ...more
})
const gone = (path: string): SingleChange => ({ kind: 'delete', path })
const several = (...changes: SingleChange[]): TxnChange => ({ kind: 'multi', changes })

t.test('a create with parents is a create, or a multi of creates down to it', async t => {
  const data = new TextEncoder().encode('new')
  const [own, acl] = [made('/a/b/c', { data }), [aclFor('world', 31), aclFor('bob', 1)]]
  const asked = createCall('/a/b/c', { parents: true })
  t.strictSame(fitsAs(asked, own, several(made('/a/b'), own), several(made('/a'), made('/a/b'), own)), [true, true, true])
  const wrong = [
    several(own),
    several(made('/a'), own),
    several(made('/a/b')),
    several(made('/a/x'), own),
    several(made('/a/b', { data }), own),
    several(made('/a/b', { owner: 4 }), own),
    several(made('/a/b', { lifetime: -1 }), own),
    several(made('/a/b', { acl }), own),
    several(gone('/a/b'), own),
    several(own, made('/a/b')),
    several(made('/a/b'), made('/a/b/c')),
    { kind: 'check', path: '/a/b/c' } as const
  ]
  t.strictSame(fitsAs(asked, ...wrong), Array(wrong.length).fill(false))
  t.strictSame(fitsAs(createCall('/a/b/c'), several(made('/a/b'), own)), [false], 'nobody has asked for parents')
  const sequential = createCall('/a/n-', { parents: true, sequential: true })
  t.strictSame(
    fitsAs(sequential, several(made('/a'), made('/a/n-0000000000', { data })), several(made('/a'), made('/a/n-', { data }))),
    [true, false]
  )
})

t.test('a create is one with the lifetime and the ACL that were asked for, and a check only if that is enough', async t => {
  const data = new TextEncoder().encode('new')
  const acl = [aclFor('bob', 1)]
  const asked = createCall('/a', { lifetime: 50, acl })
  t.strictSame(
    fitsAs(asked, made('/a', { data, lifetime: 50, acl }), made('/a', { data, acl }), made('/a', { data, lifetime: 50 })),
    [true, false, false]
  )
  const check = { kind: 'check', path: '/a' } as const
  t.strictSame(fitsAs(createCall('/a', { ifAbsent: true }), check, made('/a', { data }), { kind: 'check', path: '/b' }), [
    true,
    true,
    false
  ])
  t.strictSame(fitsAs(createCall('/a'), check), [false])
})

t.test('a delete may become a multi of what was there, as it was asked', async t => {
  const recursive = deleteCall('/a', -1, { recursive: true })
  t.strictSame(fitsAs(recursive, several(gone('/a')), several(gone('/a/b/c'), gone('/a/b'), gone('/a'))), [true, true])
  t.strictSame(
    fitsAs(
      recursive,
      several(),
      gone('/a'),
      several(gone('/b'), gone('/a')),
      several(gone('/a'), gone('/a/b')),
      several(made('/a/b'), gone('/a'))
    ),
    [false, false, false, false, false]
  )
  const ifExists = deleteCall('/a', -1, { ifExists: true })
  t.strictSame(fitsAs(ifExists, several(), several(gone('/a'))), [true, true])
  t.strictSame(fitsAs(ifExists, gone('/a'), several(gone('/b')), several(gone('/a/b'), gone('/a'))), [false, false, false])
  t.strictSame(fitsAs(deleteCall('/a', -1, { ifExists: true, recursive: true }), several(), several(gone('/a/b'), gone('/a'))), [
    true,
    true
  ])
  t.strictSame(fitsAs(deleteCall('/a'), gone('/a'), several(gone('/a')), several()), [true, false, false])
})

t.test('a setACL and a touch are what they are', async t => {
  const acl = [aclFor('bob', 1)]
  const set = (path: string, of: typeof acl | null): TxnChange => ({ kind: 'setACL', path, acl: of, aversion: 1 })
  const asked: Call = { kind: 'setACL', path: '/a', acl, version: -1 }
  t.strictSame(fitsAs(asked, set('/a', acl), set('/b', acl), set('/a', null), set('/a', [aclFor('bob', 2)])), [
    true,
    false,
    false,
    false
  ])
  const touched = (path: string): TxnChange => ({ kind: 'touch', path })
  t.strictSame(fitsAs({ kind: 'touch', path: '/a' }, touched('/a'), touched('/b'), set('/a', null)), [true, false, false])
})

t.test('a refusal is one that the call can meet with', async t => {
  const refused = (code: ErrorCode, path?: string): TxnChange => ({
    kind: 'refused',
    code,
    ...(path === undefined ? {} : { path })
  })
  const cases: readonly (readonly [Call, TxnChange, boolean])[] = [
    [createCall('/a/b/c'), refused('QUOTA_EXCEEDED', '/a'), true],
    [createCall('/a/b/c'), refused('QUOTA_EXCEEDED', '/'), true],
    [createCall('/a/b/c'), refused('QUOTA_EXCEEDED', '/b'), false],
    [createCall('/a/b/c'), refused('NO_AUTH', '/a'), false],
    [createCall('/a/b/c', { parents: true }), refused('NO_AUTH', '/a'), true],
    [createCall('/a/b/c', { parents: true }), refused('NO_NODE', '/a/b/c'), false],
    [createCall('/a/b/c', { ifAbsent: true }), refused('NODE_EXISTS', '/a/b/c'), false],
    [createCall('/a/n-', { sequential: true }), refused('LIMIT_EXCEEDED', '/a/n-0000000007'), true],
    [deleteCall('/a'), refused('QUOTA_EXCEEDED', '/a'), false],
    [deleteCall('/a'), refused('LIMIT_EXCEEDED', '/a'), false],
    [deleteCall('/a', -1, { recursive: true }), refused('LIMIT_EXCEEDED', '/a'), true],
    [deleteCall('/a', -1, { recursive: true }), refused('NO_AUTH', '/a/b'), true],
    [deleteCall('/a', -1, { recursive: true }), refused('NOT_EMPTY', '/a'), false],
    [deleteCall('/a', -1, { ifExists: true }), refused('NO_NODE', '/a'), false],
    [deleteCall('/a'), refused('NO_AUTH', '/a/b'), false],
    [{ kind: 'setACL', path: '/a', acl: null, version: 3 }, refused('BAD_VERSION', '/a'), true],
    [{ kind: 'setACL', path: '/a', acl: null, version: -1 }, refused('BAD_VERSION', '/a'), false],
    [{ kind: 'touch', path: '/a' }, refused('NO_AUTH', '/a'), true],
    [{ kind: 'touch', path: '/a' }, refused('NOT_EMPTY', '/a'), false],
    [{ kind: 'multi', operations: [deleteCall('/a'), deleteCall('/b')] }, refused('BAD_ARGUMENTS'), true],
    [{ kind: 'multi', operations: [deleteCall('/a'), deleteCall('/b')] }, refused('NO_NODE', '/a'), false]
  ]
  for (const [what, change, expected] of cases) {
    const { pipeline, first } = scene()
    const call = pipeline.run(first, what)
    const last = pipeline.log.at(-1) as CommittedTxn
    const log = pipeline.log.with(-1, { ...last, txn: { ...last.txn, change } })
    const matching = matchRequests(log, withResult(pipeline.history, call, failed('CONNECTION_LOSS')), {
      everyCallRecorded: false
    })
    t.equal(matching.txnOf(call) !== null, expected, JSON.stringify([what, change]))
  }
})

/** A session that moves to the second member, with a write in each process, and one that came too late. */
function movedScene() {
  const { pipeline, first, second } = scene()
  const move = pipeline.ask(second.member, 'takeOverSession', first.session)
  const late = pipeline.issue(first, setCall('/a', 'late'))
  pipeline.catchUp()
  const taker = pipeline.clients.at(-1)
  if (taker === undefined) throw new Error('it was taken over')
  const after = pipeline.run(taker, setCall('/a', 'after'))
  return { pipeline, first, second, taker, move, late, after }
}

t.test('a session that is taken over goes on counting, and each process has its own calls in the log', async t => {
  const { pipeline, taker, move, late, after } = movedScene()
  const { log, history } = pipeline
  t.equal(verdictOf(log, history), 'holds')
  const matching = matchRequests(log, history)
  t.equal(matching.txnOf(late), null)
  t.equal(matching.txnOf(after)?.txn.cxid, 6)
  t.equal(matching.txnOf(move)?.txn.change.kind, 'moveSession')
  t.strictSame(
    matching.tenures.of(taker.session).map(({ member, until }) => [member, until]),
    [
      [1, matching.txnOf(move)?.zxid],
      [2, Number.POSITIVE_INFINITY]
    ]
  )
  // The write of the new process looks like one of the old one, and is not.
  const [same, other] = [setCall('/a', 'after'), deleteCall('/a')]
  const asked = (call: number, what: Call) =>
    history.map(event => (event.kind === 'call' && event.call === call ? { ...event, what } : event))
  t.equal(verdictOf(log, asked(late, same)), 'holds')
  t.match(verdictOf(log, asked(after, other)), new RegExp(`^exactly once: call ${after} .* is in its place`))
})

t.test('what a former process asks is not done behind the move', async t => {
  const { pipeline, late, after } = movedScene()
  const { log, history } = pipeline
  const last = log.at(-1) as CommittedTxn
  // The leader has taken what came late from the former process, and in its place not what the new one asked.
  const data = new TextEncoder().encode('late')
  const change: TxnChange = { kind: 'setData', path: '/a', data, version: 4 }
  const taken = log.with(-1, { ...last, txn: { ...last.txn, member: 1 as MemberId, change } })
  const unknown = withResult(withResult(history, late, failed('SESSION_MOVED')), after, failed('OPERATION_TIMEOUT'))
  t.match(verdictOf(taken, unknown), /^exactly once: request 6 .*nobody asked for it/)
})

t.test('numbers go on over a move, and neither process repeats one', async t => {
  const { pipeline } = movedScene()
  const { log, history } = pipeline
  const last = log.at(-1) as CommittedTxn
  const numbered = (cxid: number) => verdictOf(log.with(-1, { ...last, txn: { ...last.txn, cxid } }), history)
  t.match(numbered(1), /^exactly once: request 1 .* a second time/)
  t.match(numbered(5), /^exactly once: request 5 .* a second time/)
  t.match(numbered(7), /^exactly once: request 7 .* behind request 5/)
})

t.test('what comes from a former process when the session is over is refused, under whatever number', async t => {
  const { pipeline, taker } = movedScene()
  pipeline.run(taker, { kind: 'closeSession' })
  const { log, history } = pipeline
  const last = log.at(-1) as CommittedTxn
  const refused = { kind: 'refused', code: 'SESSION_EXPIRED' } as const
  const late = (txn: object) => [
    ...log,
    { zxid: zxidOf(log.length + 1), txn: { ...last.txn, member: 1 as MemberId, cxid: 6, change: refused, ...txn } }
  ]
  t.equal(verdictOf(late({}), history), 'holds')
  t.equal(verdictOf(late({ cxid: 2 }), history), 'holds')
  t.match(verdictOf(late({ change: { kind: 'delete', path: '/a' } }), history), /^exactly once: request 6 .* a second time/)
  t.match(verdictOf(late({ member: 2 }), history), /^exactly once: request 6 .* a second time/, 'from where it lived')
})

t.test('a session is taken over as often as somebody was told so, and by whoever has asked', async t => {
  const { pipeline, second, move } = movedScene()
  const { log, history } = pipeline
  const without = log.findIndex(({ txn }) => txn.change.kind === 'moveSession')
  const elsewhere = log.map((entry, index) =>
    index === without ? { ...entry, txn: { ...entry.txn, change: { kind: 'multi', changes: [] } as const } } : entry
  )
  t.match(verdictOf(elsewhere, history), new RegExp(`^exactly once: call ${move} .* and is not in the log`))
  t.match(
    verdictOf(log, withResult(history, move, failed('CLOSED', 'not-applied'))),
    /^exactly once: a moveSession of 0x\w+ at .*, of member 2: nobody asked for it/
  )
  const unrecorded = history.filter(event => !('call' in event) || event.call !== move)
  t.match(verdictOf(log, unrecorded), /^exactly once: a moveSession .* nobody asked for it/)
  // Two that were told so, and one txn.
  const [call, answer] = history.filter(event => 'call' in event && event.call === move) as [HistoryEvent, HistoryEvent]
  const twice = [...history, { ...call, call: 99 } as HistoryEvent, { ...answer, call: 99 } as HistoryEvent]
  t.match(verdictOf(log, twice), /^exactly once: call 99 .* and is not in the log/)
  const broken = withResult(history, move, failed('OPERATION_TIMEOUT'))
  t.match(
    verdictOf(log, broken),
    /^exactly once: call .* setData .* and is not in the log/,
    'the session came to somebody who never had it'
  )
  t.equal(second.member.id, 2)
})

t.test('of several who asked for a session the one has it who was told so', async t => {
  const { pipeline, first, second } = scene()
  const lost = pipeline.ask(second.member, 'takeOverSession', first.session)
  pipeline.catchUp()
  const taken = pipeline.ask(second.member, 'takeOverSession', first.session)
  pipeline.catchUp()
  const { log, history } = pipeline
  // The first gave up before it was told.
  const broken = withResult(history, lost, failed('OPERATION_TIMEOUT'))
  t.equal(verdictOf(log, broken), 'holds')
  const matching = matchRequests(log, broken)
  t.strictSame(
    [lost, taken].map(call => matching.txnOf(call)?.zxid),
    log.slice(-2).map(({ zxid }) => zxid)
  )
  t.match(verdictOf(log.slice(0, -1), broken), /^exactly once: call .* takeOverSession .* is not in the log/)
})

t.test('a session that somebody has ended is ended by the first txn of its end', async t => {
  const { pipeline, first, second } = scene()
  for (const path of ['/d', '/e']) pipeline.run(first, createCall(path, { ephemeral: true }))
  withLimits({ closePathsMax: 1 }, () => {
    const call = pipeline.ask(second.member, 'terminateSession', first.session)
    pipeline.endOn(first.session)
    pipeline.catchUp()
    const { log, history } = pipeline
    t.equal(verdictOf(log, history), 'holds')
    t.equal(matchRequests(log, history).txnOf(call)?.txn.change.kind, 'closingSession')
    const own = log.map(entry =>
      entry.txn.change.kind === 'closingSession'
        ? { ...entry, txn: { ...entry.txn, session: first.session, cxid: 0, member: 1 as MemberId } }
        : entry
    )
    t.match(verdictOf(own, history), new RegExp(`^exactly once: call ${call} .* and is not in the log`))
  })
})
