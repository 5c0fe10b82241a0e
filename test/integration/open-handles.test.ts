import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { freePorts } from '../fixtures/integration-ports.js'

const PROGRAM = fileURLToPath(new URL('../fixtures/integration-exit.js', import.meta.url))

/** Longer than any of the library's timers that could keep a process for a while and then let go of it. */
const MILLISECONDS = 20_000

/** What became of a process that nobody ends. */
async function outcomeOf(t: Test, way: string, scheme: 'tcp' | 'ipc' | 'memory'): Promise<unknown> {
  const directory = await mkdtemp(join(tmpdir(), 'ezk-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  const ports = await freePorts(2)
  const addresses = {
    tcp: ports.map(port => `tcp://127.0.0.1:${port}`),
    ipc: [`ipc://${join(directory, '1.sock')}`, `ipc://${join(directory, '2.sock')}`],
    memory: ['memory:first', 'memory:second']
  }[scheme]
  const child = spawn(process.execPath, [PROGRAM, way, ...addresses, join(directory, 'data')], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: MILLISECONDS,
    killSignal: 'SIGKILL',
    env: { ...process.env, NODE_OPTIONS: '' }
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (output += chunk))
  return new Promise(resolve => child.once('close', (code, signal) => resolve({ code, signal, output })))
}

for (const scheme of ['tcp', 'ipc', 'memory'] as const) {
  t.test(`a process ends by itself once its members on ${scheme} are closed`, async t => {
    for (const way of ['inMemory', 'onDisk', 'withSecret', 'three', 'closedTwice']) {
      t.strictSame(await outcomeOf(t, way, scheme), { code: 0, signal: null, output: '' }, way)
    }
  })

  t.test(`a process ends by itself after a start on ${scheme} that came to nothing`, async t => {
    for (const way of ['startTimeout', 'addressTaken', 'dataDirTaken', 'aborted']) {
      t.strictSame(await outcomeOf(t, way, scheme), { code: 0, signal: null, output: '' }, way)
    }
  })
}
