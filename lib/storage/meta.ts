import type { Epoch, Zxid } from '../base/index.js'
import { ENVELOPE_BYTES, type Kind, seal, unseal } from './envelope.js'
import type { SnapshotManifest, StoreIdentity, VoteState } from './storage.js'

/** The one record that says what counts. Whatever changes it changes it in the same atomic batch. */
export interface Meta {
  readonly identity: StoreIdentity
  readonly run: number
  /** Grows with every write of this record; the note beside the database and every log record name the one they were written under. */
  readonly revision: number
  /** The history that counts. */
  readonly generation: number
  readonly ensembleId: string | null
  readonly acceptedEpoch: Epoch
  readonly currentEpoch: Epoch
  readonly vote: VoteState
  readonly zxidBase: Zxid
  /** The end of the log when this was written: the log ends here or further on, unless something has been lost. */
  readonly zxidEnd: Zxid
  /** The snapshots that count, ascending. One that is not listed does not exist. */
  readonly snapshots: readonly Zxid[]
  /** Damage once found stays until a replacement has taken the place of everything, whatever a later open thinks of it. */
  readonly damage: StoredDamage | null
}

export interface StoredDamage {
  readonly description: string
  /** The last generation that existed when the damage was found. Later ones are replacements that were never completed. */
  readonly generationLast: number
}

/** A manifest as it is stored: with what binds it to its very chunks. */
export interface StoredManifest extends SnapshotManifest {
  readonly generation: number
  /** CRC-32 over the chunks' CRCs, in order. */
  readonly chunksCrc: number
}

export function encodeMeta(meta: Meta): Uint8Array {
  return encodeJson('meta', meta)
}

/** Null when it is not whole. */
export function decodeMeta(value: Uint8Array): Meta | null {
  return decodeJson('meta', value) as Meta | null
}

export function encodeManifest(manifest: StoredManifest): Uint8Array {
  return encodeJson('manifest', manifest)
}

/** Null when it is not whole or not the one that was written at this place. */
export function decodeManifest(value: Uint8Array, generation: number, zxid: Zxid): StoredManifest | null {
  const manifest = decodeJson('manifest', value) as StoredManifest | null
  return manifest !== null && manifest.generation === generation && manifest.zxid === zxid ? manifest : null
}

function encodeJson(kind: Kind, content: Meta | StoredManifest): Uint8Array {
  const text = JSON.stringify(content)
  const bytes = Buffer.allocUnsafeSlow(ENVELOPE_BYTES + Buffer.byteLength(text))
  bytes.write(text, ENVELOPE_BYTES)
  seal(kind, bytes)
  return bytes
}

/** The content is believed once the CRC holds: only this file writes it. */
function decodeJson(kind: Kind, value: Uint8Array): unknown {
  const whole = unseal(kind, value)
  return whole === null ? null : JSON.parse(whole.bytes.toString('utf8', ENVELOPE_BYTES))
}
