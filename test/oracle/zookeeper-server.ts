import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { digestId } from '../../lib/member/index.js'

/** Who no ACL applies to, on both sides. */
export const SUPER_USER = { user: 'super', password: 'secret' } as const

export const SUPER_DIGEST = digestId(SUPER_USER.user, SUPER_USER.password)

const START_MILLISECONDS = 30_000

export interface ZooKeeperServerParts {
  readonly classPath: string
  /** How often it looks for containers and TTL znodes that are over. */
  readonly containerCheckMilliseconds: number
}

/** A real ZooKeeper: one server, alone, on a free port of the loopback interface, with its data in a folder of its own. */
export class ZooKeeperServer {
  readonly address: string
  readonly #child: ChildProcess
  readonly #folder: string

  private constructor(address: string, child: ChildProcess, folder: string) {
    this.address = address
    this.#child = child
    this.#folder = folder
  }

  static async start({ classPath, containerCheckMilliseconds }: ZooKeeperServerParts): Promise<ZooKeeperServer> {
    const folder = await mkdtemp(join(tmpdir(), 'oracle-'))
    const port = await freePort()
    const config = join(folder, 'zoo.cfg')
    const lines = [`dataDir=${join(folder, 'data')}`, `clientPort=${port}`, 'clientPortAddress=127.0.0.1', 'tickTime=2000']
    await writeFile(config, `${lines.join('\n')}\n`)
    const properties = [
      'zookeeper.admin.enableServer=false',
      'zookeeper.forceSync=no',
      'zookeeper.extendedTypesEnabled=true',
      'zookeeper.enforceQuota=true',
      `zookeeper.DigestAuthenticationProvider.superDigest=${SUPER_DIGEST}`,
      `znode.container.checkIntervalMs=${containerCheckMilliseconds}`
    ]
    const args = ['-XX:+UseSerialGC', '-Xmx256m', ...properties.map(property => `-D${property}`)]
    args.push('-cp', classPath, 'org.apache.zookeeper.server.ZooKeeperServerMain', config)
    const child = spawn('java', args, { stdio: ['ignore', 'ignore', 'inherit'] })
    const server = new ZooKeeperServer(`127.0.0.1:${port}`, child, folder)
    try {
      await server.#listening(port)
    } catch (error) {
      await server.stop()
      throw error
    }
    return server
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGKILL')
      await once(this.#child, 'exit')
    }
    await rm(this.#folder, { recursive: true, force: true })
  }

  async #listening(port: number): Promise<void> {
    const deadline = performance.now() + START_MILLISECONDS
    while (!(await canConnect(port))) {
      if (this.#child.exitCode !== null) throw new Error(`ZooKeeper has ended with ${this.#child.exitCode}`)
      if (performance.now() > deadline) throw new Error('ZooKeeper does not listen')
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')
  return address.port
}

function canConnect(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    const end = (isThere: boolean) => {
      socket.destroy()
      resolve(isThere)
    }
    socket.once('connect', () => end(true)).once('error', () => end(false))
  })
}
