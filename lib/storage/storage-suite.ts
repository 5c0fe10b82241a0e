import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { type Epoch, LIMITS, type MemberId, makeZxid, present, type Zxid } from '../base/index.js'
import { type Batch, batchOf, joinBatches, txnsOf, zxidLastIn } from '../zab/index.js'
import type { SnapshotManifest, Storage, StorageOptions } from './storage.js'

/** One place where a store's data lies, as the suite needs it. */
export interface StorageFixture {
  /** Opens the store: for the first time, or again after it was closed, with what it held. */
  open(options: StorageOptions): Promise<Storage>
  /** Removes everything. The store has been closed. */
  dispose(): Promise<void>
}

export interface StorageSuiteOptions {
  /** Any test framework's function that runs `body` as one test of this title. */
  readonly test: (title: string, body: () => Promise<void>) => unknown
  /** A new, empty place. */
  readonly factory: () => Promise<StorageFixture>
}

const OPTIONS: StorageOptions = { ensembleName: 'suite', memberId: 1 as MemberId, snapRetainCount: 2 }
const ENSEMBLE_ID = 'e'.repeat(32)
const EVERYTHING = Number.POSITIVE_INFINITY
const BROKEN_RULE = { code: 'INVARIANT_VIOLATED' }

/**
 * What every store must do, whatever it lies on: run it against an implementation of your own as
 * `storageSuite({ test, factory })`. It uses nothing but the contract.
 */
export function storageSuite({ test, factory }: StorageSuiteOptions): void {
  const check = (title: string, body: (place: Place) => Promise<void>): void => {
    test(title, async () => {
      const place = new Place(await factory())
      try {
        await body(place)
      } finally {
        await place.dispose()
      }
    })
  }
  newStores(check)
  logs(check)
  cuts(check)
  epochs(check)
  replacements(check)
  snapshots(check)
  lifecycles(check)
}

type Check = (title: string, body: (place: Place) => Promise<void>) => void

function newStores(check: Check): void {
  check('a new store is empty, knows who it is and holds its vote', async place => {
    const { identity, ...rest } = (await place.open()).state
    equal(identity.ensembleName, OPTIONS.ensembleName)
    equal(identity.memberId, OPTIONS.memberId)
    ok(/^[0-9a-f]{32}$/.test(identity.incarnation))
    deepEqual(rest, {
      run: 1,
      ensembleId: null,
      acceptedEpoch: 0,
      currentEpoch: 0,
      vote: 'held',
      log: { zxidBase: 0, epochEnds: [] },
      snapshots: [],
      zxidCommitted: 0,
      damage: null
    })
  })

  check('a store that is opened again is the same one in another run', async place => {
    const { identity } = (await place.open()).state
    const { state } = await place.openAgain()
    deepEqual(state.identity, identity)
    equal(state.run, 2)
  })

  check('a store of another ensemble or member is refused, and stays as it was', async place => {
    await filled(place)
    const { state } = place.storage
    await place.storage.close()
    await rejects(place.open({ ensembleName: 'other' }), { code: 'ENSEMBLE_MISMATCH' })
    await rejects(place.open({ memberId: 2 as MemberId }), { code: 'ENSEMBLE_MISMATCH' })
    deepEqual(withoutRun(await place.open()), { ...state, run: 0 })
  })
}

