import t from 'tap'
import { isZooKeeperError, LIMITS, NO_SESSION, type SessionId, ZooKeeperError, type Zxid } from '../../lib/base/index.js'
import { Outbox } from '../../lib/member/outbox.js'
import type { AppliedTxn } from '../../lib/member/replica.js'
import { VirtualRuntime } from '../../lib/sim/world/virtual-runtime.js'
import type { Request, RequestBody } from '../../lib/wire/index.js'
import { MEMBER } from '../fixtures/member-parts.js'

const S = 7 as SessionId
const OTHER = 8 as SessionId

function outbox(limits: { readonly requests?: number; readonly bytes?: number } = {}) {
  const virtual = new VirtualRuntime()
  const sent: (readonly Request[])[] = []
  const box = new Outbox({
    id: MEMBER,
    scheduler: virtual.runtime.scheduler,
    outstandingRequestsMax: limits.requests ?? 10_000,
    outstandingBytesMax: limits.bytes ?? 2 ** 30,
    send: requests => sent.push(requests)
  })
  return { virtual, sent, box, numbers: () => sent.map(group => group.map(({ session, cxid }) => `${session}.${cxid}`)) }
}

function setting(bytes = 1): RequestBody {
  return { kind: 'setData', path: '/a', data: new Uint8Array(bytes), version: -1 }
}

function answer(session: SessionId, cxid: number): AppliedTxn {
  const txn = { session, member: MEMBER, cxid, time: 0, change: { kind: 'refused', code: 'NO_NODE' } } as const
  return { zxid: 1 as Zxid, txn, result: { kind: 'none' }, events: [], excesses: [] }
}

const ignore = () => {}

t.test('what is issued in one turn leaves together, in order, and only while there is a leader', async t => {
  const { virtual, box, sent, numbers } = outbox()
  const a = box.enrol(S)
  const b = box.enrol(OTHER)
  box.add(a, setting(), ignore)
  box.add(b, setting(), ignore)
  await virtual.run(1)
  t.strictSame(sent, [], 'nobody to send it to')
  box.open()
  box.add(a, setting(), ignore)
  await virtual.run(1)
  t.strictSame(numbers(), [['7.1', '8.1', '7.2']])
  box.add(b, setting(), ignore)
  box.close()
  await virtual.run(1)
  t.equal(sent.length, 1, 'closed before the turn was over')
  t.equal(box.count, 4)
})

t.test('what has no answer when the next epoch is open is sent again under its number, once', async t => {
  const { virtual, box, sent, numbers } = outbox()
  const requester = box.enrol(S)
  box.open()
  for (let count = 0; count < 4; count++) box.add(requester, setting(), ignore)
  await virtual.run(1)
  box.onAnswer(answer(S, 1))
  box.close()
  box.onAnswer(answer(S, 2))
  box.open()
  box.open()
  await virtual.run(1)
  t.strictSame(numbers(), [
    ['7.1', '7.2', '7.3', '7.4'],
    ['7.3', '7.4']
  ])
  sent.splice(0)
  await virtual.run(1)
  t.strictSame(sent, [])
})

t.test('answers come in order, each to its own, and what stands behind is done directly after', async t => {
  const { virtual, box } = outbox()
  const requester = box.enrol(S)
  box.open()
  const order: string[] = []
  for (const name of ['first', 'second']) {
    const pending = box.add(requester, setting(), () => order.push(name))
    pending.behind = [overtaken => order.push(`behind ${name} ${overtaken}`)]
  }
  await virtual.run(1)
  t.throws(() => box.onAnswer(answer(S, 2)), { code: 'INVARIANT_VIOLATED' })
  const again = outbox()
  const next = again.box.enrol(S)
  for (const name of ['first', 'second']) {
    const pending = again.box.add(next, setting(), () => order.push(name))
    pending.behind = [overtaken => order.push(`behind ${name} ${overtaken}`)]
  }
  again.box.onAnswer(answer(OTHER, 1))
  again.box.onAnswer(answer(S, 1))
  again.box.onAnswer(answer(S, 2))
  t.strictSame(order.slice(-4), ['first', 'behind first null', 'second', 'behind second null'])
  t.equal(again.box.count, 0)
  t.throws(() => again.box.onAnswer(answer(S, 3)), { code: 'INVARIANT_VIOLATED' }, 'nobody has asked')
})

