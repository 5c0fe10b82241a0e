import type { LIMITS } from '../../base/index.js'
import type { MemberLimits } from '../../member/index.js'
import { drawnWorkloadOptions, type WorkloadOptions } from '../clients/workload-options.js'
import { Chance } from './chance.js'
import { type CrashPoint, DESTRUCTIVE, type Fault, type FaultKind, type PartitionShape, type Target } from './faults.js'

/** Bounds of `LIMITS` that a run may make tiny, so that what happens rarely happens all the time. */
export type TinyLimits = { readonly [name in keyof typeof LIMITS]?: number }

/** Everything that a run is made of besides chance within it. It can be written down, and reduced. */
export interface Plan {
  readonly seed: number
  /** Members, 1 to 5. */
  readonly size: number
  /** How long faults and clients go on, in virtual milliseconds. */
  readonly duration: number
  readonly options: PlannedOptions
  readonly limits: TinyLimits
  /** In the end a quorum of disks is lost at once: whoever is left must wait, and nothing may be founded anew. Of three members or more. */
  readonly losesQuorum: boolean
  readonly network: PlannedNetwork
  readonly disk: PlannedDisk
  readonly millisecondsPerLook: number
  readonly clients: PlannedClients
  /** In order of time. */
  readonly faults: readonly Fault[]
}

export interface PlannedOptions {
  readonly tickTime: number
  readonly initLimit: number
  readonly syncLimit: number
  readonly sessionTimeout: number
  readonly requestTimeout: number
  readonly snapCount: number
  readonly snapRetainCount: number
  readonly outstandingRequests: number
  /** Milliseconds. What follows is left out of plans that were written down before it could be planned: then it is as without a plan. */
  readonly containerCheckInterval?: number
  readonly containerMaxNeverUsed?: number
  readonly limits?: MemberLimits
}

export interface PlannedNetwork {
  readonly latencyLeast: number
  readonly latencyMean: number
  readonly loss: number
  /** Whole frames, or bytes in segments of at most so many. */
  readonly segmentBytes: number | null
  readonly resetDelay: number
}

export interface PlannedDisk {
  readonly syncLeast: number
  readonly syncMost: number
}

export interface PlannedClients extends Omit<WorkloadOptions, 'enabled' | Further>, Partial<Pick<WorkloadOptions, Further>> {
  /** Actors that take no part: member and number, as in `2.0`. */
  readonly without: readonly string[]
}

/** What plans that were written down before it could be planned do not name. */
type Further = 'takeOverShare' | 'ttlMilliseconds'

/** What is decided beforehand instead of drawn. */
export interface PlanOptions {
  readonly size?: number
  /** Virtual milliseconds of faults and load. Default: 30,000 to 40,000. */
  readonly duration?: number
  readonly snapCount?: number
  /** Kinds of faults. */
  readonly kinds?: readonly FaultKind[]
  readonly losesQuorum?: boolean
  /** Sessions end in many txns, and leaders die meanwhile. Default: in one plan of ten. */
  readonly longEnds?: boolean
}

