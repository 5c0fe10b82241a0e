import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beMember, startThree } from './three-members.js'

// The same over unix sockets, for the processes of one machine: no port, and only who may enter the directory can connect.
// `ipc:name` instead of a path picks a private directory by itself, and a named pipe on Windows.

const [, program = fileURLToPath(import.meta.url), argument] = process.argv
if (argument === undefined) {
  const directory = await mkdtemp(join(tmpdir(), 'unix-sockets-'))
  const peers = ['a', 'b', 'c'].map(name => `ipc://${join(directory, `${name}.sock`)}`)
  console.log('an ensemble at a.sock, b.sock and c.sock')
  await startThree(program, peers, directory)
  await rm(directory, { recursive: true })
} else {
  await beMember(argument)
}
