import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { MemberStatus } from '../../../lib/index.js'
import { measureShared } from '../../load/shared-load.js'
import { BenchProcess } from '../../processes/bench-process.js'
import { freeLoopbackPorts } from '../../processes/loopback-ports.js'
import type { BenchEnsemble, Contender, EnsembleShape, Load, Measurement } from '../contender.js'
import type { MemberOrders } from './member-program.js'

const PROGRAM = new URL('./member-program.js', import.meta.url)
const SETTLE_MILLISECONDS_MAX = 30_000

export const ours: Contender = {
  name: 'embedded-zookeeper',
  operations: ['write', 'read', 'linearizable'],
  found: () => ({ version: `this checkout, Node.js ${process.version}` }),
  start: shape => OurEnsemble.start(shape)
}

/** Members in processes of their own, on loopback TCP and LevelDB, with the options that everybody gets who gives none. */
export class OurEnsemble implements BenchEnsemble {
  readonly processes: readonly BenchProcess<MemberOrders>[]
  readonly #directory: string

  private constructor(processes: readonly BenchProcess<MemberOrders>[], directory: string) {
    this.processes = processes
    this.#directory = directory
  }

  /** `nodeArguments` are for Node.js: `--cpu-prof`, say. */
  static async start(shape: EnsembleShape, nodeArguments: readonly string[] = []): Promise<OurEnsemble> {
    const directory = await mkdtemp(join(tmpdir(), 'bench-ours-'))
    const ports = await freeLoopbackPorts(shape.members)
    const peers = ports.map(port => `tcp://127.0.0.1:${port}`)
    const processes = peers.map(() => new BenchProcess<MemberOrders>(PROGRAM, nodeArguments))
    const ensemble = new OurEnsemble(processes, directory)
    try {
      await Promise.all(
        processes.map((process, index) => process.ask('start', peers, index + 1, join(directory, `${index + 1}`)))
      )
      const leader = processes[await ensemble.leader()]
      await leader?.ask('fill', shape)
      return ensemble
    } catch (error) {
      await ensemble.stop()
      throw error
    }
  }

  async measure(load: Load): Promise<Measurement> {
    return measureShared(this.processes, await this.leader(), load)
  }

  /** Index of the leader, once every other member follows it in step. */
  async leader(): Promise<number> {
    const end = performance.now() + SETTLE_MILLISECONDS_MAX
    while (performance.now() < end) {
      const statuses: readonly MemberStatus[] = await Promise.all(this.processes.map(process => process.ask('status')))
      const leader = statuses.findIndex(({ role, serving, learners }) => {
        const inStep = learners.filter(({ synced, counted }) => synced && counted)
        return role === 'leading' && serving && inStep.length === statuses.length - 1
      })
      if (leader >= 0) return leader
      await sleep(10)
    }
    throw new Error('no leader whom everybody follows')
  }

  async stop(): Promise<void> {
    await Promise.all(this.processes.map(process => process.kill()))
    await rm(this.#directory, { recursive: true, force: true })
  }
}
