import t from 'tap'
import { type Epoch, type MemberId, makeZxid, NO_SESSION, type SessionId, seededRandom, type Zxid } from '../../lib/base/index.js'
import { type AppliedTxn, Replica } from '../../lib/member/replica.js'
import { RequestProcessor } from '../../lib/member/request-processor.js'
import { VirtualRuntime } from '../../lib/sim/world/virtual-runtime.js'
import { decodeTxn, type Request, type RequestBody, type Txn } from '../../lib/wire/index.js'
import { type Batch, txnsOf } from '../../lib/zab/index.js'
import { MEMBER } from '../fixtures/member-parts.js'

const OTHER = 2 as MemberId
const TICK = 100

/** A leader's processor and the log it writes, which is applied when the test says so. */
class Bench {
  readonly virtual = new VirtualRuntime()
  readonly replica: Replica
  readonly batches: Batch[] = []
  readonly applied: AppliedTxn[] = []
  readonly violations: string[] = []
  exhausted = 0
  left = Number.POSITIVE_INFINITY
  wall = 5_000
  processor: RequestProcessor
  #epoch: number
  #counter = 0
  #read = 0

  constructor(replica = new Replica(), epoch = 1) {
    this.replica = replica
    this.#epoch = epoch
    this.processor = this.#reign()
  }

