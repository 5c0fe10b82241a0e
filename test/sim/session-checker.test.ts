import t from 'tap'
import type { MemberId, SessionId, Zxid } from '../../lib/base/index.js'
import { checkSessions, type SessionRun } from '../../lib/sim/sessions/session-checker.js'
import type { SessionTimes } from '../../lib/sim/sessions/session-times.js'
import { type ClientScript, createChange, deleteChange, HistoryScript, LogScript, stat, z } from '../fixtures/history.js'

interface Scene {
  readonly log: LogScript
  readonly history: HistoryScript
  /** Opened in the first process of member 1, with a timeout of a second. */
  readonly session: SessionId
  readonly client: ClientScript
}

/** The session is taken over by a member, at its request. */
function move(log: LogScript, session: SessionId, member = 2, timeout = 1_000, run = `run ${member}.1`): Zxid {
  return log.add({ kind: 'moveSession', session, timeout, member: member as MemberId, run }, { member })
}

/** A leader begins to end a session that has more ephemerals than it ends at once. */
function begin(log: LogScript, session: SessionId, paths: readonly string[] = [], leader = 1): Zxid {
  return log.add({ kind: 'closingSession', session, paths }, { session, member: leader, cxid: 0 })
}

/** A member has somebody else's session ended. */
function terminate(log: LogScript, session: SessionId, paths: readonly string[] = [], member = 2): Zxid {
  return log.add({ kind: 'closeSession', session, paths }, { member })
}

/** The client of a session in the first process of a member. */
function taken(history: HistoryScript, session: SessionId, zxidApplied: Zxid, member = 2, timeout = 1_000): ClientScript {
  const answer = { kind: 'takeOverSession', session, timeout } as const
  history.of(0, member).does({ kind: 'takeOverSession', target: session, timeout: 1_000 }, answer, zxidApplied)
  return history.of(session, member)
}

type Written = (scene: Scene) => SessionRun | undefined

/** Two members have enlisted; the session is the txn `z(3)`. */
function scene(): Scene {
  const log = new LogScript()
  log.enlist(1)
  log.enlist(2)
  const session = log.open()
  const history = new HistoryScript()
  history.of(0).opened(session, z(3))
  return { log, history, session, client: history.of(session) }
}

function check(write: Written): void {
  const written = scene()
  const run = write(written) ?? {}
  checkSessions(written.log.txns, written.history.events, run)
}

function passes(title: string, write: Written): void {
  t.test(title, async t => t.doesNotThrow(() => check(write)))
}

function finds(title: string, message: RegExp, write: Written): void {
  t.test(title, async t => t.throws(() => check(write), { name: 'Violation', checker: 'sessions', message }))
}

/** One reign of ten seconds, in which the first process of member 1 was in contact all the time. */
function times(of: Partial<SessionTimes> & { readonly made?: ReadonlyMap<Zxid, number> } = {}): SessionRun {
  const { made = new Map<Zxid, number>(), ...rest } = of
  const all = { from: 0, to: 10_000 }
  return {
    times: {
      contact: [{ ...all, member: 1 as MemberId, process: 1 }],
      served: [all],
      madeAt: zxid => made.get(zxid) ?? null,
      signMilliseconds: 50,
      lateMilliseconds: 200,
      ...rest
    }
  }
}

