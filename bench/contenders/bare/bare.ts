import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { measureShared } from '../../load/shared-load.js'
import { BenchProcess } from '../../processes/bench-process.js'
import { freeLoopbackPorts } from '../../processes/loopback-ports.js'
import type { BenchEnsemble, Contender, EnsembleShape } from '../contender.js'
import type { BareOrders } from './bare-program.js'

const PROGRAM = new URL('./bare-program.js', import.meta.url)

/** The limit of what can be built of these parts: see `bare-member.ts`. */
export const bare: Contender = {
  name: 'bare pipeline',
  operations: ['write'],
  found: () => ({ version: `Node.js ${process.version}` }),
  start
}

async function start(shape: EnsembleShape): Promise<BenchEnsemble> {
  const directory = await mkdtemp(join(tmpdir(), 'bench-bare-'))
  const [port = 0] = await freeLoopbackPorts(1)
  const processes = Array.from({ length: shape.members }, () => new BenchProcess<BareOrders>(PROGRAM))
  const stop = async (): Promise<void> => {
    await Promise.all(processes.map(process => process.kill()))
    await rm(directory, { recursive: true, force: true })
  }
  try {
    await Promise.all(processes.map((process, id) => process.ask('start', id, port, shape.members, join(directory, `${id}`))))
    await processes[0]?.ask('fill', shape)
  } catch (error) {
    await stop()
    throw error
  }
  return { measure: load => measureShared(processes, 0, load), stop }
}
