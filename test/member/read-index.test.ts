import t from 'tap'
import type { MemberId, Zxid } from '../../lib/base/index.js'
import { ReadIndex } from '../../lib/member/read-index.js'
import { VirtualRuntime } from '../../lib/sim/world/virtual-runtime.js'

const LEARNER = 2 as MemberId

function bench() {
  const virtual = new VirtualRuntime()
  const asked: number[] = []
  const confirming: number[] = []
  const replies: (readonly [MemberId, number, Zxid])[] = []
  const index = new ReadIndex({
    scheduler: virtual.runtime.scheduler,
    ask: query => asked.push(query),
    confirm: confirmation => confirming.push(confirmation),
    reply: (to, query, zxid) => replies.push([to, query, zxid])
  })
  return { virtual, asked, confirming, replies, index }
}

t.test('the questions of one turn are one question, and its answer is everybody’s', async t => {
  const { virtual, asked, index } = bench()
  const heard: number[] = []
  index.open()
  index.ask(zxid => heard.push(zxid))
  index.ask(zxid => heard.push(zxid + 0.5))
  await virtual.run(1)
  t.strictSame(asked, [1])
  index.ask(zxid => heard.push(zxid))
  await virtual.run(1)
  t.strictSame(asked, [1, 2], 'what is asked later has a question of its own')
  index.onReply(1, 7 as Zxid)
  t.strictSame(heard, [7, 7.5])
  index.onReply(1, 9 as Zxid)
  index.onReply(5, 9 as Zxid)
  t.equal(heard.length, 2)
  index.onReply(2, 8 as Zxid)
  t.strictSame(heard, [7, 7.5, 8])
})

t.test('what a change of leader leaves open is asked again, and the answer of before is no answer', async t => {
  const { virtual, asked, index } = bench()
  const heard: number[] = []
  index.ask(zxid => heard.push(zxid))
  await virtual.run(1)
  t.strictSame(asked, [], 'there is nobody to ask')
  index.open()
  await virtual.run(1)
  index.close()
  index.ask(zxid => heard.push(-zxid))
  index.open()
  await virtual.run(1)
  t.strictSame(asked, [1, 2])
  index.onReply(1, 3 as Zxid)
  t.strictSame(heard, [])
  index.onReply(2, 4 as Zxid)
  t.strictSame([...heard].sort(), [-4, 4])
  index.ask(() => t.fail('closed before the turn was over'))
  index.close()
  await virtual.run(1)
  t.equal(asked.length, 2)
})

t.test('a leader answers each question once it has been confirmed after it, and nothing of an earlier reign', async t => {
  const { virtual, asked, confirming, replies, index } = bench()
  const heard: number[] = []
  index.open()
  index.ask(zxid => heard.push(zxid))
  await virtual.run(1)
  index.onQuery(null, asked[0] ?? 0)
  await virtual.run(1)
  index.onQuery(LEARNER, 41)
  t.strictSame(confirming, [1], 'what is confirmed already says nothing about what is asked now')
  await virtual.run(1)
  t.strictSame(confirming, [1, 2])
  index.onConfirmed(2, 6 as Zxid)
  index.onConfirmed(2, 7 as Zxid)
  t.strictSame(replies, [[LEARNER, 41, 6]])
  index.onConfirmed(1, 5 as Zxid)
  t.strictSame(heard, [5])
  index.onQuery(LEARNER, 42)
  await virtual.run(1)
  index.close()
  index.onConfirmed(3, 8 as Zxid)
  t.equal(replies.length, 1)
})

t.test('what a leader is asked in one turn is confirmed at once, and everybody told', async t => {
  const { virtual, asked, confirming, replies, index } = bench()
  const heard: number[] = []
  index.open()
  index.ask(zxid => heard.push(zxid))
  await virtual.run(1)
  index.onQuery(LEARNER, 41)
  index.onQuery(null, asked[0] ?? 0)
  index.onQuery(LEARNER, 42)
  await virtual.run(1)
  t.strictSame(confirming, [1])
  index.onConfirmed(1, 5 as Zxid)
  t.strictSame(replies, [
    [LEARNER, 41, 5],
    [LEARNER, 42, 5]
  ])
  t.strictSame(heard, [5])
  index.onQuery(LEARNER, 43)
  index.close()
  await virtual.run(1)
  t.strictSame(confirming, [1], 'a reign that is over confirms nothing')
})
