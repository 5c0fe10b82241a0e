import t from 'tap'
import { isZooKeeperError, ZooKeeperError } from '../../lib/base/index.js'
import type { MultiOp } from '../../lib/member/index.js'
import { VirtualEnsemble } from '../../lib/sim/world/virtual-ensemble.js'
import { claimOf, outcomeOf } from '../fixtures/outcome.js'

const MIB = 1024 * 1024

t.test('a write from any member is read there at once, and everywhere after a sync', async t => {
  const ensemble = new VirtualEnsemble({ seed: 51 })
  await ensemble.startAll()
  for (const id of ensemble.ids) {
    const member = ensemble.member(id)
    const { path, stat } = await ensemble.settle(member.create(`/from-${id}`, `by ${id}`))
    t.equal(path, `/from-${id}`)
    const read = await ensemble.settle(member.getData(path))
    t.equal(read.data?.toString(), `by ${id}`)
    t.strictSame(read.stat, stat)
    for (const other of ensemble.members) {
      const zxid = await ensemble.settle(other.sync())
      t.ok(zxid >= stat.czxid)
      t.ok(other.local.exists(path))
    }
  }
  await ensemble.close()
})

t.test('a linearizable read at any member sees what any other has acknowledged', async t => {
  const ensemble = new VirtualEnsemble({ seed: 52 })
  await ensemble.startAll()
  await ensemble.settle(ensemble.member(1).create('/linear', '0'))
  for (let version = 1; version <= 12; version++) {
    await ensemble.settle(ensemble.member((version % 3) + 1).setData('/linear', String(version)))
    const reader = ensemble.member(((version + 1) % 3) + 1)
    const { stat } = await ensemble.settle(reader.getData('/linear', { linearizable: true }))
    t.equal(stat.version, version)
  }
  await ensemble.close()
})

t.test('a leader that is cut off answers no linearizable read, and still none after another leads', async t => {
  const ensemble = new VirtualEnsemble({
    seed: 53,
    options: { requestTimeout: 1_500, sessionTimeout: 20_000, maxSessionTimeout: 20_000 }
  })
  await ensemble.startAll()
  const old = ensemble.leader
  await ensemble.settle(old.create('/cut', 'old'))
  // Nobody is told: both sides go on believing in their links.
  for (const id of ensemble.ids) {
    if (id === old.id) continue
    ensemble.swallow(old.id, id)
    ensemble.swallow(id, old.id)
  }
  const early = outcomeOf(old.getData('/cut', { linearizable: true }))
  t.equal(old.local.getData('/cut')?.data?.toString(), 'old', 'what it shows without asking anybody may be old')
  await ensemble.until(
    () => ensemble.leaderOrNull !== null && ensemble.leaderOrNull.id !== old.id && ensemble.followers.length === 1
  )
  await ensemble.settle(ensemble.leader.setData('/cut', 'new'))
  const late = outcomeOf(old.getData('/cut', { linearizable: true }))
  t.equal(await ensemble.settle(early), 'OPERATION_TIMEOUT')
  t.equal(await ensemble.settle(late), 'OPERATION_TIMEOUT')
  ensemble.healAll()
  await ensemble.converge()
  const { data } = await ensemble.settle(old.getData('/cut', { linearizable: true }))
  t.equal(data?.toString(), 'new')
  await ensemble.close()
})

t.test('two leaders believe in themselves for a moment, and only one can commit', async t => {
  const ensemble = new VirtualEnsemble({ seed: 54, options: { sessionTimeout: 20_000, maxSessionTimeout: 20_000 } })
  await ensemble.startAll()
  const old = ensemble.leader
  await ensemble.settle(old.create('/two', 'x'))
  for (const id of ensemble.ids) if (id !== old.id) ensemble.swallow(id, old.id)
  // The others do not hear it either, so they elect before it gives up: its clock is the slower one.
  for (const id of ensemble.ids) if (id !== old.id) ensemble.cut(id, old.id)
  const lost = old.setData('/two', 'by the old', { version: 0 })
  await ensemble.until(() => ensemble.members.filter(member => member.role === 'leading' && member.status().serving).length === 2)
  const kept = ensemble.leader.setData('/two', 'by the new', { version: 0 })
  t.equal((await ensemble.settle(kept)).version, 1)
  ensemble.healAll()
  t.equal(await ensemble.settle(claimOf(lost)), 'BAD_VERSION not-applied', 'it is judged in the new epoch')
  await ensemble.converge()
  for (const { local } of ensemble.members) t.equal(local.getData('/two')?.data?.toString(), 'by the new')
  await ensemble.close()
})

