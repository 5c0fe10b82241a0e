import { chmod, chown, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import t, { type Test } from 'tap'
import type { Epoch } from '../../lib/base/index.js'
import { openDirectoryStorage, type Storage } from '../../lib/storage/index.js'
import { zxidLastIn } from '../../lib/zab/index.js'
import { until } from '../fixtures/integration-until.js'
import {
  append,
  batchAt,
  contentOf,
  enterEpoch,
  replaceAll,
  STORAGE_OPTIONS,
  snapshotAt,
  zxidAt
} from '../fixtures/storage-history.js'
import { StorageProcess } from '../fixtures/storage-process.js'

async function place(t: Test): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'level-directory-'))
  t.teardown(() => rm(parent, { recursive: true }))
  return join(parent, 'data')
}

function open(directory: string): Promise<Storage> {
  return openDirectoryStorage(directory, STORAGE_OPTIONS)
}

/** A closed store with some history. */
async function filled(directory: string, appends = 6): Promise<object> {
  const storage = await open(directory)
  await enterEpoch(storage, 1)
  for (let counter = 1; counter <= appends; counter++) await append(storage, batchAt(1, counter))
  await snapshotAt(storage, zxidAt(1, 4), 2)
  const content = await contentOf(storage)
  await storage.close()
  return content
}

async function contentIn(directory: string): Promise<object> {
  const storage = await open(directory)
  try {
    return await contentOf(storage)
  } finally {
    await storage.close()
  }
}

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777
}

/** Every file with its bytes. */
async function imageOf(directory: string): Promise<object> {
  const names = await readdir(directory, { recursive: true })
  const files = await Promise.all(names.map(async name => ((await stat(join(directory, name))).isFile() ? name : null)))
  const image: Record<string, string> = {}
  for (const name of files) if (name !== null) image[name] = (await readFile(join(directory, name))).toString('base64')
  return image
}

t.test('nobody but the owner may read what is in a data directory', { skip: process.platform === 'win32' }, async t => {
  const directory = await place(t)
  const storage = await open(directory)
  t.equal(await modeOf(directory), 0o700)
  for (let counter = 1; counter <= 12; counter++) await append(storage, batchAt(1, counter, 1, 1_000_000))
  t.equal(await modeOf(join(directory, 'db')), 0o700, 'nobody gets at the files that LevelDB makes later')
  for (const name of ['identity', 'acknowledged', 'holder']) t.equal(await modeOf(join(directory, name)), 0o600, name)
  await storage.close()
  const again = await open(directory)
  await again.close()
  const names = await readdir(join(directory, 'db'))
  t.ok(names.length > 5)
  for (const name of names) t.equal(await modeOf(join(directory, 'db', name)), 0o600, name)
})

t.test('a directory that cannot be trusted is refused', { skip: process.platform === 'win32' }, async t => {
  const directory = await place(t)
  await mkdir(directory)
  for (const mode of [0o770, 0o707, 0o722]) {
    await chmod(directory, mode)
    await t.rejects(open(directory), { code: 'DATA_DIR_UNSAFE' })
  }
  t.strictSame(await readdir(directory), [])
  if (process.getuid?.() === 0) {
    await chmod(directory, 0o700)
    await chown(directory, 12345, 12345)
    await t.rejects(open(directory), { code: 'DATA_DIR_UNSAFE' })
    await chown(directory, 0, 0)
  }
  await chmod(directory, 0o755)
  await (await open(directory)).close()
})

t.test('a directory is open once in a process, also for another copy of the library', async t => {
  const directory = await place(t)
  const storage = await open(directory)
  const copy = (await import(`../../lib/storage/level-directory.js?${'another copy'}`)) as {
    openDirectoryStorage: typeof openDirectoryStorage
  }
  t.not(copy.openDirectoryStorage, openDirectoryStorage)
  // Reading LOCK releases the lock that LevelDB holds for this process; the guards beside it stay.
  await readFile(join(directory, 'db', 'LOCK'))
  await t.rejects(open(directory), { code: 'DATA_DIR_IN_USE' })
  await t.rejects(open(join(directory, '..', 'data')), { code: 'DATA_DIR_IN_USE' })
  await t.rejects(copy.openDirectoryStorage(directory, STORAGE_OPTIONS), { code: 'DATA_DIR_IN_USE' })
  await append(storage, batchAt(1, 1))
  await storage.close()
  await storage.close()
  t.notOk((await readdir(directory)).includes('holder'))
  const again = await copy.openDirectoryStorage(directory, STORAGE_OPTIONS)
  t.equal(zxidLastIn(again.state.log), zxidAt(1, 1))
  await again.close()
})

