import t from 'tap'
import { type MemberId, NO_SESSION, type SessionId, ZooKeeperError } from '../../lib/base/index.js'
import { Violation } from '../../lib/sim/checker.js'
import type { CommittedTxn } from '../../lib/sim/history.js'
import { matchRequests } from '../../lib/sim/model/request-matching.js'
import { checkDigest, checkState } from '../../lib/sim/model/state-check.js'
import { Timeline } from '../../lib/sim/model/timeline.js'
import type { TxnChange } from '../../lib/wire/index.js'
import { Pipeline, zxidOf } from '../fixtures/pipeline-history.js'
import { aclFor, authOf } from '../fixtures/tree.js'
import { withLimits } from '../fixtures/tree-steps.js'
import { createCall, deleteCall, setCall } from '../fixtures/witness-verdict.js'

const READERS = [aclFor('world', 1)]

function scene() {
  const pipeline = new Pipeline(1)
  const [client] = pipeline.clients
  if (client === undefined) throw new Error('there is one')
  const run = (...what: Parameters<Pipeline['issue']>[1][]) => {
    for (const each of what) pipeline.run(client, each)
    return zxidOf(pipeline.log.length)
  }
  return { pipeline, client, run }
}

function problemOf(pipeline: Pipeline, log: readonly CommittedTxn[], matched = true): string {
  try {
    new Timeline(log, matched ? matchRequests(pipeline.log, pipeline.history) : null)
    return 'holds'
  } catch (error) {
    if (error instanceof Violation) return error.message
    throw error
  }
}

function changed(pipeline: Pipeline, change: TxnChange): CommittedTxn[] {
  const last = pipeline.log.at(-1) as CommittedTxn
  return pipeline.log.with(-1, { ...last, txn: { ...last.txn, change } })
}

t.test('a znode, its children and a session`s ephemerals are told as they were at every zxid', async t => {
  const { pipeline, client, run } = scene()
  const { session } = client
  const created = run(createCall('/a'))
  const written = run(setCall('/a', 'one'))
  const child = run(createCall('/a/e', { ephemeral: true }))
  const second = run(createCall('/a/b'))
  const gone = run(deleteCall('/a/b'), deleteCall('/a/e'), deleteCall('/a'))
  const again = run(createCall('/a'))
  const timeline = new Timeline(pipeline.log, matchRequests(pipeline.log, pipeline.history))
  const dataAt = (zxid: number) => {
    const data = timeline.nodeAt('/a', zxid)?.data
    return data == null ? null : new TextDecoder().decode(data)
  }
  t.equal(timeline.nodeAt('/a', created - 1), null)
  t.equal(dataAt(created), 'new')
  t.equal(dataAt(written), 'one')
  t.equal(timeline.nodeAt('/a', child)?.stat.numChildren, 1)
  t.equal(timeline.nodeAt('/a', gone), null)
  t.equal(dataAt(again), 'new')
  t.strictSame(timeline.childrenAt('/a', child), ['e'])
  t.strictSame(timeline.childrenAt('/a', second), ['b', 'e'])
  t.equal(timeline.childrenAt('/a', gone), null)
  t.strictSame(timeline.childrenAt('/', 0), ['zookeeper'])
  t.strictSame(timeline.ephemeralsAt(session, child), ['/a/e'])
  t.strictSame(timeline.ephemeralsAt(session, gone), [])
  t.strictSame(timeline.pathsAt(second), ['/', '/a', '/a/b', '/a/e', '/zookeeper', '/zookeeper/quota'])
  t.equal(timeline.nextChange('/a', created), written)
  t.equal(timeline.nextChange('/a', second), gone - 2)
  t.equal(timeline.nextChange('/a', gone), again)
  t.equal(timeline.nextChange('/a', again), null)
  t.strictSame(timeline.usageAt('/a', second), { count: 3, bytes: 9 })
  t.strictSame(timeline.usageAt('/a', gone), { count: 0, bytes: 0 })
  t.equal(timeline.nextUsageChange('/a', created - 1), created)
  t.equal(timeline.nextUsageChange('/a', second), gone - 2)
  t.equal(timeline.nextUsageChange('/a', again), null)
  t.equal(timeline.nextEphemeralsChange(session, 0), child)
  t.equal(timeline.nextEphemeralsChange(session, child), gone - 1)
  t.equal(timeline.nextEphemeralsChange(session, gone), null)
  t.equal(timeline.entryAt(written)?.result.kind, 'setData')
  t.equal(timeline.entryAt(again + 1), null)
  t.equal(timeline.zxidLast, again)
})