passes('sessions that are opened, used, closed and expired are in order', ({ log, history, session, client }) => {
  client.state('connected')
  log.create('/e', session, true)
  log.multi(session, deleteChange('/e'), createChange('/e', session), createChange('/f', session))
  log.refuse(session, 'NODE_EXISTS')
  const other = log.open(2)
  history.of(0, 2).opened(other, log.last)
  const closing = client.call({ kind: 'closeSession' })
  const end = log.close(session, ['/f', '/e'])
  log.refuse(session, 'SESSION_EXPIRED')
  client.state('closed')
  client.answered(closing, { kind: 'closeSession' }, end)
  history.of(other, 2).state('expired')
  const expired = log.close(other, [], 1)
  log.enlist(2, 'run 2.2')
  const many = log.open()
  history.of(0).opened(many, log.last)
  for (const path of ['/g', '/h']) log.create(path, many, true)
  const closingMany = history.of(many).call({ kind: 'closeSession' })
  begin(log, many, ['/g'])
  log.refuse(many, 'SESSION_EXPIRED')
  history.of(many).answered(closingMany, { kind: 'closeSession' }, log.close(many, ['/h']))
  history.of(many).state('closed')
  return { serving: [1, 2].map(member => ({ member: member as MemberId, process: 1, zxidApplied: expired })) }
})

// The log.

finds('a log that goes back', /the log goes back from 0x100000003 to 0x100000003/, ({ log }) => {
  const last = log.txns.at(-1)
  if (last !== undefined) log.txns.push(last)
})

finds('a request number that is left out', /is request 2 of session 0x100000003, behind request 0/, ({ log, session }) => {
  log.add(createChange('/a'), { session, cxid: 2 })
})

finds('a request number that is there twice', /is request 1 of session 0x100000003, behind request 1/, ({ log, session }) => {
  for (const path of ['/a', '/b']) log.add(createChange(path), { session, cxid: 1 })
})

finds('a request number of a member that is left out', /is request 4 of member 1, behind request 2/, ({ log }) => {
  log.add(
    { kind: 'createSession', timeout: 1_000, member: 1 as MemberId, run: 'run 1.1', password: new Uint8Array(16) },
    { cxid: 4 }
  )
})

finds('a request of a member that has not enlisted', /is of member 3, which has not enlisted/, ({ log }) => {
  log.open(3)
})

finds('a session of a process that is gone', /run run 1.1, and was asked for by member 1, run run 1.2/, ({ log }) => {
  log.enlist(1, 'run 1.2')
  log.open(1, 1_000, 'run 1.1')
})

finds(
  'a session that speaks from another member',
  /is a request of session 0x100000003 by member 2, but it lives in member 1/,
  ({ log, session }) => {
    log.add(createChange('/a'), { session, member: 2 })
  }
)

finds('a txn of a session that was never created', /is of session 0x100000009, which the log has never created/, ({ log }) => {
  log.add(createChange('/a'), { session: z(9) })
})

finds(
  'a txn of a session that has ended',
  /0x100000005, a create, is of session 0x100000003, which was ended at 0x100000004/,
  ({ log, session }) => {
    log.close(session)
    log.create('/a', session)
  }
)

finds(
  'a refusal with another code behind the end of a session',
  /refused with NO_NODE, is of session 0x100000003, which was ended/,
  ({ log, session }) => {
    log.close(session)
    log.refuse(session, 'NO_NODE')
  }
)

finds(
  'a session that is ended twice',
  /0x100000005 ends session 0x100000003, which was ended at 0x100000004/,
  ({ log, session }) => {
    log.close(session)
    log.close(session, [], 2)
  }
)

finds('a session that is ended by another', /0x100000005 of session 0x100000004 ends session 0x100000003/, ({ log, session }) => {
  const other = log.open()
  log.add({ kind: 'closeSession', session, paths: [] }, { session: other })
})

finds('a write that no request asked for', /answers no request/, ({ log, session }) => {
  log.add(createChange('/a'), { session, cxid: 0 })
})

finds('an ephemeral that outlives its owner', /its ephemeral \/e stays behind/, ({ log, session }) => {
  log.create('/e', session, true)
  log.close(session)
})

finds('an ephemeral that goes with another session', /deletes \/e, which is not an ephemeral of it/, ({ log, session }) => {
  log.create('/e', session, true)
  log.close(log.open(), ['/e'])
})

finds('an ephemeral that goes twice', /deletes \/e, which is not an ephemeral of it/, ({ log, session }) => {
  log.create('/e', session, true)
  log.delete('/e', session)
  log.close(session, ['/e'])
})

