import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import t, { type Test } from 'tap'
import { createEnsembleMember } from '../../lib/index.js'
import { ProcessCluster } from '../fixtures/integration-cluster.js'
import { freePorts } from '../fixtures/integration-ports.js'

async function directoryOf(t: Test): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'ezk-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** Every file below a directory, with its bytes. */
async function contentOf(directory: string): Promise<ReadonlyMap<string, string>> {
  const content = new Map<string, string>()
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile()) content.set(path, (await readFile(path)).toString('base64'))
  }
  return content
}

t.test('a data directory that another process holds is refused, and the refusal names that process', async t => {
  const cluster = await ProcessCluster.serving(t, { size: 1 })
  const [port] = await freePorts(1)
  const peers = [`tcp://127.0.0.1:${port}`]
  const options = { dataDir: cluster.dataDir(1), ensemble: cluster.ensemble }
  await t.rejects(createEnsembleMember(peers, options), {
    code: 'DATA_DIR_IN_USE',
    message: new RegExp(`\\b${cluster.member(1).pid}\\b`)
  })
  await cluster.member(1).create('/undisturbed')
  await cluster.member(1).kill()
  const member = await createEnsembleMember(peers, options)
  t.ok(await member.exists('/undisturbed'), 'and can be opened once that process is dead')
  await member.close()
})

t.test('a data directory of another ensemble or another member is refused, and left as it is', async t => {
  const dataDir = await directoryOf(t)
  const [port, otherPort] = await freePorts(2)
  const peers = { 1: `tcp://127.0.0.1:${port}` }
  const member = await createEnsembleMember(peers, { dataDir, ensemble: 'ours' })
  await member.create('/a')
  await member.close()
  const content = await contentOf(dataDir)
  await t.rejects(createEnsembleMember(peers, { dataDir, ensemble: 'theirs' }), { code: 'ENSEMBLE_MISMATCH' })
  const others = { 2: `tcp://127.0.0.1:${otherPort}` }
  await t.rejects(createEnsembleMember(others, { dataDir, ensemble: 'ours' }), { code: 'ENSEMBLE_MISMATCH' })
  t.strictSame(await contentOf(dataDir), content, 'not a byte of it has changed')
  const again = await createEnsembleMember(peers, { dataDir, ensemble: 'ours' })
  t.ok(await again.exists('/a'))
  await again.close()
})

t.test('a data directory of a newer format is refused, and left as it is', async t => {
  const dataDir = await directoryOf(t)
  const [port] = await freePorts(1)
  const peers = [`tcp://127.0.0.1:${port}`]
  const member = await createEnsembleMember(peers, { dataDir })
  await member.close()
  const path = join(dataDir, 'identity')
  const identity = JSON.parse((await readFile(path, 'utf8')).split('\n')[0] ?? '')
  const json = JSON.stringify({ ...identity, version: identity.version + 1 })
  await writeFile(path, `${json}\n${crc32(json).toString(16).padStart(8, '0')}\n`)
  const content = await contentOf(dataDir)
  await t.rejects(createEnsembleMember(peers, { dataDir }), { code: 'FORMAT_VERSION' })
  t.strictSame(await contentOf(dataDir), content, 'not a byte of it has changed')
})

t.test('a member alone whose log cannot be proven whole refuses to start until the loss is accepted', async t => {
  const dataDir = await directoryOf(t)
  const [port] = await freePorts(1)
  const peers = [`tcp://127.0.0.1:${port}`]
  const member = await createEnsembleMember(peers, { dataDir })
  await member.create('/first')
  await member.close()
  const again = await createEnsembleMember(peers, { dataDir })
  await again.create('/second')
  await again.close()
  // The end of the log is lost, as LevelDB itself would not notice.
  const [log] = [...(await contentOf(dataDir)).keys()].filter(name => name.endsWith('.log'))
  await truncate(log ?? '')
  await t.rejects(createEnsembleMember(peers, { dataDir }), { code: 'LOG_CORRUPTED' })
  const salvaged = await createEnsembleMember(peers, { dataDir, onLostQuorum: 'salvage' })
  t.ok(await salvaged.exists('/first'), 'what is proven is kept')
  t.equal(await salvaged.exists('/second'), null, 'what was lost is lost')
  await salvaged.close()
})
