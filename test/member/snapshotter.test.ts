import t from 'tap'
import { ZooKeeperError, type Zxid } from '../../lib/base/index.js'
import { Replica } from '../../lib/member/replica.js'
import { loadReplica } from '../../lib/member/replica-loader.js'
import { Snapshotter } from '../../lib/member/snapshotter.js'
import { VirtualRuntime } from '../../lib/sim/world/virtual-runtime.js'
import type { SnapshotWriter, Storage } from '../../lib/storage/index.js'
import { txnsOf } from '../../lib/zab/index.js'
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
