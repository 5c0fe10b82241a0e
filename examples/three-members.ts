import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createEnsembleMember, isZooKeeperError, type ZooKeeper } from 'embedded-zookeeper'

// What three-processes.ts and unix-sockets.ts have in common: everything but the addresses.

/** Starts a program three times, each time as another member, and lets all three go once each has seen the others. */
export async function startThree(program: string, peers: readonly string[], directory: string): Promise<void> {
  const members = [1, 2, 3].map(id => fork(program, [JSON.stringify({ peers, id, dataDir: join(directory, `data-${id}`) })]))
  const ends = members.map(member => once(member, 'exit'))
  await Promise.all(members.map(sawAll))
  for (const member of members) member.disconnect()
  const codes = (await Promise.all(ends)).map(([code]) => code)
  console.log(`all three have ended, with ${codes.join(', ')}`)
}

/** A process that ends too early ends the waiting too. */
async function sawAll(member: ChildProcess): Promise<void> {
  await Promise.race([
    once(member, 'message'),
    once(member, 'exit').then(([code]) => {
      throw new Error(`process ${member.pid} has ended with ${code}`)
    })
  ])
}

/** The life of one member. */
export async function beMember(argument: string): Promise<void> {
  const { peers, id, dataDir } = JSON.parse(argument)
  const zk = await createEnsembleMember(peers, { id, dataDir })
  console.log(`member ${id} is process ${process.pid} and ${zk.role === 'leading' ? 'leads' : `follows member ${zk.leader}`}`)

  await zk.create('/here').catch(unlessItExists)
  await zk.create(`/here/${id}`, `process ${process.pid}`, { ephemeral: true })
  const names = await childrenOf(zk, '/here', 3)
  // Everything is in this process's memory: no promise is needed to read it.
  const values = names.map(name => zk.local.getData(`/here/${name}`)?.data)
  console.log(`member ${id} sees ${values.join(', ')}`)

  process.send?.('saw all')
  await once(process, 'disconnect')
  await zk.close()
}

/** The children of a znode, once there are so many. A one-shot watch tells when to look again. */
async function childrenOf(zk: ZooKeeper, path: string, count: number): Promise<readonly string[]> {
  for (;;) {
    let tell = () => {}
    const changed = new Promise<void>(resolve => {
      tell = resolve
    })
    const { children } = await zk.getChildren(path, { watch: () => tell() })
    if (children.length >= count) return children
    await changed
  }
}

function unlessItExists(error: unknown): void {
  if (!isZooKeeperError(error, 'NODE_EXISTS')) throw error
}
