import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import { counterOf, type Epoch, epochOf, type Random, randomInt, seededRandom, type Zxid } from '../../lib/base/index.js'
import type { Rot } from '../../lib/sim/disk/sim-disk.js'
import { openSimStorage } from '../../lib/sim/disk/sim-storage.js'
import type { Storage, StorageChange } from '../../lib/storage/index.js'
import { type Batch, txnsOf, zxidLastIn } from '../../lib/zab/index.js'
import { DiskImage } from '../fixtures/disk-image.js'
import { SimWorld } from '../fixtures/sim-world.js'
import { batchAt, chunkOf, ENSEMBLE_ID, STORAGE_OPTIONS, snapshotAt, zxidAt } from '../fixtures/storage-history.js'

const RUNS = 60
const STEPS = 60
const EVERYTHING = Number.POSITIVE_INFINITY
const ROTS: readonly Rot[] = ['bit', 'missing', 'stale', 'misdirected', 'hole', 'tail']

/** What has happened in all runs: a property that was never put to the test holds for nothing. */
const seen = { crashes: 0, powerLosses: 0, failures: 0, rots: 0, damaged: 0, unharmed: 0, partial: 0, losses: 0 }

function flat(batches: readonly Batch[]): (readonly [Zxid, string])[] {
  return batches.flatMap(batch =>
    txnsOf(batch).map((txn, index) => [(batch.zxidFirst + index) as Zxid, Buffer.from(txn).toString('hex')] as const)
  )
}

function copyOf(image: DiskImage): DiskImage {
  return Object.assign(new DiskImage(), structuredClone({ ...image }))
}

/**
 * One store driven by chance, beside pictures of what it may hold: what was acknowledged, and what was issued behind that. Changes come to
 * the disk in their order, so after a crash it is one of those that lie between.
 */
class Run {
  readonly #random: Random
  readonly #world: SimWorld
  #storage: Storage | null = null
  #acknowledged = new DiskImage()
  #issued: StorageChange[] = []
  /** The disk has lost something since the last opening, and did not tell. */
  #isRotten = false
  #isDamaged = false

  constructor(seed: number) {
    this.#random = seededRandom(seed)
    this.#world = new SimWorld(seed)
  }

