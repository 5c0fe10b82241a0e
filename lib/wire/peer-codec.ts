// PERF: the global `Buffer` is a getter, which costs a call each time.
import { Buffer } from 'node:buffer'
import { LIMITS, makeZxid, unreachable } from '../base/index.js'
import { type Batch, isWellFormed, type LogSummary, type SnapshotManifest, type Vote } from '../zab/index.js'
import {
  asArray,
  asBoolean,
  asBytes,
  asCount,
  asEpoch,
  asInteger,
  asList,
  asMemberId,
  asNullable,
  asOneOf,
  asString,
  asZxid,
  badFrame,
  exactly
} from './fields.js'
import { encode } from './msgpack.js'
import { MsgpackReader } from './msgpack-reader.js'
import { MsgpackWriter } from './msgpack-writer.js'
import type { PeerMessage } from './peer-message.js'

/** The first field of a frame. Numbers are never used again for something else. */
const TAGS = {
  notification: 1,
  followerInfo: 2,
  leaderInfo: 3,
  ackEpoch: 4,
  truncate: 5,
  replace: 6,
  snapshotChunk: 7,
  history: 8,
  newLeader: 9,
  ackNewLeader: 10,
  upToDate: 11,
  admit: 12,
  admitted: 13,
  proposal: 14,
  ack: 15,
  commit: 16,
  ping: 17,
  pong: 18,
  abdicate: 19,
  requests: 32,
  readIndex: 33,
  readIndexReply: 34
} as const satisfies Record<PeerMessage['kind'], number>

const KINDS = new Map<number, PeerMessage['kind']>(Object.entries(TAGS).map(([kind, tag]) => [tag, kind as PeerMessage['kind']]))

const STATES = ['looking', 'following', 'leading'] as const
const STANDINGS = ['member', 'founder', 'blank', 'withheld'] as const
const VOTES = ['held', 'withheld'] as const
const ENSEMBLE_ID_LENGTH_MAX = 64
const DIGEST_LENGTH_MAX = 128

/** What every write and every batch of a history comes in: written and read without an array in between. */
type FrequentMessage = Extract<PeerMessage, { kind: 'history' | 'proposal' | 'ack' | 'commit' | 'requests' }>
type SeldomMessage = Exclude<PeerMessage, FrequentMessage>

/** More than a frequent message takes beside the bytes that it carries. */
const ENVELOPE_BYTES = 48

/** One message of a peer link as a frame: a positional msgpack array led by its tag. */
export function encodePeerMessage(message: PeerMessage): Uint8Array {
  switch (message.kind) {
    case 'history': {
      const writer = begin(message, 5, message.batch.bytes.length)
      writeBatch(writer, message.batch)
      return writer.written()
    }
    case 'proposal': {
      const writer = begin(message, 6, message.batch.bytes.length)
      writeBatch(writer, message.batch)
      writer.number(message.zxidCommitted)
      return writer.written()
    }
    case 'ack':
    case 'commit': {
      const writer = begin(message, 3, 0)
      writer.number(message.zxid)
      return writer.written()
    }
    case 'requests': {
      const writer = begin(message, 3, message.group.length)
      writer.binary(message.group)
      return writer.written()
    }
    default:
      return encode([TAGS[message.kind], ...fieldsOf(message)])
  }
}

/**
 * Reads a frame of a peer that has proven who it is, and may still be broken.
 * @throws ZooKeeperError `BAD_FRAME`, and nothing else
 */
export function decodePeerMessage(frame: Uint8Array): PeerMessage {
  const reader = new MsgpackReader(frame)
  const length = reader.anyArray()
  const message = messageFrom(reader, length)
  reader.finish()
  return message
}

/** PERF: in a frame of its own that is large enough from the first, so that what it carries is copied once. */
function begin(message: FrequentMessage, fields: number, bytesCarried: number): MsgpackWriter {
  const writer = new MsgpackWriter(Buffer.allocUnsafe(ENVELOPE_BYTES + bytesCarried))
  writer.array(fields)
  writer.number(TAGS[message.kind])
  writer.number(message.epoch)
  return writer
}

function writeBatch(writer: MsgpackWriter, batch: Batch): void {
  writer.number(batch.zxidFirst)
  writer.number(batch.count)
  writer.binary(batch.bytes)
}

