import { assert, ERROR_CODES, type ErrorCode, isZooKeeperError, LIMITS, unreachable } from '../base/index.js'
import { CVERSION_MAX, type OperationCode, PERSISTENT, type RefusedChange, type SingleChange } from '../tree/index.js'
import {
  asArray,
  asCount,
  asInteger,
  asList,
  asMemberId,
  asNullable,
  asOneOf,
  asSessionId,
  asTagged,
  badFrame
} from './fields.js'
import { decodeBounded, encodeShared } from './msgpack.js'
import {
  aclFields,
  asAcl,
  asAskedPath,
  asData,
  asLifetime,
  asPassword,
  asPath,
  asRun,
  asTimeout,
  asVersion
} from './tree-fields.js'
import type { EndSessionChange, Txn, TxnChange } from './txn.js'

/** The first field of a change. Numbers are never used again for another meaning: they are in logs. */
const TAGS = {
  create: 1,
  delete: 2,
  setData: 3,
  check: 4,
  multi: 5,
  refused: 6,
  enlist: 7,
  createSession: 8,
  closeSession: 9,
  setACL: 10,
  touch: 11,
  deleteContainer: 12,
  moveSession: 13,
  closingSession: 14
} as const satisfies { readonly [kind in TxnChange['kind']]: number }

const TAG_MAX = 14
/** What the leader makes of its own, and seldom. */
const SELDOM: ReadonlySet<TxnChange['kind']> = new Set(['enlist', 'createSession', 'moveSession'])
/** Changes of one txn: of a multi, or of a subtree that is deleted. */
const changesMax = (): number => Math.max(LIMITS.multiOpsMax, LIMITS.deletedMax)
const ERROR_CODE_NAMES = Object.keys(ERROR_CODES) as ErrorCode[]
const OPERATION_CODES: readonly OperationCode[] = ['OK', ...ERROR_CODE_NAMES]

/** `[session, member, cxid, time, change]`; a change is `[tag, ...fields]`. */
export function encodeTxn(txn: Txn): Uint8Array {
  return new Uint8Array(encodeTxnShared(txn))
}

/** The same in memory that the next call overwrites: for a batch, which copies it to its place. */
export function encodeTxnShared(txn: Txn): Uint8Array {
  // What cannot be read back must not get into a log.
  assert(Number.isSafeInteger(txn.time) && txn.time >= 0, 'a txn is stamped with whole milliseconds')
  assert(Number.isSafeInteger(txn.cxid) && txn.cxid >= 0, 'a request number is a whole number')
  const bytes = encodeShared([txn.session, txn.member, txn.cxid, txn.time, fieldsOf(txn.change)])
  // Rare, and made of what the leader itself adds: read back at once. Changes of the tree have been judged by PendingTree.
  if (SELDOM.has(txn.change.kind)) assert(isReadable(bytes), 'a written txn can be read back')
  return bytes
}

/**
 * The txn that {@link encodeTxn} made into bytes. Data and passwords are views into `bytes`.
 * @throws ZooKeeperError `BAD_FRAME`, and nothing else
 */
export function decodeTxn(bytes: Uint8Array): Txn {
  const fields = asArray(decodeBounded(bytes), 5)
  return {
    session: asSessionId(fields[0]),
    member: asMemberId(fields[1]),
    cxid: asCount(fields[2]),
    time: asCount(fields[3]),
    change: changeFrom(fields[4])
  }
}

function isReadable(bytes: Uint8Array): boolean {
  try {
    decodeTxn(bytes)
    return true
  } catch (error) {
    if (isZooKeeperError(error, 'BAD_FRAME')) return false
    throw error
  }
}

function fieldsOf(change: TxnChange): readonly unknown[] {
  switch (change.kind) {
    case 'multi':
      return [TAGS.multi, change.changes.map(singleFieldsOf)]
    case 'refused':
      return [TAGS.refused, change.code, change.path ?? null, change.results ?? null]
    case 'enlist':
      return [TAGS.enlist, change.member, change.run]
    case 'createSession':
      return [TAGS.createSession, change.timeout, change.member, change.run, change.password]
    case 'moveSession':
      return [TAGS.moveSession, change.session, change.timeout, change.member, change.run]
    case 'closingSession':
    case 'closeSession':
      return [TAGS[change.kind], change.session, change.paths]
    case 'deleteContainer':
      return [TAGS.deleteContainer, change.path]
    default:
      return singleFieldsOf(change)
  }
}

