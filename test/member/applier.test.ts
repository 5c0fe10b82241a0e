import t from 'tap'
import { isZooKeeperError, LIMITS, type Runtime, randomInt, seededRandom, type Zxid } from '../../lib/base/index.js'
import { Applier } from '../../lib/member/applier.js'
import { Replica } from '../../lib/member/replica.js'
import { VirtualRuntime } from '../../lib/sim/world/virtual-runtime.js'
import type { Storage } from '../../lib/storage/index.js'
import { encodeSessionChunks, encodeZnodeChunks } from '../../lib/wire/index.js'
import type { Batch } from '../../lib/zab/index.js'
import { batchOf, txnsOf, zxidLastOf } from '../../lib/zab/index.js'
import { beginEpoch, MEMBER, settingRoot, storeInEpoch, txnOf, zxidOf } from '../fixtures/member-parts.js'

/** An applier over a store in memory, and what it has told. */
class Bench {
  readonly virtual: VirtualRuntime
  readonly storage: Storage
  readonly applier: Applier
  readonly applied: Zxid[] = []
  readonly resets: (readonly [Zxid, Zxid])[] = []
  readonly failures: unknown[] = []
  caughtUp = 0
  onApplied: (zxid: Zxid) => void = () => {}

  private constructor(storage: Storage, millisecondsPerLook: number) {
    this.virtual = new VirtualRuntime()
    this.storage = storage
    let now = 0
    const clock = { wall: () => 0, monotonic: () => (now += millisecondsPerLook) }
    const runtime: Runtime = { ...this.virtual.runtime, clock }
    this.applier = new Applier({ id: MEMBER, runtime, storage }, new Replica(), {
      onApplied: ({ zxid }) => {
        this.applied.push(zxid)
        this.onApplied(zxid)
      },
      onCaughtUp: () => this.caughtUp++,
      onReset: (before, after) => this.resets.push([before.zxidApplied, after.zxidApplied]),
      onFailed: error => this.failures.push(error)
    })
  }

  static async of(options: { readonly millisecondsPerLook?: number; readonly snapRetainCount?: number } = {}): Promise<Bench> {
    const { millisecondsPerLook = 0, ...rest } = options
    return new Bench(await storeInEpoch(1, rest), millisecondsPerLook)
  }

  get rootVersion(): number {
    return this.applier.replica.tree.exists('/')?.version ?? -1
  }

  /** As the conductor does: told at once, durable later. */
  async log(batch: Batch): Promise<void> {
    this.applier.offer(batch)
    await this.storage.write({ kind: 'append', batch, zxidCommitted: 0 as Zxid })
  }

  async truncate(zxid: Zxid): Promise<void> {
    this.applier.truncate(zxid)
    await this.storage.write({ kind: 'truncate', zxid })
  }

  settle(): Promise<void> {
    return this.virtual.run(1)
  }
}

/** Writes a snapshot of what has been applied into the store. */
async function snapshot(storage: Storage, replica: Replica): Promise<void> {
  const cut = replica.tree.cut()
  const { digest } = replica
  const writer = storage.beginSnapshot(cut.zxid)
  for (const chunk of encodeSessionChunks(replica.sessions.snapshot())) await writer.chunk(chunk)
  for (let records = cut.next(100); records.length > 0; records = cut.next(100)) {
    for (const chunk of encodeZnodeChunks(records)) await writer.chunk(chunk)
  }
  cut.close()
  await writer.finish(digest)
}

t.test('what is logged and delivered is applied at once, in order, and nothing else', async t => {
  const bench = await Bench.of()
  await bench.log(settingRoot(zxidOf(1, 1), [1, 2, 3]))
  await bench.log(settingRoot(zxidOf(1, 4), [4, 5]))
  t.strictSame(bench.applied, [])
  bench.applier.deliver(zxidOf(1, 2))
  t.strictSame(bench.applied, [zxidOf(1, 1), zxidOf(1, 2)], 'in the same turn, also a part of a batch')
  bench.applier.deliver(zxidOf(1, 2))
  bench.applier.deliver(zxidOf(1, 1))
  t.equal(bench.applied.length, 2, 'a target that is passed changes nothing')
  bench.applier.deliver(zxidOf(1, 5))
  t.equal(bench.applied.length, 5)
  t.equal(bench.rootVersion, 5)
})

