import { crc32 } from 'node:zlib'
import { FORMAT_VERSION, newerFormat } from './envelope.js'
import { readIfThere, replaceFile } from './small-file.js'
import type { StoreIdentity } from './storage.js'

/** What an identity file says. */
interface IdentityContent extends StoreIdentity {
  readonly version: number
}

/**
 * Who a data directory belongs to, in a file that people can read: a line of JSON and a line with its CRC-32. Its version is that of the
 * whole directory, and is looked at before anything else is touched.
 */
export async function writeIdentity(path: string, { ensembleName, memberId, incarnation }: StoreIdentity): Promise<void> {
  const content: IdentityContent = { version: FORMAT_VERSION, ensembleName, memberId, incarnation }
  const json = JSON.stringify(content)
  await replaceFile(path, Buffer.from(`${json}\n${checksum(json)}\n`))
}

/** Null where there is no such file or it is not whole: the database knows it too. Rejects with `FORMAT_VERSION` for a newer one. */
export async function readIdentity(path: string): Promise<StoreIdentity | null> {
  const text = (await readIfThere(path))?.toString('utf8') ?? ''
  const [json, crc, rest] = text.split('\n')
  if (json === undefined || crc !== checksum(json) || rest !== '') return null
  const content = JSON.parse(json) as IdentityContent
  if (content.version > FORMAT_VERSION) throw newerFormat(content.version)
  const { ensembleName, memberId, incarnation } = content
  return { ensembleName, memberId, incarnation }
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0')
}
