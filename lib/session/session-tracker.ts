import { assert, present, type SessionId, type Ticks } from '../base/index.js'

interface Tracked {
  readonly timeout: Ticks
  /** The tick that ends it, unless it is touched before. */
  expiresAt: number
}

/**
 * The leader's view of who is alive, in buckets of one tick. A touch counts from the end of the tick that it falls into, so a session is
 * given at least its timeout and at most one tick more, as in ZooKeeper. Nothing here is replicated: a new leader gives everyone a full
 * timeout with {@link reset}.
 */
export class SessionTracker {
  readonly #tracked = new Map<SessionId, Tracked>()
  readonly #buckets = new Map<number, Set<SessionId>>()
  #now: number

  constructor(now: Ticks) {
    this.#now = now
  }

  get size(): number {
    return this.#tracked.size
  }

  /** Begins to watch a session, or gives one that is known a new timeout. */
  add(id: SessionId, timeout: Ticks, now: Ticks): void {
    assert(timeout >= 1, 'a session timeout is at least one tick')
    this.remove(id)
    const tracked = { timeout, expiresAt: this.#expiryOf(timeout, now) }
    this.#tracked.set(id, tracked)
    this.#bucketAt(tracked.expiresAt).add(id)
  }

  remove(id: SessionId): void {
    const tracked = this.#tracked.get(id)
    if (tracked === undefined) return
    this.#tracked.delete(id)
    this.#leaveBucket(id, tracked.expiresAt)
  }

  /** A sign of life. False when the session is not watched: it has expired, has been closed, or never was. */
  touch(id: SessionId, now: Ticks): boolean {
    const tracked = this.#tracked.get(id)
    if (tracked === undefined) return false
    const expiresAt = this.#expiryOf(tracked.timeout, now)
    if (expiresAt > tracked.expiresAt) {
      this.#leaveBucket(id, tracked.expiresAt)
      tracked.expiresAt = expiresAt
      this.#bucketAt(expiresAt).add(id)
    }
    return true
  }

  /**
   * Time has come to `now`. The sessions that this ends, each told once, ascending by id; they are not watched any more.
   * PERF: grows with these and with the ticks that have passed.
   */
  tick(now: Ticks): readonly SessionId[] {
    const expired: SessionId[] = []
    while (this.#now < now) {
      const bucket = this.#buckets.get(++this.#now)
      if (bucket === undefined) continue
      this.#buckets.delete(this.#now)
      for (const id of bucket) {
        this.#tracked.delete(id)
        expired.push(id)
      }
    }
    return expired.sort((a, b) => a - b)
  }

  /** Gives every session a full timeout: the leader is new, or its clock has not run for a while. */
  reset(now: Ticks): void {
    this.#now = now
    this.#buckets.clear()
    for (const [id, tracked] of this.#tracked) {
      tracked.expiresAt = this.#expiryOf(tracked.timeout, now)
      this.#bucketAt(tracked.expiresAt).add(id)
    }
  }

  /** The tick in which the touch falls is partly over: it is not counted. A late touch counts from the last tick, whose buckets are gone. */
  #expiryOf(timeout: Ticks, now: Ticks): number {
    return Math.max(now, this.#now) + timeout + 1
  }

  #bucketAt(tick: number): Set<SessionId> {
    let bucket = this.#buckets.get(tick)
    if (bucket === undefined) {
      bucket = new Set()
      this.#buckets.set(tick, bucket)
    }
    return bucket
  }

  #leaveBucket(id: SessionId, tick: number): void {
    const bucket = present(this.#buckets.get(tick), 'a watched session is in the bucket of its end')
    bucket.delete(id)
    if (bucket.size === 0) this.#buckets.delete(tick)
  }
}
