import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEnsembleMember } from 'embedded-zookeeper'

// One process alone is an ensemble too: a small durable tree with versions, watches and sequential names, and a log that survives a crash.
// Add two more addresses later, and it is replicated.

const dataDir = await mkdtemp(join(tmpdir(), 'one-process-'))
// Nobody else is to be reached, so no socket is needed.
const peers = ['memory:alone']

// The first life.
let zk = await createEnsembleMember(peers, { dataDir })
await zk.create('/jobs')
for (const job of ['resize photo 7', 'send letter 12', 'close month']) {
  const { path } = await zk.create('/jobs/job-', job, { sequential: true })
  console.log(`queued ${path}: ${job}`)
}
const { stat } = await zk.getData('/jobs/job-0000000000')
await zk.delete('/jobs/job-0000000000', { version: stat.version })
console.log('did the first')
await zk.close()

// The second life finds what the first has left.
zk = await createEnsembleMember(peers, { dataDir })
const { children } = await zk.getChildren('/jobs')
for (const name of children) {
  const { data, stat } = await zk.getData(`/jobs/${name}`)
  console.log(`after the restart: ${name} is '${data}', written at zxid ${stat.czxid}`)
}

// Several changes or none: a znode that was changed since it was read would be refused, and with it all the rest.
const removals = children.map(name => ({ type: 'delete', path: `/jobs/${name}`, version: 0 }) as const)
await zk.multi([...removals, { type: 'delete', path: '/jobs' }])
console.log(`did the rest at once: ${(await zk.exists('/jobs')) === null}`)
await zk.close()
await rm(dataDir, { recursive: true })
