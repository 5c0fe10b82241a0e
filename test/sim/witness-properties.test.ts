import t from 'tap'
import { type Random, randomInt, type SessionId, seededRandom } from '../../lib/base/index.js'
import { Violation } from '../../lib/sim/checker.js'
import type { Answer, CommittedTxn, History, HistoryEvent, Result } from '../../lib/sim/history.js'
import { matchRequests } from '../../lib/sim/model/request-matching.js'
import { Timeline } from '../../lib/sim/model/timeline.js'
import { checkWitness } from '../../lib/sim/model/witness.js'
import type { Stat } from '../../lib/tree/index.js'
import type { Pipeline } from '../fixtures/pipeline-history.js'
import { pick, randomPipeline } from '../fixtures/random-pipeline.js'
import { withLimits } from '../fixtures/tree-steps.js'

function check({ rules }: Pipeline, log: readonly CommittedTxn[], history: History): Timeline {
  const matching = matchRequests(log, history)
  const timeline = new Timeline(log, matching, rules)
  checkWitness(timeline, matching, history)
  return timeline
}

t.test('what the real trees make of random calls is what the plain model makes of them', async t => {
  const answers = new Set<string>()
  const changes = new Set<string>()
  for (let seed = 1; seed <= 200; seed++) {
    withLimits(seed % 2 === 0 ? { closePathsMax: 1 } : {}, () => {
      const pipeline = randomPipeline(seededRandom(seed), 120)
      const timeline = check(pipeline, pipeline.log, pipeline.history)
      for (const { tree } of pipeline.members) {
        const { zxidApplied } = tree
        if (!timeline.digestAt(zxidApplied).startsWith(tree.digest)) t.fail(`seed ${seed}: digest at ${zxidApplied}`)
      }
      for (const event of pipeline.history) if (event.kind === 'return') answers.add(kindOf(event.result))
      for (const { txn } of pipeline.log) changes.add(txn.change.kind)
    })
  }
  const kinds = ['create', 'delete', 'setData', 'setACL', 'touch', 'multi', 'exists', 'getData', 'getChildren', 'getACL']
  const others = [
    'getAllChildrenNumber',
    'multiRead',
    'getEphemerals',
    'sync',
    'closeSession',
    'takeOverSession',
    'terminateSession'
  ]
  const codes = ['NO_NODE', 'NO_AUTH', 'BAD_VERSION', 'NODE_EXISTS', 'NOT_EMPTY', 'NO_CHILDREN_FOR_EPHEMERALS', 'BAD_ARGUMENTS']
  const bounds = ['LIMIT_EXCEEDED', 'QUOTA_EXCEEDED', 'SESSION_EXPIRED', 'SESSION_MOVED']
  for (const each of [...kinds, ...others, ...codes, ...bounds]) t.ok(answers.has(each), each)
  for (const each of ['moveSession', 'closingSession', 'closeSession', 'deleteContainer', 'check']) t.ok(changes.has(each), each)
})

t.test('an answer that is changed anywhere is found', async t => {
  const found = new Map<string, number>()
  for (let seed = 1; seed <= 400; seed++) {
    const random = seededRandom(seed)
    const pipeline = randomPipeline(random, 60)
    const { log, history } = pipeline
    const changed = corrupted(random, history)
    if (changed === null) continue
    try {
      check(pipeline, log, changed.history)
      t.fail(`seed ${seed}: not found: ${changed.what}`)
    } catch (error) {
      if (!(error instanceof Violation)) throw error
      found.set(error.checker, (found.get(error.checker) ?? 0) + 1)
    }
  }
  t.comment(JSON.stringify(Object.fromEntries(found)))
  t.ok([...found.values()].reduce((sum, count) => sum + count, 0) > 350)
})

t.test('a txn that is changed, left out or done twice is found', async t => {
  const found = new Map<string, number>()
  for (let seed = 1; seed <= 300; seed++) {
    const random = seededRandom(seed)
    const pipeline = randomPipeline(random, 60)
    const { log, history } = pipeline
    const changed = corruptedLog(random, log)
    if (changed === null) continue
    try {
      check(pipeline, changed.log, history)
      t.fail(`seed ${seed}: not found: ${changed.what}`)
    } catch (error) {
      if (!(error instanceof Violation)) throw error
      found.set(error.checker, (found.get(error.checker) ?? 0) + 1)
    }
  }
  t.comment(JSON.stringify(Object.fromEntries(found)))
  t.ok([...found.values()].reduce((sum, count) => sum + count, 0) > 250)
})

t.test('thousands of txns are matched, replayed and witnessed', async t => {
  const { log, history, rules } = randomPipeline(seededRandom(7), 10_000, 12)
  const from = process.hrtime.bigint()
  const matching = matchRequests(log, history)
  const matched = process.hrtime.bigint()
  const timeline = new Timeline(log, matching, rules)
  const replayed = process.hrtime.bigint()
  checkWitness(timeline, matching, history)
  const checked = process.hrtime.bigint()
  const milliseconds = (begin: bigint, end: bigint) => Number(end - begin) / 1e6
  const steps = [milliseconds(from, matched), milliseconds(matched, replayed), milliseconds(replayed, checked)]
  const [matchMs, replayMs, witnessMs] = steps.map(each => each.toFixed(1))
  t.comment(`${log.length} txns, 10000 calls: matched in ${matchMs} ms, replayed in ${replayMs} ms, witnessed in ${witnessMs} ms`)
  t.ok(log.length > 4_000, `${log.length} txns`)
})

function kindOf(result: Result): string {
  return result.kind === 'answered' ? result.answer.kind : result.code
}

