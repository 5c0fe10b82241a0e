// PERF: the global `Buffer` is a getter, which costs a call each time.
import { Buffer } from 'node:buffer'
import { LIMITS, type MemberId, type SessionId, unreachable } from '../base/index.js'
import {
  type Acl,
  type AuthId,
  type CreateOperation,
  type DeleteOperation,
  type Operation,
  PERSISTENT,
  pathBytes,
  type SingleOperation
} from '../tree/index.js'
import { asCount, asMemberId, asSessionId, badFrame, exactly } from './fields.js'
import { workingWriter } from './msgpack.js'
import { MsgpackReader } from './msgpack-reader.js'
import type { MsgpackWriter } from './msgpack-writer.js'
import {
  aclFields,
  asAcl,
  asAskedPath,
  asAuth,
  asFlags,
  asInt32,
  asLifetime,
  asPassword,
  asRun,
  asTimeout,
  authFields,
  dataFrom,
  writeData
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
  const writer = workingWriter()
  writer.array(requests.length)
  for (const request of requests) writeRequest(writer, request)
  return Buffer.from(writer.written())
}

/**
 * The requests that {@link encodeRequests} made into bytes, at most `LIMITS.batchTxnsMax`. Data are views into `bytes`. Paths are bounded
 * and not judged: a wrong one is the caller's mistake, not the member's.
 * @throws ZooKeeperError `BAD_FRAME`, and nothing else
 */
export function decodeRequests(bytes: Uint8Array): readonly Request[] {
  const reader = new MsgpackReader(bytes)
  const requests = reader.list(LIMITS.batchTxnsMax, requestFrom)
  reader.finish()
  return requests
}

/**
 * Bytes that a request, and the txn that it becomes, stay below. To be compared with `LIMITS.requestBytesMax` before the request is sent:
 * what is accepted must be readable everywhere for ever.
 */
export function requestBytesBound(body: RequestBody, auth: readonly AuthId[] = NOBODY): number {
  return bodyBytesBound(body) + (auth.length === 0 ? 0 : identityBytesBound(auth, AUTH_BYTES))
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
  return acl === null ? 0 : identityBytesBound(acl, ACL_ENTRY_BYTES)
}

function identityBytesBound(identities: readonly AuthId[], entryBytes: number): number {
  return identities.reduce((sum, { scheme, id }) => sum + entryBytes + 3 * (scheme.length + id.length), 0)
}

function namesIn(path: string): number {
  return path.split('/').length
}

function writeRequest(writer: MsgpackWriter, { session, member, cxid, auth, body }: Request): void {
  writer.array(auth.length === 0 ? 4 : 5)
  writer.number(session)
  writer.number(member)
  writer.number(cxid)
  writeBody(writer, body)
  if (auth.length > 0) writer.value(authFields(auth))
}

function writeBody(writer: MsgpackWriter, body: RequestBody): void {
  switch (body.kind) {
    case 'multi':
      begin(writer, TAGS.multi, 2)
      writer.array(body.operations.length)
      for (const operation of body.operations) writeOperation(writer, operation)
      return
    case 'createSession':
      begin(writer, TAGS.createSession, 2)
      return writer.number(body.timeout)
    case 'moveSession':
      begin(writer, TAGS.moveSession, 4)
      writer.number(body.session)
      writer.binary(body.password)
      return writer.number(body.timeout)
    case 'closeSession':
      return begin(writer, TAGS.closeSession, 1)
    case 'terminateSession':
      begin(writer, TAGS.terminateSession, 2)
      return writer.number(body.session)
    case 'setACL':
      begin(writer, TAGS.setACL, 4)
      writer.text(body.path)
      writer.value(aclFields(body.acl))
      return writer.number(body.version)
    case 'touch':
      begin(writer, TAGS.touch, 2)
      return writer.text(body.path)
    case 'enlist':
      begin(writer, TAGS.enlist, 2)
      return writer.text(body.run)
    default:
      return writeOperation(writer, body)
  }
}

function writeOperation(writer: MsgpackWriter, operation: SingleOperation): void {
  switch (operation.kind) {
    case 'create': {
      // What nearly all have takes no place.
      const isPlain = operation.acl === null && operation.lifetime === PERSISTENT
      begin(writer, TAGS.create, isPlain ? 4 : 6)
      writer.text(operation.path)
      writeData(writer, operation.data)
      writer.number(createFlagsOf(operation))
      if (isPlain) return
      writer.number(operation.lifetime)
      return writer.value(aclFields(operation.acl))
    }
    case 'delete':
      begin(writer, TAGS.delete, 4)
      writer.text(operation.path)
      writer.number(operation.version)
      return writer.number(deleteFlagsOf(operation))
    case 'setData':
      begin(writer, TAGS.setData, 4)
      writer.text(operation.path)
      writeData(writer, operation.data)
      return writer.number(operation.version)
    case 'check':
      begin(writer, TAGS.check, 3)
      writer.text(operation.path)
      return writer.number(operation.version)
    default:
      return unreachable(operation)
  }
}

