import t from 'tap'
import { type Faults, NO_FAULTS, ZabCluster } from '../fixtures/zab-cluster.js'

const MIXES: readonly (readonly [string, Faults])[] = [
  ['crashes and slow disks', { ...NO_FAULTS, crash: 1, restart: 2.5, slow: 60 }],
  ['broken links', { ...NO_FAULTS, cut: 1.5, heal: 0.6, late: 30 }],
  ['crashes, links and pauses', { ...NO_FAULTS, crash: 0.4, restart: 1.5, cut: 0.8, heal: 0.4, pause: 0.4, late: 30 }],
  ['wiped and damaged disks', { ...NO_FAULTS, crash: 0.3, restart: 2, cut: 0.5, heal: 0.4, wipe: 0.3, damage: 0.3, late: 50 }],
  ['short logs', { ...NO_FAULTS, crash: 0.4, restart: 2, cut: 0.5, heal: 0.5, purge: 1.5, late: 20 }]
]

/** Runs of each mix by size; `ZAB_SEEDS` says how many times as many. */
const RUNS: ReadonlyMap<number, number> = new Map([
  [1, 5],
  [2, 10],
  [3, 40],
  [5, 20],
  [7, 8]
])
const TIMES = Number(process.env.ZAB_SEEDS ?? 1)
const FROM = Number(process.env.ZAB_FROM ?? 1)
const STEPS = 3_000

t.setTimeout(120_000 * TIMES)

for (const [name, faults] of MIXES) {
  for (const [size, runs] of RUNS) {
    t.test(`${size} peers under ${name} keep one history and come together again`, async t => {
      const seeds = runs * TIMES
      let committed = 0
      let epochs = 0
      for (let seed = FROM; seed < FROM + seeds; seed++) {
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
      t.ok(committed > seeds * 10, `${seeds} seeds, ${committed} txns committed in ${epochs} epochs`)
    })
  }
}