finds('an ephemeral of a session that has ended', /creates \/e as an ephemeral of session 0x100000003/, ({ log, session }) => {
  const other = log.open()
  log.close(session)
  log.add(createChange('/e', session), { session: other })
})

finds(
  'a session that is asked for somewhere else than where it was taken to',
  /is a request of session 0x100000003 by member 1, but it lives in member 2/,
  ({ log, session }) => {
    move(log, session)
    log.create('/a', session)
  }
)

finds(
  'a session whose requests are numbered anew where it was taken to',
  /is request 1 of session 0x100000003, behind request 1/,
  ({ log, session }) => {
    log.create('/a', session)
    move(log, session)
    log.add(createChange('/b'), { session, member: 2, cxid: 1 })
  }
)

finds('a session that is moved to a process that is gone', /run run 2.0, and was asked for by member 2/, ({ log, session }) => {
  move(log, session, 2, 1_000, 'run 2.0')
})

finds('a session that is moved by a request of its own', /says where session 0x100000003 lives/, ({ log, session }) => {
  log.add(
    { kind: 'moveSession', session, timeout: 1_000, member: 1 as MemberId, run: 'run 1.1' },
    { session, member: 1 as MemberId }
  )
})

finds('a session that is moved behind its end', /moves session 0x100000003, which was ended/, ({ log, session }) => {
  log.close(session)
  move(log, session)
})

finds('a session that is moved while it is being ended', /moves session 0x100000003, which was ended/, ({ log, session }) => {
  begin(log, session)
  move(log, session)
})

finds(
  'a write of a session whose end has begun',
  /0x100000005, a create, is of session 0x100000003, which was ended at 0x100000004/,
  ({ log, session }) => {
    begin(log, session)
    log.create('/a', session)
  }
)

finds(
  'an end in several txns that leaves an ephemeral behind',
  /0x100000007 ends session 0x100000003, and its ephemeral \/f stays behind/,
  ({ log, session }) => {
    for (const path of ['/e', '/f']) log.create(path, session, true)
    begin(log, session, ['/e'])
    log.close(session, [], 1)
  }
)

finds('an end for somebody else of what is being ended', /ends session 0x100000003 for member 2/, ({ log, session }) => {
  begin(log, session)
  terminate(log, session)
})

finds(
  'an ephemeral that stays behind when somebody else ends its owner',
  /its ephemeral \/e stays behind/,
  ({ log, session }) => {
    log.create('/e', session, true)
    terminate(log, session)
  }
)

passes('what a leader removes of its own accord has no number', ({ log, session }) => {
  log.create('/c', session)
  log.add({ kind: 'deleteContainer', path: '/c' }, { cxid: 0 })
  log.add({ kind: 'multi', changes: [] }, { cxid: 0 })
})

// The clients.

finds('a session that is opened twice', /calls 1 and 2 were both answered with session 0x100000003/, ({ history, session }) => {
  history.of(0).opened(session, z(3))
})

finds(
  'a session that nobody has created',
  /answered with session 0x100000009, which the log has never created/,
  ({ history }) => {
    history.of(0).opened(z(9) as number as SessionId, z(3))
  }
)

finds(
  'a timeout that is told otherwise',
  /has a timeout of 500 ms in the log, and its client was told 1000 ms/,
  ({ log, history }) => {
    history.of(0).opened(log.open(1, 500), log.last)
  }
)

finds('a session that is opened elsewhere', /lives in member 1 in the log, and was opened in member 2/, ({ log, history }) => {
  history.of(0, 2).opened(log.open(), log.last)
})

finds('a session in two processes', /has a 'state' in member 1, process 2 as well/, ({ history, session }) => {
  history.of(session, 1, 2).state('connected')
})

finds(
  'a close that is answered and not in the log',
  /closed session 0x100000003, and it is not ended in the log/,
  ({ client }) => {
    client.does({ kind: 'closeSession' }, { kind: 'closeSession' }, z(3))
  }
)

