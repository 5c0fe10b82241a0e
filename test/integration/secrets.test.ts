import t from 'tap'
import { ProcessCluster } from '../fixtures/integration-cluster.js'

for (const scheme of ['tcp', 'ipc'] as const) {
  t.test(`with a secret over ${scheme}, the ensemble survives its leader as it does without`, async t => {
    const cluster = await ProcessCluster.serving(t, { scheme, options: { secret: 'only the members know it' } })
    for (const member of cluster.members) await member.load()
    for (let kill = 0; kill < 2; kill++) {
      const leader = await cluster.settledLeader()
      const [other] = cluster.followersOf(leader)
      await leader.kill()
      await other?.create(`/after-${kill}`)
      await (await cluster.start(leader.id)).load()
    }
    await cluster.settledLeader()
    for (const member of cluster.members) await member.endLoad()
    await cluster.assertWhole(t)
  })

  t.test(`over ${scheme}, whoever has another secret or none is refused, and the members go on`, async t => {
    const cluster = await ProcessCluster.serving(t, { scheme, options: { secret: 'only the members know it', tickTime: 100 } })
    const leader = await cluster.settledLeader()
    const [other, outsider] = cluster.followersOf(leader)
    if (other === undefined || outsider === undefined) throw new Error('there are two followers')
    await outsider.kill()
    await cluster.wipe(outsider.id)
    await other.load()
    for (const secret of ['something else entirely', undefined]) {
      const { peers, ensemble } = cluster
      const options = {
        id: outsider.id,
        ensemble,
        tickTime: 100,
        startTimeout: 3_000,
        ...(secret === undefined ? {} : { secret })
      }
      const wrong = cluster.launch(outsider.id, {}, { peers, options })
      await t.rejects(wrong.started, { code: 'AUTHENTICATION_FAILED' }, secret === undefined ? 'none' : 'another one')
      t.strictSame(await wrong.exited, { code: 0, signal: null }, 'its process ends by itself')
    }
    await other.create('/still-there')
    await other.endLoad()
    await cluster.start(outsider.id)
    await cluster.settledLeader()
    await cluster.assertWhole(t)
  })
}
