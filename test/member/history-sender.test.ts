import t from 'tap'
import type { Epoch, Zxid } from '../../lib/base/index.js'
import { HistorySender } from '../../lib/member/history-sender.js'
import type { Storage } from '../../lib/storage/index.js'
import { type StreamFrom, type ZabMessage, zxidLastOf } from '../../lib/zab/index.js'
import { settingRoot, storeInEpoch, zxidOf } from '../fixtures/member-parts.js'

const MIB = 1024 * 1024

async function store(records: number, bytes = 4): Promise<Storage> {
  const storage = await storeInEpoch(1, { snapRetainCount: 1 })
  for (let version = 1; version <= records; version++) {
    await storage.write({ kind: 'append', batch: settingRoot(zxidOf(1, version), [version], bytes), zxidCommitted: 0 as Zxid })
  }
  return storage
}

/** A snapshot of nothing in particular: the sender does not look into it. */
async function snapshot(storage: Storage, counter: number): Promise<void> {
  const writer = storage.beginSnapshot(zxidOf(1, counter))
  for (let chunk = 0; chunk < 5; chunk++) await writer.chunk(new Uint8Array(1_000).fill(chunk))
  await writer.finish('digest')
}

function bench(storage: Storage, from: StreamFrom) {
  const sent: ZabMessage[] = []
  const state = { congested: false, onSend: () => {} }
  const sender = new HistorySender({
    storage,
    epoch: 2 as Epoch,
    from,
    send: message => {
      sent.push(message)
      state.onSend()
    },
    congested: () => state.congested
  })
  return { sender, sent, state }
}

function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

t.test('the log behind a zxid is sent without a gap, as it lies on the disk, in the epoch of the stream', async t => {
  const storage = await store(30)
  const { sender, sent } = bench(storage, { kind: 'log', after: zxidOf(1, 10) })
  t.equal(await sender.run(), zxidOf(1, 30))
  let last: Zxid = zxidOf(1, 10)
  for (const message of sent) {
    if (message.kind !== 'history') throw new Error(message.kind)
    t.equal(message.epoch, 2)
    t.equal(message.batch.zxidFirst, last + 1)
    last = zxidLastOf(message.batch)
  }
  t.equal(last, zxidOf(1, 30))
  await storage.close()
})

t.test('nothing to send is the end of the stream', async t => {
  const storage = await store(3)
  const { sender, sent } = bench(storage, { kind: 'log', after: zxidOf(1, 3) })
  t.equal(await sender.run(), zxidOf(1, 3))
  t.strictSame(sent, [])
  await storage.close()
})

t.test('a replacement is the newest snapshot, chunk by chunk, and the log behind it', async t => {
  const storage = await store(10)
  await snapshot(storage, 4)
  await snapshot(storage, 8)
  const { sender, sent } = bench(storage, { kind: 'replacement' })
  t.equal(await sender.run(), zxidOf(1, 10))
  const [first] = sent
  if (first?.kind !== 'replace') throw new Error('it begins with something else')
  t.equal(first.snapshot?.zxid, zxidOf(1, 8))
  t.strictSame(
    sent.flatMap(message => (message.kind === 'snapshotChunk' ? [message.index] : [])),
    [0, 1, 2, 3, 4]
  )
  const history = sent.flatMap(message => (message.kind === 'history' ? [message.batch.zxidFirst] : []))
  t.equal(history[0], zxidOf(1, 9))
  await storage.close()
})

t.test('without a snapshot a replacement is the whole log', async t => {
  const storage = await store(2)
  const { sender, sent } = bench(storage, { kind: 'replacement' })
  await sender.run()
  t.match(sent[0], { kind: 'replace', snapshot: null })
  t.match(sent[1], { kind: 'history', batch: { zxidFirst: zxidOf(1, 1) } })
  await storage.close()
})

t.test('a link that is full is waited for', async t => {
  const storage = await store(6, MIB - 1_000)
  const { sender, sent, state } = bench(storage, { kind: 'log', after: 0 as Zxid })
  state.onSend = () => {
    state.congested = true
  }
  let ended = false
  const run = sender.run().then(through => {
    ended = true
    return through
  })
  let before = 0
  while (!ended) {
    for (let count = 0; count < 50; count++) await turn()
    if (ended) break
    t.ok(sent.length > before && sent.length - before <= 2, 'a read at a time')
    before = sent.length
    state.congested = false
    sender.onDrain()
  }
  t.equal(await run, zxidOf(1, 6))
  t.ok(before >= 4)
  await storage.close()
})

t.test('a stream that is cancelled ends, also while it waits, and sends nothing more', async t => {
  const storage = await store(6, MIB - 1_000)
  const waiting = bench(storage, { kind: 'log', after: 0 as Zxid })
  waiting.state.congested = true
  const run = waiting.sender.run()
  await turn()
  waiting.sender.cancel()
  t.equal(await run, null)
  t.strictSame(waiting.sent, [])
  const reading = bench(storage, { kind: 'replacement' })
  const other = reading.sender.run()
  reading.sender.cancel()
  t.equal(await other, null)
  t.equal(reading.sent.length, 1)
  reading.sender.cancel()
  reading.sender.onDrain()
  await storage.close()
})

t.test('what retention has removed under a stream is no damage, and what is broken is', async t => {
  const storage = await store(20)
  await snapshot(storage, 5)
  const stream = bench(storage, { kind: 'replacement' })
  stream.state.congested = true
  const run = stream.sender.run()
  await turn()
  await snapshot(storage, 15)
  stream.state.congested = false
  stream.sender.onDrain()
  await t.rejects(run, { code: 'CONNECTION_LOSS' })
  await t.rejects(bench(storage, { kind: 'log', after: zxidOf(1, 5) }).sender.run(), { code: 'CONNECTION_LOSS' })
  await storage.close()
  await t.rejects(bench(storage, { kind: 'log', after: zxidOf(1, 15) }).sender.run(), { code: 'CLOSED' })
})