t.test('every refusal has its code, says that nothing happened, and names path and zxid', async t => {
  const ensemble = new VirtualEnsemble({ seed: 55 })
  await ensemble.startAll()
  for (const member of [ensemble.leader, ensemble.follower]) {
    const base = `/refusals-${member.id}`
    await ensemble.settle(member.create(base))
    await ensemble.settle(member.create(`${base}/child`))
    await ensemble.settle(member.create(`${base}/gone`, null, { ephemeral: true }))
    const refused = async (call: Promise<unknown>, code: string, path: string) => {
      const error = await ensemble.settle(
        call.then(
          () => null,
          (reason: unknown) => reason
        )
      )
      if (!isZooKeeperError(error)) throw new Error(`${code} was expected`)
      t.equal(error.code, code)
      t.equal(error.outcome, 'not-applied')
      t.equal(error.path, path)
      t.ok((error.zxid ?? 0) > 0)
    }
    await refused(member.create(base), 'NODE_EXISTS', base)
    await refused(member.create('/'), 'NODE_EXISTS', '/')
    await refused(member.create(`${base}/no/such`), 'NO_NODE', `${base}/no/such`)
    await refused(member.create(`${base}/gone/below`), 'NO_CHILDREN_FOR_EPHEMERALS', `${base}/gone/below`)
    await refused(member.delete(`${base}/none`), 'NO_NODE', `${base}/none`)
    await refused(member.delete(base, { version: 1 }), 'BAD_VERSION', base)
    await refused(member.delete(base), 'NOT_EMPTY', base)
    await refused(member.setData(`${base}/none`, 'x'), 'NO_NODE', `${base}/none`)
    await refused(member.setData(base, 'x', { version: 5 }), 'BAD_VERSION', base)
    await refused(member.getData(`${base}/none`), 'NO_NODE', `${base}/none`)
    await refused(member.getChildren(`${base}/none`), 'NO_NODE', `${base}/none`)
    t.equal(await ensemble.settle(member.exists(`${base}/none`)), null)
    t.strictSame(member.local.getChildren(base)?.children, ['child', 'gone'])
  }
  await ensemble.close()
})

t.test('a multi is one zxid and has a result for each of its operations', async t => {
  const ensemble = new VirtualEnsemble({ seed: 56 })
  await ensemble.startAll()
  for (const member of [ensemble.leader, ensemble.follower]) {
    const base = `/multi-${member.id}`
    const results = await ensemble.settle(
      member.multi([
        { type: 'create', path: base, data: 'a' },
        { type: 'check', path: base, version: 0 },
        { type: 'setData', path: base, data: 'b', version: 0 },
        { type: 'create', path: `${base}/s-`, sequential: true },
        { type: 'create', path: `${base}/e`, ephemeral: true },
        { type: 'delete', path: `${base}/e` }
      ])
    )
    t.strictSame(
      results.map(({ type }) => type),
      ['create', 'check', 'setData', 'create', 'create', 'delete']
    )
    const [created, , set, sequential] = results
    if (created?.type !== 'create' || set?.type !== 'setData' || sequential?.type !== 'create')
      throw new Error('results of other kinds')
    t.equal(sequential.path, `${base}/s-0000000000`)
    t.equal(set.stat.mzxid, created.stat.czxid, 'one zxid for all')
    t.equal(set.stat.version, 1)
    t.strictSame(await ensemble.settle(member.multi([])), [])
    const failing: MultiOp[] = [
      { type: 'setData', path: base, data: 'c' },
      { type: 'check', path: base, version: 1 },
      { type: 'delete', path: base }
    ]
    const error = await ensemble.settle(
      member.multi(failing).then(
        () => null,
        (reason: unknown) => reason
      )
    )
    t.ok(error instanceof ZooKeeperError)
    t.match(error, { code: 'BAD_VERSION', path: base, results: ['OK', 'BAD_VERSION', 'RUNTIME_INCONSISTENCY'] })
    t.equal(member.local.getData(base)?.data?.toString(), 'b', 'all or nothing')
  }
  await ensemble.close()
})

