export {
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
  asSessionId,
  asString,
  asTagged,
  asZxid,
  badFrame
} from './fields.js'
export { FrameDecoder, FrameQueue } from './framing.js'
export type { HandshakeMessage, Hello, RefusalCode } from './handshake-codec.js'
export { decodeHandshake, encodeHandshake, FEATURE_LEVEL, NONCE_BYTES, PROTOCOL_VERSION } from './handshake-codec.js'
export { decodeBounded, encode } from './msgpack.js'
export { OpenBatch } from './open-batch.js'
export { decodePeerMessage, encodePeerMessage } from './peer-codec.js'
export type { MemberMessage, PeerMessage } from './peer-message.js'
export type { Request, RequestBody } from './request-codec.js'
export { decodeRequests, encodeRequests, requestBytesBound } from './request-codec.js'
export type { SnapshotChunk } from './snapshot-codec.js'
export { decodeSnapshotChunk, encodeSessionChunks, encodeSnapshotChunk, encodeZnodeChunks } from './snapshot-codec.js'
export type { EndSessionChange, Txn, TxnChange } from './txn.js'
export { ephemeralsEndedBy } from './txn.js'
export { decodeTxn, encodeTxn } from './txn-codec.js'