function logs(check: Check): void {
  check('what was appended is read back, also after the store was opened again', async place => {
    const storage = await place.open()
    for (const counter of [1, 2, 3, 4, 5]) await append(storage, 1, counter)
    deepEqual(storage.state.log, { zxidBase: 0, epochEnds: [{ epoch: 1, counter: 5 }] })
    deepEqual(await counters(storage), [1, 2, 3, 4, 5])
    const { state } = storage
    const again = await place.openAgain()
    deepEqual(withoutRun(again), { ...state, run: 0 })
    deepEqual(await counters(again), [1, 2, 3, 4, 5])
  })

  check('changes that are issued together are done in their order', async place => {
    const storage = await place.open()
    const done: number[] = []
    const waiting = Array.from({ length: 40 }, (_, index) => append(storage, 1, index + 1).then(() => done.push(index + 1)))
    await Promise.all(waiting)
    deepEqual(done, oneTo(40))
    deepEqual(await counters(storage), oneTo(40))
  })

  check('a reader is given what is behind its place, from the middle of a write too', async place => {
    const storage = await place.open()
    await Promise.all(oneTo(10).map(counter => append(storage, 1, counter)))
    for (const counter of oneTo(10)) {
      const batches = await storage.readLog(zxid(1, counter), EVERYTHING)
      deepEqual(countersOf(batches), oneTo(10).slice(counter))
    }
    deepEqual(await storage.readLog(zxid(1, 10), EVERYTHING), [])
  })

  check('a reader is given about as much as it asks for, and never nothing', async place => {
    const storage = await place.open()
    for (const counter of oneTo(9)) await append(storage, 1, counter)
    const [one] = await storage.readLog(zxid(0, 0), 1)
    equal(one?.zxidFirst, zxid(1, 1))
    const half = await storage.readLog(zxid(0, 0), present(one, 'at least one batch').bytes.length * 3)
    ok(half.length < 9 && half.length >= 3)
  })

  check('what was appended together is handed out in batches within their bounds', async place => {
    const storage = await place.open()
    const txn = new Uint8Array(300_000)
    const few = oneTo(12).map(counter => batchOf(zxid(1, counter), [txn]))
    const many = batchOf(
      zxid(1, 13),
      Array.from({ length: 3000 }, () => new Uint8Array(1))
    )
    const more = batchOf(
      zxid(1, 3013),
      Array.from({ length: 3000 }, () => new Uint8Array(1))
    )
    await Promise.all([...few, many, more].map(batch => storage.write({ kind: 'append', batch, zxidCommitted: zxid(1, 0) })))
    const batches = await storage.readLog(zxid(0, 0), EVERYTHING)
    ok(batches.every(({ bytes, count }) => bytes.length <= LIMITS.batchBytesMax && count <= LIMITS.batchTxnsMax))
    deepEqual(countersOf(batches), oneTo(6012))
    deepEqual(joinBatches(batches), joinBatches([...few, many, more]))
  })

  check('the log goes on in a later epoch', async place => {
    const storage = await place.open()
    await Promise.all([append(storage, 1, 1), append(storage, 1, 2), append(storage, 3, 1), append(storage, 3, 2)])
    const epochEnds = [
      { epoch: 1, counter: 2 },
      { epoch: 3, counter: 2 }
    ]
    deepEqual(storage.state.log.epochEnds, epochEnds)
    const again = await place.openAgain()
    deepEqual(again.state.log.epochEnds, epochEnds)
    deepEqual(countersOf(await again.readLog(zxid(1, 2), EVERYTHING)), [1, 2])
  })

  check('a batch that leaves a gap breaks a rule, and changes nothing', async place => {
    const storage = await place.open()
    await append(storage, 1, 1)
    await rejects(append(storage, 1, 3), BROKEN_RULE)
    await rejects(append(storage, 1, 1), BROKEN_RULE)
    await rejects(append(storage, 2, 2), BROKEN_RULE)
    await append(storage, 1, 2)
    deepEqual(await counters(storage), [1, 2])
  })

  check('what was committed is remembered as a lower bound', async place => {
    const storage = await place.open()
    await append(storage, 1, 1)
    await append(storage, 1, 2, zxid(1, 1))
    equal(storage.state.zxidCommitted, zxid(1, 1))
    equal((await place.openAgain()).state.zxidCommitted, zxid(1, 1))
  })
}

