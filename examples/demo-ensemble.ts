import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { MemberStatus } from 'embedded-zookeeper'
import { Ledger } from './demo-ledger.js'
import type { Notice } from './demo-messages.js'
import { DemoProcess } from './demo-process.js'
import { freeLoopbackAddresses } from './loopback-ports.js'

const SETTLE_MILLISECONDS_MAX = 10_000
const LOOK_MILLISECONDS = 10

/** The demo's three members, each in a process of its own, with data in a temporary directory and links over TCP. */
export class DemoEnsemble {
  readonly addresses: readonly string[]
  readonly ledger = new Ledger()
  readonly #directory: string
  readonly #processes = new Map<number, DemoProcess>()
  /** Every process that was ever started. */
  readonly #started: DemoProcess[] = []
  #isOver = false

  private constructor(addresses: readonly string[], directory: string) {
    this.addresses = addresses
    this.#directory = directory
  }

  static async create(): Promise<DemoEnsemble> {
    const addresses = await freeLoopbackAddresses(3)
    return new DemoEnsemble(addresses, await mkdtemp(join(tmpdir(), 'embedded-zookeeper-')))
  }

  /** Processes that live, ascending by id. */
  get processes(): readonly DemoProcess[] {
    return [...this.#processes.values()].sort((a, b) => a.id - b.id)
  }

  process(id: number): DemoProcess {
    const process = this.#processes.get(id)
    if (process === undefined) throw new Error(`member ${id} does not run`)
    return process
  }

  /** Starts a member's process. Resolves once the member serves. */
  async start(id: number): Promise<void> {
    if (this.#isOver) throw new Error('the demo is over')
    const process = new DemoProcess(id, notice => this.#onNotice(notice))
    this.#started.push(process)
    this.#processes.set(id, process)
    const dataDir = join(this.#directory, `member-${id}`)
    await process.ask('start', this.addresses, id, dataDir)
  }

  async startAll(): Promise<void> {
    await Promise.all(this.addresses.map((_, index) => this.start(index + 1)))
  }

  /** Ends a member's process without any warning. Resolves when the operating system has cleared it away. */
  async kill(id: number): Promise<void> {
    const process = this.process(id)
    this.#processes.delete(id)
    process.kill()
    await process.ended
  }

  /** Has a member's process write steadily. */
  beginWriting(id: number): Promise<void> {
    return this.process(id).ask('beginWriting', `m${id}-${this.#started.length}`)
  }

  async endWriting(): Promise<void> {
    await Promise.all(this.processes.map(process => process.ask('endWriting')))
  }

  /** The leader, once every other member follows it in step. */
  async settledLeader(): Promise<DemoProcess> {
    return until('a leader whom everybody follows', async () => {
      for (const process of this.processes) {
        const { role, serving, learners } = await process.ask('status')
        const inStep = learners.filter(({ synced, counted }) => synced && counted)
        if (role === 'leading' && serving && inStep.length === this.processes.length - 1) return process
      }
      return null
    })
  }

  /** All members' states, once nothing moves any more. */
  async quiet(): Promise<readonly MemberStatus[]> {
    return until('all members at the same zxid', async () => {
      await Promise.all(this.processes.map(process => process.ask('sync')))
      const statuses = await Promise.all(this.processes.map(process => process.ask('status')))
      return new Set(statuses.map(({ zxidApplied }) => zxidApplied)).size === 1 ? statuses : null
    })
  }

  /** Closes all members, as an application that ends. Resolves to what their processes ended with. */
  async close(): Promise<readonly (number | NodeJS.Signals | null)[]> {
    const processes = this.processes
    await Promise.all(processes.map(process => process.ask('close')))
    return Promise.all(processes.map(process => process.ended))
  }

  /** Ends all processes at once; no further one can be started. */
  killAll(): void {
    this.#isOver = true
    for (const process of this.#started) process.kill()
  }

  /** Leaves nothing behind, whatever has happened. */
  async clearAway(): Promise<void> {
    this.killAll()
    await Promise.all(this.#started.map(process => process.ended))
    await rm(this.#directory, { recursive: true, force: true })
  }

  #onNotice(notice: Notice): void {
    if (notice.kind === 'refused') this.ledger.refused(notice.reason)
    else for (const write of notice.writes) this.ledger.acknowledged(write)
  }
}

async function until<T>(what: string, look: () => Promise<T | null>): Promise<T> {
  const end = performance.now() + SETTLE_MILLISECONDS_MAX
  while (performance.now() < end) {
    const found = await look()
    if (found !== null) return found
    await sleep(LOOK_MILLISECONDS)
  }
  throw new Error(`waited in vain for ${what}`)
}
