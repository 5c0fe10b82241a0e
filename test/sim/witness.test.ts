import t from 'tap'
import type { SessionId, Zxid } from '../../lib/base/index.js'
import type { Call, History, HistoryEvent, Result, SingleReadAnswer } from '../../lib/sim/history.js'
import { Pipeline, type PipelineClient, zxidOf } from '../fixtures/pipeline-history.js'
import { aclFor, authOf } from '../fixtures/tree.js'
import { withLimits } from '../fixtures/tree-steps.js'
import {
  createCall,
  deleteCall,
  failed,
  listCall,
  readCall,
  setCall,
  verdictOf,
  withResult
} from '../fixtures/witness-verdict.js'

/** Clients at three members, and `/a` with 'new' in it. */
function scene() {
  const pipeline = new Pipeline(3)
  const [first, second, third] = pipeline.clients
  if (first === undefined || second === undefined || third === undefined) throw new Error('there are three')
  pipeline.run(first, createCall('/a'))
  return { pipeline, first, second, third }
}

/** The result of one call in place of another's. */
function resultOf(history: History, call: number): () => Result {
  const event = history.find(each => each.kind === 'return' && each.call === call)
  if (event?.kind !== 'return') throw new Error(`call ${call} has returned`)
  return () => event.result
}

function eventOf<Kind extends 'call' | 'return'>(history: History, kind: Kind, call: number): HistoryEvent {
  const event = history.find(each => each.kind === kind && each.call === call)
  if (event === undefined) throw new Error(`call ${call} has no ${kind}`)
  return event
}

function told(client: PipelineClient, zxid: Zxid): HistoryEvent {
  const { member, session } = client
  const event = { type: 'dataChanged', path: '/a', zxid, paths: null }
  return { at: 0, member: member.id, process: 1, session, kind: 'told', watch: 1, event }
}

t.test('a read may be a moment old, a linearizable read and a sync may not', async t => {
  const { pipeline, first, second, third } = scene()
  const { log, history } = pipeline
  const old = pipeline.run(second, readCall('/a'))
  const oldSync = pipeline.run(third, { kind: 'sync' })
  const write = pipeline.run(first, setCall('/a', 'newer'))
  const plain = pipeline.run(second, readCall('/a'))
  const linearizable = pipeline.run(second, readCall('/a', true))
  const sync = pipeline.run(third, { kind: 'sync' })
  t.equal(verdictOf(log, history), 'holds')
  const shownLess = (events: HistoryEvent[], call: number) =>
    events.map(each => (each.kind === 'return' && each.call === call ? { ...each, zxidApplied: zxidOf(log.length - 1) } : each))
  // The member of the second client lags behind, and so it may.
  const stale = shownLess(withResult(history, plain, resultOf(history, old)), plain)
  t.equal(verdictOf(log, stale), 'holds')
  const staleLinearizable = withResult(stale, linearizable, resultOf(history, old))
  t.match(
    verdictOf(log, staleLinearizable),
    new RegExp(`^linearizable: call ${linearizable} .*, which was so at .*, but call ${write} .* had returned with .* before`)
  )
  const staleSync = withResult(history, sync, resultOf(history, oldSync))
  t.match(verdictOf(log, staleSync), new RegExp(`^linearizable: call ${sync} .*`))
})

t.test('what a linearizable read or a sync has returned, every later one must see', async t => {
  const { pipeline, first, second, third } = scene()
  const { log, history } = pipeline
  const old = pipeline.run(third, readCall('/a', true))
  const write = pipeline.run(first, setCall('/a', 'newer'))
  const seen = pipeline.run(second, readCall('/a', true))
  const later = pipeline.run(third, readCall('/a', true))
  // Nobody has answered the write.
  const unanswered = withResult(history, write, failed('OPERATION_TIMEOUT'))
  t.equal(verdictOf(log, unanswered), 'holds')
  const stale = withResult(unanswered, later, resultOf(history, old))
  t.match(verdictOf(log, stale), new RegExp(`^linearizable: call ${later} .* but call ${seen} .* had returned`))
  const neither = withResult(stale, seen, resultOf(history, old))
  t.equal(verdictOf(log, neither), 'holds', 'nobody had seen it')
})

t.test('a session does not go back in time', async t => {
  const { pipeline, first, second } = scene()
  const { log, history } = pipeline
  const old = pipeline.run(second, readCall('/a'))
  pipeline.run(first, setCall('/a', 'newer'))
  pipeline.run(second, readCall('/a'))
  const later = pipeline.run(second, readCall('/a'))
  t.match(
    verdictOf(log, withResult(history, later, resultOf(history, old))),
    new RegExp(`^session order: call ${later} .* which was so at .*, but its session had seen`)
  )
})