t.test('a wrong judgement of the leader is found, and which', async t => {
  const { pipeline, run } = scene()
  run(createCall('/a'), setCall('/a', 'one'))
  const data = new TextEncoder().encode('one')
  t.equal(problemOf(pipeline, pipeline.log), 'holds')
  t.match(
    problemOf(pipeline, changed(pipeline, { kind: 'setData', path: '/a', data, version: 2 })),
    /^model: .* made it version 2, the model 1/
  )
  t.match(
    problemOf(pipeline, changed(pipeline, { kind: 'refused', code: 'BAD_VERSION', path: '/a' })),
    /^model: at 0x.* setData \/a "one" .* the leader judged BAD_VERSION \/a, the model that it be done/
  )
  run(createCall('/a/n-', { sequential: true }))
  const create = (change: object): TxnChange => ({
    kind: 'create',
    path: '/a/n-0000000000',
    data: new TextEncoder().encode('new'),
    owner: 0 as SessionId,
    lifetime: 0,
    acl: null,
    parentCversion: 1,
    ...change
  })
  t.match(problemOf(pipeline, changed(pipeline, create({ path: '/a/n-0000000001' }))), /the leader named it \/a\/n-0000000001/)
  t.match(
    problemOf(pipeline, changed(pipeline, create({ parentCversion: 2 }))),
    /the leader counted 2 creates below its parent, the model 1/
  )
  t.match(problemOf(pipeline, changed(pipeline, create({ owner: 4 }))), /the leader gave it to 0x4/)
  t.match(problemOf(pipeline, changed(pipeline, create({ data }))), /the leader wrote other data to \/a\/n-0000000000/)
  t.match(problemOf(pipeline, changed(pipeline, create({ lifetime: -1 }))), /the leader lets it live -1, the model 0/)
  t.match(problemOf(pipeline, changed(pipeline, create({ acl: [] }))), /the leader gave \/a\/n-0000000000 another ACL/)
  run({ kind: 'setACL', path: '/a', acl: READERS, version: -1 })
  const setAcl = (change: object): TxnChange => ({ kind: 'setACL', path: '/a', acl: READERS, aversion: 1, ...change })
  t.equal(problemOf(pipeline, changed(pipeline, setAcl({}))), 'holds')
  t.match(problemOf(pipeline, changed(pipeline, setAcl({ aversion: 2 }))), /the leader made it ACL number 2, the model 1/)
  t.match(problemOf(pipeline, changed(pipeline, setAcl({ acl: null }))), /the leader gave \/a another ACL/)
  run(deleteCall('/nowhere'))
  t.match(
    problemOf(pipeline, changed(pipeline, { kind: 'delete', path: '/nowhere' })),
    /the leader judged that .* the model NO_NODE \/nowhere/
  )
  t.match(
    problemOf(pipeline, changed(pipeline, { kind: 'refused', code: 'NO_NODE', path: '/other' })),
    /the model NO_NODE \/nowhere/
  )
})

t.test('an operation is judged by what was asked: a change that is possible and was not asked for is found', async t => {
  const { pipeline, run } = scene()
  run(createCall('/a'), setCall('/a', 'one', 3))
  const data = new TextEncoder().encode('one')
  // Without the version that was asked for this is a good txn.
  const log = changed(pipeline, { kind: 'setData', path: '/a', data, version: 1 })
  t.match(problemOf(pipeline, log), /the leader judged that it be done \(setData\), the model BAD_VERSION/)
  t.equal(problemOf(pipeline, log, false), 'holds', 'nobody has recorded the call')
  const twice = changed(pipeline, { kind: 'setData', path: '/a', data, version: 2 })
  t.match(problemOf(pipeline, twice, false), /^model: .*a setData that nobody recorded.* made it version 2/)
})

