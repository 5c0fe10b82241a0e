import t, { type Test } from 'tap'
import { createEnsembleMemberIn, type MemberOptions, type MemberProgress } from '../../lib/member/index.js'
import { VirtualEnsemble } from '../../lib/sim/world/virtual-ensemble.js'
import { openMemoryStorage } from '../../lib/storage/index.js'
import { claimOf, outcomeOf } from '../fixtures/outcome.js'

/** Nothing of a start that has failed goes on: nothing is sent, and its address and disk can be used at once. */
async function leftNothing(t: Test, ensemble: VirtualEnsemble): Promise<void> {
  await ensemble.run(500)
  const { events } = ensemble.virtual
  await ensemble.run(30_000)
  t.ok(ensemble.virtual.events - events <= 1, 'no timer is left')
}

t.test('a start without a quorum is given up in time, with what was missing', async t => {
  const ensemble = new VirtualEnsemble({ seed: 131 })
  const error = await ensemble.settle(
    ensemble.start(1, { startTimeout: 2_000 }).then(
      () => null,
      (reason: Error) => reason
    )
  )
  t.match(error, { code: 'START_TIMEOUT', retryable: true })
  t.match(error?.message, /2, 3/, 'it names who is missing')
  t.ok(ensemble.virtual.now < 2_500)
  await leftNothing(t, ensemble)
  await ensemble.startAll()
  t.equal(ensemble.leader.status().standing, 'member')
  await ensemble.close()
})

t.test('a member that waits to start says whom it waits for, before there is a handle to listen on', async t => {
  const ensemble = new VirtualEnsemble({ seed: 130 })
  const told: MemberProgress[] = []
  const start = (id: number) => ensemble.start(id, { onProgress: progress => id === 1 && told.push(progress) })
  const starts = [start(1), start(2)]
  await ensemble.until(() => told.some(progress => progress.kind === 'waiting' && progress.missing.join() === '3'))
  starts.push(start(3))
  await ensemble.settle(Promise.all(starts))
  t.match(told.at(-1), { kind: 'serving', epoch: 1 })
  await ensemble.close()
})

t.test('an aborted start rejects with the reason and leaves nothing', async t => {
  const reason = new Error('changed my mind')
  t.equal(await outcomeOf(new VirtualEnsemble({}).start(1, { signal: AbortSignal.abort() })), 'AbortError')
  for (const size of [1, 3]) {
    for (let events = 0; events < 40; events += 3) {
      const ensemble = new VirtualEnsemble({ seed: 132, size })
      const controller = new AbortController()
      const start = ensemble.start(1, { signal: controller.signal }).then(
        () => null,
        (error: unknown) => error
      )
      await ensemble.events(events)
      controller.abort(reason)
      const error = await ensemble.settle(start)
      if (error === null) t.equal(size, 1, 'only what had everything it needed may have started')
      else t.equal(error, reason)
      await ensemble.stop(1)
      await leftNothing(t, ensemble)
      await ensemble.startAll()
      await ensemble.close()
    }
  }
})

t.test('an address that is taken is refused, and the disk is free again', async t => {
  const ensemble = new VirtualEnsemble({ seed: 133, size: 1 })
  const squatter = ensemble.network.transport('other', ensemble.virtual.runtime.scheduler)
  const listener = await squatter.listen({ scheme: 'memory', name: 'm1' }, channel =>
    channel.close({ code: 'CLOSED', detail: '' })
  )
  t.equal(await ensemble.settle(claimOf(ensemble.start(1))), 'ADDRESS_UNAVAILABLE not-applied')
  await leftNothing(t, ensemble)
  await listener.close()
  await ensemble.startAll()
  t.equal(await ensemble.settle(outcomeOf(ensemble.member(1).create('/a'))), 'OK')
  await ensemble.close()
})

