import t from 'tap'
import { DEFAULT_WORKLOAD_OPTIONS, PLAIN_KINDS } from '../../lib/sim/clients/workload-options.js'
import type { Call, HistoryEvent, HistoryEventOf } from '../../lib/sim/history.js'
import { historyProblems } from '../fixtures/history-problems.js'
import { WorkloadRun } from '../fixtures/workload-run.js'

function eventsOf<Kind extends HistoryEvent['kind']>(history: readonly HistoryEvent[], kind: Kind): HistoryEventOf<Kind>[] {
  return history.filter((event): event is HistoryEventOf<Kind> => event.kind === kind)
}

/** Calls that were never answered, and whose process has ended. */
function unanswered(history: readonly HistoryEvent[]): readonly HistoryEventOf<'call'>[] {
  const returned = new Set(eventsOf(history, 'return').map(({ call }) => call))
  return eventsOf(history, 'call').filter(({ call }) => !returned.has(call))
}

/** When each operation of an actor wrote its first value. */
function writtenAt(history: readonly HistoryEvent[]): ReadonlyMap<string, number> {
  const at = new Map<string, number>()
  for (const event of eventsOf(history, 'call')) {
    for (const value of valuesOf(event.what)) {
      const [actor, operation] = value.split('/')
      const name = `${actor}/${operation}`
      if (!at.has(name)) at.set(name, event.at)
    }
  }
  return at
}

function valuesOf(what: Call): readonly string[] {
  const operations = what.kind === 'multi' ? what.operations : [what]
  return operations.flatMap(operation => ('data' in operation && operation.data !== null ? [operation.data] : []))
}

t.test('every kind of operation is done, and every main refusal is met', async t => {
  const run = await WorkloadRun.begin(1, { thinkMilliseconds: [1, 50], abortShare: 0.05, timeoutShare: 0.2 })
  await run.ensemble.run(4_000)
  await run.finish()
  const { history } = run
  t.strictSame(historyProblems(history), [])
  t.strictSame(unanswered(history), [])
  t.strictSame(run.unexpected, [])

  const kinds = new Map<string, number>()
  const note = (what: string) => kinds.set(what, (kinds.get(what) ?? 0) + 1)
  for (const { what } of eventsOf(history, 'call')) {
    note(what.kind)
    if (what.kind === 'create') note(`create ephemeral ${what.ephemeral} sequential ${what.sequential}`)
    if ('watch' in what) note(`${what.kind} linearizable ${what.linearizable} watched ${what.watch !== null}`)
    if (what.kind === 'multi') for (const operation of what.operations) note(`${operation.kind} in multi`)
    if ('version' in what) note(`${what.kind} versioned ${what.version >= 0}`)
  }
  for (const { recursive } of eventsOf(history, 'watch')) note(`watch recursive ${recursive}`)
  for (const { event } of eventsOf(history, 'told')) note(`told ${event.type}`)
  for (const { result } of eventsOf(history, 'return')) {
    note(result.kind)
    if (result.kind === 'refused' && result.results?.[0] === 'OK') note('multi refused half way')
    if (result.kind !== 'answered') note(result.code)
  }
  const booleans = [true, false]
  const expected = [
    ...['create', 'delete', 'setData', 'multi', 'exists', 'getData', 'getChildren', 'getEphemerals', 'sync'],
    ...['openSession', 'closeSession', 'multi refused half way', 'ABORTED', 'OPERATION_TIMEOUT'],
    ...['create', 'delete', 'setData', 'check'].map(kind => `${kind} in multi`),
    ...['created', 'deleted', 'dataChanged', 'childrenChanged'].map(type => `told ${type}`),
    ...['NO_NODE', 'NODE_EXISTS', 'BAD_VERSION', 'NOT_EMPTY', 'NO_CHILDREN_FOR_EPHEMERALS'],
    ...booleans.flatMap(a => booleans.map(b => `create ephemeral ${a} sequential ${b}`)),
    ...booleans.flatMap(a => [`watch recursive ${a}`, `delete versioned ${a}`, `setData versioned ${a}`]),
    ...['exists', 'getData', 'getChildren'].flatMap(kind =>
      booleans.flatMap(a => booleans.map(b => `${kind} linearizable ${a} watched ${b}`))
    )
  ]
  t.strictSame(
    expected.filter(what => !kinds.has(what)),
    []
  )
  for (const code of ['SYSTEM_ERROR', 'BAD_ARGUMENTS', 'RUNTIME_INCONSISTENCY', 'THROTTLED']) t.notOk(kinds.has(code), code)
  const count = (what: string) => kinds.get(what) ?? 0
  const refusedShare = count('refused') / (count('refused') + count('answered'))
  t.ok(refusedShare > 0.15 && refusedShare < 0.45, `${refusedShare} of all calls are refused`)
  t.equal(eventsOf(history, 'unwatch').length > 0, true)

  const counted = [...run.workload.counts].filter(([name]) => name.endsWith(': NOT_EMPTY'))
  const notEmpty = eventsOf(history, 'return').filter(({ result }) => result.kind === 'refused' && result.code === 'NOT_EMPTY')
  t.equal(
    counted.reduce((sum, [, times]) => sum + times, 0),
    notEmpty.length
  )
  await run.ensemble.close()
})

