import { parseArgs } from 'node:util'
import { SMOKE_RUNS } from './smoke/benches.js'
import { runBench } from './smoke/run-bench.js'

// Whether every bench still runs: each in a process of its own, one after the other, so small that its figures mean nothing. Fails with the first
// that fails or has no figures. Contenders that are missing on this machine are left out.

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    contenders: { type: 'string' },
    json: { type: 'boolean', default: false }
  }
})
const names = values.only?.split(',') ?? SMOKE_RUNS.map(({ name }) => name)
const unknown = names.filter(name => !SMOKE_RUNS.some(run => run.name === name))
if (unknown.length > 0) throw new Error(`no such benches: ${unknown.join(', ')}`)

for (const run of SMOKE_RUNS.filter(({ name }) => names.includes(name))) {
  const start = performance.now()
  const result = await runBench(run, values.contenders)
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  const who = Object.entries(result.versions).map(([contender, version]) => `${contender} (${version})`)
  console.log(values.json ? JSON.stringify(result) : `${run.name}: well, ${seconds} s, ${who.join(', ')}`)
}
