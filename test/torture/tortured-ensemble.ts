import { writeFileSync } from 'node:fs'
import { mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { formatZxid, type MemberId, type SessionId } from '../../lib/base/index.js'
import type { MemberOptions, MemberStatus } from '../../lib/index.js'
import { SUPER_DIGEST } from '../../lib/sim/clients/identities.js'
import type { HistoryEvent } from '../../lib/sim/history.js'
import { Ledger } from '../fixtures/integration-ledger.js'
import { freePorts } from '../fixtures/integration-ports.js'
import { MemberProcess } from '../fixtures/integration-process.js'
import { mergeHistories, readHistoryFile } from './history-file.js'
import { ProxiedNetwork } from './proxied-network.js'
import type { StoreOfMember } from './stored-logs.js'
import { CONTAINER_UNUSED_MILLISECONDS, listedPeers, machineClock, type TortureOrder } from './torture-order.js'
import { TorturedMember } from './tortured-member.js'

const PROGRAM = fileURLToPath(new URL('./torture-member.js', import.meta.url))

/** Short, so that failures are noticed and sessions expire within the run; long enough for a machine that has other things to do. */
const OPTIONS: MemberOptions = {
  tickTime: 200,
  initLimit: 25,
  syncLimit: 5,
  sessionTimeout: 4_000,
  requestTimeout: 30_000,
  startTimeout: 600_000,
  containerCheckInterval: 1_000,
  containerMaxNeverUsed: CONTAINER_UNUSED_MILLISECONDS,
  superDigest: SUPER_DIGEST,
  // Many snapshots, and all of them kept: so the logs reach back to the beginning.
  snapCount: 1_500,
  snapRetainCount: 1_000
}

export interface TorturedEnsembleOptions {
  readonly directory: string
  readonly members: number
  readonly seed: number
  readonly encrypted: boolean
}

/** Members in processes of their own, on real sockets and disks, with nothing between them but proxies. */
export class TorturedEnsemble {
  readonly directory: string
  readonly ids: readonly number[]
  readonly network: ProxiedNetwork
  /** Told what no member may do: stop by itself, answer with what is not an answer, write to the process's output, leave its process hanging. */
  readonly ledger = new Ledger()
  /** That were seen to have a leader. */
  readonly epochs = new Set<number>()
  /** What members at a zxid have said of their state. */
  readonly #digests = new Map<number, { readonly digest: string; readonly member: number }>()
  readonly #options: MemberOptions
  readonly #seed: number
  readonly #ports: ReadonlyMap<number, number>
  readonly #members = new Map<number, TorturedMember>()
  readonly #lives: TorturedMember[] = []
  readonly #ends: HistoryEvent[] = []
  readonly #wiped: StoreOfMember[] = []
  #closed = false

  private constructor(
    { directory, seed, encrypted }: TorturedEnsembleOptions,
    ports: ReadonlyMap<number, number>,
    network: ProxiedNetwork
  ) {
    this.directory = directory
    this.ids = [...ports.keys()]
    this.network = network
    this.#seed = seed
    this.#ports = ports
    this.#options = { ...OPTIONS, ensemble: `torture-${seed}`, ...(encrypted ? { secret: 'a secret of the tortured' } : {}) }
  }

  /** Nothing is started yet. */
  static async of(options: TorturedEnsembleOptions): Promise<TorturedEnsemble> {
    const ports = new Map((await freePorts(options.members)).map((port, index) => [index + 1, port]))
    const network = await ProxiedNetwork.between(ports, options.seed)
    await mkdir(join(options.directory, 'histories'), { recursive: true })
    return new TorturedEnsemble(options, ports, network)
  }

  /** Processes that live, stopped ones included. */
  get members(): readonly TorturedMember[] {
    return [...this.#members.values()].filter(member => !member.isGone)
  }

  get processes(): number {
    return this.#lives.length
  }

  isRunning(id: number): boolean {
    return this.#members.get(id)?.isGone === false
  }

  /** By what members last said; of several, that of the latest epoch. */
  get leader(): TorturedMember | null {
    const leading = this.members.filter(({ status }) => status?.role === 'leading' && status.serving)
    return leading.sort((one, other) => (other.status?.epoch ?? 0) - (one.status?.epoch ?? 0))[0] ?? null
  }

  member(id: number): TorturedMember {
    const member = this.#members.get(id)
    if (member === undefined) throw new Error(`member ${id} was never started`)
    return member
  }

  /** Begins a process for a member, and does not wait for it. */
  launch(id: number): TorturedMember {
    if (this.#closed) throw new Error('the torture was broken off')
    if (this.isRunning(id)) throw new Error(`member ${id} runs already`)
    const number = this.#lives.length + 1
    const order: TortureOrder = {
      process: number,
      routes: this.ids.map(to => [to, to === id ? (this.#ports.get(id) ?? 0) : this.network.port(id, to)]),
      historyFile: this.#historyFile(number),
      seed: this.#seed * 1_000 + number
    }
    // Here already, because the process may be killed before it gets that far.
    writeFileSync(order.historyFile, '', { mode: 0o600 })
    const process = new MemberProcess({
      peers: listedPeers(this.ids),
      options: { ...this.#options, id, dataDir: this.#dataDir(id) },
      ledger: this.ledger,
      program: { file: PROGRAM, args: [JSON.stringify(order)] }
    })
    const member = new TorturedMember(id, number, process, status => this.#onStatus(status))
    this.#members.set(id, member)
    this.#lives.push(member)
    void process.exited.then(({ code, signal }) => {
      this.#ends.push({
        at: machineClock(),
        member: id as MemberId,
        process: number,
        session: 0 as SessionId,
        kind: 'ended'
      })
      if (process.output !== '') this.ledger.onFault(`member ${id} has written to its process's output: ${process.output}`)
      if (signal !== 'SIGKILL' && code !== 0) this.ledger.onFault(`the process of member ${id} has ended with ${signal ?? code}`)
    })
    return member
  }

  /** Takes the directory of a member that does not run away. What it held is looked at in the end. */
  async wipe(id: number): Promise<void> {
    const directory = join(this.directory, `wiped-${this.#wiped.length + 1}-of-${id}`)
    await rename(this.#dataDir(id), directory)
    this.#wiped.push({ member: id, directory, wiped: true })
  }

  /** Ends every process, and lets no other begin. */
  async close(): Promise<void> {
    this.#closed = true
    for (const member of this.members) member.process.signal('SIGKILL')
    await Promise.all(this.#lives.map(({ process }) => process.exited))
    await this.network.close()
  }

  /** What all clients did and saw. */
  async history(): Promise<readonly HistoryEvent[]> {
    const histories = await Promise.all(this.#lives.map(({ number }) => readHistoryFile(this.#historyFile(number))))
    return mergeHistories([...histories, this.#ends])
  }

  /** Every store that there is or was. */
  get stores(): readonly StoreOfMember[] {
    return [...this.ids.map(id => ({ member: id, directory: this.#dataDir(id), wiped: false })), ...this.#wiped]
  }

  get ensembleName(): string {
    return this.#options.ensemble ?? ''
  }

  #onStatus({ id, role, serving, epoch, zxidApplied, digest }: MemberStatus): void {
    if (role === 'leading' && serving) this.epochs.add(epoch)
    const known = this.#digests.get(zxidApplied)
    if (known === undefined) this.#digests.set(zxidApplied, { digest, member: id })
    else if (known.digest !== digest)
      this.ledger.onFault(`members ${known.member} and ${id} differ at ${formatZxid(zxidApplied)}`)
  }

  #dataDir(id: number): string {
    return join(this.directory, `data-${id}`)
  }

  #historyFile(number: number): string {
    return join(this.directory, 'histories', `${number}.jsonl`)
  }
}
