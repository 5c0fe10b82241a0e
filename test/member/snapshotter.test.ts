import t from 'tap'
import { LIMITS, type Runtime, ZooKeeperError, type Zxid } from '../../lib/base/index.js'
import { Replica } from '../../lib/member/replica.js'
import { loadReplica } from '../../lib/member/replica-loader.js'
import { Snapshotter } from '../../lib/member/snapshotter.js'
import { VirtualRuntime } from '../../lib/sim/world/virtual-runtime.js'
import type { SnapshotWriter, Storage } from '../../lib/storage/index.js'
import { PERSISTENT } from '../../lib/tree/index.js'
import { txnsOf } from '../../lib/zab/index.js'
import { immediateRuntime } from '../fixtures/immediate-runtime.js'
import { settingRoot, storeInEpoch, txnOf, zxidOf } from '../fixtures/member-parts.js'

function bench(storage: Storage, snapCount: number) {
  const virtual = new VirtualRuntime()
  const finished: Zxid[] = []
  const failed: unknown[] = []
  const snapshotter = new Snapshotter({
    runtime: virtual.runtime,
    storage,
    snapCount,
    onFinished: zxidBase => finished.push(zxidBase),
    onFailed: error => failed.push(error)
  })
  return { virtual, finished, failed, snapshotter }
}

t.test('a snapshot is taken every so many txns, while the state goes on changing, and is what it was begun with', async t => {
  const storage = await storeInEpoch(1)
  const { virtual, finished, failed, snapshotter } = bench(storage, 100)
  const replica = new Replica()
  const taken: (readonly [Zxid, string])[] = []
  for (let version = 1; version <= 400; version++) {
    const batch = settingRoot(zxidOf(1, version), [version])
    await storage.write({ kind: 'append', batch, zxidCommitted: 0 as Zxid })
    for (const bytes of txnsOf(batch)) replica.apply(bytes, zxidOf(1, version))
    const before = storage.state.snapshots.length
    snapshotter.onApplied(replica)
    taken.push([replica.zxidApplied, replica.digest])
    await virtual.run(0)
    if (storage.state.snapshots.length > before) finished.push(0 as Zxid)
  }
  await snapshotter.idle()
  t.strictSame(failed, [])
  t.ok(finished.length >= 4 && finished.length <= 16, 'between half and all of snapCount lies between two')
  const newest = storage.state.snapshots.at(-1)
  t.equal(newest?.digest, taken.find(([zxid]) => zxid === newest?.zxid)?.[1])
  const loaded = await loadReplica(storage, virtual.runtime)
  t.equal(loaded.digest, newest?.digest)
  t.equal(loaded.zxidApplied, newest?.zxid)
  await storage.close()
})

t.test('a snapshot that is given up ends quietly, whatever comes of it', async t => {
  const failures: ZooKeeperError[] = [new ZooKeeperError('STORAGE_FAILED'), new ZooKeeperError('CLOSED')]
  for (const error of failures) {
    for (const abandoned of [true, false]) {
      let fail = (_: unknown) => {}
      const writer: SnapshotWriter = {
        chunk: () => new Promise((_, reject) => (fail = reject)),
        finish: () => Promise.reject(error),
        abandon: async () => {}
      }
      const { virtual, finished, failed, snapshotter } = bench({ beginSnapshot: () => writer } as never, 2)
      const replica = new Replica()
      replica.apply(txnOf(), zxidOf(1, 1))
      snapshotter.onApplied(replica)
      snapshotter.onApplied(replica)
      if (abandoned) snapshotter.abandon()
      fail(error)
      await virtual.run(1)
      await snapshotter.idle()
      t.strictSame(finished, [])
      t.strictSame(failed, !abandoned && error.code === 'STORAGE_FAILED' ? [error] : [], 'a store that has moved on is well')
      t.doesNotThrow(() => replica.tree.cut().close(), 'the cut has been let go')
    }
  }
})

/** A replica whose root has so many children with so many bytes each, and a store that has room for a snapshot of it. */
async function stateWith(children: number, bytes: number) {
  const replica = new Replica()
  for (let number = 1; number <= children; number++) {
    const data = new Uint8Array(bytes).fill(number)
    const kept = { owner: 0 as never, lifetime: PERSISTENT, acl: null, parentCversion: number }
    replica.apply(txnOf({ kind: 'create', path: `/${number}`, data, ...kept }), zxidOf(1, number))
  }
  const storage = await storeInEpoch(1)
  const versions = Array.from({ length: children }, (_, index) => index + 1)
  await storage.write({ kind: 'append', batch: settingRoot(zxidOf(1, 1), versions), zxidCommitted: 0 as Zxid })
  return { replica, storage }
}

/** A runtime in which every look at the clock takes so many milliseconds; `turns` counts what has been left to later turns of the loop. */
function countingRuntime(millisecondsPerLook: number) {
  const runtime = immediateRuntime()
  let now = 0
  const counted = { turns: 0 }
  const post = (callback: () => void): void => {
    counted.turns++
    runtime.scheduler.post(callback)
  }
  const clock = { wall: () => 0, monotonic: () => (now += millisecondsPerLook) }
  return { counted, runtime: { ...runtime, clock, scheduler: { ...runtime.scheduler, post } } as Runtime }
}

async function snapshotOf(replica: Replica, storage: Storage, runtime: Runtime): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    new Snapshotter({ runtime, storage, snapCount: 1, onFinished: () => resolve(), onFailed: reject }).onApplied(replica)
  })
}

t.test('the event loop turns when the data of a slice fills a chunk, or its time is up, and every so many znodes', async t => {
  const turnsOf = async (children: number, bytes: number, millisecondsPerLook: number): Promise<number> => {
    const { replica, storage } = await stateWith(children, bytes)
    const { counted, runtime } = countingRuntime(millisecondsPerLook)
    await snapshotOf(replica, storage, runtime)
    t.equal((await loadReplica(storage, immediateRuntime())).digest, replica.digest)
    await storage.close()
    return counted.turns
  }
  const small = await turnsOf(900, 1, 0)
  t.ok(small >= 2 && small <= 4, `${small} turns`)
  const large = await turnsOf(400, LIMITS.snapshotChunkBytesMax / 40, 0)
  t.ok(large >= 8 && large <= 12, `${large} turns`)
  const slow = await turnsOf(900, 1, LIMITS.sliceMilliseconds)
  t.ok(slow >= 900 / 8 && slow <= 900 / 8 + 4, `${slow} turns`)
})

t.test('the event loop turns within a chunk that takes long to be restored', async t => {
  const { replica, storage } = await stateWith(450, 1)
  await snapshotOf(replica, storage, immediateRuntime())
  const [snapshot] = storage.state.snapshots
  const { counted, runtime } = countingRuntime(LIMITS.sliceMilliseconds)
  const loaded = await loadReplica(storage, runtime)
  t.equal(loaded.digest, replica.digest)
  t.equal(snapshot?.chunkCount, 1)
  t.ok(counted.turns >= 450 / 32, `${counted.turns} turns`)
  await storage.close()
})
