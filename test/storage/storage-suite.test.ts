import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MemoryLevel } from 'memory-level'
import t from 'tap'
import { openDatabaseStorage, openDirectoryStorage, type StorageFixture, storageSuite } from '../../lib/storage/index.js'

async function inDirectory(): Promise<StorageFixture> {
  const directory = await mkdtemp(join(tmpdir(), 'storage-suite-'))
  return {
    open: options => openDirectoryStorage(directory, options),
    dispose: () => rm(directory, { recursive: true })
  }
}

async function inMemory(): Promise<StorageFixture> {
  const database = new MemoryLevel()
  return { open: options => openDatabaseStorage(database, options), dispose: () => database.close() }
}

t.test('in a directory', async t => {
  storageSuite({ test: (title, body) => t.test(title, body), factory: inDirectory })
})

t.test('in a database of the user’s own, here in memory', async t => {
  storageSuite({ test: (title, body) => t.test(title, body), factory: inMemory })
})