t.test('a session reads its own writes, those before the read and no others', async t => {
  const { pipeline, first } = scene()
  const { log, history } = pipeline
  const before = pipeline.run(first, readCall('/a'))
  pipeline.issue(first, setCall('/a', 'own'))
  const behind = pipeline.issue(first, readCall('/a'))
  const between = pipeline.issue(first, setCall('/a', 'next'))
  const after = pipeline.issue(first, readCall('/a'))
  pipeline.catchUp()
  t.equal(verdictOf(log, history), 'holds')
  const blind = withResult(history, behind, resultOf(history, before))
  t.match(verdictOf(log, blind), new RegExp(`^session order: call ${behind} .* but its session had seen`))
  // All four come back at once, with everything applied: only the order of issue tells what the read may know.
  const [returnBehind, returnBetween] = [eventOf(history, 'return', behind), eventOf(history, 'return', between)]
  const rest = history.filter(each => each !== returnBehind)
  const late = rest.toSpliced(rest.indexOf(returnBetween) + 1, 0, {
    ...returnBehind,
    zxidApplied: zxidOf(log.length)
  } as HistoryEvent)
  t.equal(verdictOf(log, late), 'holds', 'its promise is continued later')
  const early = withResult(late, behind, resultOf(history, after))
  t.match(
    verdictOf(log, early),
    new RegExp(`^session order: call ${behind} .* its session's next write, or its move, took effect`)
  )
})

t.test('a read sees no more than its member has applied', async t => {
  const { pipeline, first, second } = scene()
  const { log, history } = pipeline
  const early = pipeline.run(second, readCall('/a'))
  pipeline.run(first, setCall('/a', 'newer'))
  const late = pipeline.run(second, readCall('/a'))
  t.match(
    verdictOf(log, withResult(history, early, resultOf(history, late))),
    new RegExp(`^session order: call ${early} .* which was not so before .*, but its member showed`)
  )
})

t.test('what a session was told of before a read, the read must see', async t => {
  const { pipeline, first, second } = scene()
  const { log, history } = pipeline
  const old = pipeline.run(second, readCall('/a'))
  pipeline.run(first, setCall('/a', 'newer'))
  const zxid = zxidOf(log.length)
  const read = pipeline.run(second, readCall('/a'))
  const call = history.indexOf(eventOf(history, 'call', read))
  const stale = withResult(history, read, resultOf(history, old))
  const shown = (events: readonly HistoryEvent[]) => verdictOf(log, events)
  t.match(shown(stale.toSpliced(call, 0, told(second, zxid))), new RegExp(`^session order: call ${read} .* had seen`))
  t.equal(shown(stale.toSpliced(call + 1, 0, told(second, zxid))), 'holds', 'told between call and return')
  const elsewhere = { ...told(second, zxid), session: 99 as SessionId }
  t.match(shown(stale.toSpliced(call, 0, elsewhere)), /^session order/, 'another session of the process')
})

t.test('a member does not show an older state than it has shown, nor one that is in no log', async t => {
  const { pipeline, first } = scene()
  pipeline.run(first, setCall('/a', 'newer'))
  const read = pipeline.run(first, readCall('/a'))
  const { log, history } = pipeline
  const shows = (zxidApplied: Zxid) =>
    history.map(each => (each.kind === 'return' && each.call === read ? { ...each, zxidApplied } : each))
  t.match(verdictOf(log, shows(zxidOf(log.length - 1))), /^session order: call/, 'what the read has seen was not shown')
  const unread = withResult(shows(zxidOf(log.length - 1)), read, failed('OPERATION_TIMEOUT'))
  t.match(verdictOf(log, unread), /^session order: member 1 \(process 1\) showed 0x\w+ behind 0x/)
  t.match(verdictOf(log, shows(zxidOf(log.length + 1))), /^witness: .* and the log ends at/)
})

