import t from 'tap'
import { type Epoch, type MemberId, makeZxid, type Zxid } from '../../lib/base/index.js'
import type { Observation } from '../../lib/sim/observation.js'
import { ReignTimes } from '../../lib/sim/reign-times.js'

const EPOCH = 1 as Epoch
const LEADER = 1 as MemberId
const LEARNER = 2 as MemberId
const LAST = makeZxid(EPOCH, 1)

type Seen = Observation extends infer Each ? (Each extends Observation ? Omit<Each, 'process'> : never) : never

function timesOf(seen: readonly Seen[]): ReignTimes {
  const times = new ReignTimes()
  for (const each of seen) times.observe({ process: 1, ...each } as Observation)
  return times
}

const serves = (at: number, member: MemberId): Seen => ({ at, member, kind: 'serving', leader: LEADER, epoch: EPOCH })
const shows = (at: number): Seen => ({ at, member: LEARNER, kind: 'applied', zxid: LAST, digest: '' })
const pings = (at: number): Seen => ({
  at,
  member: LEADER,
  kind: 'sent',
  to: LEARNER,
  message: { kind: 'ping', epoch: EPOCH, sequence: 1, zxidCommitted: LAST }
})
const hears = (at: number): Seen => ({
  at,
  member: LEADER,
  kind: 'received',
  from: LEARNER,
  message: { kind: 'pong', epoch: EPOCH, sequence: 1, zxidDurable: LAST, payload: new Uint8Array() }
})

/** The last txn that anybody shows was made at 350. */
const madeAt = (zxid: Zxid) => (zxid === LAST ? 350 : null)

t.test('a reign counts up to the last of its txns that anybody has shown', async t => {
  const reign = [serves(0, LEADER), serves(10, LEARNER), pings(100), pings(200), pings(300), pings(400)]
  t.strictSame(timesOf(reign).intervals(150, madeAt, null), [], 'of which nobody has shown any')
  t.strictSame(timesOf([...reign, shows(360)]).intervals(150, madeAt, null), [{ from: 0, to: 300 }])
})

t.test('the last reign counts to the end of what was quiet', async t => {
  const reign = [serves(0, LEADER), serves(10, LEARNER), pings(100), shows(110), pings(200)]
  t.strictSame(timesOf(reign).intervals(150, madeAt, 200), [{ from: 0, to: 200 }])
  const over: Seen = { at: 210, member: LEADER, kind: 'ended' }
  t.strictSame(
    timesOf([...reign, over]).intervals(150, () => 100, 200),
    [{ from: 0, to: 100 }]
  )
})

t.test('a leader that stands still, or hears of a process that is gone, begins anew', async t => {
  const still = [serves(0, LEADER), serves(10, LEARNER), pings(100), pings(300), shows(360)]
  t.strictSame(timesOf(still).intervals(150, madeAt, null), [
    { from: 0, to: 100 },
    { from: 300, to: 300 }
  ])
  const gone: Seen = { at: 110, member: LEARNER, kind: 'ended' }
  const late = [serves(0, LEADER), serves(10, LEARNER), pings(100), gone, hears(150), pings(200), shows(360)]
  t.strictSame(timesOf(late).intervals(150, madeAt, null), [
    { from: 0, to: 100 },
    { from: 150, to: 200 }
  ])
})