t.test('sequential names count the creates of their parent, whoever asks', async t => {
  const ensemble = new VirtualEnsemble({ seed: 57 })
  await ensemble.startAll()
  await ensemble.settle(ensemble.member(1).create('/queue'))
  const calls = Array.from({ length: 30 }, (_, index) =>
    ensemble.member((index % 3) + 1).create('/queue/n-', null, { sequential: true })
  )
  const created = await ensemble.settle(Promise.all(calls))
  const names = created.map(({ path }) => path)
  t.strictSame(
    [...names].sort(),
    Array.from({ length: 30 }, (_, index) => `/queue/n-${String(index).padStart(10, '0')}`)
  )
  for (let id = 0; id < 3; id++) {
    const own = names.filter((_, index) => index % 3 === id)
    t.strictSame(own, [...own].sort(), 'those of one session in the order in which they were asked for')
  }
  t.equal((await ensemble.settle(ensemble.member(2).create('/queue/', null, { sequential: true }))).path, '/queue/0000000030')
  await ensemble.close()
})

t.test('a Stat counts exactly', async t => {
  const ensemble = new VirtualEnsemble({ seed: 58 })
  await ensemble.startAll()
  const member = ensemble.follower
  const { stat: created } = await ensemble.settle(member.create('/stat', 'abc'))
  t.match(created, { version: 0, cversion: 0, aversion: 0, dataLength: 3, numChildren: 0, ephemeralOwner: 0 })
  t.equal(created.mzxid, created.czxid)
  t.equal(created.pzxid, created.czxid)
  t.equal(created.mtime, created.ctime)
  await ensemble.run(50)
  const set = await ensemble.settle(member.setData('/stat', 'abcdef'))
  t.strictSame(set, { ...created, mzxid: set.mzxid, mtime: set.mtime, version: 1, dataLength: 6 })
  t.ok(set.mzxid > created.mzxid && set.mtime >= created.mtime + 50)
  const { stat: child } = await ensemble.settle(member.create('/stat/child', null, { ephemeral: true }))
  t.equal(child.ephemeralOwner, member.sessionId)
  const parent = await ensemble.settle(member.exists('/stat'))
  t.strictSame(parent, { ...set, pzxid: child.czxid, cversion: 1, numChildren: 1 })
  await ensemble.settle(member.delete('/stat/child'))
  const after = await ensemble.settle(member.exists('/stat'))
  t.match(after, { cversion: 2, numChildren: 0, version: 1, mzxid: set.mzxid })
  t.ok((after?.pzxid ?? 0) > child.czxid)
  t.equal((await ensemble.settle(member.setData('/stat', null))).dataLength, 0)
  t.equal((await ensemble.settle(member.getData('/stat'))).data, null)
  t.equal((await ensemble.settle(member.setData('/stat', ''))).version, 3)
  t.equal((await ensemble.settle(member.getData('/stat'))).data?.length, 0)
  await ensemble.converge()
  for (const { local } of ensemble.members) t.strictSame(local.exists('/stat'), await ensemble.settle(member.exists('/stat')))
  t.strictSame(JSON.parse(JSON.stringify(after)), after, 'JSON-safe')
  await ensemble.close()
})

t.test('data given and data returned are copies', async t => {
  const ensemble = new VirtualEnsemble({ seed: 59 })
  await ensemble.startAll()
  for (const member of [ensemble.leader, ensemble.follower]) {
    const path = `/copies-${member.id}`
    const given = Buffer.from('given')
    const creating = member.create(path, given)
    given.fill(0)
    await ensemble.settle(creating)
    const again = new Uint8Array([1, 2, 3])
    const multi = member.multi([{ type: 'create', path: `${path}/m`, data: again }])
    again.fill(9)
    await ensemble.settle(multi)
    t.strictSame([...(member.local.getData(`${path}/m`)?.data ?? [])], [1, 2, 3])
    const first = await ensemble.settle(member.getData(path))
    t.equal(first.data?.toString(), 'given')
    first.data?.fill(0)
    member.local.getData(path)?.data?.fill(0)
    t.equal((await ensemble.settle(member.getData(path))).data?.toString(), 'given')
    t.equal(member.local.getData(path)?.data?.toString(), 'given')
    const listed = await ensemble.settle(member.getChildren(path))
    ;(listed.children as string[]).push('forged')
    t.strictSame(member.local.getChildren(path)?.children, ['m'])
    const stat = member.local.exists(path) as { version: number } | null
    if (stat !== null) stat.version = 77
    t.equal(member.local.exists(path)?.version, 0)
    t.equal((await ensemble.settle(member.setData(path, 'x', { version: 0 }))).version, 1)
  }
  await ensemble.converge()
  await ensemble.close()
})

