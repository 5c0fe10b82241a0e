import type { BenchEnsemble, Contender, EnsembleShape } from '../contender.js'
import { ZooKeeperEnsemble } from '../zookeeper/zookeeper-ensemble.js'
import { findZooKeeperVersion, needZooKeeper } from '../zookeeper/zookeeper-version.js'
import { ClientEnsemble } from './client-ensemble.js'
import { packageVersion } from './package-version.js'

const PROGRAM = new URL('./node-zookeeper-program.js', import.meta.url)
const CLIENT = 'node-zookeeper-client'

/** What an application in Node has of a ZooKeeper: the same servers, and a client in JavaScript, which has no `sync`. */
export const nodeZooKeeper: Contender = {
  name: 'ZooKeeper from Node.js',
  operations: ['write', 'read'],
  found,
  start
}

function found(): { readonly version: string } | { readonly missing: string } {
  const servers = findZooKeeperVersion()
  if ('missing' in servers) return servers
  const client = packageVersion(CLIENT)
  return client === null ? { missing: CLIENT } : { version: `${client}, Node.js ${process.version}, ${servers.version}` }
}

async function start(shape: EnsembleShape): Promise<BenchEnsemble> {
  return ClientEnsemble.start(await ZooKeeperEnsemble.start(needZooKeeper(), shape.members), PROGRAM, shape)
}