t.test('what never was so is told by the model', async t => {
  const { pipeline, first, second } = scene()
  const { log, history } = pipeline
  pipeline.run(first, createCall('/a/x'))
  pipeline.run(first, createCall('/e', { ephemeral: true }))
  const data = pipeline.run(second, readCall('/a'))
  const list = pipeline.run(second, listCall('/a'))
  const none = pipeline.run(second, { kind: 'exists', path: '/a/x', linearizable: false, watch: null })
  const absent = pipeline.run(second, readCall('/b'))
  const own = pipeline.run(first, { kind: 'getEphemerals', prefix: '' })
  t.equal(verdictOf(log, history), 'holds')
  const wrong = (call: number, change: (result: Result) => Result, expected: RegExp) =>
    t.match(verdictOf(log, withResult(history, call, change)), expected)
  const answered = (change: object) => (result: Result) =>
    result.kind === 'answered' ? ({ kind: 'answered', answer: { ...result.answer, ...change } } as Result) : result
  wrong(data, answered({ data: 'other' }), /^witness: .* never was so: at .* its data are "new"/)
  wrong(list, answered({ children: ['y'] }), /^witness: .* never was so: at .* its children are \[x\]/)
  wrong(list, answered({ children: ['x', 'x'] }), /^witness: .* never was so/)
  wrong(list, answered({ children: [] }), /^witness: .* never was so/)
  wrong(none, answered({ stat: null }), /^session order: .*/)
  wrong(own, answered({ paths: ['/a'] }), /^witness: .* never was so: at .* they are \[\/e\]/)
  wrong(absent, result => ({ ...result, code: 'NOT_EMPTY' }) as Result, /^witness: .* never was so: at .* has no \/b/)
  const refused: Result = { kind: 'refused', code: 'NO_NODE', path: '/a', zxid: zxidOf(log.length), results: null }
  wrong(data, () => refused, /^witness: .* never was so: at .* the model has \/a/)
})

t.test('getEphemerals is the list at some zxid between what its session has seen and what its member shows', async t => {
  const { pipeline, first } = scene()
  const { log, history } = pipeline
  const before = pipeline.run(first, { kind: 'getEphemerals', prefix: '' })
  pipeline.run(first, createCall('/e', { ephemeral: true }))
  const after = pipeline.run(first, { kind: 'getEphemerals', prefix: '' })
  t.match(verdictOf(log, withResult(history, after, resultOf(history, before))), /^session order: .* had seen/)
  t.match(verdictOf(log, withResult(history, before, resultOf(history, after))), /^session order: .* was not so before/)
})

t.test('a write stands behind everything that was shown before it was issued', async t => {
  const { pipeline, first, second } = scene()
  const { log, history } = pipeline
  const early = pipeline.issue(second, createCall('/early'))
  const late = pipeline.issue(first, createCall('/late'))
  pipeline.catchUp()
  t.equal(verdictOf(log, history), 'holds')
  const call = eventOf(history, 'call', early)
  const rest = history.filter(each => each !== call)
  const reordered = rest.toSpliced(rest.indexOf(eventOf(history, 'return', late)) + 1, 0, call)
  const answer = eventOf(history, 'return', early)
  t.match(
    verdictOf(log, [...reordered.filter(each => each !== answer), answer]),
    new RegExp(`^linearizable: call ${early} .* took effect at .*, but when it was issued, call ${late} .* had returned`)
  )
  // Nobody had an answer yet, but a third had been shown what came of it.
  const shown: HistoryEvent = { ...told(second, zxidOf(log.length)), member: 3 as never, session: 99 as SessionId }
  const withShown = history.toSpliced(history.indexOf(call), 0, shown)
  t.match(verdictOf(log, withShown), /^linearizable: .* had been shown when it was issued/)
})

t.test('the answers of a session come in the order of its calls', async t => {
  const { pipeline, first } = scene()
  const { log, history } = pipeline
  const one = pipeline.issue(first, createCall('/one'))
  const two = pipeline.issue(first, createCall('/two'))
  pipeline.catchUp()
  const answer = eventOf(history, 'return', one)
  const shown = { ...answer, zxidApplied: zxidOf(log.length) } as HistoryEvent
  t.match(
    verdictOf(log, [...history.filter(each => each !== answer), shown]),
    new RegExp(`^session order: call ${one} .* returned behind call ${two}`)
  )
})

t.test('a write is answered when its member has applied it, not before', async t => {
  const { pipeline, first } = scene()
  const { log, history } = pipeline
  const write = pipeline.run(first, setCall('/a', 'newer'))
  const zxidApplied = zxidOf(log.length - 1)
  const early = history.map(each => (each.kind === 'return' && each.call === write ? { ...each, zxidApplied } : each))
  t.match(verdictOf(log, early), new RegExp(`^witness: call ${write} .* while its member showed`))
})