t.test('whatever else a znode or a session can be is done as well', async t => {
  const { weights } = DEFAULT_WORKLOAD_OPTIONS
  const run = await WorkloadRun.begin(12, {
    weights: { ...weights, addAuth: 6, setACL: 8, guarded: 16, removeWatches: 14 },
    watchShare: 0.7,
    takeOverShare: 0.5,
    sessionOperations: [5, 40],
    thinkMilliseconds: [1, 40],
    outstandingMax: 12
  })
  await run.ensemble.run(6_000)
  await run.finish()
  const { history } = run
  t.strictSame(historyProblems(history), [])
  t.strictSame(unanswered(history), [])
  t.strictSame(run.unexpected, [])

  const seen = new Set<string>()
  for (const { what, auth = [] } of eventsOf(history, 'call')) {
    seen.add(what.kind)
    for (const { scheme } of auth) seen.add(`as ${scheme}`)
    if (what.kind === 'create') {
      const { lifetime, acl, parents, ifAbsent, sequential } = what
      seen.add(
        `create ${lifetime === 0 ? 'for good' : lifetime < 0 ? 'a container' : 'a TTL znode'}${sequential ? ' in sequence' : ''}`
      )
      seen.add(`create ${acl === null ? 'open' : 'guarded'} parents ${parents} ifAbsent ${ifAbsent}`)
    }
    if (what.kind === 'delete') seen.add(`delete recursive ${what.recursive} ifExists ${what.ifExists}`)
    if (what.kind === 'getChildren' && what.limit !== null)
      seen.add(`a page ${what.after === null ? 'from the first' : 'behind another'}`)
    if (what.kind === 'multi' && what.operations.some(each => each.kind === 'create' && each.acl !== null))
      seen.add('a guarded multi')
    if ('path' in what && what.path.startsWith('/zookeeper/quota/')) seen.add(`${what.kind} of a quota`)
  }
  for (const { result } of eventsOf(history, 'return')) {
    if (result.kind !== 'answered') seen.add(result.code)
    if (result.kind === 'answered' && 'created' in result.answer && !result.answer.created) seen.add('not created')
    if (result.kind !== 'answered' || result.answer.kind !== 'multiRead') continue
    for (const each of result.answer.results) seen.add(`one of several reads: ${each.kind}`)
  }
  for (const { event } of eventsOf(history, 'told')) seen.add(`told ${event.type}`)
  for (const { auth } of eventsOf(history, 'auth')) seen.add(`shown ${auth.length}`)
  const expected = [
    ...['setACL', 'getACL', 'touch', 'getAllChildrenNumber', 'multiRead', 'takeOverSession', 'terminateSession'],
    ...['create a container', 'create a container in sequence', 'create a TTL znode', 'create a TTL znode in sequence'],
    ...['create guarded parents false ifAbsent false', 'create open parents true ifAbsent false', 'a guarded multi'],
    ...['create open parents true ifAbsent true', 'create open parents false ifAbsent true', 'not created'],
    ...['delete recursive true ifExists true', 'delete recursive true ifExists false', 'delete recursive false ifExists true'],
    ...['a page from the first', 'a page behind another', 'create of a quota', 'setData of a quota', 'delete of a quota'],
    ...['as digest', 'as super', 'shown 1', 'shown 2', 'NO_AUTH', 'INVALID_ACL', 'QUOTA_EXCEEDED'],
    ...['getData', 'exists', 'getChildren', 'error'].map(kind => `one of several reads: ${kind}`),
    ...['dataWatchRemoved', 'childWatchRemoved', 'persistentWatchRemoved'].map(type => `told ${type}`)
  ]
  t.strictSame(
    expected.filter(what => !seen.has(what)),
    []
  )
  const counted = new Set([...run.workload.counts.keys()])
  for (const what of [
    'addAuth: AUTH_FAILED',
    'whoAmI: ok',
    'checkWatches: ok',
    'chroot create: ok',
    'chroot close: ok',
    'transaction: ok'
  ])
    t.ok(counted.has(what), what)
  await run.ensemble.close()
})