function cuts(check: Check): void {
  check('a cut removes what is behind it, wherever in a write it falls', async place => {
    for (const cut of [7, 5, 4, 0]) {
      const storage = await place.open()
      await Promise.all([1, 2, 3, 4].map(counter => append(storage, 1, counter)))
      await Promise.all([5, 6, 7].map(counter => append(storage, 1, counter)))
      const to = cut === 0 ? zxid(0, 0) : zxid(1, cut)
      await cutTo(storage, to)
      deepEqual(await counters(storage), oneTo(cut))
      const again = await place.openAgain()
      deepEqual(await counters(again), oneTo(cut))
      equal(again.state.damage, null)
      await append(again, 2, 1)
      deepEqual(await counters(again), [...oneTo(cut), 1])
      deepEqual(await counters(await place.openAgain()), [...oneTo(cut), 1])
      await cutTo(place.storage, zxid(0, 0))
      await place.storage.close()
    }
  })

  check('what is issued with a cut is done before or behind it', async place => {
    const storage = await place.open()
    const before = [1, 2, 3].map(counter => append(storage, 1, counter))
    const cut = cutTo(storage, zxid(1, 2))
    const behind = [1, 2].map(counter => append(storage, 2, counter))
    await Promise.all([...before, cut, ...behind])
    deepEqual(await counters(storage), [1, 2, 1, 2])
    deepEqual(await counters(await place.openAgain()), [1, 2, 1, 2])
  })

  check('a cut removes the snapshots behind it', async place => {
    const storage = await place.open()
    await Promise.all(oneTo(6).map(counter => append(storage, 1, counter)))
    await snapshot(storage, zxid(1, 2))
    await snapshot(storage, zxid(1, 5))
    await cutTo(storage, zxid(1, 4))
    deepEqual(storage.state.snapshots.map(zxidOf), [zxid(1, 2)])
    await rejects(storage.readSnapshotChunk(zxid(1, 5), 0), { code: 'LOG_CORRUPTED' })
    deepEqual((await place.openAgain()).state.snapshots.map(zxidOf), [zxid(1, 2)])
  })
}

function epochs(check: Check): void {
  check('epochs, the ensemble and the vote are remembered', async place => {
    const storage = await place.open()
    await storage.write({ kind: 'acceptEpoch', epoch: epoch(4), ensembleId: ENSEMBLE_ID })
    equal(storage.state.acceptedEpoch, 4)
    equal(storage.state.currentEpoch, 0)
    await storage.write({ kind: 'adoptEpoch', epoch: epoch(4), ensembleId: ENSEMBLE_ID, vote: 'withheld' })
    await storage.write({ kind: 'acceptEpoch', epoch: epoch(5), ensembleId: null })
    const { state } = await place.openAgain()
    deepEqual([state.acceptedEpoch, state.currentEpoch, state.ensembleId, state.vote], [5, 4, ENSEMBLE_ID, 'withheld'])
    await place.storage.write({ kind: 'admit' })
    equal((await place.openAgain()).state.vote, 'held')
  })

  check('an epoch that was not accepted, or a lower one, breaks a rule', async place => {
    const storage = await place.open()
    await storage.write({ kind: 'acceptEpoch', epoch: epoch(4), ensembleId: ENSEMBLE_ID })
    await rejects(storage.write({ kind: 'acceptEpoch', epoch: epoch(3), ensembleId: null }), BROKEN_RULE)
    await rejects(storage.write({ kind: 'adoptEpoch', epoch: epoch(5), ensembleId: ENSEMBLE_ID, vote: 'held' }), BROKEN_RULE)
  })
}

