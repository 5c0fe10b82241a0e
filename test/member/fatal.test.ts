import t, { type Test } from 'tap'
import { EPOCH_MAX, type Epoch, type MemberId, type Zxid } from '../../lib/base/index.js'
import type { EnsembleMember } from '../../lib/member/index.js'
import { VirtualEnsemble } from '../../lib/sim/world/virtual-ensemble.js'
import { openDatabaseStorage, type StorageChange } from '../../lib/storage/index.js'
import { batchOf } from '../../lib/zab/index.js'
import { ENSEMBLE_ID, txnOf, zxidOf } from '../fixtures/member-parts.js'
import { claimOf, outcomeOf } from '../fixtures/outcome.js'

/** Gives a member a store with a history of the test's own making. */
async function prepare(ensemble: VirtualEnsemble, id: number, changes: readonly StorageChange[]): Promise<void> {
  const level = await ensemble.disk(id).mount(ensemble.virtual.runtime)
  const storageOptions = { ensembleName: 'default', memberId: id as MemberId, snapRetainCount: 3 }
  const storage = await ensemble.settle(openDatabaseStorage(level, storageOptions))
  for (const change of changes) await ensemble.settle(storage.write(change))
  await ensemble.settle(storage.close())
  await ensemble.disk(id).unmount()
}

/** What a member does that stops of its own accord, and what it says afterwards. */
async function stops(t: Test, ensemble: VirtualEnsemble, member: EnsembleMember, code: string): Promise<void> {
  const errors: (Error & { code?: string })[] = []
  member.on('error', error => errors.push(error))
  await ensemble.until(() => errors.length > 0)
  t.equal(errors[0]?.code, code)
  t.equal(member.role, 'closed')
  t.equal(member.state, 'closed')
  t.equal(await claimOf(member.create('/x')), 'CLOSED not-applied')
  t.match(await member.create('/x').catch((error: Error) => error.cause), { code })
  await member.close()
  t.equal(errors.length, 1)
}

t.test('the last epoch is a clear end', async t => {
  const ensemble = new VirtualEnsemble({ seed: 181 })
  const epoch = EPOCH_MAX as Epoch
  for (const id of ensemble.ids) {
    await prepare(ensemble, id, [
      { kind: 'acceptEpoch', epoch, ensembleId: ENSEMBLE_ID },
      { kind: 'adoptEpoch', epoch, ensembleId: ENSEMBLE_ID, vote: 'held' }
    ])
  }
  const starts = ensemble.ids.map(id => claimOf(ensemble.start(id, { startTimeout: 3_000 })))
  const outcomes = await ensemble.settle(Promise.all(starts))
  t.ok(outcomes.includes('EPOCH_EXHAUSTED not-applied'), outcomes.join())
  await ensemble.close()
})

t.test('a txn that cannot be read is our own bug: the start says so, and nothing is left running', async t => {
  const ensemble = new VirtualEnsemble({ seed: 182, size: 1 })
  const epoch = 1 as Epoch
  await prepare(ensemble, 1, [
    { kind: 'acceptEpoch', epoch, ensembleId: ENSEMBLE_ID },
    { kind: 'adoptEpoch', epoch, ensembleId: ENSEMBLE_ID, vote: 'held' },
    { kind: 'append', batch: batchOf(zxidOf(1, 1), [txnOf(), Uint8Array.of(0xc1)]), zxidCommitted: 0 as Zxid }
  ])
  t.equal(await ensemble.settle(outcomeOf(ensemble.start(1))), 'BAD_FRAME')
  await ensemble.run(100)
  const { events } = ensemble.virtual
  await ensemble.run(60_000)
  t.ok(ensemble.virtual.events - events <= 1)
  await ensemble.close()
})

t.test('a process that has shown more than was salvaged stops, and the next one goes on', async t => {
  const ensemble = new VirtualEnsemble({ seed: 183, options: { onLostQuorum: 'salvage', sessionTimeout: 60_000 } })
  await ensemble.startAll()
  await ensemble.settle(ensemble.leader.create('/kept'))
  for (let index = 0; index < 8; index++) await ensemble.settle(ensemble.leader.setData('/kept', String(index)))
  await ensemble.converge()
  for (const id of ensemble.ids) {
    let last = ''
    await ensemble.disk(id).damage(key => {
      if (key.startsWith('txnlog')) last = key
      return null
    })
    await ensemble.disk(id).damage((key, value) => (key === last ? value.map(byte => byte ^ 0x55) : null))
  }
  const { members } = ensemble
  for (const id of ensemble.ids) ensemble.disk(id).failNext('clean')
  const write = outcomeOf(ensemble.leader.create('/never'))
  const stopped = new Set<number>()
  for (const member of members) member.on('error', () => stopped.add(member.id))
  const ends = members.map(member => stops(t, ensemble, member, 'LOG_CORRUPTED'))
  // Two that stop may leave the third without a quorum: it waits, and hears of it from their next processes.
  await ensemble.until(() => stopped.size >= 2)
  const others = [...stopped]
  for (const id of others) await ensemble.stop(id)
  ensemble.forgetDigests()
  const next = others.map(id => ensemble.start(id))
  await Promise.all(ends)
  t.equal(await ensemble.settle(write), 'CLOSED')
  ensemble.errors.splice(0)
  for (const id of ensemble.ids) if (!others.includes(id)) await ensemble.stop(id)
  const rest = ensemble.ids.filter(id => !others.includes(id)).map(id => ensemble.start(id))
  await ensemble.settle(Promise.all([...next, ...rest]))
  await ensemble.converge()
  t.equal(ensemble.leader.local.getData('/kept')?.stat.version, 7)
  await ensemble.close()
})