t.test('every field of an answer is compared, and everything that a refusal says', async t => {
  const { pipeline, first } = scene()
  const { log, history } = pipeline
  const created = pipeline.run(first, createCall('/a/n-', { sequential: true }))
  const operations = [deleteCall('/a/n-0000000000'), setCall('/a', 'x', 7)]
  const refused = pipeline.run(first, { kind: 'multi', operations })
  t.equal(verdictOf(log, history), 'holds')
  const result = resultOf(history, created)()
  if (result.kind !== 'answered' || result.answer.kind !== 'create') throw new Error('it was created')
  const { answer } = result
  for (const field of Object.keys(answer.stat)) {
    const stat = { ...answer.stat, [field]: 12 }
    const changed = withResult(history, created, () => ({ kind: 'answered', answer: { ...answer, stat } }))
    const expected = field.endsWith('zxid') || field === 'ephemeralOwner' ? '0xc' : '12'
    t.match(verdictOf(log, changed), new RegExp(`^witness: .* told ${field} ${expected}, the model has`))
  }
  for (const [change, expected] of [
    [{ code: 'NO_NODE' }, 'the model refuses it with BAD_VERSION'],
    [{ path: '/b' }, "the model's refusal names /a"],
    [{ zxid: zxidOf(2) }, 'it was refused at'],
    [{ results: ['OK', 'OK'] }, 'the model judges its operations \\[OK, BAD_VERSION\\]'],
    [{ results: null }, 'the model judges its operations']
  ] as const) {
    const changed = withResult(history, refused, was => ({ ...was, ...change }) as Result)
    t.match(verdictOf(log, changed), new RegExp(`^witness: .*${expected}`))
  }
})

t.test('a name may be given again when its znode has gone by itself, or with its session', async t => {
  const { pipeline, first, second, third } = scene()
  const { log, history } = pipeline
  for (const [path, flags] of [
    ['/c', { lifetime: 5 }],
    ['/e', { ephemeral: true }],
    ['/f', { ephemeral: true }]
  ] as const) {
    pipeline.run(second, createCall(path, flags))
  }
  pipeline.pass(100)
  pipeline.reap()
  withLimits({ closePathsMax: 1 }, () => {
    pipeline.expire(second.session)
    pipeline.endOn(second.session)
  })
  const again = ['/c', '/e', '/f'].map(path => pipeline.run(first, createCall(path)))
  const found = pipeline.run(third, createCall('/c', { ifAbsent: true }))
  t.equal(verdictOf(log, history), 'holds')
  t.match(resultOf(history, found)(), { answer: { created: false } })
  t.match(
    verdictOf(log, withResult(history, found, resultOf(history, again[0] ?? 0))),
    /^sequential names: \/c was created twice/
  )
})

t.test('how a write is broken off is consistent with the table of errors', async t => {
  const { pipeline, first } = scene()
  const { log, history } = pipeline
  const write = pipeline.run(first, setCall('/a', 'newer'))
  for (const [code, outcome] of [
    ['THROTTLED', 'unknown'],
    ['BAD_ARGUMENTS', 'unknown'],
    ['INVALID_ACL', 'unknown'],
    ['LIMIT_EXCEEDED', 'unknown'],
    ['NO_AUTH', 'unknown'],
    ['QUOTA_EXCEEDED', 'unknown'],
    ['NO_NODE', 'unknown'],
    ['TypeError', 'unknown']
  ] as const) {
    t.match(verdictOf(log, withResult(history, write, failed(code, outcome))), new RegExp(`^witness: .*${code}`))
  }
  for (const code of ['CONNECTION_LOSS', 'SYSTEM_ERROR', 'ABORTED']) {
    const never = [...history, ...[{ ...eventOf(history, 'call', write), call: 50 } as HistoryEvent]]
    const result: Result = { kind: 'failed', code, outcome: 'not-applied' }
    const returned = { ...eventOf(history, 'return', write), call: 50, result } as HistoryEvent
    t.match(verdictOf(log, [...never, returned]), new RegExp(`^witness: .*broken off with ${code} is unknown, not not-applied`))
  }
})

t.test('a session that was opened is in the log, once, as it was said', async t => {
  const { pipeline } = scene()
  const { log, history } = pipeline
  const opened = (change: object) =>
    withResult(history, 2, was => (was.kind === 'answered' ? ({ ...was, answer: { ...was.answer, ...change } } as Result) : was))
  t.match(verdictOf(log, opened({ timeout: 1 })), /^witness: .* openSession .* the log has member 2 and 4000 ms/)
  t.match(verdictOf(log, opened({ session: zxidOf(1) })), /^exactly once: .* no session is created at/)
  const other = resultOf(history, 1)()
  if (other.kind !== 'answered' || other.answer.kind !== 'openSession') throw new Error('it was opened')
  const { session } = other.answer
  t.match(verdictOf(log, opened({ session })), /^(exactly once|witness): .* openSession/)
})

