import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { randomInt, seededRandom } from '../../lib/base/index.js'
import { createEnsembleMember, type EnsembleMember, isZooKeeperError } from '../../lib/index.js'
import { ProcessCluster } from '../fixtures/integration-cluster.js'
import { damageSomewhere } from '../fixtures/integration-damage.js'
import { freePorts } from '../fixtures/integration-ports.js'
import { until } from '../fixtures/integration-until.js'

const DAMAGES = 30
const SEED = 20_260_101

/** A damaged directory may be too broken to say whose it is. Then its member refuses it, and says why, until somebody has looked at it. */
const REFUSALS: readonly string[] = ['LOG_CORRUPTED', 'FORMAT_VERSION', 'STORAGE_FAILED']

t.test('whatever is damaged on one disk, its member never serves a wrong value, and ends with what the others hold', async t => {
  t.setTimeout(110_000)
  const directory = await mkdtemp(join(tmpdir(), 'ezk-'))
  const peers = (await freePorts(3)).map(port => `tcp://127.0.0.1:${port}`)
  const members = new Map<number, EnsembleMember>()
  t.teardown(async () => {
    await Promise.all([...members.values()].map(member => member.close()))
    await rm(directory, { recursive: true, force: true })
  })
  const dataDir = (id: number) => join(directory, String(id))
  const start = async (id: number) => {
    const options = { id, dataDir: dataDir(id), ensemble: 'damaged', tickTime: 100, snapCount: 40, snapRetainCount: 2 }
    const member = await createEnsembleMember(peers, options)
    members.set(id, member)
    return member
  }
  const startDamaged = async (id: number, what: string) => {
    try {
      return await start(id)
    } catch (error) {
      if (!isZooKeeperError(error) || !REFUSALS.includes(error.code)) throw new Error(what, { cause: error })
      refusals.push(`${error.code}: ${what}`)
      await rm(dataDir(id), { recursive: true, force: true })
      return start(id)
    }
  }

  const random = seededRandom(SEED)
  const refusals: string[] = []
  /** Every value that was ever written to a path; the last one is the present one. */
  const written = new Map<string, string[]>()
  const write = async (member: EnsembleMember, count: number) => {
    const writes = Array.from({ length: count }, async (_, index) => {
      const path = `/${randomInt(random, 30)}`
      const value = `${written.get(path)?.length ?? 0} ${Buffer.from(random.bytes(200)).toString('base64')} ${index}`
      const values = written.get(path)
      if (values === undefined) written.set(path, [value])
      else values.push(value)
      await (values === undefined ? member.create(path, value) : member.setData(path, value))
    })
    await Promise.all(writes)
  }
  const valuesOf = (member: EnsembleMember) =>
    [...written.keys()].map(path => [path, member.local.getData(path)?.data?.toString() ?? null] as const)

  await Promise.all([1, 2, 3].map(start))
  for (let round = 0; round < DAMAGES; round++) {
    const id = 1 + randomInt(random, 3)
    const [writer] = [...members.values()].filter(member => member.id !== id)
    const victim = members.get(id)
    if (writer === undefined || victim === undefined) throw new Error('there are three members')
    await write(writer, 1 + randomInt(random, 60))
    await until('everybody has it', () => [...members.values()].every(({ local }) => local.zxid === writer.local.zxid))
    members.delete(id)
    await victim.close()
    const what = `damage ${round}: member ${id}, ${await damageSomewhere(dataDir(id), random)}`
    if (randomInt(random, 2) === 0) await write(writer, 1 + randomInt(random, 60))

    const returned = await startDamaged(id, what)
    for (const [path, value] of valuesOf(returned)) {
      if (value !== null && !written.get(path)?.includes(value)) t.fail(`${what}: ${path} was never ${value}`)
    }
    await returned.sync()
    const present = new Map([...written].map(([path, values]) => [path, values.at(-1) ?? null]))
    t.strictSame(new Map(valuesOf(returned)), present, what)
    await until(`${what}: it is counted again`, () =>
      [...members.values()].some(member => {
        const { role, learners } = member.status()
        return role === 'leading' && learners.length === 2 && learners.every(({ synced, counted }) => synced && counted)
      })
    )
    await until('everybody has applied the same', () => {
      const zxids = [...members.values()].map(({ local }) => local.zxid)
      return zxids.every(zxid => zxid === zxids[0])
    })
    const digests = new Set([...members.values()].map(({ local }) => local.digest))
    t.equal(digests.size, 1, `${what}: all hold the same`)
    t.equal(returned.status().storage.damage, null, `${what}: nothing of it is left`)
  }
  for (const refusal of refusals) t.comment(refusal)
})

t.test('a member whose log has lost what it acknowledged has no vote until its peers have repaired it', async t => {
  const cluster = await ProcessCluster.serving(t, { options: { tickTime: 100 } })
  const leader = await cluster.settledLeader()
  const [kept, damaged] = cluster.followersOf(leader)
  if (kept === undefined || damaged === undefined) throw new Error('there are two followers')
  await leader.load()
  await until('there is something to lose', () => cluster.ledger.acknowledged > 200)
  await leader.endLoad()
  await cluster.quiet()
  await damaged.kill()
  const database = join(cluster.dataDir(damaged.id), 'db')
  const [log] = (await readdir(database)).filter(name => name.endsWith('.log'))
  const path = join(database, log ?? '')
  const bytes = await readFile(path)
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
  await writeFile(path, bytes)
  await kept.kill()

  const returned = cluster.launch(damaged.id)
  const status = await until('it waits for the one that is not there', async () => {
    const status = await returned.status()
    return status?.waiting?.kind === 'quorum' && status.waiting.missing.length === 1 && status
  })
  t.match(status, { serving: false, standing: 'withheld', waiting: { missing: [kept.id] } })
  t.type(status.storage.damage, 'string', 'it says what is wrong')
  await until('the one with a whole log waits as well', async () => (await leader.status())?.waiting?.kind === 'quorum')

  await cluster.start(kept.id)
  await returned.started
  await cluster.settledLeader()
  t.match(await cluster.status(damaged.id), { standing: 'member', storage: { damage: null } })
  await cluster.assertWhole(t)
})
