import { bare } from './contenders/bare/bare.js'
import { ours } from './contenders/ours/ours.js'

const only = process.argv[2]
const levels = (process.argv[3] ?? '1,16,64,256,1000').split(',').map(Number)
const rounds = Number(process.argv[4] ?? 2)
for (let round = 0; round < rounds; round++)
  for (const contender of [ours, bare].filter(c => !only || only === '-' || c.name.startsWith(only))) {
    const e = await contender.start({ members: 3, znodes: 1000, valueBytes: 100 })
    await e.measure({
      operation: 'write',
      outstanding: 256,
      issuedAt: 'every member',
      warmUpMilliseconds: 0,
      measuredMilliseconds: 2000
    })
    for (const issuedAt of ['leader', 'every member'] as const) {
      const row = []
      for (const outstanding of levels) {
        const m = await e.measure({
          operation: 'write',
          outstanding,
          issuedAt,
          warmUpMilliseconds: 300,
          measuredMilliseconds: 2000
        })
        row.push(
          `${outstanding}: ${Math.round((m.operations / m.milliseconds) * 1000)}/s p50 ${m.latencies.percentile(50).toFixed(2)} p99 ${m.latencies.percentile(99).toFixed(2)}`
        )
      }
      console.log(contender.name.padEnd(20), issuedAt.padEnd(14), row.join(' | '))
    }
    await e.stop()
  }