t.test('sequential names that were told are unique, and their numbers grow', async t => {
  const { pipeline, first, second } = scene()
  const { log, history } = pipeline
  const one = pipeline.run(first, createCall('/a/n-', { sequential: true }))
  const two = pipeline.run(second, createCall('/a/n-', { sequential: true }))
  t.equal(verdictOf(log, history), 'holds')
  const named = (events: HistoryEvent[], call: number, path: string) =>
    withResult(events, call, was => (was.kind === 'answered' ? ({ ...was, answer: { ...was.answer, path } } as Result) : was))
  const repeated = named([...history], two, '/a/n-0000000000')
  t.match(
    verdictOf(log, repeated),
    new RegExp(`^sequential names: /a/n-0000000000 was created twice .* call ${one} .* call ${two}`)
  )
  const swapped = named(named([...history], two, '/a/n-0000000000'), one, '/a/n-0000000001')
  t.match(verdictOf(log, swapped), /^sequential names: a number that does not grow: \/a\/n-0000000001 .* then \/a\/n-0000000000/)
  // Deleted and created anew, the parent counts from 0 again.
  for (const path of ['/a/n-0000000000', '/a/n-0000000001', '/a']) pipeline.run(first, deleteCall(path))
  pipeline.run(first, createCall('/a'))
  pipeline.run(first, createCall('/a/n-', { sequential: true }))
  t.equal(verdictOf(log, history), 'holds')
})

t.test('what a read was refused for is so by the ACL and by who its session was', async t => {
  const { pipeline, first, second } = scene()
  const { log, history } = pipeline
  first.auth = authOf('alice')
  pipeline.run(first, createCall('/s', { acl: [aclFor('alice', 31), aclFor('world', 2)] }))
  const mine = pipeline.run(first, readCall('/s'))
  const calls: Call[] = [
    readCall('/s'),
    listCall('/s'),
    { kind: 'exists', path: '/s', linearizable: false, watch: null },
    { kind: 'getACL', path: '/s', linearizable: false, watch: null },
    { kind: 'getAllChildrenNumber', path: '/s', linearizable: false, watch: null }
  ]
  const refused = calls.map(what => pipeline.run(second, what))
  t.equal(verdictOf(log, history), 'holds')
  for (const call of refused) {
    t.match(resultOf(history, call)(), { kind: 'refused', code: 'NO_AUTH', path: '/s' })
    const missing = withResult(history, call, was => ({ ...was, code: 'NO_NODE' }) as Result)
    t.match(verdictOf(log, missing), /^witness: .* never was so: at .* the model says NO_AUTH/)
    const elsewhere = withResult(history, call, was => ({ ...was, path: '/a' }) as Result)
    t.match(verdictOf(log, elsewhere), /^witness: .* it names \/a/)
  }
  const [data = 0] = refused
  t.match(verdictOf(log, withResult(history, data, resultOf(history, mine))), /^witness: .* the model says NO_AUTH/)
  const denied = withResult(history, mine, resultOf(history, data))
  t.match(verdictOf(log, denied), /^witness: .* never was so: at .* the model has \/s/)
  const absent: Result = { kind: 'answered', answer: { kind: 'exists', stat: null } }
  t.match(
    verdictOf(
      log,
      withResult(history, refused[2] ?? 0, () => absent)
    ),
    /^(witness|session order): /
  )
})

t.test('an ACL is shown whole to those who may set it, and without hashes to others', async t => {
  const { pipeline, first, second } = scene()
  const { log, history } = pipeline
  first.auth = authOf('alice')
  const acl = [aclFor('alice', 31), aclFor('world', 1)]
  pipeline.run(first, { kind: 'setACL', path: '/a', acl, version: 0 })
  const getAcl: Call = { kind: 'getACL', path: '/a', linearizable: false, watch: null }
  const whole = pipeline.run(first, getAcl)
  const masked = pipeline.run(second, getAcl)
  t.equal(verdictOf(log, history), 'holds')
  t.match(resultOf(history, whole)(), { answer: { acl } })
  t.match(resultOf(history, masked)(), { answer: { acl: [{ perms: 31, scheme: 'digest', id: 'alice:x' }, acl[1]] } })
  t.match(verdictOf(log, withResult(history, masked, resultOf(history, whole))), /^witness: .* its ACL is .*alice:x/)
  t.match(verdictOf(log, withResult(history, whole, resultOf(history, masked))), /^witness: .* its ACL is .*alice:hash/)
})

