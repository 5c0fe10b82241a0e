import {
  assert,
  epochOf,
  LIMITS,
  type MemberId,
  present,
  type Runtime,
  ZooKeeperError,
  ZXID_ZERO,
  type Zxid,
  zxidFollows
} from '../base/index.js'
import type { Storage } from '../storage/index.js'
import { type Batch, batchAfter, batchThrough, TxnCursor, zxidLastOf } from '../zab/index.js'
import type { AppliedTxn, Replica } from './replica.js'
import { loadReplica } from './replica-loader.js'

/** Bytes of logged batches kept in memory until they are applied. What is beyond is read from the log again. */
const WAITING_BYTES_MAX = 16 * 1024 * 1024

/** Txns between two looks at the clock; a large one counts for several. */
const TXNS_PER_LOOK = 32
const TXN_BYTES = 512

export interface ApplierParts {
  /** This member, whose requests are answered. */
  readonly id: MemberId
  readonly runtime: Runtime
  readonly storage: Storage
}

export interface ApplierHandlers {
  /** Called for every txn, in zxid order, directly after it has been applied. */
  onApplied(applied: AppliedTxn): void
  /** Everything delivered so far has been applied. */
  onCaughtUp(zxid: Zxid): void
  /** The state comes from a snapshot that is later than it; nothing in between was applied one by one. */
  onReset(before: Replica, after: Replica): void
  /** The stored history cannot be read or applied. */
  onFailed(error: unknown): void
}

/**
 * Applies what is delivered, in zxid order, without stopping the event loop: from memory when it was just logged, from the log otherwise.
 * The only writer of the replica.
 */
export class Applier {
  readonly #parts: ApplierParts
  readonly #handlers: ApplierHandlers
  /** The newest logged batches, contiguous, ascending. */
  #waiting: Batch[] = []
  #waitingBytes = 0
  #target = ZXID_ZERO
  #replica: Replica
  /** While what was loaded is older than what had been applied before: that, to be read until it has been reached again. */
  #before: Replica | null = null
  /** A read of log or snapshot is under way, or a slice is posted. */
  #busy = false
  /** Handlers are being told of a txn; what they deliver is applied behind it. */
  #applying = false
  /** Grows when what is being read is of no use any more. */
  #generation = 0
  #closed = false

  constructor(parts: ApplierParts, replica: Replica, handlers: ApplierHandlers) {
    this.#parts = parts
    this.#replica = replica
    this.#handlers = handlers
    this.#target = replica.zxidApplied
  }

  /** What may be read. It never goes back. */
  get replica(): Replica {
    return this.#before ?? this.#replica
  }

  get zxidApplied(): Zxid {
    return this.replica.zxidApplied
  }

  /** How far the stored history has been applied. Behind {@link zxidApplied} only while a repaired history is gone through again. */
  get zxidReached(): Zxid {
    return this.#replica.zxidApplied
  }