/** Draws the plan of a seed: which faults and features it has, and how much of each. */
export function planOf(seed: number, options: PlanOptions = {}): Plan {
  const chance = Chance.of(seed, 'plan')
  const drawnSize = chance.pick([1, 2, 3, 3, 3, 3, 3, 4, 5, 5, 5])
  const drawnDuration = chance.integer(30_000, 40_000)
  const { size = drawnSize, duration = drawnDuration } = options
  const tickTime = chance.pick([50, 100, 100, 200])
  const isTiny = chance.is(0.5)
  const further = Chance.of(seed, 'further options')
  const drawnSnapCount = chance.is(0.6) ? Math.round(chance.magnitude(4, 200)) : 100_000
  const settings = { size, duration, tickTime, kinds: options.kinds ?? null }
  const hasLongEnds = options.longEnds ?? Chance.of(seed, 'long ends').is(0.1)
  const clients = clientsOf(Chance.of(seed, 'clients'), Chance.of(seed, 'further clients'), size, duration)
  return {
    seed,
    size,
    duration,
    options: {
      tickTime,
      initLimit: chance.integer(5, 20),
      syncLimit: chance.integer(2, 6),
      sessionTimeout: chance.integer(6, 40) * tickTime,
      requestTimeout: chance.integer(10, 60) * tickTime,
      snapCount: options.snapCount ?? drawnSnapCount,
      snapRetainCount: chance.integer(1, 3),
      outstandingRequests: isTiny && chance.is(0.3) ? chance.integer(1, 4) : 1_000,
      containerCheckInterval: further.integer(1, 20) * tickTime,
      containerMaxNeverUsed: Math.round(further.magnitude(tickTime, 40 * tickTime)),
      limits: isTiny ? tinyMemberLimits(further) : {}
    },
    limits: {
      ...(isTiny ? tinyLimits(Chance.of(seed, 'limits')) : {}),
      ...(isTiny ? furtherLimits(Chance.of(seed, 'further limits')) : {}),
      ...(hasLongEnds ? { closePathsMax: 1 } : {})
    },
    losesQuorum: size > 2 && (options.losesQuorum ?? chance.is(0.05)),
    network: networkOf(Chance.of(seed, 'network'), tickTime),
    disk: diskOf(Chance.of(seed, 'disk'), tickTime),
    millisecondsPerLook: chance.is(0.3) ? chance.between(0.5, 5) : 0,
    clients: hasLongEnds ? { ...clients, weights: { ...clients.weights, manyEphemerals: 20 } } : clients,
    faults: [
      ...faultsOf(Chance.of(seed, 'faults'), settings),
      ...crashesAtTxns(Chance.of(seed, 'further faults'), settings, hasLongEnds ? 'closingSession' : null)
    ].sort((a, b) => a.at - b.at)
  }
}

function tinyLimits(chance: Chance): TinyLimits {
  const limits: { -readonly [name in keyof TinyLimits]: number } = {}
  if (chance.is(0.6)) limits.snapshotChunkBytesMax = chance.integer(64, 512)
  if (chance.is(0.5)) limits.tailBytesMax = Math.round(chance.between(0, 2_000))
  if (chance.is(0.4)) limits.recordBytesMax = chance.integer(64, 2_000)
  if (chance.is(0.3)) limits.epochTxnsMax = Math.round(chance.magnitude(5, 300))
  if (chance.is(0.4)) limits.epochEndsMax = chance.integer(1, 4)
  if (chance.is(0.4)) limits.linkQueueBytesHigh = chance.integer(64, 2_000)
  if (chance.is(0.4)) limits.batchBytesMax = chance.integer(64, 2_000)
  if (chance.is(0.3)) limits.sliceMilliseconds = 1
  return limits
}

/** Of what one txn, one tick and one event may hold. */
function furtherLimits(chance: Chance): TinyLimits {
  const limits: { -readonly [name in keyof TinyLimits]: number } = {}
  if (chance.is(0.6)) limits.closePathsMax = chance.integer(1, 5)
  if (chance.is(0.3)) limits.listedPathBytesMax = chance.integer(20, 200)
  if (chance.is(0.3)) limits.deletedMax = chance.integer(2, 8)
  if (chance.is(0.4)) limits.reapedMax = 1
  if (chance.is(0.4)) limits.reapLookedAtMax = chance.integer(1, 5)
  if (chance.is(0.4)) limits.resetPathsMax = chance.integer(0, 20)
  if (chance.is(0.4)) limits.resetZnodesMax = chance.integer(1, 100)
  return limits
}

function tinyMemberLimits(chance: Chance): MemberLimits {
  return {
    ...(chance.is(0.3) ? { children: chance.integer(6, 20) } : {}),
    ...(chance.is(0.3) ? { ephemerals: chance.integer(2, 12) } : {}),
    ...(chance.is(0.2) ? { sessions: chance.integer(2, 6) } : {}),
    ...(chance.is(0.3) ? { watches: chance.integer(2, 30) } : {})
  }
}

function networkOf(chance: Chance, tickTime: number): PlannedNetwork {
  const latencyLeast = chance.magnitude(0.05, 2)
  return {
    latencyLeast,
    latencyMean: latencyLeast + chance.magnitude(0.05, tickTime / 8),
    loss: chance.is(0.3) ? chance.magnitude(0.0005, 0.02) : 0,
    segmentBytes: chance.is(0.15) ? chance.integer(1, 64) : null,
    resetDelay: chance.is(0.5) ? chance.between(0, 5 * tickTime) : 0
  }
}

