import t from 'tap'
import { ZabCluster } from '../fixtures/zab-cluster.js'

const SEEDS = 100

for (const size of [2, 3, 5]) {
  t.test(`${size} blank peers found an ensemble at once, in whatever order they hear of each other`, async t => {
    const late: number[] = []
    for (let seed = 1; seed <= SEEDS; seed++) {
      const cluster = new ZabCluster(size, seed)
      cluster.startAll()
      // No tick: the first to decide must not cost the others the assembly that they are still counting.
      cluster.settle()
      if (!cluster.ids.every(id => cluster.peer(id).serving)) late.push(seed)
    }
    t.strictSame(late, [])
  })
}