t.test('a directory is open in one process, which is named, also once LOCK was read', async t => {
  const directory = await place(t)
  const child = new StorageProcess()
  t.strictSame(await child.ask({ kind: 'hold', directory }), { kind: 'opened' })
  const error = await open(directory).catch((reason: unknown) => reason)
  t.match(error, { code: 'DATA_DIR_IN_USE' })
  t.match((error as Error).message, new RegExp(`process ${child.pid} `))
  await child.kill()
  const storage = await open(directory)
  t.equal(storage.state.run, 2)

  await readFile(join(directory, 'db', 'LOCK'))
  const other = new StorageProcess()
  const report = await other.ask({ kind: 'hold', directory })
  t.match(report, { kind: 'refused', code: 'DATA_DIR_IN_USE', message: new RegExp(`process ${process.pid} `) })
  await other.kill()
  await append(storage, batchAt(1, 1))
  await storage.close()
})

t.test('LevelDB’s own lock decides where the holder is not named', async t => {
  const directory = await place(t)
  const child = new StorageProcess()
  await child.ask({ kind: 'hold', directory })
  await rm(join(directory, 'holder'))
  await t.rejects(open(directory), { code: 'DATA_DIR_IN_USE', cause: { cause: { code: 'LEVEL_LOCKED' } } })
  await child.kill()
})

t.test(
  'a holder that is dead, or whose number another process has, is taken over from',
  { skip: process.platform !== 'linux' },
  async t => {
    const directory = await place(t)
    await filled(directory)
    const storage = await open(directory)
    const holder = JSON.parse(await readFile(join(directory, 'holder'), 'utf8')) as { pid: number; startTicks: string }
    await storage.close()
    const leftBehind = [
      JSON.stringify({ ...holder, startTicks: holder.startTicks.replace(/\d+$/, '1') }),
      JSON.stringify({ ...holder, host: 'another machine' }),
      JSON.stringify({ ...holder, pid: 2 ** 22 + 1 }),
      '{"pid":'
    ]
    for (const content of leftBehind) {
      await writeFile(join(directory, 'holder'), content)
      await (await open(directory)).close()
    }
    await writeFile(join(directory, 'holder'), JSON.stringify(holder))
    await t.rejects(open(directory), { code: 'DATA_DIR_IN_USE' })
  }
)

t.test('data of another ensemble or member, or of a newer format, is refused before anything is touched', async t => {
  const directory = await place(t)
  await filled(directory)
  const before = await imageOf(directory)
  await t.rejects(openDirectoryStorage(directory, { ...STORAGE_OPTIONS, ensembleName: 'other' }), { code: 'ENSEMBLE_MISMATCH' })
  t.strictSame(await imageOf(directory), before)
  const path = join(directory, 'identity')
  const [json = ''] = (await readFile(path, 'utf8')).split('\n')
  const newer = JSON.stringify({ ...JSON.parse(json), version: 2 })
  await writeFile(path, `${newer}\n${crc32(newer).toString(16).padStart(8, '0')}\n`)
  const changed = await imageOf(directory)
  await t.rejects(open(directory), { code: 'FORMAT_VERSION' })
  t.strictSame(await imageOf(directory), changed)
})

t.test('an identity file that is lost or broken is made again from the database', async t => {
  const directory = await place(t)
  const content = await filled(directory)
  const path = join(directory, 'identity')
  const identity = await readFile(path, 'utf8')
  for (const spoil of [() => rm(path), () => writeFile(path, identity.replace('default', 'defaulu')), () => truncate(path, 10)]) {
    await spoil()
    t.strictSame(await contentIn(directory), content)
    t.equal(await readFile(path, 'utf8'), identity)
  }
})

t.test('a database from another directory is refused', async t => {
  const one = await place(t)
  const other = await place(t)
  await filled(one)
  await filled(other)
  await rm(join(one, 'db'), { recursive: true })
  await cp(join(other, 'db'), join(one, 'db'), { recursive: true })
  await t.rejects(open(one), { code: 'LOG_CORRUPTED' })
})

