import t from 'tap'
import { ProcessCluster } from '../fixtures/integration-cluster.js'
import { until } from '../fixtures/integration-until.js'

const KILLS = 10

t.test('with its leader killed ten times in a row, the ensemble keeps every acknowledged write, each once', async t => {
  const cluster = await ProcessCluster.serving(t)
  for (const member of cluster.members) await member.load()
  const failovers: number[] = []
  for (let kill = 0; kill < KILLS; kill++) {
    const leader = await cluster.settledLeader()
    const [other] = cluster.followersOf(leader)
    const acknowledged = cluster.ledger.acknowledged
    const begin = performance.now()
    leader.signal('SIGKILL')
    await other?.create(`/failover-${kill}`)
    failovers.push(performance.now() - begin)
    await leader.exited
    await until('the others have gone on', () => cluster.ledger.acknowledged > acknowledged)
    const restarted = await cluster.start(leader.id)
    await restarted.load()
  }
  await cluster.settledLeader()
  for (const member of cluster.members) await member.endLoad()
  await cluster.assertWhole(t)
  for (const member of cluster.members) {
    const found = await Promise.all(failovers.map((_, kill) => member.exists(`/failover-${kill}`)))
    t.ok(
      found.every(stat => stat !== null),
      `member ${member.id} has what was written while there was no leader`
    )
  }
  t.comment(`failover: median ${median(failovers).toFixed(0)} ms, at most ${Math.max(...failovers).toFixed(0)} ms`)
})

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  return ((sorted[Math.floor(middle - 0.5)] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2
}
