// PERF: the global `Buffer` is a getter, which costs a call each time.
import { Buffer } from 'node:buffer'
import { MsgpackReader } from './msgpack-reader.js'
import { MsgpackWriter } from './msgpack-writer.js'

/**
 * The part of MessagePack that messages and logs are made of: null, booleans, numbers, strings, bytes, and arrays of these, nested no deeper
 * than `LIMITS.messageDepthMax`. No maps and no extension types.
 *
 * Our own, because every txn comes through here several times: see docs/decisions/0024, which also says what the library is still for.
 */

/** Above this the working memory is given back instead of kept for the next message. */
const WORKING_BYTES_KEPT = 256 * 1024
const WORKING_BYTES = 16 * 1024

let working = new MsgpackWriter(Buffer.allocUnsafeSlow(WORKING_BYTES))

/**
 * One message, in bytes of its own. Strings must be free of lone surrogates: {@link decodeBounded} refuses what they become. A value that no
 * message is made of is our bug and throws.
 */
export function encode(value: unknown): Uint8Array {
  const writer = workingWriter()
  writer.value(value)
  return Buffer.from(writer.written())
}

/** An empty writer, in memory that the next call overwrites: for what is copied out of it at once. */
export function workingWriter(): MsgpackWriter {
  if (working.capacity > WORKING_BYTES_KEPT) working = new MsgpackWriter(Buffer.allocUnsafeSlow(WORKING_BYTES))
  working.cut(0)
  return working
}

/**
 * Decodes a whole message that nobody has vouched for. Binary values are views into `bytes`, not copies: they keep the whole frame alive, and
 * change when it is changed.
 * @throws ZooKeeperError `BAD_FRAME`, and nothing else
 */
export function decodeBounded(bytes: Uint8Array): unknown {
  const reader = new MsgpackReader(bytes)
  const value = reader.value()
  reader.finish()
  return value
}
