import t from 'tap'
import { type MemberId, NO_SESSION, type Zxid } from '../../lib/base/index.js'
import { SessionTable } from '../../lib/session/index.js'
import { session, zxidAt } from '../fixtures/tree.js'

const ONE = 1 as MemberId
const TWO = 2 as MemberId
const password = (fill: number): Uint8Array => new Uint8Array(16).fill(fill)
const id = (counter: number) => session(zxidAt(counter))

/** Members 1 and 2 in runs `a`, with sessions 3 and 4 in member 1 and 5 in member 2. */
function sample(): SessionTable {
  const table = new SessionTable()
  table.apply({ kind: 'enlist', member: ONE, run: 'a' }, zxidAt(1))
  table.apply({ kind: 'enlist', member: TWO, run: 'a' }, zxidAt(2))
  for (const [counter, member] of [
    [3, ONE],
    [4, ONE],
    [5, TWO]
  ] as const) {
    table.apply(
      { kind: 'createSession', timeout: 1000 * counter, member, run: 'a', password: password(counter) },
      zxidAt(counter)
    )
  }
  return table
}

t.test('a session has the zxid of its txn as its id', async t => {
  const table = sample()
  t.equal(table.size, 3)
  t.strictSame(table.session(id(3)), {
    id: id(3),
    timeout: 3000,
    member: ONE,
    run: 'a',
    password: password(3),
    cxid: 0,
    closing: false
  })
  t.equal(table.session(id(9)), null)
  t.strictSame(
    table.sessions().map(each => each.id),
    [id(3), id(4), id(5)]
  )
})

t.test('the password is kept as a copy', async t => {
  const table = new SessionTable()
  const given = password(7)
  table.apply({ kind: 'createSession', timeout: 1, member: ONE, run: 'a', password: given }, zxidAt(1))
  given.fill(0)
  t.strictSame(table.session(id(1))?.password, password(7))
})

t.test('a session is created once', async t => {
  const again = { kind: 'createSession', timeout: 1, member: ONE, run: 'a', password: password(1) } as const
  t.throws(() => sample().apply(again, zxidAt(3)), { code: 'INVARIANT_VIOLATED' })
})

t.test('a closed session is gone, and closing it again changes nothing', async t => {
  const table = sample()
  table.apply({ kind: 'closeSession', session: id(4) }, zxidAt(6))
  const { digest } = table
  table.apply({ kind: 'closeSession', session: id(4) }, zxidAt(7))
  t.equal(table.session(id(4)), null)
  t.equal(table.size, 2)
  t.equal(table.digest, digest)
})

t.test('a session that moves keeps its password and its number, and has another home and timeout', async t => {
  const table = sample()
  table.recordRequest(id(4), ONE, 1)
  table.apply({ kind: 'moveSession', session: id(4), timeout: 9, member: TWO, run: 'c' }, zxidAt(6))
  const moved = { id: id(4), timeout: 9, member: TWO, run: 'c', password: password(4), cxid: 1, closing: false }
  t.strictSame(table.session(id(4)), moved)
  table.recordRequest(id(4), TWO, 2)
  t.strictSame(
    table.sessionsOf(ONE).map(each => each.id),
    [id(3)]
  )
  const unknown = { kind: 'moveSession', session: id(9), timeout: 9, member: TWO, run: 'c' } as const
  t.throws(() => table.apply(unknown, zxidAt(7)), { code: 'INVARIANT_VIOLATED' })
})

t.test('a session that is ending is marked, does not move, and is gone with the last of its end', async t => {
  const table = sample()
  const before = table.digest
  table.apply({ kind: 'closingSession', session: id(4) }, zxidAt(6))
  table.apply({ kind: 'closingSession', session: id(4) }, zxidAt(7))
  t.equal(table.session(id(4))?.closing, true)
  t.equal(table.session(id(3))?.closing, false)
  t.not(table.digest, before)
  t.equal(SessionTable.restore(table.snapshot()).session(id(4))?.closing, true)
  const move = { kind: 'moveSession', session: id(4), timeout: 9, member: TWO, run: 'c' } as const
  t.throws(() => table.apply(move, zxidAt(8)), { code: 'INVARIANT_VIOLATED' })
  t.throws(() => table.apply({ kind: 'closingSession', session: id(9) }, zxidAt(8)), { code: 'INVARIANT_VIOLATED' })
  table.apply({ kind: 'closeSession', session: id(4) }, zxidAt(8))
  t.equal(table.session(id(4)), null)
})

