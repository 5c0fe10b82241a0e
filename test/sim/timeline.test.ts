import t from 'tap'
import type { SessionId } from '../../lib/base/index.js'
import { Violation } from '../../lib/sim/checker.js'
import type { CommittedTxn } from '../../lib/sim/history.js'
import { matchRequests } from '../../lib/sim/model/request-matching.js'
import { checkDigest, checkState } from '../../lib/sim/model/state-check.js'
import { Timeline } from '../../lib/sim/model/timeline.js'
import type { TxnChange } from '../../lib/wire/index.js'
import { Pipeline, zxidOf } from '../fixtures/pipeline-history.js'
import { createCall, deleteCall, setCall } from '../fixtures/witness-verdict.js'

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
  t.strictSame(timeline.pathsAt(second), ['/', '/a', '/a/b', '/a/e', '/zookeeper'])
  t.equal(timeline.absentSince('/a', created), gone)
  t.equal(timeline.absentSince('/a', gone), gone)
  t.equal(timeline.absentSince('/a', again), null)
  t.equal(timeline.ephemeralsSince(session, ['/a/e'], 0), child)
  t.equal(timeline.ephemeralsSince(session, [], child), gone - 1)
  t.equal(timeline.ephemeralsSince(session, ['/b'], 0), null)
  const stat = timeline.nodeAt('/a', written)?.stat
  if (stat === undefined) throw new Error('it is there')
  t.equal(timeline.statSince('/a', stat, 0), written)
  t.equal(timeline.statSince('/a', stat, child), null, 'a child has changed it')
  t.equal(timeline.statSince('/a', { ...stat, version: 7 }, 0), null)
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
    data,
    owner: 0 as SessionId,
    parentCversion: 1,
    ...change
  })
  t.match(problemOf(pipeline, changed(pipeline, create({ path: '/a/n-0000000001' }))), /the leader named it \/a\/n-0000000001/)
  t.match(
    problemOf(pipeline, changed(pipeline, create({ parentCversion: 2 }))),
    /the leader counted 2 creates below its parent, the model 1/
  )
  t.match(problemOf(pipeline, changed(pipeline, create({ owner: 4 }))), /the leader gave it to 0x4/)
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
})
