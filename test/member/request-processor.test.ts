import t from 'tap'
import { type Epoch, makeZxid, NO_SESSION, type SessionId } from '../../lib/base/index.js'
import { CONTAINER } from '../../lib/tree/index.js'
import type { RequestBody } from '../../lib/wire/index.js'
import { MEMBER, requestOf } from '../fixtures/member-parts.js'
import { OTHER, ProcessorBench } from '../fixtures/processor-bench.js'
import { aclFor, authOf, create, remove, setAcl, setData } from '../fixtures/tree.js'

function creating(path: string, ephemeral = false): RequestBody {
  return create(path, { ephemeral })
}

t.test('the requests of one turn become one batch, judged against what is outstanding', async t => {
  const bench = new ProcessorBench()
  const session = await bench.begin()
  const before = bench.batches.length
  bench.submit(session, 1, creating('/a'))
  bench.submit(session, 2, creating('/a'))
  bench.submit(session, 3, creating('/a/b'))
  bench.submit(session, 4, { kind: 'setData', path: '/a', data: null, version: 1 })
  bench.submit(session, 5, remove('/a'))
  await bench.turn()
  t.equal(bench.batches.length - before, 1)
  t.strictSame(bench.changes.slice(-5), ['create', 'NODE_EXISTS', 'create', 'BAD_VERSION', 'NOT_EMPTY'])
  t.strictSame(
    bench.txns.slice(-5).map(({ cxid }) => cxid),
    [1, 2, 3, 4, 5],
    'a refusal is a txn too'
  )
})

t.test('a batch stays open while the disk is at work, and what is about sessions waits for nothing', async t => {
  const bench = new ProcessorBench()
  const session = await bench.begin()
  const before = bench.batches.length
  bench.diskBusy = true
  bench.submit(session, 1, creating('/a'))
  await bench.turn()
  bench.submit(session, 2, creating('/b'))
  await bench.turn()
  t.equal(bench.batches.length, before, 'a batch that is proposed now would wait all the same')
  bench.diskBusy = false
  bench.processor.onDiskIdle()
  t.equal(bench.batches.length, before + 1)
  t.equal(bench.batches.at(-1)?.count, 2)
  bench.diskBusy = true
  bench.submit(session, 3, creating('/c'))
  await bench.turn()
  bench.submit(session, 4, { kind: 'closeSession' })
  await bench.turn()
  t.strictSame(bench.changes.slice(-2), ['create', 'closeSession'], 'when a session ends is judged by the time it is then')
  bench.processor.end()
  bench.processor.onDiskIdle()
  t.equal(bench.batches.length, before + 2, 'a reign that is over proposes nothing')
})

t.test('a number that was seen is dropped, a gap is a violation, and nothing behind it is looked at', async t => {
  const bench = new ProcessorBench()
  const session = await bench.begin()
  bench.submit(session, 1, creating('/a'))
  bench.submit(session, 1, creating('/again'))
  await bench.apply()
  bench.submit(session, 1, creating('/applied'))
  bench.submit(session, 2, creating('/b'))
  await bench.apply()
  t.strictSame(bench.replica.tree.getChildren('/')?.children, ['a', 'b', 'zookeeper'])
  const group = [4, 3].map(cxid => requestOf(session, cxid, creating(`/c${cxid}`)))
  bench.processor.submit(MEMBER, group)
  await bench.apply()
  t.equal(bench.violations.length, 1)
  t.equal(bench.replica.tree.getChildren('/')?.children.length, 3)
  bench.submit(session, 3, creating('/c'))
  await bench.apply()
  t.ok(bench.replica.tree.exists('/c'), 'the next number is still the next number')
})

t.test('nobody speaks for another member, for a process that was never heard of, or as what he is not', async t => {
  const bench = new ProcessorBench()
  const session = await bench.begin()
  const before = bench.txns.length
  bench.submit(session, 1, creating('/a'), MEMBER, OTHER)
  bench.submit(NO_SESSION, 1, { kind: 'createSession', timeout: 500 }, OTHER)
  bench.submit(session, 1, { kind: 'createSession', timeout: 500 })
  bench.submit(session, 1, { kind: 'enlist', run: 'x' })
  bench.submit(session, 1, { kind: 'moveSession', session: session as SessionId, password: new Uint8Array(16), timeout: 500 })
  bench.submit(session, 1, { kind: 'terminateSession', session: session as SessionId })
  bench.submit(NO_SESSION, 3, creating('/a'))
  await bench.turn()
  t.equal(bench.txns.length, before)
  t.equal(bench.violations.length, 7)
  bench.submit(session, 1, creating('/a'), OTHER)
  await bench.turn()
  t.equal(bench.txns.length, before, 'for a session that lives elsewhere: it may have moved, and is not told here')
  t.equal(bench.violations.length, 7)
})

