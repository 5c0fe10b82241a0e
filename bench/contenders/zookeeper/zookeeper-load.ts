import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { sourceRoot } from '../../../test/fixtures/source-root.js'
import { Latencies } from '../../load/latencies.js'
import type { EnsembleShape, Load } from '../contender.js'

/** The load of ZooKeeper's own client: one process of `ZooKeeperLoad.java`, which ends with its stdin. */
export class ZooKeeperLoad {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #folder: string
  readonly #lines: AsyncIterator<string>

  private constructor(child: ChildProcessByStdio<Writable, Readable, null>, folder: string) {
    this.#child = child
    this.#folder = folder
    // What cannot be written is noticed by the answer that does not come.
    child.stdin.on('error', () => {})
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  }

  /** Compiles it, and resolves when it has a session at each of the servers. */
  static async start(classPath: string, addresses: readonly string[]): Promise<ZooKeeperLoad> {
    const folder = await mkdtemp(join(tmpdir(), 'bench-zookeeper-load-'))
    const source = join(sourceRoot(), 'bench', 'contenders', 'zookeeper', 'ZooKeeperLoad.java')
    const compiled = spawnSync('javac', ['-cp', classPath, '-d', folder, source], { encoding: 'utf8' })
    if (compiled.status !== 0) throw new Error(compiled.stderr)
    const args = ['-Xmx1g', '-XX:+UseParallelGC', '-cp', `${classPath}:${folder}`, 'ZooKeeperLoad', ...addresses]
    const load = new ZooKeeperLoad(spawn('java', args, { stdio: ['pipe', 'pipe', 'inherit'] }), folder)
    try {
      await load.#answer()
      return load
    } catch (error) {
      await load.stop()
      throw error
    }
  }

  /** Brings about the znodes that the shape asks for, through the server of that index. */
  async fill({ znodes, valueBytes }: EnsembleShape, server: number): Promise<void> {
    await this.#ask('fill', server, znodes, valueBytes)
  }

  /** Carries the load; `parts` is what is outstanding at each server. */
  async measure(load: Load, parts: readonly number[]): Promise<Latencies> {
    const { operation, warmUpMilliseconds, measuredMilliseconds } = load
    const answer = await this.#ask('measure', operation, warmUpMilliseconds, measuredMilliseconds, parts.join(','))
    const latencies = Latencies.empty()
    for (const occurrence of answer) {
      const [microseconds, count] = occurrence.split(':').map(Number)
      latencies.record((microseconds ?? 0) / 1000, count)
    }
    return latencies
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGKILL')
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit')
    await rm(this.#folder, { recursive: true, force: true })
  }

  #ask(...words: readonly (string | number)[]): Promise<readonly string[]> {
    this.#child.stdin.write(`${words.join(' ')}\n`)
    return this.#answer()
  }

  async #answer(): Promise<readonly string[]> {
    const { value, done } = await this.#lines.next()
    if (done === true) throw new Error('the load of ZooKeeper has ended')
    const [outcome, ...words] = value.trim().split(' ')
    if (outcome !== 'done') throw new Error(words.join(' '))
    return words
  }
}