t.test('a mebibyte is the most that a znode holds', async t => {
  const ensemble = new VirtualEnsemble({ seed: 60 })
  await ensemble.startAll()
  const member = ensemble.follower
  await ensemble.settle(member.create('/big', Buffer.alloc(MIB, 1)))
  t.equal((await ensemble.settle(member.getData('/big'))).data?.length, MIB)
  t.equal(await claimOf(member.create('/bigger', Buffer.alloc(MIB + 1))), 'BAD_ARGUMENTS not-applied')
  t.equal(await claimOf(member.setData('/big', 'x'.repeat(MIB + 1))), 'BAD_ARGUMENTS not-applied')
  t.equal(await claimOf(member.setData('/big', `${'x'.repeat(MIB - 1)}é`)), 'BAD_ARGUMENTS not-applied', 'bytes, not characters')
  t.equal(member.status().outstanding, 0, 'nothing was sent')
  const ops: MultiOp[] = Array.from({ length: 5 }, (_, index) => ({
    type: 'create',
    path: `/b${index}`,
    data: Buffer.alloc(MIB)
  }))
  t.equal(await claimOf(member.multi(ops)), 'BAD_ARGUMENTS not-applied', 'too large for one txn')
  await ensemble.settle(member.multi(ops.slice(0, 3)))
  await ensemble.converge()
  await ensemble.close()
})

t.test('a multi has at most a thousand operations, on every member', async t => {
  const ensemble = new VirtualEnsemble({ seed: 61 })
  await ensemble.startAll()
  for (const member of [ensemble.leader, ensemble.follower]) {
    const ops: MultiOp[] = Array.from({ length: 1_001 }, (_, index) => ({ type: 'create', path: `/ops-${member.id}-${index}` }))
    t.equal(await ensemble.settle(outcomeOf(member.multi(ops))), 'BAD_ARGUMENTS')
    await ensemble.settle(member.multi(ops.slice(1)))
    t.equal(member.state, 'connected')
  }
  await ensemble.converge()
  await ensemble.close()
})

t.test('the longest path that can be asked for can be read back everywhere', async t => {
  const ensemble = new VirtualEnsemble({ seed: 62 })
  await ensemble.startAll()
  const member = ensemble.follower
  const longest = `/${'p'.repeat(1_023)}`
  await ensemble.settle(member.create(longest))
  t.equal(await claimOf(member.create(`${longest}p`)), 'BAD_ARGUMENTS not-applied')
  const prefix = `/${'s'.repeat(1_013)}`
  await ensemble.settle(member.create(prefix, null, { sequential: true }))
  t.equal(await claimOf(member.create(`${prefix}s`, null, { sequential: true })), 'BAD_ARGUMENTS not-applied')
  const wide = `/${'é'.repeat(511)}`
  await ensemble.settle(member.create(wide))
  t.equal(await claimOf(member.create(`${wide}é`)), 'BAD_ARGUMENTS not-applied')
  await ensemble.converge()
  await ensemble.restart(member.id)
  await ensemble.close()
})

t.test('what is wrong with a call is said before anything is sent', async t => {
  const ensemble = new VirtualEnsemble({ seed: 63 })
  await ensemble.startAll()
  const member = ensemble.follower
  const paths = [
    '',
    'a',
    '/a/',
    '//',
    '/a//b',
    '/a/./b',
    '/a/../b',
    '/a\0',
    '/a\u0001',
    '/\ud800',
    '/a\ufffe',
    7,
    null,
    undefined,
    {},
    ['/a']
  ]
  let frames = 0
  const calls: (() => Promise<unknown>)[] = []
  for (const wrong of paths) {
    const path = wrong as string
    calls.push(
      () => member.create(path),
      () => member.delete(path),
      () => member.setData(path, 'x')
    )
    calls.push(
      () => member.getData(path),
      () => member.exists(path),
      () => member.getChildren(path)
    )
    calls.push(() => member.getData(path, { linearizable: true }))
    calls.push(
      () => member.multi([{ type: 'check', path }]),
      () => member.multi([{ type: 'create', path }])
    )
  }
  calls.push(
    () => member.create('/zookeeper'),
    () => member.create('/zookeeper/x'),
    () => member.delete('/zookeeper')
  )
  calls.push(
    () => member.setData('/zookeeper/config', 'x'),
    () => member.create('/zookeeper/s', null, { sequential: true })
  )
  for (const version of [1.5, -2, 2 ** 31, Number.NaN, '1', null]) {
    calls.push(
      () => member.delete('/a', { version: version as number }),
      () => member.setData('/a', 'x', { version: version as number })
    )
    calls.push(() => member.multi([{ type: 'check', path: '/a', version: version as number }]))
  }
  for (const data of [7, {}, [1], true])
    calls.push(
      () => member.create('/a', data as never),
      () => member.setData('/a', data as never)
    )
  for (const timeout of [0, -1, Number.NaN, 2 ** 31, '5', Number.POSITIVE_INFINITY]) {
    calls.push(
      () => member.create('/a', null, { timeout: timeout as number }),
      () => member.exists('/a', { timeout: timeout as number })
    )
    calls.push(() => member.sync({ timeout: timeout as number }))
  }
  for (const signal of [{}, 'now', null]) calls.push(() => member.create('/a', null, { signal: signal as never }))
  calls.push(
    () => member.create('/a', null, { ephemeral: 1 as never }),
    () => member.create('/a', null, { sequential: 'yes' as never })
  )
  calls.push(
    () => member.multi('ops' as never),
    () => member.multi([null as never]),
    () => member.multi([{ type: 'sync' } as never])
  )
  calls.push(
    () => member.exists('/', { watch: 'me' as never }),
    () => member.getData('/', { watch: {} as never })
  )
  calls.push(() => member.getChildren('/', { watch: 1 as never }))
  ensemble.onFrame = ({ from, kind }) => {
    if (from === member.id && (kind === 'requests' || kind === 'readIndex')) frames++
  }
  for (const call of calls) t.equal(await ensemble.settle(claimOf(call())), 'BAD_ARGUMENTS not-applied', String(call))
  for (const path of paths) t.throws(() => member.watch(path as string), { code: 'BAD_ARGUMENTS' })
  t.throws(() => member.watch('/', {}, 'me' as never), { code: 'BAD_ARGUMENTS' })
  t.throws(() => member.local.getData('nope'), { code: 'BAD_ARGUMENTS' })
  t.equal(frames, 0)
  t.equal(member.status().watches, 0)
  await ensemble.close()
})