function messageFrom(reader: MsgpackReader, length: number): PeerMessage {
  const kind = KINDS.get(reader.number())
  switch (kind) {
    case undefined:
      throw badFrame('unknown message')
    case 'history':
      exactly(length, 5)
      return { kind, epoch: asEpoch(reader.number()), batch: batchFrom(reader) }
    case 'proposal':
      exactly(length, 6)
      return { kind, epoch: asEpoch(reader.number()), batch: batchFrom(reader), zxidCommitted: asZxid(reader.number()) }
    case 'ack':
    case 'commit':
      exactly(length, 3)
      return { kind, epoch: asEpoch(reader.number()), zxid: asZxid(reader.number()) }
    case 'requests':
      exactly(length, 3)
      return { kind, epoch: asEpoch(reader.number()), group: asBytes(reader.binary(), LIMITS.frameBytesMax) }
    default: {
      const fields: unknown[] = [kind]
      while (fields.length < length) fields.push(reader.value(2))
      return readMessage(kind, fields)
    }
  }
}

function batchFrom(reader: MsgpackReader): Batch {
  const batch = {
    zxidFirst: asZxid(reader.number()),
    count: asInteger(reader.number(), 1, LIMITS.recordBytesMax),
    bytes: asBytes(reader.binary(), LIMITS.frameBytesMax)
  }
  if (!isWellFormed(batch)) throw badFrame('the frames of a batch do not fill it')
  return batch
}

function fieldsOf(message: SeldomMessage): readonly unknown[] {
  switch (message.kind) {
    case 'notification': {
      const { round, state, vote, history, standing, acceptedEpoch, epoch, salvage } = message
      const votes = vote === null ? null : [vote.leader, vote.epoch, vote.zxid]
      return [
        round,
        STATES.indexOf(state),
        votes,
        history.epoch,
        history.zxid,
        STANDINGS.indexOf(standing),
        acceptedEpoch,
        epoch,
        salvage
      ]
    }
    case 'followerInfo':
      return [message.acceptedEpoch, STANDINGS.indexOf(message.standing)]
    case 'leaderInfo':
      return [message.epoch, message.ensembleId, message.founding]
    case 'ackEpoch': {
      const { epoch, promised, currentEpoch, standing, log, replace } = message
      const ends = log.epochEnds.flatMap(end => [end.epoch, end.counter])
      return [epoch, promised, currentEpoch, STANDINGS.indexOf(standing), log.zxidBase, ends, replace]
    }
    case 'truncate':
    case 'ackNewLeader':
      return [message.epoch, message.zxid]
    case 'replace':
      return [message.epoch, message.snapshot === null ? null : manifestFields(message.snapshot)]
    case 'snapshotChunk':
      return [message.epoch, message.index, message.bytes]
    case 'newLeader':
      return [message.epoch, message.zxid, message.ensembleId, VOTES.indexOf(message.vote)]
    case 'upToDate':
      return [message.epoch, message.zxidCommitted]
    case 'admit':
    case 'admitted':
    case 'abdicate':
      return [message.epoch]
    case 'ping':
      return [message.epoch, message.sequence, message.zxidCommitted]
    case 'pong':
      return [message.epoch, message.sequence, message.zxidDurable, message.payload]
    case 'readIndex':
      return [message.epoch, message.query]
    case 'readIndexReply':
      return [message.epoch, message.query, message.zxid]
    default:
      return unreachable(message)
  }
}

