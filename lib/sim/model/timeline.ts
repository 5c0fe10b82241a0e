import { LIMITS, type SessionId, type Zxid } from '../../base/index.js'
import type { Acl, OperationResult, Stat, TreeEvent } from '../../tree/index.js'
import type { Txn } from '../../wire/index.js'
import type { CommittedTxn } from '../history.js'
import { type DigestLanes, wholeOf } from './plain-digest.js'
import { type PlainNode, plainStatOf } from './plain-node.js'
import { lastName } from './plain-path.js'
import { type PlainUsage, shownBy, shownUsage } from './plain-quota.js'
import type { PlainRules } from './plain-tree.js'
import type { NumberedCall } from './recorded-call.js'
import { Replay } from './replay.js'
import type { RequestMatching } from './request-matching.js'
import { SessionSpans, type SessionStage } from './session-spans.js'
import { lastThrough, ZnodeHistory } from './znode-history.js'

/** One txn, and what the model made of what was asked. */
export interface TimelineEntry {
  readonly zxid: Zxid
  readonly txn: Txn
  /** The call that it answers; null where none was recorded. */
  readonly call: NumberedCall | null
  readonly result: OperationResult
  readonly events: readonly TreeEvent[]
  /** Of the whole state behind it, as every member must show it: see {@link Timeline.digestAt}. */
  readonly digest: DigestLanes
}

/** A znode as a client is shown it. */
export interface TimelineNode {
  readonly data: Uint8Array | null
  readonly stat: Stat
  /** Null: open to all. */
  readonly acl: Acl | null
}

/** What leaders judge by unless their members are given other bounds: the defaults of `createEnsembleMember`. */
const RULES: PlainRules = {
  childrenMax: LIMITS.childrenMax,
  ephemeralsMax: LIMITS.sessionEphemeralsMax,
  containerUnusedMilliseconds: 300_000
}

/**
 * The canonical log, judged once more by the plain model from what was asked, so that a wrong judgement of a leader is found, and the state
 * after every txn of it. Made anew from the beginning: the log must be whole.
 * @throws Violation when a txn is not what the model would have made of its request
 */
export class Timeline {
  readonly entries: readonly TimelineEntry[]
  /** Of the last txn. */
  readonly zxidLast: Zxid
  readonly #digestEmpty: DigestLanes
  readonly #znodes = new ZnodeHistory()
  readonly #owned = new Map<number, Owned>()
  readonly #sessions: SessionSpans

  constructor(
    log: readonly CommittedTxn[],
    matching: Pick<RequestMatching, 'callsOf'> | null = null,
    rules: Partial<PlainRules> = {}
  ) {
    const replay = new Replay((path, zxid, node) => this.#onChanged(path, zxid, node), { ...RULES, ...rules })
    this.#digestEmpty = replay.digest
    this.entries = log.map(({ zxid, txn }) => replay.take(zxid, txn, matching?.callsOf(zxid) ?? []))
    this.zxidLast = log.at(-1)?.zxid ?? (0 as Zxid)
    this.#sessions = new SessionSpans(log)
  }

  /** The txn at exactly this zxid. */
  entryAt(zxid: number): TimelineEntry | null {
    const entry = this.#lastEntry(zxid)
    return entry?.zxid === zxid ? entry : null
  }

  /** What `local.digest` shows at `zxid`. */
  digestAt(zxid: number): string {
    return wholeOf(this.#lastEntry(zxid)?.digest ?? this.#digestEmpty)
  }

  nodeAt(path: string, zxid: number): TimelineNode | null {
    const node = this.#znodes.nodeAt(path, zxid)
    if (node === null) return null
    const { data, acl } = node
    const stat = plainStatOf(path, node)
    const subtree = shownBy(path)
    if (subtree === null) return { data, stat, acl }
    const shown = shownUsage(this.usageAt(subtree, zxid))
    return { data: shown, stat: { ...stat, dataLength: shown.length }, acl }
  }

  /** What the subtree at a path holds, its root included. */
  usageAt(path: string, zxid: number): PlainUsage {
    return this.#znodes.usageOf(path).at(zxid)
  }

  /** The next zxid behind `zxid` at which what {@link nodeAt} tells may change; null if nothing does any more. */
  nextChange(path: string, zxid: number): number | null {
    const subtree = shownBy(path)
    return earlier(this.#znodes.nextChange(path, zxid), subtree === null ? null : this.nextUsageChange(subtree, zxid))
  }

  /** The same of what {@link usageAt} tells. */
  nextUsageChange(path: string, zxid: number): number | null {
    return this.#znodes.usageOf(path).nextChange(zxid)
  }

  /** Names, sorted; null when the znode is not there. PERF: grows with the children that it ever had. */
  childrenAt(path: string, zxid: number): readonly string[] | null {
    if (this.#znodes.nodeAt(path, zxid) === null) return null
    return this.#znodes.childrenAt(path, zxid).map(lastName).sort()
  }

  /** Every path that there is, sorted. */
  pathsAt(zxid: number): readonly string[] {
    return [...this.#znodes.pathsAt(zxid)].sort()
  }

  /** Sorted paths of a session's ephemerals. */
  ephemeralsAt(session: SessionId, zxid: number): readonly string[] {
    const paths = this.#owned.get(session)?.paths ?? []
    return [...paths].filter(path => this.#znodes.nodeAt(path, zxid)?.owner === session).sort()
  }

  /** The next zxid behind `zxid` at which what {@link ephemeralsAt} tells may change; null if nothing does any more. */
  nextEphemeralsChange(session: SessionId, zxid: number): number | null {
    const changed = this.#owned.get(session)?.changed ?? []
    return changed[lastThrough(changed, each => each, zxid) + 1] ?? null
  }

  /** What had become of a session once everything up to `zxid` was done. */
  sessionAt(session: SessionId, zxid: number): SessionStage {
    return this.#sessions.stageAt(session, zxid)
  }

  #onChanged(path: string, zxid: number, node: PlainNode | null): void {
    const owner = node?.owner ?? 0
    const ownerBefore = this.#znodes.nodeAt(path, zxid)?.owner ?? 0
    this.#znodes.record(path, zxid, node)
    for (const session of owner === ownerBefore ? [] : [owner, ownerBefore]) {
      if (session === 0) continue
      const owned = this.#owned.get(session) ?? { paths: new Set(), changed: [] }
      owned.paths.add(path)
      if (owned.changed.at(-1) !== zxid) owned.changed.push(zxid)
      this.#owned.set(session, owned)
    }
  }

  #lastEntry(zxid: number): TimelineEntry | undefined {
    return this.entries[lastThrough(this.entries, entry => entry.zxid, zxid)]
  }
}

/** What a session ever owned, and when that has changed. */
interface Owned {
  readonly paths: Set<string>
  readonly changed: number[]
}

function earlier(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b)
}