t.test('more than the outstanding limit is refused, may be tried again, and disturbs nothing that is under way', async t => {
  const ensemble = new VirtualEnsemble({ seed: 64, options: { outstandingLimit: { requests: 50 } } })
  await ensemble.startAll()
  const member = ensemble.follower
  const outcomes = Array.from({ length: 60 }, (_, index) => claimOf(member.create(`/t${index}`)))
  const reads = claimOf(member.getData('/t49'))
  const settled = await ensemble.settle(Promise.all(outcomes))
  t.strictSame(settled.slice(0, 50), Array(50).fill('OK'))
  t.strictSame(settled.slice(50), Array(10).fill('THROTTLED not-applied'))
  t.equal(await ensemble.settle(reads), 'OK')
  t.equal(await ensemble.settle(claimOf(member.create('/t50'))), 'OK')
  t.equal(member.status().outstanding, 0)
  await ensemble.close()
})

t.test('the bytes that are outstanding are bounded, and one request always goes', async t => {
  const ensemble = new VirtualEnsemble({ seed: 65, options: { outstandingLimit: { bytes: 1_000 } } })
  await ensemble.startAll()
  const member = ensemble.follower
  const large = claimOf(member.create('/large', Buffer.alloc(5_000)))
  t.equal(await claimOf(member.create('/small')), 'THROTTLED not-applied')
  t.equal(await ensemble.settle(large), 'OK')
  await ensemble.close()
})

t.test('a write that times out or is aborted may have happened, and the session goes on behind it', async t => {
  const ensemble = new VirtualEnsemble({ seed: 66, options: { sessionTimeout: 10_000 } })
  await ensemble.startAll()
  const member = ensemble.follower
  await ensemble.settle(member.create('/late', '0'))
  ensemble.isolate(member.id)
  const controller = new AbortController()
  const reason = new Error('enough')
  const timedOut = claimOf(member.setData('/late', '1', { timeout: 300 }))
  const aborted = member.setData('/late', '2', { signal: controller.signal }).catch((error: unknown) => error)
  const patient = member.setData('/late', '3')
  const read = member.getData('/late')
  await ensemble.run(100)
  controller.abort(reason)
  t.equal(await ensemble.settle(aborted), reason)
  t.equal(await ensemble.settle(timedOut), 'OPERATION_TIMEOUT unknown')
  ensemble.healAll()
  t.equal((await ensemble.settle(patient)).version, 3, 'both did happen')
  t.equal((await ensemble.settle(read)).data?.toString(), '3')
  t.equal(await claimOf(member.exists('/late', { signal: controller.signal })), String(reason))
  t.equal(await claimOf(member.create('/not-sent', null, { signal: controller.signal })), String(reason))
  await ensemble.converge()
  t.equal(member.local.exists('/not-sent'), null, 'aborted before it was sent')
  await ensemble.close()
})