  async step(): Promise<void> {
    if (this.#storage === null) await this.#open()
    if (this.#isDamaged) return this.#beDamaged()
    const kind = randomInt(this.#random, 24)
    if (kind < 10) return this.#do(this.#appends(this.#end))
    if (kind < 12) return this.#do(this.#adopt())
    if (kind < 14) return this.#do(this.#cut())
    if (kind < 16) return this.#do(this.#replace())
    if (kind < 18) return this.#snapshot()
    if (kind < 20) return this.#crash(this.#random.float() < 0.4)
    if (kind < 22) return this.#fail()
    if (kind < 23) return this.#rot()
    return this.#close()
  }

  async #open(): Promise<void> {
    const { disk, virtual } = this.#world
    const fault = randomInt(this.#random, 12)
    if (fault === 0) disk.failOpening('io')
    else if (fault === 1) disk.failReads(true)
    else if (fault === 2) disk.failAlways('full')
    else if (fault === 3) disk.failNext('clean')
    const opening = openSimStorage(disk, virtual.process(), STORAGE_OPTIONS)
    const storage = await this.#world.settle(
      opening.catch((error: { code?: string }) => {
        if (error.code !== 'STORAGE_FAILED') throw error
        return null
      })
    )
    disk.mend()
    if (storage === null) return this.#open()
    this.#storage = storage
    await this.#judge()
  }

  /** After an opening: what the store holds is what it may hold, or it says that it is damaged. */
  async #judge(): Promise<void> {
    const { state } = this.#here
    const wasDamaged = this.#isDamaged
    this.#isDamaged = state.damage !== null
    if (wasDamaged && !this.#isDamaged) throw new Error('damage has gone without a repair')
    if (!this.#isRotten && !wasDamaged && this.#isDamaged) throw new Error(`damage that nobody did: ${state.damage?.description}`)
    if (this.#isDamaged) {
      seen.damaged++
      if (this.#acknowledged.acceptedEpoch > state.acceptedEpoch) throw new Error('a promise was forgotten')
    } else {
      if (this.#isRotten) seen.unharmed++
      await this.#settleOnOne()
    }
    this.#issued = []
    this.#isRotten = false
  }

  async #settleOnOne(): Promise<void> {
    const picture = copyOf(this.#acknowledged)
    const reasons: string[] = []
    for (let count = 0; ; count++) {
      const candidate = copyOf(picture)
      candidate.reopen()
      const difference = await this.#difference(candidate)
      if (difference === null) {
        if (count > 0) seen.partial++
        this.#acknowledged = candidate
        return
      }
      reasons.push(difference)
      const next = this.#issued[count]
      if (next === undefined) throw new Error(`what was acknowledged is not there: ${reasons.join('; ')}`)
      picture.apply(next)
    }
  }

  async #difference(picture: DiskImage): Promise<string | null> {
    const storage = this.#here
    const { state } = storage
    for (const name of ['acceptedEpoch', 'currentEpoch', 'vote', 'ensembleId'] as const) {
      if (state[name] !== picture[name]) return `${name} is ${state[name]} and not ${picture[name]}`
    }
    const { zxidBase } = state.log
    if (zxidLastIn(state.log) !== zxidLastIn(picture.log))
      return `ends at ${zxidLastIn(state.log)} and not ${zxidLastIn(picture.log)}`
    const batches = await this.#world.settle(storage.readLog(zxidBase, EVERYTHING))
    if (!isDeepStrictEqual(flat(batches), flat(picture.batchesAfter(zxidBase)))) return 'the log is another'
    for (const { zxid, chunkCount } of state.snapshots) {
      for (let index = 0; index < chunkCount; index++) {
        const chunk = await this.#world.settle(storage.readSnapshotChunk(zxid, index))
        if (!Buffer.from(chunk).equals(chunkOf(zxid, index))) return 'a chunk is another'
      }
    }
    return null
  }

  /** Issues changes together. Now and then the process does not live to see the end. */
  async #do(changes: readonly StorageChange[]): Promise<void> {
    const storage = this.#here
    const writes = changes.map(async change => {
      this.#issued.push(change)
      await storage.write(change)
      this.#issued.splice(this.#issued.indexOf(change), 1)
      this.#acknowledged.apply(change)
    })
    const all = Promise.all(writes)
    if (this.#random.float() > 0.15) return void (await this.#world.settle(all))
    all.catch(() => {
      // The crash is what this is about.
    })
    await this.#world.virtual.run(this.#random.float() * 40)
    await this.#crash(this.#random.float() < 0.4)
  }

  async #crash(power: boolean): Promise<void> {
    if (power) seen.powerLosses++
    else seen.crashes++
    await this.#world.disk.unmount(power ? 'power' : 'kill')
    this.#storage = null
  }

  async #close(): Promise<void> {
    await this.#world.settle(this.#here.close())
    this.#storage = null
  }

  /** A write fails, in whatever way; the store is opened again, or its process dies first. */
  async #fail(): Promise<void> {
    seen.failures++
    const storage = this.#here
    const faults = ['clean', 'landed', 'poison', 'full', 'hang'] as const
    const fault = faults[randomInt(this.#random, faults.length)] ?? 'clean'
    this.#world.disk.failNext(fault)
    const changes = this.#appends(this.#end)
    this.#issued.push(...changes)
    const failed = Promise.allSettled(changes.map(change => storage.write(change)))
    if (fault === 'hang') {
      await this.#world.virtual.run(1_000)
      return this.#crash(this.#random.float() < 0.4)
    }
    const outcomes = await this.#world.settle(failed)
    if (outcomes.some(({ status }) => status === 'fulfilled')) throw new Error('a failed write was acknowledged')
    if (this.#random.float() < 0.3) return this.#crash(false)
    await this.#world.settle(storage.reopen())
    await this.#judge()
  }

  /** Something on the disk goes bad, and the process ends: by itself, for after a power loss the note vouches for less. */
  async #rot(): Promise<void> {
    const kind = ROTS[randomInt(this.#random, ROTS.length)] ?? 'bit'
    const chance = this.#random.float()
    if (chance < 0.2) {
      this.#world.disk.failOpening('corruption')
      seen.losses++
    } else if (chance < 0.35) {
      this.#world.disk.loseNote()
    } else if (this.#world.disk.rot(kind) === null) {
      return
    }
    seen.rots++
    this.#isRotten = true
    await this.#crash(false)
  }

  /** A damaged store is opened again and again, until its history is given up or a peer has replaced it. */
  async #beDamaged(): Promise<void> {
    const storage = this.#here
    const kind = randomInt(this.#random, 4)
    if (kind === 0) return this.#crash(false)
    if (kind === 1) return this.#close()
    const changes: readonly StorageChange[] = kind === 2 ? [{ kind: 'acceptDamage' }] : this.#replace()
    for (const change of changes) await this.#world.settle(storage.write(change))
    if (storage.state.damage !== null) throw new Error('the damage is repaired, and still there')
    this.#isDamaged = false
    await this.#takeOver()
  }

  /** The picture becomes what the store now holds. */
  async #takeOver(): Promise<void> {
    const { state } = this.#here
    const { ensembleId, acceptedEpoch, currentEpoch, vote, log, snapshots } = state
    const picture = Object.assign(new DiskImage(), { ensembleId, acceptedEpoch, currentEpoch, vote })
    const snapshot = snapshots.find(({ zxid }) => zxid === log.zxidBase)
    picture.history = {
      snapshot: log.zxidBase === 0 ? null : (snapshot ?? null),
      chunks: [],
      batches: [...(await this.#world.settle(this.#here.readLog(log.zxidBase, EVERYTHING)))]
    }
    this.#acknowledged = picture
    if (log.zxidBase !== 0 && snapshot === undefined) throw new Error('a base without its snapshot')
  }

  get #here(): Storage {
    if (this.#storage === null) throw new Error('the store is not open')
    return this.#storage
  }

  get #end(): Zxid {
    return zxidLastIn(this.#here.state.log)
  }

  /** Up to four batches at once, now and then of the next epoch. */
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

  #adopt(): readonly StorageChange[] {
    const epoch = (this.#here.state.acceptedEpoch + 1) as Epoch
    const vote = this.#random.float() < 0.5 ? 'held' : 'withheld'
    return [
      { kind: 'acceptEpoch', epoch, ensembleId: null },
      { kind: 'adoptEpoch', epoch, ensembleId: ENSEMBLE_ID, vote }
    ]
  }

  #cut(): readonly StorageChange[] {
    const { zxidBase } = this.#here.state.log
    const zxids = [zxidBase, ...flat(this.#acknowledged.batchesAfter(zxidBase)).map(([zxid]) => zxid)]
    const zxid = zxids[zxids.length - 1 - randomInt(this.#random, Math.min(12, zxids.length))] ?? zxidBase
    return [{ kind: 'truncate', zxid }, ...(this.#random.float() < 0.5 ? this.#appends(zxid) : [])]
  }

  /** A peer's history takes the place of everything. */
  #replace(): readonly StorageChange[] {
    const zxid = zxidAt(epochOf(this.#end) + 1, 1 + randomInt(this.#random, 9))
    const snapshot = { zxid, chunkCount: 2, bytes: 80, digest: '' }
    const chunks = [0, 1].map(index => ({ kind: 'stageChunk', index, bytes: chunkOf(zxid, index) }) as const)
    const appends = this.#random.float() < 0.5 ? this.#appends(zxid) : []
    return [{ kind: 'beginReplacement', snapshot }, ...chunks, ...appends, ...this.#adopt()]
  }

  /** A snapshot somewhere behind the last one, with the log growing meanwhile. */
  async #snapshot(): Promise<void> {
    const { log, snapshots } = this.#here.state
    const after = snapshots.at(-1)?.zxid ?? log.zxidBase
    const zxids = flat(this.#acknowledged.batchesAfter(after)).map(([zxid]) => zxid)
    const zxid = zxids[randomInt(this.#random, Math.max(1, zxids.length))]
    if (zxid === undefined) return
    const writing = snapshotAt(this.#here, zxid, 1 + randomInt(this.#random, 3))
    if (this.#random.float() < 0.2) {
      writing.catch(() => {
        // It ends with the process.
      })
      await this.#world.virtual.run(this.#random.float() * 40)
      return this.#crash(this.#random.float() < 0.4)
    }
    await this.#world.settle(writing)
  }
}

t.test(`in ${RUNS} random histories nothing that was acknowledged is lost unnoticed`, async t => {
  for (let seed = 1; seed <= RUNS; seed++) {
    const run = new Run(seed)
    try {
      for (let step = 0; step < STEPS; step++) await run.step()
    } catch (error) {
      t.fail(`seed ${seed}: ${error instanceof Error ? error.stack : error}`)
    }
  }
  t.comment(JSON.stringify(seen))
  for (const [what, count] of Object.entries(seen)) t.ok(count >= 10, `${what}: ${count}`)
})
