import { LIMITS } from '../../lib/base/index.js'
import { type AclEntry, pathBytes, pathProblem, VERSION_ANY } from '../../lib/tree/index.js'
import type { Difference } from './comparison.js'
import type { Step, WriteOp } from './step.js'

/** What we do differently on purpose, or ZooKeeper 3.9, which we follow, differently from the 3.8.0 that is asked here. */
export interface KnownDifference {
  readonly operation: string
  readonly zookeeper: string
  readonly ours: string
  readonly reason: string
  /** From there on the two are not in the same state any more: the rest of the sequence is not compared. */
  parts(difference: Difference): boolean
  /** Whether a difference is this one and nothing else. */
  explains(difference: Difference): boolean
}

const always = () => true
const never = () => false

const OK = 0
const CONNECTION_LOSS = -4
const MARSHALLING_ERROR = -5
const BAD_ARGUMENTS = -8
const NO_NODE = -101
const NO_AUTH = -102
const INVALID_ACL = -114
const AUTH_FAILED = -115
const QUOTA_EXCEEDED = -125

const RESERVED = '/zookeeper'
const CONFIG = '/zookeeper/config'
const QUOTA = '/zookeeper/quota'
const JUTE_MAX_BUFFER = 0xfffff

/** Every difference that is excused, each for exactly one reason. Whatever else differs is an error. */
export const KNOWN: readonly KnownDifference[] = [
  {
    operation: 'reads of /zookeeper',
    zookeeper: 'there is /zookeeper/config',
    ours: 'there is none',
    reason: 'the ensemble is given by the application and never reconfigured by a client',
    parts: never,
    explains: ({ step, field, zookeeper, ours }) => {
      const path = pathOf(step)
      if (path === CONFIG) return true
      if (step.kind === 'getAllChildrenNumber') return isAt(path, '/', RESERVED) && zookeeper === Number(ours) + 1
      if (path !== RESERVED) return false
      if (field === 'given.children') return same(without(zookeeper, 'config'), ours)
      if (field === 'given.stat.numChildren') return zookeeper === Number(ours) + 1
      return field === 'given.stat.cversion' && zookeeper === Number(ours) - 1
    }
  },
  {
    operation: 'create, delete and setData at /zookeeper and below, but for the quotas',
    zookeeper: 'judged like any other path; the znodes of its own cannot be deleted',
    ours: 'BAD_ARGUMENTS',
    reason: 'reserved: nothing there is a caller’s',
    parts: always,
    explains: ({ step, field, outcomes }) => {
      const path = pathOf(step)
      const isReserved = path === RESERVED || path === QUOTA || (path.startsWith(`${RESERVED}/`) && !path.startsWith(`${QUOTA}/`))
      return isReserved && isWrite(step) && field === 'code' && outcomes.ours.code === BAD_ARGUMENTS
    }
  },
  {
    operation: 'multi',
    zookeeper: 'its Java client tells the path of what was created, and no Stat',
    ours: 'path and Stat',
    reason: 'as ZooKeeper’s create2; one shape for create inside and outside',
    parts: never,
    explains: ({ step, field, zookeeper }) =>
      step.kind === 'multi' && /^given\.results\.\d+\.stat$/.test(field) && zookeeper === undefined
  },
  {
    operation: 'exists',
    zookeeper: 'needs no permission; since 3.8.4 and 3.9.2 READ, as ours (ZOOKEEPER-2590)',
    ours: 'NO_AUTH without READ, and no watch',
    reason: 'we follow 3.9',
    parts: ({ step }) => 'watcher' in step && step.watcher !== null,
    explains: ({ step, outcomes }) => step.kind === 'exists' && outcomes.zookeeper.code === OK && outcomes.ours.code === NO_AUTH
  },
  {
    operation: 'getEphemerals',
    zookeeper: 'its Java client takes a path only',
    ours: 'any text',
    reason: 'a prefix is compared as text, by ZooKeeper’s server too',
    parts: never,
    explains: ({ step, outcomes }) =>
      step.kind === 'getEphemerals' &&
      pathProblem(step.prefix) !== null &&
      outcomes.zookeeper.code === BAD_ARGUMENTS &&
      outcomes.ours.code === OK
  },
  {
    operation: 'whoAmI, and ACLs of the scheme ip',
    zookeeper: 'every connection has the identity of its address',
    ours: 'a session in a process has none',
    reason: 'there is no connection',
    parts: never,
    explains: ({ step, field, zookeeper, ours, outcomes, before }) =>
      step.kind === 'whoAmI'
        ? field === 'given.auth' && same(withoutScheme(zookeeper, 'ip'), ours)
        : before.some(each => aclOf(each).some(({ scheme }) => scheme === 'ip')) &&
          outcomes.zookeeper.code === OK &&
          outcomes.ours.code === NO_AUTH
  },
  {
    operation: 'create and setACL',
    zookeeper: 'perms of any 32 bits are kept as they are',
    ours: 'INVALID_ACL unless they are a sum of the five permissions',
    reason: 'bits that mean nothing are a mistake of the caller',
    parts: always,
    explains: ({ step, outcomes }) =>
      outcomes.ours.code === INVALID_ACL &&
      aclOf(step).some(({ perms }) => perms < 0 || perms > 31) &&
      outcomes.zookeeper.code === OK
  },
  {
    operation: 'create and setACL',
    zookeeper: 'digest ids of the form anything:anything',
    ours: 'INVALID_ACL without a user, and unless what follows the colon is as long as a hash',
    reason: 'mostly a password in clear text, that nobody could ever match',
    parts: always,
    explains: ({ step, outcomes }) =>
      outcomes.ours.code === INVALID_ACL &&
      outcomes.zookeeper.code === OK &&
      aclOf(step).some(({ scheme, id }) => scheme === 'digest' && !/^[^:]+:[^:]{28}$/.test(id))
  },
  {
    operation: 'create and setACL',
    zookeeper: 'IPv4 only. 3.9.4: IPv6 as well, as ours',
    ours: 'IPv4 and IPv6',
    reason: 'we follow 3.9',
    parts: always,
    explains: ({ step, outcomes }) =>
      outcomes.ours.code === OK &&
      outcomes.zookeeper.code === INVALID_ACL &&
      aclOf(step).some(({ scheme, id }) => scheme === 'ip' && id.includes(':'))
  },
  {
    operation: 'multi',
    zookeeper:
      'INVALID_ACL and BAD_ARGUMENTS are one operation’s refusal among others, each in its turn, with a code for each operation',
    ours: 'INVALID_ACL or BAD_ARGUMENTS, whatever the operations before it would have met, and no results',
    reason: 'a mistake of the caller, told before anything is sent',
    parts: never,
    explains: ({ step, field, outcomes, zookeeper }) =>
      step.kind === 'multi' &&
      isAt(outcomes.ours.code, INVALID_ACL, BAD_ARGUMENTS) &&
      outcomes.zookeeper.code !== OK &&
      (field === 'code' || (field === 'given.results' && Array.isArray(zookeeper)))
  },
  {
    operation: 'delete, setData, setACL, check',
    zookeeper: 'a version below -1 is one that no znode has: BAD_VERSION, behind NO_NODE and NO_AUTH',
    ours: 'BAD_ARGUMENTS',
    reason: 'a mistake of the caller; only -1 stands for any',
    parts: never,
    explains: ({ step, field, outcomes }) =>
      'version' in step &&
      step.version < VERSION_ANY &&
      field === 'code' &&
      outcomes.ours.code === BAD_ARGUMENTS &&
      outcomes.zookeeper.code !== OK
  },
  {
    operation: 'addAuth',
    zookeeper: 'digest takes any text for a credential',
    ours: 'AUTH_FAILED unless it is user:password with a user',
    reason: 'a credential without a user or a colon is a mistake, told as one',
    parts: always,
    explains: ({ step, field, outcomes }) =>
      step.kind === 'addAuth' && field === 'code' && outcomes.ours.code === AUTH_FAILED && !/^[^:]+:/.test(step.credential)
  },
  {
    operation: 'watches',
    zookeeper:
      '3.8: a session has one kind of watch on a path; the one that was set last takes the place of the others. 3.9: all of them, as ours (ZOOKEEPER-4466)',
    ours: 'one-shot, persistent and recursive ones on one path, independent of each other',
    reason: 'we follow 3.9',
    parts: always,
    explains: ({ field, before }) => watcherOf(field) !== null && hasKindsOnOnePath(before, sessionOf(field))
  },
  {
    operation: 'watches',
    zookeeper:
      '3.8: a recursive watch also hears NodeChildrenChanged, where another watch of the session makes the server send it. 3.9: never, as ours (ZOOKEEPER-4475)',
    ours: 'a recursive watch never hears childrenChanged',
    reason: 'we follow 3.9',
    parts: never,
    explains: ({ field, zookeeper, ours, before }) =>
      watcherOf(field) !== null &&
      kindsOf(before, sessionOf(field)).size > 1 &&
      same(
        textsOf(zookeeper).filter(text => !text.startsWith('NodeChildrenChanged')),
        textsOf(ours)
      )
  },
  {
    operation: 'close',
    zookeeper: 'the session’s ephemerals are deleted, and told of, in the order of a hash table',
    ours: 'in the order of their paths',
    reason: 'equal on all members; one txn either way',
    parts: never,
    explains: ({ step, field, zookeeper, ours }) =>
      step.kind === 'close' && watcherOf(field) !== null && same([...textsOf(zookeeper)].sort(), [...textsOf(ours)].sort())
  },
  {
    operation: 'removeWatches Data and Children',
    zookeeper: '3.8: also removes a persistent watch at the server, and leaves its watcher in the client. 3.9: not, as ours',
    ours: 'of the kind that is named',
    reason: 'we follow 3.9',
    parts: always,
    explains: ({ field, zookeeper, before }) => {
      const session = sessionOf(field)
      const isRemoved = before.some(each => each.session === session && each.kind === 'removeAllWatches' && each.type !== 'Any')
      return watcherOf(field) !== null && zookeeper === undefined && isRemoved && kindsOf(before, session).has('persistent')
    }
  },
  {
    operation: 'multi below a hard quota',
    zookeeper: 'each operation is held against what was used before the multi, and before all that is in flight',
    ours: 'against what the operations before it have made of it',
    reason: 'no number of writes in flight gets past a hard limit, and what makes room may use it',
    parts: always,
    explains: ({ step, outcomes }) =>
      step.kind === 'multi' && (outcomes.zookeeper.code === QUOTA_EXCEEDED) !== (outcomes.ours.code === QUOTA_EXCEEDED)
  },
  {
    operation: 'setData of the limits of a quota',
    zookeeper: 'any data are taken; every create and setData below the quota then fails with MARSHALLING_ERROR',
    ours: 'BAD_ARGUMENTS for what are no limits; no data set none',
    reason: 'a mistake is told to the one who makes it',
    parts: always,
    explains: ({ step, outcomes }) =>
      (pathOf(step).endsWith('/zookeeper_limits') && outcomes.zookeeper.code === OK && outcomes.ours.code === BAD_ARGUMENTS) ||
      (outcomes.zookeeper.code === MARSHALLING_ERROR && outcomes.ours.code === OK)
  },
  {
    operation: 'a quota below a quota',
    zookeeper: 'the nearest one counts and limits, and it alone',
    ours: 'every one at or above the znode',
    reason: 'a hard limit of a subtree holds for all that is in it',
    parts: always,
    explains: ({ step, outcomes, before }) =>
      step.kind === 'create' &&
      outcomes.zookeeper.code === OK &&
      outcomes.ours.code === QUOTA_EXCEEDED &&
      before.filter(each => pathOf(each).endsWith('/zookeeper_limits')).length > 1
  },
  {
    operation: 'getData of the usage of a quota',
    zookeeper: 'a znode that callers may overwrite; counted on from what is there',
    ours: 'what the subtree holds, whatever was written',
    reason: 'it cannot be wrong',
    parts: always,
    explains: ({ step, field, before }) =>
      pathOf(step).endsWith('/zookeeper_stats') &&
      /^given\.(data|stat\.dataLength)$/.test(field) &&
      before.some(each => each.kind === 'setData' && each.path === pathOf(step))
  },
  {
    operation: 'requests of more than jute.maxbuffer, 1 048 575 bytes',
    zookeeper: 'the connection is closed: CONNECTION_LOSS',
    ours: 'bounded by maxDataLength (1 048 576 by default) and 4 MiB for a request; more is BAD_ARGUMENTS',
    reason: 'a caller’s mistake is told as one, before anything is sent',
    parts: always,
    explains: ({ step, outcomes }) => outcomes.zookeeper.code === CONNECTION_LOSS && JSON.stringify(step).length > JUTE_MAX_BUFFER
  },
  {
    operation: 'paths',
    zookeeper: 'of any length and depth',
    ours: `BAD_ARGUMENTS above ${LIMITS.pathBytesMax} bytes or ${LIMITS.pathDepthMax} names`,
    reason: 'every txn stays readable, every way up the tree short',
    parts: always,
    explains: ({ step, outcomes }) => {
      const path = pathOf(step)
      const isBeyond = pathBytes(path) > LIMITS.pathBytesMax || path.split('/').length - 1 > LIMITS.pathDepthMax
      return isBeyond && outcomes.ours.code === BAD_ARGUMENTS && isAt(outcomes.zookeeper.code, OK, NO_NODE)
    }
  },
  {
    operation: 'multi',
    zookeeper: 'of any number of operations',
    ours: `BAD_ARGUMENTS above ${LIMITS.multiOpsMax}`,
    reason: 'one txn is applied in one turn of the event loop',
    parts: always,
    explains: ({ step, outcomes }) =>
      step.kind === 'multi' && step.ops.length > LIMITS.multiOpsMax && outcomes.ours.code === BAD_ARGUMENTS
  }
]

