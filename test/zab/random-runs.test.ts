import t from 'tap'
import { type Faults, NO_FAULTS, ZabCluster } from '../fixtures/zab-cluster.js'

const MIXES: readonly (readonly [string, Faults])[] = [
  ['crashes and restarts', { ...NO_FAULTS, crash: 0.6, restart: 2 }],
  ['broken links', { ...NO_FAULTS, cut: 1.5, heal: 0.6, late: 30 }],
  ['crashes, links and pauses', { ...NO_FAULTS, crash: 0.4, restart: 1.5, cut: 0.8, heal: 0.4, pause: 0.4, late: 30 }],
  ['wiped and damaged disks', { ...NO_FAULTS, crash: 0.3, restart: 2, cut: 0.5, heal: 0.4, wipe: 0.3, damage: 0.3, late: 50 }],
  ['short logs', { ...NO_FAULTS, crash: 0.4, restart: 2, cut: 0.5, heal: 0.5, purge: 1.5, late: 20 }]
]

const SEEDS = Number(process.env.ZAB_SEEDS ?? 20)
const FROM = Number(process.env.ZAB_FROM ?? 1)
const STEPS = 3_000

for (const [name, faults] of MIXES) {
  for (const size of [1, 2, 3, 5, 7]) {
    t.test(`${size} peers under ${name} keep one history and come together again`, async t => {
      let committed = 0
      let epochs = 0
      for (let seed = FROM; seed < FROM + SEEDS; seed++) {
        const cluster = new ZabCluster(size, seed)
        try {
          cluster.startAll()
          cluster.untilServing()
          for (let step = 0; step < (STEPS * Math.max(3, size)) / 3; step++) cluster.randomStep(faults)
          cluster.converge()
          committed += cluster.checks.committed.size
          epochs += cluster.leader?.peer?.epoch ?? 0
        } catch (error) {
          t.fail(`seed ${seed}: ${error instanceof Error ? error.message : error}`, { trace: cluster.trace.slice(-30) })
          return
        }
      }
      t.ok(committed > SEEDS * 10, `${SEEDS} seeds, ${committed} txns committed in ${epochs} epochs`)
    })
  }
}
