import t from 'tap'
import { type MemberId, NO_SESSION, type SessionId, type Zxid } from '../../lib/base/index.js'
import { PendingSessions } from '../../lib/member/pending-sessions.js'
import type { AppliedTxn } from '../../lib/member/replica.js'
import { SessionTable } from '../../lib/session/index.js'
import type { TxnChange } from '../../lib/wire/index.js'
import { zxidOf } from '../fixtures/member-parts.js'

const ONE = 1 as MemberId
const TWO = 2 as MemberId
const password = (fill: number): Uint8Array => new Uint8Array(16).fill(fill)

/** The committed table and what the leader sees beyond it. What is outstanding is applied when the test says so. */
class Scene {
  readonly table = new SessionTable()
  readonly pending = new PendingSessions(this.table)
  #counter = 0

  next(): Zxid {
    return zxidOf(1, ++this.#counter)
  }

  apply(zxid: Zxid, change: TxnChange): void {
    if (change.kind === 'closeSession') this.table.apply({ kind: change.kind, session: change.session }, zxid)
    else if (change.kind === 'enlist' || change.kind === 'createSession' || change.kind === 'moveSession')
      this.table.apply(change, zxid)
    const txn = { session: NO_SESSION, member: ONE, cxid: 0, time: 0, change }
    this.pending.onApplied({ zxid, txn, result: { kind: 'none' }, events: [], excesses: [] } satisfies AppliedTxn)
  }

  /** A process begins, and that is applied. */
  enlist(member: MemberId, run: string): void {
    this.pending.enlist(member, 1, run)
    this.apply(this.next(), { kind: 'enlist', member, run })
  }

  /** Prepares a session. */
  create(member: MemberId, fill: number): { readonly id: SessionId; apply(): void } {
    const zxid = this.next()
    const { run } = this.pending.create(zxid, member, password(fill))
    const change = { kind: 'createSession', timeout: 1_000, member, run, password: password(fill) } as const
    return { id: zxid as number as SessionId, apply: () => this.apply(zxid, change) }
  }

  /** Prepares a move; null when it is refused. */
  move(member: MemberId, session: SessionId, fill: number): { apply(): void } | null {
    const zxid = this.next()
    const home = this.pending.move(member, session, password(fill))
    if (home === null) return null
    return { apply: () => this.apply(zxid, { kind: 'moveSession', session, timeout: 1_000, member, run: home.run }) }
  }
}

function begun(): Scene {
  const scene = new Scene()
  scene.enlist(ONE, 'a')
  scene.enlist(TWO, 'b')
  return scene
}

t.test('a session has its home from the moment that its creation is prepared', async t => {
  const scene = begun()
  const session = scene.create(ONE, 7)
  t.match(scene.pending.homeOf(session.id), { member: ONE, run: 'a' })
  t.equal(scene.pending.lastNumber(session.id, ONE), 0)
  session.apply()
  t.match(scene.pending.homeOf(session.id), { member: ONE, run: 'a' })
  scene.apply(scene.next(), { kind: 'closeSession', session: session.id, paths: [] })
  t.equal(scene.pending.homeOf(session.id), null)
  t.equal(scene.pending.lastNumber(session.id, ONE), null)
  t.equal(scene.pending.homeOf(12_345 as SessionId), null)
})

t.test('a session moves with its password, from where it will be, and keeps its number', async t => {
  const scene = begun()
  const session = scene.create(ONE, 7)
  scene.pending.setNumber(session.id, ONE, 5)
  t.equal(scene.move(TWO, session.id, 8), null)
  t.equal(scene.move(TWO, 12_345 as SessionId, 7), null)
  t.match(scene.pending.homeOf(session.id), { member: ONE }, 'what is refused changes nothing')
  const there = scene.move(TWO, session.id, 7)
  t.match(scene.pending.homeOf(session.id), { member: TWO, run: 'b' })
  const back = scene.move(ONE, session.id, 7)
  t.match(scene.pending.homeOf(session.id), { member: ONE, run: 'a' })
  t.equal(scene.pending.lastNumber(session.id, TWO), 5)
  session.apply()
  there?.apply()
  t.match(scene.pending.homeOf(session.id), { member: ONE, run: 'a' }, 'it is going to move on')
  t.equal(scene.table.session(session.id)?.member, TWO)
  back?.apply()
  t.match(scene.pending.homeOf(session.id), { member: ONE, run: 'a' })
})

t.test('a process that begins ends what will live in a former one of its member, and nothing that has moved away', async t => {
  const scene = begun()
  const [stays, leaves, comes, arrives] = [scene.create(ONE, 1), scene.create(ONE, 2), scene.create(TWO, 3), scene.create(TWO, 4)]
  for (const each of [stays, leaves, comes, arrives]) each.apply()
  const young = scene.create(ONE, 5)
  scene.move(TWO, leaves.id, 2)
  scene.move(ONE, comes.id, 3)?.apply()
  scene.move(ONE, arrives.id, 4)
  t.equal(scene.pending.enlist(ONE, 1, 'a'), false, 'it is known')
  t.equal(scene.pending.enlist(ONE, 1, 'a2'), true)
  t.equal(scene.pending.enlist(ONE, 1, 'a2'), false)
  t.strictSame(scene.pending.livingIn(ONE, 'a2'), [stays.id, comes.id, arrives.id, young.id].sort())
  t.strictSame(scene.pending.livingIn(TWO, 'b'), [])
  const next = scene.create(ONE, 6)
  t.match(scene.pending.homeOf(next.id), { member: ONE, run: 'a2' }, 'what begins now lives in the new one')
  t.notOk(scene.pending.livingIn(ONE, 'a2').includes(next.id))
})

t.test('requests outside of sessions are numbered for each process', async t => {
  const scene = begun()
  t.equal(scene.pending.lastNumber(NO_SESSION, ONE), 1)
  scene.pending.setNumber(NO_SESSION, ONE, 4)
  t.equal(scene.pending.lastNumber(NO_SESSION, ONE), 4)
  t.equal(scene.pending.lastNumber(NO_SESSION, TWO), 1)
  t.equal(scene.pending.lastNumber(NO_SESSION, 3 as MemberId), null)
  scene.pending.enlist(ONE, 1, 'a2')
  t.equal(scene.pending.lastNumber(NO_SESSION, ONE), 1)
})
