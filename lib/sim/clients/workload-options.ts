import { type Random, randomInt } from '../../base/index.js'

/** What an actor may do next with plain znodes and their watches. */
export const PLAIN_KINDS = [
  'create',
  'createEphemeral',
  'createSequential',
  'delete',
  'setData',
  'setDataVersioned',
  'multi',
  'exists',
  'getData',
  'getChildren',
  'getEphemerals',
  'sync',
  'watch',
  'unwatch',
  'burst',
  'pipeline'
] as const

/** And with all else that a znode or a session can be. */
const FURTHER_KINDS = [
  'createParents',
  'createIfAbsent',
  'deleteSubtree',
  'container',
  'ttl',
  'touch',
  'manyEphemerals',
  'addAuth',
  'guarded',
  'setACL',
  'getACL',
  'setQuota',
  'fill',
  'countBelow',
  'getPage',
  'multiRead',
  'transaction',
  'chroot',
  'removeWatches',
  'shareSession',
  'terminate'
] as const

/** What an actor may do next. */
export const WORKLOAD_KINDS = [...PLAIN_KINDS, ...FURTHER_KINDS] as const

export type WorkloadKind = (typeof WORKLOAD_KINDS)[number]

/** A kind that is left out is never drawn: a plan that was written down before there was such a kind knows nothing of it. */
export type WorkloadWeights = { readonly [Kind in WorkloadKind]?: number }

type Range = readonly [least: number, most: number]

export interface WorkloadOptions {
  readonly seed: number
  /** Actors with a session of their own in each process, 0 to about 8. One more uses the session that the member has. */
  readonly sessions: number
  /** Znodes that everybody writes to, 1 to about 16: the fewer, the more they get in each other's way. */
  readonly registers: number
  /** Depth of the tree in which two names are created and deleted at every level, 1 to 5. */
  readonly depth: number
  /** Virtual milliseconds between two operations of an actor, 0 to some seconds. */
  readonly thinkMilliseconds: Range
  /** Writes that leave in one turn when it is a burst, 1 to some hundred. */
  readonly burst: Range
  /** How often each kind of operation is drawn, against the sum; 0 for never. */
  readonly weights: WorkloadWeights
  /** Of reads, the share that is linearizable. */
  readonly linearizableShare: number
  /** Of reads, the share that sets a one-shot watch. */
  readonly watchShare: number
  /** Of watch events, the share that is answered by a read from within the listener. */
  readonly reactionShare: number
  /** Of calls, the share that is aborted: beforehand, at once or a little later. */
  readonly abortShare: number
  /** Of calls, the share that has a timeout of its own. */
  readonly timeoutShare: number
  /** How soon calls time out or are aborted; short times are more frequent. Above 0. */
  readonly timeoutMilliseconds: Range
  /** What sessions are opened with; the ensemble has bounds of its own. */
  readonly sessionTimeoutMilliseconds: Range
  /** Operations after which an actor closes its session and opens another one. */
  readonly sessionOperations: Range
  /** Length of a value at least; one says who wrote it, and takes a few bytes for that. */
  readonly valueBytes: Range
  /** Calls of one actor without an answer, 1 to some hundred. At the bound it waits. */
  readonly outstandingMax: number
  /** One-shot watches and persistent ones of one session, each. */
  readonly watchesMax: number
  /** Of sessions that an actor needs, the share that it takes over from another, if it finds one whose password has been shared. */
  readonly takeOverShare: number
  /** Of TTL znodes. */
  readonly ttlMilliseconds: Range
  /** Operations of one actor, after which it is done. */
  readonly operationsMax: number
  /** Whether an actor does its operation of that number, from 0. What is left out shifts nothing else. */
  readonly enabled: (actor: string, operation: number) => boolean
}