t.test('a store whose directory is removed or replaced while it is open fails instead of acknowledging', async t => {
  const whatHappens: ((directory: string) => Promise<void>)[] = [
    directory => rm(directory, { recursive: true }),
    directory => rm(join(directory, 'db'), { recursive: true }),
    async directory => {
      await rename(directory, `${directory}-away`)
      await cp(`${directory}-away`, directory, { recursive: true })
    }
  ]
  for (const happens of whatHappens) {
    const directory = await place(t)
    const storage = await open(directory)
    await append(storage, batchAt(1, 1))
    await happens(directory)
    await t.rejects(append(storage, batchAt(1, 2)), { code: 'STORAGE_FAILED' })
    await t.rejects(append(storage, batchAt(1, 2)), { code: 'STORAGE_FAILED' })
    await storage.close()
  }
})

t.test('a store whose directory is gone is not made anew by opening it again', async t => {
  const directory = await place(t)
  const storage = await open(directory)
  await rm(directory, { recursive: true })
  await t.rejects(storage.reopen(), { code: 'STORAGE_FAILED' })
  await mkdir(directory)
  await t.rejects(storage.reopen(), { code: 'STORAGE_FAILED' })
  await storage.close()
})

/** The database as it was before `change`, under the note of what was acknowledged since. */
async function rolledBack(directory: string, change: (storage: Storage) => Promise<void>): Promise<Storage> {
  const storage = await open(directory)
  const copy = `${directory}-copy`
  await cp(join(directory, 'db'), copy, { recursive: true })
  await change(storage)
  await storage.close()
  await rm(join(directory, 'db'), { recursive: true })
  await rename(copy, join(directory, 'db'))
  return open(directory)
}

t.test('a database that has silently lost its end is damaged', async t => {
  const directory = await place(t)
  await filled(directory)
  const storage = await rolledBack(directory, async each => append(each, batchAt(1, 7)))
  t.match(storage.state, { damage: { zxidProven: zxidAt(1, 6) }, run: 3 })
  await storage.close()
  const again = await open(directory)
  t.ok(again.state.damage, 'and stays so')
  await replaceAll(again)
  await again.close()
  const repaired = await open(directory)
  t.equal(repaired.state.damage, null)
  await repaired.close()
})

t.test('a promise that the database has lost is kept', async t => {
  const directory = await place(t)
  await filled(directory)
  const storage = await rolledBack(directory, async each =>
    each.write({ kind: 'acceptEpoch', epoch: 7 as Epoch, ensembleId: null })
  )
  t.ok(storage.state.damage)
  t.equal(storage.state.acceptedEpoch, 7)
  t.equal(storage.state.currentEpoch, 1)
  await storage.close()
})

t.test('a cut that the note does not know of is not damage', async t => {
  const directory = await place(t)
  await filled(directory)
  const note = await readFile(join(directory, 'acknowledged'))
  const storage = await open(directory)
  await storage.write({ kind: 'truncate', zxid: zxidAt(1, 5) })
  await storage.close()
  await writeFile(join(directory, 'acknowledged'), note)
  const again = await open(directory)
  t.equal(again.state.damage, null)
  t.equal(zxidLastIn(again.state.log), zxidAt(1, 5))
  await again.close()
})

t.test('a note that is missing or broken proves nothing, and that is damage', async t => {
  for (const spoil of [
    (path: string) => rm(path),
    (path: string) => truncate(path, 0),
    (path: string) => writeFile(path, Buffer.alloc(1024))
  ]) {
    const directory = await place(t)
    await filled(directory)
    await spoil(join(directory, 'acknowledged'))
    const storage = await open(directory)
    t.match(storage.state, { damage: { zxidProven: zxidAt(1, 6) } })
    await storage.close()
  }
})

t.test('a database that is gone is damage of the same store, with its promises', async t => {
  const directory = await place(t)
  const { state } = (await filled(directory)) as { state: Storage['state'] }
  await rm(join(directory, 'db'), { recursive: true })
  const storage = await open(directory)
  t.match(storage.state, { identity: state.identity, acceptedEpoch: 1, vote: 'withheld', damage: { zxidProven: 0 } })
  await replaceAll(storage)
  await storage.close()
  const again = await open(directory)
  t.equal(again.state.damage, null)
  await again.close()
})

