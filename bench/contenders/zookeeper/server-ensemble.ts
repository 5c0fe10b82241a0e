import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerProcess } from './server-process.js'

/** How one server of an ensemble is started, and what it says about itself. */
export interface Server {
  /** Host and port for clients. */
  readonly address: string
  launch(): ServerProcess
  /** Null as long as it serves nobody. */
  role(): Promise<'leader' | 'follower' | null>
}

const SETTLE_MILLISECONDS_MAX = 30_000
const ASK_AGAIN_MILLISECONDS = 20

/** Servers that are no programs of ours, each in a process of its own, with their data below one folder that goes with them. */
export class ServerEnsemble {
  readonly #folder: string
  readonly #servers: readonly Server[]
  readonly #processes: ServerProcess[]

  constructor(folder: string, servers: readonly Server[]) {
    this.#folder = folder
    this.#servers = servers
    this.#processes = servers.map(server => server.launch())
  }

  get addresses(): readonly string[] {
    return this.#servers.map(({ address }) => address)
  }

  /** Index of the leader, once every other server that has not been killed follows it. */
  async leader(): Promise<number> {
    const end = performance.now() + SETTLE_MILLISECONDS_MAX
    while (performance.now() < end) {
      const roles = await Promise.all(this.#servers.map((server, index) => this.#roleOf(server, index)))
      const living = roles.filter((_, index) => !this.#processes[index]?.hasEnded)
      if (living.filter(role => role === 'leader').length === 1 && !living.includes(null)) return roles.indexOf('leader')
      await sleep(ASK_AGAIN_MILLISECONDS)
    }
    throw new Error(`no leader whom everybody follows\n${this.#complaints()}`)
  }

  /** As a crash would: SIGKILL. Resolves when the operating system has cleared the process away. */
  async kill(index: number): Promise<void> {
    await this.#processes[index]?.kill()
  }

  /** Starts a killed server over what its disk holds. `leader` resolves when it is part of the ensemble again. */
  restart(index: number): void {
    const server = this.#servers[index]
    if (server === undefined || !this.#processes[index]?.hasEnded) throw new Error(`server ${index} has not been killed`)
    this.#processes[index] = server.launch()
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map(process => process.kill()))
    await rm(this.#folder, { recursive: true, force: true })
  }

  async #roleOf(server: Server, index: number): Promise<'leader' | 'follower' | null> {
    return this.#processes[index]?.hasEnded ? null : server.role()
  }

  #complaints(): string {
    return this.#processes
      .map(({ hasEnded, complaint }, index) => `${index}${hasEnded ? ' (ended)' : ''}: ${complaint}`)
      .join('\n')
  }
}
