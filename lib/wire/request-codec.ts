import { LIMITS, type MemberId, type SessionId, unreachable } from '../base/index.js'
import { type Operation, pathBytes, type SingleOperation } from '../tree/index.js'
import { asArray, asBoolean, asCount, asInteger, asList, asMemberId, asSessionId, asTagged, badFrame } from './fields.js'
import { decodeBounded, encode } from './msgpack.js'
import { asAskedPath, asData, asInt32, asRun, asTimeout } from './tree-fields.js'

/** What a request asks for. */
export type RequestBody =
  | Operation
  /** Milliseconds, within the bounds that the leader keeps. The session lives in the process that asks. */
  | { readonly kind: 'createSession'; readonly timeout: number }
  /** Ends the session that asks. */
  | { readonly kind: 'closeSession' }
  /** A process of the member begins its work; `run` names it. */
  | { readonly kind: 'enlist'; readonly run: string }

/** What a member forwards to the leader. */
export interface Request {
  /** `NO_SESSION` for a request of the member itself. */
  readonly session: SessionId
  readonly member: MemberId
  /** Contiguous from 1 in each session, and in each process of a member. */
  readonly cxid: number
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
  enlist: 8
} as const satisfies { readonly [kind in RequestBody['kind']]: number }

const TAG_MAX = 8
/** More than any request, txn or operation takes beside its paths and data. */
const ENVELOPE_BYTES = 128
const OPERATION_BYTES = 64

/** Requests that leave together, in order: a list of `[session, member, cxid, body]`; a body is `[tag, ...fields]`. */
export function encodeRequests(requests: readonly Request[]): Uint8Array {
  return encode(requests.map(({ session, member, cxid, body }) => [session, member, cxid, fieldsOf(body)]))
}

/**
 * The requests that {@link encodeRequests} made into bytes, at most `LIMITS.batchTxnsMax`. Data are views into `bytes`. Paths are bounded
 * and not judged: a wrong one is the caller's mistake, not the member's.
 * @throws ZooKeeperError `BAD_FRAME`, and nothing else
 */
export function decodeRequests(bytes: Uint8Array): readonly Request[] {
  return asList(decodeBounded(bytes), LIMITS.batchTxnsMax).map(value => {
    const fields = asArray(value, 4)
    return {
      session: asSessionId(fields[0]),
      member: asMemberId(fields[1]),
      cxid: asCount(fields[2]),
      body: bodyFrom(fields[3])
    }
  })
}

/**
 * Bytes that a request, and the txn that it becomes, stay below. To be compared with `LIMITS.requestBytesMax` before the request is sent:
 * what is accepted must be readable everywhere for ever.
 */
export function requestBytesBound(body: RequestBody): number {
  switch (body.kind) {
    case 'multi':
      return body.operations.reduce((sum, operation) => sum + operationBytesBound(operation), ENVELOPE_BYTES)
    case 'createSession':
    case 'closeSession':
    case 'enlist':
      return 2 * ENVELOPE_BYTES
    default:
      return ENVELOPE_BYTES + operationBytesBound(body)
  }
}

function operationBytesBound(operation: SingleOperation): number {
  const data = operation.kind === 'create' || operation.kind === 'setData' ? (operation.data?.length ?? 0) : 0
  return OPERATION_BYTES + pathBytes(operation.path) + data
}

function fieldsOf(body: RequestBody): readonly unknown[] {
  switch (body.kind) {
    case 'multi':
      return [TAGS.multi, body.operations.map(operationFieldsOf)]
    case 'createSession':
      return [TAGS.createSession, body.timeout]
    case 'closeSession':
      return [TAGS.closeSession]
    case 'enlist':
      return [TAGS.enlist, body.run]
    default:
      return operationFieldsOf(body)
  }
}

function operationFieldsOf(operation: SingleOperation): readonly unknown[] {
  switch (operation.kind) {
    case 'create':
      return [TAGS.create, operation.path, operation.data, operation.ephemeral, operation.sequential]
    case 'delete':
      return [TAGS.delete, operation.path, operation.version]
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
    case TAGS.closeSession:
      asArray(value, 1)
      return { kind: 'closeSession' }
    case TAGS.enlist:
      return { kind: 'enlist', run: asRun(asArray(value, 2)[1]) }
    default:
      return operationFrom(value)
  }
}

function operationFrom(value: unknown): SingleOperation {
  switch (tagOf(value)) {
    case TAGS.create: {
      const fields = asArray(value, 5)
      return {
        kind: 'create',
        path: asAskedPath(fields[1]),
        data: asData(fields[2]),
        ephemeral: asBoolean(fields[3]),
        sequential: asBoolean(fields[4])
      }
    }
    case TAGS.delete: {
      const fields = asArray(value, 3)
      return { kind: 'delete', path: asAskedPath(fields[1]), version: asInt32(fields[2]) }
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