function diskOf(chance: Chance, tickTime: number): PlannedDisk {
  const syncLeast = chance.magnitude(0.1, 2)
  return { syncLeast, syncMost: syncLeast + chance.magnitude(0.1, tickTime / 4) }
}

/** Hundreds to some thousand operations in all, whatever the number of actors: a run has to be over at some time. */
function clientsOf(chance: Chance, further: Chance, size: number, duration: number): PlannedClients {
  const drawn = drawnWorkloadOptions(chance.random, further.random)
  const { enabled: _, ...workload } = drawn
  const operations = chance.magnitude(200, 3_000)
  const think = (duration * size * (drawn.sessions + 1)) / operations
  return {
    ...workload,
    thinkMilliseconds: [think / 8, (think * 15) / 8],
    operationsMax: Math.ceil((2 * operations) / (drawn.sessions + 1)),
    without: []
  }
}

/** How often each kind comes, relative to the others, in runs that have it. */
const SHARE: Readonly<Record<FaultKind, number>> = {
  crash: 1,
  crashAt: 1.5,
  crashAll: 0.3,
  rollingRestart: 0.15,
  close: 0.4,
  pause: 0.6,
  drift: 0.3,
  wallClock: 0.3,
  partition: 1,
  strand: 0.5,
  reset: 1,
  clog: 1,
  flipOnWire: 0.3,
  slowPeer: 0.4,
  slowNetwork: 0.3,
  slowDisk: 0.5,
  failWrite: 0.5,
  fullDisk: 0.3,
  failReads: 0.3,
  failOpening: 0.2,
  wipe: 0.3,
  backup: 0.2,
  rot: 0.3
}

const KINDS = Object.keys(SHARE) as FaultKind[]

interface FaultSettings {
  readonly size: number
  readonly duration: number
  readonly tickTime: number
  readonly kinds: readonly FaultKind[] | null
}

function faultsOf(chance: Chance, settings: FaultSettings): readonly Fault[] {
  const { size, duration, tickTime } = settings
  if (chance.is(0.03)) return []
  const drawn = chance.shuffled(KINDS.filter(kind => size > 1 || !isOfNetwork(kind))).slice(0, chance.integer(1, 7))
  const kinds = settings.kinds ?? drawn
  const interval = chance.magnitude(3 * tickTime, 60 * tickTime)
  const faults: Fault[] = []
  for (const kind of kinds) {
    // Not from the very start: there must be something to lose.
    for (let at = chance.exponential(interval / SHARE[kind]); at < duration; at += chance.exponential(interval / SHARE[kind]))
      if (at > 5 * tickTime || chance.is(0.3)) faults.push(faultOf(kind, Math.round(at), chance, size, tickTime))
  }
  return faults.sort((a, b) => a.at - b.at)
}

/** What a leader does seldom, so that crashes by chance would hardly ever meet it. */
const SELDOM: readonly string[] = ['closingSession', 'closingSession', 'closeSession', 'moveSession', 'deleteContainer', 'enlist']

/** A leader dies with a txn of a certain kind in its hands: of `change`, or of one that is drawn each time. */
function crashesAtTxns(chance: Chance, { duration, tickTime, kinds }: FaultSettings, change: string | null): readonly Fault[] {
  if (kinds !== null && !kinds.includes('crashAt')) return []
  if (!chance.is(0.25) && change === null) return []
  return Array.from({ length: chance.integer(1, 5) * (change === null ? 1 : 2) }, () => ({
    at: Math.round(chance.between(5 * tickTime, duration)),
    kind: 'crashAt',
    target: 'leader',
    point: { on: 'txn', change: change ?? chance.pick(SELDOM) },
    skip: chance.integer(0, 4),
    power: chance.is(0.5),
    lasts: Math.round(chance.magnitude(tickTime / 10, 60 * tickTime))
  }))
}

function isOfNetwork(kind: FaultKind): boolean {
  return (
    ['partition', 'strand', 'reset', 'clog', 'flipOnWire', 'slowPeer', 'slowNetwork'].includes(kind) || DESTRUCTIVE.includes(kind)
  )
}

const SHAPES: readonly PartitionShape[] = ['isolateOne', 'isolateLeader', 'halves', 'isolateQuorum', 'bridge', 'ring', 'oneWay']