t.test('a session ends with exactly its ephemerals, and once', async t => {
  const { pipeline, client, run } = scene()
  run(createCall('/a'), createCall('/e', { ephemeral: true }), createCall('/f', { ephemeral: true }), { kind: 'closeSession' })
  const { session } = client
  t.equal(problemOf(pipeline, pipeline.log), 'holds')
  const close = (...paths: string[]): TxnChange => ({ kind: 'closeSession', session, paths })
  for (const paths of [['/e'], ['/e', '/f', '/a'], ['/f', '/e'], []]) {
    t.match(
      problemOf(pipeline, changed(pipeline, close(...paths))),
      /^model: .* of its ephemerals the leader lists .* the model has \[\/e, \/f\]/
    )
  }
  const last = pipeline.log.at(-1) as CommittedTxn
  const again = { zxid: zxidOf(pipeline.log.length + 1), txn: { ...last.txn, cxid: 0, change: close() } }
  t.match(problemOf(pipeline, [...pipeline.log, again]), /^model: .* is not there to be closed/)
  const late = { ...again, txn: { ...last.txn, cxid: 5, change: { kind: 'delete', path: '/a' } as const } }
  t.match(problemOf(pipeline, [...pipeline.log, late]), /the leader judged that .* the model SESSION_EXPIRED/)
})

t.test('a session may end in several txns, of which each takes some of what it owns and the last takes the rest', async t => {
  const { pipeline, client, run } = scene()
  const { session } = client
  const ephemerals = ['/d', '/e', '/f'].map(path => createCall(path, { ephemeral: true }))
  withLimits({ closePathsMax: 2 }, () => {
    run(...ephemerals, { kind: 'closeSession' })
    t.equal(problemOf(pipeline, pipeline.log), 'holds')
    const [first, last] = pipeline.log.slice(-2) as [CommittedTxn, CommittedTxn]
    t.strictSame([first.txn.change.kind, last.txn.change.kind], ['closingSession', 'closeSession'])
    const withFirst = (change: TxnChange, of: object = {}) =>
      problemOf(pipeline, pipeline.log.with(-2, { ...first, txn: { ...first.txn, ...of, change } }))
    const closing = (...paths: string[]): TxnChange => ({ kind: 'closingSession', session, paths })
    t.match(withFirst(closing('/e', '/d')), /^model: .* of its ephemerals the leader lists/, 'not sorted')
    t.match(withFirst(closing('/d', '/x')), /^model: .* of its ephemerals the leader lists/, 'not its own')
    t.match(
      withFirst(closing('/d')),
      /^model: .* of its ephemerals the leader lists .* the model has/,
      'then the last leaves some'
    )
    t.match(withFirst(closing('/d', '/e', '/f')), /^model: .* 3 of its ephemerals in one txn/)
    t.match(withFirst(closing()), /^model: .* 0 of its ephemerals in one txn/)
    t.match(withFirst(first.txn.change, { cxid: 4, member: 1 }), /^model: .* is answered before it is closed/)
    const early = {
      ...last,
      zxid: first.zxid,
      txn: { ...last.txn, change: { kind: 'closeSession', session, paths: ['/e', '/f'] } as const }
    }
    t.match(problemOf(pipeline, [...pipeline.log.slice(0, -2), early]), /^model: .* of its ephemerals/, 'one stays behind')
  })
})

