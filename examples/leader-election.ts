import { createEnsembleMember, type ZooKeeper } from 'embedded-zookeeper'

// Workers elect a leader among themselves: each creates an ephemeral sequential znode, and whose number is the lowest leads. Everybody else
// watches only its predecessor, so that the end of one worker wakes exactly one other.
//
// To run in one file, the three members live in one process here, and talk through memory. Give them tcp:// addresses and a process each,
// and not a line below changes.

const peers = ['memory:a', 'memory:b', 'memory:c']
const members = await Promise.all(peers.map((_, index) => createEnsembleMember(peers, { id: index + 1 })))
const [first] = members
await first?.create('/election')

// Five workers, on three members.
const workers = ['anna', 'berta', 'clara', 'dora', 'emma']
await Promise.all(
  workers.map(async (name, index) => {
    const session = await members[index % members.length]?.openSession()
    if (session !== undefined) await work(name, session)
  })
)
await Promise.all(members.map(member => member.close()))

async function work(name: string, zk: ZooKeeper): Promise<void> {
  const { path } = await zk.create('/election/worker-', name, { ephemeral: true, sequential: true })
  console.log(`${name} stands for election as ${path}`)
  await elected(zk, path)
  console.log(`${name} leads`)
  // The work of a leader. In the end its session goes, in order or by a crash, and the ephemeral with it.
  await zk.close()
  console.log(`${name} is gone`)
}

/** Resolves when nobody stands before `path`. */
async function elected(zk: ZooKeeper, path: string): Promise<void> {
  for (;;) {
    const { children } = await zk.getChildren('/election')
    const predecessor = children.findLast(name => `/election/${name}` < path)
    if (predecessor === undefined) return
    await deleted(zk, `/election/${predecessor}`)
  }
}

/** Resolves when `path` is gone, or was not there in the first place. */
function deleted(zk: ZooKeeper, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const watch = () => resolve()
    zk.exists(path, { watch }).then(stat => stat ?? resolve(), reject)
  })
}
