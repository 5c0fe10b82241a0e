import tap from 'tap'
import { type MemberId, randomInt, seededRandom } from '../../lib/base/index.js'
import { VirtualRuntime } from '../../lib/sim/world/virtual-runtime.js'
import { MemoryNetwork } from '../../lib/transport/index.js'
import { LinkedMember, memoryPeers } from '../fixtures/linked-member.js'

/** One life of a member's process. */
interface Life {
  readonly member: LinkedMember
  readonly halt: () => void
}

/** Three members under one seed: who runs first, how long frames travel, and what breaks. */
class Run {
  readonly random
  readonly virtual
  readonly network
  readonly lives = new Map<number, Life>()
  readonly ids: readonly number[]
  readonly #peers
  #run = 0

  constructor(seed: number, ids: readonly number[]) {
    this.ids = ids
    this.random = seededRandom(seed)
    this.virtual = new VirtualRuntime(seed, { shuffle: true })
    const latencyMax = [0, 1, 30][seed % 3] ?? 0
    this.network = new MemoryNetwork({ latency: () => this.random.float() * latencyMax })
    this.#peers = memoryPeers(...ids)
  }

  async start(id: number): Promise<void> {
    const process = this.virtual.process()
    const member = new LinkedMember({
      id: id as MemberId,
      peers: this.#peers,
      runtime: process,
      transports: { memory: this.network.transport(String(id), process.scheduler) },
      introduction: { incarnation: `store of ${id}`, run: ++this.#run, ensembleId: null }
    })
    this.lives.set(id, { member, halt: () => process.halt() })
    await member.start()
  }

  get members(): LinkedMember[] {
    return [...this.lives.values()].map(life => life.member)
  }

  get pairs(): [number, number][] {
    return this.ids.flatMap(a => this.ids.filter(b => b > a).map(b => [a, b] as [number, number]))
  }

  isComplete(): boolean {
    return this.members.every(member => member.isLinkedTo(...this.ids.filter(id => id !== member.id)))
  }

  /** One channel per pair, and what is sent on it arrives: so both sides mean the same one. */
  async verify(t: Pick<typeof tap, 'fail'>, label: string): Promise<void> {
    for (const member of this.members) for (const id of this.ids) member.send(id, label)
    await this.virtual.run(500)
    for (const [a, b] of this.pairs) {
      if (this.network.channelsBetween(String(a), String(b)) !== 1) t.fail(`${label}: not one channel between ${a} and ${b}`)
    }
    for (const member of this.members) {
      for (const id of this.ids) {
        if (id !== member.id && !member.textsOf(id).includes(label)) t.fail(`${label}: ${member.id} did not hear ${id}`)
      }
      if (member.refusals.length > 0) t.fail(`${label}: ${JSON.stringify(member.refusals)}`)
    }
  }

  breakSomething(): void {
    const [a = 1, b = 2] = this.pairs[randomInt(this.random, this.pairs.length)] ?? []
    const [from, to] = this.random.float() < 0.5 ? [a, b] : [b, a]
    const { member } = this.lives.get(from) ?? {}
    switch (randomInt(this.random, 6)) {
      case 0:
        return this.network.cut(String(a), String(b))
      case 1:
        return this.network.swallow(String(from), String(to))
      case 2:
        return this.network.heal(String(a), String(b))
      case 3:
        return member?.links.disconnect(to as MemberId, member.up.get(to as MemberId) ?? 0, 'chance')
      case 4:
        return this.network.strand(String(a), String(b))
      default:
        return member?.send(to, 'in between')
    }
  }

  heal(): void {
    for (const [a, b] of this.pairs) this.network.heal(String(a), String(b))
  }

  async restart(id: number, silent: boolean): Promise<void> {
    this.lives.get(id)?.halt()
    this.network.crash(String(id), { silent })
    await this.virtual.run(this.random.float() * 50)
    await this.start(id)
  }

  async close(): Promise<void> {
    const closed = Promise.all(this.members.map(member => member.links.close()))
    await this.virtual.run(3_000)
    await closed
  }
}

tap.test('two members that dial at the same time settle on one channel, in every interleaving tried', async t => {
  for (let seed = 0; seed < 400; seed++) {
    const run = new Run(seed, [1, 2])
    for (const id of run.ids) {
      await run.start(id)
      if (run.random.float() < 0.5) await run.virtual.run(run.random.float() * 40)
    }
    await run.virtual.until(() => run.isComplete(), 2_000)
    await run.virtual.run(500)
    await run.verify(t, `seed ${seed}`)
    if (run.members.some(member => member.ups.length !== 1)) t.fail(`seed ${seed}: a link that was up was replaced`)
    await run.close()
  }
  t.pass()
})

tap.test('whatever breaks, one channel per pair is what remains when all is well again', async t => {
  for (let seed = 0; seed < 150; seed++) {
    const run = new Run(seed, [1, 2, 3])
    for (const id of run.ids) await run.start(id)
    for (let fault = 0; fault < 30; fault++) {
      await run.virtual.run(run.random.float() ** 3 * 4_000)
      if (run.random.float() < 0.15) await run.restart(1 + randomInt(run.random, 3), run.random.float() < 0.5)
      else run.breakSomething()
    }
    run.heal()
    await run.virtual.run(8_000)
    if (!run.isComplete()) t.fail(`seed ${seed}: not complete`)
    await run.verify(t, `seed ${seed}`)
    await run.close()
  }
  t.pass()
})

tap.test('the same seed is the same run', async t => {
  const traceOf = async (seed: number) => {
    const run = new Run(seed, [1, 2, 3])
    for (const id of run.ids) await run.start(id)
    for (let fault = 0; fault < 20; fault++) {
      await run.virtual.run(run.random.float() * 1_000)
      run.breakSomething()
    }
    const trace = { events: run.virtual.events, members: run.members.map(({ ups, downs, frames }) => ({ ups, downs, frames })) }
    await run.close()
    return trace
  }
  t.strictSame(await traceOf(5), await traceOf(5))
  t.notSame(await traceOf(5), await traceOf(6))
})