t.test('a session whose end has begun does nothing more, and that is in the digest', async t => {
  const { pipeline, client, run } = scene()
  const { session } = client
  withLimits({ closePathsMax: 1 }, () => {
    run(createCall('/d', { ephemeral: true }), createCall('/e', { ephemeral: true }))
    pipeline.expire(session)
    const ending = pipeline.log.at(-1) as CommittedTxn
    const late = { zxid: zxidOf(pipeline.log.length + 1), txn: { ...ending.txn, cxid: 3 } }
    const log = (change: TxnChange) => [...pipeline.log, { ...late, txn: { ...late.txn, change } }]
    t.equal(problemOf(pipeline, log({ kind: 'refused', code: 'SESSION_EXPIRED' }), false), 'holds')
    t.match(
      problemOf(pipeline, log({ kind: 'delete', path: '/d' }), false),
      /the leader judged that .* the model SESSION_EXPIRED/
    )
    const moved = { kind: 'moveSession', session, timeout: 4_000, member: 1 as MemberId, run: 'run 1' } as const
    const asked = { ...late, txn: { ...late.txn, session: NO_SESSION, cxid: 3, change: moved } }
    t.match(problemOf(pipeline, [...pipeline.log, asked], false), /^model: .* is not there to be moved/)
    const ended = { ...asked, txn: { ...asked.txn, change: { kind: 'closeSession', session, paths: ['/e'] } as const } }
    t.match(problemOf(pipeline, [...pipeline.log, ended], false), /^model: .* is closing already/)
    const digestOf = (last: CommittedTxn) => new Timeline(pipeline.log.with(-1, last)).digestAt(last.zxid)
    const whole = { ...ending, txn: { ...ending.txn, change: { kind: 'refused', code: 'SESSION_EXPIRED' } as const } }
    t.not(digestOf(ending).slice(16), digestOf(whole).slice(16))
  })
})

t.test('a session that moves keeps what it owns and its number, and asks from where it lives', async t => {
  const { pipeline, client, run } = scene()
  const { session } = client
  run(createCall('/a'), createCall('/e', { ephemeral: true }))
  const [, second] = pipeline.members
  if (second === undefined) throw new Error('there are three')
  pipeline.ask(second, 'takeOverSession', session)
  pipeline.catchUp()
  const moved = pipeline.log.at(-1) as CommittedTxn
  const taker = pipeline.clients.at(-1)
  if (taker === undefined) throw new Error('it was taken over')
  pipeline.run(taker, setCall('/e', 'moved'))
  const { log } = pipeline
  t.equal(problemOf(pipeline, log), 'holds')
  t.equal(log.at(-1)?.txn.cxid, 3)
  const timeline = new Timeline(log, matchRequests(log, pipeline.history))
  t.strictSame(timeline.ephemeralsAt(session, moved.zxid), ['/e'])
  t.not(timeline.digestAt(moved.zxid).slice(16), timeline.digestAt(moved.zxid - 1).slice(16))
  const last = log.at(-1) as CommittedTxn
  const elsewhere = log.with(-1, { ...last, txn: { ...last.txn, member: 1 as MemberId } })
  t.match(problemOf(pipeline, elsewhere, false), /^model: .* lives in member 2, and member 1 asks in its name/)
  const withMove = (change: object) =>
    problemOf(
      pipeline,
      log.with(-2, { ...moved, txn: { ...moved.txn, change: { ...moved.txn.change, ...change } as TxnChange } }),
      false
    )
  t.match(withMove({ session: 77 }), /^model: .* session 0x4d is not there to be moved/)
  t.match(withMove({ run: 'run 9' }), /^model: .* a session comes to member 2, run run 9/)
  t.match(withMove({ member: 3 }), /^model: .* a session comes to member 3/)
})

t.test('the leader removes by itself what the model would, and nothing else', async t => {
  const { pipeline, run } = scene()
  run(
    createCall('/p'),
    createCall('/c', { lifetime: -1 }),
    createCall('/c/x'),
    createCall('/t', { lifetime: 50 }),
    deleteCall('/c/x')
  )
  pipeline.reap()
  pipeline.pass(100)
  pipeline.reap()
  pipeline.catchUp()
  const { log } = pipeline
  t.strictSame(
    log.slice(-2).map(({ txn: { change } }) => change),
    [
      { kind: 'deleteContainer', path: '/c' },
      { kind: 'deleteContainer', path: '/t' }
    ]
  )
  t.equal(problemOf(pipeline, log), 'holds')
  const last = log.at(-1) as CommittedTxn
  const withLast = (txn: object) => problemOf(pipeline, log.with(-1, { ...last, txn: { ...last.txn, ...txn } }))
  for (const path of ['/p', '/', '/none', '/c']) {
    t.match(withLast({ change: { kind: 'deleteContainer', path } }), /^model: .* which the model would keep/, path)
  }
  t.match(withLast({ time: last.txn.time - 100 }), /^model: .* the leader removes \/t, which the model would keep/, 'too early')
  t.match(withLast({ session: pipeline.clients[0]?.session, cxid: 6 }), /^model: .* somebody is answered by that/)
  t.equal(withLast({ change: { kind: 'multi', changes: [] } }), 'holds', 'it was used again in the meantime')
  t.match(withLast({ change: { kind: 'multi', changes: [{ kind: 'delete', path: '/p' }] } }), /^model: .* SESSION_EXPIRED/)
})

