import t from 'tap'
import { LIMITS, type MemberId, randomInt, seededRandom, ZXID_ZERO, type Zxid } from '../../lib/base/index.js'
import type { EnsembleMember } from '../../lib/member/index.js'
import type { RecordedSession } from '../../lib/sim/clients/recorded-session.js'
import { Recorder } from '../../lib/sim/clients/recorder.js'
import type { CommittedTxn, HistoryEvent } from '../../lib/sim/history.js'
import { checkSessions, type SessionRun } from '../../lib/sim/sessions/session-checker.js'
import { sessionLivesIn } from '../../lib/sim/sessions/session-log.js'
import { checkWatches } from '../../lib/sim/watches/watch-checker.js'
import { VirtualEnsemble } from '../../lib/sim/world/virtual-ensemble.js'
import { openDatabaseStorage } from '../../lib/storage/index.js'
import { decodeTxn } from '../../lib/wire/index.js'
import { txnsOf } from '../../lib/zab/index.js'
import { claimOf } from '../fixtures/outcome.js'

interface Recorded {
  readonly log: readonly CommittedTxn[]
  readonly history: readonly HistoryEvent[]
  readonly run: SessionRun
  readonly snapshots: number
}

const PATHS = ['/a', '/b', '/a/x', '/a/y', '/b/z']
/** Member 1 takes no snapshots and keeps the whole log; the others keep so little of it that who was away for a while is sent a snapshot. */
const OPTIONS = { snapCount: 20, snapRetainCount: 1, sessionTimeout: 8_000 }
const KEEPER = 1

async function record(seed: number): Promise<Recorded> {
  const ensemble = new VirtualEnsemble({ seed, options: OPTIONS })
  const { virtual } = ensemble
  const wallStart = virtual.runtime.clock.wall() - virtual.now
  const random = seededRandom(seed)
  const recorder = new Recorder({ clock: () => virtual.now })
  let snapshots = 0
  ensemble.onFrame = ({ kind }) => {
    if (kind === 'replace') snapshots++
  }
  const starting = ensemble.ids.map(id => ensemble.start(id, id === KEEPER ? { snapCount: 1_000_000 } : {}))
  const members = await ensemble.settle(Promise.all(starting))
  const servedFrom = virtual.now
  const client = (member: EnsembleMember, process = 1) => recorder.client(member, process)
  const [first, second, third] = members.map(member => client(member))
  const lagging = ensemble.followers.find(({ id }) => id !== KEEPER)
  if (
    ensemble.leader.id === KEEPER ||
    lagging === undefined ||
    first === undefined ||
    second === undefined ||
    third === undefined
  ) {
    throw new Error('this seed has the keeper lead: take another')
  }

  /** Does this and that in a session, and does not wait for it. */
  const act = (zk: RecordedSession): Promise<unknown> => {
    const path = PATHS[randomInt(random, PATHS.length)] ?? '/a'
    switch (randomInt(random, 10)) {
      case 0:
      case 1:
        return zk.create(path, 'new')
      case 2:
        return zk.create(path, null, { ephemeral: true })
      case 3:
      case 4:
        return zk.setData(path, 'set')
      case 5:
        return zk.delete(path)
      case 6:
        return zk.multi([
          { type: 'create', path: `${path}/m` },
          { type: 'setData', path, data: 'm' },
          { type: 'delete', path: `${path}/m` }
        ])
      case 7:
        return zk.exists(path, { watch: () => {} })
      case 8:
        return zk.getData(path, { watch: () => {} })
      default:
        return zk.getChildren(path, { watch: () => {}, linearizable: randomInt(random, 4) === 0 })
    }
  }
  const busy = async (sessions: readonly RecordedSession[], rounds: number): Promise<void> => {
    for (let round = 0; round < rounds; round++) {
      const claims = sessions.flatMap(zk => Array.from({ length: 1 + randomInt(random, 3) }, () => claimOf(act(zk))))
      await ensemble.settle(Promise.all(claims))
    }
  }
  const watchAll = (zk: RecordedSession) => {
    zk.watch('/', { recursive: true })
    return PATHS.map(path => zk.watch(path, { recursive: path === '/a' }))
  }

  const opened = await ensemble.settle(Promise.all([first, second, third].map(zk => zk.openSession({ timeout: 6_000 }))))
  const [one, two, three] = opened
  if (one === undefined || two === undefined || three === undefined) throw new Error('three sessions were opened')
  watchAll(first)
  watchAll(second)
  watchAll(third)
  const ends = watchAll(one)
  watchAll(two)
  await busy([first, second, third, ...opened], 6)
  // Disposing of a watch directly behind its last event would say nothing of that event.
  await ensemble.settle(one.sync())
  for (const watch of ends.slice(0, 2)) watch.dispose()
  await ensemble.settle(one.close())
  // Nor would being replaced by a snapshot directly behind it.
  await ensemble.settle(Promise.all([first, second, third, two].map(zk => zk.sync())))

  // One is left behind, and catches up by a snapshot.
  const isolatedAt = virtual.now
  ensemble.isolate(lagging.id)
  const others = [first, second, third].filter((_, index) => members[index] !== lagging)
  await ensemble.until(() => lagging.state === 'disconnected')
  await busy(others, 12)
  ensemble.healAll()
  await ensemble.until(() => lagging.status().serving)
  const backAt = virtual.now
  await busy([first, second, third, two, three], 4)

  // It dies: one of its sessions expires, and the others end when its next process enlists.
  const own = [first, second, third][members.indexOf(lagging)] ?? third
  const short = await ensemble.settle(own.openSession({ timeout: 1_000 }))
  await ensemble.settle(claimOf(short.create('/short', null, { ephemeral: true })))
  await busy([first, second, third, short], 2)
  await ensemble.settle(Promise.all([own.sync(), short.sync()]))
  const diedAt = virtual.now
  recorder.ended(lagging.id, 1)
  await ensemble.crash(lagging.id)
  await ensemble.run(2_500)
  const next = client(await ensemble.restart(lagging.id), 2)
  await ensemble.converge()
  await busy([...others, next], 3)
  await ensemble.settle(Promise.all([...others, next].map(zk => zk.sync())))
  await ensemble.converge()

  const serving = ensemble.members.map(({ id, local }) => ({
    member: id,
    process: id === lagging.id ? 2 : 1,
    zxidApplied: local.zxid as Zxid
  }))
  const servedTo = virtual.now
  // What is told while members close is nobody's to say.
  const history = recorder.history.slice()
  await ensemble.close()
  const log = await readLog(ensemble)
  const made = new Map(log.map(({ zxid, txn }) => [zxid, txn.time - wallStart]))
  const contact = ensemble.ids
    .filter(id => id !== lagging.id)
    .map(id => ({ member: id as MemberId, process: 1, from: servedFrom, to: servedTo }))
  contact.push(
    { member: lagging.id, process: 1, from: servedFrom, to: isolatedAt },
    { member: lagging.id, process: 1, from: backAt, to: diedAt }
  )
  const times = {
    contact,
    served: [{ from: servedFrom, to: servedTo }],
    madeAt: (zxid: Zxid) => made.get(zxid) ?? null,
    signMilliseconds: 110,
    lateMilliseconds: 210
  }
  return { log, history, run: { serving, times }, snapshots }
}

