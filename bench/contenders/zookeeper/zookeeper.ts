import { type BenchEnsemble, type Contender, type EnsembleShape, shares } from '../contender.js'
import { ZooKeeperEnsemble } from './zookeeper-ensemble.js'
import { ZooKeeperLoad } from './zookeeper-load.js'
import { findZooKeeperVersion, needZooKeeper } from './zookeeper-version.js'

/** Apache ZooKeeper as it comes, asked by its own client through the asynchronous calls. */
export const zooKeeper: Contender = {
  name: 'Apache ZooKeeper',
  operations: ['write', 'read', 'linearizable'],
  found: findZooKeeperVersion,
  start
}

async function start(shape: EnsembleShape): Promise<BenchEnsemble> {
  const classPath = needZooKeeper()
  const servers = await ZooKeeperEnsemble.start(classPath, shape.members)
  let clients: ZooKeeperLoad | undefined
  const stop = async (): Promise<void> => {
    await Promise.all([clients?.stop(), servers.stop()])
  }
  try {
    const load = await ZooKeeperLoad.start(classPath, servers.addresses)
    clients = load
    await load.fill(shape, await servers.leader())
    return {
      async measure(asked) {
        const latencies = await load.measure(asked, shares(asked, shape.members, await servers.leader()))
        return { operations: latencies.count, milliseconds: asked.measuredMilliseconds, latencies }
      },
      stop
    }
  } catch (error) {
    await stop()
    throw error
  }
}
