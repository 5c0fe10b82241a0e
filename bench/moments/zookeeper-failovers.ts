import { setTimeout as sleep } from 'node:timers/promises'
import { ZooKeeperEnsemble } from '../contenders/zookeeper/zookeeper-ensemble.js'
import { needZooKeeper } from '../contenders/zookeeper/zookeeper-version.js'
import { BenchProcess } from '../processes/bench-process.js'
import { wallNow } from './clock.js'
import { type Kill, killOf } from './kills.js'
import type { ClientFailoverOrders } from './zookeeper-failover-program.js'

const PROGRAM = new URL('./zookeeper-failover-program.js', import.meta.url)
const MEMBERS = 3
const PATH = '/failover'

/** Kills the process of the leading ZooKeeper so many times, and has it come back every time. */
export async function killZooKeeperLeaders(
  kills: number,
  { steadyMilliseconds, valueBytes }: { readonly steadyMilliseconds: number; readonly valueBytes: number },
  onKill: (kill: Kill) => void
): Promise<readonly Kill[]> {
  const servers = await ZooKeeperEnsemble.start(needZooKeeper(), MEMBERS)
  const clients = new BenchProcess<ClientFailoverOrders>(PROGRAM)
  const results: Kill[] = []
  try {
    await clients.ask('connect', servers.addresses)
    await clients.ask('fill', PATH, valueBytes)
    while (results.length < kills) {
      const leader = await servers.leader()
      const survivors = servers.addresses.map((_, index) => index).filter(index => index !== leader)
      await clients.ask('beginWrites', survivors, PATH, valueBytes)
      await sleep(steadyMilliseconds)
      const killed = wallNow()
      await servers.kill(leader)
      const kill = killOf(killed, await clients.ask('recovered', killed))
      results.push(kill)
      onKill(kill)
      servers.restart(leader)
    }
    return results
  } finally {
    await Promise.all([clients.kill(), servers.stop()])
  }
}
