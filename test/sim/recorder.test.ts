import t from 'tap'
import { ZooKeeperError } from '../../lib/base/index.js'
import type { EnsembleMember, ZooKeeper } from '../../lib/member/index.js'
import { Recorder } from '../../lib/sim/clients/recorder.js'
import type { HistoryEvent } from '../../lib/sim/history.js'
import { VirtualEnsemble } from '../../lib/sim/world/virtual-ensemble.js'
import { historyProblems } from '../fixtures/history-problems.js'

/** What happened, in words: without times, zxids and Stats. */
function told(history: readonly HistoryEvent[]): readonly string[] {
  return history.map(inWords)
}

function inWords(event: HistoryEvent): string {
  switch (event.kind) {
    case 'call':
      return `${event.call} ${event.what.kind}${'path' in event.what ? ` ${event.what.path}` : ''}`
    case 'return': {
      const { result } = event
      return `${event.call} ${result.kind === 'answered' ? result.kind : `${result.kind} ${result.code}`}`
    }
    case 'watch':
      return `watch ${event.watch} ${event.path}`
    case 'auth':
      return `auth ${event.auth.map(({ id }) => id.split(':')[0]).join(' ')}`
    case 'unwatch':
      return `unwatch ${event.watch}`
    case 'told':
      return `told ${event.watch} ${event.event.type} ${event.event.path}`
    case 'state':
      return event.state
    case 'ended':
      return 'ended'
  }
}

function recorderOf(ensemble: VirtualEnsemble, unexpected: unknown[] = []): Recorder {
  return new Recorder({ clock: () => ensemble.virtual.now, onUnexpected: error => unexpected.push(error) })
}

t.test('calls, returns and what watches are told are recorded in the order in which the client has them', async t => {
  const ensemble = new VirtualEnsemble({ seed: 1 })
  const [member] = await ensemble.startAll([1, 2, 3])
  if (member === undefined) throw new Error('a member')
  const recorder = recorderOf(ensemble)
  const client = recorder.client(member, 1)
  const watch = client.watch('/', { recursive: true })
  await ensemble.settle(client.create('/a', 'x'))
  await ensemble.settle(client.getData('/a', { watch: () => {} }))
  await ensemble.settle(Promise.all([client.setData('/a', 'y'), client.getData('/a')]))
  watch.dispose()
  watch.dispose()
  await ensemble.settle(client.delete('/a'))
  await ensemble.settle(client.getData('/a').catch(() => null))
  t.strictSame(told(recorder.history), [
    'connected',
    'watch 1 /',
    '2 create /a',
    'told 1 created /a',
    '2 answered',
    '4 getData /a',
    '4 answered',
    '5 setData /a',
    '6 getData /a',
    'told 1 dataChanged /a',
    'told 3 dataChanged /a',
    '5 answered',
    '6 answered',
    'unwatch 1',
    '7 delete /a',
    '7 answered',
    '8 getData /a',
    '8 refused NO_NODE'
  ])
  t.strictSame(historyProblems(recorder.history), [])
  t.ok(recorder.history.every(({ session, process }) => session === member.sessionId && process === 1))
  await ensemble.close()
})

t.test('data are recorded as text, and results with their codes', async t => {
  const ensemble = new VirtualEnsemble({ seed: 2 })
  const [member] = await ensemble.startAll()
  if (member === undefined) throw new Error('a member')
  const recorder = recorderOf(ensemble)
  const client = recorder.client(member, 1)
  await ensemble.settle(client.create('/bytes', Buffer.from('text é')))
  await ensemble.settle(client.getData('/bytes'))
  const ops = [
    { type: 'setData', path: '/bytes', data: null },
    { type: 'check', path: '/bytes', version: 7 },
    { type: 'delete', path: '/bytes' }
  ] as const
  await ensemble.settle(client.multi(ops).catch(() => null))
  const calls = recorder.history.flatMap(event => (event.kind === 'call' ? [event.what] : []))
  const results = recorder.history.flatMap(event => (event.kind === 'return' ? [event.result] : []))
  t.match(calls[0], { kind: 'create', data: 'text é', ephemeral: false, sequential: false })
  t.match(results[1], { kind: 'answered', answer: { kind: 'getData', data: 'text é', stat: { version: 0 } } })
  t.strictSame(calls[2], {
    kind: 'multi',
    operations: [
      { kind: 'setData', path: '/bytes', data: null, version: -1 },
      { kind: 'check', path: '/bytes', version: 7 },
      { kind: 'delete', path: '/bytes', version: -1, recursive: false, ifExists: false }
    ]
  })
  t.match(results[2], {
    kind: 'refused',
    code: 'BAD_VERSION',
    zxid: member.local.zxid,
    results: ['OK', 'BAD_VERSION', 'RUNTIME_INCONSISTENCY']
  })
  await ensemble.close()
})

