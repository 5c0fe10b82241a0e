import t from 'tap'
import type { WatchEvent } from '../../lib/member/index.js'
import { VirtualEnsemble } from '../../lib/sim/world/virtual-ensemble.js'
import { claimOf } from '../fixtures/outcome.js'

/** Every member takes snapshots often and keeps one, so that a learner that was away for a while is sent it. */
const OPTIONS = { snapCount: 20, snapRetainCount: 1, sessionTimeout: 10_000 }

/** An ensemble, and the id of a follower that is going to be left behind. */
async function lagging(seed: number, options = {}): Promise<{ readonly ensemble: VirtualEnsemble; readonly id: number }> {
  const ensemble = new VirtualEnsemble({ seed, options: { ...OPTIONS, ...options } })
  await ensemble.startAll()
  const { id } = ensemble.follower
  await ensemble.settle(ensemble.member(id).create('/base', '0'))
  await ensemble.converge()
  return { ensemble, id }
}

/** Isolates the follower, and writes so much behind its back that the others' logs do not reach back to where it was. */
async function overtake(ensemble: VirtualEnsemble, id: number): Promise<void> {
  ensemble.isolate(id)
  await ensemble.until(() => ensemble.member(id).state === 'disconnected')
  for (let round = 1; round <= 4; round++) {
    const writes = Array.from({ length: 15 }, (_, index) => ensemble.leader.create(`/r${round}-${index}`))
    await ensemble.settle(Promise.all([...writes, ensemble.leader.setData('/base', String(round))]))
  }
}

function snapshotsSent(ensemble: VirtualEnsemble): () => number {
  let count = 0
  ensemble.onFrame = ({ kind }) => {
    if (kind === 'replace') count++
  }
  return () => count
}

t.test('a member that missed more than the log holds catches up by a snapshot', async t => {
  const { ensemble, id } = await lagging(111)
  const sent = snapshotsSent(ensemble)
  await overtake(ensemble, id)
  const member = ensemble.member(id)
  const { sessionId } = member
  t.equal(member.local.getData('/base')?.data?.toString(), '0')
  ensemble.healAll()
  await ensemble.converge()
  t.equal(sent(), 1)
  t.equal(member.sessionId, sessionId, 'its session has survived it')
  t.equal(member.local.getData('/base')?.stat.version, 4)
  t.equal(member.local.digest, ensemble.leader.local.digest)
  t.equal((await ensemble.settle(member.setData('/base', 'again'))).version, 5)
  await ensemble.restart(id)
  await ensemble.converge()
  await ensemble.close()
})

t.test('watches hear of what a snapshot has skipped: the one-shot of the difference, the others of the gap', async t => {
  const { ensemble, id } = await lagging(112)
  const member = ensemble.member(id)
  const heard: string[] = []
  let created: readonly string[] = []
  const changed: { [path: string]: readonly string[] | null } = {}
  const listen = (name: string) => (event: WatchEvent) => {
    heard.push(`${name} ${event.type} ${event.path}`)
    t.equal(event.zxid, member.local.zxid, 'the new state can be read')
    if (event.type !== 'reset') return
    changed[event.path] = event.paths
    created = (member.local.getChildren('/')?.children ?? []).filter(name => name.startsWith('r')).map(name => `/${name}`)
  }
  await ensemble.settle(member.create('/gone'))
  await ensemble.settle(
    Promise.all([
      member.exists('/r1-0', { watch: listen('created') }),
      member.getData('/base', { watch: listen('data') }),
      member.getChildren('/', { watch: listen('child') }),
      member.exists('/gone', { watch: listen('deleted') }),
      member.exists('/zookeeper', { watch: listen('untouched') })
    ])
  )
  member.watch('/base', {}, listen('persistent'))
  member.watch('/', { recursive: true }, listen('recursive'))
  ensemble.isolate(id)
  await ensemble.until(() => member.state === 'disconnected')
  await ensemble.settle(ensemble.leader.delete('/gone'))
  await overtake(ensemble, id)
  ensemble.healAll()
  await ensemble.until(() => member.status().serving)
  t.strictSame(heard.slice(0, 6), [
    'created created /r1-0',
    'data dataChanged /base',
    'child childrenChanged /',
    'deleted deleted /gone',
    'persistent reset /base',
    'recursive reset /'
  ])
  t.strictSame(changed, { '/base': ['/base'], '/': ['/base', '/gone', ...created] })
  t.ok(created.length > 0)
  t.equal(heard.filter(each => each.includes('reset')).length, 2)
  heard.splice(0)
  await ensemble.settle(ensemble.leader.setData('/base', 'again'))
  await ensemble.converge()
  t.strictSame(heard, ['persistent dataChanged /base', 'recursive dataChanged /base'])
  t.equal(member.status().watches, 3)
  await ensemble.close()
})