t.test('applying lets the event loop turn, and goes on where it was', async t => {
  const bench = await Bench.of({ millisecondsPerLook: LIMITS.sliceMilliseconds })
  const versions = Array.from({ length: 1_000 }, (_, index) => index + 1)
  await bench.log(settingRoot(zxidOf(1, 1), versions))
  bench.applier.deliver(zxidOf(1, 1_000))
  t.ok(bench.applied.length > 0 && bench.applied.length < 200, `${bench.applied.length} in the first slice`)
  const turns: number[] = []
  const look = () => {
    turns.push(bench.applied.length)
    if (turns.length < 40) bench.virtual.runtime.scheduler.post(look)
  }
  look()
  bench.applier.deliver(zxidOf(1, 1_000))
  await bench.settle()
  t.equal(bench.applied.length, 1_000)
  t.equal(bench.rootVersion, 1_000)
  t.ok(new Set(turns).size > 5, 'others had their turn in between')
})

t.test('it does so in many small batches as well, and the sooner the larger the txns are', async t => {
  const bench = await Bench.of({ millisecondsPerLook: LIMITS.sliceMilliseconds })
  for (let version = 1; version <= 200; version++) await bench.log(settingRoot(zxidOf(1, version), [version]))
  bench.applier.deliver(zxidOf(1, 200))
  t.ok(bench.applied.length < 100, `${bench.applied.length} small ones`)
  await bench.settle()
  const before = bench.applied.length
  for (let version = 201; version <= 230; version++) await bench.log(settingRoot(zxidOf(1, version), [version], 8_192))
  bench.applier.deliver(zxidOf(1, 230))
  t.ok(bench.applied.length - before < 10, `${bench.applied.length - before} large ones`)
  await bench.settle()
  t.equal(bench.rootVersion, 230)
})

t.test('what was too much to be kept in memory is read from the log', async t => {
  const bench = await Bench.of()
  for (let index = 0; index < 20; index++) await bench.log(settingRoot(zxidOf(1, index + 1), [index + 1], LIMITS.batchBytesMax))
  bench.applier.deliver(zxidOf(1, 19))
  t.equal(bench.applied.length, 0, 'the beginning is not in memory any more')
  await bench.settle()
  t.equal(bench.applied.length, 19)
  bench.applier.deliver(zxidOf(1, 20))
  await bench.settle()
  t.equal(bench.rootVersion, 20)
})

t.test('what is cut off is never applied, and what takes its place is', async t => {
  const bench = await Bench.of()
  await bench.log(settingRoot(zxidOf(1, 1), [1, 2, 3, 4]))
  bench.applier.deliver(zxidOf(1, 2))
  await bench.truncate(zxidOf(1, 3))
  await beginEpoch(bench.storage, 2)
  await bench.log(settingRoot(zxidOf(2, 1), [4, 5]))
  bench.applier.deliver(zxidOf(2, 2))
  await bench.settle()
  t.strictSame(bench.applied, [zxidOf(1, 1), zxidOf(1, 2), zxidOf(1, 3), zxidOf(2, 1), zxidOf(2, 2)])
  await t.rejects(
    async () => bench.applier.truncate(zxidOf(1, 1)),
    { code: 'INVARIANT_VIOLATED' },
    'what was applied is never cut off'
  )
})

t.test('a batch of a later epoch is not applied over what lies between in the log', async t => {
  const bench = await Bench.of()
  await bench.storage.write({ kind: 'append', batch: settingRoot(zxidOf(1, 1), [1, 2]), zxidCommitted: 0 as Zxid })
  await beginEpoch(bench.storage, 2)
  await bench.log(settingRoot(zxidOf(2, 1), [3]))
  bench.applier.deliver(zxidOf(2, 1))
  await bench.settle()
  t.strictSame(bench.applied, [zxidOf(1, 1), zxidOf(1, 2), zxidOf(2, 1)])
})

t.test('what was logged and never became durable is forgotten with the store that has failed', async t => {
  const bench = await Bench.of()
  await bench.log(settingRoot(zxidOf(1, 1), [1]))
  bench.applier.deliver(zxidOf(1, 1))
  bench.applier.offer(settingRoot(zxidOf(1, 2), [2]))
  bench.applier.distrust()
  await beginEpoch(bench.storage, 2)
  await bench.log(settingRoot(zxidOf(2, 1), [2]))
  bench.applier.deliver(zxidOf(2, 1))
  await bench.settle()
  t.strictSame(bench.applied, [zxidOf(1, 1), zxidOf(2, 1)])
  t.strictSame(bench.failures, [])
})