t.test('a call belongs to the session that it was made in, also when the member has another one by then', async t => {
  const ensemble = new VirtualEnsemble({ seed: 3, options: { requestTimeout: 60_000 } })
  await ensemble.startAll()
  const member = ensemble.follower
  const recorder = recorderOf(ensemble)
  const client = recorder.client(member, 1)
  const first = member.sessionId
  ensemble.isolate(member.id)
  await ensemble.until(() => member.state === 'disconnected')
  const write = client.create('/late').catch(() => null)
  await ensemble.run(8_000)
  ensemble.healAll()
  await ensemble.settle(write)
  await ensemble.until(() => member.sessionId !== 0 && member.sessionId !== first)
  const second = member.sessionId
  await ensemble.settle(client.create('/next'))
  const calls = recorder.history.filter(({ kind }) => kind === 'call' || kind === 'return')
  t.strictSame(
    calls.map(({ session }) => session),
    [first, first, second, second]
  )
  const states = recorder.history.filter(event => event.kind === 'state')
  t.strictSame(
    states.map(({ session, state }) => [session, state]),
    [
      [first, 'connected'],
      [first, 'disconnected'],
      [first, 'expired'],
      [second, 'connected']
    ]
  )
  await ensemble.close()
})

t.test('the sessions that a client opens are recorded as well, from their first state to their end', async t => {
  const ensemble = new VirtualEnsemble({ seed: 4 })
  const [member] = await ensemble.startAll()
  if (member === undefined) throw new Error('a member')
  const recorder = recorderOf(ensemble)
  const client = recorder.client(member, 1)
  const session = await ensemble.settle(client.openSession({ timeout: 900 }))
  await ensemble.settle(session.create('/own', null, { ephemeral: true }))
  const watch = session.watch('/own')
  await ensemble.settle(session.close())
  // Ended with its session already.
  watch.dispose()
  // Asks nothing of the ensemble any more.
  await ensemble.settle(session.close())
  t.strictSame(told(recorder.history), [
    'connected',
    '1 openSession',
    '1 answered',
    'connected',
    '2 create /own',
    '2 answered',
    'watch 3 /own',
    '4 closeSession',
    'told 3 deleted /own',
    'closed',
    '4 answered'
  ])
  const [, opening, opened, ...others] = recorder.history
  t.match(opening, { session: 0, what: { timeout: 900 } })
  t.match(opened, { session: 0, result: { answer: { session: session.sessionId, timeout: 900 } } })
  t.ok(others.every(event => event.session === session.sessionId))
  await ensemble.close()
})

t.test('what breaks a call off is recorded with what is known of its outcome', async t => {
  const ensemble = new VirtualEnsemble({ seed: 5 })
  await ensemble.startAll()
  const member = ensemble.follower
  const unexpected: unknown[] = []
  const recorder = recorderOf(ensemble, unexpected)
  const client = recorder.client(member, 1)
  ensemble.isolate(member.id)
  await ensemble.until(() => member.state === 'disconnected')
  const controller = new AbortController()
  const calls = [
    client.create('/aborted', null, { signal: controller.signal }),
    client.create('/late', null, { timeout: 30 }),
    client.create('not a path')
  ]
  controller.abort(new TypeError('a reason of its own'))
  await ensemble.settle(Promise.allSettled(calls))
  const results = recorder.history.flatMap(event => (event.kind === 'return' ? [event.result] : []))
  t.strictSame(results, [
    { kind: 'failed', code: 'BAD_ARGUMENTS', outcome: 'not-applied' },
    { kind: 'failed', code: 'ABORTED', outcome: 'unknown' },
    { kind: 'failed', code: 'OPERATION_TIMEOUT', outcome: 'unknown' }
  ])
  t.strictSame(unexpected, [])
  ensemble.healAll()
  await ensemble.close()
})

