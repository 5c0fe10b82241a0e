import { LIMITS } from '../base/index.js'
import type { MemberRecord, SessionRecord, SessionSnapshot } from '../session/index.js'
import { CVERSION_MAX, PERSISTENT, pathBytes, type ZnodeRecord } from '../tree/index.js'
import { asArray, asBoolean, asCount, asInteger, asList, asMemberId, asSessionId, asTagged, asZxid, badFrame } from './fields.js'
import { decodeBounded, encode } from './msgpack.js'
import { aclFields, asAcl, asData, asLifetime, asPassword, asPath, asRun, asTimeout, asVersion } from './tree-fields.js'

/** A part of a snapshot. Chunks of sessions and members come first, so that every owner of an ephemeral is known before it. */
export type SnapshotChunk =
  | { readonly kind: 'sessions'; readonly records: readonly SessionRecord[] }
  | { readonly kind: 'members'; readonly records: readonly MemberRecord[] }
  | { readonly kind: 'znodes'; readonly records: readonly ZnodeRecord[] }

const TAGS = { sessions: 1, members: 2, znodes: 3 } as const satisfies { readonly [kind in SnapshotChunk['kind']]: number }
const TAG_MAX = 3
/** More than a record takes beside path and data. */
const RECORD_BYTES = 128

/** `[tag, records]`, each record an array of its fields. */
export function encodeSnapshotChunk(chunk: SnapshotChunk): Uint8Array {
  switch (chunk.kind) {
    case 'sessions':
      return encode([TAGS.sessions, chunk.records.map(sessionFieldsOf)])
    case 'members':
      return encode([TAGS.members, chunk.records.map(({ member, run, cxid }) => [member, run, cxid])])
    case 'znodes':
      return encode([TAGS.znodes, chunk.records.map(znodeFieldsOf)])
  }
}

/**
 * The chunk that {@link encodeSnapshotChunk} made into bytes. Data and passwords are views into `bytes`. Whether the records fit together
 * is for who restores them to find out.
 * @throws ZooKeeperError `BAD_FRAME`, and nothing else
 */
export function decodeSnapshotChunk(bytes: Uint8Array): SnapshotChunk {
  const fields = asArray(asTagged(decodeBounded(bytes)), 2)
  const records = asList(fields[1], LIMITS.messageElementsMax)
  switch (asInteger(fields[0], 1, TAG_MAX)) {
    case TAGS.sessions:
      return { kind: 'sessions', records: records.map(sessionFrom) }
    case TAGS.members:
      return { kind: 'members', records: records.map(memberFrom) }
    case TAGS.znodes:
      return { kind: 'znodes', records: records.map(znodeFrom) }
    default:
      throw badFrame('a chunk of sessions, members or znodes was expected')
  }
}

/** The chunks that a snapshot begins with, encoded. */
export function encodeSessionChunks({ sessions, members }: SessionSnapshot): readonly Uint8Array[] {
  return [
    ...inChunks(sessions, () => RECORD_BYTES).map(records => encodeSnapshotChunk({ kind: 'sessions', records })),
    ...inChunks(members, () => RECORD_BYTES).map(records => encodeSnapshotChunk({ kind: 'members', records }))
  ]
}

/** A slice of a cut, encoded in chunks of at most `LIMITS.snapshotChunkBytesMax`; a znode that is larger by itself has a chunk of its own. */
export function encodeZnodeChunks(records: readonly ZnodeRecord[]): readonly Uint8Array[] {
  const bytesOf = ({ path, data, acl }: ZnodeRecord): number =>
    RECORD_BYTES + pathBytes(path) + (data?.length ?? 0) + (acl === null ? 0 : LIMITS.aclBytesMax)
  return inChunks(records, bytesOf).map(each => encodeSnapshotChunk({ kind: 'znodes', records: each }))
}

function inChunks<T>(records: readonly T[], bytesOf: (record: T) => number): readonly (readonly T[])[] {
  const chunks: T[][] = []
  let chunk: T[] = []
  let bytes = 0
  for (const record of records) {
    const recordBytes = bytesOf(record)
    if (chunk.length > 0 && bytes + recordBytes > LIMITS.snapshotChunkBytesMax) {
      chunks.push(chunk)
      chunk = []
      bytes = 0
    }
    chunk.push(record)
    bytes += recordBytes
  }
  if (chunk.length > 0) chunks.push(chunk)
  return chunks
}

function sessionFieldsOf({ id, timeout, member, run, password, cxid, closing }: SessionRecord): readonly unknown[] {
  return [id, timeout, member, run, password, cxid, closing]
}

function znodeFieldsOf(record: ZnodeRecord): readonly unknown[] {
  const { path, data, czxid, mzxid, pzxid, ctime, mtime, version, cversion, owner, aversion, lifetime, acl } = record
  const fields = [path, data, czxid, mzxid, pzxid, ctime, mtime, version, cversion, owner]
  // What nearly all have takes no place.
  if (acl === null && lifetime === PERSISTENT && aversion === 0) return fields
  return [...fields, aversion, lifetime, aclFields(acl)]
}

function sessionFrom(value: unknown): SessionRecord {
  const fields = asArray(value, 7)
  return {
    id: asSessionId(fields[0]),
    timeout: asTimeout(fields[1]),
    member: asMemberId(fields[2]),
    run: asRun(fields[3]),
    password: asPassword(fields[4]),
    cxid: asCount(fields[5]),
    closing: asBoolean(fields[6])
  }
}

function memberFrom(value: unknown): MemberRecord {
  const fields = asArray(value, 3)
  return { member: asMemberId(fields[0]), run: asRun(fields[1]), cxid: asCount(fields[2]) }
}

function znodeFrom(value: unknown): ZnodeRecord {
  const isPlain = asTagged(value).length === 10
  const fields = asArray(value, isPlain ? 10 : 13)
  return {
    path: asPath(fields[0]),
    data: asData(fields[1]),
    czxid: asZxid(fields[2]),
    mzxid: asZxid(fields[3]),
    pzxid: asZxid(fields[4]),
    ctime: asCount(fields[5]),
    mtime: asCount(fields[6]),
    version: asVersion(fields[7]),
    cversion: asInteger(fields[8], 0, CVERSION_MAX),
    owner: asSessionId(fields[9]),
    aversion: isPlain ? 0 : asVersion(fields[10]),
    lifetime: isPlain ? PERSISTENT : asLifetime(fields[11]),
    acl: isPlain ? null : asAcl(fields[12])
  }
}