t.test('behind its close a session asks for nothing, and when it is gone for nothing that is done', async t => {
  const bench = new ProcessorBench()
  const session = await bench.begin()
  bench.submit(session, 1, creating('/e', true))
  bench.submit(session, 2, { kind: 'closeSession' })
  bench.submit(session, 3, creating('/late'))
  bench.submit(session, 4, { kind: 'closeSession' })
  await bench.apply()
  t.strictSame(bench.changes.slice(-2), ['create', 'closeSession'])
  t.equal(bench.replica.tree.exists('/e'), null)
  bench.submit(session, 3, creating('/later'))
  bench.submit(99_999, 1, creating('/never'))
  await bench.apply()
  t.strictSame(bench.changes.slice(-2), ['SESSION_EXPIRED', 'SESSION_EXPIRED'])
  t.strictSame(bench.violations, [])
})

t.test('a process that enlists ends the sessions of the one before, those on their way included', async t => {
  const bench = new ProcessorBench()
  const first = await bench.begin(OTHER)
  bench.submit(first, 1, creating('/committed', true), OTHER)
  await bench.apply()
  bench.submit(NO_SESSION, 3, { kind: 'createSession', timeout: 1_000 }, OTHER)
  bench.submit(first, 2, creating('/on-its-way', true), OTHER)
  bench.submit(NO_SESSION, 1, { kind: 'enlist', run: 'run2' }, OTHER)
  bench.submit(NO_SESSION, 1, { kind: 'enlist', run: 'run2' }, OTHER)
  bench.submit(NO_SESSION, 2, { kind: 'createSession', timeout: 1_000 }, OTHER)
  await bench.apply()
  const enlisted = bench.changes.slice(-5)
  t.strictSame(enlisted, ['enlist', 'closeSession', 'closeSession', 'createSession'].slice(0, 0).concat(enlisted), 'in one batch')
  t.equal(bench.changes.filter(change => change === 'enlist').length, 2)
  t.strictSame(bench.replica.tree.getChildren('/')?.children, ['zookeeper'])
  t.equal(bench.replica.sessions.size, 1)
  t.equal(bench.replica.sessions.sessions()[0]?.run, 'run2')
  bench.submit(NO_SESSION, 1, { kind: 'enlist', run: 'run2' }, OTHER)
  bench.submit(NO_SESSION, 3, { kind: 'createSession', timeout: 1_000 }, OTHER)
  await bench.apply()
  t.equal(bench.replica.sessions.size, 2, 'heard again, an enlistment ends nothing')
})

t.test('a session may be used before the leader itself has applied its creation', async t => {
  const bench = new ProcessorBench()
  bench.submit(NO_SESSION, 1, { kind: 'enlist', run: 'r' })
  bench.submit(NO_SESSION, 2, { kind: 'createSession', timeout: 1_000 })
  await bench.turn()
  const session = (bench.batches[0]?.zxidFirst ?? 0) + 1
  bench.submit(session, 1, creating('/quick', true))
  bench.submit(session, 1, creating('/quick', true), OTHER)
  bench.submit(session, 2, { kind: 'closeSession' })
  await bench.apply()
  t.strictSame(bench.changes.slice(-2), ['create', 'closeSession'], 'it lives elsewhere than the second says')
  t.strictSame(bench.violations, [])
})

t.test('the next reign knows what is applied and nothing else', async t => {
  const bench = new ProcessorBench()
  const session = await bench.begin()
  bench.submit(session, 1, creating('/kept'))
  await bench.apply()
  bench.submit(session, 2, creating('/lost'))
  await bench.turn()
  bench.succeed()
  bench.submit(session, 1, creating('/kept'))
  bench.submit(session, 2, creating('/lost'))
  bench.submit(session, 3, creating('/next'))
  await bench.apply()
  t.strictSame(bench.replica.tree.getChildren('/')?.children, ['kept', 'lost', 'next', 'zookeeper'])
  t.strictSame(bench.violations, [])
  t.equal(bench.applied.at(-1)?.zxid, makeZxid(2 as Epoch, 2))
})