t.test('no two writes of a run write the same', async t => {
  const run = await WorkloadRun.begin(2)
  await run.ensemble.run(1_500)
  await run.ensemble.crash(1)
  run.begin(await run.ensemble.restart(1))
  await run.ensemble.run(1_500)
  await run.finish()
  const values = eventsOf(run.history, 'call').flatMap(({ what }) => valuesOf(what))
  t.ok(values.length > 300)
  t.equal(new Set(values).size, values.length)
  await run.ensemble.close()
})

t.test('sessions, watches and znodes do not grow with time', async t => {
  const weights = { ...DEFAULT_WORKLOAD_OPTIONS.weights, createSequential: 20, watch: 20, unwatch: 0 }
  const run = await WorkloadRun.begin(3, {
    weights: Object.fromEntries(PLAIN_KINDS.map(kind => [kind, weights[kind]])),
    watchShare: 1,
    watchesMax: 4,
    sessionOperations: [5, 40],
    thinkMilliseconds: [1, 30]
  })
  const sizes: number[] = []
  for (let step = 0; step < 4; step++) {
    await run.ensemble.run(700)
    for (const member of run.ensemble.members) {
      const { sessions, watches, znodes } = member.status()
      t.ok(sessions <= 3 * 5, `${sessions} sessions`)
      t.ok(watches <= 3 * 2 * 4, `${watches} watches`)
      sizes.push(znodes)
    }
  }
  t.ok(Math.max(...sizes) < 100, `${Math.max(...sizes)} znodes`)
  t.ok(eventsOf(run.history, 'call').filter(({ what }) => what.kind === 'closeSession').length > 20)
  await run.finish()
  await run.ensemble.close()
})

t.test('when the leader crashes, every call returns or its process has ended', async t => {
  const run = await WorkloadRun.begin(4, { thinkMilliseconds: [0, 20] })
  const { ensemble } = run
  await ensemble.run(600)
  const { id } = ensemble.leader
  const busy = () => ensemble.member(id).status().outstanding > 0
  await ensemble.until(busy)
  await ensemble.crash(id)
  await ensemble.run(500)
  run.begin(await ensemble.restart(id))
  await ensemble.run(600)
  await ensemble.until(busy)
  await ensemble.crash(id)
  await run.finish()
  t.strictSame(historyProblems(run.history), [])
  t.strictSame(run.unexpected, [])
  const lost = unanswered(run.history)
  t.strictSame([...new Set(lost.map(({ member, process }) => `${member}.${process}`))], [`${id}.1`, `${id}.2`])
  t.ok(
    run.history.some(event => event.member === id && event.process === 2 && event.kind === 'return'),
    'the next process of the member works'
  )
  const disconnected = [...run.workload.counts].filter(([name]) => name.endsWith('while disconnected'))
  t.ok(disconnected.length > 0, 'reads were issued while there was no leader')
  await ensemble.close()
})

t.test('a member that stands still keeps its clients waiting, and they go on when it does', async t => {
  const run = await WorkloadRun.begin(5, { thinkMilliseconds: [1, 30], sessionTimeoutMilliseconds: [200, 400] })
  const { ensemble } = run
  await ensemble.run(500)
  const { id } = ensemble.follower
  ensemble.pause(id)
  const paused = run.history.length
  await ensemble.run(2_500)
  t.ok(
    run.history.slice(paused).every(({ member }) => member !== id),
    'nothing is done or seen by a process that stands still'
  )
  ensemble.resume(id)
  const resumed = run.history.length
  await ensemble.run(800)
  const since = run.history.slice(resumed).filter(({ member }) => member === id)
  t.ok(
    since.some(event => event.kind === 'state' && event.state === 'expired'),
    'its sessions have expired meanwhile'
  )
  t.ok(
    since.some(
      event => event.kind === 'return' && event.result.kind === 'answered' && event.result.answer.kind === 'openSession'
    ),
    'others are opened'
  )
  await run.finish()
  t.strictSame(historyProblems(run.history), [])
  t.strictSame(run.unexpected, [])
  await ensemble.close()
})

