import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { MemberStatus } from '../../lib/index.js'
import { BenchProcess } from '../processes/bench-process.js'
import { freeLoopbackPorts } from '../processes/loopback-ports.js'
import type { HostOrders } from './hosted-member.js'

const SETTLE_MILLISECONDS_MAX = 30_000
const ASK_AGAIN_MILLISECONDS = 10

/** Processes of one program that host the members of an ensemble: loopback TCP, and a LevelDB directory for each that outlives its process. */
export class MemberProcesses<Known extends HostOrders> {
  readonly #program: URL
  readonly #nodeArguments: readonly string[]
  readonly #directory: string
  readonly #peers: readonly string[]
  #processes: readonly BenchProcess<Known>[] = []

  private constructor(program: URL, nodeArguments: readonly string[], directory: string, peers: readonly string[]) {
    this.#program = program
    this.#nodeArguments = nodeArguments
    this.#directory = directory
    this.#peers = peers
  }

  /** Nothing runs yet. `nodeArguments` are for Node.js. */
  static async prepare<Known extends HostOrders>(
    program: URL,
    members: number,
    nodeArguments: readonly string[] = []
  ): Promise<MemberProcesses<Known>> {
    const directory = await mkdtemp(join(tmpdir(), 'bench-moments-'))
    const peers = (await freeLoopbackPorts(members)).map(port => `tcp://127.0.0.1:${port}`)
    return new MemberProcesses<Known>(program, nodeArguments, directory, peers)
  }

  /** An ensemble that has a leader whom everybody follows. */
  static async start<Known extends HostOrders>(program: URL, members: number): Promise<MemberProcesses<Known>> {
    const processes = await MemberProcesses.prepare<Known>(program, members)
    try {
      await processes.launch()
      await processes.startMembers()
      await processes.leader()
      return processes
    } catch (error) {
      await processes.stop()
      throw error
    }
  }

  /** By index, one below the member's id. */
  get all(): readonly BenchProcess<Known>[] {
    return this.#processes
  }

  /** Resolves when each process has imported everything and waits for orders. */
  async launch(): Promise<void> {
    this.#processes = this.#peers.map(() => this.#fork())
    await Promise.all(this.#hosts.map(process => process.ask('ready')))
  }

  /** Resolves when all members serve. */
  async startMembers(): Promise<void> {
    await Promise.all(this.#peers.map((_, index) => this.#startMember(index)))
  }

  /** Has the process of a killed member take its place again, on what its directory holds. */
  async restart(index: number): Promise<void> {
    this.#processes = this.#processes.map((process, each) => (each === index ? this.#fork() : process))
    await this.#startMember(index)
  }

  /** Index of the leader, once every other member follows it in step. */
  async leader(): Promise<number> {
    const end = performance.now() + SETTLE_MILLISECONDS_MAX
    while (performance.now() < end) {
      const statuses: readonly MemberStatus[] = await Promise.all(this.#hosts.map(process => process.ask('status')))
      const leader = statuses.findIndex(({ role, serving, learners }) => {
        const inStep = learners.filter(({ synced, counted }) => synced && counted)
        return role === 'leading' && serving && inStep.length === statuses.length - 1
      })
      if (leader >= 0) return leader
      await sleep(ASK_AGAIN_MILLISECONDS)
    }
    throw new Error('no leader whom everybody follows')
  }

  /** As a crash of all at once would. */
  async kill(): Promise<void> {
    await Promise.all(this.#processes.map(process => process.kill()))
  }

  /** Ends all processes and removes what they have stored. */
  async stop(): Promise<void> {
    await this.kill()
    await rm(this.#directory, { recursive: true, force: true })
  }

  /** What is asked of them here, whatever else they answer. */
  get #hosts(): readonly BenchProcess<HostOrders>[] {
    return this.#processes
  }

  #fork(): BenchProcess<Known> {
    return new BenchProcess<Known>(this.#program, this.#nodeArguments)
  }

  async #startMember(index: number): Promise<void> {
    await this.#hosts[index]?.ask('start', this.#peers, index + 1, join(this.#directory, `${index + 1}`))
  }
}
