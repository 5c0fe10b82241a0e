import { LIMITS, type MemberId, type SessionId, unreachable } from '../base/index.js'
import { type Acl, type AuthId, type Operation, PERSISTENT, pathBytes, type SingleOperation } from '../tree/index.js'
import { asArray, asCount, asInteger, asList, asMemberId, asSessionId, asTagged, badFrame } from './fields.js'
import { decodeBounded, encode } from './msgpack.js'
import {
  aclFields,
  asAcl,
  asAskedPath,
  asAuth,
  asData,
  asFlags,
  asInt32,
  asLifetime,
  asPassword,
  asRun,
  asTimeout
} from './tree-fields.js'

/** What a request asks for. */
export type RequestBody =
  | Operation
  /** Milliseconds, within the bounds that the leader keeps. The session lives in the process that asks. */
  | { readonly kind: 'createSession'; readonly timeout: number }
  /** A session of another process, or one that this process has given up, lives in the process that asks from here on, if the password is its own. */
  | {
      readonly kind: 'moveSession'
      readonly session: SessionId
      readonly password: Uint8Array
      readonly timeout: number
    }
  /** Ends the session that asks. */
  | { readonly kind: 'closeSession' }
  /** Ends a session, whosever it is. */
  | { readonly kind: 'terminateSession'; readonly session: SessionId }
  /** A process of the member begins its work; `run` names it. */
  | { readonly kind: 'enlist'; readonly run: string }

/** What a member forwards to the leader. */
export interface Request {
  /** `NO_SESSION` for a request of the member itself. */
  readonly session: SessionId
  readonly member: MemberId
  /** Contiguous from 1 in each session, and in each process of a member. */
  readonly cxid: number
  /** Who the session had shown to be when it asked. */
  readonly auth: readonly AuthId[]
  readonly body: RequestBody
}

const TAGS = {
  create: 1,
  delete: 2,
  setData: 3,
  check: 4,
  multi: 5,
  createSession: 6,
  closeSession: 7,
  enlist: 8,
  setACL: 9,
  touch: 10,
  moveSession: 11,
  terminateSession: 12
} as const satisfies { readonly [kind in RequestBody['kind']]: number }

const TAG_MAX = 12
/** More than any request, txn or operation takes beside its paths and data. */
const ENVELOPE_BYTES = 128
const OPERATION_BYTES = 64
const ACL_ENTRY_BYTES = 16
const AUTH_BYTES = 16
/** Of a path that is deleted with others, beside its own bytes. */
const DELETED_BYTES = 16

const NOBODY: readonly AuthId[] = []

const CREATE_FLAGS = { ephemeral: 1, sequential: 2, parents: 4, ifAbsent: 8 } as const
const DELETE_FLAGS = { recursive: 1, ifExists: 2 } as const

/** Requests that leave together, in order: a list of `[session, member, cxid, body, auth]`; a body is `[tag, ...fields]`. */
export function encodeRequests(requests: readonly Request[]): Uint8Array {
  return encode(
    requests.map(({ session, member, cxid, body, auth }) => {
      const fields = [session, member, cxid, fieldsOf(body)]
      return auth.length === 0 ? fields : [...fields, auth.map(({ scheme, id }) => [scheme, id])]
    })
  )
}

/**
 * The requests that {@link encodeRequests} made into bytes, at most `LIMITS.batchTxnsMax`. Data are views into `bytes`. Paths are bounded
 * and not judged: a wrong one is the caller's mistake, not the member's.
 * @throws ZooKeeperError `BAD_FRAME`, and nothing else
 */
export function decodeRequests(bytes: Uint8Array): readonly Request[] {
  return asList(decodeBounded(bytes), LIMITS.batchTxnsMax).map(value => {
    const isAnybody = asTagged(value).length === 4
    const fields = asArray(value, isAnybody ? 4 : 5)
    return {
      session: asSessionId(fields[0]),
      member: asMemberId(fields[1]),
      cxid: asCount(fields[2]),
      auth: isAnybody ? NOBODY : asAuth(fields[4]),
      body: bodyFrom(fields[3])
    }
  })
}

/**
 * Bytes that a request, and the txn that it becomes, stay below. To be compared with `LIMITS.requestBytesMax` before the request is sent:
 * what is accepted must be readable everywhere for ever.
 */
export function requestBytesBound(body: RequestBody, auth: readonly AuthId[] = NOBODY): number {
  return bodyBytesBound(body) + auth.reduce((sum, { scheme, id }) => sum + AUTH_BYTES + 3 * (scheme.length + id.length), 0)
}

function bodyBytesBound(body: RequestBody): number {
  switch (body.kind) {
    case 'multi':
      return body.operations.reduce((sum, operation) => sum + operationBytesBound(operation), ENVELOPE_BYTES)
    case 'createSession':
    case 'moveSession':
    case 'closeSession':
    case 'terminateSession':
    case 'enlist':
      return 2 * ENVELOPE_BYTES
    case 'setACL':
      return ENVELOPE_BYTES + OPERATION_BYTES + pathBytes(body.path) + aclBytesBound(body.acl)
    case 'touch':
      return ENVELOPE_BYTES + OPERATION_BYTES + pathBytes(body.path)
    case 'create':
      // Its parents become creates of their own, each with the path so far and the same ACL, and without data.
      return (
        ENVELOPE_BYTES +
        operationBytesBound(body) +
        (body.parents ? namesIn(body.path) * operationBytesBound({ ...body, data: null }) : 0)
      )
    case 'delete':
      // What lies below it has paths that only the leader knows.
      return ENVELOPE_BYTES + operationBytesBound(body) + (body.recursive ? LIMITS.deletedMax * DELETED_BYTES : 0)
    default:
      return ENVELOPE_BYTES + operationBytesBound(body)
  }
}