t.test('what is asked is judged by who asks, and by the bounds that the members have', async t => {
  const { pipeline, client, run } = scene()
  client.auth = authOf('alice')
  run(createCall('/a', { acl: [aclFor('alice', 31)] }))
  run(setCall('/a', 'mine'))
  client.auth = authOf('bob')
  run(setCall('/a', 'yours'))
  const { log, history } = pipeline
  t.equal(problemOf(pipeline, log), 'holds')
  const data = new TextEncoder().encode('yours')
  t.match(
    problemOf(pipeline, changed(pipeline, { kind: 'setData', path: '/a', data, version: 2 })),
    /the leader judged that it be done \(setData\), the model NO_AUTH \/a/
  )
  const nobody = history.map(event => (event.kind === 'call' ? { ...event, auth: [] } : event))
  t.throws(
    () => new Timeline(log, matchRequests(log, nobody)),
    /the leader judged that it be done \(setData\), the model NO_AUTH/
  )
  t.throws(() => new Timeline(log, matchRequests(log, history), { childrenMax: 1 }), /the model LIMIT_EXCEEDED \/a/)
})

t.test('usage is shown as it was at every zxid', async t => {
  const { pipeline, run } = scene()
  const stats = '/zookeeper/quota/a/zookeeper_stats'
  const made = run(createCall(stats, { parents: true, data: 'mine' }))
  const first = run(createCall('/a', { data: '1234' }))
  const second = run(createCall('/a/b', { data: null }))
  const gone = run(deleteCall('/a', -1, { recursive: true }))
  const timeline = new Timeline(pipeline.log, matchRequests(pipeline.log, pipeline.history))
  const shown = (zxid: number) => new TextDecoder().decode(timeline.nodeAt(stats, zxid)?.data ?? new Uint8Array())
  t.strictSame([made, first, second, gone].map(shown), [
    'count=0,bytes=0',
    'count=1,bytes=4',
    'count=2,bytes=4',
    'count=0,bytes=0'
  ])
  t.equal(timeline.nodeAt(stats, second)?.stat.dataLength, 15)
  t.equal(timeline.nextChange(stats, made), first)
  t.equal(timeline.nextChange(stats, gone), null)
  t.equal(timeline.nodeAt(stats, made - 1), null)
})

t.test('what had become of a session is known at every zxid', async t => {
  const { pipeline, client, run } = scene()
  const { session } = client
  withLimits({ closePathsMax: 1 }, () => {
    run(createCall('/d', { ephemeral: true }), createCall('/e', { ephemeral: true }), { kind: 'closeSession' })
    const timeline = new Timeline(pipeline.log, matchRequests(pipeline.log, pipeline.history))
    const stages = [session - 1, session, zxidOf(pipeline.log.length - 1), zxidOf(pipeline.log.length)]
    t.strictSame(
      stages.map(zxid => timeline.sessionAt(session, zxid)),
      ['over', 'alive', 'ending', 'over']
    )
  })
})