t.test('request numbers are contiguous for each session and for each member outside of any', async t => {
  const table = sample()
  table.recordRequest(id(3), ONE, 1)
  table.recordRequest(id(3), ONE, 2)
  table.recordRequest(id(4), ONE, 1)
  table.recordRequest(NO_SESSION, ONE, 1)
  table.recordRequest(NO_SESSION, TWO, 1)
  t.equal(table.lastRequest(id(3), ONE), 2)
  t.equal(table.lastRequest(NO_SESSION, ONE), 1)
  t.equal(table.lastRequest(id(5), TWO), 0)
  t.equal(table.lastRequest(id(9), ONE), null)
  t.equal(table.lastRequest(NO_SESSION, 3 as MemberId), null)
  for (const cxid of [0, 1, 2, 4]) {
    t.throws(() => table.recordRequest(id(3), ONE, cxid), { code: 'INVARIANT_VIOLATED' }, `a repetition or gap: ${cxid}`)
  }
  t.throws(() => table.recordRequest(NO_SESSION, TWO, 3), { code: 'INVARIANT_VIOLATED' })
  t.throws(() => table.recordRequest(id(9), ONE, 1), { code: 'INVARIANT_VIOLATED' })
})

t.test('a new process of a member counts from 1, the same process enlisted again goes on', async t => {
  const table = sample()
  table.recordRequest(NO_SESSION, ONE, 1)
  table.apply({ kind: 'enlist', member: ONE, run: 'a' }, zxidAt(6))
  t.strictSame(table.member(ONE), { member: ONE, run: 'a', cxid: 1 })
  table.apply({ kind: 'enlist', member: ONE, run: 'b' }, zxidAt(7))
  t.strictSame(table.member(ONE), { member: ONE, run: 'b', cxid: 0 })
  t.equal(table.member(3 as MemberId), null)
  t.strictSame(
    table.members().map(({ member }) => member),
    [ONE, TWO]
  )
})

t.test('the sessions of a member of former processes are found', async t => {
  const table = sample()
  table.apply({ kind: 'enlist', member: ONE, run: 'b' }, zxidAt(6))
  table.apply({ kind: 'createSession', timeout: 1, member: ONE, run: 'b', password: password(1) }, zxidAt(7))
  const idsOf = (list: readonly { readonly id: number }[]): readonly number[] => list.map(each => each.id)
  t.strictSame(idsOf(table.sessionsOf(ONE, 'b')), [id(3), id(4)])
  t.strictSame(idsOf(table.sessionsOf(ONE)), [id(3), id(4), id(7)])
  t.strictSame(idsOf(table.sessionsOf(TWO, 'a')), [])
})

t.test('a table restored from a snapshot is equal, and the snapshot does not change with the table', async t => {
  const table = sample()
  table.recordRequest(id(3), ONE, 1)
  const snapshot = table.snapshot()
  const { digest } = table
  table.recordRequest(id(3), ONE, 2)
  table.apply({ kind: 'closeSession', session: id(4) }, zxidAt(6))
  const restored = SessionTable.restore(snapshot)
  t.equal(restored.digest, digest)
  t.strictSame(restored.snapshot(), snapshot)
  restored.recordRequest(id(3), ONE, 2)
  t.equal(snapshot.sessions[0]?.cxid, 1)
})

t.test('a snapshot that holds something twice is refused', async t => {
  const { sessions, members } = sample().snapshot()
  t.throws(() => SessionTable.restore({ sessions: [...sessions, ...sessions], members }), { code: 'LOG_CORRUPTED' })
  t.throws(() => SessionTable.restore({ sessions, members: [...members, ...members] }), { code: 'LOG_CORRUPTED' })
})

t.test('any difference changes the digest, the order of what led there does not', async t => {
  const { sessions, members } = sample().snapshot()
  const digestWith = (session: object, member: object): string =>
    SessionTable.restore({
      sessions: sessions.map((each, index) => (index === 0 ? { ...each, ...session } : each)),
      members: members.map((each, index) => (index === 0 ? { ...each, ...member } : each))
    }).digest
  const differences: readonly (readonly [object, object])[] = [
    [{}, {}],
    [{ id: zxidAt(9) as number as Zxid }, {}],
    [{ timeout: 1 }, {}],
    [{ member: TWO }, {}],
    [{ run: 'b' }, {}],
    [{ password: password(9) }, {}],
    [{ cxid: 1 }, {}],
    [{ closing: true }, {}],
    [{}, { run: 'b' }],
    [{}, { cxid: 1 }],
    [{}, { member: 3 as MemberId }]
  ]
  t.equal(new Set(differences.map(([session, member]) => digestWith(session, member))).size, differences.length)
  const reversed = SessionTable.restore({ sessions: [...sessions].reverse(), members: [...members].reverse() })
  t.equal(reversed.digest, sample().digest)
  t.strictSame(reversed.snapshot(), { sessions, members })
  t.match(new SessionTable().digest, /^[0-9a-f]{16}$/)
})