function singleFieldsOf(change: SingleChange): readonly unknown[] {
  switch (change.kind) {
    case 'create': {
      const { path, data, owner, parentCversion, lifetime, acl } = change
      // What nearly all have takes no place.
      if (acl === null && lifetime === PERSISTENT) return [TAGS.create, path, data, owner, parentCversion]
      return [TAGS.create, path, data, owner, parentCversion, lifetime, aclFields(acl)]
    }
    case 'delete':
      return [TAGS.delete, change.path]
    case 'setData':
      return [TAGS.setData, change.path, change.data, change.version]
    case 'check':
    case 'touch':
      return [TAGS[change.kind], change.path]
    case 'setACL':
      return [TAGS.setACL, change.path, aclFields(change.acl), change.aversion]
    default:
      return unreachable(change)
  }
}

function changeFrom(value: unknown): TxnChange {
  switch (tagOf(value)) {
    case TAGS.multi: {
      const fields = asArray(value, 2)
      return { kind: 'multi', changes: asList(fields[1], changesMax()).map(singleFrom) }
    }
    case TAGS.refused:
      return refusalFrom(asArray(value, 4))
    case TAGS.enlist: {
      const fields = asArray(value, 3)
      return { kind: 'enlist', member: asMemberId(fields[1]), run: asRun(fields[2]) }
    }
    case TAGS.createSession: {
      const fields = asArray(value, 5)
      return {
        kind: 'createSession',
        timeout: asTimeout(fields[1]),
        member: asMemberId(fields[2]),
        run: asRun(fields[3]),
        password: asPassword(fields[4])
      }
    }
    case TAGS.moveSession: {
      const fields = asArray(value, 5)
      return {
        kind: 'moveSession',
        session: asSessionId(fields[1]),
        timeout: asTimeout(fields[2]),
        member: asMemberId(fields[3]),
        run: asRun(fields[4])
      }
    }
    case TAGS.closingSession:
      return endFrom('closingSession', value)
    case TAGS.closeSession:
      return endFrom('closeSession', value)
    case TAGS.deleteContainer:
      return { kind: 'deleteContainer', path: asPath(asArray(value, 2)[1]) }
    default:
      return singleFrom(value)
  }
}

function endFrom(kind: EndSessionChange['kind'], value: unknown): EndSessionChange {
  const fields = asArray(value, 3)
  return { kind, session: asSessionId(fields[1]), paths: asList(fields[2], LIMITS.closePathsMax).map(asPath) }
}

function singleFrom(value: unknown): SingleChange {
  switch (tagOf(value)) {
    case TAGS.create:
      return createFrom(value)
    case TAGS.delete:
      return { kind: 'delete', path: asPath(asArray(value, 2)[1]) }
    case TAGS.setData: {
      const fields = asArray(value, 4)
      return { kind: 'setData', path: asPath(fields[1]), data: asData(fields[2]), version: asVersion(fields[3]) }
    }
    case TAGS.check:
      return { kind: 'check', path: asPath(asArray(value, 2)[1]) }
    case TAGS.touch:
      return { kind: 'touch', path: asPath(asArray(value, 2)[1]) }
    case TAGS.setACL: {
      const fields = asArray(value, 4)
      return { kind: 'setACL', path: asPath(fields[1]), acl: asAcl(fields[2]), aversion: asVersion(fields[3]) }
    }
    default:
      throw badFrame('a change of one znode was expected')
  }
}

function createFrom(value: unknown): SingleChange {
  const isPlain = asTagged(value).length === 5
  const fields = asArray(value, isPlain ? 5 : 7)
  return {
    kind: 'create',
    path: asPath(fields[1]),
    data: asData(fields[2]),
    owner: asSessionId(fields[3]),
    parentCversion: asInteger(fields[4], 1, CVERSION_MAX),
    lifetime: isPlain ? PERSISTENT : asLifetime(fields[5]),
    acl: isPlain ? null : asAcl(fields[6])
  }
}

/** The path is as the caller gave it: for a sequential create it may end with '/'. */
function refusalFrom(fields: readonly unknown[]): RefusedChange {
  const code = asOneOf(fields[1], ERROR_CODE_NAMES)
  const path = asNullable(fields[2], asAskedPath)
  const results = asNullable(fields[3], list => asList(list, LIMITS.multiOpsMax).map(each => asOneOf(each, OPERATION_CODES)))
  return { kind: 'refused', code, ...(path === null ? {} : { path }), ...(results === null ? {} : { results }) }
}

function tagOf(value: unknown): number {
  return asInteger(asTagged(value)[0], 1, TAG_MAX)
}