t.test('a listener that closes the member is the last to be told', async t => {
  const bench = await Bench.of()
  await bench.log(settingRoot(zxidOf(1, 1), [1, 2, 3]))
  bench.onApplied = zxid => zxid === zxidOf(1, 2) && bench.applier.close()
  bench.applier.deliver(zxidOf(1, 3))
  await bench.settle()
  t.equal(bench.applied.length, 2)
  t.equal(bench.caughtUp, 0)
})

t.test('a delivery from within a delivery neither repeats nor skips', async t => {
  const bench = await Bench.of()
  await bench.log(settingRoot(zxidOf(1, 1), [1, 2, 3, 4]))
  bench.onApplied = zxid => zxid === zxidOf(1, 1) && bench.applier.deliver(zxidOf(1, 4))
  bench.applier.deliver(zxidOf(1, 2))
  await bench.settle()
  t.strictSame(
    bench.applied,
    [1, 2, 3, 4].map(counter => zxidOf(1, counter))
  )
  t.strictSame(bench.failures, [])
})

t.test('a replacement that is later than what was applied is told as one jump', async t => {
  const ahead = await Bench.of()
  await ahead.log(settingRoot(zxidOf(1, 1), [1, 2, 3, 4, 5, 6]))
  ahead.applier.deliver(zxidOf(1, 4))
  const bench = await Bench.of()
  await bench.log(settingRoot(zxidOf(1, 1), [1, 2]))
  bench.applier.deliver(zxidOf(1, 1))
  const before = bench.applier.replica
  await replaceBy(bench, ahead, 4, [5, 6])
  bench.applier.reload()
  bench.applier.deliver(zxidOf(1, 5))
  t.equal(bench.applier.replica, before, 'what there was is served until then')
  await bench.settle()
  t.strictSame(bench.resets, [[zxidOf(1, 1), zxidOf(1, 4)]])
  t.strictSame(bench.applied, [zxidOf(1, 1), zxidOf(1, 5)])
  bench.applier.deliver(zxidOf(1, 6))
  await bench.settle()
  t.equal(bench.rootVersion, 6)
})

t.test('a replacement that begins before what was applied is gone through without a word, and nothing goes back', async t => {
  const source = await Bench.of()
  await source.log(settingRoot(zxidOf(1, 1), [1, 2]))
  source.applier.deliver(zxidOf(1, 2))
  const bench = await Bench.of({ millisecondsPerLook: LIMITS.sliceMilliseconds })
  const versions = Array.from({ length: 300 }, (_, index) => index + 1)
  await bench.log(settingRoot(zxidOf(1, 1), versions))
  bench.applier.deliver(zxidOf(1, 300))
  await bench.settle()
  t.equal(bench.rootVersion, 300)
  const told = bench.applied.length
  await replaceBy(bench, source, 2, [...versions.slice(2), 301])
  bench.applier.reload()
  bench.applier.deliver(zxidOf(1, 250))
  await bench.settle()
  t.equal(bench.applier.zxidApplied, zxidOf(1, 300))
  t.equal(bench.applier.zxidReached, zxidOf(1, 250))
  t.equal(bench.rootVersion, 300)
  bench.applier.deliver(zxidOf(1, 301))
  await bench.settle()
  t.equal(bench.rootVersion, 301)
  t.strictSame(bench.applied.slice(told), [zxidOf(1, 301)])
  t.strictSame(bench.resets, [], 'nothing was missed')
  t.equal(bench.applier.zxidReached, bench.applier.zxidApplied)
})

t.test('a read that a reload has overtaken is of no use', async t => {
  const source = await Bench.of()
  await source.log(settingRoot(zxidOf(1, 1), [1, 2, 3]))
  source.applier.deliver(zxidOf(1, 3))
  const bench = await Bench.of()
  await bench.storage.write({ kind: 'append', batch: settingRoot(zxidOf(1, 1), [1, 2]), zxidCommitted: 0 as Zxid })
  bench.applier.deliver(zxidOf(1, 2))
  await replaceBy(bench, source, 3, [4])
  bench.applier.reload()
  bench.applier.reload()
  bench.applier.deliver(zxidOf(1, 4))
  await bench.settle()
  t.strictSame(bench.applied, [zxidOf(1, 4)])
  t.equal(bench.resets.length, 1)
  t.strictSame(bench.failures, [])
})

