import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { present, type Random, randomInt, seededRandom } from '../../lib/base/index.js'
import { openDirectoryStorage } from '../../lib/storage/index.js'
import { append, batchAt, contentOf, enterEpoch, STORAGE_OPTIONS, snapshotAt, zxidAt } from '../fixtures/storage-history.js'
import { StorageProcess } from '../fixtures/storage-process.js'

const DAMAGES = 200
const SEED = Number(process.env.SEED ?? 1)

interface Content {
  readonly state: {
    readonly acceptedEpoch: number
    readonly currentEpoch: number
    readonly identity: { readonly incarnation: string }
  }
  readonly log: readonly (readonly [zxid: number, digest: string])[]
  readonly chunks: readonly string[]
}

/** A store whose history lies in several tables and a log: two epochs, a cut, and snapshots. */
async function makeStore(directory: string): Promise<Content> {
  let counter = 0
  for (let opening = 0; opening < 5; opening++) {
    const storage = await openDirectoryStorage(directory, STORAGE_OPTIONS)
    const epoch = opening < 3 ? 1 : 2
    if (opening === 0 || opening === 3) {
      await enterEpoch(storage, epoch)
      counter = 0
    }
    for (let appends = 0; appends < 20; appends++) {
      const bytes = 20 + 500 * (appends % 7)
      await append(storage, batchAt(epoch, counter + 1, 3, bytes), zxidAt(epoch, Math.max(1, counter - 5)))
      counter += 3
    }
    if (opening === 1) {
      counter -= 4
      await storage.write({ kind: 'truncate', zxid: zxidAt(1, counter) })
    }
    if (opening < 4) await snapshotAt(storage, zxidAt(epoch, counter - 10), 3, 20_000)
    const content = (await contentOf(storage)) as Content
    await storage.close()
    if (opening === 4) return content
  }
  throw new Error('the last opening returns')
}

/** Files with data in them, and now and then the others. */
async function pickFile(random: Random, directory: string): Promise<string> {
  const names = (await readdir(join(directory, 'db'))).filter(name => name !== 'LOCK' && !name.startsWith('LOG')).sort()
  const files = [...names.map(name => join('db', name)), 'identity', 'acknowledged']
  return present(files[randomInt(random, files.length)], 'an index within bounds')
}

/** Damages a file in one of the ways in which disks do. */
async function damage(random: Random, path: string): Promise<string> {
  const bytes = await readFile(path)
  const at = randomInt(random, Math.max(1, bytes.length))
  switch (randomInt(random, 8)) {
    case 0:
      await rm(path)
      return 'deleted'
    case 1:
      await writeFile(path, bytes.subarray(0, at))
      return `cut off at ${at}`
    case 2:
      await writeFile(path, bytes.fill(0, at, Math.min(bytes.length, at + 512)))
      return `a sector of zeros at ${at}`
    case 3:
      for (let index = at; index < Math.min(bytes.length, at + 64); index++) bytes[index] = randomInt(random, 256)
      await writeFile(path, bytes)
      return `garbage at ${at}`
    default:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << randomInt(random, 8))
      await writeFile(path, bytes)
      return `a bit at ${at}`
  }
}

/** Whether everything that is served is what was written there. */
function servesOnlyTruth(found: Content, original: Content): boolean {
  const truth = new Map(original.log)
  const chunks = new Set(original.chunks)
  return found.log.every(([zxid, digest]) => truth.get(zxid) === digest) && found.chunks.every(chunk => chunks.has(chunk))
}

/** Whether nothing is missing that cannot be made up for: the log ends where it ended, and what is served leads there. */
function isWhole(found: Content, original: Content): boolean {
  const tail = original.log.slice(original.log.length - found.log.length)
  const { acceptedEpoch, currentEpoch, identity } = original.state
  const same = found.state.acceptedEpoch === acceptedEpoch && found.state.currentEpoch === currentEpoch
  return same && found.state.identity.incarnation === identity.incarnation && JSON.stringify(tail) === JSON.stringify(found.log)
}

// Two hundred copies of a store, and a process for every broken table: seconds on a quiet machine, more on a busy one.
t.setTimeout(300_000)

t.test(`${DAMAGES} random damages to a store’s files are found or make no difference`, async t => {
  const parent = await mkdtemp(join(tmpdir(), 'random-damage-'))
  t.teardown(() => rm(parent, { recursive: true }))
  const template = join(parent, 'template')
  const original = await makeStore(template)
  let child = new StorageProcess()
  t.teardown(() => child.kill())
  const counts: Record<string, number> = {}
  for (let number = 0; number < DAMAGES; number++) {
    const random = seededRandom(SEED * 1_000_003 + number)
    const directory = join(parent, `${number}`)
    await cp(template, directory, { recursive: true })
    const file = await pickFile(random, directory)
    const title = `${number}: ${file}, ${await damage(random, join(directory, file))}`
    const report = await child.ask({ kind: 'judge', directory })
    let outcome: string
    if (report.kind === 'judged') {
      const found = JSON.parse(report.content) as Content
      outcome = report.damage === null ? 'harmless' : 'damage'
      if (!servesOnlyTruth(found, original)) t.fail(`another history is served: ${title}`)
      if (report.damage === null && !isWhole(found, original)) t.fail(`a loss is not noticed: ${title}`)
    } else if (report.kind === 'refused') {
      outcome = report.code
      t.match(report.code, /^(LOG_CORRUPTED|ENSEMBLE_MISMATCH|FORMAT_VERSION)$/, title)
    } else {
      // LevelDB has ended the process: found, but at the application's cost. None is known, since broken tables are not opened.
      outcome = `ended by ${report.kind === 'ended' ? report.signal : report.kind}`
      t.fail(`${outcome}: ${title}`)
      child = new StorageProcess()
    }
    if (outcome === 'damage' && number % 3 === 0) {
      const repaired = await child.ask({ kind: 'repair', directory })
      t.match(repaired, { kind: 'judged', damage: null, zxidLast: zxidAt(1, 8) }, `repaired by a replacement: ${title}`)
    }
    counts[`${outcome}`] = (counts[outcome] ?? 0) + 1
    await rm(directory, { recursive: true })
  }
  t.comment(JSON.stringify(counts))
  t.ok((counts.damage ?? 0) > DAMAGES / 4, 'the damages were not all to what nobody needs')
})
