import t from 'tap'
import type { SessionId, Zxid } from '../../lib/base/index.js'
import type { History, HistoryEvent, Result } from '../../lib/sim/history.js'
import { Pipeline, type PipelineClient, zxidOf } from '../fixtures/pipeline-history.js'
import { createCall, deleteCall, failed, readCall, setCall, verdictOf, withResult } from '../fixtures/witness-verdict.js'

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
  t.match(verdictOf(log, early), new RegExp(`^session order: call ${behind} .* its session's next write took effect`))
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
  const list = pipeline.run(second, { kind: 'getChildren', path: '/a', linearizable: false, watch: null })
  const none = pipeline.run(second, { kind: 'exists', path: '/a/x', linearizable: false, watch: null })
  const absent = pipeline.run(second, readCall('/b'))
  const own = pipeline.run(first, { kind: 'getEphemerals' })
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
  const before = pipeline.run(first, { kind: 'getEphemerals' })
  pipeline.run(first, createCall('/e', { ephemeral: true }))
  const after = pipeline.run(first, { kind: 'getEphemerals' })
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
  const operations = [deleteCall('/a/n-0000000000'), setCall('/a', 'x', 7)] as never[]
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

t.test('how a write is broken off is consistent with the table of errors', async t => {
  const { pipeline, first } = scene()
  const { log, history } = pipeline
  const write = pipeline.run(first, setCall('/a', 'newer'))
  for (const [code, outcome] of [
    ['THROTTLED', 'unknown'],
    ['BAD_ARGUMENTS', 'unknown'],
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