  /** Another reign over the same state: whatever is not applied is lost. */
  succeed(): void {
    this.processor.end()
    this.batches.splice(this.#read)
    this.#epoch++
    this.#counter = 0
    this.processor = this.#reign()
  }

  get txns(): readonly Txn[] {
    return this.batches.flatMap(batch => txnsOf(batch).map(decodeTxn))
  }

  get changes(): readonly string[] {
    return this.txns.map(({ change }) => (change.kind === 'refused' ? change.code : change.kind))
  }

  /** What is issued becomes a batch at the end of the turn. */
  async turn(): Promise<void> {
    await this.virtual.run(0)
  }

  async apply(): Promise<void> {
    await this.turn()
    for (; this.#read < this.batches.length; this.#read++) {
      const batch = this.batches[this.#read]
      if (batch === undefined) break
      for (const [index, bytes] of txnsOf(batch).entries()) {
        const applied = this.replica.apply(bytes, (batch.zxidFirst + index) as Zxid)
        this.applied.push(applied)
        this.processor.onApplied(applied)
      }
    }
    this.processor.onCaughtUp(this.replica.zxidApplied)
  }

  submit(session: number, cxid: number, body: RequestBody, member: MemberId = MEMBER, from = member): void {
    this.processor.submit(from, [{ session: session as SessionId, member, cxid, body }])
  }

  /** A process of a member with one session; gives the session's id. */
  async begin(member: MemberId = MEMBER, run = 'run1'): Promise<number> {
    this.submit(NO_SESSION, 1, { kind: 'enlist', run }, member)
    this.submit(NO_SESSION, 2, { kind: 'createSession', timeout: 1_000 }, member)
    await this.apply()
    return this.applied.filter(({ txn }) => txn.change.kind === 'createSession').at(-1)?.zxid ?? 0
  }

  #reign(): RequestProcessor {
    const { clock, scheduler, random } = this.virtual.runtime
    return new RequestProcessor(
      {
        id: MEMBER,
        clock: { ...clock, wall: () => this.wall },
        scheduler,
        random: random ?? seededRandom(1),
        tickTime: TICK,
        minSessionTimeout: 200,
        maxSessionTimeout: 5_000,
        zxidNext: () => makeZxid(this.#epoch as Epoch, this.#counter + 1),
        proposalsLeft: () => this.left,
        propose: batch => {
          this.batches.push(batch)
          this.#counter += batch.count
          this.left -= batch.count
        },
        onEpochExhausted: () => this.exhausted++,
        onViolation: (member, reason) => this.violations.push(`${member}: ${reason}`)
      },
      this.replica
    )
  }
}

function creating(path: string, ephemeral = false): RequestBody {
  return { kind: 'create', path, data: null, ephemeral, sequential: false }
}

t.test('the requests of one turn become one batch, judged against what is outstanding', async t => {
  const bench = new Bench()
  const session = await bench.begin()
  const before = bench.batches.length
  bench.submit(session, 1, creating('/a'))
  bench.submit(session, 2, creating('/a'))
  bench.submit(session, 3, creating('/a/b'))
  bench.submit(session, 4, { kind: 'setData', path: '/a', data: null, version: 1 })
  bench.submit(session, 5, { kind: 'delete', path: '/a', version: -1 })
  await bench.turn()
  t.equal(bench.batches.length - before, 1)
  t.strictSame(bench.changes.slice(-5), ['create', 'NODE_EXISTS', 'create', 'BAD_VERSION', 'NOT_EMPTY'])
  t.strictSame(
    bench.txns.slice(-5).map(({ cxid }) => cxid),
    [1, 2, 3, 4, 5],
    'a refusal is a txn too'
  )
})

t.test('a number that was seen is dropped, a gap is a violation, and nothing behind it is looked at', async t => {
  const bench = new Bench()
  const session = await bench.begin()
  bench.submit(session, 1, creating('/a'))
  bench.submit(session, 1, creating('/again'))
  await bench.apply()
  bench.submit(session, 1, creating('/applied'))
  bench.submit(session, 2, creating('/b'))
  await bench.apply()
  t.strictSame(bench.replica.tree.getChildren('/')?.children, ['a', 'b', 'zookeeper'])
  const group = [4, 3].map(cxid => ({ session: session as SessionId, member: MEMBER, cxid, body: creating(`/c${cxid}`) }))
  bench.processor.submit(MEMBER, group)
  await bench.apply()
  t.equal(bench.violations.length, 1)
  t.equal(bench.replica.tree.getChildren('/')?.children.length, 3)
  bench.submit(session, 3, creating('/c'))
  await bench.apply()
  t.ok(bench.replica.tree.exists('/c'), 'the next number is still the next number')
})

t.test('nobody speaks for another member, for another’s session, or for a process that was never heard of', async t => {
  const bench = new Bench()
  const session = await bench.begin()
  const before = bench.txns.length
  bench.submit(session, 1, creating('/a'), MEMBER, OTHER)
  bench.submit(session, 1, creating('/a'), OTHER)
  bench.submit(NO_SESSION, 1, { kind: 'createSession', timeout: 500 }, OTHER)
  bench.submit(session, 1, { kind: 'createSession', timeout: 500 })
  bench.submit(session, 1, { kind: 'enlist', run: 'x' })
  bench.submit(NO_SESSION, 3, creating('/a'))
  await bench.turn()
  t.equal(bench.txns.length, before)
  t.equal(bench.violations.length, 6)
})

t.test('requests of a session that is gone are answered with its end, under their own numbers', async t => {
  const bench = new Bench()
  const session = await bench.begin()
  bench.submit(session, 1, creating('/e', true))
  bench.submit(session, 2, { kind: 'closeSession' })
  bench.submit(session, 3, creating('/late'))
  bench.submit(session, 4, { kind: 'closeSession' })
  await bench.apply()
  t.strictSame(bench.changes.slice(-4), ['create', 'closeSession', 'SESSION_EXPIRED', 'SESSION_EXPIRED'])
  t.equal(bench.replica.tree.exists('/e'), null)
  bench.submit(session, 3, creating('/later'))
  bench.submit(99_999, 1, creating('/never'))
  await bench.apply()
  t.strictSame(bench.changes.slice(-2), ['SESSION_EXPIRED', 'SESSION_EXPIRED'])
  t.strictSame(bench.violations, [])
})

t.test('a process that enlists ends the sessions of the one before, those on their way included', async t => {
  const bench = new Bench()
  const first = await bench.begin(OTHER)
  bench.submit(first, 1, creating('/committed', true), OTHER)
  await bench.apply()
  bench.submit(NO_SESSION, 3, { kind: 'createSession', timeout: 1_000 }, OTHER)
  bench.submit(first, 2, creating('/on-its-way', true), OTHER)
  bench.submit(NO_SESSION, 1, { kind: 'enlist', run: 'run2' }, OTHER)
  bench.submit(NO_SESSION, 1, { kind: 'enlist', run: 'run2' }, OTHER)
  bench.submit(NO_SESSION, 2, { kind: 'createSession', timeout: 1_000 }, OTHER)
  await bench.apply()
  const enlisted = bench.changes.slice(-5)
  t.strictSame(enlisted, ['enlist', 'closeSession', 'closeSession', 'createSession'].slice(0, 0).concat(enlisted), 'in one batch')
  t.equal(bench.changes.filter(change => change === 'enlist').length, 2)
  t.strictSame(bench.replica.tree.getChildren('/')?.children, ['zookeeper'])
  t.equal(bench.replica.sessions.size, 1)
  t.equal(bench.replica.sessions.sessions()[0]?.run, 'run2')
  bench.submit(NO_SESSION, 1, { kind: 'enlist', run: 'run2' }, OTHER)
  bench.submit(NO_SESSION, 3, { kind: 'createSession', timeout: 1_000 }, OTHER)
  await bench.apply()
  t.equal(bench.replica.sessions.size, 2, 'heard again, an enlistment ends nothing')
})

t.test('a session may be used before the leader itself has applied its creation', async t => {
  const bench = new Bench()
  bench.submit(NO_SESSION, 1, { kind: 'enlist', run: 'r' })
  bench.submit(NO_SESSION, 2, { kind: 'createSession', timeout: 1_000 })
  await bench.turn()
  const session = (bench.batches[0]?.zxidFirst ?? 0) + 1
  bench.submit(session, 1, creating('/quick', true))
  bench.submit(session, 1, creating('/quick', true), OTHER)
  bench.submit(session, 2, { kind: 'closeSession' })
  await bench.apply()
  t.strictSame(bench.changes.slice(-2), ['create', 'closeSession'])
  t.equal(bench.violations.length, 1, 'it lives elsewhere')
})

t.test('the next reign knows what is applied and nothing else', async t => {
  const bench = new Bench()
  const session = await bench.begin()
  bench.submit(session, 1, creating('/kept'))
  await bench.apply()
  bench.submit(session, 2, creating('/lost'))
  await bench.turn()
  bench.succeed()
  bench.submit(session, 1, creating('/kept'))
  bench.submit(session, 2, creating('/lost'))
  bench.submit(session, 3, creating('/next'))
  await bench.apply()
  t.strictSame(bench.replica.tree.getChildren('/')?.children, ['kept', 'lost', 'next', 'zookeeper'])
  t.strictSame(bench.violations, [])
  t.equal(bench.applied.at(-1)?.zxid, makeZxid(2 as Epoch, 2))
})

t.test('what is in the open batch of a reign that is over was never proposed', async t => {
  const bench = new Bench()
  const session = await bench.begin()
  const before = bench.batches.length
  bench.submit(session, 1, creating('/a'))
  bench.processor.end()
  bench.submit(session, 2, creating('/b'))
  await bench.turn()
  t.equal(bench.batches.length, before)
})

t.test('sessions expire by ticks, unless they are touched', async t => {
  const bench = new Bench()
  const own = await bench.begin()
  const other = await bench.begin(OTHER)
  bench.submit(other, 1, creating('/e', true), OTHER)
  await bench.apply()
  for (let tick = 1; tick <= 10; tick++) {
    bench.processor.touch([own as SessionId])
    bench.processor.onTick()
    await bench.apply()
    t.equal(bench.replica.sessions.size, 2, `tick ${tick}`)
  }
  bench.processor.touch([own as SessionId])
  bench.processor.onTick()
  await bench.apply()
  t.equal(bench.replica.sessions.size, 1)
  t.equal(bench.replica.tree.exists('/e'), null)
  const last = bench.applied.at(-1)?.txn
  t.match(last, { cxid: 0, member: MEMBER, change: { kind: 'closeSession', session: other } })
  bench.processor.touch([other as SessionId])
  bench.processor.onTick()
  await bench.apply()
  t.equal(bench.changes.filter(change => change === 'closeSession').length, 1, 'once')
})

t.test('timeouts are kept within the bounds, and times never go back', async t => {
  const bench = new Bench()
  await bench.begin()
  bench.submit(NO_SESSION, 3, { kind: 'createSession', timeout: 1 })
  bench.wall = 4_000
  await bench.turn()
  bench.submit(NO_SESSION, 4, { kind: 'createSession', timeout: 999_999 })
  await bench.turn()
  bench.wall = 6_000.7
  bench.submit(NO_SESSION, 5, { kind: 'createSession', timeout: 300 })
  await bench.apply()
  t.strictSame(
    bench.replica.sessions.sessions().map(({ timeout }) => timeout),
    [1_000, 200, 5_000, 300]
  )
  t.strictSame(
    bench.txns.map(({ time }) => time),
    [5_000, 5_000, 5_000, 5_000, 6_000]
  )
})

t.test('when the epoch runs out, what fits is proposed and the rest is left to the next', async t => {
  const bench = new Bench()
  const session = await bench.begin()
  bench.left = 3
  const requests: Request[] = Array.from({ length: 5 }, (_, index) => ({
    session: session as SessionId,
    member: MEMBER,
    cxid: index + 1,
    body: creating(`/n${index}`)
  }))
  bench.processor.submit(MEMBER, requests)
  await bench.apply()
  t.strictSame(bench.replica.tree.getChildren('/')?.children, ['n0', 'n1', 'n2', 'zookeeper'])
  t.ok(bench.exhausted > 0)
  bench.left = 100
  bench.succeed()
  bench.processor.submit(MEMBER, requests)
  await bench.apply()
  t.equal(bench.replica.tree.getChildren('/')?.children.length, 6)
  t.strictSame(bench.violations, [])
})

t.test('a batch is closed when it is full', async t => {
  const bench = new Bench()
  const session = await bench.begin()
  const before = bench.batches.length
  for (let cxid = 1; cxid <= 9; cxid++) {
    bench.submit(session, cxid, { kind: 'setData', path: '/', data: new Uint8Array(200_000), version: -1 })
  }
  await bench.apply()
  t.strictSame(
    bench.batches.slice(before).map(({ count }) => count),
    [6, 3]
  )
  t.equal(bench.replica.tree.exists('/')?.version, 9)
})
