import t from 'tap'
import { createEnsembleMemberIn, nodeRuntime } from '../../lib/member/index.js'
import { openMemoryStorage } from '../../lib/storage/index.js'
import { parseAddress, TcpTransport, type Transport } from '../../lib/transport/index.js'
import { ProcessCluster } from '../fixtures/integration-cluster.js'
import { freePorts } from '../fixtures/integration-ports.js'

t.test(
  'a member that was told something else than the others is refused by name of what differs, and the others go on',
  async t => {
    const cluster = await ProcessCluster.settled(t)
    const leader = await cluster.settledLeader()
    const [absent] = cluster.followersOf(leader)
    if (absent === undefined) throw new Error('there are two followers')
    await absent.kill()
    await cluster.wipe(absent.id)
    for (const member of cluster.members) await member.load()

    const [port] = await freePorts(1)
    const elsewhere = { ...cluster.peers, [leader.id]: `tcp://127.0.0.1:${port}` }
    const wider = { ...cluster.peers, 4: `tcp://127.0.0.1:${port}` }
    const cases = [
      ['ENSEMBLE_MISMATCH', { ensemble: 'another' }, cluster.peers],
      ['PEER_LIST_MISMATCH', {}, elsewhere],
      ['PEER_LIST_MISMATCH', {}, wider]
    ] as const
    for (const [code, options, peers] of cases) {
      const wrong = cluster.launch(absent.id, options, { peers })
      await t.rejects(wrong.started, { code })
      t.strictSame(await wrong.exited, { code: 0, signal: null }, 'its process ends by itself')
      await cluster.wipe(absent.id)
    }
    await cluster.start(absent.id)
    await cluster.endLoadAndAssertWhole(t)
  }
)

t.test('a member whose data is of another ensemble of the same name is refused', async t => {
  const cluster = await ProcessCluster.settled(t)
  const other = await ProcessCluster.serving(t, { options: { ensemble: cluster.ensemble } })
  const leader = await cluster.settledLeader()
  const [absent] = cluster.followersOf(leader)
  if (absent === undefined) throw new Error('there are two followers')
  await absent.kill()
  await other.killAll()
  const stray = cluster.launch(absent.id, { dataDir: other.dataDir(absent.id) })
  await t.rejects(stray.started, { code: 'ENSEMBLE_MISMATCH' })
  t.strictSame(await stray.exited, { code: 0, signal: null }, 'its process ends by itself')
  for (const member of cluster.members) await member.load()
  await cluster.start(absent.id)
  await cluster.endLoadAndAssertWhole(t)
})

t.test('a second process with the id of a member that is there is refused, and the first is not disturbed', async t => {
  const cluster = await ProcessCluster.settled(t)
  for (const member of cluster.members) await member.load()
  const { epoch } = await cluster.status(1)
  const [port] = await freePorts(1)
  const runtime = nodeRuntime()
  const options = { id: 3, ensemble: cluster.ensemble }
  // On another machine it could listen on the same address; here it listens beside it.
  const beside = (transport: Transport): Transport => ({
    provesSecret: transport.provesSecret,
    listen: (_address, onChannel) => transport.listen(parseAddress(`tcp://127.0.0.1:${port}`), onChannel),
    dial: (address, signal) => transport.dial(address, signal)
  })
  const second = createEnsembleMemberIn(cluster.peers, options, {
    runtime,
    transports: ({ secret, ensemble }, { scheduler }) => ({
      tcp: beside(new TcpTransport({ scheduler, secret, ensembleName: ensemble }))
    }),
    storage: (_options, storageOptions) => openMemoryStorage(storageOptions)
  })
  await t.rejects(second, { code: 'DUPLICATE_ID' })
  t.equal((await cluster.status(1)).epoch, epoch, 'nobody was disturbed')
  await cluster.endLoadAndAssertWhole(t)
})