t.test('what was answered out of sight is lost, and what stood between two of those cannot be done', async t => {
  const { virtual, box, numbers } = outbox()
  const requester = box.enrol(S)
  const order: string[] = []
  for (let number = 1; number <= 3; number++) {
    const pending = box.add(requester, setting(), result => {
      order.push(`${number} ${isZooKeeperError(result, 'CONNECTION_LOSS')} ${result instanceof ZooKeeperError && result.outcome}`)
    })
    pending.behind = [overtaken => order.push(`behind ${number} ${overtaken?.code}`)]
  }
  box.onAnsweredThrough(requester, 2)
  t.strictSame(order, ['1 true unknown', 'behind 1 CONNECTION_LOSS', '2 true unknown', 'behind 2 undefined'])
  box.open()
  await virtual.run(1)
  t.strictSame(numbers(), [['7.3']])
})

t.test('the end of a session answers all of its requests, and takes them out of what is to be sent', async t => {
  const { virtual, box, numbers } = outbox()
  const requester = box.enrol(S)
  const other = box.enrol(OTHER)
  const outcomes: unknown[] = []
  box.add(requester, setting(), outcome => outcomes.push(outcome))
  box.add(other, setting(), ignore)
  box.add(requester, setting(), outcome => outcomes.push(outcome))
  const error = new ZooKeeperError('SESSION_EXPIRED')
  box.dismiss(requester, error)
  box.dismiss(requester, error)
  t.strictSame(outcomes, [error, error])
  t.equal(box.count, 1)
  box.open()
  await virtual.run(1)
  t.strictSame(numbers(), [['8.1']])
  t.throws(() => box.enrol(OTHER), { code: 'INVARIANT_VIOLATED' })
  t.equal(box.enrol(S).pending.length, 0, 'the next of the same name begins anew')
})

t.test('a group is bounded in count and bytes, and one that is larger goes alone', async t => {
  const { virtual, box, sent } = outbox()
  const requester = box.enrol(S)
  box.open()
  for (let count = 0; count < LIMITS.batchTxnsMax + 1; count++) box.add(requester, setting(), ignore)
  box.add(requester, setting(LIMITS.batchBytesMax), ignore)
  box.add(requester, setting(), ignore)
  await virtual.run(1)
  t.ok(sent.every(group => group.length > 0 && group.length <= LIMITS.batchTxnsMax))
  const large = sent.find(group => group.some(({ body }) => body.kind === 'setData' && (body.data?.length ?? 0) > 1))
  t.equal(large?.length, 1)
  t.strictSame(
    sent.flat().map(({ cxid }) => cxid),
    Array.from({ length: LIMITS.batchTxnsMax + 3 }, (_, index) => index + 1)
  )
})

t.test('a request that is refused here takes no number', async t => {
  const { virtual, box, numbers } = outbox({ requests: 2, bytes: 10_000 })
  const requester = box.enrol(NO_SESSION)
  t.throws(() => box.add(requester, setting(LIMITS.requestBytesMax), ignore), { code: 'BAD_ARGUMENTS' })
  box.add(requester, setting(9_000), ignore)
  t.throws(() => box.add(requester, setting(9_000), ignore), { code: 'THROTTLED' })
  box.add(requester, setting(), ignore)
  t.throws(() => box.add(requester, setting(), ignore), { code: 'THROTTLED' })
  box.onAnswer(answer(NO_SESSION, 1))
  box.add(requester, setting(), ignore)
  box.open()
  await virtual.run(1)
  t.strictSame(numbers(), [['0.2', '0.3']])
})