  offer(batch: Batch): void {
    const last = this.#waiting.at(-1)
    if (last !== undefined && !zxidFollows(batch.zxidFirst, zxidLastOf(last))) this.#forgetWaiting()
    this.#waiting.push(batch)
    this.#waitingBytes += batch.bytes.length
    while (this.#waitingBytes > WAITING_BYTES_MAX) this.#dropFirst()
  }

  truncate(zxid: Zxid): void {
    assert(zxid >= this.zxidReached, 'what was applied is committed and never cut off')
    const kept = this.#waiting.map(batch => batchThrough(batch, zxid)).filter(batch => batch !== null)
    this.#forgetWaiting()
    for (const batch of kept) this.offer(batch)
  }

  /** Everything up to `through` is committed and durable. */
  deliver(through: Zxid): void {
    if (through > this.#target) this.#target = through
    this.#run()
  }

  /** What was logged and is not applied may not be in the log at all: from here on it is read from there. */
  distrust(): void {
    this.#forgetWaiting()
  }

  /** Log and snapshots have been replaced. What is delivered from here on is of the new history. */
  reload(): void {
    this.#generation++
    this.#busy = true
    this.#target = ZXID_ZERO
    this.#forgetWaiting()
    const generation = this.#generation
    loadReplica(this.#parts.storage, this.#parts.runtime).then(
      replica => this.#resume(generation, () => this.#onReloaded(replica)),
      (error: unknown) => this.#resume(generation, () => this.#handlers.onFailed(error))
    )
  }

  close(): void {
    this.#closed = true
    this.#generation++
    this.#forgetWaiting()
  }

  #onReloaded(replica: Replica): void {
    const before = this.replica
    this.#replica = replica
    if (this.#target < replica.zxidApplied) this.#target = replica.zxidApplied
    this.#before = before
    this.#settleBefore()
    this.#run()
  }

  /** Nothing is told of txns that were told of before: at the same zxid the two are the same. */
  #settleBefore(): void {
    const before = this.#before
    const after = this.#replica
    if (before === null || after.zxidApplied < before.zxidApplied) return
    this.#before = null
    if (after.zxidApplied > before.zxidApplied) return this.#handlers.onReset(before, after)
    assert(after.digest === before.digest, 'what was applied twice is the same')
  }

  #run(): void {
    if (this.#busy || this.#applying || this.#closed) return
    this.#applying = true
    try {
      this.#applySlice()
    } catch (error) {
      this.#handlers.onFailed(error)
    } finally {
      this.#applying = false
    }
  }

  #applySlice(): void {
    const { id, runtime } = this.#parts
    const { clock, scheduler } = runtime
    const deadline = clock.monotonic() + LIMITS.sliceMilliseconds
    const generation = this.#generation
    let sinceLook = 0
    while (this.zxidReached < this.#target) {
      const batch = this.#next()
      if (batch === null) return this.#readLog()
      let zxid = batch.zxidFirst
      const cursor = new TxnCursor(batch)
      while (cursor.next()) {
        const { start, end } = cursor
        const applied = this.#replica.apply(batch.bytes, zxid, id, start, end)
        zxid = (zxid + 1) as Zxid
        if (this.#before === null) this.#handlers.onApplied(applied)
        else this.#settleBefore()
        // A listener may have closed the member.
        if (this.#generation !== generation) return
        sinceLook += 1 + Math.floor((end - start) / TXN_BYTES)
        if (sinceLook < TXNS_PER_LOOK) continue
        sinceLook = 0
        if (clock.monotonic() < deadline) continue
        this.#busy = true
        return scheduler.post(() => this.#resume(generation, () => this.#run()))
      }
    }
    this.#handlers.onCaughtUp(this.zxidApplied)
  }

  /** The next txns to apply from memory, null when they have to be read. */
  #next(): Batch | null {
    const { zxidReached } = this
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      if (zxidLastOf(first) <= zxidReached) {
        this.#dropFirst()
        continue
      }
      if (first.zxidFirst > zxidReached && !zxidFollows(first.zxidFirst, zxidReached)) return null
      // The first batch of a later epoch follows only if nothing of the log lies between.
      if (epochOf(first.zxidFirst) !== epochOf(zxidReached) && this.#gapBefore(first)) return null
      const rest = present(batchAfter(first, zxidReached), 'what ends behind the last applied txn has some left')
      this.#waitingBytes -= first.bytes.length - rest.bytes.length
      this.#waiting[0] = rest
      return batchThrough(rest, this.#target)
    }
    return null
  }

  /** Whether the log holds txns between what is applied and a batch of a later epoch. */
  #gapBefore(first: Batch): boolean {
    const { log } = this.#parts.storage.state
    return log.epochEnds.some(end => {
      const zxidEnd = end.epoch * 2 ** 32 + end.counter
      return zxidEnd > this.zxidReached && end.epoch < epochOf(first.zxidFirst)
    })
  }

  #readLog(): void {
    this.#busy = true
    const generation = this.#generation
    const after = this.zxidReached
    const through = this.#target
    this.#parts.storage.readLog(after, LIMITS.batchBytesMax).then(
      batches => this.#resume(generation, () => this.#onRead(after, through, batches)),
      (error: unknown) => this.#resume(generation, () => this.#handlers.onFailed(error))
    )
  }

  #onRead(after: Zxid, through: Zxid, batches: readonly Batch[]): void {
    if (batches.length === 0) {
      this.#handlers.onFailed(new ZooKeeperError('LOG_CORRUPTED', { message: 'delivered txns are not in the log', zxid: after }))
      return
    }
    // Only what was delivered when the read began: the rest may have been cut off the log since, and another history have taken its place.
    const delivered = batches.map(batch => batchThrough(batch, through)).filter(batch => batch !== null)
    const last = present(delivered.at(-1), 'what was read begins with delivered txns')
    const behind = this.#waiting.map(batch => batchAfter(batch, zxidLastOf(last))).filter(batch => batch !== null)
    this.#forgetWaiting()
    for (const batch of delivered) this.offer(batch)
    // What was logged meanwhile is kept where it adjoins; the rest is read when its turn comes.
    if (behind[0]?.zxidFirst === zxidLastOf(last) + 1) for (const batch of behind) this.offer(batch)
    this.#run()
  }

  /** Back from the scheduler, if what was waited for is still wanted. */
  #resume(generation: number, act: () => void): void {
    this.#parts.runtime.scheduler.post(() => {
      if (this.#generation !== generation || this.#closed) return
      this.#busy = false
      act()
    })
  }

  #dropFirst(): void {
    const first = this.#waiting.shift()
    if (first !== undefined) this.#waitingBytes -= first.bytes.length
  }

  #forgetWaiting(): void {
    this.#waiting = []
    this.#waitingBytes = 0
  }
}