async function readLog(ensemble: VirtualEnsemble): Promise<readonly CommittedTxn[]> {
  const level = await ensemble.disk(KEEPER).mount(ensemble.virtual.runtime)
  const options = { ensembleName: 'default', memberId: KEEPER as MemberId, snapRetainCount: 1 }
  const storage = await ensemble.settle(openDatabaseStorage(level, options))
  const log: CommittedTxn[] = []
  for (let after = ZXID_ZERO; ; ) {
    const batches = await ensemble.settle(storage.readLog(after, LIMITS.batchBytesMax))
    if (batches.length === 0) break
    for (const batch of batches) {
      for (const [index, bytes] of txnsOf(batch).entries()) {
        log.push({ zxid: (batch.zxidFirst + index) as Zxid, txn: decodeTxn(bytes) })
      }
    }
    after = log.at(-1)?.zxid ?? after
  }
  await ensemble.settle(storage.close())
  return log
}

for (const seed of [1, 3, 4, 11]) {
  t.test(`a run with everything in it is in order, and no event of it can be left out or told twice: seed ${seed}`, async t => {
    const { log, history, run, snapshots } = await record(seed)
    t.ok(snapshots > 0, 'somebody caught up by a snapshot')
    t.equal(log[0]?.zxid, 2 ** 32 + 1, 'the log is there from its first txn')
    t.doesNotThrow(() => checkWatches(log, history))
    t.doesNotThrow(() => checkSessions(log, history, run))
    t.strictSame(
      new Set([...sessionLivesIn(log).values()].map(life => life.endedBy)),
      new Set(['itself', 'leader', 'next process'])
    )
    const { times } = run
    if (times === undefined) throw new Error('the times of the run are known')
    const inContact = times.contact.map(contact => ({ ...contact, to: Number.POSITIVE_INFINITY }))
    t.throws(() => checkSessions(log, history, { times: { ...times, contact: inContact } }), {
      message: /was expired at .* of silence/
    })
    t.throws(() => checkSessions(log, history, { times: { ...times, lateMilliseconds: -100 } }), {
      message: /its process ended at/
    })
    const told = history.flatMap((event, index) => (event.kind === 'told' ? [index] : []))
    t.comment(`${log.length} txns, ${history.length} events, ${told.length} of them told`)
    const unnoticed: string[] = []
    for (const index of told) {
      const event = history[index] as HistoryEvent
      for (const [how, changed] of [
        ['left out', history.toSpliced(index, 1)],
        ['told twice', history.toSpliced(index, 0, event)]
      ] as const) {
        if (!isFound(() => checkWatches(log, changed))) unnoticed.push(`${how} at ${index}: ${JSON.stringify(event)}`)
      }
    }
    const resets = told.filter(index => pathsIn(history[index]) !== null)
    t.ok(resets.length > 0, 'resets say what has changed')
    for (const index of resets) {
      const paths = pathsIn(history[index]) ?? []
      const changed = paths.length === 0 ? ['/a'] : paths.slice(1)
      for (const other of [changed, null]) {
        if (!isFound(() => checkWatches(log, history.with(index, withPaths(history[index], other)))))
          unnoticed.push(`at ${index}: ${other}`)
      }
    }
    t.strictSame(unnoticed, [])
  })
}

function pathsIn(event: HistoryEvent | undefined): readonly string[] | null {
  return event?.kind === 'told' ? event.event.paths : null
}

function withPaths(event: HistoryEvent | undefined, paths: readonly string[] | null): HistoryEvent {
  if (event?.kind !== 'told') throw new Error('an event that was told')
  return { ...event, event: { ...event.event, paths } }
}

function isFound(check: () => void): boolean {
  try {
    check()
    return false
  } catch {
    return true
  }
}