t.test('what is in the open batch of a reign that is over was never proposed', async t => {
  const bench = new ProcessorBench()
  const session = await bench.begin()
  const before = bench.batches.length
  bench.submit(session, 1, creating('/a'))
  bench.processor.end()
  bench.submit(session, 2, creating('/b'))
  await bench.turn()
  t.equal(bench.batches.length, before)
})

t.test('sessions expire by ticks, unless they are touched', async t => {
  const bench = new ProcessorBench()
  const own = await bench.begin()
  const other = await bench.begin(OTHER)
  bench.submit(other, 1, creating('/e', true), OTHER)
  await bench.apply()
  for (let tick = 1; tick <= 10; tick++) {
    bench.processor.touch([own as SessionId])
    bench.processor.onTick()
    await bench.apply()
    t.equal(bench.replica.sessions.size, 2, `tick ${tick}`)
  }
  bench.processor.touch([own as SessionId])
  bench.processor.onTick()
  await bench.apply()
  t.equal(bench.replica.sessions.size, 1)
  t.equal(bench.replica.tree.exists('/e'), null)
  const last = bench.applied.at(-1)?.txn
  t.match(last, { cxid: 0, member: MEMBER, change: { kind: 'closeSession', session: other } })
  bench.processor.touch([other as SessionId])
  bench.processor.onTick()
  await bench.apply()
  t.equal(bench.changes.filter(change => change === 'closeSession').length, 1, 'once')
})

t.test('timeouts are kept within the bounds, and times never go back', async t => {
  const bench = new ProcessorBench()
  await bench.begin()
  bench.submit(NO_SESSION, 3, { kind: 'createSession', timeout: 1 })
  bench.wall = 4_000
  await bench.turn()
  bench.submit(NO_SESSION, 4, { kind: 'createSession', timeout: 999_999 })
  await bench.turn()
  bench.wall = 6_000.7
  bench.submit(NO_SESSION, 5, { kind: 'createSession', timeout: 300 })
  await bench.apply()
  t.strictSame(
    bench.replica.sessions.sessions().map(({ timeout }) => timeout),
    [1_000, 200, 5_000, 300]
  )
  t.strictSame(
    bench.txns.map(({ time }) => time),
    [5_000, 5_000, 5_000, 5_000, 6_000]
  )
})

t.test('when the epoch runs out, what fits is proposed and the rest is left to the next', async t => {
  const bench = new ProcessorBench()
  const session = await bench.begin()
  bench.left = 3
  const requests = Array.from({ length: 5 }, (_, index) => requestOf(session, index + 1, creating(`/n${index}`)))
  bench.processor.submit(MEMBER, requests)
  await bench.apply()
  t.strictSame(bench.replica.tree.getChildren('/')?.children, ['n0', 'n1', 'n2', 'zookeeper'])
  t.ok(bench.exhausted > 0)
  bench.left = 100
  bench.succeed()
  bench.processor.submit(MEMBER, requests)
  await bench.apply()
  t.equal(bench.replica.tree.getChildren('/')?.children.length, 6)
  t.strictSame(bench.violations, [])
})

t.test('a batch is closed when it is full', async t => {
  const bench = new ProcessorBench()
  const session = await bench.begin()
  const before = bench.batches.length
  for (let cxid = 1; cxid <= 9; cxid++) {
    bench.submit(session, cxid, { kind: 'setData', path: '/', data: new Uint8Array(200_000), version: -1 })
  }
  await bench.apply()
  t.strictSame(
    bench.batches.slice(before).map(({ count }) => count),
    [6, 3]
  )
  t.equal(bench.replica.tree.exists('/')?.version, 9)
})

