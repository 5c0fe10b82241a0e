import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freeLoopbackPorts } from '../../processes/loopback-ports.js'
import { fourLetterWord } from './four-letter-word.js'
import { type Server, ServerEnsemble } from './server-ensemble.js'
import { ServerProcess } from './server-process.js'

const HOST = '127.0.0.1'
const PORTS_PER_SERVER = 3

/** Times as in ZooKeeper's sample configuration. What is not named here is as ZooKeeper has it: every write is synced. */
const SETTINGS = [
  'tickTime=2000',
  'initLimit=10',
  'syncLimit=5',
  'maxClientCnxns=0',
  'admin.enableServer=false',
  '4lw.commands.whitelist=*',
  // The default of 1,000 is divided among the servers and would throttle 1,000 outstanding operations in ensembles of five.
  'globalOutstandingLimit=100000'
]

/** Real ZooKeepers on loopback TCP, each in a JVM of its own with a data folder of its own. */
export class ZooKeeperEnsemble extends ServerEnsemble {
  /** Resolves when there is a leader and everybody follows. */
  static async start(classPath: string, members: number): Promise<ZooKeeperEnsemble> {
    const folder = await mkdtemp(join(tmpdir(), 'bench-zookeeper-'))
    const ports = await freeLoopbackPorts(members * PORTS_PER_SERVER)
    const clientPorts = ports.slice(0, members)
    // A single server that is listed would be told off for it.
    const listed = members === 1 ? [] : clientPorts.map((_, index) => listedServer(index, ports.slice(members + 2 * index)))
    const servers: Server[] = []
    for (const [index, port] of clientPorts.entries()) {
      const dataDir = join(folder, `${index + 1}`)
      const config = join(folder, `${index + 1}.cfg`)
      await mkdir(dataDir)
      await writeFile(join(dataDir, 'myid'), `${index + 1}\n`)
      const own = [`dataDir=${dataDir}`, `clientPort=${port}`, `clientPortAddress=${HOST}`]
      await writeFile(config, `${[...SETTINGS, ...own, ...listed].join('\n')}\n`)
      servers.push({
        address: `${HOST}:${port}`,
        launch: () =>
          new ServerProcess('java', ['-Xmx1g', '-cp', classPath, 'org.apache.zookeeper.server.quorum.QuorumPeerMain', config]),
        role: () => roleOf(port)
      })
    }
    const ensemble = new ZooKeeperEnsemble(folder, servers)
    try {
      await ensemble.leader()
      return ensemble
    } catch (error) {
      await ensemble.stop()
      throw error
    }
  }
}

function listedServer(index: number, [quorumPort, electionPort]: readonly number[]): string {
  return `server.${index + 1}=${HOST}:${quorumPort}:${electionPort}`
}

async function roleOf(port: number): Promise<'leader' | 'follower' | null> {
  const mode = /^Mode: (\w+)$/m.exec(await fourLetterWord(HOST, port, 'srvr'))?.[1]
  if (mode === 'leader' || mode === 'standalone') return 'leader'
  return mode === 'follower' ? 'follower' : null
}
