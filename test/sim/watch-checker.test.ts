import t from 'tap'
import type { SessionId, Zxid } from '../../lib/base/index.js'
import { withLimits } from '../../lib/sim/faults/tiny-limits.js'
import { checkWatches } from '../../lib/sim/watches/watch-checker.js'
import {
  type ClientScript,
  createChange,
  deleteChange,
  HistoryScript,
  LogScript,
  setChange,
  stat,
  z
} from '../fixtures/history.js'

interface Scene {
  readonly log: LogScript
  readonly history: HistoryScript
  /** The session whose client is watched, in the first process of member 1. */
  readonly session: SessionId
  readonly client: ClientScript
}

/** A session, and `/a` created at `z(3)`. */
function scene(): Scene {
  const log = new LogScript()
  log.enlist()
  const session = log.open()
  log.create('/a', session)
  const history = new HistoryScript()
  return { log, history, session, client: history.of(session) }
}

function passes(title: string, write: (scene: Scene) => void): void {
  t.test(title, async t => {
    const written = scene()
    write(written)
    t.doesNotThrow(() => checkWatches(written.log.txns, written.history.events))
  })
}

function finds(title: string, message: RegExp, write: (scene: Scene) => void): void {
  t.test(title, async t => {
    const written = scene()
    write(written)
    const { log, history } = written
    t.throws(() => checkWatches(log.txns, history.events), { name: 'Violation', checker: 'watches', message })
  })
}

passes('watches of all kinds that are told what concerns them are in order', ({ log, session, client }) => {
  client.watch(1, '/a', z(3))
  client.watch(2, '/', z(3), true)
  client.read('getData', '/a', 3, stat(z(3)), z(3))
  client.read('getChildren', '/a', 4, stat(z(3)), z(3))
  client.read('exists', '/b', 5, null, z(3))
  const set = log.set('/a', session)
  client.told(1, 'dataChanged', '/a', set)
  client.told(2, 'dataChanged', '/a', set)
  client.told(3, 'dataChanged', '/a', set)
  const child = log.create('/a/x', session)
  client.told(2, 'created', '/a/x', child)
  client.told(1, 'childrenChanged', '/a', child)
  client.told(4, 'childrenChanged', '/a', child)
  const born = log.create('/b', session)
  client.told(2, 'created', '/b', born)
  client.told(5, 'created', '/b', born)
  log.refuse(session, 'NO_NODE')
  const gone = log.multi(session, deleteChange('/a/x'), deleteChange('/a'))
  client.told(2, 'deleted', '/a/x', gone)
  client.told(1, 'childrenChanged', '/a', gone)
  client.told(1, 'deleted', '/a', gone)
  client.told(2, 'deleted', '/a', gone)
  client.shows(gone)
})