t.test('what a touch or a setACL has changed is seen, and when', async t => {
  const { pipeline, first, second } = scene()
  const { log, history } = pipeline
  const before = pipeline.run(second, readCall('/a'))
  pipeline.pass(100)
  const touched = pipeline.run(first, { kind: 'touch', path: '/a' })
  const between = pipeline.run(second, readCall('/a'))
  pipeline.run(first, { kind: 'setACL', path: '/a', acl: null, version: -1 })
  pipeline.run(second, readCall('/a'))
  const after = pipeline.run(second, readCall('/a'))
  t.equal(verdictOf(log, history), 'holds')
  t.match(verdictOf(log, withResult(history, after, resultOf(history, between))), /^session order: .* had seen/)
  t.match(verdictOf(log, withResult(history, after, resultOf(history, before))), /^session order: .* had seen/)
  t.match(verdictOf(log, withResult(history, between, resultOf(history, after))), /^session order: .* was not so before/)
  const wrong = withResult(history, touched, was => {
    if (was.kind !== 'answered' || !('stat' in was.answer) || was.answer.stat === null) return was
    return { kind: 'answered', answer: { kind: 'touch', stat: { ...was.answer.stat, mzxid: 5 as Zxid } } }
  })
  t.match(verdictOf(log, wrong), /^witness: .* told mzxid 0x5/)
})

t.test('pages of children, and how many there are below', async t => {
  const { pipeline, first, second } = scene()
  const { log, history } = pipeline
  for (const name of ['x', 'y', 'z', 'x/deep']) pipeline.run(first, createCall(`/a/${name}`))
  const page = pipeline.run(second, listCall('/a', 'x', 1))
  const rest = pipeline.run(second, listCall('/a', 'xx'))
  const count = pipeline.run(second, { kind: 'getAllChildrenNumber', path: '/a', linearizable: false, watch: null })
  t.equal(verdictOf(log, history), 'holds')
  const names = (call: number, ...children: string[]) =>
    verdictOf(
      log,
      withResult(history, call, was => ({ ...was, answer: { ...(was as { answer: object }).answer, children } }) as never)
    )
  t.match(resultOf(history, page)(), { answer: { children: ['y'] } })
  t.match(names(page, 'x'), /^witness: .* its children are \[y\]/)
  t.match(names(page, 'z'), /^witness: .* its children are \[y\]/, 'one is left out')
  t.match(names(page, 'y', 'z'), /^witness: .* its children are \[y\]/, 'more than were asked for')
  t.match(names(rest, 'y'), /^witness: .* its children are \[y, z\]/)
  const counted = (told: number) =>
    verdictOf(
      log,
      withResult(history, count, () => ({ kind: 'answered', answer: { kind: 'getAllChildrenNumber', count: told } }))
    )
  t.equal(counted(4), 'holds')
  t.match(counted(5), /^witness: .* there are 4 below it/)
  t.match(counted(3), /^session order: .* had seen .* there are 4 below it/, 'so it was before the last')
})

t.test('several reads see one and the same state', async t => {
  const { pipeline, first, second } = scene()
  const { log, history } = pipeline
  pipeline.run(first, createCall('/b'))
  const reads = ['/a', '/b', '/c'].map(path => ({ kind: 'getData', path }) as const)
  const multiRead: Call = { kind: 'multiRead', reads, linearizable: false }
  const before = pipeline.run(second, multiRead)
  pipeline.run(first, setCall('/a', 'newer'))
  pipeline.run(first, setCall('/b', 'newer'))
  pipeline.run(second, multiRead)
  const after = pipeline.run(second, multiRead)
  t.equal(verdictOf(log, history), 'holds')
  const results = (call: number): readonly SingleReadAnswer[] => {
    const result = resultOf(history, call)()
    if (result.kind !== 'answered' || result.answer.kind !== 'multiRead') throw new Error('it was answered')
    return result.answer.results
  }
  t.match(results(after)[2], { kind: 'error', code: 'NO_NODE' })
  const told = (...each: (SingleReadAnswer | undefined)[]) =>
    verdictOf(
      log,
      withResult(history, after, () => ({ kind: 'answered', answer: { kind: 'multiRead', results: each as SingleReadAnswer[] } }))
    )
  const [newA, newB, none] = results(after)
  const [oldA, oldB] = results(before)
  t.match(told(newA, oldB, none), /^session order: .* had seen/, 'one moment, and too early')
  t.match(told(oldA, newB, none), /^witness: .* never was so: read 0: /, 'at no moment')
  t.match(told(newA, newB), /^witness: .* there are 3 reads/)
  t.match(told(newA, newB, { kind: 'error', code: 'NO_AUTH' }), /^witness: .* read 2: at .* has no \/c/)
  t.match(told(newA, { kind: 'error', code: 'NO_NODE' }, none), /^(witness|session order): .*/)
})

