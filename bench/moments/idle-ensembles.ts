import { EtcdEnsemble } from '../contenders/etcd/etcd-ensemble.js'
import { ZooKeeperEnsemble } from '../contenders/zookeeper/zookeeper-ensemble.js'
import { needZooKeeper } from '../contenders/zookeeper/zookeeper-version.js'
import type { IdleOrders } from './idle-program.js'
import { MemberProcesses } from './member-processes.js'

/** An ensemble with whom nobody does anything. Its processes are children of the bench. */
export interface IdleEnsemble {
  /** Index of the leader, in the order in which the processes were started. */
  leader(): Promise<number>
  /** Bytes that the members have sent, if they tell. */
  sentBytes(): Promise<number | null>
  stop(): Promise<void>
}

const PROGRAM = new URL('./idle-program.js', import.meta.url)
const MEMBERS = 3

export async function idleOurs(): Promise<IdleEnsemble> {
  const members = await MemberProcesses.start<IdleOrders>(PROGRAM, MEMBERS)
  return {
    leader: () => members.leader(),
    async sentBytes() {
      const sent = await Promise.all(members.all.map(process => process.ask('sentBytes')))
      return sent.reduce((sum, each) => sum + each, 0)
    },
    stop: () => members.stop()
  }
}

export async function idleZooKeeper(): Promise<IdleEnsemble> {
  return untold(await ZooKeeperEnsemble.start(needZooKeeper(), MEMBERS))
}

export async function idleEtcd(): Promise<IdleEnsemble> {
  return untold(await EtcdEnsemble.start(MEMBERS))
}

function untold(servers: ZooKeeperEnsemble | EtcdEnsemble): IdleEnsemble {
  return { leader: () => servers.leader(), sentBytes: async () => null, stop: () => servers.stop() }
}
