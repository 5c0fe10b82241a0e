import t from 'tap'
import { SMOKE_RUNS } from '../../bench/smoke/benches.js'
import { runBench } from '../../bench/smoke/run-bench.js'

// Tiny runs, and nothing about how fast anything is: this is for benches that no longer run, or whose figures are none.

for (const run of SMOKE_RUNS) {
  t.test(`bench:${run.name} runs, and each of its figures is a finite number above zero`, async t => {
    const result = await runBench(run)
    t.ok(Object.keys(result.versions).length > 0, 'it says what was measured')
    t.comment(Object.entries(result.versions).map(entry => entry.join(': ')))
  })
}
