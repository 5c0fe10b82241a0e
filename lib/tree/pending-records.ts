import { LIMITS, NO_SESSION, Queue, type SessionId, ZXID_ZERO, type Zxid } from '../base/index.js'
import type { DataTree } from './data-tree.js'
import { pathBytes } from './path.js'
import { PendingNode } from './pending-node.js'
import { type PendingQuota, PendingQuotas } from './pending-quotas.js'
import type { QuotaLimits, QuotaUsage } from './quota.js'

/** Records that are kept although nothing is outstanding for them. */
const SETTLED_MAX = 1_024

/** What the operation under way has replaced. */
type Replaced =
  | { readonly kind: 'node'; readonly before: PendingNode | undefined; readonly after: PendingNode }
  | { readonly kind: 'quota'; readonly path: string; readonly before: PendingQuota | undefined }

/**
 * What will be different from the committed tree once the outstanding txns are applied, and what follows from it: who owns which ephemerals, and
 * how much of each quota is used. Knows no rule of what may be done; {@link PendingTree} does.
 *
 * Invariant: a path has a record here while a txn that touches it is outstanding, and the record tells of the last one. A record that is kept
 * longer is as the committed tree is.
 */
export class PendingRecords {
  readonly #committed: DataTree
  readonly #records = new Map<string, PendingNode>()
  /** What {@link forget} has to look at: every record that an outstanding txn has made, in the order of the txns. */
  readonly #outstanding = new Queue<PendingNode>()
  #zxidApplied = ZXID_ZERO
  /** Records up to there: those that the committed tree has come up with. */
  #settled = 0
  /** By owner: the ephemerals among the records that will exist. */
  readonly #ephemerals = new Map<SessionId, Set<string>>()
  /** By owner, once it has been asked for: how many ephemerals it will have. */
  readonly #ephemeralCounts = new Map<SessionId, number>()
  readonly #quotas = new PendingQuotas()
  readonly #replaced: Replaced[] = []

  constructor(committed: DataTree) {
    this.#committed = committed
    for (const [path, limits] of committed.quotas()) this.#quotas.set(path, { limits, usage: committed.usageOf(path) })
  }

  /** Znodes with outstanding changes. */
  get count(): number {
    return this.#records.size - this.#settled
  }

  find(path: string): PendingNode | null {
    const record = this.#records.get(path)
    if (record !== undefined) return record.exists ? record : null
    const counters = this.#committed.countersOf(path)
    return counters === null ? null : PendingNode.of(path, counters)
  }