async function smallHistory(seed: number): Promise<readonly HistoryEvent[]> {
  const run = await WorkloadRun.begin(seed)
  await run.ensemble.run(1_000)
  await run.ensemble.crash(2)
  run.begin(await run.ensemble.restart(2))
  await run.ensemble.run(1_000)
  await run.finish()
  // While its processes live: then every call has returned.
  const history = [...run.history]
  await run.ensemble.close()
  return history
}

t.test('the same seed gives the same history, another seed another', async t => {
  const first = JSON.stringify(await smallHistory(6))
  t.equal(JSON.stringify(await smallHistory(6)) === first, true)
  t.equal(JSON.stringify(await smallHistory(7)) === first, false)
})

t.test('what is left out of a workload shifts nothing else', async t => {
  const runs: ReadonlyMap<string, number>[] = []
  const leftOut = (actor: string, operation: number) => actor === '1.1.0' || (actor === '2.1.0' && operation % 2 === 0)
  for (const enabled of [() => true, (actor: string, operation: number) => !leftOut(actor, operation)]) {
    const run = await WorkloadRun.begin(8, { enabled })
    await run.ensemble.run(3_000)
    await run.finish()
    await run.ensemble.close()
    runs.push(writtenAt(run.history))
  }
  const [all, some] = runs
  if (all === undefined || some === undefined) throw new Error('two runs')
  const isLeftOut = (name: string) => {
    const [actor, operation] = name.split('/')
    return leftOut(actor ?? '', Number(operation))
  }
  t.ok([...all.keys()].filter(isLeftOut).length > 40)
  t.strictSame([...some.keys()].filter(isLeftOut), [])
  const common = [...some.keys()].filter(name => all.has(name))
  t.ok(common.length > 0.8 * some.size, `${common.length} of ${some.size} writes are in both`)
  t.strictSame(
    common.filter(name => all.get(name) !== some.get(name)),
    []
  )
})

t.test('an actor is done after its last operation', async t => {
  const run = await WorkloadRun.begin(9, { operationsMax: 20, thinkMilliseconds: [1, 10] })
  await run.ensemble.run(1_000)
  const { length } = run.history.filter(({ kind }) => kind === 'call')
  await run.ensemble.run(2_000)
  t.ok(length > 60)
  t.equal(run.history.filter(({ kind }) => kind === 'call').length, length)
  t.ok(run.workload.idle)
  const operations = [...writtenAt(run.history).keys()].map(name => Number(name.split('/')[1]))
  t.equal(Math.max(...operations) < 20, true)
  await run.ensemble.close()
})

t.test('a history that was not recorded as it happened is found out', async t => {
  const history = await smallHistory(10)
  t.strictSame(historyProblems(history), [])
  const without = (index: number) => history.filter((_, each) => each !== index)
  const indexOf = (found: (event: HistoryEvent) => boolean) => history.findIndex(found)
  const at = (index: number): HistoryEvent => history[index] as HistoryEvent
  const watch = indexOf(({ kind }) => kind === 'watch')
  const tampered: Record<string, readonly HistoryEvent[]> = {
    'a call is missing': without(indexOf(({ kind }) => kind === 'call')),
    'a return is missing': without(indexOf(({ kind, member }) => kind === 'return' && member === 1)),
    'a return comes twice': [...history, at(indexOf(({ kind }) => kind === 'return'))],
    'the end is early': [at(indexOf(({ kind }) => kind === 'ended')), ...history],
    'a watch is missing': history.filter(event => event.kind !== 'watch'),
    'a watch ends too early': [
      ...history.slice(0, watch + 1),
      { ...at(watch), kind: 'unwatch' } as HistoryEvent,
      ...history.slice(watch + 1)
    ],
    'a call is in another session': history.map(event => (event.kind === 'call' ? { ...event, session: -1 as never } : event)),
    'time goes back': history.toReversed()
  }
  for (const [what, events] of Object.entries(tampered)) t.not(historyProblems(events).length, 0, what)
})