export const DEFAULT_WORKLOAD_OPTIONS: WorkloadOptions = {
  seed: 1,
  sessions: 2,
  registers: 4,
  depth: 3,
  thinkMilliseconds: [1, 100],
  burst: [4, 16],
  weights: {
    create: 14,
    createEphemeral: 8,
    createSequential: 8,
    delete: 8,
    setData: 14,
    setDataVersioned: 12,
    multi: 9,
    exists: 6,
    getData: 12,
    getChildren: 7,
    getEphemerals: 2,
    sync: 3,
    watch: 3,
    unwatch: 2,
    burst: 2,
    pipeline: 5,
    createParents: 3,
    createIfAbsent: 3,
    deleteSubtree: 3,
    container: 8,
    ttl: 8,
    touch: 4,
    manyEphemerals: 3,
    addAuth: 3,
    guarded: 8,
    setACL: 3,
    getACL: 2,
    setQuota: 3,
    fill: 7,
    countBelow: 2,
    getPage: 3,
    multiRead: 3,
    transaction: 3,
    chroot: 3,
    removeWatches: 2,
    shareSession: 4,
    terminate: 1
  },
  linearizableShare: 0.25,
  watchShare: 0.3,
  reactionShare: 0.2,
  abortShare: 0.03,
  timeoutShare: 0.05,
  timeoutMilliseconds: [1, 100],
  sessionTimeoutMilliseconds: [200, 6_000],
  sessionOperations: [20, 200],
  valueBytes: [0, 24],
  outstandingMax: 24,
  watchesMax: 8,
  takeOverShare: 0.3,
  ttlMilliseconds: [20, 2_000],
  operationsMax: Number.POSITIVE_INFINITY,
  enabled: () => true
}

/**
 * One of very different workloads: few or many sessions, patient or hurried, with kinds of operations left out altogether. What came to it later
 * is drawn from `further`, so that all else of a seed stays as it was.
 */
export function drawnWorkloadOptions(random: Random, further: Random): WorkloadOptions {
  const sessions = randomInt(random, 5)
  // Of all actors of a process together, operations a second: what a run costs must not depend on how many share the work.
  const think = ((sessions + 1) * 1_000) / (4 * 2 ** (random.float() * 5))
  const burst = 2 + randomInt(random, 30)
  const shareOf = (most: number) => (random.float() < 0.3 ? 0 : random.float() * most)
  const weights: { -readonly [Kind in WorkloadKind]?: number } = { ...DEFAULT_WORKLOAD_OPTIONS.weights }
  const draw = (kind: WorkloadKind, dice: number) => {
    const weight = weights[kind] ?? 0
    // Without creates there would be nothing to work on.
    if (dice < 0.12 && kind !== 'create') weights[kind] = 0
    else if (dice > 0.88 && kind !== 'burst') weights[kind] = weight * 4
  }
  for (const kind of PLAIN_KINDS) draw(kind, random.float())
  for (const kind of FURTHER_KINDS) draw(kind, further.float())
  return {
    ...DEFAULT_WORKLOAD_OPTIONS,
    seed: randomInt(random, 2 ** 32),
    sessions,
    registers: 1 + randomInt(random, 6),
    depth: 1 + randomInt(random, 4),
    thinkMilliseconds: [0, think * 2],
    burst: [1 + randomInt(random, burst), burst],
    weights,
    linearizableShare: shareOf(1),
    watchShare: shareOf(0.8),
    reactionShare: shareOf(0.6),
    abortShare: shareOf(0.1),
    timeoutShare: shareOf(0.1),
    timeoutMilliseconds: [1, 1 + randomInt(random, 200)],
    sessionTimeoutMilliseconds: [200, 200 + randomInt(random, 6_000)],
    sessionOperations: [5, 10 + randomInt(random, 400)],
    valueBytes: [0, random.float() < 0.15 ? 4_096 : randomInt(random, 64)],
    outstandingMax: 1 + randomInt(random, random.float() < 0.3 ? 2 : 40),
    watchesMax: 1 + randomInt(random, 12),
    takeOverShare: further.float() < 0.4 ? 0 : further.float() * 0.8,
    ttlMilliseconds: [10, 20 + randomInt(further, 4_000)]
  }
}

export function within(random: Random, [least, most]: Range): number {
  return least + random.float() * (most - least)
}

/** Above 0, and sooner rather than later: each doubling is as likely as the next. */
export function soonWithin(random: Random, [least, most]: Range): number {
  return least * (most / least) ** random.float()
}

export function integerWithin(random: Random, [least, most]: Range): number {
  return least + randomInt(random, most - least + 1)
}