function faultOf(kind: FaultKind, at: number, chance: Chance, size: number, tickTime: number): Fault {
  const target = targetOf(chance, size)
  const lasts = Math.round(chance.magnitude(tickTime / 10, 60 * tickTime))
  const [a = 1, b = 1] = chance.shuffled(Array.from({ length: size }, (_, index) => index + 1))
  switch (kind) {
    case 'crash':
      return { at, kind, target, power: chance.is(0.5), silent: chance.is(0.3), lasts }
    case 'crashAt':
      return {
        at,
        kind,
        target,
        point: pointOf(chance),
        skip: chance.is(0.5) ? 0 : chance.integer(0, 20),
        power: chance.is(0.5),
        lasts
      }
    case 'crashAll':
      return { at, kind, power: chance.is(0.7), lasts, stagger: chance.is(0.5) ? 0 : chance.integer(0, 20 * tickTime) }
    case 'rollingRestart':
      return { at, kind, gap: chance.integer(1, 20) * tickTime, orderly: chance.is(0.5) }
    case 'close':
    case 'fullDisk':
    case 'wipe':
    case 'backup':
      return { at, kind, target, lasts }
    case 'pause':
      return { at, kind, target, lasts: Math.round(chance.magnitude(tickTime / 10, 100 * tickTime)) }
    case 'drift':
      return { at, kind, target, rate: chance.pick([0.5, 0.8, 0.95, 1.05, 1.25, 2]), lasts: 4 * lasts }
    case 'wallClock':
      return { at, kind, target, offset: Math.round(chance.between(-1, 1) * 365 * 24 * 3_600_000) }
    case 'partition':
      return { at, kind, shape: chance.pick(SHAPES), target, silent: chance.is(0.6), lasts }
    case 'strand':
    case 'reset':
      return { at, kind, a, b }
    case 'clog':
      return { at, kind, from: a, to: b, lasts }
    case 'flipOnWire':
      return { at, kind, from: a, to: b }
    case 'slowPeer':
      return { at, kind, target, bytesPerMs: chance.magnitude(0.5, 50), lasts }
    case 'slowNetwork':
      return { at, kind, factor: chance.magnitude(2, 50), lasts }
    case 'slowDisk':
      return { at, kind, target, ms: chance.magnitude(tickTime / 2, 20 * tickTime), lasts }
    case 'failWrite':
      return { at, kind, target, how: chance.pick(['clean', 'landed', 'poison', 'hang']) }
    case 'failReads':
      return { at, kind, target, lasts }
    case 'failOpening':
      return { at, kind, target, how: chance.pick(['io', 'locked']) }
    case 'rot':
      return { at, kind, target, how: chance.pick(['bit', 'missing', 'stale', 'misdirected', 'hole', 'tail']), lasts }
  }
}

function targetOf(chance: Chance, size: number): Target {
  if (chance.is(0.3)) return 'leader'
  return chance.is(0.3) ? 'follower' : chance.integer(1, size)
}

const MESSAGES: readonly string[] = [
  'notification',
  'followerInfo',
  'leaderInfo',
  'ackEpoch',
  'truncate',
  'replace',
  'snapshotChunk',
  'history',
  'newLeader',
  'ackNewLeader',
  'upToDate',
  'admit',
  'admitted',
  'proposal',
  'proposal',
  'ack',
  'ack',
  'commit',
  'commit',
  'abdicate',
  'requests',
  'readIndexReply'
]

const CHANGES: readonly string[] = [
  'append',
  'append',
  'truncate',
  'acceptEpoch',
  'adoptEpoch',
  'admit',
  'beginReplacement',
  'stageChunk',
  'abandonReplacement'
]

function pointOf(chance: Chance): CrashPoint {
  switch (chance.integer(0, 4)) {
    case 0:
      return { on: 'sent', message: chance.pick(MESSAGES) }
    case 1:
      return { on: 'received', message: chance.pick(MESSAGES) }
    case 2:
      return { on: 'write', change: chance.pick(CHANGES) }
    case 3:
      return { on: 'written', change: chance.pick(CHANGES) }
    default:
      return { on: 'disk', within: chance.magnitude(0.01, 3) }
  }
}