function readMessage(kind: SeldomMessage['kind'], fields: readonly unknown[]): SeldomMessage {
  switch (kind) {
    case 'notification': {
      const [, round, state, vote, historyEpoch, historyZxid, standing, acceptedEpoch, epoch, salvage] = asArray(fields, 10)
      return {
        kind,
        round: asCount(round),
        state: STATES[asIndex(state, STATES)] ?? 'looking',
        vote: asNullable(vote, asVote),
        history: { epoch: asEpoch(historyEpoch), zxid: asZxid(historyZxid) },
        standing: asStanding(standing),
        acceptedEpoch: asEpoch(acceptedEpoch),
        epoch: asEpoch(epoch),
        salvage: asBoolean(salvage)
      }
    }
    case 'followerInfo': {
      const [, acceptedEpoch, standing] = asArray(fields, 3)
      return { kind, acceptedEpoch: asEpoch(acceptedEpoch), standing: asStanding(standing) }
    }
    case 'leaderInfo': {
      const [, epoch, ensembleId, founding] = asArray(fields, 4)
      return { kind, epoch: asEpoch(epoch), ensembleId: asEnsembleId(ensembleId), founding: asBoolean(founding) }
    }
    case 'ackEpoch': {
      const [, epoch, promised, currentEpoch, standing, zxidBase, ends, replace] = asArray(fields, 8)
      return {
        kind,
        epoch: asEpoch(epoch),
        promised: asBoolean(promised),
        currentEpoch: asEpoch(currentEpoch),
        standing: asStanding(standing),
        log: asLogSummary(zxidBase, ends),
        replace: asBoolean(replace)
      }
    }
    case 'truncate':
    case 'ackNewLeader': {
      const [, epoch, zxid] = asArray(fields, 3)
      return { kind, epoch: asEpoch(epoch), zxid: asZxid(zxid) }
    }
    case 'replace': {
      const [, epoch, snapshot] = asArray(fields, 3)
      return { kind, epoch: asEpoch(epoch), snapshot: asNullable(snapshot, asManifest) }
    }
    case 'snapshotChunk': {
      const [, epoch, index, bytes] = asArray(fields, 4)
      return { kind, epoch: asEpoch(epoch), index: asCount(index), bytes: asBytes(bytes, LIMITS.frameBytesMax) }
    }
    case 'newLeader': {
      const [, epoch, zxid, ensembleId, vote] = asArray(fields, 5)
      return {
        kind,
        epoch: asEpoch(epoch),
        zxid: asZxid(zxid),
        ensembleId: asEnsembleId(ensembleId),
        vote: VOTES[asIndex(vote, VOTES)] ?? 'withheld'
      }
    }
    case 'upToDate': {
      const [, epoch, zxidCommitted] = asArray(fields, 3)
      return { kind, epoch: asEpoch(epoch), zxidCommitted: asZxid(zxidCommitted) }
    }
    case 'admit':
    case 'admitted':
    case 'abdicate': {
      const [, epoch] = asArray(fields, 2)
      return { kind, epoch: asEpoch(epoch) }
    }
    case 'ping': {
      const [, epoch, sequence, zxidCommitted] = asArray(fields, 4)
      return { kind, epoch: asEpoch(epoch), sequence: asCount(sequence), zxidCommitted: asZxid(zxidCommitted) }
    }
    case 'pong': {
      const [, epoch, sequence, zxidDurable, payload] = asArray(fields, 5)
      return {
        kind,
        epoch: asEpoch(epoch),
        sequence: asCount(sequence),
        zxidDurable: asZxid(zxidDurable),
        payload: asBytes(payload, LIMITS.frameBytesMax)
      }
    }
    case 'readIndex': {
      const [, epoch, query] = asArray(fields, 3)
      return { kind, epoch: asEpoch(epoch), query: asCount(query) }
    }
    case 'readIndexReply': {
      const [, epoch, query, zxid] = asArray(fields, 4)
      return { kind, epoch: asEpoch(epoch), query: asCount(query), zxid: asZxid(zxid) }
    }
    default:
      return unreachable(kind)
  }
}

function manifestFields(manifest: SnapshotManifest): readonly unknown[] {
  return [manifest.zxid, manifest.chunkCount, manifest.bytes, manifest.digest]
}

function asManifest(value: unknown): SnapshotManifest {
  const [zxid, chunkCount, bytes, digest] = asArray(value, 4)
  return {
    zxid: asZxid(zxid),
    chunkCount: asCount(chunkCount),
    bytes: asCount(bytes),
    digest: asString(digest, DIGEST_LENGTH_MAX)
  }
}

function asVote(value: unknown): Vote {
  const [leader, epoch, zxid] = asArray(value, 3)
  return { leader: asMemberId(leader), epoch: asEpoch(epoch), zxid: asZxid(zxid) }
}

function asLogSummary(zxidBase: unknown, ends: unknown): LogSummary {
  const flat = asList(ends, 2 * LIMITS.epochEndsMax)
  if (flat.length % 2 !== 0) throw badFrame('an epoch without its end')
  const epochEnds = []
  let before = asZxid(zxidBase)
  for (let index = 0; index < flat.length; index += 2) {
    const end = { epoch: asEpoch(flat[index]), counter: asInteger(flat[index + 1], 1, 2 ** 32 - 1) }
    const zxid = makeZxid(end.epoch, end.counter)
    const ascends = zxid > before && (index === 0 || end.epoch > asEpoch(flat[index - 2]))
    if (!ascends) throw badFrame('epoch ends that do not ascend')
    before = zxid
    epochEnds.push(end)
  }
  return { zxidBase: asZxid(zxidBase), epochEnds }
}

function asEnsembleId(value: unknown): string {
  return asString(value, ENSEMBLE_ID_LENGTH_MAX)
}

function asStanding(value: unknown): (typeof STANDINGS)[number] {
  return STANDINGS[asIndex(value, STANDINGS)] ?? 'withheld'
}

function asIndex(value: unknown, names: readonly string[]): number {
  return asOneOf(
    value,
    names.map((_, index) => index)
  )
}
