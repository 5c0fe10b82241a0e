import { type MemberId, unreachable, ZooKeeperError } from '../base/index.js'
import {
  asBoolean,
  asBytes,
  asCount,
  asInteger,
  asMemberId,
  asNullable,
  asOneOf,
  asString,
  asTagged,
  badFrame
} from './fields.js'
import { decodeBounded, encode } from './msgpack.js'

/** The protocol's major version: leads every handshake frame. Another one is refused with `FORMAT_VERSION`. */
export const PROTOCOL_VERSION = 1

/** What this build understands beyond the major version. Told to the other side; fields that a higher level appends are ignored. */
export const FEATURE_LEVEL = 1

/** Bytes of chance in each side's hello. */
export const NONCE_BYTES = 32

const PROOF_BYTES = 32
const MAGIC = Uint8Array.of(0x45, 0x5a, 0x4b, 0x50)
const PREFIX_BYTES = MAGIC.length + 1
const NAME_LENGTH_MAX = 255
const DETAIL_LENGTH_MAX = 500

/** What each side says of itself first. */
export interface Hello {
  readonly kind: 'hello'
  readonly ensembleName: string
  readonly ensembleId: string | null
  readonly id: MemberId
  /** Whom it believes to talk to; null from the side that was dialled, which cannot know before it is told. */
  readonly addressee: MemberId | null
  readonly incarnation: string
  readonly run: number
  /** Of the peer list: ids and addresses. */
  readonly fingerprint: string
  readonly featureLevel: number
  readonly nonce: Uint8Array
}

export const REFUSAL_CODES = [
  'ENSEMBLE_MISMATCH',
  'PEER_LIST_MISMATCH',
  'DUPLICATE_ID',
  'AUTHENTICATION_FAILED',
  'FORMAT_VERSION',
  'BAD_FRAME'
] as const

export type RefusalCode = (typeof REFUSAL_CODES)[number]

/** The frames of a handshake. lib/transport/README.md tells their order and what each is for. */
export type HandshakeMessage =
  | Hello
  /** Proof of the shared secret over both hellos; null where there is none or the channel itself has proven it. */
  | { readonly kind: 'prove'; readonly proof: Uint8Array | null }
  /** From the lower id: it would take this channel as the link. `seen` is the last link that the other side selected, `held` whether it is still up here. */
  | { readonly kind: 'ready'; readonly seen: number; readonly held: boolean }
  /** From the higher id: this channel is the link from now on. */
  | { readonly kind: 'select'; readonly generation: number }
  /** From the higher id: this channel is not needed, the link that there is has just shown life. */
  | { readonly kind: 'redundant' }
  | { readonly kind: 'refuse'; readonly code: RefusalCode; readonly detail: string }

const TAGS = { hello: 0, prove: 1, ready: 2, select: 3, redundant: 4, refuse: 5 } as const

export function encodeHandshake(message: HandshakeMessage): Uint8Array {
  const body = encode(fieldsOf(message))
  const frame = new Uint8Array(PREFIX_BYTES + body.length)
  frame.set(MAGIC)
  frame[MAGIC.length] = PROTOCOL_VERSION
  frame.set(body, PREFIX_BYTES)
  return frame
}

/** @throws ZooKeeperError `BAD_FRAME`, or `FORMAT_VERSION` when it speaks our protocol in another major version */
export function decodeHandshake(frame: Uint8Array): HandshakeMessage {
  if (MAGIC.some((byte, index) => frame[index] !== byte)) throw badFrame('these are not frames of embedded-zookeeper')
  const version = frame[MAGIC.length]
  if (version !== PROTOCOL_VERSION) {
    throw new ZooKeeperError('FORMAT_VERSION', {
      message: `the peer speaks protocol ${version}, this member ${PROTOCOL_VERSION}`
    })
  }
  const fields = asTagged(decodeBounded(frame.subarray(PREFIX_BYTES)))
  const tag = asOneOf(fields[0], Object.values(TAGS))
  switch (tag) {
    case TAGS.hello:
      return helloOf(fields)
    case TAGS.prove:
      return { kind: 'prove', proof: asNullable(fields[1], proofOf) }
    case TAGS.ready:
      return { kind: 'ready', seen: asCount(fields[1]), held: asBoolean(fields[2]) }
    case TAGS.select:
      return { kind: 'select', generation: asInteger(fields[1], 1, Number.MAX_SAFE_INTEGER) }
    case TAGS.redundant:
      return { kind: 'redundant' }
    case TAGS.refuse:
      return { kind: 'refuse', code: asOneOf(fields[1], REFUSAL_CODES), detail: asString(fields[2], DETAIL_LENGTH_MAX) }
    default:
      return unreachable(tag)
  }
}

function fieldsOf(message: HandshakeMessage): readonly unknown[] {
  switch (message.kind) {
    case 'hello':
      return [
        TAGS.hello,
        message.ensembleName,
        message.ensembleId,
        message.id,
        message.addressee,
        message.incarnation,
        message.run,
        message.fingerprint,
        message.featureLevel,
        message.nonce
      ]
    case 'prove':
      return [TAGS.prove, message.proof]
    case 'ready':
      return [TAGS.ready, message.seen, message.held]
    case 'select':
      return [TAGS.select, message.generation]
    case 'redundant':
      return [TAGS.redundant]
    case 'refuse':
      return [TAGS.refuse, message.code, textOf(message.detail)]
    default:
      return unreachable(message)
  }
}

/** Cut to its bound, and without the halves of characters that the cut may have left: they would not decode. */
function textOf(detail: string): string {
  return detail.slice(0, DETAIL_LENGTH_MAX).replace(/\p{Surrogate}/gu, '?')
}

function helloOf(fields: readonly unknown[]): Hello {
  const nonce = asBytes(fields[9], NONCE_BYTES)
  if (nonce.length !== NONCE_BYTES) throw badFrame('a nonce of the wrong size')
  return {
    kind: 'hello',
    ensembleName: asString(fields[1], NAME_LENGTH_MAX),
    ensembleId: asNullable(fields[2], value => asString(value, NAME_LENGTH_MAX)),
    id: asMemberId(fields[3]),
    addressee: asNullable(fields[4], asMemberId),
    incarnation: asString(fields[5], NAME_LENGTH_MAX),
    run: asCount(fields[6]),
    fingerprint: asString(fields[7], NAME_LENGTH_MAX),
    featureLevel: asCount(fields[8]),
    nonce
  }
}

function proofOf(value: unknown): Uint8Array {
  const proof = asBytes(value, PROOF_BYTES)
  if (proof.length !== PROOF_BYTES) throw badFrame('a proof of the wrong size')
  return proof
}
