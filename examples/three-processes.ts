import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freeLoopbackAddresses } from './loopback-ports.js'
import { beMember, startThree } from './three-members.js'

// Three processes in one terminal form an ensemble over TCP. This program starts itself three times.

const [, program = fileURLToPath(import.meta.url), argument] = process.argv
if (argument === undefined) {
  const directory = await mkdtemp(join(tmpdir(), 'three-processes-'))
  const peers = await freeLoopbackAddresses(3)
  console.log(`an ensemble at ${peers.join(', ')}`)
  await startThree(program, peers, directory)
  await rm(directory, { recursive: true })
} else {
  await beMember(argument)
}
