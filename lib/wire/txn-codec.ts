import { assert, ERROR_CODES, type ErrorCode, isZooKeeperError, LIMITS, unreachable } from '../base/index.js'
import { CVERSION_MAX, type OperationCode, PERSISTENT, type RefusedChange, type SingleChange } from '../tree/index.js'
import { asCount, asInteger, asMemberId, asOneOf, asSessionId, badFrame, exactly } from './fields.js'
import { workingWriter } from './msgpack.js'
import { MsgpackReader } from './msgpack-reader.js'
import type { MsgpackWriter } from './msgpack-writer.js'
import {
  aclFields,
  asAcl,
  asAskedPath,
  asLifetime,
  asPassword,
  asPath,
  asRun,
  asTimeout,
  asVersion,
  dataFrom,
  writeData
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

/** Changes of one txn: of a multi, or of a subtree that is deleted. */
const changesMax = (): number => Math.max(LIMITS.multiOpsMax, LIMITS.deletedMax)
const ERROR_CODE_NAMES = Object.keys(ERROR_CODES) as ErrorCode[]
const OPERATION_CODES: readonly OperationCode[] = ['OK', ...ERROR_CODE_NAMES]

/** `[session, member, cxid, time, change]`; a change is `[tag, ...fields]`. */
export function encodeTxn(txn: Txn): Uint8Array {
  const writer = workingWriter()
  writeTxn(writer, txn)
  return new Uint8Array(writer.written())
}

/** The same behind what was written before. Where it throws, it may have left a part. */
export function writeTxn(writer: MsgpackWriter, txn: Txn): void {
  const { session, member, cxid, time, change } = txn
  // What cannot be read back must not get into a log.
  assert(Number.isSafeInteger(time) && time >= 0, 'a txn is stamped with whole milliseconds')
  assert(Number.isSafeInteger(cxid) && cxid >= 0, 'a request number is a whole number')
  const start = writer.length
  writer.array(5)
  writer.number(session)
  writer.number(member)
  writer.number(cxid)
  writer.number(time)
  writeChange(writer, change)
  // Rare, and made of what the leader itself adds: read back at once. Changes of the tree have been judged by PendingTree.
  if (isSeldom(change)) assert(isReadable(writer.written(start)), 'a written txn can be read back')
}

/**
 * The txn that {@link encodeTxn} made into bytes, which lie between `start` and `end`. Data and passwords are views into `bytes`.
 * @throws ZooKeeperError `BAD_FRAME`, and nothing else
 */
export function decodeTxn(bytes: Uint8Array, start = 0, end = bytes.length): Txn {
  const reader = new MsgpackReader(bytes, start, end)
  reader.array(5)
  const txn = {
    session: asSessionId(reader.number()),
    member: asMemberId(reader.number()),
    cxid: asCount(reader.number()),
    time: asCount(reader.number()),
    change: readChange(reader)
  }
  reader.finish()
  return txn
}

/** What the leader makes of its own, and seldom. */
function isSeldom({ kind }: TxnChange): boolean {
  return kind === 'enlist' || kind === 'createSession' || kind === 'moveSession'
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

function writeChange(writer: MsgpackWriter, change: TxnChange): void {
  switch (change.kind) {
    case 'multi':
      begin(writer, TAGS.multi, 2)
      writer.array(change.changes.length)
      for (const each of change.changes) writeSingle(writer, each)
      return
    case 'refused':
      begin(writer, TAGS.refused, 4)
      writer.text(change.code)
      writer.value(change.path)
      return writer.value(change.results)
    case 'enlist':
      begin(writer, TAGS.enlist, 3)
      writer.number(change.member)
      return writer.text(change.run)
    case 'createSession':
      begin(writer, TAGS.createSession, 5)
      writer.number(change.timeout)
      writer.number(change.member)
      writer.text(change.run)
      return writer.binary(change.password)
    case 'moveSession':
      begin(writer, TAGS.moveSession, 5)
      writer.number(change.session)
      writer.number(change.timeout)
      writer.number(change.member)
      return writer.text(change.run)
    case 'closingSession':
    case 'closeSession':
      begin(writer, TAGS[change.kind], 3)
      writer.number(change.session)
      writer.array(change.paths.length)
      for (const path of change.paths) writer.text(path)
      return
    case 'deleteContainer':
      begin(writer, TAGS.deleteContainer, 2)
      return writer.text(change.path)
    default:
      return writeSingle(writer, change)
  }
}

function writeSingle(writer: MsgpackWriter, change: SingleChange): void {
  switch (change.kind) {
    case 'create': {
      // What nearly all have takes no place.
      const isPlain = change.acl === null && change.lifetime === PERSISTENT
      begin(writer, TAGS.create, isPlain ? 5 : 7)
      writer.text(change.path)
      writeData(writer, change.data)
      writer.number(change.owner)
      writer.number(change.parentCversion)
      if (isPlain) return
      writer.number(change.lifetime)
      return writer.value(aclFields(change.acl))
    }
    case 'setData':
      begin(writer, TAGS.setData, 4)
      writer.text(change.path)
      writeData(writer, change.data)
      return writer.number(change.version)
    case 'delete':
    case 'check':
    case 'touch':
      begin(writer, TAGS[change.kind], 2)
      return writer.text(change.path)
    case 'setACL':
      begin(writer, TAGS.setACL, 4)
      writer.text(change.path)
      writer.value(aclFields(change.acl))
      return writer.number(change.aversion)
    default:
      return unreachable(change)
  }
}

/** The head of a change of so many fields, its tag being one. PERF: tags are constants, and not looked up by name. */
function begin(writer: MsgpackWriter, tag: number, fields: number): void {
  writer.array(fields)
  writer.number(tag)
}

function readChange(reader: MsgpackReader): TxnChange {
  const fields = reader.anyArray()
  const tag = reader.number()
  switch (tag) {
    case TAGS.multi:
      exactly(fields, 2)
      return { kind: 'multi', changes: reader.list(changesMax(), singleFrom) }
    case TAGS.refused:
      exactly(fields, 4)
      return refusalFrom(reader)
    case TAGS.enlist:
      exactly(fields, 3)
      return { kind: 'enlist', member: asMemberId(reader.number()), run: asRun(reader.text()) }
    case TAGS.createSession:
      exactly(fields, 5)
      return {
        kind: 'createSession',
        timeout: asTimeout(reader.number()),
        member: asMemberId(reader.number()),
        run: asRun(reader.text()),
        password: asPassword(reader.binary())
      }
    case TAGS.moveSession:
      exactly(fields, 5)
      return {
        kind: 'moveSession',
        session: asSessionId(reader.number()),
        timeout: asTimeout(reader.number()),
        member: asMemberId(reader.number()),
        run: asRun(reader.text())
      }
    case TAGS.closingSession:
      exactly(fields, 3)
      return endFrom('closingSession', reader)
    case TAGS.closeSession:
      exactly(fields, 3)
      return endFrom('closeSession', reader)
    case TAGS.deleteContainer:
      exactly(fields, 2)
      return { kind: 'deleteContainer', path: pathFrom(reader) }
    default:
      return singleOf(tag, fields, reader)
  }
}

function endFrom(kind: EndSessionChange['kind'], reader: MsgpackReader): EndSessionChange {
  return { kind, session: asSessionId(reader.number()), paths: reader.list(LIMITS.closePathsMax, pathFrom) }
}

function singleFrom(reader: MsgpackReader): SingleChange {
  const fields = reader.anyArray()
  return singleOf(reader.number(), fields, reader)
}

function singleOf(tag: number, fields: number, reader: MsgpackReader): SingleChange {
  switch (tag) {
    case TAGS.create:
      return createFrom(fields, reader)
    case TAGS.delete:
      exactly(fields, 2)
      return { kind: 'delete', path: pathFrom(reader) }
    case TAGS.setData:
      exactly(fields, 4)
      return { kind: 'setData', path: pathFrom(reader), data: dataFrom(reader), version: asVersion(reader.number()) }
    case TAGS.check:
      exactly(fields, 2)
      return { kind: 'check', path: pathFrom(reader) }
    case TAGS.touch:
      exactly(fields, 2)
      return { kind: 'touch', path: pathFrom(reader) }
    case TAGS.setACL:
      exactly(fields, 4)
      return { kind: 'setACL', path: pathFrom(reader), acl: asAcl(reader.value()), aversion: asVersion(reader.number()) }
    default:
      throw badFrame('a change of one znode was expected')
  }
}

function createFrom(fields: number, reader: MsgpackReader): SingleChange {
  const isPlain = fields === 5
  if (!isPlain) exactly(fields, 7)
  return {
    kind: 'create',
    path: pathFrom(reader),
    data: dataFrom(reader),
    owner: asSessionId(reader.number()),
    parentCversion: asInteger(reader.number(), 1, CVERSION_MAX),
    lifetime: isPlain ? PERSISTENT : asLifetime(reader.number()),
    acl: isPlain ? null : asAcl(reader.value())
  }
}

/** The path is as the caller gave it: for a sequential create it may end with '/'. */
function refusalFrom(reader: MsgpackReader): RefusedChange {
  const code = asOneOf(reader.text(), ERROR_CODE_NAMES)
  const path = reader.takeNil() ? null : asAskedPath(reader.text())
  const results = reader.takeNil() ? null : reader.list(LIMITS.multiOpsMax, each => asOneOf(each.text(), OPERATION_CODES))
  return { kind: 'refused', code, ...(path === null ? {} : { path }), ...(results === null ? {} : { results }) }
}

function pathFrom(reader: MsgpackReader): string {
  return asPath(reader.text())
}
