import { VirtualEnsemble } from 'embedded-zookeeper/sim'

// Three members in virtual time, for a test of your own: no port, no disk, and nobody waits. Everything that happens comes from the seed, so it
// happens again the next time.

const ensemble = new VirtualEnsemble({ seed: 4_711, size: 3 })
await ensemble.startAll()
const { leader, follower } = ensemble
console.log(`member ${leader.id} leads after ${ensemble.virtual.now.toFixed(0)} virtual ms`)

// A promise settles while time passes, so time has to be let pass.
await ensemble.settle(follower.create('/orders', 'none'))

// Thirty writes are under way when the leader dies. Each takes effect exactly once, whoever leads then.
const writes = Array.from({ length: 30 }, (_, index) => follower.setData('/orders', `${index + 1}`))
await ensemble.events(10)
await ensemble.crash(leader.id)
const crashed = ensemble.virtual.now
await ensemble.settle(Promise.all(writes))
const took = ensemble.virtual.now - crashed
console.log(`member ${ensemble.leader.id} leads; all writes were answered ${took.toFixed(0)} virtual ms after the crash`)

// The old leader comes back with an empty disk, is brought up to date and admitted again.
await ensemble.wipe(leader.id)
const back = await ensemble.restart(leader.id)
await ensemble.converge()
const { data, stat } = await ensemble.settle(back.getData('/orders', { linearizable: true }))
console.log(`member ${back.id} is back with an empty disk and reads ${data}, version ${stat.version}`)

await ensemble.close()