t.test('a log that is not whole, and numbers that are not contiguous, are found', async t => {
  const { pipeline, run } = scene()
  run(createCall('/a'), setCall('/a', 'one'), setCall('/a', 'two'))
  const { log } = pipeline
  t.match(problemOf(pipeline, log.toSpliced(-2, 1)), /^model: the log has a gap/)
  const last = log.at(-1) as CommittedTxn
  t.match(
    problemOf(pipeline, log.with(-1, { ...last, txn: { ...last.txn, cxid: 2 } })),
    /^model: .* request 2 of session .* behind request 2/
  )
  const first = log[0] as CommittedTxn
  t.match(
    problemOf(pipeline, log.with(0, { ...first, txn: { ...first.txn, cxid: 2 } })),
    /^model: .* request 2 of member 1 .* behind request 0/
  )
  const later = log.with(-1, { ...last, zxid: (last.zxid + 2 ** 32) as never })
  t.equal(problemOf(pipeline, later, false), 'holds', 'a later epoch begins where it likes')
})

t.test('a tree is compared in every znode, every field and the digest', async t => {
  const { pipeline, client, run } = scene()
  const zxid = run(createCall('/a'), createCall('/a/b'), createCall('/c'))
  const { tree } = client.member
  const timeline = new Timeline(pipeline.log, matchRequests(pipeline.log, pipeline.history))
  const local = {
    zxid,
    digest: timeline.digestAt(zxid),
    exists: (path: string) => tree.exists(path),
    getData: (path: string) => tree.readData(path, length => Buffer.alloc(length)),
    getChildren: (path: string) => tree.getChildren(path)
  }
  const problem = (other: Partial<typeof local>): string => {
    try {
      checkState(timeline, { ...local, ...other })
      return 'holds'
    } catch (error) {
      if (error instanceof Violation) return error.message
      throw error
    }
  }
  t.equal(problem({}), 'holds')
  t.match(problem({ digest: 'other' }), /^model: at 0x.* a member has digest other, the model/)
  t.match(problem({ getData: path => (path === '/c' ? null : local.getData(path)) }), /\/c: the member does not have it/)
  const withData = (change: object) => (path: string) => {
    const found = local.getData(path)
    return found === null || path !== '/a/b' ? found : { ...found, ...change }
  }
  t.match(problem({ getData: withData({ data: null }) }), /\/a\/b: the member has other data/)
  const stat = local.exists('/a/b')
  t.match(problem({ getData: withData({ stat: { ...stat, pzxid: 1 } }) }), /\/a\/b: told pzxid 0x1, the model has/)
  const more = (path: string) => {
    const found = local.getChildren(path)
    return found === null || path !== '/a' ? found : { ...found, children: [...found.children, 'more'] }
  }
  t.match(problem({ getChildren: more }), /\/a: the member lists \[b\/more\] below it, the model \[b\]/)
  t.throws(() => checkDigest(timeline, { zxid: zxid - 1, digest: local.digest }), /the model/)
  const forbid = (forbidden: string) => (path: string) => {
    if (path === forbidden) throw new ZooKeeperError('NO_AUTH', { path })
    return local.getData(path)
  }
  t.match(problem({ getData: forbid('/c') }), /\/c: the member lets nobody see it, and in the model everybody may/)
})

t.test('what a member`s own session may not see is compared by the digest alone', async t => {
  const { pipeline, client, run } = scene()
  const zxid = run(createCall('/s', { acl: [aclFor('alice', 31)] }))
  const { tree } = client.member
  const timeline = new Timeline(pipeline.log, matchRequests(pipeline.log, pipeline.history))
  const shut = (path: string) => {
    if (path === '/s') throw new ZooKeeperError('NO_AUTH', { path })
    return tree.readData(path, length => Buffer.alloc(length))
  }
  const [exists, getChildren] = [(path: string) => tree.exists(path), (path: string) => tree.getChildren(path)]
  const local = { zxid, digest: timeline.digestAt(zxid), exists, getChildren, getData: shut }
  t.doesNotThrow(() => checkState(timeline, local))
  t.throws(() => checkState(timeline, { ...local, digest: 'other' }), /a member has digest other/)
  const failing = () => {
    throw new ZooKeeperError('NO_NODE')
  }
  t.throws(() => checkState(timeline, { ...local, getData: failing }), { code: 'NO_NODE' })
})