/** One answer of a history changed in one place where it says something that can be wrong; null if there is none. */
function corrupted(random: Random, history: History): { readonly history: History; readonly what: string } | null {
  const indexes = history.flatMap((event, index) => (event.kind === 'return' ? [index] : []))
  for (let tries = 0; tries < 50; tries++) {
    const index = pick(random, indexes)
    const event = history[index] as HistoryEvent & { readonly kind: 'return' }
    const result = corruptedResult(random, event.result)
    if (result === null) continue
    const changed: HistoryEvent = { ...event, result }
    const what = `call ${event.call}: ${JSON.stringify(event.result)} became ${JSON.stringify(result)}`
    return { history: history.with(index, changed), what }
  }
  return null
}

function corruptedResult(random: Random, result: Result): Result | null {
  if (result.kind === 'failed') return null
  if (result.kind === 'refused') return { ...result, code: result.code === 'BAD_VERSION' ? 'NOT_EMPTY' : 'BAD_VERSION' }
  const answer = corruptedAnswer(random, result.answer)
  return answer === null ? null : { kind: 'answered', answer }
}

function corruptedAnswer(random: Random, answer: Answer): Answer | null {
  switch (answer.kind) {
    case 'create':
      if (random.float() < 0.2) return { ...answer, created: !answer.created }
      return random.float() < 0.3
        ? { ...answer, path: `${answer.path}0` }
        : { ...answer, stat: corruptedStat(random, answer.stat) }
    case 'setData':
    case 'setACL':
    case 'touch':
      return { ...answer, stat: corruptedStat(random, answer.stat) }
    case 'exists':
      return answer.stat === null ? null : { ...answer, stat: corruptedStat(random, answer.stat) }
    case 'getData':
      if (random.float() < 0.5) return { ...answer, stat: corruptedStat(random, answer.stat) }
      return { ...answer, data: answer.data === null ? '' : `${answer.data}!` }
    case 'getChildren':
      if (random.float() < 0.5) return { ...answer, stat: corruptedStat(random, answer.stat) }
      return { ...answer, children: random.float() < 0.5 ? [...answer.children, 'zz'] : [...answer.children, 'never'].slice(-1) }
    case 'getACL':
      if (random.float() < 0.5) return { ...answer, stat: corruptedStat(random, answer.stat) }
      return { ...answer, acl: random.float() < 0.5 ? [] : answer.acl.map(entry => ({ ...entry, id: `${entry.id}!` })) }
    case 'getAllChildrenNumber':
      return { ...answer, count: answer.count + 7 }
    case 'multiRead': {
      const index = answer.results.findIndex(each => each.kind !== 'exists' || each.stat !== null)
      const each = answer.results[index]
      if (each === undefined) return null
      const changed = each.kind === 'error' ? ({ kind: 'error', code: 'BAD_VERSION' } as const) : corruptedAnswer(random, each)
      return changed === null ? null : { ...answer, results: answer.results.with(index, changed as typeof each) }
    }
    case 'takeOverSession':
      return random.float() < 0.5
        ? { ...answer, timeout: answer.timeout + 1 }
        : { ...answer, session: (answer.session + 1) as SessionId }
    case 'getEphemerals':
      return { ...answer, paths: [...answer.paths, '/never'] }
    case 'multi': {
      const index = answer.results.findIndex(each => each.kind === 'create' || each.kind === 'setData')
      const each = answer.results[index]
      if (each === undefined) return null
      const changed = corruptedAnswer(random, each) as Exclude<Answer, { kind: 'multi' }>
      return { ...answer, results: answer.results.with(index, changed) }
    }
    default:
      return null
  }
}

function corruptedStat(random: Random, stat: Stat): Stat {
  const field = pick(random, Object.keys(stat) as (keyof Stat)[])
  return { ...stat, [field]: stat[field] + (random.float() < 0.5 ? 1 : 7) }
}

function corruptedLog(random: Random, log: readonly CommittedTxn[]) {
  for (let tries = 0; tries < 50; tries++) {
    const index = randomInt(random, log.length)
    const entry = log[index] as CommittedTxn
    const { change } = entry.txn
    const replaced = (to: CommittedTxn['txn']['change'], what: string) => ({
      log: log.with(index, { ...entry, txn: { ...entry.txn, change: to } }),
      what: `txn ${index}, a ${change.kind}: ${what}`
    })
    if (change.kind === 'setData') {
      if (random.float() < 0.5) return replaced({ ...change, version: change.version + 1 }, 'another version')
      return replaced({ kind: 'refused', code: 'NO_NODE', path: change.path }, 'refused')
    }
    if (change.kind === 'create') {
      if (random.float() < 0.5) return replaced({ ...change, parentCversion: change.parentCversion + 1 }, 'another count')
      return replaced({ ...change, path: `${change.path}1` }, 'another name')
    }
    if (change.kind === 'deleteContainer') return replaced({ kind: 'delete', path: change.path }, 'as if somebody had asked')
    if (change.kind === 'moveSession') return replaced({ ...change, timeout: change.timeout + 1 }, 'another timeout')
    if (change.kind === 'setACL') return replaced({ ...change, aversion: change.aversion + 1 }, 'another aversion')
    if (change.kind === 'closeSession') return replaced({ ...change, paths: [...change.paths, '/never'] }, 'one path more')
    if (change.kind === 'refused')
      return replaced({ ...change, code: change.code === 'SESSION_EXPIRED' ? 'NO_NODE' : 'SESSION_EXPIRED' }, 'another code')
    if (change.kind !== 'delete') continue
    const renumbered = (rest: readonly CommittedTxn[]) => rest.map((each, at) => ({ ...each, zxid: (log[at] ?? entry).zxid }))
    return { log: renumbered(log.toSpliced(index, 1)), what: `txn ${index}, a delete, left out` }
  }
  return null
}
