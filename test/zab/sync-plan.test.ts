import fc from 'fast-check'
import t from 'tap'
import type { Zxid } from '../../lib/base/index.js'
import { EMPTY_LOG, planSync } from '../../lib/zab/index.js'
import { lastCommon, someLogs, summaryOf } from '../fixtures/zab-histories.js'
import { at, epoch } from '../fixtures/zab-peers.js'

t.test('carrying out a plan makes the learner’s log that of its leader, and cuts off nothing that both have', async t => {
  const seen = { extend: 0, truncate: 0, replace: 0 }
  fc.assert(
    fc.property(someLogs(2), fc.nat(), fc.nat(), ([leader = [], learner = []], purgedOfLeader, purgedOfLearner) => {
      const leaders = summaryOf(leader, purgedOfLeader % (leader.length + 1))
      const learners = summaryOf(learner, purgedOfLearner % (learner.length + 1))
      const plan = planSync(leaders, learners, false)
      const common = lastCommon(leader, learner)
      if (plan.kind === 'replace') {
        seen.replace++
        return common < leaders.zxidBase || common < learners.zxidBase
      }
      seen[plan.truncate ? 'truncate' : 'extend']++
      const kept = plan.truncate ? learner.filter(zxid => zxid <= plan.after) : learner
      const sent = leader.filter(zxid => zxid > plan.after)
      return (
        plan.after === common &&
        plan.after >= leaders.zxidBase &&
        plan.after >= learners.zxidBase &&
        JSON.stringify([...kept, ...sent]) === JSON.stringify(leader)
      )
    }),
    { numRuns: 5_000, seed: 1 }
  )
  t.ok(
    Object.values(seen).every(count => count > 100),
    JSON.stringify(seen)
  )
})

t.test('a learner that has everything is sent nothing', async t => {
  const log = summaryOf([at(1, 1), at(1, 2)])
  t.strictSame(planSync(log, log, false), { kind: 'extend', after: at(1, 2), truncate: false })
  t.strictSame(planSync(EMPTY_LOG, EMPTY_LOG, false), { kind: 'extend', after: 0, truncate: false })
})

t.test('a tail that the leader does not have is cut off, also across epochs', async t => {
  const leader = summaryOf([at(1, 1), at(1, 2), at(3, 1)])
  t.strictSame(planSync(leader, summaryOf([at(1, 1), at(1, 2), at(1, 3)]), false), {
    kind: 'extend',
    after: at(1, 2),
    truncate: true
  })
  t.strictSame(planSync(leader, summaryOf([at(1, 1), at(2, 1)]), false), { kind: 'extend', after: at(1, 1), truncate: true })
  t.strictSame(planSync(leader, summaryOf([at(2, 1)]), false), { kind: 'extend', after: 0, truncate: true })
})

t.test('a learner behind the leader’s base is sent everything anew', async t => {
  const leader = { zxidBase: at(2, 5), epochEnds: [] }
  t.strictSame(planSync(leader, summaryOf([at(2, 1)]), false), { kind: 'replace' })
  t.strictSame(planSync(leader, EMPTY_LOG, false), { kind: 'replace' })
  t.strictSame(planSync(leader, { zxidBase: 0 as Zxid, epochEnds: [{ epoch: epoch(2), counter: 5 }] }, false), {
    kind: 'extend',
    after: at(2, 5),
    truncate: false
  })
})

t.test('a learner that cannot prove what it has is sent everything anew', async t => {
  const log = summaryOf([at(1, 1), at(1, 2)])
  t.strictSame(planSync(log, log, true), { kind: 'replace' })
})