t.test('only those ephemerals are told whose paths begin as was asked', async t => {
  const { pipeline, first } = scene()
  const { log, history } = pipeline
  for (const path of ['/a/e', '/a-e', '/e']) pipeline.run(first, createCall(path, { ephemeral: true }))
  const own = pipeline.run(first, { kind: 'getEphemerals', prefix: '/a' })
  t.equal(verdictOf(log, history), 'holds')
  const told = (...paths: string[]) =>
    verdictOf(
      log,
      withResult(history, own, () => ({ kind: 'answered', answer: { kind: 'getEphemerals', paths } }))
    )
  t.equal(told('/a-e', '/a/e'), 'holds')
  t.match(told('/a-e', '/a/e', '/e'), /^witness: .* they are \[\/a-e, \/a\/e\]/)
  t.match(told('/a/e', '/a-e'), /^witness: .* they are/, 'in order')
})

t.test('usage that is shown is that of one moment', async t => {
  const { pipeline, first, second } = scene()
  const { log, history } = pipeline
  const path = '/zookeeper/quota/a/zookeeper_stats'
  pipeline.run(first, createCall(path, { parents: true }))
  const before = pipeline.run(second, readCall(path))
  pipeline.run(first, createCall('/a/b'))
  pipeline.run(second, readCall(path))
  const after = pipeline.run(second, readCall(path))
  t.equal(verdictOf(log, history), 'holds')
  t.match(resultOf(history, after)(), { answer: { data: 'count=2,bytes=6' } })
  t.match(verdictOf(log, withResult(history, after, resultOf(history, before))), /^session order: .* had seen/)
  t.match(verdictOf(log, withResult(history, before, resultOf(history, after))), /^session order: .* was not so before/)
})

t.test('what was there already, made on the way, or gone with a subtree is told as it is', async t => {
  const { pipeline, first } = scene()
  const { log, history } = pipeline
  const found = pipeline.run(first, createCall('/a', { ifAbsent: true }))
  const made = pipeline.run(first, createCall('/p/q/r', { parents: true }))
  const onTheWay = pipeline.run(first, createCall('/p/q', { ifAbsent: true }))
  const gone = pipeline.run(first, deleteCall('/p', -1, { recursive: true }))
  const nothing = pipeline.run(first, deleteCall('/p', -1, { ifExists: true }))
  t.equal(verdictOf(log, history), 'holds')
  t.match(resultOf(history, found)(), { answer: { kind: 'create', path: '/a', created: false } })
  t.match(resultOf(history, made)(), { answer: { kind: 'create', path: '/p/q/r', created: true } })
  t.strictSame(
    [gone, nothing].map(call => resultOf(history, call)()),
    Array(2).fill({ kind: 'answered', answer: { kind: 'delete' } })
  )
  const told = (call: number, change: object) =>
    verdictOf(
      log,
      withResult(history, call, was => ({ ...was, answer: { ...(was as { answer: object }).answer, ...change } }) as Result)
    )
  t.match(told(found, { created: true }), /^sequential names: \/a was created twice/)
  t.match(told(onTheWay, { created: true }), /^witness: .* the model finds it there already/)
  t.match(told(found, { path: '/p' }), /^witness: .* the model finds \/a/)
  t.match(told(made, { created: false }), /^witness: .* the model creates it/)
  t.match(told(made, { path: '/p/q' }), /^witness: .* the model names it \/p\/q\/r/)
  const old = resultOf(history, found)()
  if (old.kind !== 'answered' || old.answer.kind !== 'create') throw new Error('it was found')
  t.match(told(found, { stat: { ...old.answer.stat, version: 1 } }), /^witness: .* told version 1/)
})

