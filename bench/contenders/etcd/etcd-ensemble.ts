import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freeLoopbackPorts } from '../../processes/loopback-ports.js'
import { type Server, ServerEnsemble } from '../zookeeper/server-ensemble.js'
import { ServerProcess } from '../zookeeper/server-process.js'

const HOST = '127.0.0.1'
const ASK_MILLISECONDS_MAX = 2_000
/** The most that etcd recommends. It keeps the history of every key, and its default would not hold that of large values. */
const DATABASE_BYTES_MAX = 8 * 1024 ** 3

/** Real etcds on loopback TCP, each with a data folder of its own. What is not named here is as etcd has it: every write is synced. */
export class EtcdEnsemble extends ServerEnsemble {
  /** Resolves when there is a leader and everybody follows. */
  static async start(members: number): Promise<EtcdEnsemble> {
    const folder = await mkdtemp(join(tmpdir(), 'bench-etcd-'))
    const ports = await freeLoopbackPorts(2 * members)
    const clientPorts = ports.slice(0, members)
    const peers = ports.slice(members).map(port => `http://${HOST}:${port}`)
    const cluster = peers.map((peer, index) => `${index + 1}=${peer}`).join(',')
    const servers = clientPorts.map((port, index): Server => {
      const clients = `http://${HOST}:${port}`
      const peer = peers[index] ?? ''
      const options = [
        ['--name', `${index + 1}`],
        ['--data-dir', join(folder, `${index + 1}`)],
        ['--listen-client-urls', clients],
        ['--advertise-client-urls', clients],
        ['--listen-peer-urls', peer],
        ['--initial-advertise-peer-urls', peer],
        ['--initial-cluster', cluster],
        ['--initial-cluster-state', 'new'],
        ['--quota-backend-bytes', `${DATABASE_BYTES_MAX}`],
        ['--logger', 'zap'],
        ['--log-level', 'error']
      ]
      return { address: `${HOST}:${port}`, launch: () => new ServerProcess('etcd', options.flat()), role: () => roleOf(clients) }
    })
    const ensemble = new EtcdEnsemble(folder, servers)
    try {
      await ensemble.leader()
      return ensemble
    } catch (error) {
      await ensemble.stop()
      throw error
    }
  }
}

/** What `status` of etcd's maintenance service gives, of which this is a part. Ids have more bits than a number. */
interface Status {
  readonly header: { readonly member_id: string }
  /** Left out as long as there is none. */
  readonly leader?: string
}

async function roleOf(server: string): Promise<'leader' | 'follower' | null> {
  const signal = AbortSignal.timeout(ASK_MILLISECONDS_MAX)
  const request = fetch(`${server}/v3/maintenance/status`, { method: 'POST', body: '{}', signal })
  const answer = request.then(response => (response.ok ? (response.json() as Promise<Status>) : null))
  // No connection, or an answer that breaks off or stays away: it cannot serve anybody now.
  const status = await answer.catch(() => null)
  if (status === null) return null
  const { header, leader = '0' } = status
  if (leader === '0') return null
  return leader === header.member_id ? 'leader' : 'follower'
}