function pathOf(step: Step): string {
  return 'path' in step ? step.path : ''
}

function isWrite({ kind }: Step): boolean {
  return kind === 'create' || kind === 'delete' || kind === 'setData'
}

function isAt<T>(value: T, ...places: readonly T[]): boolean {
  return places.includes(value)
}

function aclOf(step: Step): readonly AclEntry[] {
  const of = (op: Step | WriteOp): readonly AclEntry[] => ('acl' in op ? op.acl : [])
  return step.kind === 'multi' ? step.ops.flatMap(of) : of(step)
}

/** The session and watcher of an event field; null for any other. */
function watcherOf(field: string): { readonly session: number; readonly watcher: number } | null {
  const [, session, watcher] = /^events\.session (\d+) watcher (\d+)$/.exec(field) ?? []
  return session === undefined || watcher === undefined ? null : { session: Number(session), watcher: Number(watcher) }
}

function sessionOf(field: string): number {
  return watcherOf(field)?.session ?? -1
}

type WatchKind = 'one-shot' | 'persistent' | 'recursive'

/** The kinds of watch that a session has set so far; on `path` only when that is given. */
function kindsOf(before: readonly Step[], session: number, path: string | null = null): ReadonlySet<WatchKind> {
  const kinds = new Set<WatchKind>()
  for (const step of before) {
    if (step.session !== session || (path !== null && pathOf(step) !== path)) continue
    if (step.kind === 'addWatch') kinds.add(step.recursive ? 'recursive' : 'persistent')
    else if ('watcher' in step && step.watcher !== null) kinds.add('one-shot')
  }
  return kinds
}

function hasKindsOnOnePath(before: readonly Step[], session: number): boolean {
  return before.some(step => step.session === session && kindsOf(before, session, pathOf(step)).size > 1)
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : []
}

function without(value: unknown, name: string): readonly string[] {
  return textsOf(value).filter(each => each !== name)
}

function withoutScheme(value: unknown, scheme: string): readonly unknown[] {
  return Array.isArray(value) ? value.filter(each => each.scheme !== scheme) : []
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
