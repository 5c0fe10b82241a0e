import t from 'tap'
import { counterOf, type Epoch, epochOf, type Random, randomInt, seededRandom, type Zxid } from '../../lib/base/index.js'
import { openDatabaseStorage, type Storage, type StorageChange } from '../../lib/storage/index.js'
import { type Batch, txnsOf, zxidLastIn } from '../../lib/zab/index.js'
import { DiskImage } from '../fixtures/disk-image.js'
import { FaultyLevel } from '../fixtures/faulty-level.js'
import { batchAt, chunkOf, ENSEMBLE_ID, STORAGE_OPTIONS, snapshotAt, zxidAt } from '../fixtures/storage-history.js'

const RUNS = 60
const STEPS = 60

/** Zxids and txns, whatever batches they come in. */
function flat(batches: readonly Batch[]): (readonly [Zxid, string])[] {
  return batches.flatMap(batch =>
    txnsOf(batch).map((txn, index) => [(batch.zxidFirst + index) as Zxid, Buffer.from(txn).toString('hex')] as const)
  )
}

/** One store driven by chance beside a picture of what it should hold. */
class Run {
  readonly #random: Random
  readonly #database = new FaultyLevel()
  readonly #model = new DiskImage()
  #storage: Storage

  private constructor(random: Random, storage: Storage, database: FaultyLevel) {
    this.#random = random
    this.#storage = storage
    this.#database = database
  }

  static async begin(seed: number): Promise<Run> {
    const database = new FaultyLevel()
    return new Run(seededRandom(seed), await openDatabaseStorage(database, STORAGE_OPTIONS), database)
  }