function replacements(check: Check): void {
  const manifest: SnapshotManifest = { zxid: zxid(3, 9), chunkCount: 2, bytes: 5, digest: 'staged' }
  const stage = (storage: Storage): Promise<void>[] => [
    storage.write({ kind: 'beginReplacement', snapshot: manifest }),
    storage.write({ kind: 'stageChunk', index: 0, bytes: Uint8Array.of(1, 2, 3) }),
    storage.write({ kind: 'stageChunk', index: 1, bytes: Uint8Array.of(4, 5) }),
    append(storage, 3, 10),
    append(storage, 4, 1)
  ]
  const adopt = async (storage: Storage): Promise<void> => {
    await storage.write({ kind: 'acceptEpoch', epoch: epoch(5), ensembleId: null })
    await storage.write({ kind: 'adoptEpoch', epoch: epoch(5), ensembleId: ENSEMBLE_ID, vote: 'withheld' })
  }

  check('a replacement takes the place of log and snapshots at once', async place => {
    const storage = await filled(place)
    const { log } = storage.state
    await Promise.all(stage(storage))
    deepEqual(storage.state.log, log)
    await adopt(storage)
    for await (const each of place.nowAndAgain()) {
      equal(each.state.log.zxidBase, zxid(3, 9))
      deepEqual(each.state.snapshots, [manifest])
      deepEqual([...(await each.readSnapshotChunk(zxid(3, 9), 1))], [4, 5])
      deepEqual(countersOf(await each.readLog(zxid(3, 9), EVERYTHING)), [10, 1])
      equal(each.state.damage, null)
    }
    await append(place.storage, 5, 1)
  })

  check('a replacement that everything is issued for in one turn is the same', async place => {
    const storage = await filled(place)
    await Promise.all([...stage(storage), adopt(storage)])
    deepEqual(countersOf(await (await place.openAgain()).readLog(zxid(3, 9), EVERYTHING)), [10, 1])
  })

  check('a replacement without a snapshot begins at zero', async place => {
    const storage = await filled(place)
    await storage.write({ kind: 'beginReplacement', snapshot: null })
    await append(storage, 2, 1)
    await adopt(storage)
    deepEqual(await counters(await place.openAgain()), [1])
    deepEqual(place.storage.state.snapshots, [])
  })

  check('an abandoned replacement, and one that a new start finds, leave what was there', async place => {
    const storage = await filled(place)
    const { state } = storage
    await Promise.all(stage(storage))
    await storage.write({ kind: 'abandonReplacement' })
    deepEqual(storage.state, state)
    await Promise.all(stage(storage))
    const again = await place.openAgain()
    deepEqual(withoutRun(again), { ...state, run: 0 })
    await append(again, 1, zxidLastIn(state.log) - zxid(1, 0) + 1)
  })

  check('a replacement that lacks a chunk is not adopted', async place => {
    const storage = await filled(place)
    await storage.write({ kind: 'acceptEpoch', epoch: epoch(5), ensembleId: null })
    await storage.write({ kind: 'beginReplacement', snapshot: manifest })
    await rejects(storage.write({ kind: 'stageChunk', index: 1, bytes: Uint8Array.of(1) }), BROKEN_RULE)
    await storage.write({ kind: 'stageChunk', index: 0, bytes: Uint8Array.of(1, 2, 3) })
    await rejects(storage.write({ kind: 'adoptEpoch', epoch: epoch(5), ensembleId: ENSEMBLE_ID, vote: 'held' }), BROKEN_RULE)
  })
}