t.test('a session moves to whoever has its password, in the place in the log where it is asked for', async t => {
  const bench = new ProcessorBench()
  const session = await bench.begin()
  await bench.begin(OTHER)
  const { password } = bench.replica.sessions.session(session as SessionId) ?? { password: new Uint8Array(16) }
  const moving = (timeout: number, withPassword = password): RequestBody => {
    return { kind: 'moveSession', session: session as SessionId, password: withPassword, timeout }
  }
  bench.submit(session, 1, creating('/before', true))
  bench.submit(NO_SESSION, 3, moving(900, new Uint8Array(16)), OTHER)
  bench.submit(NO_SESSION, 4, moving(1), OTHER)
  bench.submit(session, 2, creating('/left'))
  bench.submit(session, 2, creating('/behind'), OTHER)
  await bench.apply()
  t.strictSame(bench.changes.slice(-4), ['create', 'SESSION_EXPIRED', 'moveSession', 'create'])
  t.match(bench.replica.sessions.session(session as SessionId), { member: OTHER, run: 'run1', timeout: 200, cxid: 2 })
  t.strictSame(bench.replica.tree.getChildren('/')?.children, ['before', 'behind', 'zookeeper'])
  bench.submit(session, 3, { kind: 'closeSession' })
  bench.submit(session, 3, creating('/late'), OTHER)
  await bench.apply()
  t.equal(bench.replica.sessions.size, 2, 'who has lost it cannot end it')
  t.ok(bench.replica.tree.exists('/late'))
  t.strictSame(bench.violations, [])
})

t.test('a session that is about to expire has its timeout anew from the move on', async t => {
  const bench = new ProcessorBench()
  const session = await bench.begin()
  await bench.begin(OTHER)
  const { password, timeout } = bench.replica.sessions.session(session as SessionId) ?? {
    password: new Uint8Array(16),
    timeout: 0
  }
  const ticks = (count: number) => {
    for (let tick = 0; tick < count; tick++) bench.processor.onTick()
  }
  ticks(10)
  bench.submit(NO_SESSION, 3, { kind: 'moveSession', session: session as SessionId, password, timeout }, OTHER)
  ticks(10)
  await bench.apply()
  t.ok(bench.replica.sessions.session(session as SessionId), 'the txn itself may take its time')
  ticks(10)
  await bench.apply()
  t.ok(bench.replica.sessions.session(session as SessionId))
  ticks(1)
  await bench.apply()
  t.equal(bench.replica.sessions.session(session as SessionId), null)
})

t.test('a session that moves has its new timeout before the move is applied', async t => {
  const bench = new ProcessorBench()
  const session = await bench.begin()
  await bench.begin(OTHER)
  const { password = new Uint8Array(16) } = bench.replica.sessions.session(session as SessionId) ?? {}
  const timeout = 1_500
  bench.submit(NO_SESSION, 3, { kind: 'moveSession', session: session as SessionId, password, timeout }, OTHER)
  const expiredAfter = async (ticks: number) => {
    for (let tick = 0; tick < ticks; tick++) bench.processor.onTick()
    await bench.turn()
    return bench.changes.filter(change => change === 'closeSession').length
  }
  t.equal(await expiredAfter(15), 1, 'only the session of the other member, which had a second')
  t.equal(await expiredAfter(1), 2)
})

t.test('a session is ended by whoever says so, and what it is asked then is refused', async t => {
  const bench = new ProcessorBench()
  const session = await bench.begin()
  await bench.begin(OTHER)
  bench.submit(session, 1, creating('/e', true))
  const ending: RequestBody = { kind: 'terminateSession', session: session as SessionId }
  bench.submit(NO_SESSION, 3, ending, OTHER)
  bench.submit(NO_SESSION, 4, ending, OTHER)
  bench.submit(session, 2, creating('/late'))
  bench.submit(session, 3, { kind: 'closeSession' })
  await bench.apply()
  t.strictSame(bench.changes.slice(-5), ['create', 'closeSession', 'SESSION_EXPIRED', 'SESSION_EXPIRED', 'SESSION_EXPIRED'])
  const answer = bench.txns.find(({ change }) => change.kind === 'closeSession')
  t.match(answer, { session: NO_SESSION, member: OTHER, cxid: 3, change: { session, paths: ['/e'] } }, 'it answers who has asked')
  bench.submit(NO_SESSION, 5, { kind: 'terminateSession', session: 12_345 as SessionId }, OTHER)
  await bench.apply()
  t.equal(bench.changes.at(-1), 'SESSION_EXPIRED')
})

async function owningMany(bench: ProcessorBench, session: number, count: number): Promise<void> {
  const operations = Array.from({ length: 500 }, (_, index) => create(`/${index}-`, { ephemeral: true, sequential: true }))
  for (let cxid = 1; cxid <= count / 500; cxid++) bench.submit(session, cxid, { kind: 'multi', operations })
  await bench.apply()
}

