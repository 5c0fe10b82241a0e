import t from 'tap'
import { zxidPlus } from '../../lib/base/index.js'
import type { CommittedTxn, HistoryEvent, HistoryEventOf } from '../../lib/sim/history.js'
import { torture } from './torture-run.js'
import { judge, type Testimony } from './verdict.js'

// What checks the tortured would check nothing if it found nothing. Here a true history of real processes is falsified in one place at a time.

/** The names under which the witness speaks. */
const WITNESS = ['witness', 'session order', 'linearizable']

t.setTimeout(200_000)

t.test('whatever is falsified in a true history is found', async t => {
  const report = await torture({ minutes: 0.08, seed: 1, members: 3, print: line => t.comment(line) })
  t.strictSame(report.violations, [], 'it is true')
  const { testimony } = report
  const { log, history } = testimony

  const accuses = (checkers: readonly string[], falsified: Partial<Testimony>, message: string): void => {
    const { violations } = judge({ ...testimony, ...falsified })
    t.ok(
      violations.some(violation => checkers.some(checker => violation.startsWith(`${checker}:`))),
      `${message} (${violations.join('; ').slice(0, 400)})`
    )
  }

  const set = middle(history.filter(isSet))
  const written = present(log.find(({ zxid }) => zxid === mzxidOf(set)))
  accuses(['exactly once'], { log: log.filter(entry => entry !== written) }, 'an acknowledged write that is not in the log')

  const again: CommittedTxn = { zxid: zxidPlus(lastOf(log).zxid, 1), txn: written.txn }
  accuses(['exactly once'], { log: [...log, again] }, 'a write that is in the log twice')

  const other: CommittedTxn = {
    zxid: written.zxid,
    txn: { ...written.txn, change: { kind: 'setData', path: '/r0', data: Buffer.from('never written'), version: 1 } }
  }
  accuses(['exactly once'], { log: log.map(entry => (entry === written ? other : entry)) }, 'a write that nobody asked for')

  const read = middle(history.filter(isDataRead))
  accuses(WITNESS, { history: replaced(history, read, withData(read, 'something else')) }, 'a read of what was never there')

  const [late, stale] = staleRead(history)
  accuses(WITNESS, { history: replaced(history, late, stale) }, 'a linearizable read of what had been overwritten')
  accuses(['search'], { history: replaced(history, late, stale) }, 'the same, without a look at any zxid')

  accuses(WITNESS, { history: replaced(history, set, withVersion(set)) }, 'a write with the version of another one')

  // Of one that was about to be killed nobody could say what it was still to tell.
  const survivors = new Set(testimony.serving.map(({ process }) => process))
  const told = middle(history.filter(event => event.kind === 'told' && event.event.zxid !== null && survivors.has(event.process)))
  accuses(['watches'], { history: history.filter(event => event !== told) }, 'a watch event that nobody was told of')
  accuses(
    ['watches'],
    { history: history.flatMap(event => (event === told ? [event, event] : [event])) },
    'a watch event told twice'
  )

  const opened = middle(history.filter(isOpened))
  accuses(['sessions'], { history: replaced(history, opened, withTimeout(opened)) }, 'a session with a timeout of its own')

  accuses(['digest'], { digest: '0'.repeat(testimony.digest.length) }, 'members that hold something else than what was written')
})

type Return = HistoryEventOf<'return'>

function isDataRead(event: HistoryEvent): event is Return {
  return event.kind === 'return' && event.result.kind === 'answered' && event.result.answer.kind === 'getData'
}

function isSet(event: HistoryEvent): event is Return {
  return event.kind === 'return' && event.result.kind === 'answered' && event.result.answer.kind === 'setData'
}

function isOpened(event: HistoryEvent): event is Return {
  return event.kind === 'return' && event.result.kind === 'answered' && event.result.answer.kind === 'openSession'
}

function withData(event: Return, data: string): Return {
  if (event.result.kind !== 'answered' || event.result.answer.kind !== 'getData') return event
  return { ...event, result: { ...event.result, answer: { ...event.result.answer, data } } }
}

function withVersion(event: Return): Return {
  if (event.result.kind !== 'answered' || event.result.answer.kind !== 'setData') return event
  const { stat } = event.result.answer
  return { ...event, result: { kind: 'answered', answer: { kind: 'setData', stat: { ...stat, version: stat.version + 1 } } } }
}

function withTimeout(event: Return): Return {
  if (event.result.kind !== 'answered' || event.result.answer.kind !== 'openSession') return event
  const { answer } = event.result
  return { ...event, result: { kind: 'answered', answer: { ...answer, timeout: answer.timeout + 1 } } }
}

/** A linearizable read of a busy znode, and the same with an answer that another one had been given a while before. */
function staleRead(history: readonly HistoryEvent[]): readonly [Return, Return] {
  const asked = new Map<number, { readonly path: string; readonly begun: number }>()
  const answered = new Map<string, { readonly event: Return; readonly at: number }>()
  for (const [at, event] of history.entries()) {
    if (event.kind === 'call' && event.what.kind === 'getData' && event.what.linearizable) {
      asked.set(event.call, { path: event.what.path, begun: at })
    }
    if (!isDataRead(event)) continue
    const call = asked.get(event.call)
    if (call === undefined || !/^\/r\d$/.test(call.path)) continue
    const before = answered.get(call.path)
    // Between the two there must have been a write that anybody could have known of, and both must be of the same znode.
    if (before !== undefined && before.at < call.begun && mzxidOf(before.event) < mzxidOf(event) && at > history.length / 4) {
      return [event, { ...event, result: before.event.result }]
    }
    answered.set(call.path, { event, at })
  }
  throw new Error('no znode was read twice')
}

function mzxidOf({ result }: Return): number {
  if (result.kind !== 'answered') return 0
  const { answer } = result
  return answer.kind === 'getData' || answer.kind === 'setData' ? answer.stat.mzxid : 0
}

function replaced(history: readonly HistoryEvent[], one: HistoryEvent, other: HistoryEvent): readonly HistoryEvent[] {
  return history.map(event => (event === one ? other : event))
}

function middle<T>(from: readonly T[]): T {
  return present(from[Math.floor(from.length / 2)])
}

function lastOf<T>(from: readonly T[]): T {
  return present(from.at(-1))
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the run was too short for that')
  return value
}