finds(
  'an event that a persistent watch is never told',
  /watch 1 \(persistent on \/a.* was not told of dataChanged \/a at 0x100000004 before member 1, process 1 showed 0x100000004 when call 1 \(sync\) returned/,
  ({ log, session, client }) => {
    client.watch(1, '/a', z(3))
    client.shows(log.set('/a', session))
  }
)

passes('a member that is not known to have applied a txn owes nothing for it', ({ log, session, client }) => {
  client.watch(1, '/a', z(3))
  log.set('/a', session)
  client.shows(z(3))
})

finds(
  'an event that a persistent watch is told twice',
  /was told of dataChanged \/a at 0x100000004 a second time/,
  ({ log, session, client }) => {
    client.watch(1, '/a', z(3))
    const set = log.set('/a', session)
    client.told(1, 'dataChanged', '/a', set)
    client.told(1, 'dataChanged', '/a', set)
  }
)

finds(
  'events that are told in another order',
  /was told of dataChanged \/a at 0x100000005 before dataChanged \/a at 0x100000004/,
  ({ log, session, client }) => {
    client.watch(1, '/a', z(3))
    const first = log.set('/a', session)
    client.told(1, 'dataChanged', '/a', log.set('/a', session))
    client.told(1, 'dataChanged', '/a', first)
  }
)

finds('parts of a multi in another order', /before created \/a\/x/, ({ log, session, client }) => {
  client.watch(1, '/', z(3), true)
  const multi = log.multi(session, createChange('/a/x'), setChange('/a'))
  client.told(1, 'dataChanged', '/a', multi)
})

finds('parts of a multi in another order, between watches', /behind a later part of the same txn/, ({ log, session, client }) => {
  client.watch(1, '/a/x', z(3))
  client.watch(2, '/a', z(3))
  const multi = log.multi(session, createChange('/a/x'), setChange('/a'))
  client.told(2, 'childrenChanged', '/a', multi)
  client.told(1, 'created', '/a/x', multi)
})

finds('an event that never happened', /no such thing happened/, ({ log, session, client }) => {
  client.watch(1, '/a', z(3))
  log.set('/a', session)
  client.told(1, 'deleted', '/a', log.last)
})

finds(
  'an event that does not concern the watch',
  /no such thing happened, or it does not concern it/,
  ({ log, session, client }) => {
    client.watch(1, '/a', z(3), true)
    const child = log.create('/a/x', session)
    client.told(1, 'created', '/a/x', child)
    client.told(1, 'childrenChanged', '/a', child)
  }
)

finds(
  'an event from before the watch was set',
  /was told of created \/a at 0x100000003, but was set at 0x100000003/,
  ({ client }) => {
    client.watch(1, '/a', z(3))
    client.told(1, 'created', '/a', z(3))
  }
)

finds('an event on a watch that was never set', /told on a watch 7 that was never set/, ({ client }) => {
  client.told(7, 'created', '/a', z(3))
})

finds(
  'a zxid that goes back from one watch to another',
  /told of 0x100000004 behind an event of 0x100000005/,
  ({ log, session, client }) => {
    client.read('getData', '/a', 1, stat(z(3)), z(3))
    client.read('exists', '/b', 2, null, z(3))
    log.create('/b', session)
    client.told(1, 'dataChanged', '/a', log.set('/a', session))
    client.told(2, 'created', '/b', z(4))
  }
)

passes('a watch that was disposed of is owed nothing from there on', ({ log, session, client }) => {
  client.watch(1, '/a', z(3))
  client.unwatch(1)
  client.shows(log.set('/a', session))
})

passes('a listener that disposes of another watch spares it the event', ({ log, session, client }) => {
  client.watch(1, '/a', z(3))
  client.watch(2, '/a', z(3))
  const set = log.set('/a', session)
  client.told(1, 'dataChanged', '/a', set)
  client.unwatch(2)
  client.shows(set)
})

passes('a listener that sets a watch does not say that all have heard', ({ log, session, client }) => {
  client.watch(1, '/a', z(3))
  client.watch(2, '/a', z(3))
  const set = log.set('/a', session)
  client.told(1, 'dataChanged', '/a', set)
  client.watch(3, '/a', set)
  client.told(2, 'dataChanged', '/a', set)
  client.shows(set)
})

finds(
  'an answer that shows a change before its watch is told',
  /watch 1 .* was not told of dataChanged \/a at 0x100000004 before .* \(getData \/a\) returned/,
  ({ log, session, client }) => {
    client.watch(1, '/a', z(3))
    const set = log.set('/a', session)
    client.read('getData', '/a', null, stat(set, z(3)), set)
    client.told(1, 'dataChanged', '/a', set)
  }
)

finds(
  'an answer that its member cannot have given',
  /showed 0x100000003 when call 1 \(getData \/a\) returned, with an answer of 0x100000004/,
  ({ log, session, client }) => {
    client.watch(1, '/a', z(3))
    const set = log.set('/a', session)
    client.read('getData', '/a', null, stat(set, z(3)), z(3))
    client.told(1, 'dataChanged', '/a', set)
  }
)

passes('a read that saw its state before later events may return behind them', ({ log, session, client }) => {
  client.watch(1, '/a', z(3))
  const read = client.reads('getData', '/a', 2)
  const set = log.set('/a', session)
  client.told(1, 'dataChanged', '/a', set)
  client.told(2, 'dataChanged', '/a', set)
  client.saw(read, 'getData', stat(z(3)), set)
})

finds(
  'an event to another process than that of its watch',
  /was told in member 2, process 1/,
  ({ log, history, session, client }) => {
    client.watch(1, '/a', z(3))
    history.of(session, 2).told(1, 'dataChanged', '/a', log.set('/a', session))
  }
)

finds(
  'an event after the client knows that the session is over',
  /was told of dataChanged \/a after its session was expired/,
  ({ log, session, client }) => {
    client.watch(1, '/a', z(3))
    client.state('expired')
    client.told(1, 'dataChanged', '/a', log.set('/a', session))
  }
)

finds('an event after the end of the process', /has ended, and still there is a 'told'/, ({ log, session, client }) => {
  client.watch(1, '/a', z(3))
  client.ended()
  client.told(1, 'dataChanged', '/a', log.set('/a', session))
})

finds(
  'an event from behind the end of the session in the log',
  /but its session was ended at 0x100000005/,
  ({ log, session, client }) => {
    client.watch(1, '/a', z(3))
    const other = log.open()
    log.close(session)
    client.told(1, 'dataChanged', '/a', log.set('/a', other))
  }
)

passes('the end of a session is told to its own watches, and nothing later', ({ log, session, client }) => {
  const other = log.open()
  log.create('/a/e', session, true)
  client.watch(1, '/a', z(5))
  const end = log.close(session, ['/a/e'])
  client.told(1, 'childrenChanged', '/a', end)
  client.shows(log.set('/a', other))
  client.state('closed')
})

finds(
  'an event that is left out before a session is closed',
  /watch 1 .* was not told of dataChanged \/a at 0x100000004 before its session ended/,
  ({ log, session, client }) => {
    client.watch(1, '/a', z(3))
    const closing = client.call({ kind: 'closeSession' })
    log.set('/a', session)
    const end = log.close(session)
    client.state('closed')
    client.answered(closing, { kind: 'closeSession' }, end)
  }
)

finds(
  'an event that is left out before a session expires',
  /watch 1 .* was not told of deleted \/a\/e at 0x100000005 before its session ended/,
  ({ log, session, client }) => {
    client.state('connected')
    client.watch(1, '/a/e', z(3))
    client.told(1, 'created', '/a/e', log.create('/a/e', session, true))
    log.close(session, ['/a/e'], 2)
    client.state('expired')
  }
)

passes('a session that its client has given up without a leader is owed nothing', ({ log, session, client }) => {
  client.state('connected')
  client.watch(1, '/a', z(3))
  client.state('disconnected')
  client.state('expired')
  client.shows(log.set('/a', session))
  log.close(session, [], 2)
})

finds(
  'an event that is left out before a catch-up',
  /watch 2 .* was not told of dataChanged \/a at 0x100000004 before watch 1 .* was told of a catch-up/,
  ({ log, session, client }) => {
    client.watch(1, '/a', z(3))
    client.watch(2, '/', z(3), true)
    client.told(1, 'dataChanged', '/a', log.set('/a', session))
    const at = log.set('/a', session)
    client.told(1, 'reset', '/a', at, ['/a'])
    client.told(2, 'reset', '/', at, ['/a'])
  }
)

// One-shot watches.

for (const [title, type, told] of [
  ['a second event', 'dataChanged', 2],
  ['no event at all', 'dataChanged', 0]
] as const) {
  finds(
    `${title} for a one-shot watch`,
    told === 0 ? /was not told of dataChanged \/a at 0x100000004/ : /having been told before/,
    ({ log, session, client }) => {
      client.read('getData', '/a', 1, stat(z(3)), z(3))
      const set = log.set('/a', session)
      for (let count = 0; count < told; count++) client.told(1, type, '/a', set)
      client.shows(set)
    }
  )
}

finds(
  'a one-shot watch that is told of the second change',
  /but what it was to be told was dataChanged \/a at 0x100000004/,
  ({ log, session, client }) => {
    client.watch(9, '/elsewhere', z(3))
    client.read('getData', '/a', 1, stat(z(3)), z(3))
    log.set('/a', session)
    client.told(1, 'dataChanged', '/a', log.set('/a', session))
  }
)

finds('a data watch that is told of children', /nothing that it watches had changed/, ({ log, session, client }) => {
  client.read('getData', '/a', 1, stat(z(3)), z(3))
  client.told(1, 'childrenChanged', '/a', log.create('/a/x', session))
})

finds('a child watch that is told of data', /nothing that it watches had changed/, ({ log, session, client }) => {
  client.read('getChildren', '/a', 1, stat(z(3)), z(3))
  client.told(1, 'dataChanged', '/a', log.set('/a', session))
})

finds('a one-shot watch that is told of another path', /which it does not watch/, ({ log, session, client }) => {
  client.read('getData', '/a', 1, stat(z(3)), z(3))
  client.told(1, 'created', '/b', log.create('/b', session))
})

finds(
  'a one-shot watch that is told of what its read has seen',
  /was told of dataChanged \/a at 0x100000004, (but nothing|which its process had shown)/,
  ({ log, session, client }) => {
    const set = log.set('/a', session)
    client.read('getData', '/a', 1, stat(set, z(3)), set)
    client.told(1, 'dataChanged', '/a', set)
  }
)

finds(
  'a one-shot watch whose change was there when its read returned',
  /was not told of dataChanged \/a at 0x100000004 before .* \(getData \/a\) returned/,
  ({ log, session, client }) => {
    const set = log.set('/a', session)
    client.read('getData', '/a', 1, stat(z(3)), set)
  }
)

finds(
  'a one-shot watch whose change another call had shown when its read returned',
  /watch 1 .* was not told of dataChanged \/a at 0x100000004 before call 1 \(getData \/a\) returned/,
  ({ log, session, client }) => {
    const read = client.reads('getData', '/a', 1)
    const set = log.set('/a', session)
    client.shows(set)
    client.saw(read, 'getData', stat(z(3)), set)
  }
)

finds('a one-shot watch of a read that failed', /but its read did not succeed/, ({ log, session, client }) => {
  client.failed(client.reads('getData', '/a', 1), z(3))
  client.told(1, 'dataChanged', '/a', log.set('/a', session))
})

finds('a one-shot watch that was told before its read failed', /but its read did not succeed/, ({ log, session, client }) => {
  const read = client.reads('getData', '/a', 1)
  const set = log.set('/a', session)
  client.told(1, 'dataChanged', '/a', set)
  client.failed(read, set)
})

finds(
  'a one-shot watch of a read that never returned, told of nothing real',
  /but nothing like that happened/,
  ({ log, session, client }) => {
    client.watch(9, '/elsewhere', z(3))
    client.reads('getData', '/a', 1)
    log.set('/a', session)
    client.told(1, 'deleted', '/a', log.last)
  }
)

passes(
  'a watch on what is missing is told of the first create behind its read, whenever that was',
  ({ log, session, client }) => {
    const read = client.reads('exists', '/b', 1)
    log.create('/b', session)
    log.delete('/b', session)
    client.shows(z(4))
    const again = log.create('/b', session)
    client.told(1, 'created', '/b', again)
    client.saw(read, 'exists', null, again)
  }
)

finds(
  'a watch on what is missing that misses the create',
  /was not told of created \/b at 0x100000004/,
  ({ log, session, client }) => {
    client.watch(9, '/elsewhere', z(3))
    client.read('exists', '/b', 1, null, z(3))
    log.create('/b', session)
    client.shows(log.delete('/b', session))
  }
)

finds(
  'a read that finds nothing where something was',
  /its read found nothing at \/a, where a znode was all the time/,
  ({ client }) => {
    client.shows(z(3))
    client.read('exists', '/a', 1, null, z(3))
  }
)

finds('a reset for a one-shot watch', /that is for watches that stay/, ({ client }) => {
  client.read('exists', '/a', 1, stat(z(3)), z(3))
  client.told(1, 'reset', '/a', z(3))
})

// Catching up by a snapshot.

/** Two txns that a member skips: `/a` changes, and `/b` comes and goes. What is said of it is up to the test. */
function skipped({ log, session }: Scene): Zxid {
  log.set('/a', session)
  log.create('/b', session)
  return log.delete('/b', session)
}

passes('a catch-up by snapshot is told once in the place of what it skips', scene => {
  const { log, session, client } = scene
  client.watch(1, '/a', z(3))
  client.watch(2, '/', z(3), true)
  client.read('getData', '/a', 3, stat(z(3)), z(3))
  client.read('exists', '/b', 4, null, z(3))
  client.read('getChildren', '/', 5, stat(0, z(3), 0), z(3))
  const at = skipped(scene)
  client.told(1, 'reset', '/a', at, ['/a'])
  client.told(3, 'dataChanged', '/a', at)
  client.told(5, 'childrenChanged', '/', at)
  client.told(2, 'reset', '/', at, ['/a'])
  client.shows(at)
  const born = log.create('/b', session)
  client.told(2, 'created', '/b', born)
  client.told(4, 'created', '/b', born)
  client.shows(born)
})

passes('a reset that does not say how far it reaches is good for what comes before anything else', scene => {
  const { log, session, client } = scene
  client.watch(1, '/a', z(3))
  client.watch(2, '/', z(3), true)
  skipped(scene)
  client.told(1, 'reset', '/a', null)
  client.told(2, 'reset', '/', null)
  const set = log.set('/a', session)
  client.told(1, 'dataChanged', '/a', set)
  client.told(2, 'dataChanged', '/a', set)
  client.shows(set)
})

finds(
  'a reset that does not say how far it reaches, for what comes behind',
  /was not told of dataChanged \/a at 0x100000007/,
  scene => {
    const { log, session, client } = scene
    client.watch(1, '/a', z(3))
    client.told(1, 'reset', '/a', null)
    client.shows(skipped(scene))
    client.shows(log.set('/a', session))
  }
)

finds('a watch that is left out of a catch-up', /watch 2 .* was not told of the catch-up by snapshot/, scene => {
  const { client } = scene
  client.watch(1, '/a', z(3))
  client.watch(2, '/c', z(3))
  const at = skipped(scene)
  client.told(1, 'reset', '/a', at, ['/a'])
  client.shows(at)
})

finds('a reset that is told twice', /reset at 0x100000006 a second time/, scene => {
  const { client } = scene
  client.watch(1, '/a', z(3))
  const at = skipped(scene)
  client.told(1, 'reset', '/a', at, ['/a'])
  client.told(1, 'reset', '/a', at, [])
})

finds(
  'a reset that is told twice and does not say how far it reaches',
  /watch 2 .* was not told of the catch-up by snapshot/,
  scene => {
    const { client } = scene
    client.watch(1, '/a', z(3))
    client.watch(2, '/c', z(3))
    const at = skipped(scene)
    for (const watch of [1, 1, 2]) client.told(watch, 'reset', watch === 1 ? '/a' : '/c', null)
    client.shows(at)
  }
)

finds('a reset for what was told one by one', /which its process had applied and told one by one/, scene => {
  const { log, session, client } = scene
  client.watch(1, '/a', z(3))
  const set = log.set('/a', session)
  client.told(1, 'dataChanged', '/a', set)
  client.shows(set)
  client.told(1, 'reset', '/a', set)
})

finds('a reset of a path that is not watched', /that names \/b, which it does not watch/, scene => {
  const { client } = scene
  client.watch(1, '/a', z(3))
  client.told(1, 'reset', '/a', skipped(scene), ['/a', '/b'])
})

finds('a one-shot watch that hears nothing of a catch-up', /watch 3 .* was not told of dataChanged \/a at 0x100000004/, scene => {
  const { client } = scene
  client.watch(1, '/a', z(3))
  client.read('getData', '/a', 3, stat(z(3)), z(3))
  const at = skipped(scene)
  client.told(1, 'reset', '/a', at, ['/a'])
  client.shows(at)
})

finds('a one-shot watch that is told a difference which is none', /but what it was to be told was created \/b/, scene => {
  const { client } = scene
  client.watch(1, '/', z(3))
  client.read('exists', '/b', 4, null, z(3))
  const at = skipped(scene)
  client.told(4, 'created', '/b', at)
  client.told(1, 'reset', '/', at, ['/'])
})

passes('a watch on what is missing waits on when a catch-up finds it missing again', scene => {
  const { log, session, client } = scene
  client.watch(1, '/c', z(3))
  client.read('exists', '/b', 4, null, z(3))
  client.told(1, 'reset', '/c', skipped(scene), [])
  const born = log.create('/b', session)
  client.told(4, 'created', '/b', born)
  client.shows(born)
})

passes('a catch-up beyond the end of a session is told, and then the end', ({ log, session, client }) => {
  const other = log.open()
  client.watch(1, '/c', z(4))
  client.read('exists', '/b', 2, null, z(4))
  log.close(session)
  log.create('/b', other)
  const at = log.set('/a', other)
  client.told(1, 'reset', '/c', at, [])
  client.told(2, 'created', '/b', at)
  client.state('expired')
})

finds(
  'a one-shot watch that is told one by one beyond the end of its session',
  /watch 2 .* but its session was ended at 0x100000005/,
  ({ log, session, client }) => {
    const other = log.open()
    client.watch(1, '/c', z(4))
    client.read('exists', '/b', 2, null, z(4))
    log.close(session)
    client.told(2, 'created', '/b', log.create('/b', other))
  }
)

passes('a catch-up that only one-shot watches can tell of is believed', scene => {
  const { client } = scene
  client.read('getData', '/a', 3, stat(z(3)), z(3))
  client.read('exists', '/b', 4, null, z(3))
  const at = skipped(scene)
  client.told(3, 'dataChanged', '/a', at)
  client.shows(at)
})

// What a reset says has changed.

/** What a member skips here: `/a` comes anew, `/a/x` comes, `/a/y` comes and goes, and `/c` is as it was. */
function skippedBelow({ log, session }: Scene): Zxid {
  log.multi(session, deleteChange('/a'), createChange('/a'))
  log.create('/a/x', session)
  log.create('/a/y', session)
  return log.delete('/a/y', session)
}

const CHANGED: readonly (readonly [path: string, recursive: boolean, paths: readonly string[]])[] = [
  ['/', true, ['/a', '/a/x']],
  ['/a', true, ['/a', '/a/x']],
  ['/a/x', true, ['/a/x']],
  ['/a/y', true, []],
  ['/c', true, []],
  ['/', false, ['/']],
  ['/a', false, ['/a']],
  ['/a/x', false, ['/a/x']],
  ['/a/y', false, []],
  ['/c', false, []]
]

for (const [path, recursive, paths] of CHANGED) {
  const watch = `a ${recursive ? 'recursive' : 'persistent'} watch on ${path}`
  const write =
    (told: readonly string[] | null): ((scene: Scene) => void) =>
    scene => {
      scene.client.watch(1, path, z(3), recursive)
      const at = skippedBelow(scene)
      scene.client.told(1, 'reset', path, at, told)
      scene.client.shows(at)
    }
  passes(`${watch} is told what a catch-up has changed`, write(paths))
  finds(`${watch} that is not told what has changed`, /that does not say what has changed, which was little enough/, write(null))
  const others = recursive ? [path, `${path === '/' ? '' : path}/z`] : [path]
  const wrong =
    paths.length === 0 ? others.map(other => [other]) : [[], ...paths.map(each => paths.filter(other => other !== each))]
  for (const told of wrong) {
    finds(`${watch} that is told [${told.join(', ')}]`, /watch 1 .* that names \[.*\], where \[.*\] had changed/, write(told))
  }
  if (paths.length > 1) finds(`${watch} that is told it in disorder`, /that names/, write([...paths].reverse()))
}

passes('what a watch was told before a catch-up is no part of it', ({ log, session, client }) => {
  client.watch(1, '/', z(3), true)
  client.watch(2, '/a', z(3))
  client.told(1, 'created', '/a/x', log.create('/a/x', session))
  client.told(2, 'childrenChanged', '/a', log.last)
  const at = log.set('/a', session)
  client.told(1, 'reset', '/', at, ['/a'])
  client.told(2, 'reset', '/a', at, ['/a'])
  client.shows(at)
})

finds(
  'a reset that names what was told before it',
  /names \[\/a, \/a\/x\], where \[\/a\] had changed/,
  ({ log, session, client }) => {
    client.watch(1, '/', z(3), true)
    client.told(1, 'created', '/a/x', log.create('/a/x', session))
    client.told(1, 'reset', '/', log.set('/a', session), ['/a', '/a/x'])
  }
)

t.test('a recursive watch need not be told what has changed where that was much, and a persistent one must', async t => {
  // The log has touched four paths, and one is watched.
  for (const [tiny, allowed] of [
    [{ resetPathsMax: 3 }, true],
    [{ resetPathsMax: 4 }, false],
    [{ resetZnodesMax: 4 }, true],
    [{ resetZnodesMax: 5 }, false]
  ] as const) {
    const written = scene()
    const { log, client, history } = written
    client.watch(1, '/a', z(3), true)
    const at = skippedBelow(written)
    client.told(1, 'reset', '/a', at, null)
    client.shows(at)
    const persistent = scene()
    persistent.client.watch(1, '/a', z(3))
    persistent.client.told(1, 'reset', '/a', skippedBelow(persistent), null)
    await withLimits(tiny, async () => {
      const check = () => checkWatches(log.txns, history.events)
      if (allowed) t.doesNotThrow(check)
      else t.throws(check, { message: /that does not say what has changed/ })
      t.throws(() => checkWatches(persistent.log.txns, persistent.history.events), { message: /does not say what has changed/ })
    })
  }
})

// Watches that are removed.

passes('watches of all kinds that are removed are told so, having been told of everything up to then', scene => {
  const { log, session, client } = scene
  client.watch(1, '/a', z(3))
  client.watch(2, '/', z(3), true)
  client.read('getData', '/a', 3, stat(z(3)), z(3))
  client.read('getChildren', '/a', 4, stat(z(3)), z(3))
  client.read('exists', '/b', 5, null, z(3))
  const child = log.create('/c', session)
  client.told(2, 'created', '/c', child)
  client.told(2, 'persistentWatchRemoved', '/', child)
  client.told(1, 'persistentWatchRemoved', '/a', child)
  client.told(3, 'dataWatchRemoved', '/a', child)
  client.told(4, 'childWatchRemoved', '/a', child)
  client.told(5, 'dataWatchRemoved', '/b', child)
  log.create('/b', session)
  client.shows(log.multi(session, setChange('/a'), createChange('/a/x')))
})

passes('a watch may be removed by a listener that is told before others', ({ log, session, client }) => {
  client.watch(1, '/a', z(3))
  client.watch(2, '/a', z(3))
  client.watch(3, '/a', z(3))
  const set = log.set('/a', session)
  client.told(1, 'dataChanged', '/a', set)
  client.told(3, 'dataChanged', '/a', set)
  client.told(3, 'persistentWatchRemoved', '/a', set)
  client.told(2, 'dataChanged', '/a', set)
  client.shows(set)
})

passes('a one-shot watch may be removed before its read has returned', ({ log, session, client }) => {
  const data = client.reads('getData', '/a', 1)
  const missing = client.reads('exists', '/b', 2)
  client.told(1, 'dataWatchRemoved', '/a', z(3))
  client.told(2, 'dataWatchRemoved', '/b', z(3))
  const set = log.set('/a', session)
  log.create('/b', session)
  client.saw(data, 'getData', stat(z(3)), set)
  client.saw(missing, 'exists', null, log.last)
})

finds(
  'a persistent watch that is removed before it is told',
  /watch 1 .* was removed at 0x100000004 without having been told of dataChanged \/a at 0x100000004/,
  ({ log, session, client }) => {
    client.watch(1, '/a', z(3))
    client.told(1, 'persistentWatchRemoved', '/a', log.set('/a', session))
  }
)

finds(
  'a one-shot watch that is removed before it is told',
  /was told of dataWatchRemoved \/a at 0x100000004, without having been told of dataChanged \/a at 0x100000004/,
  ({ log, session, client }) => {
    client.read('getData', '/a', 1, stat(z(3)), z(3))
    client.told(1, 'dataWatchRemoved', '/a', log.set('/a', session))
  }
)

finds(
  'a one-shot watch that is removed before it is told, and before its read has returned',
  /without having been told of dataChanged \/a at 0x100000004/,
  ({ log, session, client }) => {
    const read = client.reads('getData', '/a', 1)
    const set = log.set('/a', session)
    client.told(1, 'dataWatchRemoved', '/a', set)
    client.saw(read, 'getData', stat(z(3)), set)
  }
)

finds(
  'a removed persistent watch that is told something',
  /was told of dataChanged \/a after it was removed/,
  ({ log, session, client }) => {
    client.watch(1, '/a', z(3))
    client.told(1, 'persistentWatchRemoved', '/a', z(3))
    client.told(1, 'dataChanged', '/a', log.set('/a', session))
  }
)

finds('a watch that is removed twice', /after it was removed/, ({ client }) => {
  client.watch(1, '/a', z(3))
  client.told(1, 'persistentWatchRemoved', '/a', z(3))
  client.told(1, 'persistentWatchRemoved', '/a', z(3))
})

finds('a removed one-shot watch that is told something', /having been told before/, ({ log, session, client }) => {
  client.read('getData', '/a', 1, stat(z(3)), z(3))
  client.told(1, 'dataWatchRemoved', '/a', z(3))
  client.told(1, 'dataChanged', '/a', log.set('/a', session))
})

finds('a watch that is removed as another kind', /no such thing happened/, ({ client }) => {
  client.watch(1, '/a', z(3))
  client.told(1, 'dataWatchRemoved', '/a', z(3))
})

finds('a one-shot watch that is removed as another kind', /was told of childWatchRemoved \/a/, ({ client }) => {
  client.read('getData', '/a', 1, stat(z(3)), z(3))
  client.told(1, 'childWatchRemoved', '/a', z(3))
})

finds('a watch that is removed from another path', /no such thing happened/, ({ client }) => {
  client.watch(1, '/a', z(3), true)
  client.told(1, 'persistentWatchRemoved', '/a/x', z(3))
})

finds(
  'a watch that is removed in the past',
  /was removed at 0x100000003, where member 1, process 1 had shown 0x100000004/,
  ({ log, session, client }) => {
    client.watch(1, '/c', z(3))
    client.shows(log.set('/a', session))
    client.told(1, 'persistentWatchRemoved', '/c', z(3))
  }
)

finds('a watch that is told how far its iteration is behind', /no such thing happened/, ({ client }) => {
  client.watch(1, '/a', z(3))
  client.told(1, 'overflow', '/a', z(3))
})