t.test('a database that LevelDB cannot open is set aside, whole, until it is replaced', async t => {
  const manifestOf = async (path: string) => join(path, (await readdir(path)).find(name => name.startsWith('MANIFEST')) ?? '')
  const whatHappens: ((path: string) => Promise<void>)[] = [
    path => rm(join(path, 'CURRENT')),
    path => truncate(join(path, 'CURRENT'), 0),
    path => writeFile(join(path, 'CURRENT'), 'MANIFEST-999999\n'),
    async path => rm(await manifestOf(path)),
    async path => {
      const manifest = await readFile(await manifestOf(path))
      manifest[20] = (manifest[20] ?? 0) ^ 4
      await writeFile(await manifestOf(path), manifest)
    },
    async path => {
      for (const name of await readdir(path)) if (name.endsWith('.ldb')) await rm(join(path, name))
    }
  ]
  for (const happens of whatHappens) {
    const directory = await place(t)
    await filled(directory)
    await contentIn(directory)
    await happens(join(directory, 'db'))
    const storage = await open(directory)
    t.match(storage.state, { damage: { zxidProven: 0 }, acceptedEpoch: 1 })
    t.ok((await readdir(directory)).includes('db-damaged-1'))
    await replaceAll(storage)
    const content = await contentOf(storage)
    // It is removed behind the replacement, aside; what a close interrupts the next open goes on with.
    await until('the remains are removed', async () => !(await readdir(directory)).includes('db-damaged-1'))
    await storage.close()
    t.strictSame(await contentIn(directory), content)
  }
})

/** A store whose history lies in tables, one of them with a bit flipped in its middle. */
async function withBrokenTable(directory: string): Promise<void> {
  const storage = await open(directory)
  await enterEpoch(storage, 1)
  for (let counter = 1; counter <= 30; counter++) await append(storage, batchAt(1, counter, 1, 300_000))
  await storage.close()
  await (await open(directory)).close()
  const path = join(directory, 'db')
  const tables = (await readdir(path)).filter(name => name.endsWith('.ldb')).sort()
  const table = join(path, tables[1] ?? '')
  const bytes = await readFile(table)
  const middle = bytes.length >> 1
  bytes[middle] = (bytes[middle] ?? 0) ^ 1
  await writeFile(table, bytes)
}

t.test('what can be proven of a database with a broken table is kept, and the table is never opened in this process', async t => {
  const directory = await place(t)
  await withBrokenTable(directory)
  const storage = await open(directory)
  const { damage, log } = storage.state
  t.ok(damage)
  const last = zxidLastIn(log)
  t.ok(last > zxidAt(1, 3) && last < zxidAt(1, 30))
  t.equal(damage?.zxidProven, last)
  t.equal(((await contentOf(storage)) as { log: unknown[] }).log.length, last - zxidAt(1, 0))
  await storage.close()
  const again = await open(directory)
  t.strictSame(again.state.damage, damage)
  t.ok((await readdir(directory)).includes('db-damaged-1'))
  await again.write({ kind: 'acceptDamage' })
  await append(again, batchAt(1, last - zxidAt(1, 0) + 1))
  await until('the remains are removed', async () => !(await readdir(directory)).includes('db-damaged-1'))
  await again.close()
  const later = await open(directory)
  t.equal(later.state.damage, null)
  t.equal(zxidLastIn(later.state.log), last + 1)
  await later.close()
})

t.test('a crash while a database is set aside is made good by the next start', async t => {
  const directory = await place(t)
  await withBrokenTable(directory)
  await rename(join(directory, 'db'), join(directory, 'db-damaged-1'))
  await mkdir(join(directory, 'db-salvaged'))
  await writeFile(join(directory, 'db-salvaged', 'CURRENT'), 'half')
  const storage = await open(directory)
  t.ok(storage.state.damage)
  t.ok(zxidLastIn(storage.state.log) > zxidAt(1, 3))
  t.strictSame((await readdir(directory)).filter(name => name.startsWith('db')).sort(), ['db', 'db-damaged-1'])
  await storage.close()
})

t.test('a process that is killed in mid-write loses nothing that it acknowledged', async t => {
  const directory = await place(t)
  let acknowledged = 0
  const take = (report: { readonly kind: string; readonly zxid?: number }): void => {
    if (report.kind === 'acknowledged') acknowledged = report.zxid ?? Number.NaN
  }
  for (let round = 1; round <= 5; round++) {
    const child = new StorageProcess()
    t.match(await child.ask({ kind: 'write', directory }), { kind: 'opened' })
    for (let writes = 0; writes < 10 * round; writes++) take(await child.next())
    for (const report of await child.kill()) take(report)
    const storage = await open(directory)
    t.equal(storage.state.damage, null)
    t.ok(acknowledged >= zxidAt(1, 30 * round) && zxidLastIn(storage.state.log) >= acknowledged)
    await contentOf(storage)
    await storage.close()
  }
})

t.test('a process that has closed its store ends by itself', async t => {
  const child = new StorageProcess()
  t.match(await child.ask({ kind: 'leave', directory: await place(t) }), { kind: 'ended', exitCode: 0 })
})