finds(
  'a close that is answered before its member has applied it',
  /closed session 0x100000003 at 0x100000003, and the log ends it at 0x100000004/,
  ({ log, session, client }) => {
    log.close(session)
    client.does({ kind: 'closeSession' }, { kind: 'closeSession' }, z(3))
  }
)

passes('a session that its client has given up can be closed without a txn', ({ client }) => {
  client.state('expired')
  client.does({ kind: 'closeSession' }, { kind: 'closeSession' }, z(3))
})

finds(
  'an answer to a call that was made after the end was told',
  /it was made after its client was told that it is expired/,
  ({ client }) => {
    client.state('expired')
    client.read('exists', '/', null, stat(0), z(3))
  }
)

finds(
  'an answer to an older call, long after the end was told',
  /call 2 \(exists\) .* was answered after its client was told that it is over/,
  ({ history, client }) => {
    const read = client.reads('exists', '/')
    client.state('expired')
    history.at += 1_000
    client.saw(read, 'exists', stat(0), z(3))
    return { turnMilliseconds: 10 }
  }
)

passes('an answer that was there before the end may be told in the same turn', ({ client }) => {
  const read = client.reads('exists', '/')
  client.state('expired')
  client.saw(read, 'exists', stat(0), z(3))
  return { turnMilliseconds: 10 }
})

finds(
  'an answer to a call that was made when the end had been applied',
  /after its process had applied the end of the session/,
  ({ log, session, client }) => {
    client.shows(log.close(session))
    client.read('exists', '/', null, stat(0), log.last)
  }
)

finds(
  'an end in the log that its client is never told of',
  /was ended at 0x100000004, and its client was not told by the time that member 1, process 1 showed 0x100000004/,
  ({ log, session }) => {
    const zxidApplied = log.close(session)
    return { serving: [{ member: 1 as MemberId, process: 1, zxidApplied }] }
  }
)

finds(
  'an expiry while the member serves that is not in the log',
  /was told that it is expired while its member served, and the log has not ended it/,
  ({ client }) => {
    client.state('connected')
    client.state('expired')
  }
)

finds('another state behind a final one', /was told that it is connected, having been told that it is closed/, ({ client }) => {
  client.state('closed')
  client.state('connected')
})

passes('a session that is taken over lives where it was taken to, and there again', ({ log, history, session, client }) => {
  client.state('connected')
  const first = move(log, session, 2, 800)
  const there = taken(history, session, first, 2, 800)
  there.state('connected')
  client.state('closed')
  const back = log.add(
    { kind: 'moveSession', session, timeout: 1_000, member: 1 as MemberId, run: 'run 1.1' },
    { member: 1 as MemberId }
  )
  const again = taken(history, session, back, 1)
  again.state('connected')
  there.state('closed')
  again.read('exists', '/', null, stat(0), back)
  return { serving: [1, 2].map(member => ({ member: member as MemberId, process: 1, zxidApplied: back })) }
})

finds(
  'a session that was taken away, of which its former client is never told',
  /was taken away at 0x100000004, and its client was not told by the time that member 1, process 1 showed 0x100000004/,
  ({ log, history, session }) => {
    const moved = move(log, session)
    taken(history, session, moved)
    return { serving: [{ member: 1 as MemberId, process: 1, zxidApplied: moved }] }
  }
)

finds(
  'an answer to the former client of a session that its process has seen taken away',
  /it was made after its process had applied the end of the session/,
  ({ log, history, session, client }) => {
    const moved = move(log, session)
    taken(history, session, moved)
    client.read('exists', '/', null, stat(0), moved)
    client.read('exists', '/', null, stat(0), moved)
  }
)

finds(
  'a session that is taken over and not moved',
  /call 2 has taken session 0x100000003 over, which the log has not moved to member 2, process 1/,
  ({ history, session }) => {
    taken(history, session, z(3))
  }
)