  async step(): Promise<void> {
    const staging = this.#model.staged !== null
    switch (randomInt(this.#random, 12)) {
      case 0:
        return this.#reopen()
      case 1:
        return staging ? this.#write({ kind: 'abandonReplacement' }) : this.#snapshot()
      case 2:
        return staging ? this.#adopt() : this.#cut()
      case 3:
        return this.#adopt()
      case 4:
        return staging ? this.#adopt() : this.#stage()
      case 5:
        return this.#fail()
      default:
        return this.#append()
    }
  }

  async check(): Promise<void> {
    const { state } = this.#storage
    const model = this.#model
    const batches = await this.#storage.readLog(state.log.zxidBase, Number.POSITIVE_INFINITY)
    const same = JSON.stringify(flat(batches)) === JSON.stringify(flat(model.batchesAfter(state.log.zxidBase)))
    if (!same || zxidLastIn(state.log) !== zxidLastIn(model.log)) throw new Error('the log is not what was written')
    if (state.damage !== null) throw new Error(`damage that nobody did: ${state.damage.description}`)
    if (state.acceptedEpoch !== model.acceptedEpoch || state.currentEpoch !== model.currentEpoch) throw new Error('epochs differ')
    if (state.vote !== model.vote || state.ensembleId !== model.ensembleId) throw new Error('the vote or the ensemble differs')
    for (const { zxid, chunkCount } of state.snapshots) {
      for (let index = 0; index < chunkCount; index++) {
        const chunk = await this.#storage.readSnapshotChunk(zxid, index)
        if (!Buffer.from(chunk).equals(chunkOf(zxid, index))) throw new Error('a chunk is not what was written')
      }
    }
  }

  async end(): Promise<void> {
    await this.#reopen()
    await this.check()
    await this.#storage.close()
  }

  async #write(...changes: StorageChange[]): Promise<void> {
    for (const change of changes) this.#model.apply(change)
    await Promise.all(changes.map(change => this.#storage.write(change)))
  }

  /** Up to four batches at once, now and then of the next epoch. */
  async #append(): Promise<void> {
    await this.#write(...this.#appends(zxidLastIn(this.#model.staged === null ? this.#model.log : this.#stagedLog())))
  }

  #appends(after: Zxid): StorageChange[] {
    const changes: StorageChange[] = []
    let last = after
    for (let index = randomInt(this.#random, 4); index >= 0; index--) {
      const isNewEpoch = last === 0 || this.#random.float() < 0.1
      const [epoch, counter] = isNewEpoch ? [epochOf(last) + 1, 1] : [epochOf(last), counterOf(last) + 1]
      const batch = batchAt(epoch, counter, 1 + randomInt(this.#random, 5))
      changes.push({ kind: 'append', batch, zxidCommitted: zxidAt(0, 0) })
      last = (batch.zxidFirst + batch.count - 1) as Zxid
    }
    return changes
  }

  #stagedLog() {
    const staged = this.#model.staged
    const picture = new DiskImage()
    if (staged !== null) picture.history = staged
    return picture.log
  }

  async #adopt(): Promise<void> {
    const epoch = (this.#model.acceptedEpoch + 1) as Epoch
    await this.#write(
      { kind: 'acceptEpoch', epoch, ensembleId: null },
      { kind: 'adoptEpoch', epoch, ensembleId: ENSEMBLE_ID, vote: this.#random.float() < 0.5 ? 'held' : 'withheld' }
    )
  }

  async #stage(): Promise<void> {
    const zxid = zxidAt(epochOf(zxidLastIn(this.#model.log)) + 1, 1 + randomInt(this.#random, 9))
    const chunks = [chunkOf(zxid, 0), chunkOf(zxid, 1)]
    const snapshot = this.#random.float() < 0.3 ? null : { zxid, chunkCount: 2, bytes: 80, digest: '' }
    const staged = chunks.map((bytes, index): StorageChange => ({ kind: 'stageChunk', index, bytes }))
    await this.#write({ kind: 'beginReplacement', snapshot }, ...(snapshot === null ? [] : staged))
  }

  async #cut(): Promise<void> {
    const zxids = [
      this.#storage.state.log.zxidBase,
      ...flat(this.#model.batchesAfter(this.#storage.state.log.zxidBase)).map(([zxid]) => zxid)
    ]
    const zxid = zxids[zxids.length - 1 - randomInt(this.#random, Math.min(12, zxids.length))] ?? zxidAt(0, 0)
    await this.#write({ kind: 'truncate', zxid }, ...(this.#random.float() < 0.5 ? this.#appends(zxid) : []))
  }

  /** A snapshot somewhere behind the last one, with the log growing meanwhile. */
  async #snapshot(): Promise<void> {
    const { log, snapshots } = this.#storage.state
    const after = snapshots.at(-1)?.zxid ?? log.zxidBase
    const zxids = flat(this.#model.batchesAfter(after)).map(([zxid]) => zxid)
    const zxid = zxids[randomInt(this.#random, Math.max(1, zxids.length))]
    if (zxid !== undefined) await Promise.all([snapshotAt(this.#storage, zxid, 1 + randomInt(this.#random, 3)), this.#append()])
  }

  async #reopen(): Promise<void> {
    await this.#storage.close()
    this.#storage = await openDatabaseStorage(this.#database, STORAGE_OPTIONS)
    this.#model.reopen()
  }

  /** A write fails, and some more with it. */
  async #fail(): Promise<void> {
    const [change] = this.#appends(zxidLastIn(this.#model.log))
    this.#database.failNext(this.#random.float() < 0.5 ? 'clean' : 'poison')
    const target = this.#model.staged === null && change !== undefined ? change : ({ kind: 'admit' } as const)
    const failed = await this.#storage.write(target).then(
      () => false,
      () => true
    )
    if (!failed) throw new Error('a failed write was acknowledged')
    await this.#storage.reopen()
    this.#model.reopen()
  }
}

t.test(`${RUNS} random histories are what was written, whatever failed or was opened again between`, async t => {
  for (let seed = 1; seed <= RUNS; seed++) {
    const run = await Run.begin(seed)
    try {
      for (let step = 0; step < STEPS; step++) {
        await run.step()
        await run.check()
      }
      await run.end()
    } catch (error) {
      t.fail(`seed ${seed}: ${error instanceof Error ? error.stack : error}`)
    }
  }
  t.pass('every run came to its end')
})