function snapshots(check: Check): void {
  check('a finished snapshot is listed and read back', async place => {
    const storage = await place.open()
    await Promise.all(oneTo(6).map(counter => append(storage, 1, counter)))
    const writer = storage.beginSnapshot(zxid(1, 4))
    await writer.chunk(Uint8Array.of(1, 2))
    await writer.chunk(Uint8Array.of())
    await writer.chunk(Uint8Array.of(3))
    deepEqual(storage.state.snapshots, [])
    await writer.finish('its digest')
    for await (const each of place.nowAndAgain()) {
      deepEqual(each.state.snapshots, [{ zxid: zxid(1, 4), chunkCount: 3, bytes: 3, digest: 'its digest' }])
      deepEqual([...(await each.readSnapshotChunk(zxid(1, 4), 2))], [3])
      await rejects(each.readSnapshotChunk(zxid(1, 4), 3), { code: 'LOG_CORRUPTED' })
    }
  })

  check('an unfinished snapshot does not exist', async place => {
    const storage = await place.open()
    await append(storage, 1, 1)
    const abandoned = storage.beginSnapshot(zxid(1, 1))
    await abandoned.chunk(Uint8Array.of(1))
    await abandoned.abandon()
    await storage.beginSnapshot(zxid(1, 1)).chunk(Uint8Array.of(2))
    deepEqual(storage.state.snapshots, [])
    const again = await place.openAgain()
    deepEqual(again.state.snapshots, [])
    await snapshot(again, zxid(1, 1))
  })

  check('the log stays contiguous from the oldest kept snapshot', async place => {
    const storage = await place.open()
    await Promise.all(oneTo(5).map(counter => append(storage, 1, counter)))
    await Promise.all([6, 7, 8, 9].map(counter => append(storage, 1, counter)))
    equal(await snapshot(storage, zxid(1, 3)), zxid(0, 0))
    equal(await snapshot(storage, zxid(1, 7)), zxid(1, 3))
    deepEqual(storage.state.snapshots.map(zxidOf), [zxid(1, 3), zxid(1, 7)])
    equal(await snapshot(storage, zxid(1, 9)), zxid(1, 7))
    for await (const each of place.nowAndAgain()) {
      deepEqual(each.state.snapshots.map(zxidOf), [zxid(1, 7), zxid(1, 9)])
      deepEqual(each.state.log, { zxidBase: zxid(1, 7), epochEnds: [{ epoch: 1, counter: 9 }] })
      deepEqual(countersOf(await each.readLog(zxid(1, 7), EVERYTHING)), [8, 9])
      await rejects(each.readLog(zxid(1, 3), EVERYTHING), { code: 'LOG_CORRUPTED' })
    }
  })

  check('the log grows while a snapshot is written', async place => {
    const storage = await place.open()
    await append(storage, 1, 1)
    const writer = storage.beginSnapshot(zxid(1, 1))
    const chunks = (async () => {
      for (const byte of oneTo(20)) await writer.chunk(Uint8Array.of(byte))
      return writer.finish('')
    })()
    for (let counter = 2; counter <= 20; counter++) await append(storage, 1, counter)
    await chunks
    const again = await place.openAgain()
    equal(again.state.snapshots[0]?.chunkCount, 20)
    deepEqual(await counters(again), oneTo(20))
  })

  check('a snapshot that a replacement overtakes comes to nothing', async place => {
    const storage = await filled(place)
    const writer = storage.beginSnapshot(zxidLastIn(storage.state.log))
    await writer.chunk(Uint8Array.of(1))
    await storage.write({ kind: 'beginReplacement', snapshot: null })
    await storage.write({ kind: 'acceptEpoch', epoch: epoch(5), ensembleId: null })
    await storage.write({ kind: 'adoptEpoch', epoch: epoch(5), ensembleId: ENSEMBLE_ID, vote: 'held' })
    await rejects(writer.finish(''), { code: 'CLOSED' })
    await writer.abandon()
    deepEqual(storage.state.snapshots, [])
  })
}

function lifecycles(check: Check): void {
  check('a closed store refuses everything, and may be closed again', async place => {
    const storage = await filled(place)
    const writer = storage.beginSnapshot(zxidLastIn(storage.state.log))
    await Promise.all([storage.close(), storage.close()])
    await storage.close()
    await rejects(append(storage, 2, 1), { code: 'CLOSED' })
    await rejects(storage.readLog(zxid(0, 0), 1), { code: 'CLOSED' })
    await rejects(storage.readSnapshotChunk(zxid(1, 1), 0), { code: 'CLOSED' })
    await rejects(writer.chunk(Uint8Array.of(1)), { code: 'CLOSED' })
    await rejects(storage.reopen(), { code: 'CLOSED' })
  })

  check('what is being written when a store is closed is written, and the rest refused', async place => {
    const storage = await filled(place)
    const { counter } = present(storage.state.log.epochEnds.at(-1), 'a filled log has an end')
    const first = append(storage, 1, counter + 1)
    await first
    const second = append(storage, 1, counter + 2).then(
      () => 1,
      () => 0
    )
    await storage.close()
    deepEqual((await counters(await place.open())).length, counter + 1 + (await second))
  })

  check('a store that is asked to open again holds what it held', async place => {
    const storage = await filled(place)
    const { state } = storage
    const reopened = await storage.reopen()
    deepEqual(reopened, storage.state)
    deepEqual(withoutRun(storage), { ...state, run: 0 })
    equal(reopened.run, state.run + 1)
    await append(storage, 2, 1)
  })
}