finds(
  'a session that is taken over before its process has applied that',
  /has taken session 0x100000003 over, which the log has not moved/,
  ({ log, history, session }) => {
    move(log, session)
    taken(history, session, z(3))
  }
)

finds(
  'a session that is taken over by two calls at once',
  /calls 2 and 3 were both answered with session 0x100000003/,
  ({ log, history, session }) => {
    const moved = move(log, session)
    taken(history, session, moved)
    taken(history, session, moved)
  }
)

finds(
  'a session that is met in another process than it was moved to',
  /has taken session 0x100000003 over, which the log has not moved to member 2, process 1/,
  ({ log, history, session }) => {
    history.of(0, 2).opened(log.open(2), log.last)
    log.enlist(2, 'run 2.2')
    taken(history, session, move(log, session, 2, 1_000, 'run 2.2'))
  }
)

finds(
  'two processes of a member that are one',
  /session 0x100000006 is met in member 2, process 1, and lives in member 2, run run 2.2/,
  ({ log, history }) => {
    history.of(0, 2).opened(log.open(2), log.last)
    log.enlist(2, 'run 2.2')
    history.of(0, 2).opened(log.open(2, 1_000, 'run 2.2'), log.last)
  }
)

finds(
  'a timeout that is told otherwise when a session is taken over',
  /has a timeout of 800 ms in the log, and its client was told 1000 ms/,
  ({ log, history, session }) => {
    taken(history, session, move(log, session, 2, 800))
  }
)

passes('somebody else may end a session', ({ log, history, session, client }) => {
  client.state('connected')
  const end = terminate(log, session)
  history.of(0, 2).does({ kind: 'terminateSession', target: session }, { kind: 'terminateSession' }, end)
  client.state('expired')
})

finds(
  'an end for somebody else that is answered and not in the log',
  /call 2 has ended session 0x100000003, which the log has not by 0x100000003/,
  ({ history, session }) => {
    history.of(0, 2).does({ kind: 'terminateSession', target: session }, { kind: 'terminateSession' }, z(3))
  }
)

finds(
  'an end that has begun, and of which a client that has not asked for it is not told',
  /was ended at 0x100000004, and its client was not told/,
  ({ log, session }) => {
    const zxidApplied = begin(log, session)
    return { serving: [{ member: 1 as MemberId, process: 1, zxidApplied }] }
  }
)

finds('something behind the end of a process', /has ended, and still there is a 'state'/, ({ client }) => {
  client.ended()
  client.state('closed')
})

finds('a return of a call that was never made', /call 99 returned without having been made/, ({ client }) => {
  client.failed(99, z(3))
})

finds('a call that returns twice', /call 2 returned twice/, ({ client }) => {
  client.shows(z(3))
  client.failed(2, z(3))
})

// Time.

finds(
  'a session that is expired while its process is in contact',
  /was expired at 0x100000004 after 0 ms of silence; its timeout is 1000 ms/,
  ({ log, session }) => {
    return times({ made: new Map([[log.close(session, [], 2), 5_000]]) })
  }
)

for (const [title, silent, found] of [
  ['a session that is expired before its timeout has passed', 900, true],
  ['a session that is expired once its timeout has passed since the last sign of life', 950, false]
] as const) {
  const write: Written = ({ log, session }) => {
    const contact = [{ member: 1 as MemberId, process: 1, from: 0, to: 5_000 }]
    return times({ contact, made: new Map([[log.close(session, [], 2), 5_000 + silent]]) })
  }
  if (found) finds(title, /after 900 ms of silence; its timeout is 1000 ms/, write)
  else passes(title, write)
}

finds('a session that is expired directly after it was created', /after 500 ms of silence/, ({ log, session }) => {
  const made = new Map([
    [session as number as Zxid, 5_000],
    [log.close(session, [], 2), 5_500]
  ])
  return times({ contact: [], made })
})

