import t from 'tap'
import { openDatabaseStorage } from '../../lib/storage/index.js'
import { FaultyLevel } from '../fixtures/faulty-level.js'
import { append, batchAt, STORAGE_OPTIONS } from '../fixtures/storage-history.js'

t.test('records and txns are counted as they are written: txns that share a sync share a record', async t => {
  const storage = await openDatabaseStorage(new FaultyLevel(), STORAGE_OPTIONS)
  t.teardown(() => storage.close())
  t.strictSame(storage.appended, { records: 0, txns: 0 })
  await append(storage, batchAt(1, 1))
  t.strictSame(storage.appended, { records: 1, txns: 1 })
  await Promise.all(Array.from({ length: 100 }, (_, index) => append(storage, batchAt(1, index + 2))))
  t.strictSame(storage.appended, { records: 2, txns: 101 })
})

t.test('a write that has failed is not counted', async t => {
  const database = new FaultyLevel()
  const storage = await openDatabaseStorage(database, STORAGE_OPTIONS)
  t.teardown(() => storage.close())
  database.failNext('clean')
  await t.rejects(append(storage, batchAt(1, 1)), { code: 'STORAGE_FAILED' })
  t.strictSame(storage.appended, { records: 0, txns: 0 })
})