t.test('a session that is taken over goes on where it was', async t => {
  const { pipeline, first, second } = scene()
  const { log, history } = pipeline
  const { session } = first
  const old = pipeline.run(second, readCall('/a'))
  pipeline.run(first, setCall('/a', 'own'))
  const call = pipeline.ask(second.member, 'takeOverSession', session)
  // Its former process has not heard of it yet, and has something under way.
  const lost = pipeline.issue(first, setCall('/a', 'lost'))
  const seen = pipeline.issue(first, readCall('/a'))
  pipeline.catchUp()
  const taker = pipeline.clients.at(-1)
  if (taker === undefined) throw new Error('it was taken over')
  const read = pipeline.run(taker, readCall('/a'))
  const write = pipeline.run(taker, setCall('/a', 'taken'))
  t.equal(verdictOf(log, history), 'holds')
  t.strictSame(
    [lost, seen].map(each => resultOf(history, each)()),
    Array(2).fill(failed('SESSION_MOVED', 'not-applied')(old as never))
  )
  t.equal(verdictOf(log, withResult(history, lost, failed('SESSION_MOVED'))), 'holds', 'it caught up by a snapshot')
  t.match(
    verdictOf(log, withResult(history, lost, failed('SESSION_MOVED', 'maybe' as never))),
    /^witness: .* SESSION_MOVED is not-applied or unknown/
  )
  t.match(verdictOf(log, withResult(history, read, resultOf(history, old))), /^session order: .* had seen/)
  const behind = resultOf(history, read)()
  t.equal(
    verdictOf(
      log,
      withResult(history, seen, () => behind)
    ),
    'holds',
    'it may have been read just before'
  )
  const later = pipeline.run(taker, readCall('/a'))
  t.match(
    verdictOf(log, withResult(history, seen, resultOf(history, later))),
    /^session order: .* its session's next write, or its move, took effect/,
    'but nothing of what has happened since'
  )
  const timeout = withResult(
    history,
    call,
    was => ({ ...was, answer: { kind: 'takeOverSession', session, timeout: 1 } }) as Result
  )
  t.match(verdictOf(log, timeout), /^exactly once: call .* takeOverSession .* and is not in the log/)
  t.match(verdictOf(log, withResult(history, write, resultOf(history, lost))), /^exactly once: /)
})

t.test('what a session is told of in its former process it is told of before it moves', async t => {
  const { pipeline, first, second } = scene()
  const { log, history } = pipeline
  pipeline.ask(second.member, 'takeOverSession', first.session)
  const moved = zxidOf(log.length)
  pipeline.catchUp()
  pipeline.run(second, setCall('/a', 'newer'))
  t.equal(verdictOf(log, [...history, told(first, zxidOf(log.length - 2))]), 'holds')
  t.match(
    verdictOf(log, [...history, told(first, zxidOf(log.length))]),
    new RegExp(`^session order: .* moved on at 0x${moved.toString(16)}`)
  )
  const taker = pipeline.clients.at(-1)
  if (taker === undefined) throw new Error('it was taken over')
  t.equal(verdictOf(log, [...history, told(taker, zxidOf(log.length))]), 'holds', 'and where it is, of what comes later')
})

t.test('only a session that is over, or ends, cannot be taken over or ended', async t => {
  const { pipeline, first, second, third } = scene()
  const { log, history } = pipeline
  const ended = pipeline.ask(second.member, 'terminateSession', first.session)
  pipeline.catchUp()
  const twice = pipeline.ask(third.member, 'terminateSession', first.session)
  const late = pipeline.ask(second.member, 'takeOverSession', first.session)
  pipeline.catchUp()
  t.equal(verdictOf(log, history), 'holds')
  t.strictSame(
    [twice, late].map(call => (resultOf(history, call)() as { code?: string }).code),
    ['SESSION_EXPIRED', 'SESSION_EXPIRED']
  )
  const refused = resultOf(history, late)()
  t.match(
    verdictOf(
      log,
      withResult(history, twice, () => refused)
    ),
    /^exactly once: .* and is not in the log/,
    'of another member'
  )
  const other = withResult(history, twice, was => ({ ...was, code: 'NO_AUTH' }) as Result)
  t.match(verdictOf(log, other), /^witness: .* the log refuses it with SESSION_EXPIRED/)
  const events = history.map(event => {
    if (event.kind !== 'call' || event.call !== twice || event.what.kind !== 'terminateSession') return event
    return { ...event, what: { ...event.what, target: second.session } }
  })
  t.match(verdictOf(log, events), /^witness: .* and session 0x\w+ was alive/)
  const both = history.map(event => (event.kind === 'return' && event.call === late ? { ...event, call: 99 } : event))
  const call = eventOf(history, 'call', late) as HistoryEvent & { kind: 'call' }
  t.match(
    verdictOf(
      log,
      [...both, { ...call, call: 99 }, { ...eventOf(history, 'return', late), call: late }].sort((a, b) => order(a) - order(b))
    ),
    /^exactly once: .* as did call/
  )
  t.match(
    verdictOf(log, withResult(history, ended, failed('CLOSED', 'not-applied'))),
    /^exactly once: a closeSession of 0x\w+ at .*: nobody asked for it/
  )
})

/** Calls before returns. */
function order(event: HistoryEvent): number {
  return event.kind === 'call' ? 0 : 1
}