t.test('a member with another peer list, name or secret is told so as soon as a quorum refuses it', async t => {
  const cases = [
    { options: { ensemble: 'another' }, peers: undefined, code: 'ENSEMBLE_MISMATCH' },
    { options: {}, peers: ['memory:m1', 'memory:m2', 'memory:m3', 'memory:m4'], code: 'PEER_LIST_MISMATCH' }
  ]
  for (const { options, peers, code } of cases) {
    const ensemble = new VirtualEnsemble({ seed: 134 })
    await ensemble.startAll()
    const { id } = ensemble.follower
    await ensemble.crash(id)
    await ensemble.wipe(id)
    const refused: string[] = []
    ensemble.leader.on('progress', progress => progress.kind === 'refused' && refused.push(progress.code))
    const began = ensemble.virtual.now
    t.equal(await ensemble.settle(claimOf(ensemble.start(id, options, peers))), `${code} not-applied`)
    if (peers === undefined) t.ok(ensemble.virtual.now - began < 5_000, 'long before its start times out')
    t.ok(refused.includes(code), 'the other side says so as well')
    await ensemble.run(100)
    const sent = ensemble.trace.filter(line => line.includes(` ${id} `)).length
    await ensemble.run(5_000)
    t.equal(ensemble.trace.filter(line => line.includes(` ${id} `)).length, sent, 'it has stopped')
    await ensemble.wipe(id)
    await ensemble.restart(id)
    await ensemble.converge()
    await ensemble.close()
  }
})

t.test('a member that only some refuse goes on without them', async t => {
  const ensemble = new VirtualEnsemble({ seed: 135 })
  const peers = ['memory:m1', 'memory:m2', 'memory:m3']
  const odd = ensemble
    .start(3, { ensemble: 'another', startTimeout: 3_000 }, peers)
    .catch((error: { code: string }) => error.code)
  const even = [ensemble.start(1), ensemble.start(2)]
  t.equal(await ensemble.settle(odd), 'ENSEMBLE_MISMATCH', 'two of three refuse it')
  await ensemble.run(100)
  t.equal(ensemble.members.length, 0, 'one of three is no reason to give up')
  await ensemble.wipe(3)
  await ensemble.settle(Promise.all([...even, ensemble.start(3)]))
  t.equal(ensemble.members.length, 3)
  await ensemble.close()
})

t.test('a store of another ensemble or member is refused', async t => {
  const ensemble = new VirtualEnsemble({ seed: 136, size: 1 })
  await ensemble.startAll()
  await ensemble.crash(1)
  t.equal(await ensemble.settle(claimOf(ensemble.start(1, { ensemble: 'another' }))), 'ENSEMBLE_MISMATCH not-applied')
  await leftNothing(t, ensemble)
  await ensemble.startAll()
  await ensemble.close()
})

t.test('a disk that fails at the start is an error of the start', async t => {
  const ensemble = new VirtualEnsemble({ seed: 137, size: 1 })
  ensemble.disk(1).failNext('clean')
  t.equal(await ensemble.settle(outcomeOf(ensemble.start(1))), 'STORAGE_FAILED')
  await leftNothing(t, ensemble)
  await ensemble.startAll()
  await ensemble.close()
})

t.test('without an id, each member takes the first address that is free', async t => {
  const ensemble = new VirtualEnsemble({ seed: 138 })
  const peers = ['memory:m1', 'memory:m2', 'memory:m3']
  const begin = (name: string, options: MemberOptions = {}) => {
    const runtime = ensemble.virtual.process()
    return createEnsembleMemberIn(peers, options, {
      runtime,
      transports: () => ({ memory: ensemble.network.transport(name, runtime.scheduler) }),
      storage: (_, storageOptions) => openMemoryStorage(storageOptions)
    })
  }
  const starting = []
  for (const name of ['a', 'b', 'c']) {
    starting.push(begin(name))
    await ensemble.run(10)
  }
  const members = await ensemble.settle(Promise.all(starting))
  t.strictSame(
    members.map(({ id }) => id),
    [1, 2, 3]
  )
  t.equal(await ensemble.settle(outcomeOf(begin('d'))), 'ADDRESS_UNAVAILABLE')
  await ensemble.settle(Promise.all(members.map(member => member.close())))
  await ensemble.close()
})

t.test('bits that flip in handshakes delay a start and do not end it', async t => {
  let garbled = 0
  for (let seed = 1; seed <= 20; seed++) {
    const ensemble = new VirtualEnsemble({ seed, size: 2, network: { segmentBytes: 64 } })
    for (let flip = 0; flip < 3; flip++) {
      ensemble.network.flipNext('m1', 'm2')
      ensemble.network.flipNext('m2', 'm1')
    }
    const onProgress = (progress: MemberProgress) => {
      if (progress.kind === 'refused' && progress.code === 'BAD_FRAME') garbled++
    }
    await ensemble.settle(Promise.all(ensemble.ids.map(id => ensemble.start(id, { onProgress }))))
    await ensemble.converge()
    await ensemble.close()
  }
  t.ok(garbled >= 20, `${garbled} handshakes were garbled`)
})