/** A place with the store that was opened there last. */
class Place {
  readonly #fixture: StorageFixture
  #storage: Storage | null = null

  constructor(fixture: StorageFixture) {
    this.#fixture = fixture
  }

  get storage(): Storage {
    return present(this.#storage, 'a store was opened')
  }

  async open(options: Partial<StorageOptions> = {}): Promise<Storage> {
    this.#storage = await this.#fixture.open({ ...OPTIONS, ...options })
    return this.#storage
  }

  async openAgain(): Promise<Storage> {
    await this.storage.close()
    return this.open()
  }

  /** The store as it is, and as it is when it has been opened again. */
  async *nowAndAgain(): AsyncGenerator<Storage> {
    yield this.storage
    yield await this.openAgain()
  }

  async dispose(): Promise<void> {
    await this.#storage?.close()
    await this.#fixture.dispose()
  }
}

/** A store with some history: two writes of several txns, an adopted epoch, and a snapshot. */
async function filled(place: Place): Promise<Storage> {
  const storage = await place.open()
  await storage.write({ kind: 'acceptEpoch', epoch: epoch(1), ensembleId: ENSEMBLE_ID })
  await storage.write({ kind: 'adoptEpoch', epoch: epoch(1), ensembleId: ENSEMBLE_ID, vote: 'held' })
  await Promise.all([1, 2, 3].map(counter => append(storage, 1, counter)))
  await Promise.all([4, 5].map(counter => append(storage, 1, counter)))
  await snapshot(storage, zxid(1, 2))
  return storage
}

/** Appends one txn that tells its counter. */
function append(storage: Storage, inEpoch: number, counter: number, zxidCommitted = zxid(0, 0)): Promise<void> {
  const txn = Buffer.from(`${inEpoch}:${counter}`)
  return storage.write({ kind: 'append', batch: batchOf(zxid(inEpoch, counter), [txn]), zxidCommitted })
}

function cutTo(storage: Storage, to: Zxid): Promise<void> {
  return storage.write({ kind: 'truncate', zxid: to })
}

async function snapshot(storage: Storage, at: Zxid): Promise<Zxid> {
  const writer = storage.beginSnapshot(at)
  await writer.chunk(Buffer.from(`the state at ${at}`))
  return writer.finish(`the digest at ${at}`)
}

/** The counters of everything in the log, each as its txn tells it. */
async function counters(storage: Storage): Promise<number[]> {
  const batches = await storage.readLog(storage.state.log.zxidBase, EVERYTHING)
  for (const batch of batches) {
    for (const [index, txn] of txnsOf(batch).entries()) {
      const zxidHere = batch.zxidFirst + index
      equal(Buffer.from(txn).toString(), `${Math.floor(zxidHere / 2 ** 32)}:${zxidHere % 2 ** 32}`)
    }
  }
  return countersOf(batches)
}

function countersOf(batches: readonly Batch[]): number[] {
  return batches.flatMap(batch => oneTo(batch.count).map(index => (batch.zxidFirst % 2 ** 32) + index - 1))
}

function withoutRun({ state }: Storage): object {
  return { ...state, run: 0 }
}

function zxidOf({ zxid }: SnapshotManifest): Zxid {
  return zxid
}

function oneTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1)
}

function epoch(value: number): Epoch {
  return value as Epoch
}

function zxid(inEpoch: number, counter: number): Zxid {
  return makeZxid(inEpoch as Epoch, counter)
}