t.test('writes answered in what a snapshot has skipped are unknown; the others take effect once, in order', async t => {
  const outcomes = new Set<string>()
  for (let boundary = 0; boundary < 40; boundary++) {
    const { ensemble, id } = await lagging(1_130 + boundary)
    const sent = snapshotsSent(ensemble)
    const member = ensemble.member(id)
    await ensemble.settle(member.create('/mine', '0'))
    // Nothing reaches it any more, and some of what it sends arrives.
    for (const other of ensemble.ids) if (other !== id) ensemble.swallow(other, id)
    const writes: Promise<string>[] = []
    const reads: Promise<readonly [string, number]>[] = []
    for (let version = 0; version < 6; version++) {
      writes.push(claimOf(member.setData('/mine', String(version + 1), { version })))
      const read = member.getData('/mine').then(
        ({ stat }) => ['OK', stat.version] as const,
        (error: { readonly code: string }) => [error.code, -1] as const
      )
      reads.push(read)
      await ensemble.events(boundary % 8)
    }
    await ensemble.events(boundary)
    await overtake(ensemble, id)
    ensemble.healAll()
    const settled = await ensemble.settle(Promise.all(writes))
    const seen = await ensemble.settle(Promise.all(reads))
    await ensemble.converge()
    t.equal(sent(), 1)
    for (const each of settled) outcomes.add(each)
    t.match(settled.join(), /^(CONNECTION_LOSS unknown,)*(CONNECTION_LOSS unknown|OK)(,OK)*$/)
    t.equal(ensemble.leader.local.getData('/mine')?.stat.version, 6, 'each has taken effect once')
    for (const [index, [code, version]] of seen.entries()) {
      if (code === 'OK') t.equal(version, index + 1, 'a read sees the writes before it and no other')
      else t.equal(code, 'CONNECTION_LOSS')
    }
    t.equal(seen.at(-1)?.[0], 'OK')
    t.equal(member.status().outstanding, 0)
    await ensemble.close()
  }
  t.ok(outcomes.has('CONNECTION_LOSS unknown') && outcomes.has('OK'))
})

t.test('a session that was opened in what a snapshot has skipped is not kept alive by anybody', async t => {
  const { ensemble, id } = await lagging(114, { sessionTimeout: 6_000 })
  const member = ensemble.member(id)
  for (const other of ensemble.ids) if (other !== id) ensemble.swallow(other, id)
  const opening = claimOf(member.openSession({ timeout: 1_000 }))
  await ensemble.until(() => ensemble.leader.status().sessions === 4)
  await overtake(ensemble, id)
  ensemble.healAll()
  t.equal(await ensemble.settle(opening), 'CONNECTION_LOSS unknown')
  await ensemble.until(() => ensemble.leader.status().sessions === 3, 3_000)
  t.equal(member.state, 'connected')
  await ensemble.close()
})

t.test('a member whose own session ended in what a snapshot has skipped opens another', async t => {
  const { ensemble, id } = await lagging(115, { sessionTimeout: 2_000 })
  const member = ensemble.member(id)
  const { sessionId } = member
  await ensemble.settle(member.create('/e', null, { ephemeral: true }))
  for (const other of ensemble.ids) {
    if (other === id) continue
    ensemble.swallow(other, id)
    ensemble.swallow(id, other)
  }
  await ensemble.until(() => ensemble.leader.local.exists('/e') === null)
  await overtake(ensemble, id)
  ensemble.healAll()
  await ensemble.until(() => member.state === 'connected' && member.sessionId !== sessionId)
  t.equal(member.local.exists('/e'), null)
  await ensemble.converge()
  await ensemble.close()
})

t.test('wherever the disk fails while a snapshot takes the place of the log, the member recovers', async t => {
  let failures = 0
  for (let write = 0; write < 8; write++) {
    for (const fault of ['clean', 'landed'] as const) {
      const { ensemble, id } = await lagging(1_160 + write)
      await overtake(ensemble, id)
      const disk = ensemble.disk(id)
      const end = disk.writes + write
      ensemble.healAll()
      const limit = ensemble.virtual.now + 500
      await ensemble.until(() => disk.writes >= end || ensemble.virtual.now > limit)
      disk.failNext(fault)
      await ensemble.run(50)
      if (ensemble.member(id).status().storage.failed !== null) failures++
      disk.mend()
      await ensemble.settle(ensemble.leader.setData('/base', 'during'))
      await ensemble.converge(10_000)
      t.equal(ensemble.member(id).local.digest, ensemble.leader.local.digest, `${fault} at write ${write}`)
      t.equal((await ensemble.settle(ensemble.member(id).setData('/base', 'after'))).version, 6)
      await ensemble.close()
    }
  }
  t.ok(failures > 5)
})

t.test('wherever a member dies while a snapshot takes the place of its log, the next process goes on', async t => {
  for (let boundary = 0; boundary < 120; boundary += 3) {
    const { ensemble, id } = await lagging(1_200 + boundary)
    await overtake(ensemble, id)
    ensemble.healAll()
    await ensemble.events(boundary)
    await ensemble.restart(id)
    await ensemble.converge()
    t.equal(ensemble.member(id).local.digest, ensemble.leader.local.digest, `boundary ${boundary}`)
    await ensemble.close()
  }
})

t.test('a leader whose snapshots overtake what it streams keeps its role, and the learner arrives', async t => {
  const ensemble = new VirtualEnsemble({ seed: 117, options: { ...OPTIONS, snapCount: 10 }, latency: [1, 8] })
  await ensemble.startAll()
  const { leader } = ensemble
  const { epoch } = leader
  const follower = ensemble.follower
  ensemble.isolate(follower.id)
  const data = Buffer.alloc(300_000, 7)
  for (let index = 0; index < 12; index++) await ensemble.settle(leader.create(`/big${index}`, data))
  ensemble.healAll()
  for (let index = 0; index < 80; index++) await ensemble.settle(leader.setData(`/big${index % 12}`, 'small'))
  await ensemble.converge()
  t.equal(leader.epoch, epoch)
  t.equal(leader.status().storage.failed, null)
  await ensemble.close()
})
