import { cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Level } from 'level'
import t from 'tap'
import { randomInt, seededRandom } from '../../lib/base/index.js'
import { crc32c } from '../../lib/storage/crc32c.js'
import { findFault } from '../../lib/storage/level-files.js'
import { LEVEL_OPTIONS } from '../../lib/storage/level-options.js'

t.test('CRC-32C is that of RFC 3720', async t => {
  t.equal(crc32c(Buffer.from('123456789')), 0xe3069283)
  t.equal(crc32c(new Uint8Array(32)), 0x8a9136aa)
  t.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43)
  t.equal(crc32c(Uint8Array.from({ length: 32 }, (_, index) => index)), 0x46dd794e)
  t.equal(crc32c(new Uint8Array(0)), 0)
})

t.test('a database as LevelDB leaves it has no fault; every flipped bit of a table is one', async t => {
  const parent = await mkdtemp(join(tmpdir(), 'level-files-'))
  t.teardown(() => rm(parent, { recursive: true }))
  const path = join(parent, 'db')
  t.equal(await findFault(path, false), null)
  for (let opening = 0; opening < 3; opening++) {
    const database = new Level<string, Uint8Array>(path, LEVEL_OPTIONS)
    for (let index = 0; index < 100; index++) await database.put(`key ${opening} ${index}`, Buffer.alloc(index * 50, index))
    await database.close()
  }
  t.equal(await findFault(path, true), null)
  const names = (await readdir(path)).filter(name => name.endsWith('.ldb'))
  t.ok(names.length >= 2)
  const random = seededRandom(1)
  // Within the footer is padding that nobody reads.
  for (let round = 0; round < 200; round++) {
    const table = join(path, names[randomInt(random, names.length)] ?? '')
    const bytes = await readFile(table)
    const at = randomInt(random, bytes.length - 48)
    const bit = 1 << randomInt(random, 8)
    bytes[at] = (bytes[at] ?? 0) ^ bit
    await writeFile(table, bytes)
    t.ok(await findFault(path, true), `${bit} at ${at} of ${bytes.length}`)
    bytes[at] = (bytes[at] ?? 0) ^ bit
    await writeFile(table, bytes)
  }
  for (const length of [0, 10, 48, 1000]) {
    const copy = join(parent, `copy-${length}`)
    await cp(path, copy, { recursive: true })
    await truncate(join(copy, names[0] ?? ''), length)
    t.ok(await findFault(copy, true), `cut off at ${length}`)
  }
})

t.test('a database that was being made is told from one that has lost its first file', async t => {
  const path = await mkdtemp(join(tmpdir(), 'level-files-'))
  t.teardown(() => rm(path, { recursive: true }))
  await mkdir(join(path, 'db'))
  await writeFile(join(path, 'db', 'MANIFEST-000001'), 'x')
  t.equal(await findFault(join(path, 'db'), false), null)
  t.ok(await findFault(join(path, 'db'), true))
  await writeFile(join(path, 'db', 'CURRENT'), 'MANIFEST-000002\n')
  t.ok(await findFault(join(path, 'db'), false))
})
