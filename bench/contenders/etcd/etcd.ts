import { spawnSync } from 'node:child_process'
import type { BenchEnsemble, Contender, EnsembleShape } from '../contender.js'
import { ClientEnsemble } from '../node-zookeeper/client-ensemble.js'
import { packageVersion } from '../node-zookeeper/package-version.js'
import { EtcdEnsemble } from './etcd-ensemble.js'

const PROGRAM = new URL('./etcd-program.js', import.meta.url)
const CLIENT = 'etcd3'

/** etcd, asked from Node. */
export const etcd: Contender = {
  name: 'etcd from Node.js',
  operations: ['write', 'read', 'linearizable'],
  found,
  start
}

function found(): { readonly version: string } | { readonly missing: string } {
  const server = spawnSync('etcd', ['--version'], { encoding: 'utf8' })
  if (server.status !== 0) return { missing: 'etcd' }
  const client = packageVersion(CLIENT)
  if (client === null) return { missing: CLIENT }
  const version = /^etcd Version: (\S+)$/m.exec(server.stdout)?.[1] ?? 'of unknown version'
  return { version: `${client}, Node.js ${process.version}, etcd ${version}` }
}

async function start(shape: EnsembleShape): Promise<BenchEnsemble> {
  return ClientEnsemble.start(await EtcdEnsemble.start(shape.members), PROGRAM, shape)
}
