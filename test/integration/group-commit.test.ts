import t from 'tap'
import { parseKey } from '../../lib/storage/key-space.js'
import { ProcessCluster } from '../fixtures/integration-cluster.js'
import { keysIn } from '../fixtures/integration-database.js'

const DATA_BYTES = 100
const MILLISECONDS = 1_500

t.test('writes that are outstanding together reach the disk together, and throughput grows with them', async t => {
  const cluster = await ProcessCluster.serving(t)
  const leader = await cluster.settledLeader()
  await leader.measure(64, DATA_BYTES, 300)
  const single = await leader.measure(1, DATA_BYTES, MILLISECONDS)
  const from = (await cluster.status(leader.id)).zxidLogged
  const grouped = await leader.measure(256, DATA_BYTES, MILLISECONDS)
  const to = (await cluster.status(leader.id)).zxidLogged
  t.comment(
    `one outstanding: ${single.toFixed(0)} writes/s; 256: ${grouped.toFixed(0)} writes/s; ${(grouped / single).toFixed(1)} times`
  )
  await cluster.quiet()
  await Promise.all(cluster.members.map(member => member.close()))
  for (const id of cluster.ids) {
    const keys = (await keysIn(cluster.dataDir(id))).map(parseKey)
    const records = keys.filter(key => key?.table === 'txnlog' && key.zxid > from && key.zxid <= to).length
    const txns = to - from
    t.ok(records < txns / 4, `member ${id} has synced ${txns} txns in ${records} records`)
  }
})
