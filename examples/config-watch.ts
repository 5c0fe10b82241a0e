import { createEnsembleMember, type ZooKeeper } from 'embedded-zookeeper'

// A value that all processes share, and that all of them hear of when it changes: once with a one-shot watch, as in ZooKeeper, and once with
// a persistent watch that is iterated over.

const CONFIG = '/config'
const LAST = '{ "color": "blue" }'

const peers = ['memory:a', 'memory:b', 'memory:c']
const [writer, reader, follower] = await Promise.all([
  createEnsembleMember(peers, { id: 1 }),
  createEnsembleMember(peers, { id: 2 }),
  createEnsembleMember(peers, { id: 3 })
])
await writer.create(CONFIG, '{ "color": "red" }')

const reading = reloadAtEveryChange(reader)
const following = followChanges(follower)
for (const config of ['{ "color": "green" }', '{ "color": "yellow" }', LAST]) {
  const { version } = await writer.setData(CONFIG, config)
  console.log(`written: version ${version}, ${config}`)
}
await Promise.all([reading, following])
for (const member of [writer, reader, follower]) await member.close()

/**
 * A one-shot watch is set by the read whose result it guards, so nothing can come between the two. It says that there is something new, not
 * what: two changes in a row may well be one event.
 */
async function reloadAtEveryChange(zk: ZooKeeper): Promise<void> {
  // This member may be a moment behind the one that has created it.
  await zk.sync()
  for (;;) {
    let tell = () => {}
    const changed = new Promise<void>(resolve => {
      tell = resolve
    })
    const { data, stat } = await zk.getData(CONFIG, { watch: () => tell() })
    console.log(`one-shot watch: read version ${stat.version}, ${data}`)
    if (String(data) === LAST) return
    await changed
  }
}

/** A persistent watch leaves out no change, and says at which zxid it happened. */
async function followChanges(zk: ZooKeeper): Promise<void> {
  using watcher = zk.watch(CONFIG)
  for await (const { type, zxid } of watcher) {
    const { data } = await zk.getData(CONFIG)
    console.log(`persistent watch: ${type} at zxid ${zxid}, now ${data}`)
    if (String(data) === LAST) return
  }
}
