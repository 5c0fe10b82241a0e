import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type Plan, runPlan } from '../../lib/sim/index.js'
import { sourceRoot } from '../fixtures/source-root.js'

/** What a plan was kept for, and what found it. */
interface Kept {
  readonly found: string
  readonly by: string
  readonly plan: Plan
}

const folder = join(sourceRoot(), 'test', 'sim', 'corpus')

for (const name of readdirSync(folder).filter(name => name.endsWith('.json'))) {
  const { found, by, plan } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Kept
  t.test(`${name}: ${found}`, async t => {
    const { violation } = await runPlan(plan)
    t.equal(violation?.message ?? null, null, `found by ${by} once`)
  })
}