t.test('what a call must never end with is recorded, and reported', async t => {
  const wrong = new TypeError('a bug')
  const member = {
    id: 1,
    local: { zxid: 5 },
    sessionId: 3,
    state: 'connected',
    onState: () => () => {},
    sync: () => Promise.reject(wrong),
    exists: () => Promise.reject(new ZooKeeperError('CLOSED'))
  }
  const unexpected: unknown[][] = []
  const recorder = new Recorder({ clock: () => 0, onUnexpected: (error, event) => unexpected.push([error, event]) })
  const client = recorder.client(member as unknown as EnsembleMember, 1)
  await t.rejects(client.exists('/'), { code: 'CLOSED' })
  t.strictSame(unexpected, [])
  await t.rejects(client.sync(), wrong)
  t.strictSame(unexpected, [[wrong, recorder.history.at(-1)]])
  t.match(recorder.history.at(-1), { kind: 'return', result: { kind: 'failed', code: 'TypeError', outcome: 'unknown' } })
})

t.test('a process that has ended does and sees nothing, and the next one of the member does', async t => {
  const ensemble = new VirtualEnsemble({ seed: 6 })
  await ensemble.startAll()
  const recorder = recorderOf(ensemble)
  const id = ensemble.follower.id
  const client = recorder.client(ensemble.member(id), 1)
  const late = client.create('/late').catch(() => null)
  recorder.ended(ensemble.follower.id, 1)
  recorder.ended(id, 1)
  await ensemble.settle(late)
  t.strictSame(told(recorder.history), ['connected', '1 create /late', 'ended'])
  await ensemble.restart(id)
  const next = recorder.client(ensemble.member(id), 2)
  recorder.ended(id, 1)
  await ensemble.settle(next.exists('/late'))
  await ensemble.settle(next.close())
  t.strictSame(told(recorder.history.slice(3)), ['connected', '2 exists /late', '2 answered', 'closed', 'ended'])
  t.strictSame(
    recorder.history.map(({ process }) => process),
    [1, 1, 1, 2, 2, 2, 2, 2]
  )
  await ensemble.close()
})

t.test('recorders that begin at different numbers use different ones', async t => {
  const ensemble = new VirtualEnsemble({ seed: 7 })
  const members = await ensemble.startAll()
  const numbers: number[] = []
  for (const [index, member] of members.entries()) {
    const recorder = new Recorder({
      clock: () => ensemble.virtual.now,
      firstNumber: 1_000 * index,
      onEvent: event => event.kind === 'call' && numbers.push(event.call)
    })
    const client = recorder.client(member, 1)
    await ensemble.settle(Promise.all([client.exists('/', { watch: () => {} }), client.sync()]))
  }
  t.strictSame(numbers, [1, 2, 1_001, 1_002, 2_001, 2_002])
  await ensemble.close()
})

/** A little of everything by one client; gives everything that could be seen of the members. */
async function lived(seed: number, clientOf: (member: EnsembleMember) => ZooKeeper): Promise<string> {
  const ensemble = new VirtualEnsemble({ seed })
  await ensemble.startAll()
  const client = clientOf(ensemble.follower)
  const heard: unknown[] = []
  const calls = [
    client.create('/a', '1'),
    client.getData('/a', { watch: event => heard.push(event) }),
    client.setData('/a', '2'),
    client.sync(),
    client.getChildren('/', { linearizable: true }),
    client.multi([{ type: 'delete', path: '/a' }]),
    client.exists('/a'),
    client.delete('/a').catch(error => error.code)
  ]
  const order: number[] = []
  const noted = calls.map(async (call, index) => {
    const value = await call
    order.push(index)
    return value
  })
  const results = await ensemble.settle(Promise.all<unknown>(noted))
  await ensemble.close()
  return JSON.stringify([results, heard, order, ensemble.trace, ensemble.virtual.events, ensemble.virtual.now])
}

t.test('being recorded changes nothing', async t => {
  const plain = await lived(8, member => member)
  const recorder = new Recorder({ clock: () => 0 })
  const recorded = await lived(8, member => recorder.client(member, 1))
  t.equal(recorded === plain, true)
  t.ok(recorder.history.length > 16)
})