function operationBytesBound(operation: SingleOperation): number {
  const data = operation.kind === 'create' || operation.kind === 'setData' ? (operation.data?.length ?? 0) : 0
  const acl = operation.kind === 'create' ? aclBytesBound(operation.acl) : 0
  return OPERATION_BYTES + pathBytes(operation.path) + data + acl
}

function aclBytesBound(acl: Acl | null): number {
  return (acl ?? []).reduce((sum, { scheme, id }) => sum + ACL_ENTRY_BYTES + 3 * (scheme.length + id.length), 0)
}

function namesIn(path: string): number {
  return path.split('/').length
}

function fieldsOf(body: RequestBody): readonly unknown[] {
  switch (body.kind) {
    case 'multi':
      return [TAGS.multi, body.operations.map(operationFieldsOf)]
    case 'createSession':
      return [TAGS.createSession, body.timeout]
    case 'moveSession':
      return [TAGS.moveSession, body.session, body.password, body.timeout]
    case 'closeSession':
      return [TAGS.closeSession]
    case 'terminateSession':
      return [TAGS.terminateSession, body.session]
    case 'setACL':
      return [TAGS.setACL, body.path, aclFields(body.acl), body.version]
    case 'touch':
      return [TAGS.touch, body.path]
    case 'enlist':
      return [TAGS.enlist, body.run]
    default:
      return operationFieldsOf(body)
  }
}

function operationFieldsOf(operation: SingleOperation): readonly unknown[] {
  switch (operation.kind) {
    case 'create': {
      const { path, data, lifetime, acl } = operation
      const flags = flagsOf(CREATE_FLAGS, operation)
      // What nearly all have takes no place.
      if (acl === null && lifetime === PERSISTENT) return [TAGS.create, path, data, flags]
      return [TAGS.create, path, data, flags, lifetime, aclFields(acl)]
    }
    case 'delete':
      return [TAGS.delete, operation.path, operation.version, flagsOf(DELETE_FLAGS, operation)]
    case 'setData':
      return [TAGS.setData, operation.path, operation.data, operation.version]
    case 'check':
      return [TAGS.check, operation.path, operation.version]
    default:
      return unreachable(operation)
  }
}

function bodyFrom(value: unknown): RequestBody {
  switch (tagOf(value)) {
    case TAGS.multi:
      return { kind: 'multi', operations: asList(asArray(value, 2)[1], LIMITS.multiOpsMax).map(operationFrom) }
    case TAGS.createSession:
      return { kind: 'createSession', timeout: asTimeout(asArray(value, 2)[1]) }
    case TAGS.moveSession: {
      const fields = asArray(value, 4)
      return {
        kind: 'moveSession',
        session: asSessionId(fields[1]),
        password: asPassword(fields[2]),
        timeout: asTimeout(fields[3])
      }
    }
    case TAGS.closeSession:
      asArray(value, 1)
      return { kind: 'closeSession' }
    case TAGS.terminateSession:
      return { kind: 'terminateSession', session: asSessionId(asArray(value, 2)[1]) }
    case TAGS.setACL: {
      const fields = asArray(value, 4)
      return { kind: 'setACL', path: asAskedPath(fields[1]), acl: asAcl(fields[2]), version: asInt32(fields[3]) }
    }
    case TAGS.touch:
      return { kind: 'touch', path: asAskedPath(asArray(value, 2)[1]) }
    case TAGS.enlist:
      return { kind: 'enlist', run: asRun(asArray(value, 2)[1]) }
    default:
      return operationFrom(value)
  }
}

function operationFrom(value: unknown): SingleOperation {
  switch (tagOf(value)) {
    case TAGS.create: {
      const isPlain = asTagged(value).length === 4
      const fields = asArray(value, isPlain ? 4 : 6)
      const flags = asFlags(fields[3], 15)
      return {
        kind: 'create',
        path: asAskedPath(fields[1]),
        data: asData(fields[2]),
        ephemeral: (flags & CREATE_FLAGS.ephemeral) !== 0,
        sequential: (flags & CREATE_FLAGS.sequential) !== 0,
        parents: (flags & CREATE_FLAGS.parents) !== 0,
        ifAbsent: (flags & CREATE_FLAGS.ifAbsent) !== 0,
        lifetime: isPlain ? PERSISTENT : asLifetime(fields[4]),
        acl: isPlain ? null : asAcl(fields[5])
      }
    }
    case TAGS.delete: {
      const fields = asArray(value, 4)
      const flags = asFlags(fields[3], 3)
      return {
        kind: 'delete',
        path: asAskedPath(fields[1]),
        version: asInt32(fields[2]),
        recursive: (flags & DELETE_FLAGS.recursive) !== 0,
        ifExists: (flags & DELETE_FLAGS.ifExists) !== 0
      }
    }
    case TAGS.setData: {
      const fields = asArray(value, 4)
      return { kind: 'setData', path: asAskedPath(fields[1]), data: asData(fields[2]), version: asInt32(fields[3]) }
    }
    case TAGS.check: {
      const fields = asArray(value, 3)
      return { kind: 'check', path: asAskedPath(fields[1]), version: asInt32(fields[2]) }
    }
    default:
      throw badFrame('an operation on one znode was expected')
  }
}

function tagOf(value: unknown): number {
  return asInteger(asTagged(value)[0], 1, TAG_MAX)
}

function flagsOf<Name extends string>(
  bits: Readonly<Record<Name, number>>,
  set: Readonly<Record<NoInfer<Name>, boolean>>
): number {
  let flags = 0
  for (const name of Object.keys(bits) as Name[]) if (set[name]) flags |= bits[name]
  return flags
}