  /** `before` is what {@link find} has told of the path. */
  replace(before: PendingNode | null, after: PendingNode): void {
    const { path } = after
    // PERF: what is as committed has no record, and need not be looked for.
    const record = before === null ? this.#records.get(path) : before.zxid === ZXID_ZERO ? undefined : before
    if (record !== undefined) {
      record.isReplaced = true
      if (record.zxid <= this.#zxidApplied) this.#settled--
    }
    this.#replaced.push({ kind: 'node', before: record, after })
    this.#account(path, before, after)
    this.#put(path, record, after)
  }

  /** What the operation under way has replaced belongs to a txn. */
  settle(): void {
    for (const replaced of this.#replaced) if (replaced.kind === 'node') this.#outstanding.push(replaced.after)
    this.#replaced.length = 0
  }

  /**
   * Nothing of the operation under way is done. Newest first, or a path that was touched twice would keep its first change (ZOOKEEPER-1624: the
   * parent's record comes back as well).
   */
  takeBack(): void {
    for (const replaced of this.#replaced.reverse()) {
      if (replaced.kind === 'quota') {
        this.#quotas.set(replaced.path, replaced.before)
        continue
      }
      const { before, after } = replaced
      const { path } = after
      if (before !== undefined) {
        before.isReplaced = false
        if (before.zxid <= this.#zxidApplied) this.#settled++
      }
      this.#put(path, after, before)
      this.#account(path, after, this.find(path))
    }
    this.#replaced.length = 0
  }

  /**
   * The committed tree has come to `zxidApplied`: what was outstanding up to there can be read from it.
   *
   * PERF: and from the records as well, until there are too many: what has been written is often written again, and a record in its place is
   * found and replaced in a third of the time that one needs to be made, put there and taken out.
   */
  forget(zxidApplied: Zxid): void {
    this.#zxidApplied = zxidApplied
    for (let { first } = this.#outstanding; first !== undefined && first.zxid <= zxidApplied; { first } = this.#outstanding) {
      this.#outstanding.shift()
      if (first.isReplaced) continue
      if (first.exists) this.#settled++
      else this.#put(first.path, first, undefined)
    }
    if (this.#settled > Math.max(SETTLED_MAX, this.#records.size / 2)) this.#dropSettled()
  }

  /** In no particular order. */
  ephemeralsOf(session: SessionId): string[] {
    const paths: string[] = [...(this.#ephemerals.get(session) ?? [])]
    for (const path of this.#committed.eachEphemeralOf(session)) if (!this.#records.has(path)) paths.push(path)
    return paths
  }

  ephemeralCountOf(session: SessionId): number {
    let count = this.#ephemeralCounts.get(session)
    if (count === undefined) {
      count = this.ephemeralsOf(session).length
      this.#ephemeralCounts.set(session, count)
    }
    return count
  }

  /** A session is over: nothing is kept for it. */
  forgetSession(session: SessionId): void {
    this.#ephemeralCounts.delete(session)
  }

  /**
   * The znode at `path` and all below it, each before the one that it lies below; null if these are more than `countMax`, or more than one txn
   * can list.
   * PERF: grows with these, and with everything that is outstanding.
   */
  subtree(path: string, countMax: number): readonly string[] | null {
    const prefix = path === '/' ? '/' : `${path}/`
    const found = new Set<string>([path])
    for (const [below, record] of this.#records) if (record.exists && below.startsWith(prefix)) found.add(below)
    // What is deleted and not applied yet is still to be gone through: what was created below it again has a record of its own.
    const limit = countMax + this.#records.size + 1
    const walk = (at: string): boolean => {
      for (const name of this.#committed.getChildren(at, { limit })?.children ?? []) {
        const child = at === '/' ? `/${name}` : `${at}/${name}`
        if (this.#records.get(child)?.exists !== false) found.add(child)
        if (found.size > countMax || !walk(child)) return false
      }
      return true
    }
    if (!walk(path) || found.size > countMax) return null
    const paths = [...found].sort((a, b) => (a < b ? 1 : -1))
    return paths.reduce((bytes, each) => bytes + pathBytes(each), 0) > LIMITS.listedPathBytesMax ? null : paths
  }

  quotaExceededBy(path: string, count: number, bytes: number): string | null {
    return this.#quotas.exceededBy(path, count, bytes)
  }

  /** The subtree at `path` has these limits from here on; none when null. */
  setQuota(path: string, limits: QuotaLimits | null): void {
    const before = this.#quotas.get(path)
    this.#replaced.push({ kind: 'quota', path, before })
    this.#quotas.set(path, limits === null ? undefined : { limits, usage: before?.usage ?? this.#usageOf(path) })
  }

  #usageOf(path: string): QuotaUsage {
    let { count, bytes } = this.#committed.usageOf(path)
    const prefix = path === '/' ? '/' : `${path}/`
    for (const [at, record] of this.#records) {
      if (at !== path && !at.startsWith(prefix)) continue
      const committed = this.#committed.countersOf(at)
      count += (record.exists ? 1 : 0) - (committed === null ? 0 : 1)
      bytes += (record.exists ? record.dataLength : 0) - (committed?.dataLength ?? 0)
    }
    return { count, bytes }
  }

  #dropSettled(): void {
    for (const record of this.#records.values()) {
      if (record.zxid <= this.#zxidApplied) this.#put(record.path, record, undefined)
    }
    this.#settled = 0
  }

  #account(path: string, before: PendingNode | null, after: PendingNode | null): void {
    const [was, is] = [before?.exists === true ? before : null, after?.exists === true ? after : null]
    this.#quotas.count(path, (is === null ? 0 : 1) - (was === null ? 0 : 1), (is?.dataLength ?? 0) - (was?.dataLength ?? 0))
    if (was?.owner === is?.owner) return
    this.#countEphemeral(was, -1)
    this.#countEphemeral(is, 1)
  }

  #countEphemeral(node: PendingNode | null, sign: 1 | -1): void {
    if (node === null || node.owner === NO_SESSION) return
    const count = this.#ephemeralCounts.get(node.owner)
    if (count !== undefined) this.#ephemeralCounts.set(node.owner, count + sign)
  }

  #put(path: string, before: PendingNode | undefined, record: PendingNode | undefined): void {
    if (before?.exists && before.owner !== NO_SESSION) {
      const paths = this.#ephemerals.get(before.owner)
      paths?.delete(path)
      if (paths?.size === 0) this.#ephemerals.delete(before.owner)
    }
    if (record === undefined) {
      this.#records.delete(path)
      return
    }
    this.#records.set(path, record)
    if (!record.exists || record.owner === NO_SESSION) return
    const paths = this.#ephemerals.get(record.owner)
    if (paths === undefined) this.#ephemerals.set(record.owner, new Set([path]))
    else paths.add(path)
  }
}
