import { parseArgs } from 'node:util'
import { Latencies } from './load/latencies.js'
import { MemberProcesses } from './moments/member-processes.js'
import type { Watched, WatchedBy, WatchOrders } from './moments/watch-program.js'
import { machineNow } from './report/machine.js'
import { positive } from './report/option-numbers.js'
import { progress, publish, REPORT_OPTIONS } from './report/results.js'
import { type Cell, rounded, table } from './report/table.js'

// How long it takes until ten thousand listeners at one member have been called: all on one znode that is set once, or one on each of ten
// thousand znodes that are all set at once. Three processes on LevelDB; the listeners are at the member that writes (a follower), or at the other
// follower. `commit` is when the watching member has applied the write before the watched ones, with which it shares a batch, a log record and
// the commit: all that comes between it and the last call is the work of watches (and, on each znode, of applying the other writes). Times of two
// processes are comparable to a tenth of a millisecond or so.

const MEMBERS = 3
const VALUE_BYTES = 100

const { values } = parseArgs({
  options: {
    ...REPORT_OPTIONS,
    listeners: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '50' },
    'warm-up': { type: 'string', default: '10' }
  }
})
const listeners = positive(values.listeners)
const rounds = positive(values.rounds)
const warmUpRounds = positive(values['warm-up'])

interface Case {
  readonly watched: Watched
  readonly by: WatchedBy
  readonly at: 'writer' | 'other member'
}

/** Milliseconds over the rounds. */
interface Times {
  readonly median: number
  readonly p99: number
  readonly max: number
}

interface Figure extends Case {
  /** From the commit, from the issue, and from the first call, to the last one. */
  readonly commitToLast: Times
  /** The same without the time in which others had the processors; equal to it where the system does not tell. */
  readonly ownCommitToLast: Times
  readonly issuedToLast: Times
  readonly firstToLast: Times
  /** From the issue until the writer knows that all writes are committed. */
  readonly issuedToAcknowledged: Times
  /** From the commit to each call, of all rounds. */
  readonly commitToEach: Times
}

const CASES: readonly Case[] = (['one', 'each'] as const).flatMap(watched =>
  (['getData', 'watch'] as const).flatMap(by => (['writer', 'other member'] as const).map(at => ({ watched, by, at })))
)

const machine = machineNow()
const members = await MemberProcesses.start<WatchOrders>(new URL('./moments/watch-program.js', import.meta.url), MEMBERS)
const figures: Figure[] = []
try {
  const leader = await members.leader()
  const [writer, other] = members.all.filter((_, index) => index !== leader)
  if (writer === undefined || other === undefined) throw new Error('two followers are needed')
  await writer.ask('fill', listeners, VALUE_BYTES)
  for (const each of CASES) {
    progress(`${nameOf(each)}, by ${each.by}, at the ${each.at}`)
    const watching = each.at === 'writer' ? writer : other
    const taken = { commit: empty(), own: empty(), issued: empty(), first: empty(), acknowledged: empty(), each: empty() }
    for (let round = -warmUpRounds; round < rounds; round++) {
      await watching.ask('listen', each.watched, each.by, listeners)
      const [heard, written] = await Promise.all([
        watching.ask('heard'),
        writer.ask('write', each.watched, listeners, VALUE_BYTES)
      ])
      if (round < 0) continue
      taken.commit.record(heard.last - heard.committed)
      taken.own.record(heard.last - heard.committed - heard.waited)
      taken.issued.record(heard.last - written.issued)
      taken.first.record(heard.last - heard.first)
      taken.acknowledged.record(written.acknowledged - written.issued)
      taken.each.add(Latencies.decoded(heard.latencies))
    }
    await watching.ask('deafen')
    figures.push({
      ...each,
      commitToLast: timesOf(taken.commit),
      ownCommitToLast: timesOf(taken.own),
      issuedToLast: timesOf(taken.issued),
      firstToLast: timesOf(taken.first),
      issuedToAcknowledged: timesOf(taken.acknowledged),
      commitToEach: timesOf(taken.each)
    })
  }
} finally {
  await members.stop()
}

function nameOf({ watched }: Case): string {
  return watched === 'one' ? 'all on one znode' : 'one on each znode'
}

function empty(): Latencies {
  return Latencies.empty()
}

function timesOf(latencies: Latencies): Times {
  return { median: latencies.percentile(50), p99: latencies.percentile(99), max: latencies.max }
}

function shown({ median, p99, max }: Times): Cell {
  return [median, p99, max].map(rounded).join(' / ')
}

publish(
  {
    bench: 'watch',
    machine,
    versions: { 'embedded-zookeeper': `this checkout, Node.js ${process.version}` },
    options: { members: MEMBERS, valueBytes: VALUE_BYTES, listeners, rounds, warmUpRounds },
    figures,
    text: [
      'Milliseconds: median / 99 % / most of the rounds; of each call: of all calls of all rounds.',
      '',
      table(
        [
          'listeners',
          'set by',
          'at',
          'commit to last',
          'of it own',
          'issue to last',
          'first to last',
          'issue to acknowledged',
          'commit to each call'
        ],
        figures.map(figure => [
          nameOf(figure),
          figure.by,
          figure.at,
          shown(figure.commitToLast),
          shown(figure.ownCommitToLast),
          shown(figure.issuedToLast),
          shown(figure.firstToLast),
          shown(figure.issuedToAcknowledged),
          shown(figure.commitToEach)
        ])
      )
    ].join('\n')
  },
  values
)