/** The head of a body of so many fields, its tag being one. PERF: tags are constants, and not looked up by name. */
function begin(writer: MsgpackWriter, tag: number, fields: number): void {
  writer.array(fields)
  writer.number(tag)
}

function createFlagsOf({ ephemeral, sequential, parents, ifAbsent }: CreateOperation): number {
  return (
    (ephemeral ? CREATE_FLAGS.ephemeral : 0) |
    (sequential ? CREATE_FLAGS.sequential : 0) |
    (parents ? CREATE_FLAGS.parents : 0) |
    (ifAbsent ? CREATE_FLAGS.ifAbsent : 0)
  )
}

function deleteFlagsOf({ recursive, ifExists }: DeleteOperation): number {
  return (recursive ? DELETE_FLAGS.recursive : 0) | (ifExists ? DELETE_FLAGS.ifExists : 0)
}

function requestFrom(reader: MsgpackReader): Request {
  const fields = reader.anyArray()
  const isAnybody = fields === 4
  if (!isAnybody) exactly(fields, 5)
  const session = asSessionId(reader.number())
  const member = asMemberId(reader.number())
  const cxid = asCount(reader.number())
  const body = bodyFrom(reader)
  return { session, member, cxid, auth: isAnybody ? NOBODY : asAuth(reader.value()), body }
}

function bodyFrom(reader: MsgpackReader): RequestBody {
  const fields = reader.anyArray()
  const tag = reader.number()
  switch (tag) {
    case TAGS.multi:
      exactly(fields, 2)
      return { kind: 'multi', operations: reader.list(LIMITS.multiOpsMax, operationFrom) }
    case TAGS.createSession:
      exactly(fields, 2)
      return { kind: 'createSession', timeout: asTimeout(reader.number()) }
    case TAGS.moveSession:
      exactly(fields, 4)
      return {
        kind: 'moveSession',
        session: asSessionId(reader.number()),
        password: asPassword(reader.binary()),
        timeout: asTimeout(reader.number())
      }
    case TAGS.closeSession:
      exactly(fields, 1)
      return { kind: 'closeSession' }
    case TAGS.terminateSession:
      exactly(fields, 2)
      return { kind: 'terminateSession', session: asSessionId(reader.number()) }
    case TAGS.setACL:
      exactly(fields, 4)
      return { kind: 'setACL', path: pathFrom(reader), acl: asAcl(reader.value()), version: asInt32(reader.number()) }
    case TAGS.touch:
      exactly(fields, 2)
      return { kind: 'touch', path: pathFrom(reader) }
    case TAGS.enlist:
      exactly(fields, 2)
      return { kind: 'enlist', run: asRun(reader.text()) }
    default:
      return operationOf(tag, fields, reader)
  }
}

function operationFrom(reader: MsgpackReader): SingleOperation {
  const fields = reader.anyArray()
  return operationOf(reader.number(), fields, reader)
}

function operationOf(tag: number, fields: number, reader: MsgpackReader): SingleOperation {
  switch (tag) {
    case TAGS.create:
      return createFrom(fields, reader)
    case TAGS.delete: {
      exactly(fields, 4)
      const path = pathFrom(reader)
      const version = asInt32(reader.number())
      const flags = asFlags(reader.number(), 3)
      return {
        kind: 'delete',
        path,
        version,
        recursive: (flags & DELETE_FLAGS.recursive) !== 0,
        ifExists: (flags & DELETE_FLAGS.ifExists) !== 0
      }
    }
    case TAGS.setData:
      exactly(fields, 4)
      return { kind: 'setData', path: pathFrom(reader), data: dataFrom(reader), version: asInt32(reader.number()) }
    case TAGS.check:
      exactly(fields, 3)
      return { kind: 'check', path: pathFrom(reader), version: asInt32(reader.number()) }
    default:
      throw badFrame('an operation on one znode was expected')
  }
}

function createFrom(fields: number, reader: MsgpackReader): CreateOperation {
  const isPlain = fields === 4
  if (!isPlain) exactly(fields, 6)
  const path = pathFrom(reader)
  const data = dataFrom(reader)
  const flags = asFlags(reader.number(), 15)
  return {
    kind: 'create',
    path,
    data,
    ephemeral: (flags & CREATE_FLAGS.ephemeral) !== 0,
    sequential: (flags & CREATE_FLAGS.sequential) !== 0,
    parents: (flags & CREATE_FLAGS.parents) !== 0,
    ifAbsent: (flags & CREATE_FLAGS.ifAbsent) !== 0,
    lifetime: isPlain ? PERSISTENT : asLifetime(reader.number()),
    acl: isPlain ? null : asAcl(reader.value())
  }
}

function pathFrom(reader: MsgpackReader): string {
  return asAskedPath(reader.text())
}