t.test('a history that is not there or cannot be applied is a failure with a code', async t => {
  const missing = await Bench.of()
  missing.applier.deliver(zxidOf(1, 5))
  await missing.settle()
  t.equal(isZooKeeperError(missing.failures[0], 'LOG_CORRUPTED'), true)
  const garbage = await Bench.of()
  await garbage.log(batchOf(zxidOf(1, 1), [txnOf(), Uint8Array.of(0xc1, 2, 3)]))
  garbage.applier.deliver(zxidOf(1, 2))
  t.equal(isZooKeeperError(garbage.failures[0], 'BAD_FRAME'), true)
  t.strictSame(garbage.applied, [zxidOf(1, 1)])
})

t.test('whatever is offered, cut off, begun anew and reloaded in between, the committed history is applied once', async t => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = seededRandom(seed)
    const bench = await Bench.of({ millisecondsPerLook: random.float() < 0.5 ? LIMITS.sliceMilliseconds : 0 })
    let epoch = 1
    /** The log as it should be, and how much of it is committed. */
    let log: { readonly zxid: Zxid; readonly version: number }[] = []
    let committed = 0
    for (let step = 0; step < 60; step++) {
      const dice = random.float()
      if (dice < 0.45) {
        const last = log.at(-1)
        const counter = last !== undefined && Math.floor(last.zxid / 2 ** 32) === epoch ? (last.zxid % 2 ** 32) + 1 : 1
        const version = (last?.version ?? 0) + 1
        const versions = Array.from({ length: 1 + randomInt(random, 40) }, (_, index) => version + index)
        const batch = settingRoot(zxidOf(epoch, counter), versions)
        if (random.float() < 0.8) await bench.log(batch)
        else await bench.storage.write({ kind: 'append', batch, zxidCommitted: 0 as Zxid })
        log.push(...versions.map((each, index) => ({ zxid: zxidOf(epoch, counter + index), version: each })))
      } else if (dice < 0.75 && log.length > committed) {
        committed += 1 + randomInt(random, log.length - committed)
        bench.applier.deliver(log[committed - 1]?.zxid ?? (0 as Zxid))
      } else if (dice < 0.85 && log.length > committed && committed > 0) {
        const kept = committed + randomInt(random, log.length - committed)
        log = log.slice(0, kept)
        await bench.truncate(log.at(-1)?.zxid ?? (0 as Zxid))
        await beginEpoch(bench.storage, ++epoch)
      } else if (dice < 0.9) bench.applier.distrust()
      else if (dice < 0.94) {
        bench.applier.reload()
        bench.applier.deliver(log[committed - 1]?.zxid ?? (0 as Zxid))
      } else await bench.virtual.run(1)
    }
    await bench.settle()
    t.strictSame(
      bench.applied,
      log.slice(0, committed).map(({ zxid }) => zxid),
      `seed ${seed}`
    )
    t.strictSame(bench.failures, [])
  }
})

/** Replaces a bench's history by another's state at a counter and the versions behind it. */
async function replaceBy(bench: Bench, source: Bench, counter: number, versions: readonly number[]): Promise<void> {
  const zxid = zxidOf(1, counter)
  await snapshot(source.storage, source.applier.replica)
  const manifest = source.storage.state.snapshots.find(each => each.zxid === zxid)
  if (manifest === undefined) throw new Error('the source has applied something else')
  const { storage } = bench
  await storage.write({ kind: 'beginReplacement', snapshot: manifest })
  for (let index = 0; index < manifest.chunkCount; index++) {
    await storage.write({ kind: 'stageChunk', index, bytes: await source.storage.readSnapshotChunk(zxid, index) })
  }
  const batch = settingRoot(zxidOf(1, counter + 1), versions)
  if (txnsOf(batch).length !== versions.length || zxidLastOf(batch) < zxid) throw new Error('a batch of all the versions')
  await storage.write({ kind: 'append', batch, zxidCommitted: zxid })
  await beginEpoch(storage, storage.state.acceptedEpoch + 1)
  if (storage.state.identity.memberId !== MEMBER) throw new Error('another store')
}
