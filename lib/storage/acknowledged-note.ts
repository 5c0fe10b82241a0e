import { writeSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Epoch } from '../base/index.js'
import { ENVELOPE_BYTES, seal, unseal } from './envelope.js'
import { readUInt64, readZxid, writeUInt64 } from './record.js'
import { FILE_MODE, readIfThere, syncDirectory } from './small-file.js'
import type { Noted } from './surroundings.js'

const SEQUENCE = ENVELOPE_BYTES
const REVISION = SEQUENCE + 8
const ZXID_END = REVISION + 8
const ACCEPTED_EPOCH = ZXID_END + 8
const CURRENT_EPOCH = ACCEPTED_EPOCH + 4
const NOTE_BYTES = CURRENT_EPOCH + 4

/** The slots lie in sectors of their own, so that no tear reaches both. */
const SLOT_BYTES = 512
const SLOTS = 2

/**
 * A small file beside the database that says what has been acknowledged, so that a database which has silently lost its end is found out.
 *
 * Written in two slots by turns, each with its CRC: a torn write leaves the other one. Not synced: after a power loss it may say less than
 * was acknowledged, never more.
 */
export class AcknowledgedNote {
  readonly #file: FileHandle
  readonly #bytes = Buffer.alloc(NOTE_BYTES)
  #sequence: number

  private constructor(file: FileHandle, sequence: number) {
    this.#file = file
    this.#sequence = sequence
  }

  /** What the note says; `missing` where the file is there but neither slot is whole, null where there is no file. */
  static async read(path: string): Promise<Noted | 'missing' | null> {
    const content = await readIfThere(path)
    if (content === null) return null
    return newest(content) ?? 'missing'
  }

  /** Opens the note and writes it. Made, and that durably, where there is none. */
  static async open(path: string, noted: Noted): Promise<AcknowledgedNote> {
    const content = await readIfThere(path)
    const file = await open(path, content === null ? 'wx+' : 'r+', FILE_MODE)
    const note = new AcknowledgedNote(file, content === null ? 0 : (newest(content)?.sequence ?? 0))
    const isWhole = content !== null && content.length >= SLOTS * SLOT_BYTES
    try {
      if (!isWhole) await file.truncate(SLOTS * SLOT_BYTES)
      note.write(noted)
      if (!isWhole) {
        await file.sync()
        await syncDirectory(dirname(path))
      }
    } catch (error) {
      await file.close()
      throw error
    }
    return note
  }

  /**
   * PERF: synchronous, 38 bytes over bytes that the system has in memory, a few microseconds: every acknowledgement waits for it, and a way
   * through another thread and back costs as much as a third of a synced write. See docs/decisions/0025.
   */
  write(noted: Noted): void {
    const bytes = this.#bytes
    const sequence = ++this.#sequence
    writeUInt64(bytes, sequence, SEQUENCE)
    writeUInt64(bytes, noted.revision, REVISION)
    writeUInt64(bytes, noted.zxidEnd, ZXID_END)
    bytes.writeUInt32BE(noted.acceptedEpoch, ACCEPTED_EPOCH)
    bytes.writeUInt32BE(noted.currentEpoch, CURRENT_EPOCH)
    seal('note', bytes)
    writeSync(this.#file.fd, bytes, 0, NOTE_BYTES, (sequence % SLOTS) * SLOT_BYTES)
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}

function newest(content: Buffer): (Noted & { readonly sequence: number }) | null {
  const slots = [slotAt(content, 0), slotAt(content, SLOT_BYTES)].filter(slot => slot !== null)
  return slots.reduce((one, other) => (one !== null && one.sequence > other.sequence ? one : other), slots[0] ?? null)
}

function slotAt(content: Buffer, offset: number): (Noted & { readonly sequence: number }) | null {
  const whole = content.length < offset + NOTE_BYTES ? null : unseal('note', content.subarray(offset, offset + NOTE_BYTES))
  if (whole === null) return null
  const { bytes } = whole
  const zxidEnd = readZxid(bytes, ZXID_END)
  if (zxidEnd === null) return null
  return {
    sequence: readUInt64(bytes, SEQUENCE),
    revision: readUInt64(bytes, REVISION),
    zxidEnd,
    acceptedEpoch: bytes.readUInt32BE(ACCEPTED_EPOCH) as Epoch,
    currentEpoch: bytes.readUInt32BE(CURRENT_EPOCH) as Epoch
  }
}