passes('a session whose member runs in another process is ended at once', ({ log, session }) => {
  log.enlist(1, 'run 1.2')
  return times({ made: new Map([[log.close(session, [], 2), 5_000]]) })
})

finds(
  'a session that its client gives up while its member serves',
  /was told that it is expired, which nobody had decided, after 0 ms without a leader/,
  ({ history, client }) => {
    history.at = 5_000
    client.state('expired')
    return times()
  }
)

passes('a session that its client gives up after its timeout without a leader', ({ history, client }) => {
  history.at = 6_000
  client.state('expired')
  return times({ contact: [{ member: 1 as MemberId, process: 1, from: 0, to: 5_000 }] })
})

/** The process dies at two seconds, and its session is ended so many milliseconds later: never when there are none. */
function dies(after: number | null, served = [{ from: 0, to: 10_000 }]): Written {
  return ({ log, history, session, client }) => {
    history.at = 1_999
    client.ended()
    const contact = [{ member: 1 as MemberId, process: 1, from: 0, to: 2_000 }]
    const made = after === null ? new Map<Zxid, number>() : new Map([[log.close(session, [], 2), 2_000 + after]])
    return times({ contact, served, made })
  }
}

finds(
  'a session that outlives its process for too long',
  /was ended at 0x100000004, 1300 ms later: its process ended at 2000 ms/,
  dies(1_300)
)
finds(
  'a session that outlives its process for ever',
  /was never ended: its process ended at 2000 ms and its timeout is 1000 ms/,
  dies(null)
)
passes('a session that ends in time', dies(1_200))
passes(
  'a session that would have ended, had the reigns been longer',
  dies(null, [
    { from: 0, to: 3_000 },
    { from: 3_001, to: 4_000 }
  ])
)
finds(
  'a session that outlives its process in a later reign',
  /was ended at 0x100000004, 3000 ms later/,
  dies(3_000, [
    { from: 0, to: 3_000 },
    { from: 3_001, to: 9_000 }
  ])
)

/** Taken over by member 2 at two seconds; the process that it has left dies a moment later. */
function leaves(after: (log: LogScript, session: SessionId, made: Map<Zxid, number>) => void, contactTo: number): Written {
  return ({ log, history, session, client }) => {
    const moved = move(log, session)
    const made = new Map([[moved, 2_000]])
    history.at = 2_000
    taken(history, session, moved)
    client.state('closed')
    client.ended()
    after(log, session, made)
    const contact = [1, 2].map(member => ({
      member: member as MemberId,
      process: 1,
      from: 0,
      to: member === 1 ? 2_000 : contactTo
    }))
    return times({ contact, made })
  }
}

passes(
  'a session that was taken over outlives the process that it has left',
  leaves(() => {}, 10_000)
)
finds(
  'a session that ends with the process that it has left',
  /was expired at 0x100000005 after 0 ms of silence/,
  leaves((log, session, made) => made.set(log.close(session, [], 2), 2_500), 10_000)
)
passes(
  'a session that ends when the process that it was taken to is silent',
  leaves((log, session, made) => made.set(log.close(session, [], 2), 4_000), 3_000)
)

/** An end of which the first part is made at two seconds, and the last so many milliseconds later. */
function ends(after: number | null): Written {
  return ({ log, session }) => {
    log.create('/e', session, true)
    log.enlist(1, 'run 1.2')
    const made = new Map([[begin(log, session, ['/e'], 2), 2_000]])
    if (after !== null) made.set(log.close(session, [], 2), 2_000 + after)
    return times({ made })
  }
}

passes('an end in several txns that is whole in time', ends(200))
finds(
  'an end in several txns that is whole too late',
  /was begun at 0x100000006 and brought to its end 250 ms later, at 0x100000007/,
  ends(250)
)
finds('an end in several txns that is never whole', /was begun at 0x100000006 and brought to its end never/, ends(null))
