import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Epoch } from '../../lib/base/index.js'
import { AcknowledgedNote } from '../../lib/storage/acknowledged-note.js'
import { zxidAt } from '../fixtures/storage-history.js'

async function place(t: Test): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'note-'))
  t.teardown(() => rm(directory, { recursive: true }))
  return join(directory, 'acknowledged')
}

function noted(counter: number) {
  return { revision: 2 ** 33 + counter, zxidEnd: zxidAt(9, counter), acceptedEpoch: 12 as Epoch, currentEpoch: 9 as Epoch }
}

t.test('a note says what was written last, also after it was opened again', async t => {
  const path = await place(t)
  t.equal(await AcknowledgedNote.read(path), null)
  for (let opening = 0; opening < 3; opening++) {
    const note = await AcknowledgedNote.open(path, noted(10 * opening))
    t.match(await AcknowledgedNote.read(path), noted(10 * opening))
    for (let counter = 1; counter < 5; counter++) {
      await note.write(noted(10 * opening + counter))
      t.match(await AcknowledgedNote.read(path), noted(10 * opening + counter))
    }
    await note.close()
  }
  if (process.platform !== 'win32') t.equal((await stat(path)).mode & 0o777, 0o600)
})

t.test('a write that is torn leaves what the note said before', async t => {
  const path = await place(t)
  const note = await AcknowledgedNote.open(path, noted(1))
  await note.write(noted(2))
  const before = await readFile(path)
  await note.write(noted(3))
  await note.close()
  const after = await readFile(path)
  const changed = [...after.keys()].filter(index => after[index] !== before[index])
  t.ok(changed.length > 4)
  for (const index of changed.slice(0, -1)) {
    await writeFile(path, Buffer.concat([after.subarray(0, index + 1), before.subarray(index + 1)]))
    t.match(await AcknowledgedNote.read(path), noted(2))
  }
})

t.test('a note neither of whose slots is whole says so', async t => {
  const path = await place(t)
  for (const content of [Buffer.alloc(0), Buffer.alloc(1024), Buffer.alloc(7, 1)]) {
    await writeFile(path, content)
    t.equal(await AcknowledgedNote.read(path), 'missing')
  }
  const note = await AcknowledgedNote.open(path, noted(4))
  await note.close()
  t.match(await AcknowledgedNote.read(path), noted(4))
})
