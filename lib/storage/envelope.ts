import { crc32 } from 'node:zlib'
import { ZooKeeperError } from '../base/index.js'

/**
 * What every value that we write begins with, and always will: format version (1 byte), kind (1 byte), CRC-32 over those two and everything
 * behind the CRC (4 bytes, big-endian). Because this much never changes, a whole record of a newer version can be told from a broken one.
 */
export const ENVELOPE_BYTES = 6

/** The format that this code writes, and the newest that it reads. */
export const FORMAT_VERSION = 1

/** What a value is; a value of one kind never passes for one of another. */
export const KINDS = { log: 0x4c, manifest: 0x53, chunk: 0x43, meta: 0x4d, note: 0x4e } as const
export type Kind = keyof typeof KINDS

const CRC_OFFSET = 2

/** CRC-32 of the two bytes that a value of each kind begins with: what the CRC of the rest is continued from. */
const CRC_BEGUN = Object.fromEntries(
  Object.entries(KINDS).map(([kind, byte]) => [kind, crc32(Uint8Array.of(FORMAT_VERSION, byte))])
) as Record<Kind, number>

/** Completes a value whose bytes behind the envelope are written; returns its CRC. */
export function seal(kind: Kind, bytes: Buffer): number {
  bytes[0] = FORMAT_VERSION
  bytes[1] = KINDS[kind]
  const crc = crc32(bytes.subarray(ENVELOPE_BYTES), CRC_BEGUN[kind])
  bytes.writeUInt32BE(crc, CRC_OFFSET)
  return crc
}

/** A whole value of this kind as a buffer (a view, not a copy), null when it is not whole. Throws `FORMAT_VERSION` for a whole one of a newer format. */
export function unseal(kind: Kind, value: Uint8Array): { readonly bytes: Buffer; readonly crc: number } | null {
  if (value.length < ENVELOPE_BYTES) return null
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  const crc = bytes.readUInt32BE(CRC_OFFSET)
  if (checksum(bytes) !== crc || bytes[1] !== KINDS[kind]) return null
  const version = bytes[0] ?? 0
  if (version > FORMAT_VERSION) throw newerFormat(version)
  return version === FORMAT_VERSION ? { bytes, crc } : null
}

export function newerFormat(version: unknown): ZooKeeperError {
  return new ZooKeeperError('FORMAT_VERSION', {
    message: `the data was written in format ${version}; this version of the library reads up to ${FORMAT_VERSION}`
  })
}

function checksum(bytes: Uint8Array): number {
  return crc32(bytes.subarray(ENVELOPE_BYTES), crc32(bytes.subarray(0, CRC_OFFSET)))
}