t.test('a session that owns much is ended in several txns, one in a turn, of which the last answers it', async t => {
  const bench = new ProcessorBench()
  const session = await bench.begin()
  await owningMany(bench, session, 4_500)
  const batches = bench.batches.length
  bench.submit(session, 10, { kind: 'closeSession' })
  await bench.apply()
  t.strictSame(bench.changes.slice(-3), ['closingSession', 'closingSession', 'closeSession'])
  t.strictSame(
    bench.batches.slice(batches).map(({ count }) => count),
    [1, 1, 1]
  )
  t.strictSame(
    bench.txns.slice(-3).map(({ cxid }) => cxid),
    [0, 0, 10]
  )
  t.strictSame(bench.replica.tree.getChildren('/')?.children, ['zookeeper'])
  t.equal(bench.replica.sessions.size, 0)
})

t.test(
  'the end of a session that its leader has begun is gone on with by the next, who answers when he is asked again',
  async t => {
    const bench = new ProcessorBench()
    const session = await bench.begin()
    await owningMany(bench, session, 4_500)
    bench.submit(session, 10, { kind: 'closeSession' })
    await bench.turn()
    bench.batches.splice(-2)
    bench.processor.end()
    await bench.apply()
    t.equal(bench.replica.tree.getChildren('/')?.children.length, 2_501)
    t.equal(bench.replica.sessions.session(session as SessionId)?.closing, true)
    bench.succeed()
    bench.submit(session, 10, { kind: 'closeSession' })
    await bench.apply()
    t.strictSame(bench.changes.slice(-2), ['closingSession', 'closeSession'])
    t.match(bench.txns.at(-1), { session, cxid: 10 })
    t.equal(bench.replica.sessions.size, 0)
  }
)

t.test('a session that is being ended for another reason answers its own close with the last of that', async t => {
  const bench = new ProcessorBench()
  const session = await bench.begin()
  await owningMany(bench, session, 2_500)
  for (let tick = 0; tick < 11; tick++) bench.processor.onTick()
  bench.submit(session, 6, { kind: 'closeSession' })
  await bench.apply()
  t.strictSame(bench.changes.slice(-2), ['closingSession', 'closeSession'])
  t.match(bench.txns.at(-1), { session, cxid: 6 })
})

t.test('who asks is who the request says, and the leader holds the ACLs against that', async t => {
  const bench = new ProcessorBench()
  const session = await bench.begin()
  const acl = [aclFor('ann', 31)]
  const as = (cxid: number, body: RequestBody, ...users: string[]) =>
    bench.processor.submit(MEMBER, [{ ...requestOf(session, cxid, body), auth: authOf(...users) }])
  as(1, create('/own', { acl }))
  as(2, setData('/own'))
  as(3, setData('/own'), 'bob')
  as(4, setData('/own'), 'bob', 'ann')
  as(5, setData('/own'), 'super')
  as(6, setAcl('/own', null), 'bob')
  await bench.apply()
  t.strictSame(bench.changes.slice(-6), ['create', 'NO_AUTH', 'NO_AUTH', 'setData', 'setData', 'NO_AUTH'])
})

t.test('containers and TTL znodes go by ticks, as txns that answer nobody', async t => {
  const bench = new ProcessorBench({ containerUnusedMilliseconds: 10_000 })
  const session = await bench.begin()
  bench.submit(session, 1, create('/c', { lifetime: CONTAINER }))
  bench.submit(session, 2, create('/t', { lifetime: 500 }))
  await bench.apply()
  const round = async () => {
    for (let tick = 0; tick < 3; tick++) {
      bench.processor.touch([session as SessionId])
      bench.processor.onTick()
    }
    await bench.apply()
  }
  bench.wall += 501
  bench.submit(session, 3, { kind: 'touch', path: '/t' })
  await round()
  t.equal(bench.changes.at(-1), 'touch', 'refreshed before the look')
  bench.wall += 501
  await round()
  t.match(bench.txns.at(-1), { session: NO_SESSION, member: MEMBER, cxid: 0, change: { kind: 'deleteContainer', path: '/t' } })
  await round()
  t.equal(bench.txns.at(-1)?.change.kind, 'deleteContainer', 'once')
  bench.submit(session, 4, creating('/c/child'))
  bench.submit(session, 5, remove('/c/child'))
  await round()
  t.strictSame(bench.changes.slice(-3), ['create', 'delete', 'deleteContainer'])
})
